#!/usr/bin/env bash
# composition.sh [COMPILER]: what a composition of routing policies costs: instructions of the same
# finds with kademlia alone and with first_of<kademlia>, counted by callgrind. More than 2 % more
# fails. Instructions do not depend on how busy the machine is. 77: no valgrind.
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
counted() {
  valgrind --tool=callgrind --callgrind-out-file="$folder/out" --collect-atstart=no \
    --toggle-collect="*counted_finds*" "$folder/routing_events" "$1" 1024 2>"$folder/said" \
    >/dev/null
  awk '/Collected/ { print $4 }' "$folder/said"
}
alone=$(counted kademlia)
composed=$(counted first_of)
awk -v a="$alone" -v c="$composed" 'BEGIN {
  printf "kademlia %d instructions, first_of<kademlia> %d: %+.2f %%\n", a, c, 100 * (c / a - 1)
  exit c > 1.02 * a
}'
