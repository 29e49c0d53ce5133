#!/usr/bin/env bash
# same_output.sh EXPECTED PROGRAM...: passes when PROGRAM succeeds and prints what EXPECTED holds.
set -euo pipefail
expected=$1
shift
if [ ! -e "$expected" ]; then
  echo "$expected is missing: what must this example print?"
  exit 1
fi
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
"$@" >"$printed"
diff -u "$expected" "$printed"
