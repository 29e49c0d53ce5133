#!/usr/bin/env bash
# refusals.sh PROGRAM: what `hydra papers` must refuse, and how it ends when nobody can hear it.
set -uo pipefail
program=$1
wrong=0
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
exec 3>&1  # complaints are heard whatever the command's own output is

# ends CODE WORDS...: the command ends with CODE.
ends() {
  local expected=$1
  shift
  "$program" papers "$@"
  local got=$?
  [ "$got" = "$expected" ] && return
  echo "papers $*: ended with $got, not $expected" >&3
  wrong=1
}

# kept WHEN FILES...: results of a run that failed are there, and nothing half written.
kept() {
  local when=$1
  shift
  for file; do
    [ -s "$out/$file" ] || { echo "$when: no $file"; wrong=1; }
  done
  [ -z "$(find "$out" -name '*.tmp')" ] || { echo "$when: a *.tmp is left"; wrong=1; }
  find "$out" -mindepth 1 -delete
}

# plain WHAT TEXT: an error was said, and without what steers a terminal.
plain() {
  case $2 in
    *$'\e'*) echo "$1: an error holds a control character"; wrong=1 ;;
    *'\x1b[2J'*) ;;
    *) echo "$1: not named in: $2"; wrong=1 ;;
  esac
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

# A folder of papers that may be broken.
copy=$out/papers
cp -r "$(dirname "${BASH_SOURCE[0]}")/.." "$copy"
sed -i 's/^\[scenario\]$/[scenario]\nruns_more = 5/' "$copy"/02_demers/scenario.toml
said=$(HYDRA_PAPERS=$copy "$program" papers run hyparview demers --small --no-out 2>&1)
[ $? = 3 ] || { echo "a key that nobody reads: not ended with 3"; wrong=1; }
case $said in
  *running*) echo "a key that nobody reads is refused after a run"; wrong=1 ;;
  *"02_demers/scenario.toml: [scenario] runs_more"*) ;;
  *) echo "a key that nobody reads: $said"; wrong=1 ;;
esac
rm -r "$copy"

quick=(run hyparview --small --seeds 1 --out "$out")
ends 1 "${quick[@]}" >/dev/full
kept "no room for the table" hyparview/results.csv index.html
exec 4> >(:)
wait $!
ends 1 "${quick[@]}" >&4
kept "nobody reads the table" hyparview/results.csv index.html
ends 1 "${quick[@]}" --json >&4
kept "nobody reads the JSON" hyparview/results.csv index.html
exec 4>&-
said=$(ulimit -f 1; "$program" papers "${quick[@]}" 2>&1)
[ $? = 1 ] || { echo "no file may grow: not ended with 1"; wrong=1; }
case $said in
  *"hyparview (7)"*"$out/hyparview/"*": File too large"*) ;;
  *) echo "no file may grow: $said"; wrong=1 ;;
esac
kept "no file may grow"

plain NAME "$("$program" papers list $'\e[2J' 2>&1)"
plain HYDRA_PAPERS "$(HYDRA_PAPERS=$'/\e[2J' "$program" papers list 2>&1)"
plain --out "$("$program" papers run hyparview --small --out $'/dev/null/\e[2J' 2>&1)"
exit $wrong
