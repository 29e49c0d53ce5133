#!/usr/bin/env bash
# headers.sh COMPILER FOLDER ROOTS... -- FLAGS...: compiles every header below the include
# directories ROOTS alone, two at a time. With ccache an unchanged header costs nothing.
# HYDRA_SKIP_HEADERS is a regular expression of paths to leave out.
set -euo pipefail
compiler=$1 folder=$2
shift 2
roots=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do roots+=("$1"); shift; done
[ $# -eq 0 ] || shift
flags=(-std=c++20 -O0 -ffp-contract=off -Wall -Wextra -Werror)
for root in "${roots[@]}"; do flags+=("-I$root"); done
flags+=("$@")

rm -rf "$folder/headers"
mkdir -p "$folder/headers"
count=0
for root in "${roots[@]}"; do
  while IFS= read -r header; do
    path=${header#"$root"/}
    if [ -n "${HYDRA_SKIP_HEADERS:-}" ] && [[ $path =~ $HYDRA_SKIP_HEADERS ]]; then continue; fi
    # Twice: a header must also bear to be included again.
    printf '#include <%s>\n#include <%s>\n' "$path" "$path" >"$folder/headers/${path//\//.}.cpp"
    count=$((count + 1))
  done < <(find "$root" -name '*.hpp' | LC_ALL=C sort)
done
if [ "$count" = 0 ]; then
  echo "there are no headers below ${roots[*]}"
  exit 1
fi

one() {
  local source=$1
  shift
  if ! "$@" -c "$source" -o "${source%.cpp}.o" 2>"${source%.cpp}.said"; then
    echo "not self-contained: $(sed -n 's/#include <\(.*\)>/\1/p;q' "$source")"
    head -n 12 "${source%.cpp}.said"
    return 1
  fi
}
export -f one
command=("$compiler" "${flags[@]}")
if command -v ccache >/dev/null; then command=(ccache "${command[@]}"); fi
find "$folder/headers" -name '*.cpp' -print0 | LC_ALL=C sort -z |
  xargs -0 -P 2 -I{} bash -c 'one "$@"' one {} "${command[@]}"
echo "$count headers compile alone"
