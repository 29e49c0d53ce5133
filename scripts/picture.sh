#!/usr/bin/env bash
# A picture of a report, taken with Debian's chromium.
#
#   scripts/picture.sh REPORT.html OUT.png [WIDTH [HEIGHT [light|dark [FRAGMENT [MS]]]]]
#
# WIDTH and HEIGHT in CSS pixels, 1440 and 1000 unless given; HEIGHT `full` is the whole page.
# FRAGMENT: the id of the part to start at, as `world`; MS: the time of the run to show.
# Exits with 77 where chromium is missing.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 7 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
report=$1 out=$2 width=${3:-1440} height=${4:-1000} theme=${5:-light} part=${6:-} time=${7:-}
chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then
  echo "chromium is not here: apt-get install -y --no-install-recommends chromium" >&2
  exit 77
fi
[ -f "$report" ] || { echo "no such report: $report" >&2; exit 2; }

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# A frame around the page scrolls it, sets its colours and tells its height.
cp "$report" "$room/report.html"
cat >"$room/frame.html" <<END
<!doctype html><meta charset="utf-8"><style>html,body{margin:0;overflow:hidden}
iframe{border:0;display:block;width:${width}px;height:100vh}</style>
<iframe src="report.html"></iframe>
<script>
const frame = document.querySelector('iframe');
frame.onload = async () => {
  const page = frame.contentWindow;
  if (page.hydraReport) {
    await page.hydraReport.ready;
    page.hydraReport.setTheme('$theme');
    if ('$time') page.hydraReport.setTime(Number('$time'));
  }
  const part = page.document.getElementById('$part');
  page.document.documentElement.style.scrollBehavior = 'auto';
  if (part) page.scrollTo(0, part.getBoundingClientRect().top + page.scrollY);
  document.body.dataset.height = page.document.documentElement.scrollHeight;
};
</script>
END
run() {
  timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars \
    --allow-file-access-from-files --disable-dev-shm-usage --user-data-dir="$room/profile" \
    --virtual-time-budget=15000 "$@" "file://$room/frame.html" 2>"$room/said"
}
if [ "$height" = full ]; then
  height=$(run --window-size="$width,1000" --dump-dom |
    sed -n 's/.*data-height="\([0-9]*\)".*/\1/p' | head -n 1)
  [ -n "$height" ] || { cat "$room/said" >&2; echo "the page did not answer" >&2; exit 1; }
fi
run --window-size="$width,$height" --screenshot="$room/all.png" >/dev/null
[ -s "$room/all.png" ] || { cat "$room/said" >&2; echo "no picture was made" >&2; exit 1; }
cp "$room/all.png" "$out"
echo "$out: $width x $height, $theme"
