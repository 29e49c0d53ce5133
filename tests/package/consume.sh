#!/usr/bin/env bash
# consume.sh WAY SOURCE BUILD CMAKE COMPILER [PREFIX]: configures, builds and runs the consumer in
# the folder WAY, against SOURCE itself or, for find_package, against an installation: PREFIX, else
# one of BUILD. What it prints must be what is expected. Nothing is downloaded.
set -euo pipefail
way=$1 source=$2 build=$3 cmake=$4 compiler=$5 prefix=${6:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset HYDRA_DATA HYDRA_SCENARIOS

given=("-DHYDRA_SOURCE=$source") program=consumer arguments=()
expected=$source/tests/package/add_subdirectory/expected.txt
case $way in
  find_package)
    if [ -z "$prefix" ]; then
      "$cmake" --install "$build" --prefix "$folder/prefix" >"$folder/install.log"
      # Moved after installation: nothing may point back to where it was built.
      prefix=$folder/moved
      mv "$folder/prefix" "$prefix"
    fi
    if grep -rn "$source" "$prefix"/lib/cmake "$prefix"/lib/*/cmake 2>/dev/null; then
      echo "the installed package files point into the source tree"
      exit 1
    fi
    given+=("-DCMAKE_PREFIX_PATH=$prefix")
    program=example_03_custom_scheduler
    example=$source/examples/03_custom_scheduler
    read -ra arguments < <(sed -n 's,^// run: ,,p' "$example/main.cpp")
    expected=$example/expected.txt
    ;;
  fetch_content)
    given+=("-DFETCHCONTENT_SOURCE_DIR_HYDRA=$source" -DFETCHCONTENT_FULLY_DISCONNECTED=ON)
    ;;
esac
# Unoptimised: it takes a third of the time to build, and no result depends on it.
"$cmake" -S "$source/tests/package/$way" -B "$folder/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_COMPILER=$compiler" "${given[@]}"
"$cmake" --build "$folder/build"
cd "$folder"
"$source/examples/same_output.sh" "$expected" "build/$program" "${arguments[@]}"
echo "a consumer was built, ran and printed what was expected"
