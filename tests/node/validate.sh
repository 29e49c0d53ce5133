#!/usr/bin/env bash
# `hydra validate` itself: clean runs raise no alarm, and one world made wrong always does.
#
#   validate.sh BIN                     the default form, once: 35 s
#   validate.sh BIN --disturb           every disturbance, in either world: 16 minutes
#   validate.sh BIN --runs 50           so many clean runs of the default form: 29 minutes
#
# A run that is void because the machine was busy is tried again, at most three times; where one
# stays void, and nothing is wrong, that is said and the test counts as skipped (77): it says
# nothing about the simulator. BIN is the folder of the programs.
set -u
bin=${1:?usage: validate.sh BIN [--disturb] [--runs N]}
shift
disturb=0 runs=1
while [ $# -gt 0 ]; do
  case $1 in
    --disturb) disturb=1 ;;
    --runs) runs=${2:?--runs N}; shift ;;
    *) echo "unknown: $1; allowed: --disturb, --runs N"; exit 2 ;;
  esac
  shift
done
for each in hydra hydra-validate; do
  [ -x "$bin/$each" ] || { echo "skipped: $bin/$each is missing"; exit 77; }
done
folder=$(mktemp -d /tmp/hydra.XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
declare -i wrongs=0 voids=0 unsaid=0

# Expects an exit code of `hydra validate` with the other words.
expect() {
  local want=$1 try code=9
  shift
  for try in 1 2 3; do
    timeout 120 "$bin/hydra" validate -q --out "$folder/out" "$@" >"$folder/said" 2>&1
    code=$?
    [ "$code" = 9 ] || break
    voids+=1
  done
  if [ "$code" = "$want" ]; then
    echo "ok: exit $code: $*"
  elif [ "$code" = 9 ]; then
    echo "void three times, this machine is too busy: $*"
    unsaid+=1
  else
    echo "wrong: exit $code, not $want: $*"
    cat "$folder/said"
    wrongs+=1
  fi
}

for ((i = 1; i <= runs; ++i)); do expect 0; done
if [ "$disturb" = 1 ]; then
  for world in live sim; do
    for link in metro continental ocean; do
      expect 4 cities --disturb "links=$link:1.15" --in $world
    done
    for what in loss=0.05 cpu=0.85; do
      expect 4 cities --disturb $what --in $world
      expect 4 mesh --policies b --disturb $what --in $world
    done
    for type in find_node nodes find_providers providers store stored ping pong vouch \
      call_for_bid bid award progress renew result_ready settle; do
      expect 4 cities --disturb drop=$type --in $world
    done
    for type in have_you i_have i_have_not fetch sending; do
      expect 4 mesh --policies b --disturb drop=$type --in $world
    done
  done
fi
# What is typed wrongly is named.
expect 2 cities --disturb drop=hello
expect 2 cities --disturb links=moon:1.15
expect 3 nowhere
echo "$wrongs wrong, $voids void; without an answer: $unsaid"
[ "$wrongs" = 0 ] || exit 1
[ "$unsaid" = 0 ] || exit 77
