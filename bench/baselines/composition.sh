#!/usr/bin/env bash
# composition.sh [COMPILER]: what a composition of routing policies costs: instructions of the same
# finds with kademlia alone and with first_of<kademlia>, cached<kademlia> and observe<kademlia>,
# counted by callgrind. More than 2 % more fails, of any of them, and so do other finds: events that
# are not as many. Instructions do not depend on how busy the machine is. 77: no valgrind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
compiler=${1:-g++}
if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed: nothing was checked"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" -std=c++20 -O2 -ffp-contract=off -pthread "-I$root/include" "-I$root/sim/include" \
  "$here/routing_events.cpp" -o "$folder/routing_events"

# count POLICY: sets `instructions` and `events`.
count() {
  events=$(valgrind --tool=callgrind --callgrind-out-file="$folder/out" --collect-atstart=no \
    --toggle-collect="*counted_finds*" "$folder/routing_events" "$1" 1024 2>"$folder/said")
  instructions=$(awk '/Collected/ { print $4 }' "$folder/said")
  if [ -z "$instructions" ] || [ "$instructions" -eq 0 ]; then
    cat "$folder/said"
    exit 1
  fi
}

count kademlia
alone=$instructions alone_events=$events
echo "kademlia: $alone instructions, $alone_events events"
failed=0
for composition in first_of cached observe; do
  count "$composition"
  awk -v a="$alone" -v c="$instructions" -v n="$composition" 'BEGIN {
    printf "%s<kademlia>: %d instructions, %+.2f %% of at most +2 %%\n", n, c, 100 * (c / a - 1)
    exit c > 1.02 * a
  }' || failed=1
  if [ "$events" -ne "$alone_events" ]; then
    echo "$composition<kademlia>: $events events, not the same finds"
    failed=1
  fi
done
exit "$failed"
