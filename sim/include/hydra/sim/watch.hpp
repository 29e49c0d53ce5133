// An observer that writes one head's journal while the world runs: everything that enters the
// head, what it knows of others, and a digest of everything it wants done.
//
//   world<N, S, watcher<N>> w{setting, {.watch = peer{7}}};
//   w.run_until(t);
//   auto const seen = w.observed();
//   testing::recorder again{{.seed = seed, .self = peer{7}}};
//   replay(fresh, again, seen.log());   again.effect_digest() == seen.effect_digest()
//
// Cost: nothing in a world whose observer is not a watcher; there a comparison per effect. Handles
// are those that the head sees. Not promised: a head whose clock is put wrong by a varying amount
// and that takes back timers (the due times it is logged with are those of now).
#pragma once

#include <hydra/core/journal.hpp>
#include <hydra/sim/shard.hpp>

#include <cstdint>
#include <set>
#include <utility>

namespace hydra::sim {

template <class N, class Observer = no_observer>
class watcher : public Observer {
 public:
  void watch(std::uint32_t who) noexcept { who_ = who; }
  [[nodiscard]] bool watches(std::uint32_t who) const noexcept { return who == who_; }

  [[nodiscard]] journal const& log() const noexcept { return log_; }
  [[nodiscard]] std::uint64_t effect_digest() const noexcept { return effects_.value(); }
  [[nodiscard]] std::uint64_t effect_count() const noexcept { return effects_.count(); }
  void merge(watcher const& other) {
    Observer::merge(other);
    if (other.log_.entries().empty()) return;
    log_ = other.log_;
    effects_ = other.effects_;
  }

  // ---- what a shard tells: a call is entered when it is over, after what was known in it
  void entered_start(instant at) { log_.start(at); }
  template <Described R>
  void entered_record(instant at, std::uint64_t name, R const& r) {
    log_.template record<N>(at, name, r);
  }
  template <Message M>
  void entered_message(instant at, peer from, M const& m) {
    log_.message(at, from, m);
  }
  void entered_timer(instant at, std::uint32_t tag) { log_.timer(at, tag); }
  template <Fact F>
  void entered_fact(instant at, F const& fact) {
    log_.template fact<N>(at, fact);
  }
  void known(instant at, peer who, acquaintance const& a) {
    if (fresh(0, who.index())) log_.head(at, who, a);
  }
  void known(instant at, principal who, key const& k) {
    if (fresh(1, who.index())) log_.name(at, who, k);
  }
  void known(instant at, service what, key const& k) {
    if (fresh(2, what.index())) log_.name(at, what, k);
  }
  template <class... A>
  void wanted(A const&... what) {
    effects_.add(what...);
  }

 private:
  // What a setting says of somebody never changes: once is enough.
  [[nodiscard]] bool fresh(int kind, std::uint32_t number) {
    return known_.insert({kind, number}).second;
  }

  std::uint32_t who_ = 0xffffffffU;
  journal log_;
  hydra::effect_digest effects_;
  std::set<std::pair<int, std::uint32_t>> known_;
};

}  // namespace hydra::sim
