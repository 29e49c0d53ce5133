// hydra sim check-determinism: the same scenario twice; the first event that differs, if any.
#include "meter.hpp"
#include "options.hpp"
#include "render.hpp"

#include <hydra/sim/run.hpp>

#include <fmt/format.h>

namespace hydra::cli {

int sim_check_determinism(common_options const& o, run_arguments const& a,
                          sim::harness const& program) {
  std::string path;
  auto const loaded = load(o, a.scenario, path);
  complain(o, loaded);
  if (!loaded.ok()) return invalid;
  auto const& s = loaded.value;

  sim::run_options how;
  how.threads = threads_of(o);
  how.shards = a.shards;
  how.permute = a.permute;
  catch_interrupt();
  meter progress{o, s.name, {}};
  how.on_progress = [&](sim::progress const& p) { return progress.report(p); };
  auto const d = program.check_determinism(s, how);
  progress.clear();
  if (was_interrupted()) return interrupted;

  record out{{"scenario", s.name},
             {"seed", s.seed},
             {"deterministic", !d.found},
             {"first_digest", d.first_digest},
             {"second_digest", d.second_digest}};
  if (d.found) {
    out.insert(out.end(), {{"peer", std::uint64_t{d.peer}},
                           {"at_s", seconds(d.at)},
                           {"at_ns", static_cast<std::uint64_t>(ns(d.at))},
                           {"cause", d.cause}});
  }
  out.push_back({"reproduce", reproduce_line(o, "check-determinism", a.scenario, s)});
  if (!o.quiet || o.output != format::table) print_record(o, out);
  return d.found ? divergent : ok;
}

}  // namespace hydra::cli
