# Shared by the scripts here; sourced, not run. Works without HOME, without a terminal and from any
# directory, as root and through sudo.

hydra_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
hydra_logs=$hydra_root/build/logs
export LC_ALL=C.UTF-8

# What the simulator needs, and what the tests need on top.
hydra_sim_packages=(
  g++ cmake ninja-build ccache libboost1.81-dev libboost-serialization1.81-dev libeigen3-dev
  librange-v3-dev libtomlplusplus-dev libcli11-dev libfmt-dev nlohmann-json3-dev zlib1g-dev
)
hydra_test_packages=(
  mold catch2 dpkg-dev file libbenchmark-dev libboost-graph1.81-dev libboost-regex1.81-dev clang-19
  libclang-rt-19-dev valgrind
)
# What a node is built with, and what native services need on a machine that performs them.
hydra_node_packages=(libssl-dev libsqlite3-dev libseccomp-dev bubblewrap ffmpeg)

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Prepares the places that are written to; gives them back to the user behind sudo at the end.
prepare() {
  mkdir -p "$hydra_logs"
  if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-/nonexistent}" ]; then
    export CCACHE_DIR=${CCACHE_DIR:-$hydra_root/build/ccache}
  fi
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ]; then
    trap 'chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$hydra_root/build" "$hydra_root/out" \
      2>/dev/null || true' EXIT
  fi
}

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command with its output in build/logs/NAME.log; shows the end of it when it fails.
logged() {
  local name=$1
  shift
  if ! "$@" >"$hydra_logs/$name.log" 2>&1 </dev/null; then
    tail -n 40 "$hydra_logs/$name.log" >&2
    fail "$name failed; all it said is in build/logs/$name.log"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ] && [ -r /dev/tty ]; then
    sudo "$@" </dev/tty
  else
    sudo -n "$@"
  fi
}

# Installs those of the given packages that are missing, and says which.
install_missing() {
  local package missing=() old
  command -v dpkg-query >/dev/null || {
    say "This is no Debian: what is installed is used. Debian's names: $*"
    return 0
  }
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  old=$({ dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libboost*1.74*-dev' 2>/dev/null ||
    true; } | awk '$1 == "installed" { print $2 }' | tr '\n' ' ')
  if [ -n "$old" ] && [[ " ${missing[*]}" == *1.81-dev* ]]; then
    say "apt replaces the headers of Boost 1.74 by those of 1.81, removing: $old"
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "root is needed: apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300
    -o Dpkg::Use-Pty=0)
  logged apt-update as_root "${apt[@]}" update
  logged apt-install as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# configure PRESET [-D...], build PRESET [--target ...]: from the root, quiet unless they fail.
configure() {
  local preset=$1
  shift
  cd "$hydra_root"
  logged "configure-$preset" cmake --preset "$preset" "$@"
}
build() {
  local preset=$1
  shift
  cd "$hydra_root"
  logged "build-$preset" cmake --build --preset "$preset" "$@"
}

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }
