#!/usr/bin/env bash
# check.sh REPORT.html SUMMARY.json [WIDTH]: opens a copy of the page in Debian's chromium and
# compares what it shows with the summary of the run, the `--json` output (see check.js). Prints
# what failed and exits with 1; exits with 77 where chromium is missing.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: check.sh REPORT.html SUMMARY.json [WIDTH]" >&2
  exit 2
fi
report=$1 summary=$2 width=${3:-1440}
for file in "$report" "$summary"; do
  [ -s "$file" ] || { echo "no such file, or empty: $file" >&2; exit 2; }
done
chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then
  echo "skipped: chromium is missing (apt-get install -y --no-install-recommends chromium)"
  exit 77
fi

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# The check is the first script of the page, so that it hears of every error of the others.
awk -v check="$here/check.js" -v summary="$summary" '
  function put(file, escaped,    line) {
    while ((getline line < file) > 0) {
      if (escaped) gsub(/</, "\\u003c", line)
      print line
    }
  }
  !done && (at = index($0, "<head>")) {
    print substr($0, 1, at + 5)
    print "<script type=\"application/json\" id=\"check-summary\">"
    put(summary, 1)
    print "</script><script>"
    put(check, 0)
    print "</script>"
    print substr($0, at + 6)
    done = 1
    next
  }
  { print }' "$report" >"$room/page.html"

timeout 240 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
  --user-data-dir="$room/profile" --window-size="$width,1000" --virtual-time-budget=60000 \
  --dump-dom "file://$room/page.html" >"$room/dom.html" 2>"$room/said" || true
# What was put in quotes these words too, with blanks before them.
sed -n '/^verdict {/,/^end of verdict/p' "$room/dom.html" >"$room/verdict"
if [ ! -s "$room/verdict" ]; then
  tail -n 5 "$room/said" >&2
  echo "failed: the page gave no verdict"
  exit 1
fi
sed -n 's/^failed: /failed: /p' "$room/verdict"
if grep -q '^verdict {"ok":true,' "$room/verdict"; then
  sed -n 's/^verdict .*"checks":\([0-9]*\).*/ok: \1 checks/p' "$room/verdict"
else
  exit 1
fi
