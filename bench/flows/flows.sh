#!/usr/bin/env bash
# flows.sh [--write | --stored] [PART]: the model of flows against TCP in ns-3, scene by scene.
# Where ns-3 is installed (Debian: libns3-dev) its times are measured again, which takes about half
# an hour of one core for all scenes; with --stored, or without ns-3, they are read from
# bench/baselines/flows_ns3.csv. --write stores them there. PART: only scenes with it in their name.
# 4: the median of the relative errors is above 10 %, or their 90th percentile above 30 %.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
table=$root/bench/baselines/flows_ns3.csv
compiler=${CXX:-g++}
modules=(ns3-applications ns3-internet ns3-point-to-point ns3-traffic-control)
write=
stored=
while [ $# -gt 0 ]; do
  case $1 in
    --write) write=1 ;;
    --stored) stored=1 ;;
    -*) echo "usage: flows.sh [--write | --stored] [PART]" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
part=("${@:1:1}")  # none or one
if [ -n "$write" ] && [ -n "$stored${part[*]}" ]; then
  echo "--write measures all scenes: not with --stored or PART" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" -std=c++20 -O2 -ffp-contract=off "-I$root/include" "-I$root/sim/include" \
  "$here/flows_table.cpp" -o "$folder/flows_table"

reference=$table
if [ -z "$stored" ] && pkg-config --exists "${modules[@]}" 2>/dev/null; then
  echo "ns-3 $(pkg-config --modversion ns3-core): measuring again"
  # Only its own libraries: what they need themselves may not be there to link against.
  read -ra flags <<<"$(pkg-config --cflags --libs-only-L "${modules[@]}")"
  read -ra libraries <<<"$(pkg-config --libs-only-l "${modules[@]}")"
  "$compiler" -std=c++17 -O2 -w "$here/flows_ns3.cpp" -o "$folder/flows_ns3" "${flags[@]}" \
    "${libraries[@]}"
  reference=$folder/flows_ns3.csv
  "$folder/flows_ns3" "$reference" "${part[@]}"
  if [ -n "$write" ]; then
    cp "$reference" "$table"
    echo "written to $table"
  fi
elif [ -n "$write" ]; then
  echo "ns-3 is not installed: nothing to write" >&2
  exit 1
else
  [ -n "$stored" ] || echo "ns-3 is not installed"
  echo "comparing with the stored times of ns-3 3.37"
fi
"$folder/flows_table" "$reference" "${part[@]}"
