#include "doctor.hpp"

#include "config.hpp"
#include "control.hpp"
#include "jail.hpp"

#include <hydra/net/identity.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;

struct finding {
  std::string what;
  bool good = false;
  bool needed = true;
  std::string words;
};

finding of_config(places const& where, config& to) {
  std::error_code wrong;
  if (!fs::exists(where.config, wrong)) {
    return {"configuration", true, true, where.config + " is made by the first `hydra up`"};
  }
  auto const c = load_config(where.config);
  if (!c) return {"configuration", false, true, c.why()};
  to = c.value();
  return {"configuration", true, true, where.config};
}
finding of_identity(places const& where) {
  std::error_code wrong;
  if (!fs::exists(where.identity, wrong)) {
    return {"identity", true, true, where.identity + " is made by the first `hydra up`"};
  }
  auto const me = net::identity::load(where.identity);
  return {"identity", me.ok(), true, me ? where.identity : me.why()};
}
finding of_disk(places const& where, config const& what) {
  std::error_code wrong;
  auto at = fs::path{where.objects};
  while (!fs::exists(at, wrong) && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
  }
  auto const space = fs::space(at, wrong);
  bool const enough = !wrong && space.available >= what.objects_max;
  return {"disk", enough, false,
          fmt::format("{:.1f} GB free for a quota of {:.1f} GB",
                      static_cast<double>(space.available) / 1e9,
                      static_cast<double>(what.objects_max) / 1e9)};
}
finding of_tool(char const* name, char const* why) {
  std::error_code wrong;
  auto const path = std::string{"/usr/bin/"} + name;
  bool const there = fs::exists(path, wrong);
  return {name, there, false, there ? path : std::string{why}};
}

}  // namespace

int doctor(places const& where, bool as_json) {
  config what;
  std::vector<finding> all{of_config(where, what), of_identity(where)};
  bool const up = ask(where.control, R"({"verb":"status"})").ok();
  all.push_back({"node", up, false, up ? "is up" : "is not up; `hydra up` starts it"});
  all.push_back(of_disk(where, what));
  net::jail_policy policy;
  policy.cgroup = what.cgroup;
  auto const jail = net::probe_jail(policy);
  for (auto const& p : jail.parts) {
    all.push_back({"jail: " + std::string{p.name}, p.there, p.needed, p.words});
  }
  all.push_back({"foreign jobs", jail.whole() || what.allow_without_jail, false,
                 jail.whole()              ? "are run, in the jail"
                 : what.allow_without_jail ? "are run without a whole jail, as jail.allow_without "
                                             "says"
                                           : "are refused: the jail is not whole"});
  all.push_back(of_tool("ffmpeg", "render.movie needs it: apt-get install ffmpeg"));
  int missing = 0;
  auto out = nlohmann::json::array();
  for (auto const& f : all) {
    missing += f.needed && !f.good ? 1 : 0;
    out.push_back({{"what", f.what}, {"good", f.good}, {"needed", f.needed}, {"words", f.words}});
    if (as_json) continue;
    fmt::print("{:<4} {:<22} {}\n", f.good ? "ok" : f.needed ? "MISS" : "-", f.what, f.words);
  }
  if (as_json) fmt::print("{}\n", out.dump(2));
  return missing == 0 ? 0 : 1;
}

}  // namespace hydra::node
