// What a report is made from, noted while a world runs: who gave what to whom, and samples.
//
// Promise: nothing that is recorded changes a run. The rows do not depend on the number of shards,
// and they are bounded: each head notes its first rows, as many as fit its share of rows_max, and
// counts the others. Cost: 56 bytes a row, four or five rows a job that is repeated once; nothing
// when it is off.
#pragma once

#include <hydra/assembly/jobs.hpp>
#include <hydra/sim/planet.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace hydra::sim {

class history;

// One thing that a head said about a job or a part of one.
struct job_row {
  enum class kind : std::uint8_t { placed, part_ended, ran, judged };
  std::int64_t at = 0;
  std::uint64_t nonce = 0;   // of the job or part; its owner is `by`, or `who` of what ran
  std::uint64_t link = 0;    // placed: names this placement; ran: ns on a core
  std::uint64_t parent = 0;  // placed: the placement that it was divided from; 0: by the asker
  std::uint32_t by = 0;
  std::uint32_t who = 0;     // placed, judged: the holder; part_ended: whose result counts
  std::uint32_t root_owner = 0;   // placed only
  std::uint32_t root_number = 0;  // placed only
  std::uint32_t number = 0;       // placed: of the lease
  kind what = kind::placed;
  std::uint8_t how = 0;      // ending or outcome
  std::uint8_t depth = 0;
  bool replaces = false;

  friend bool operator<(job_row const& a, job_row const& b) {
    auto const all = [](job_row const& r) {
      return std::tie(r.at, r.by, r.what, r.nonce, r.who, r.number, r.link, r.how);
    };
    return all(a) < all(b);
  }
};
static_assert(sizeof(job_row) == 56);

// The rows of one shard.
class job_rows {
 public:
  static constexpr std::uint64_t rows_max = std::uint64_t{1} << 22U;  // 235 MB
  static constexpr std::uint64_t rows_of_one_least = 64;

  void begin(std::uint32_t peers) {
    told_.assign(peers, 0);
    most_ = static_cast<std::uint32_t>(
        std::max(rows_of_one_least, rows_max / std::max(1U, peers)));
  }
  [[nodiscard]] bool on() const noexcept { return most_ != 0; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
  [[nodiscard]] std::deque<job_row> const& all() const noexcept { return rows_; }

  void fact(instant at, std::uint32_t by, placed const& p) {
    if (!has_room(by)) return;
    rows_.push_back({ns(at), p.which.nonce, p.link.words()[0], p.parent.words()[0], by,
                     p.who.index(), p.root.owner.index(),
                     static_cast<std::uint32_t>(p.root.nonce), p.number, job_row::kind::placed, 0,
                     p.depth, p.replaces});
  }
  void fact(instant at, std::uint32_t by, part_done const& p) {
    if (!has_room(by)) return;
    rows_.push_back({ns(at), p.which.nonce, 0, 0, by, p.by.index(), 0, 0, 0,
                     job_row::kind::part_ended, static_cast<std::uint8_t>(p.how), 0, false});
  }
  void fact(instant at, std::uint32_t by, task_ended const& t) {
    if (!has_room(by)) return;
    rows_.push_back({ns(at), t.which.nonce, static_cast<std::uint64_t>(t.busy.count()), 0, by,
                     t.which.owner.index(), 0, 0, 0, job_row::kind::ran,
                     static_cast<std::uint8_t>(t.what), 0, false});
  }
  void fact(instant at, std::uint32_t by, judged const& j) {
    if (!has_room(by)) return;
    rows_.push_back({ns(at), j.which.nonce, 0, 0, by, j.who.index(), 0, 0, 0,
                     job_row::kind::judged, static_cast<std::uint8_t>(j.what), 0, false});
  }
  // Hands everything over; nothing is left here.
  void move_to(std::vector<job_row>& to, std::uint64_t& left_out) {
    to.insert(to.end(), rows_.begin(), rows_.end());
    left_out += left_out_;
    *this = {};
  }

 private:
  [[nodiscard]] bool has_room(std::uint32_t by) {
    if (!on()) return false;
    if (told_[by] < most_) {
      ++told_[by];
      return true;
    }
    ++left_out_;
    return false;
  }

  std::deque<job_row> rows_;
  std::vector<std::uint32_t> told_;  // rows of each head
  std::uint32_t most_ = 0;
  std::uint64_t left_out_ = 0;
};

// What some heads think of others, whom they have had results of: thousandths.
struct trust_sample {
  struct spread_of_scores {
    std::uint16_t p10 = 0, p50 = 0, p90 = 0;
  };
  std::int64_t at = 0;
  spread_of_scores honest, liars;
};

// Whose opinion is asked: a fixed part of all heads, each about those it judged first.
class witnesses {
 public:
  static constexpr std::uint32_t heads_about = 1'000;
  static constexpr std::size_t known_max = 24;  // below what a ledger remembers

  void begin(planet const& where);
  // What is new in the rows of one shard.
  void read(std::size_t shard, job_rows const& rows);
  // score(head, about) in thousandths.
  template <class F>
  void ask(planet const& where, instant at, F&& score) {
    std::vector<std::uint16_t> honest, liars;
    for (auto const& [head, others] : known_) {
      for (auto about : others) {
        (where.may_lie(about) ? liars : honest).push_back(score(head, about));
      }
    }
    add(at, honest, liars);
  }
  [[nodiscard]] std::vector<trust_sample>& samples() noexcept { return samples_; }

 private:
  void add(instant at, std::vector<std::uint16_t>& honest, std::vector<std::uint16_t>& liars);

  std::uint64_t seed_ = 0;
  std::uint64_t one_in_ = 1;
  bool any_liars_ = false;
  std::map<std::uint32_t, std::vector<std::uint32_t>> known_;  // whom a head judged, in order
  std::vector<std::size_t> read_;                              // by shard
  std::vector<trust_sample> samples_;
};

// Everything that a finished run leaves for its report.
struct recording {
  std::shared_ptr<planet const> where;
  std::shared_ptr<history const> seen;
  std::vector<job_row> rows;  // in order
  std::uint64_t left_out = 0;
  duration bucket{};                     // of messages
  std::vector<std::uint64_t> messages;   // sent in each bucket
  std::vector<std::uint64_t> bytes;      // of objects that arrived in each bucket
  std::vector<trust_sample> trust;
  instant end{};
};

// The step of a chart over so long: round, and at most so many of them.
[[nodiscard]] duration round_step(duration whole, std::int64_t steps_max) noexcept;

}  // namespace hydra::sim
