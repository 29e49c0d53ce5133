#!/usr/bin/env bash
# odd.sh BIN: what users, disks and neighbours do to a node that no manual foresees. Everything ends
# with the exit code of the manual and a sentence, and nothing else is lost by it.
set -euo pipefail
bin=$(cd "$1" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"

# expect CODE WORDS COMMAND...: ends with the code; what it says holds the words (a regular
# expression), and nothing that a terminal would obey.
expect() {
  local code=$1 words=$2 said got=0
  shift 2
  said=$("$@" 2>&1 </dev/null) || got=$?
  [ "$got" = "$code" ] || wrong "$* ended with $got, not $code: ${said:0:300}"
  grep -qE -- "$words" <<<"$said" || wrong "$* does not say \"$words\": ${said:0:300}"
  ! grep -q $'[\001-\010\013-\037]' <<<"$said" || wrong "$* says control characters"
}
# A line to the control socket of node $1, as it stands on the standard input; its answer.
tell() {
  timeout 10 perl -MSocket -e '
    $SIG{PIPE} = "IGNORE";
    socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; connect($s, pack_sockaddr_un($ARGV[0])) or die;
    local $/; my $said = <STDIN>; my $at = 0;
    while ($at < length $said) {
      my $n = syswrite($s, $said, length($said) - $at, $at) or last; $at += $n;
    }
    shutdown($s, 1) if $ARGV[1]; print <$s>;' "$folder/$1/control" "${2:-}" 2>/dev/null
}
# As many bytes as named of something.
bytes() { head -c "$1" /dev/zero | tr '\0' "${2:-x}"; }

# ---- two nodes, one home; a socket that a killed node left ---------------------------------------
up 1
expect 1 'another node answers here; .hydra down. stops it' at 1 up
answers 1 || wrong "the second node took the first one's socket"
before=$(at 1 peer invite)
strike 1
[ -S "$folder/1/control" ] || wrong "no socket was left behind"
expect 5 'no node answers here; .hydra up. starts one' at 1 status
up 1
[ "$(at 1 peer invite)" = "$before" ] || wrong "key or port changed with a life"
(for i in 1 2 3 4; do timeout 20 "$hydra" up --home "$folder/race" & done; wait) \
  >"$folder/race.log" 2>&1 &
pids[race]=$!
sleep 2
ups=$(grep -c '^hydra: up' "$folder/race.log" || true)
[ "$ups" = 1 ] || wrong "of four that start at once $ups are up: $(cat "$folder/race.log")"
at race down -q || wrong "the one of four that is up does not go down"
wait "${pids[race]}" || true
unset 'pids[race]'

# ---- odd arguments -------------------------------------------------------------------------------
echo text >"$folder/text"
expect 2 'is no file' at 1 run text.sort "$folder/missing"
expect 2 'is no file' at 1 run text.sort "$folder"
expect 2 'is no service; allowed: NAME or NAME/MAJOR' at 1 run text.sort/x "$folder/text"
expect 2 'is no contact; allowed: hydra:KEY@HOST:PORT' at 1 peer add nonsense
expect 2 '64 hex digits' at 1 peer add hydra:12@127.0.0.1:1
expect 2 'its port is not 1 to 65535' at 1 peer add "${before%:*}:99999"
expect 2 'is no address' at 1 peer add "${before%@*}@[::g]:1"
expect 2 'that is this node' at 1 peer add "$before"
expect 2 'there is no peer' at 1 peer rm nobody
expect 2 'there is no peer' at 1 ring add nobody
expect 2 'there is no job 77' at 1 show 77
expect 2 '.' at 1 show x
expect 2 '.' at 1 show 99999999999999999999
expect 2 'write --param name=value' at 1 run text.sort "$folder/text" -p novalue
expect 2 'longer than 65535|--param' at 1 run text.sort "$folder/text" -p "big=$(bytes 100000)"
expect 2 '.' at 1 peer add $'\e[31mred\a'
expect 2 '.' at 1 run $'text\e[2J' "$folder/text"
expect 2 '.' at 1 run text.sort "$folder/"$'\e]0;x\a'
expect 2 '.' at 1 ring add $'\xff\xfe'
expect 2 '--timeout' at 1 run text.sort "$folder/text" --wait --timeout soon
expect 2 '--patience' at 1 run text.sort "$folder/text" --patience -3
for each in '--memory 0' '--memory -3' '--memory x' '--memory 4294967296' '--price-max -1' \
  '--price-max 1.5' '--minor-min 65536' '--minor-max -1' '--within-km 0' '--within-km 20001'; do
  expect 2 "${each% *}: ${each#* } is not allowed; allowed: [01] to " \
    at 1 run text.sort "$folder/text" ${each% *}="${each#* }"
done
expect 2 '--region: "europ" is no region; did you mean "europe"\? allowed: africa, asia, europe' \
  at 1 run text.sort "$folder/text" --region asia,europ
expect 2 '--region: "" is not allowed' at 1 run text.sort "$folder/text" --region ''
expect 2 '--minor-min: 3 is above --minor-max: 2' \
  at 1 run text.sort "$folder/text" --minor-min 3 --minor-max 2
expect 2 'within_km: 500 is not allowed; this node does not know where it is.*1/hydra.toml' \
  at 1 run text.sort "$folder/text" --within-km 500
expect 2 '.' at 1 frobnicate
expect 3 'manifest' at 1 service add "$folder"
expect 2 'is no service of this node' at 1 service rm text.sort
cp "$folder/text" "$folder/a b"
expect 2 'is not allowed as a name' at 1 run text.sort "$folder/a b"
expect 1 'too long for the name of a socket' "$hydra" status --home "$folder/$(bytes 100)"

# ---- nobody offers it, and nobody waits forever --------------------------------------------------
expect 5 'nobody who is trusted does this' \
  at 1 run text.sort "$folder/text" --wait --patience "2 s" --timeout "30 s"
expect 124 'after 1 s' at 1 run text.sort "$folder/text" --wait --timeout "1 s"
job=$(at 1 ls --json | field job | head -n 1)
expect 124 'after 1 s' at 1 wait "$job" --timeout "1 s"
expect 5 'job .* is accepted' at 1 get "$job"
expect 0 "$job" at 1 cancel "$job"
expect 1 'is cancelled' at 1 wait "$job" --timeout "10 s"

# ---- the control socket --------------------------------------------------------------------------
if perl -MSocket -e 1 2>/dev/null; then
  [[ $(echo '{"verb":"status"}' | tell 1) == *'"ok":true'* ]] || wrong "the socket does not answer"
  for line in 'not JSON' '' '{}' '[]' 'null' '"verb"' '{"verb":7}' '{"verb":"frobnicate"}' \
    '{"verb":"run"}' '{"verb":"run","service":[],"files":{}}' '{"verb":"show","job":"x"}' \
    '{"verb":"show","job":1e99}' '{"verb":"run","service":"a","files":[7],"params":[]}' \
    '{"verb":"run","service":"a","params":{"x":{}}}' '{"verb":"peer add","contact":null}' \
    '{"verb":"run","service":"a","patience_ms":-1,"work_ms":-9223372036854775808}' \
    '{"verb":"run","service":"a","patience_ms":9223372036854775807}' \
    '{"verb":"run","service":"a","demands":{"regions":"","memory_mb":-1}}' \
    '{"verb":"run","service":"a","demands":7}' \
    '{"verb":"service add","manifest":"/dev/zero"}' $'{"verb":"\xff\xfe"}'; do
    said=$(echo "$line" | tell 1)
    [[ $said == *'"ok":'* ]] || wrong "no answer to $line"
  done
  bytes 100000 '[' | { cat && echo; } | tell 1 >"$folder/said" || true
  grep -q '"ok":false' "$folder/said" || wrong "no answer to a hundred thousand brackets"
  bytes 2000000 | tell 1 >/dev/null || true
  printf '{"verb":"status"}' | tell 1 cut >/dev/null || true
  # One that says nothing, and one that never listens, may keep others waiting, but not for long.
  (sleep 6 | tell 1 >/dev/null) &
  answers 1 || wrong "one who says nothing stops all others"
  wait $! || true
  answers 1 || wrong "a line on the control socket ended the node"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  other() {
    setpriv --reuid 65534 --regid 65534 --clear-groups "$hydra" "$@"
  }
  chmod 755 "$folder"
  expect 7 'another user' other status --home "$folder/1"
  chmod 755 "$folder/1"
  expect 7 'another user' other status --home "$folder/1"
  chmod 700 "$folder/1" "$folder"
fi
[ "$(stat -c %a "$folder/1")" = 700 ] || wrong "its folder is $(stat -c %a "$folder/1")"
for each in objects scratch services; do
  [ "$(stat -c %a "$folder/1/$each")" = 700 ] || wrong "$each may be entered by others"
done
for each in control state.sqlite identity.pem; do
  [ "$(stat -c %a "$folder/1/$each")" = 600 ] || wrong "$each may be read by others"
done
down 1

# ---- damaged files -------------------------------------------------------------------------------
cp -r "$folder/1" "$folder/2"
rubbish() { dd if=/dev/urandom of="$1" bs=1 seek="$2" count="$3" conv=notrunc status=none; }
rubbish "$folder/2/state.sqlite" 0 200
sum=$(md5sum <"$folder/2/state.sqlite")
expect 1 'state.sqlite: ' at 2 up
[ "$(md5sum <"$folder/2/state.sqlite")" = "$sum" ] || wrong "a damaged state was written to"
cp "$folder/1/state.sqlite" "$folder/2/state.sqlite"
rubbish "$folder/2/state.sqlite" 4096 3000
expect 1 'state.sqlite: ' at 2 up
cp "$folder/1/state.sqlite" "$folder/2/state.sqlite"
sed -i 's/^port = 0/prot = 0/' "$folder/2/hydra.toml"
expect 3 'hydra.toml:[0-9]+:[0-9]+: .*port' at 2 up
expect 5 'no node answers' at 2 status
bytes 70000 >"$folder/2/hydra.toml"
expect 3 'hydra.toml' at 2 up
printf '[network\n\377' >"$folder/2/hydra.toml"
expect 3 'hydra.toml:[0-9]+' at 2 up
cp "$folder/1/hydra.toml" "$folder/2/hydra.toml"
echo nonsense >"$folder/2/identity.pem"
expect 1 'identity.pem' at 2 up
[ "$(cat "$folder/2/identity.pem")" = nonsense ] || wrong "a damaged identity was replaced"
: >"$folder/2/identity.pem"
expect 1 'identity.pem' at 2 up
cp "$folder/1/identity.pem" "$folder/2/identity.pem"
up 2
[ "$(at 2 peer invite)" = "$before" ] || wrong "what was not damaged is not as it was"
down 2

# ---- a result that rots on the disk --------------------------------------------------------------
if (needs_jail) >/dev/null; then
  up 3
  up 4
  befriend 3 4
  sorts 4
  expect 0 '.' at 3 run text.sort "$folder/text" -o "$folder/out" --work "1 s" --timeout "30 s"
  seq 1 9 >"$folder/other"
  expect 0 '.' at 3 run text.sort "$folder/other" -o "$folder/out" --work "1 s" --timeout "30 s"
  hash=$(at 3 show 1 --json | field output)
  rubbish "$folder/3/objects/${hash:0:2}/$hash" 20 4
  expect 6 'does not hold' at 3 get 1 -o "$folder/rotten"
  [ ! -e "$folder/rotten" ] || wrong "what is rotten was given out"
  expect 6 'damaged|given up' at 3 get 1 -o "$folder/rotten"
  expect 0 '.' at 3 get 2 -o "$folder/whole"
  expect 1 'File exists|full|No such|directory' at 3 get 2 -o /dev/full/x
  down 3
  down 4
fi

# ---- a disk that is full -------------------------------------------------------------------------
up 1
down 1
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  cp -r "$folder/1" "$folder/kept"
  expect 0 'held' unshare -m bash -c '
    set -e
    folder=$1 hydra=$2
    mkdir -p "$folder/small"
    mount -t tmpfs -o size=3m none "$folder/small"
    cp -r "$folder/kept/." "$folder/small/"
    "$hydra" up --home "$folder/small" >"$folder/small.log" 2>&1 &
    node=$!
    trap "kill -9 $node 2>/dev/null || true" EXIT
    for i in $(seq 100); do
      "$hydra" status -q --home "$folder/small" 2>/dev/null && break
      sleep 0.1
    done
    jobs=$("$hydra" ls --home "$folder/small" | wc -l)
    head -c 8000000 /dev/urandom >"$folder/large"
    code=0
    "$hydra" run a "$folder/large" --home "$folder/small" 2>"$folder/said" || code=$?
    [ $code = 1 ] || exit 9
    grep -q "No space left" "$folder/said" || { cat "$folder/said"; exit 8; }
    "$hydra" status -q --home "$folder/small"
    head -c 4000000 /dev/zero >"$folder/small/filler" 2>/dev/null || true
    for i in $(seq 40); do
      "$hydra" run a "$folder/text" --home "$folder/small" --patience "1 s" \
        >/dev/null 2>>"$folder/said" || true
    done
    rm "$folder/small/filler"
    if kill -0 $node 2>/dev/null; then
      "$hydra" down -q --home "$folder/small"
    fi
    wait $node || true
    "$hydra" up --home "$folder/small" >>"$folder/small.log" 2>&1 &
    node=$!
    for i in $(seq 100); do
      "$hydra" status -q --home "$folder/small" 2>/dev/null && break
      sleep 0.1
    done
    now=$("$hydra" ls --home "$folder/small" | wc -l)
    [ "$now" -ge "$jobs" ] || { echo "$jobs jobs became $now"; exit 7; }
    "$hydra" down -q --home "$folder/small"
    grep -h "full\|space" "$folder/said" "$folder/small.log" | sort -u | head -n 5
    echo held' bash "$folder" "$hydra"
else
  expect 1 '.' bash -c 'ulimit -f 16; exec timeout 30 "$1" up --home "$2/limited"' \
    bash "$hydra" "$folder"
fi
echo "odd: $wrongs wrong"
[ $wrongs = 0 ]
