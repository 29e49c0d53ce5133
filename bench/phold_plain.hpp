// PHOLD as one would write it at once: the same logical process, the same delays, one
// std::priority_queue. It handles exactly the events that the engine handles, which a test checks
// by the digest; it is the measure of what windows gain.
#pragma once

#include "phold.hpp"

#include <cstdint>
#include <queue>
#include <tuple>
#include <type_traits>
#include <vector>

namespace phold {

// `Digest`: also folds what every LP saw, as a world does. Left out where only time counts.
template <bool Digest>
class plain_loop {
 public:
  explicit plain_loop(setting const& s) : setting_{&s} {
    lps_.reserve(s.peers());
    for (std::uint32_t i = 0; i < s.peers(); ++i) lps_.emplace_back(s.make({}, i));
    for (std::uint32_t i = 0; i < s.peers(); ++i) {
      environment env{*this, i, 0};
      lps_[i].node.on_start(env);
    }
  }

  // Runs every event before `end`, in ns; how many there were.
  std::uint64_t run_until(std::int64_t end) {
    std::uint64_t events = 0;
    for (; pending_.top().at < end; ++events) {  // never empty: an event makes an event
      auto const e = pending_.top();
      pending_.pop();
      if constexpr (Digest) fold_in(e);
      environment env{*this, e.to, e.at};
      lps_[e.to].node.on_message(env, hydra::peer{e.from}, ball{});
    }
    end_ = end;
    return events;
  }

  [[nodiscard]] std::uint64_t digest() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < lps_.size(); ++i) {
      sum += hydra::mix64(lps_[i].digest.value ^ hydra::mix64(i + 1));
    }
    return hydra::mix64(sum ^ static_cast<std::uint64_t>(end_));
  }

 private:
  struct entry {
    std::int64_t at;
    std::uint32_t to;
    std::uint32_t from;
    std::uint32_t sequence;
    // The earliest is on top; equal instants in the order of the engine.
    bool operator<(entry const& o) const noexcept {
      if (at != o.at) return at > o.at;
      return std::tie(to, from, sequence) > std::tie(o.to, o.from, o.sequence);
    }
  };
  struct digest_state {
    std::uint64_t value = 0;
  };
  struct no_state {};
  struct process {
    explicit process(logical_process n) : node{n} {}
    logical_process node;
    std::uint32_t sequence = 0;
    std::uint32_t draws = 0;
    [[no_unique_address]] std::conditional_t<Digest, digest_state, no_state> digest{};
  };

  // The three doors that the process uses.
  class environment {
   public:
    environment(plain_loop& all, std::uint32_t me, std::int64_t now) noexcept
        : all_{&all}, me_{me}, now_{now} {}
    [[nodiscard]] hydra::peer self() const noexcept { return hydra::peer{me_}; }
    [[nodiscard]] hydra::stream random() noexcept {
      auto const seed = all_->setting_->seed();
      auto const where = static_cast<std::uint64_t>(hydra::room::node);
      return {hydra::stream_base(seed, where, me_), all_->lps_[me_].draws};
    }
    void send(hydra::peer to, ball const&) {
      auto const n = ++all_->lps_[me_].sequence;
      hydra::sim::transmission const t{me_, to.index(), hydra::at_ns(now_), n, sizeof(ball)};
      auto const at = now_ + all_->setting_->route(t).delay.count();
      all_->pending_.push({at, to.index(), me_, n});
    }

   private:
    plain_loop* all_;
    std::uint32_t me_;
    std::int64_t now_;
  };

  void fold_in(entry const& e) noexcept {
    hydra::fold f{lps_[e.to].digest.value};
    auto const what = hydra::sim::event::pack(hydra::sim::kind::message, 0);
    f.add(static_cast<std::uint64_t>(e.at));
    f.add(std::uint64_t{e.from} << 32U | std::uint64_t{what} << 8U);
    lps_[e.to].digest.value = f.value();
  }

  setting const* setting_;
  std::vector<process> lps_;
  std::priority_queue<entry> pending_;
  std::int64_t end_ = 0;
};

}  // namespace phold
