#!/usr/bin/env bash
# refusals.sh PROGRAM: what `hydra papers` must refuse, and how it ends when nobody can hear it.
set -uo pipefail
program=$1
wrong=0

# ends CODE WORDS...: the command ends with CODE.
ends() {
  local expected=$1
  shift
  "$program" papers "$@"
  local got=$?
  [ "$got" = "$expected" ] && return
  echo "papers $*: ended with $got, not $expected"
  wrong=1
}

for seed in -1 99999999999999999999 1.5; do
  ends 2 run chord --small --no-out --seed "$seed"
  ends 2 run chord --small --no-out --seeds "$seed"
done
ends 2 run chord --small --no-out --out nowhere
ends 2 list nope 2>/dev/full
ends 1 list >/dev/full
ends 0 list hydra-discovery >/dev/null
lines=$("$program" papers list chord 01_chord | grep -c '^chord (')
[ "$lines" = 1 ] || { echo "a paper named twice is shown $lines times"; wrong=1; }
exit $wrong
