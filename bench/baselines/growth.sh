#!/usr/bin/env bash
# growth.sh POLICY [--sizes N,N,...] [--million] [COMPILER]: instructions per event of finds in a
# world of one policy (kademlia, chord, pastry, small_world, flood, walk, filters, indices,
# ring_and_keys, first_of, cached, observe; of hyparview and plumtree those of upkeep and of a
# broadcast) at 1k, 8k and 64k heads, counted by callgrind; with --million at 1M, too. Fails when
# they grow faster than log2 of the number of heads, by more than a quarter, from the smallest size
# on. Instructions do not depend on how busy the machine is. 77: no valgrind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
policy=${1:?growth.sh POLICY}
shift
sizes=1024,8192,65536
compiler=g++
while [ $# -gt 0 ]; do
  case $1 in
    --sizes) sizes=$2; shift 2 ;;
    --million) sizes=$sizes,1048576; shift ;;
    *) compiler=$1; shift ;;
  esac
done
slack=1.25
if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed: nothing was checked"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" -std=c++20 -O2 -ffp-contract=off -pthread "-I$root/include" "-I$root/sim/include" \
  "$here/routing_events.cpp" -o "$folder/routing_events"

# count HEADS [idle]: sets `instructions` and `events`.
count() {
  events=$(valgrind --tool=callgrind --callgrind-out-file="$folder/out" --instr-atstart=no \
    "$folder/routing_events" "$policy" "$@" 2>"$folder/said")
  instructions=$(awk '/Collected/ { print $4 }' "$folder/said")
  if [ -z "$instructions" ] || [ "$instructions" -eq 0 ]; then
    cat "$folder/said"
    exit 1
  fi
}

first=
for n in ${sizes//,/ }; do
  count "$n"
  case $policy in
    filters|indices|ring_and_keys)  # less what the same time costs when nobody asks
      all=$instructions all_events=$events
      count "$n" idle
      instructions=$((all - instructions)) events=$((all_events - events)) ;;
  esac
  each=$(awk -v i="$instructions" -v e="$events" 'BEGIN { printf "%.1f", i / e }')
  first=${first:-$each,$n}
  echo "$policy, $n heads: $each instructions per event ($events events)"
  awk -v first="$first" -v now="$each" -v n="$n" -v slack="$slack" 'BEGIN {
    split(first, was, ",")
    allowed = was[1] * slack * log(n) / log(was[2])
    if (now > allowed) { printf "more than %.1f: faster than log2\n", allowed; exit 1 }
  }'
done
