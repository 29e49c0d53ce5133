// A world: many nodes of one type, driven in simulated time.
//
//   auto w = sim::world<my_node, my_setting>{setting, {.shards = 2, .threads = 2}};
//   w.run_until(at_ns(0) + 10s);
//   w.digest()        // the same for any number of shards and threads, on any compiler
//   auto fork = w;    // continues identically
//
// Cost: see docs/architecture.md; about 60-100 ns per message of a small node at a million peers.
#pragma once

#include <hydra/sim/shard.hpp>
#include <hydra/sim/shards.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace hydra::sim {

struct world_options {
  unsigned shards = 1;
  unsigned threads = 1;
  bool permute_handles = false;  // check mode: each peer sees its own permutation
  bool check_wire = false;       // check mode: every 64th message survives its own encoding
  peer watch{};                  // whose journal a watcher<> writes (watch.hpp)
};

// A world that does not start: its state is read from a checkpoint (checkpoint.hpp).
struct as_written {};

template <Node N, class Setting, class Observer = no_observer, EventQueue Queue = window_queue>
class world {
 public:
  using shard_type = shard<N, Setting, Observer, Queue>;
  using options = world_options;
  using setting_type = Setting;

  explicit world(Setting setting, options how = {});
  world(Setting setting, options how, as_written)
      : setting_{std::make_shared<Setting const>(std::move(setting))}, options_{how} {
    cut();
    link();
  }
  world(world const& other)
      : setting_{other.setting_},
        options_{other.options_},
        firsts_{other.firsts_},
        shards_{other.shards_},
        stride_{other.stride_},
        now_{other.now_},
        injected_{other.injected_} {
    link();
  }
  world& operator=(world const&) = delete;
  ~world() = default;

  [[nodiscard]] Setting const& setting() const noexcept { return *setting_; }
  [[nodiscard]] instant now() const noexcept { return at_ns(now_); }
  [[nodiscard]] std::uint32_t peers() const noexcept { return setting_->peers(); }
  [[nodiscard]] std::size_t shard_count() const noexcept { return shards_.size(); }

  // Runs every event before `until`.
  void run_until(instant until);
  void run_for(duration d) { run_until(now() + d); }
  void step_until(instant t) { run_until(t); }

  // A message that enters from outside, as if `from` had sent it; for real Hydras among
  // simulated ones. Precondition: at >= now().
  template <Message M>
  void inject(instant at, peer from, peer to, M const& m) {
    shard_of(to.index()).inject(at, from.index(), to.index(), ++injected_, m);
  }
  void crash(peer who);
  void restart(peer who);
  // Something that this head's own user says.
  template <Fact F>
  void tell(peer who, F const& fact);

