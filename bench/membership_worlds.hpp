// Worlds of one membership policy: heads of a group that know each other from the start, or heads
// of an overlay that know three others each. What they send is counted as it lies on the wire.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/cluster.hpp>
#include <hydra/membership/plumtree.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/membership/swim.hpp>
#include <hydra/sim/setting.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/wire/size.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace hydra::bench {

// What broadcasts of P add to the policy below, if it is one.
template <class P>
struct told_by {
  static constexpr std::size_t first = messages_of<P>::size;  // of its own, in the list of P's
};
template <class P>
  requires requires { typename P::under_type; }
struct told_by<P> {
  static constexpr std::size_t first = messages_of<typename P::under_type>::size;
};

// Counts the bytes that reach it, those of broadcasts apart.
template <class P>
class counted : public alone<P> {
 public:
  using alone<P>::alone;
  template <class Env, class M>
    requires contains<M, messages_of<P>>
  void on_message(Env& env, peer from, M const& m) {
    bool const told = index_of<M, messages_of<P>> >= told_by<P>::first;
    (told ? told_ : view_) += wire::frame_bytes(m);
    alone<P>::on_message(env, from, m);
  }
  [[nodiscard]] std::uint64_t bytes_of_view() const noexcept { return view_; }
  [[nodiscard]] std::uint64_t bytes_told() const noexcept { return told_; }

 private:
  std::uint64_t view_ = 0;
  std::uint64_t told_ = 0;
};

// Every message takes 10 to 100 ms, hashed from both ends; none is lost. All heads are of one
// Hydra.
template <class P>
class group_setting : public sim::plain_setting {
 public:
  // `contacts`: so many heads, drawn, does each know at first; none: all are on its list.
  // `told`: of a connection that breaks.
  group_setting(std::uint64_t seed, std::uint32_t n, P const& fresh, std::uint32_t contacts,
                bool told)
      : plain_setting{seed, n}, fresh_{fresh}, contacts_{contacts}, told_{told} {
    for (std::uint32_t i = 0; i < n && contacts == 0; ++i) all_.push_back(peer{i});
  }
  [[nodiscard]] counted<P> make(sim::permutation const& view, std::uint32_t who) const {
    auto policy = fresh_;
    if constexpr (requires { policy.adopt(all_, peer{}); }) {
      policy.adopt(all_, peer{who});
    } else if constexpr (requires { policy.membership().adopt(all_, peer{}); }) {
      policy.membership().adopt(all_, peer{who});
    }
    bounded_vector<peer, 16> known;
    owned_stream chance{seed(), purpose::friends, who};
    while (known.size() < contacts_) {
      auto const other = static_cast<std::uint32_t>(chance.below(peers()));
      if (other != who) known.push_back(peer{view.seen(other)});
    }
    return counted<P>{policy, known};
  }
  [[nodiscard]] principal principal_of(std::uint32_t) const noexcept { return principal{0}; }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] bool tells_broken_links() const noexcept { return told_; }
  [[nodiscard]] bool tells_unreachable() const noexcept { return told_; }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    auto const bits = mix64(seed() ^ (std::uint64_t{t.from} << 32U | t.to));
    return {.delay = 10ms + duration{static_cast<std::int64_t>(bits % 90'000'000)}};
  }

 private:
  P fresh_;
  std::uint32_t contacts_;
  bool told_;
  std::vector<peer> all_;
};

// Who was told of whom, and when, since something happened.
struct since_then {
  instant start{};
  std::shared_ptr<std::vector<bool> const> gone{};  // the heads that crashed
  std::uint64_t deaths = 0;
  duration sum{};
  duration last{};
  std::uint64_t deliveries = 0;
  std::uint64_t hops = 0;
  void fact(instant at, std::uint32_t, neighbour_down const& f) {
    if (!gone || !(*gone)[f.who.index()]) return;
    ++deaths;
    note(at);
  }
  void fact(instant at, std::uint32_t, delivered const& f) {
    ++deliveries;
    hops += f.hops;
    note(at);
  }
  template <class F>
  void fact(instant, std::uint32_t, F const&) {}
  void merge(since_then const&) {}  // one shard

 private:
  void note(instant at) {
    sum += at - start;
    last = std::max(last, at - start);
  }
};

template <class P>
using group_world = sim::world<counted<P>, group_setting<P>, since_then>;

template <class W>
void begin(W& w, std::shared_ptr<std::vector<bool> const> const& gone = {}) {
  w.each_observer([&](since_then& o) { o = {w.now(), gone}; });
}

// Of all heads.
struct traffic {
  double messages = 0;
  double bytes = 0;
  double events = 0;
  double told = 0;        // messages of broadcasts
  double bytes_told = 0;
};
template <class P>
[[nodiscard]] traffic traffic_of(group_world<P> const& w) {
  traffic t;
  t.messages = static_cast<double>(w.counts().sent);
  t.events = static_cast<double>(w.counts().events);
  auto const by_type = w.sent_by_type();
  for (auto i = told_by<P>::first; i < messages_of<P>::size; ++i) {
    t.told += static_cast<double>(by_type[i]);
  }
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    t.bytes += static_cast<double>(w.node(peer{i}).bytes_of_view());
    t.bytes_told += static_cast<double>(w.node(peer{i}).bytes_told());
  }
  return t;
}

}  // namespace hydra::bench
