#!/usr/bin/env bash
# same_output.sh EXPECTED PROGRAM...: passes when PROGRAM succeeds and prints what EXPECTED holds.
# With UPDATE=1 in the environment it writes EXPECTED instead; look at the difference.
set -euo pipefail
expected=$1
shift
if [ "${UPDATE:-0}" = 1 ]; then
  "$@" >"$expected"
  exit
fi
if [ ! -e "$expected" ]; then
  echo "$expected is missing: what must this example print?"
  exit 1
fi
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
"$@" >"$printed"
diff -u "$expected" "$printed"
