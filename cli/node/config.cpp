#include "config.hpp"

#include "demands.hpp"
#include "toml_file.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numbers>
#include <optional>
#include <string_view>
#include <system_error>

namespace hydra::node {
namespace {

constexpr char const* commented =
    R"(# What this Hydra's machine is and does. Every key is shown with its standard value.

[network]
# Where it listens; "0.0.0.0" and beyond_loopback = true to be reached from other machines.
address = "127.0.0.1"
# 0: any; the one that was got is kept.
port = 0
beyond_loopback = false
# Hydras of another number are refused.
id = 1

[machine]
# Tasks at a time; 0: as many as there are cores.
cores = 0

[objects]
# What films and results may take on the disk; what was used longest ago goes first.
quota = "16 GiB"

[trust]
# Whether it works for Hydras outside its rings.
strangers = false

[verify]
# How many of the results of friends a second Hydra makes again, to compare: 0 none, 1 all.
# Those of strangers are always made twice.
friends = 0.1

[work]
# A head that says nothing for so long is taken for dead, and another one gets its task. The same
# at all who work together.
lease = "35 s"

[place]
# Where this machine is, in degrees, so that near ones are asked first; both or none.
# latitude = 52.5
# longitude = 13.4
# Whether others may know it, to some 100 km; without it they measure.
disclose = false

[conditions]
# What it says of itself to those who look for a service; a job may demand it. Versions stand in
# the manifests of the services.
# The memory in MB that a task may use here; 0: nothing is said, which meets no demand of memory.
memory_mb = 0
# Of a second of the reference core, in the unit of the network; 0: none.
price = 0
# Where it is: africa, asia, europe, north_america, oceania, south_america.
# region = "europe"

[jail]
# Run the jobs of others even where the jail is not whole (hydra doctor says what is missing).
allow_without = false
# A folder of cgroups that belongs to Hydra; without it none are used.
# cgroup = "/sys/fs/cgroup/hydra"
)";

constexpr std::size_t config_bytes_max = 1U << 16U;

// A number between two bounds, whole or not; nothing where it is not there or not allowed.
std::optional<double> number_of(net::toml_taker& from, std::string_view key, double least,
                                double most) {
  auto const* item = from.any(key);
  if (item == nullptr) return std::nullopt;
  bool const number = item->kind == net::toml_kind::integer ||
                      item->kind == net::toml_kind::floating;
  auto const value = number ? std::strtod(item->text.c_str(), nullptr) : 0.0;
  if (number && value >= least && value <= most) return value;  // a nan is not allowed either
  from.wrong(*item, fmt::format("{} is not allowed; allowed: a number from {} to {}",
                                net::quote(item->text), least, most));
  return std::nullopt;
}

void read_place(net::toml_item const& table, net::toml_problems& problems, config& to) {
  net::toml_taker from{table, problems, "[place]"};
  auto const latitude = number_of(from, "latitude", -90, 90);
  auto const longitude = number_of(from, "longitude", -180, 180);
  from.flag("disclose", to.disclose_place);
  if (latitude && longitude) {
    to.place = cell_at(*latitude, *longitude);
  } else if (latitude || longitude) {
    from.wrong(table, "[place] has one of latitude and longitude; allowed: both, or none");
  }
  from.finish();
}

void read_conditions(net::toml_item const& table, net::toml_problems& problems, conditions& to) {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  net::toml_taker from{table, problems, "[conditions]"};
  std::int64_t memory = to.memory_mb;
  std::int64_t price = to.price;
  std::size_t region = 0;
  from.whole("memory_mb", memory, 0, most);
  from.whole("price", price, 0, most);
  // Where the word is wrong nothing of this is used.
  if (from.word("region", region, region_words())) to.region = region_bit(world_regions[region]);
  from.finish();
  to.memory_mb = static_cast<std::uint32_t>(memory);
  to.price = static_cast<std::uint32_t>(price);
}

// The tables, by name; what else stands there is said.
void read_tables(net::toml_item const& root, net::toml_problems& problems, config& to) {
  net::toml_taker all{root, problems, "hydra.toml"};
  if (auto const* t = all.table("network")) {
    net::toml_taker from{*t, problems, "[network]"};
    std::int64_t port = to.port;
    std::int64_t id = to.network;
    from.text("address", to.address, 64);
    from.whole("port", port, 0, 65535);
    from.whole("id", id, 0, std::numeric_limits<std::uint32_t>::max());
    from.flag("beyond_loopback", to.beyond_loopback);
    to.port = static_cast<std::uint16_t>(port);
    to.network = static_cast<std::uint32_t>(id);
    from.finish();
  }
  if (auto const* t = all.table("machine")) {
    net::toml_taker from{*t, problems, "[machine]"};
    from.whole("cores", to.cores, 0, 4096);
    from.finish();
  }
  if (auto const* t = all.table("objects")) {
    net::toml_taker from{*t, problems, "[objects]"};
    from.bytes("quota", to.objects_max, 1U << 20U, std::uint64_t{1} << 50U);
    from.finish();
  }
  if (auto const* t = all.table("trust")) {
    net::toml_taker from{*t, problems, "[trust]"};
    from.flag("strangers", to.strangers);
    from.finish();
  }
  if (auto const* t = all.table("verify")) {
    net::toml_taker from{*t, problems, "[verify]"};
    constexpr std::uint32_t whole = 10'000;
    if (auto const rate = number_of(from, "friends", 0, 1)) {
      to.check_friends = {static_cast<std::uint32_t>(std::lround(*rate * whole)), whole};
    }
    from.finish();
  }
  if (auto const* t = all.table("work")) {
    net::toml_taker from{*t, problems, "[work]"};
    from.time("lease", to.lease, 2s, 1h);
    from.finish();
  }
  if (auto const* t = all.table("place")) read_place(*t, problems, to);
  if (auto const* t = all.table("conditions")) read_conditions(*t, problems, to.under);
  if (auto const* t = all.table("jail")) {
    net::toml_taker from{*t, problems, "[jail]"};
    from.flag("allow_without", to.allow_without_jail);
    from.text("cgroup", to.cgroup, 4096);
    from.finish();
  }
  all.finish();
}

}  // namespace

cell cell_at(double latitude, double longitude) {
  constexpr double units = 64;  // in the radius of the globe
  auto const radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  auto const whole = [](double x) { return static_cast<std::int8_t>(std::lround(x * units)); };
  auto const around = std::cos(radians(latitude));
  return {whole(around * std::cos(radians(longitude))),
          whole(around * std::sin(radians(longitude))), whole(std::sin(radians(latitude)))};
}

result<config> load_config(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{path + ": cannot be read"};
  std::string const text{std::istreambuf_iterator<char>{in}, {}};
  net::toml_problems problems{path, {}};
  config out;
  auto const root = net::read_toml(text, config_bytes_max, problems);
  if (problems.lines.empty()) read_tables(root, problems, out);
  if (!problems.lines.empty()) return error{problems.text()};
  return out;
}

result<bool> make_config(std::string const& path) {
  std::error_code wrong;
  if (std::filesystem::exists(path, wrong)) return true;
  auto const beside = path + "." + std::to_string(::getpid()) + ".tmp";
  std::ofstream out{beside, std::ios::binary};
  bool const written = static_cast<bool>(out << commented << std::flush);
  out.close();
  if (written && std::rename(beside.c_str(), path.c_str()) == 0) return true;
  auto const why = std::string{std::strerror(errno)};
  ::unlink(beside.c_str());
  return error{path + ": cannot be written: " + why};
}

}  // namespace hydra::node