  [[nodiscard]] std::uint64_t digest() const noexcept {
    std::uint64_t sum = 0;
    for (auto const& s : shards_) sum += s.digest();
    return mix64(sum ^ static_cast<std::uint64_t>(now_));
  }
  [[nodiscard]] std::uint64_t digest_of(peer who) const noexcept {
    return shard_of(who.index()).slot(who.index()).state.digest;
  }
  [[nodiscard]] shard_counts counts() const noexcept {
    shard_counts sum;
    for (auto const& s : shards_) sum.add(s.counts());
    return sum;
  }
  // How many messages of each type were sent, in the order of the node's list.
  [[nodiscard]] auto sent_by_type() const noexcept {
    std::array<std::uint64_t, messages_of<N>::size + 1> sum{};
    for (auto const& s : shards_) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += s.sent_by_type()[i];
    }
    return sum;
  }
  [[nodiscard]] Observer observed() const {
    Observer all = shards_[0].observer();
    for (std::size_t i = 1; i < shards_.size(); ++i) all.merge(shards_[i].observer());
    return all;
  }
  template <class F>
  void each_observer(F&& visit) {
    for (auto& s : shards_) visit(s.observer());
  }
  [[nodiscard]] N const& node(peer who) const noexcept {
    return shard_of(who.index()).slot(who.index()).node;
  }
  // Visits what a peer holds in its pool of T, and what it kept as R.
  template <Activity T, class F>
  void each_activity(peer who, F&& visit) {
    shard_of(who.index()).template each_activity<T>(who.index(), visit);
  }
  template <Described R, class F>
  void each_kept(peer who, F&& visit) {
    auto& s = shard_of(who.index());
    s.template recall_all<R>(s.slot(who.index()),
                             [&](std::uint64_t, R const& record) { visit(record); });
  }
  // Memory for activities of one type, as many as there ever were at a time.
  template <Activity T>
  [[nodiscard]] std::uint64_t bytes_of() {
    std::uint64_t sum = 0;
    for (auto& s : shards_) sum += s.activities().template bytes_of<T>();
    return sum;
  }
  // Notes every event from now on; the notes of all shards in the order of time.
  void trace() {
    for (auto& s : shards_) s.trace();
  }
  [[nodiscard]] std::vector<event_note> traced() const {
    std::vector<event_note> all;
    for (auto const& s : shards_) {
      all.insert(all.end(), s.traced().begin(), s.traced().end());
    }
    std::sort(all.begin(), all.end(),
              [](event_note const& a, event_note const& b) { return earlier(a, b); });
    return all;
  }
  [[nodiscard]] bool up(peer who) const noexcept {
    return shard_of(who.index()).slot(who.index()).state.up;
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (auto const& s : shards_) sum += s.bytes();
    return sum;
  }
  // Nothing is left that could happen.
  [[nodiscard]] bool idle() const noexcept {
    return std::all_of(shards_.begin(), shards_.end(),
                       [](shard_type const& s) { return s.idle(); });
  }
  [[nodiscard]] std::size_t pending() const noexcept {
    std::size_t sum = 0;
    for (auto const& s : shards_) sum += s.pending();
    return sum;
  }

 private:
  friend struct checkpoint_access;

  // Contiguous ranges of about equal size, cut where a group begins.
  void cut() {
    auto const n = setting_->peers();
    HYDRA_EXPECTS(n > 0);
    auto const wanted = std::max(1U, std::min(options_.shards, n));
    for (unsigned i = 0; i < wanted; ++i) {
      auto at = static_cast<std::uint32_t>(std::uint64_t{n} * i / wanted);
      at = setting_->group(at);
      if (firsts_.empty() || at > firsts_.back()) firsts_.push_back(at);
    }
    shards_.reserve(firsts_.size());
    for (std::size_t i = 0; i < firsts_.size(); ++i) {
      auto const last = i + 1 < firsts_.size() ? firsts_[i + 1] : n;
      shards_.emplace_back(setting_, peer_range{firsts_[i], last}, firsts_.size(),
                           options_.permute_handles, options_.check_wire);
      if constexpr (shard_type::watching) shards_.back().observer().watch(options_.watch.index());
    }
    auto const window = shards_[0].width();
    auto look = ns(setting_->window());
    if constexpr (requires { setting_->lookahead(peer_range{}, peer_range{}); }) {
      if (shards_.size() > 1) look = least_lookahead();
    }
    stride_ = std::max(window, look / window * window);
  }
  [[nodiscard]] std::int64_t least_lookahead() const {
    auto least = end_of_time;
    for (auto const& a : shards_) {
      for (auto const& b : shards_) {
        if (&a == &b) continue;
        least = std::min(least, ns(setting_->lookahead(a.range(), b.range())));
      }
    }
    return least;
  }
  void link() {
    for (auto& s : shards_) s.set_bounds(&firsts_);
  }
  // Hands over what was sent last; the other post was read in the last step already.
  void exchange() {
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      for (auto& from : shards_) shards_[s].collect(from, s, from.filling());
    }
    for (auto& s : shards_) {
      s.fill_post(1);
      s.fill_post(0);
    }
  }
  [[nodiscard]] std::int64_t floor_to_stride(std::int64_t t) const noexcept {
    return t - t % stride_;
  }
  [[nodiscard]] shard_type& shard_of(std::uint32_t number) noexcept {
    return shards_[index_for(number)];
  }
  [[nodiscard]] shard_type const& shard_of(std::uint32_t number) const noexcept {
    return shards_[index_for(number)];
  }
  [[nodiscard]] std::size_t index_for(std::uint32_t number) const noexcept {
    HYDRA_EXPECTS(number < setting_->peers());
    auto const after = std::upper_bound(firsts_.begin(), firsts_.end(), number);
    return static_cast<std::size_t>(after - firsts_.begin()) - 1;
  }

  std::shared_ptr<Setting const> setting_;
  options options_;
  std::vector<std::uint32_t> firsts_;
  std::vector<shard_type> shards_;
  std::int64_t stride_ = 1;
  std::int64_t now_ = 0;
  std::uint32_t injected_ = 0x80000000U;  // sequences of injected messages
  crew_choice crew_;
};

// What drives heads stands outside the class, so that `extern template` can name it: in it is all
// that they do, compiled once where a world is shared (ready_made.hpp).

template <Node N, class Setting, class Observer, EventQueue Queue>
world<N, Setting, Observer, Queue>::world(Setting setting, options how)
    : setting_{std::make_shared<Setting const>(std::move(setting))}, options_{how} {
  cut();
  link();
  for (auto& s : shards_) s.start();
  exchange();
}

template <Node N, class Setting, class Observer, EventQueue Queue>
void world<N, Setting, Observer, Queue>::run_until(instant until) {
  auto const end = ns(until);
  if (end <= now_) return;
  if (shards_.size() == 1) {
    shards_[0].run_until(end);
    now_ = end;
    return;
  }
  auto const first = floor_to_stride(now_);
  auto const steps = static_cast<std::size_t>((end - first + stride_ - 1) / stride_);
  auto const before = counts().events;
  auto const parks = in_lock_step(
      shards_.size(), crew_.together() ? options_.threads : 1U,
      [&](std::size_t step) { return step < steps; },
      [&](std::size_t step, std::size_t s) {
        auto& mine = shards_[s];
        for (auto& from : shards_) mine.collect(from, s, (step + 1) % 2);  // the step before
        mine.fill_post(step % 2);
        mine.run_until(std::min(end, first + static_cast<std::int64_t>(step + 1) * stride_));
      });
  crew_.ends(parks, counts().events - before);
  exchange();
  now_ = end;
}

template <Node N, class Setting, class Observer, EventQueue Queue>
void world<N, Setting, Observer, Queue>::crash(peer who) {
  shard_of(who.index()).crash(who.index(), now());
  exchange();
}

template <Node N, class Setting, class Observer, EventQueue Queue>
void world<N, Setting, Observer, Queue>::restart(peer who) {
  shard_of(who.index()).restart(who.index(), now());
  exchange();
}

template <Node N, class Setting, class Observer, EventQueue Queue>
template <Fact F>
void world<N, Setting, Observer, Queue>::tell(peer who, F const& fact) {
  shard_of(who.index()).tell_now(who.index(), now(), fact);
  exchange();
}

}  // namespace hydra::sim
