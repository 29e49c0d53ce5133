#!/usr/bin/env bash
# page.sh HYDRA FOLDER WIDTH SCENARIO [--set KEY=VALUE ...]: runs a scenario and compares its page
# with the object that the same command prints (check.sh). Leaves report.html and summary.json in
# FOLDER. A bound that the small run misses is not this test's business. Exits with 77 without
# chromium.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ $# -ge 4 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program=$1 folder=$2 width=$3 scenario=$4
shift 4
rm -rf "$folder"
mkdir -p "$folder"
code=0
HYDRA_SCENARIOS=$here/../../sim/scenarios "$program" sim run "$scenario" "$@" --json \
  --progress none --out "$folder/out" --report html,csv,trace >"$folder/summary.json" || code=$?
[ $code = 0 ] || [ $code = 4 ] || { echo "failed: the run ended with $code"; exit 1; }
cp "$folder"/out/*/report.html "$folder/report.html"
size=$(stat -c %s "$folder/report.html")
[ "$size" -lt 2000000 ] || { echo "failed: the page has $size bytes"; exit 1; }
for file in jobs.csv hydras.csv timeline.csv trace.json result.json manifest.json; do
  [ -s "$folder"/out/*/"$file" ] || { echo "failed: $file is missing"; exit 1; }
done
"$here/check.sh" "$folder/report.html" "$folder/summary.json" "$width"
