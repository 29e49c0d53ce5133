#!/usr/bin/env bash
# check.sh [--write] [COMPILER]: instructions per event of Chord-S H (2,000 peers), counted by
# callgrind, against the committed number for this compiler; more than 3 % off, either way, fails.
# Instructions do not depend on how busy the machine is. 77: no valgrind, or no number for it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
table=$here/instructions.csv
tolerance=0.03
write=
if [ "${1:-}" = --write ]; then write=1; shift; fi
compiler=${1:-g++}
if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed: nothing was checked"
  exit 77
fi
name=$("$compiler" -dumpversion)
kind=g++
if "$compiler" --version | grep -q clang; then kind=clang++; fi
name=$kind-${name%%.*}-$(uname -m)
known=$(awk -F, -v name="$name" '$1 == name { print $2 }' "$table")
if [ -z "$known" ] && [ -z "$write" ]; then
  echo "no number is committed for $name in $table: nothing was checked"
  exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" -std=c++20 -O2 -ffp-contract=off -pthread "-I$root/include" \
  "-I$root/sim/include" "$here/chord_events.cpp" -o "$folder/chord_events"

# Prints events and instructions of so many simulated seconds.
measure() {
  local events
  events=$(valgrind --tool=callgrind --callgrind-out-file="$folder/out" \
    "$folder/chord_events" "$1" 2>"$folder/said")
  echo "$events $(awk '/Collected/ { print $4 }' "$folder/said")"
}
# The difference of two runs: without set-up, and with everything warm.
read -r events_short instructions_short <<<"$(measure 10)"
read -r events_long instructions_long <<<"$(measure 60)"
found=$(awk -v e=$((events_long - events_short)) -v i=$((instructions_long - instructions_short)) \
  'BEGIN { printf "%.1f", i / e }')

if [ -n "$write" ]; then
  grep -v "^$name," "$table" >"$folder/table" || true
  echo "$name,$found" >>"$folder/table"
  cp "$folder/table" "$table"
  echo "$name: $found instructions per event, written to $table"
  exit 0
fi
echo "$name: $found instructions per event, committed $known"
awk -v found="$found" -v known="$known" -v part="$tolerance" 'BEGIN {
  off = found / known - 1
  if (off > part) { printf "%.1f %% more than committed\n", 100 * off; exit 1 }
  if (off < -part) { printf "%.1f %% fewer: commit the gain with --write\n", -100 * off; exit 1 }
}'
