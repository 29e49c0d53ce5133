#!/usr/bin/env bash
# Where the time goes: the functions that take most of it in Chord-S and in the planet.
#   bench/profile.sh [BIN]      BIN: build/release/bin; uses perf where it is, else callgrind
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=${1:-build/release/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The name of a function without its template arguments.
shorten() {
  sed -E ':a; s/<[^<>]*>//g; ta; s/\[clone [^]]*\]//; s/\(.*\)//; s/[[:space:]]+$//' |
    awk '{ share = $1; $1 = ""; sum[$0] += share }
      END { for (f in sum) printf "%6.1f %% %s\n", sum[f], f }' |
    sort -rn | head -n 14
}
shares() {
  local name=$1
  shift
  echo "== $name: $*"
  if command -v perf >/dev/null; then  # a missed floor of a shortened scenario does not matter
    perf record -q -o "$work/perf" "$@" >/dev/null 2>&1 || true
    perf report -i "$work/perf" --stdio --no-children 2>/dev/null |
      sed -nE 's/^ +([0-9.]+)% +[^ ]+ +[^ ]+ +\[.\] (.*)/\1 \2/p' | shorten
  else
    valgrind --tool=callgrind --callgrind-out-file="$work/calls" "$@" >/dev/null 2>&1 || true
    callgrind_annotate "$work/calls" 2>/dev/null |
      sed -nE 's/^ *[0-9,]+ \( *([0-9.]+)%\) +[^:]*:(.*)/\1 \2/p' | shorten
  fi
}

shares chord_s "$bin/chord_s" --variant H -n 200000 -d 60
shares planet "$bin/hydra" sim run planet --no-out --progress none --threads 1 \
  --set compare.alone=false --set duration="15 min" --set workload.jobs=16000
