#!/usr/bin/env bash
# kill.sh BIN [--kills N] [--seed N] [--keep]: three nodes that trust each other work; one of them,
# any, is killed with -9 and started again, N times, while jobs are submitted all the time. In the
# end every job that `run` called accepted has ended once, what is done has the right result, no
# receipt is gone, and nothing of a jail is left. 77: bubblewrap is missing.
set -euo pipefail
bin=$(cd "$1" && pwd)
shift
kills=12 seed=1 keep=
while [ $# != 0 ]; do
  case $1 in
    --kills) kills=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --keep) keep=1 ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
  esac
  shift
done
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"
needs_jail

RANDOM=$seed
for n in 1 2 3; do up $n; done
befriend 1 2 3
sorts 2 3

# Submits to node $1 until there is $folder/enough; what was promised goes into $folder/promised.$1.
submit() {
  local n=$1 i=0 said job
  while [ ! -e "$folder/enough" ]; do
    i=$((i + 1))
    seq $((i % 7 + 1)) $((i % 11 + 1)) $((200 + i)) | sort -R --random-source=<(yes "$n $i") \
      >"$folder/in.$n.$i"
    said=$(at "$n" run text.sort "$folder/in.$n.$i" --work "1 s" --patience "5 min" --json \
      2>/dev/null) || { sleep 0.1; continue; }
    job=$(field job <<<"$said")
    case $(field state <<<"$said") in
      accepted | done) echo "$job $i" >>"$folder/promised.$n" ;;
    esac
    sleep 0.2
  done
}
declare -A receipts=([1]=0 [2]=0 [3]=0)
# A count of receipts never falls.
count_receipts() {
  local now
  now=$(at "$1" status --json 2>/dev/null | field receipts) || return 0
  [ -n "$now" ] || return 0
  [ "$now" -ge "${receipts[$1]}" ] || wrong "node $1 has $now receipts, and had ${receipts[$1]}"
  receipts[$1]=$now
}
pause() { sleep "$(printf '0.%03d' $((RANDOM % $1)))"; }

: >"$folder/promised.1"
: >"$folder/promised.2"
submit 1 &
first=$!
submit 2 &
second=$!
pids[submit1]=$first pids[submit2]=$second
for ((k = 0; k < kills; ++k)); do
  pause 900
  n=$((RANDOM % 3 + 1))
  [ $((RANDOM % 3)) = 0 ] || count_receipts $n
  kill -0 "${pids[$n]}" 2>/dev/null ||
    wrong "node $n ended by itself: $(tail -n 2 "$folder/$n.log")"
  strike $n
  pause 300
  begin $n
done
touch "$folder/enough"
wait $first $second
unset 'pids[submit1]' 'pids[submit2]'
for n in 1 2 3; do
  for ((i = 0; i < 100; ++i)); do
    answers $n && break
    sleep 0.1
  done
  answers $n || wrong "node $n does not come up again: $(tail -n 3 "$folder/$n.log")"
done

# Whoever is up has until then: a head that fell silent is given up after some seconds.
declare -i promised=0 done=0 failed=0 lost=0
until=$((SECONDS + 30 + kills / 4))
for n in 1 2; do
  while read -r job i; do
    promised+=1
    row=
    while :; do
      row=$(at $n show "$job" --json 2>&1) || break
      [ "$(field ended_ms <<<"$row")" = 0 ] && [ $SECONDS -lt $until ] || break
      sleep 0.2
    done
    state=$(field state <<<"$row")
    ends=$(at $n logs "$job" | grep -cE 'Z  (done|failed|cancelled)' || true)
    case $state in
      done)
        done+=1
        if ! why=$(at $n get "$job" -o "$folder/got" -q 2>&1); then
          lost+=1
          wrong "job $job of node $n is done, and has no result: $why"
        elif ! sort "$folder/in.$n.$i" | cmp -s - "$folder/got"; then
          lost+=1
          wrong "job $job of node $n has a wrong result"
        fi
        ;;
      failed)
        failed+=1
        echo "job $job of node $n failed:"
        at $n logs "$job" | cut -d' ' -f2- | tail -n 12
        ;;
      *)
        lost+=1
        wrong "job $job of node $n was accepted and is ${state:-$row}"
        at $n logs "$job" | tail -n 8
        ;;
    esac
    [ "$ends" -le 1 ] || wrong "job $job of node $n ended $ends times"
  done <"$folder/promised.$n"
done
for n in 1 2 3; do
  count_receipts $n
  down $n
  grep -h 'hydra: /' "$folder/$n.log" | sort | uniq -c | sed "s/^/node $n said: /" || true
done
sleep 0.3
left=$(grep -lsF "$folder" /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -vx -e $$ -e $BASHPID || true)
for each in $left; do
  case $({ tr "\0" " " <"/proc/$each/cmdline"; } 2>/dev/null) in
    *bwrap*) wrong "process $each of a jail is left" ;;
  esac
done
[ $promised != 0 ] || wrong "no job was accepted"
echo "$kills kills: $promised jobs accepted, $done done, $failed failed, $lost lost;" \
  "receipts ${receipts[1]} ${receipts[2]} ${receipts[3]};" \
  "again: $0 $bin --kills $kills --seed $seed"
[ $wrongs = 0 ]
