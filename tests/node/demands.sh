#!/usr/bin/env bash
# demands.sh BIN: two nodes perform one service under different conditions, in different versions
# and places; each job goes to the one that meets what it demands, also when its own node performs
# the service and does not meet it; what nobody meets ends with the reason; demands outlive a crash.
# 77: bubblewrap is missing.
set -euo pipefail
bin=$(cd "$1" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"
needs_jail

# conditions NODE MEMORY PRICE REGION [LATITUDE LONGITUDE]: into its hydra.toml, for its next life.
conditions() {
  local toml=$folder/$1/hydra.toml
  at "$1" identity >/dev/null
  sed -i "s/^memory_mb = .*/memory_mb = $2/; s/^price = .*/price = $3/; s/^friends = .*/friends = 0/
    s/^#* *region = .*/region = \"$4\"/" "$toml"
  [ $# = 4 ] || sed -i "s/^# latitude = .*/latitude = $5/; s/^# longitude = .*/longitude = $6/
    s/^disclose = .*/disclose = true/" "$toml"
}
seq 1 9 >"$folder/up"
sort -r "$folder/up" >"$folder/down"
# goes ASKER up|down FLAGS...: the job was done by who sorts so.
goes() {
  local asker=$1 way=$2 said
  shift 2
  rm -f "$folder/out"
  if ! said=$(at "$asker" run text.sort "$folder/up" -o "$folder/out" --work "1 s" \
    --patience "40 s" "$@" 2>&1); then
    wrong "$*: $said"
  elif ! cmp -s "$folder/out" "$folder/$way"; then
    wrong "$* was not done by who sorts $way"
  fi
}
# ends CODE WORDS COMMAND...: ends with the code and says the words.
ends() {
  local code=$1 words=$2 said got=0
  shift 2
  said=$("$@" 2>&1) || got=$?
  [ "$got" = "$code" ] || wrong "$* ended with $got, not $code: $said"
  [[ $said == *"$words"* ]] || wrong "$* does not say \"$words\": $said"
}

conditions 1 100 0 africa 52.5 13.4     # Berlin
conditions 2 2000 5 europe 48.9 2.4     # Paris
conditions 3 8000 1 asia 35.7 139.7     # Tokyo
sed -i 's/^disclose = .*/disclose = false/' "$folder/1/hydra.toml"
for n in 1 2 3; do up $n; done
befriend 1 2 3
sorts_as 2 --stable 2
sorts_as 5 --reverse 3

goes 1 up --region europe
goes 1 down --region asia
goes 1 up --region africa,europe
goes 1 down --memory 2001
goes 1 down --price-max 4
goes 1 up --minor-max 4
goes 1 down --minor-min 3 --minor-max 5
goes 1 up --within-km 1500
goes 2 down --region asia  # though it performs this itself
unmet='nobody who is trusted does this and meets what is demanded:'
ends 5 "$unmet memory of 3000 MB, region europe" \
  at 1 run text.sort "$folder/up" --wait --patience "4 s" --region europe --memory 3000
ends 5 "$unmet minor version 3" \
  at 2 run text.sort "$folder/up" --wait --patience "4 s" --minor-min 3 --minor-max 3
ends 0 '"memory_mb": 3000' at 1 show 9 --json
ends 0 'demands   memory of 3000 MB, region europe' at 1 show 9

# Nobody is there yet, its node is killed, and then there is somebody.
ends 0 'is accepted' at 1 run text.sort "$folder/up" --work "1 s" --patience "90 s" \
  --region oceania --memory 64
strike 1
down 3
conditions 3 8000 1 oceania
up 3
up 1
ends 0 'demands   memory of 64 MB, region oceania' at 1 show 10
ends 0 'state     done' at 1 wait 10 --timeout "50 s"
at 1 get 10 -o "$folder/out" -q && cmp -s "$folder/out" "$folder/down" ||
  wrong "the job of before the crash has no right result"
for n in 1 2 3; do down $n; done
echo "demands: $wrongs wrong"
[ $wrongs = 0 ]
