#!/usr/bin/env bash
# consume.sh WAY SOURCE BUILD CMAKE COMPILER: configures, builds and runs the consumer in the folder
# WAY, against an installation of BUILD in a temporary prefix or against SOURCE itself.
set -euo pipefail
way=$1 source=$2 build=$3 cmake=$4 compiler=$5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if [ "$way" = find_package ]; then
  "$cmake" --install "$build" --prefix "$folder/prefix" >"$folder/install.log"
  # Moved after installation: nothing may point back to where it was built.
  mv "$folder/prefix" "$folder/moved"
  if grep -rn "$source" "$folder/moved/lib/cmake" "$folder"/moved/lib/*/cmake 2>/dev/null; then
    echo "the installed package files point into the source tree"
    exit 1
  fi
  given=("-DCMAKE_PREFIX_PATH=$folder/moved")
else
  given=("-DHYDRA_SOURCE=$source")
fi
"$cmake" -S "$source/tests/package/$way" -B "$folder/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=$compiler" "${given[@]}"
"$cmake" --build "$folder/build"
"$folder/build/consumer"
