#!/usr/bin/env bash
# Builds dist/report_template.html, the page that `hydra report` fills with the data of a run. Only
# for those who change the page: the built file is committed, and nothing here runs with Hydra.
# Needs Node 20 and npm. The versions are pinned; running it twice gives the same bytes.
#
#   sim/report/build.sh            builds into sim/report/dist and writes sim/report/LICENSES.txt
#   sim/report/build.sh --check    builds elsewhere and fails if what is committed differs
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "${1:-}" in
  "" | --check) ;;
  *) echo "usage: build.sh [--check]" >&2; exit 2 ;;
esac
if ! command -v npm >/dev/null; then
  echo "npm is not here: the page is built at development time only" >&2
  exit 77
fi

# In a folder of its own, so that the source tree never holds foreign packages.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cp -r "$here/package.json" "$here/package-lock.json" "$here/build.mjs" "$here/src" "$room/"
(cd "$room" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 &&
  node build.mjs)

if [ "${1:-}" = --check ]; then
  cmp "$room/dist/report_template.html" "$here/dist/report_template.html"
  cmp "$room/LICENSES.txt" "$here/LICENSES.txt"
  echo "what is committed is what the sources give"
else
  mkdir -p "$here/dist"
  cp "$room/dist/report_template.html" "$here/dist/report_template.html"
  cp "$room/LICENSES.txt" "$here/LICENSES.txt"
fi
wc -c "$here/dist/report_template.html"
