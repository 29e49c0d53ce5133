#!/usr/bin/env bash
# A planet of Hydras on this machine: installs what is missing, builds the simulator and its command
# line (no Asio, OpenSSL or SQLite), runs one scenario. Running it again changes nothing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prepare
install_missing "${hydra_sim_packages[@]}"
say "building the simulator (under two minutes on two cores the first time) …"
configure release
build release --target hydra

cd "$hydra_root"
program=build/release/bin/hydra
scenario=sim/scenarios/planet.toml
say "$ $program sim run $scenario"
"$program" sim run "$scenario" "$@"

# A smaller one whose jobs are divided, for its report.
say ""
say "$ $program sim run sim/scenarios/movie.toml"
"$program" sim run sim/scenarios/movie.toml >build/logs/movie.txt ||
  fail "movie failed; all it said is in build/logs/movie.txt"
sed -n '/^job /,/^$/p' build/logs/movie.txt  # one movie, from hand to hand
page=$(sed -n 's/^report: //p' build/logs/movie.txt)
say "who rendered the movies, and where: open $hydra_root/$page in a browser"

cat <<END

Type next:
  $program sim list                            # the other scenarios
  $program sim run $scenario --seed 2          # another planet
  $program sim check-determinism $scenario     # twice the same, or the first event that differs
  scripts/test.sh                              # all tests
  build/dev/bin/hydra demo movie               # after it: eight nodes render a film, one lies
  build/dev/bin/hydra papers run --small       # after it: published results, run again
END
