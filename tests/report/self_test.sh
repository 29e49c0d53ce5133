#!/usr/bin/env bash
# self_test.sh REPORT.html SUMMARY.json: breaks a good page in several ways and demands that
# check.sh finds each. Exits with 77 where chromium is missing.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ $# = 2 ] || { echo "usage: self_test.sh REPORT.html SUMMARY.json" >&2; exit 2; }
report=$1 summary=$2
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
passed=0 failed=0

verdict() {  # verdict WORDS good|bad PATTERN PAGE
  local code=0
  "$here/check.sh" "$4" "$summary" >"$room/said" 2>&1 || code=$?
  if [ $code = 77 ]; then cat "$room/said"; exit 77; fi
  if { [ "$2" = good ] && [ $code = 0 ]; } ||
    { [ "$2" = bad ] && [ $code = 1 ] && grep -q "$3" "$room/said"; }; then
    echo "ok: $1"
    passed=$((passed + 1))
  else
    echo "not so: $1 (exit $code)"
    head -n 5 "$room/said"
    failed=$((failed + 1))
  fi
}
# broken WORDS PATTERN PERL: the page after an edit, which must change it.
broken() {
  perl -0pe "$3" "$report" >"$room/page.html"
  if cmp -s "$report" "$room/page.html"; then
    echo "not so: $1 (nothing was broken)"
    failed=$((failed + 1))
    return
  fi
  verdict "$1" bad "$2" "$room/page.html"
}

verdict "a good page passes" good "" "$report"
broken "a wrong number in the data is found" 'the summary in the page is not' \
  's/("completed": ?)(\d+)/$1 . ($2 + 1)/e'
broken "a wrong number on the screen is found" 'jobs.completed: shown as' \
  's{</body>}{<script>hydraReport.ready.then(() => {
    document.querySelector("[data-field*=completed]").textContent = "12,345";});</script></body>}'
broken "a script that throws is found" 'error in the page' \
  's{</body>}{<script>throw new Error("planted");</script></body>}'
broken "a promise that breaks is found" 'unhandled' \
  's{</body>}{<script>Promise.reject(new Error("planted"));</script></body>}'
broken "Hydras that live elsewhere are found" 'do not stand at' \
  's/("hydras":\{"lon":\[)([^\]]*)/$1 . join(",", map { $_ + 9000 } split(",", $2))/e'
broken "Hydras drawn elsewhere are found" 'pixels from where it lives' \
  's{</body>}{<script>const real = hydraReport.pixelOf; hydraReport.pixelOf =
     (i) => { const [x, y] = real(i); return [x + 30, y]; };</script></body>}'
broken "a dead slider is found" 'slider' \
  's{</body>}{<script>for (const e of ["input", "keydown"]) addEventListener(e, (event) => {
    if (event.target.id === "time") event.stopImmediatePropagation();}, true);</script></body>}'
broken "a flow that crosses the cut unmarked is found" 'cross the cut unmarked' \
  's{</body>}{<script>const shown = hydraReport.flowsShown; hydraReport.flowsShown = () =>
    shown().concat([{from_region: -1, to_region: JSON.parse(document.getElementById("hydra-data")
      .textContent).faults.find((f) => f.kind === "partition").regions[0], marked: false}]);
    </script></body>}'
broken "colours that do not change are found" 'dark' \
  's{</body>}{<script>addEventListener("click", (event) => {
    if (event.target.matches(".theme")) event.stopImmediatePropagation();}, true);</script></body>}'
broken "a chart without a label is found" 'no label on' \
  's{</body>}{<script>
    document.querySelector(".chart").removeAttribute("aria-label");</script></body>}'

echo "$passed passed, $failed failed"
[ $failed = 0 ]
