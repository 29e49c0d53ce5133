#!/usr/bin/env bash
# demo.sh BIN [SEED SEED]: the demo of the movie in its short form, twice in a row from a fresh
# state, with different seeds; all that it claims holds, and nothing is left of it. Where the jail
# is not whole it is played without, and that is said. 77: ffmpeg is missing.
set -euo pipefail
bin=$(cd "$1" && pwd)
shift
[ $# != 0 ] || set -- 1 2
for tool in ffmpeg ffprobe; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is missing"; exit 77; }
done
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"
jail=()
# What of a demo lies in /tmp or runs.
left() {
  find /tmp -maxdepth 1 -name 'hydra-demo-*' -user "$(id -u)" 2>/dev/null
  grep -ls '/tmp/[h]ydra-demo-' /proc/[0-9]*/cmdline || true
}
before=$(left | sort)
play() {
  got=0
  timeout 150 "$hydra" demo movie --seed "$1" "${jail[@]}" >"$folder/said.$1" 2>&1 || got=$?
}
for seed; do
  play "$seed"
  if [ $got = 7 ] && grep -q 'the jail is not whole' "$folder/said.$seed"; then
    tail -n 1 "$folder/said.$seed"
    jail=(--allow-without-jail)
    play "$seed"
  fi
  [ $got = 0 ] || wrong "seed $seed ended with $got: $(tail -n 40 "$folder/said.$seed")"
  grep -E '^(ok|NOT|real|emulated)' "$folder/said.$seed" | sed "s/^/seed $seed: /" || true
  # The hash stands there twice, and is the same.
  hashes=$(sed -n 's/^ok .*decoded frames \([0-9a-f]*\) here, \([0-9a-f]*\) .*/\1 \2/p' \
    "$folder/said.$seed")
  [ -n "$hashes" ] && [ "${hashes% *}" = "${hashes#* }" ] ||
    wrong "seed $seed does not show one hash twice"
done

# Interrupted while it plays: it ends, with everything that it began.
"$hydra" demo movie --seed 9 "${jail[@]}" >"$folder/said.cut" 2>&1 &
pids[demo]=$!
for ((i = 0; i < 600; ++i)); do
  grep -q 'nodes are up' "$folder/said.cut" && break
  sleep 0.1
done
kill -INT "${pids[demo]}"
got=0
wait "${pids[demo]}" || got=$?
unset 'pids[demo]'
[ $got = 130 ] || wrong "interrupted it ended with $got: $(tail -n 5 "$folder/said.cut")"
sleep 0.5
after=$(left | sort)
[ "$before" = "$after" ] || wrong "something is left of a demo: $after"
[ $wrongs = 0 ]
