# Shared by the tests of running nodes; sourced, not run. Wants $bin, the folder of the programs.
# Every node that begin() started ends with the script, whatever happens.
export LC_ALL=C.UTF-8
unset HYDRA_HOME
hydra=$bin/hydra-node
folder=$(mktemp -d /tmp/hydra.XXXXXX)  # short: sockets lie below it
declare -A pids=()
declare -i wrongs=0

for tool in "$hydra" "$bin/hydra-jail"; do
  [ -x "$tool" ] || { echo "skipped: $tool is missing"; exit 77; }
done

ended() {
  local each
  for each in "${!pids[@]}"; do kill -9 "${pids[$each]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ -n "${keep:-}" ]; then echo "kept: $folder"; else rm -rf "$folder"; fi
}
trap ended EXIT
trap 'exit 130' INT TERM

wrong() {
  printf 'wrong: %s\n' "$*"
  wrongs+=1
}
# Names a node and asks it: at 1 status
at() {
  local home=$folder/$1
  shift
  timeout 60 "$hydra" "$@" --home "$home"
}
begin() {
  "$hydra" up --home "$folder/$1" >>"$folder/$1.log" 2>&1 &
  pids[$1]=$!
}
answers() { at "$1" status -q 2>/dev/null; }
up() {
  begin "$1"
  local i
  for ((i = 0; i < 200; ++i)); do
    answers "$1" && return
    sleep 0.05
  done
  wrong "node $1 does not come up: $(tail -n 3 "$folder/$1.log")"
  return 1
}
# As a machine does that loses its power, or the kernel that lacks memory.
strike() {
  kill -9 "${pids[$1]}" 2>/dev/null || true
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
}
down() {
  at "$1" down -q || wrong "node $1 does not go down"
  wait "${pids[$1]}" || wrong "node $1 ended with $?"
  unset "pids[$1]"
}
# The value of a key in what --json prints, one to a line.
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"; }

# All of them know and trust each other.
befriend() {
  local a b contact
  for a in "$@"; do
    contact=$(at "$a" peer invite)
    for b in "$@"; do
      [ "$a" = "$b" ] || at "$b" peer add "$contact" --name "head$a" -q
    done
  done
  sleep 1  # whose Hydra a head is, it says when it is reached
  for a in "$@"; do
    for b in "$@"; do
      [ "$a" = "$b" ] || at "$b" ring add "head$a" -q
    done
  done
}
# sorts_as MINOR FLAG NODES...: a service that is quick, and whose result is easily checked; the
# flag is told to sort, so that who made a result may be seen by its order.
sorts_as() {
  local minor=$1 flag=$2 at_home=$folder/sort.$1$2 each
  shift 2
  mkdir -p "$at_home"
  cat >"$at_home/manifest.toml" <<M
name = "text.sort"
version = "1.$minor"
purpose = "Sorts the lines of a text."

[tool.sort]
version = ["--version"]

[step.run]
inputs = ["text"]
outputs = ["sorted"]
run = ["sort", "$flag", "-o", "{out.sorted}", "{in.text}"]
M
  for each in "$@"; do at "$each" service add "$at_home" -q; done
}
sorts() { sorts_as 0 --stable "$@"; }
needs_jail() {
  command -v bwrap >/dev/null || { echo "skipped: bubblewrap is missing"; exit 77; }
  bwrap --unshare-all --ro-bind / / true 2>/dev/null ||
    { echo "skipped: bubblewrap may not make namespaces here"; exit 77; }
}
