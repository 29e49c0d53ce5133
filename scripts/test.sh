#!/usr/bin/env bash
# Installs what is missing, builds everything and runs all tests. Ends with ctest's summary.
#   scripts/test.sh [--strict]     with --strict it also fails when its 30 minutes are exceeded
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

strict=0
case ${1:-} in
  '') ;;
  --strict) strict=1 ;;
  *) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac

table=() total=0
# part NAME BUDGET COMMAND...: runs one part; its minutes go into the table.
part() {
  local name=$1 budget=$2 began=$SECONDS status=0 took mark=
  shift 2
  say "== $name"
  "$@" || status=$?
  took=$((SECONDS - began))
  total=$((total + took))
  [ "$took" -le $((budget * 60)) ] || mark='  over its budget'
  table+=("$(printf '%-24s %6s of %2d minutes%s' "$name" "$(minutes $took)" "$budget" "$mark")")
  return "$status"
}

build_all() {
  if [ $strict = 1 ]; then  # nobody reads it in a debugger
    configure dev "-DCMAKE_CXX_FLAGS_DEBUG=-Og -g0"
  else
    configure dev
  fi
  build dev
}

# tests NAME CTEST-ARGUMENTS...: the output goes to the terminal and to build/logs/NAME.log.
tests() {
  local name=$1
  shift
  cd "$hydra_root"
  ctest --preset dev --no-tests=error "$@" 2>&1 | tee "$hydra_logs/$name.log"
}
summary() { sed -n '/tests passed/,$p' "$hydra_logs/$1.log"; }

prepare
part install 4 install_missing "${hydra_sim_packages[@]}" "${hydra_test_packages[@]}" \
  "${hydra_node_packages[@]}"
part build 10 build_all
failed=0
part "consumers and headers" 4 tests consumers -L 'package|headers' || failed=1
part tests 10 tests tests -LE 'package|headers' || failed=1

say ""
printf '%s\n' "${table[@]}"
printf '%-24s %6s of 30 minutes\n' total "$(minutes $total)"
if [ $strict = 1 ] && [ $total -gt 1800 ]; then
  say "the total is over its budget"
  failed=1
fi
say ""
say "consumers and headers: $(summary consumers | grep -E 'tests passed|^[[:space:]]+[0-9]+ - ')"
summary tests
exit $failed
