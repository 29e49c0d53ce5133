#!/usr/bin/env bash
# matrix.sh PROBE FOLDER FLAGS...: builds PROBE with two compilers at two levels of optimisation,
# runs each with several numbers of shards and threads, and compares the lines that begin with
# "digest". FLAGS go to the compilers as they are (include directories, further sources).
set -euo pipefail
probe=$1 folder=$2
shift 2
flags=(-std=c++20 -ffp-contract=off -pthread "$@")
compilers=(g++)
if command -v clang++-19 >/dev/null; then
  compilers+=(clang++-19)
else
  echo "clang++-19 is not installed: the matrix is halved to g++"
fi
mkdir -p "$folder"

launcher=()
if command -v ccache >/dev/null; then launcher=(ccache); fi
waiting=()
for compiler in "${compilers[@]}"; do
  for level in 0 2; do
    "${launcher[@]}" "$compiler" "${flags[@]}" "-O$level" "$probe" -o "$folder/$compiler-O$level" &
    waiting+=($!)
    if [ ${#waiting[@]} = 2 ]; then  # two cores
      for one in "${waiting[@]}"; do wait "$one"; done
      waiting=()
    fi
  done
done
for one in "${waiting[@]}"; do wait "$one"; done

first= different=0
printf '%-14s %6s %7s  %s\n' build shards threads digest
for compiler in "${compilers[@]}"; do
  for level in 0 2; do
    for shards in 1 2 3 8; do
      for threads in 1 2; do
        run=("$folder/$compiler-O$level" --shards "$shards" --threads "$threads")
        if ! line=$("${run[@]}" | grep '^digest'); then
          echo "failed, or printed no line that begins with digest: ${run[*]}"
          exit 1
        fi
        : "${first:=$line}"
        mark=
        if [ "$line" != "$first" ]; then mark='  <- differs' different=$((different + 1)); fi
        printf '%-14s %6s %7s  %s%s\n' "$compiler -O$level" "$shards" "$threads" \
          "${line#digest }" "$mark"
      done
    done
  done
done
if [ "$different" != 0 ]; then
  echo "$different runs differ from the first"
  exit 1
fi
echo "all equal"
