#!/usr/bin/env bash
# must_fail.sh FILE COMPILER FLAGS...: passes when FILE does not compile and the compiler's words
# contain what the first lines of FILE ask for:  // expect: some words
set -euo pipefail

check() {
  local file=$1 expected said
  shift
  expected=$(sed -n '/^\/\/ expect:/!q; s|^// expect: *||p' "$file")
  if [ -z "$expected" ]; then
    echo "$file: the first line must be  // expect: some words"
    return 1
  fi
  if said=$(LC_ALL=C "$@" -fsyntax-only "$file" 2>&1); then
    echo "$file compiles, and must not"
    return 1
  fi
  local words
  while read -r words; do
    if ! grep -qF -- "$words" <<<"$said"; then
      printf '%s fails to compile for another reason than "%s":\n%s\n' "$file" "$words" "$said"
      return 1
    fi
  done <<<"$expected"
}

if [ "$1" = --self-test ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  printf '// expect: the reason\nstatic_assert(false, "the reason");\n' >"$folder/right.cpp"
  printf '// expect: the reason\nstatic_assert(false, "another");\n' >"$folder/other.cpp"
  printf '// expect: the reason\nstatic_assert(true, "the reason");\n' >"$folder/compiles.cpp"
  printf 'static_assert(false, "the reason");\n' >"$folder/silent.cpp"
  printf '// expect: the reason\n// expect: another\nstatic_assert(false, "the reason");\n' \
    >"$folder/half.cpp"
  check "$folder/right.cpp" "$2" -std=c++20
  for wrong in other compiles silent half; do
    if check "$folder/$wrong.cpp" "$2" -std=c++20; then
      echo "$wrong.cpp was let through"
      exit 1
    fi
  done
  exit 0
fi
check "$@"
