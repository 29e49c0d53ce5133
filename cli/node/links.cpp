#include "links.hpp"

#include "peers.hpp"
#include "toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <system_error>

namespace hydra::node {
namespace {

constexpr std::size_t file_bytes_max = 1U << 16U;
constexpr duration latency_max = 10s;

void read_loss(net::toml_taker& from, ratio& to) {
  constexpr std::uint32_t whole = 1'000'000;
  auto const* item = from.any("loss");
  if (item == nullptr) return;
  bool const number = item->kind == net::toml_kind::integer ||
                      item->kind == net::toml_kind::floating;
  auto const value = number ? std::strtod(item->text.c_str(), nullptr) : -1.0;
  if (value >= 0 && value <= 1) {
    to = {static_cast<std::uint32_t>(std::lround(value * whole)), whole};
  } else {
    from.wrong(*item, net::quote(item->text) + " is not allowed; allowed: a number from 0 to 1");
  }
}
void read_link(net::toml_taker& from, link_settings& to) {
  from.time("latency", to.latency, duration{}, latency_max);
  from.time("jitter", to.jitter, duration{}, latency_max);
  read_loss(from, to.loss);
}
// What a link does not say it has from all of them.
void read_some(net::toml_item const& list, net::toml_problems& problems, link_file& to) {
  for (auto const& each : list.children) {
    net::toml_taker from{each, problems, "[[link]]"};
    link_file::from_one one{{}, to.all};
    std::string who;
    if (from.text("from", who, 64, true)) {
      auto const known = key_of_hex(who);
      if (known) one.from = *known;
      else from.wrong(*from.any("from"), net::quote(who) + " is no key; allowed: 64 hex digits");
    }
    read_link(from, one.link);
    from.finish();
    if (to.some.size() >= links_max) {
      problems.add(each.at, fmt::format("too many links; allowed: {}", links_max));
      return;
    }
    to.some.push_back(one);
  }
}

instant steady_now() {
  auto const since = std::chrono::steady_clock::now().time_since_epoch();
  return at_ns(std::chrono::duration_cast<duration>(since).count());
}

}  // namespace

result<link_file> load_links(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{path + ": cannot be read"};
  std::string const text{std::istreambuf_iterator<char>{in}, {}};
  net::toml_problems problems{path, {}};
  auto const root = net::read_toml(text, file_bytes_max, problems);
  link_file out;
  if (problems.lines.empty()) {
    net::toml_taker from{root, problems, "links.toml"};
    std::int64_t seed = 1;
    from.whole("seed", seed, 0, std::numeric_limits<std::int64_t>::max());
    out.seed = static_cast<std::uint64_t>(seed);
    read_link(from, out.all);
    if (auto const* list = from.tables("link")) read_some(*list, problems, out);
    from.finish();
  }
  if (!problems.lines.empty()) return error{problems.text()};
  return out;
}

result<std::unique_ptr<imitated_links>> imitated_links::of(std::string const& path) {
  std::error_code wrong;
  if (!std::filesystem::exists(path, wrong)) return std::unique_ptr<imitated_links>{};
  auto const all = load_links(path);
  if (!all) return error{all.why()};
  return std::make_unique<imitated_links>(all.value());
}

imitated_links::imitated_links(link_file const& all) : links_{all.all, all.seed} {
  for (auto const& each : all.some) links_.set(each.from, each.link);
}

void imitated_links::cut(key const& from, duration how_long) {
  std::lock_guard const lock{mutex_};
  auto const now = steady_now();
  std::erase_if(until_, [&](auto const& u) { return u.second <= now; });
  if (until_.size() >= links_max) until_.erase(until_.begin());
  auto& until = until_[from];
  until = std::max(until, now + how_long);
}
std::uint64_t imitated_links::taken() const {
  std::lock_guard const lock{mutex_};
  return taken_;
}
bool imitated_links::takes(key const& from) {
  std::lock_guard const lock{mutex_};
  auto const now = steady_now();
  auto const is_cut = [&](key const& k) {
    auto const it = until_.find(k);
    return it != until_.end() && it->second > now;
  };
  bool const gone = is_cut(from) || is_cut(key{});
  if (gone) ++taken_;
  return gone;
}

void imitated_links::opened(net::frame_door& door) {
  door_ = &door;
  links_.opened(door);
}
void imitated_links::closed() {
  links_.closed();
  door_ = nullptr;
}
void imitated_links::arrived(peer from, wire::frame_header const& h,
                             std::span<std::byte const> payload, net::frame_sink& to) {
  if (from != peer{0} && takes(door_->key_of(from))) return;
  links_.arrived(from, h, payload, to);
}
bool imitated_links::keeps_bulk(peer from, std::uint32_t what,
                                std::span<std::byte const> payload) {
  return links_.keeps_bulk(from, what, payload);
}

}  // namespace hydra::node
