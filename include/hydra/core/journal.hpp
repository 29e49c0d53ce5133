// Everything that enters a node, written down so that it can be told again, and a digest of
// everything the node answered. Any driver may write a journal; testing/journal.hpp replays it.
//
// A node's behaviour is a function of: the calls (start, message, timer, fact) with their
// instants, what about() answers, the records it recalls, and its random streams (seed and self).
// The first three are entries here; the last is given to the replaying recorder.
// Rule that makes replay possible across drivers: each life of a head numbers its commands (run
// stream keep check) from 1 in the order recorded, its timers (arm every) likewise, and the
// activities of all its pools together.
//
// Handles are 32-bit numbers of the driver that wrote the journal; entries of door::known_head,
// ::known_hydra and ::known_service say what they stand for. Memory: entries_max entries, then the
// journal stops and says so by full().
#pragma once

#include <hydra/core/bytes.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/core/hashing.hpp>
#include <hydra/core/node.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hydra {

// How something entered.
enum class door : std::uint8_t {
  start, message, timer, fact, known_head, known_hydra, known_service, record
};
[[nodiscard]] constexpr door last_of(door) noexcept { return door::record; }

struct journal_entry {
  instant at{};
  door by = door::start;
  peer from{};             // message: the sender; known_head: who
  std::uint32_t what = 0;  // message: id.packed(); timer: the whole tag; fact and record: the
                           // place in facts_into<N> and records_of<N>; known_*: number
  std::uint64_t name = 0;  // record: its name
  std::vector<std::byte> bytes;
};

namespace detail {
struct described_instant {
  instant at{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& at;
  }
};
struct described_head {
  acquaintance value{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& value.key& value.principal& value.group& value.reach& value.rtt;
  }
};
}  // namespace detail

class journal {
 public:
  explicit journal(std::size_t entries_max = 1U << 20U) : entries_max_{entries_max} {}

  void start(instant at) { add({at, door::start, {}, 0, 0, {}}); }
  template <Message M>
  void message(instant at, peer from, M const& m) {
    add({at, door::message, from, M::id.packed(), 0, to_bytes(m)});
  }
  void timer(instant at, std::uint32_t tag) { add({at, door::timer, {}, tag, 0, {}}); }
  template <class N, Fact F>
  void fact(instant at, F const& f) {
    auto const place = static_cast<std::uint32_t>(index_of<F, facts_into<N>>);
    add({at, door::fact, {}, place, 0, to_bytes(f)});
  }
  void head(instant at, peer who, acquaintance const& what) {
    add({at, door::known_head, who, 0, 0, to_bytes(detail::described_head{what})});
  }
  void name(instant at, hydra::principal who, key const& k) {
    add({at, door::known_hydra, {}, who.index(), 0, to_bytes(k)});
  }
  void name(instant at, hydra::service what, key const& k) {
    add({at, door::known_service, {}, what.index(), 0, to_bytes(k)});
  }
  // What a node finds when it starts: before the start that recalls it.
  template <class N, Described R>
  void record(instant at, std::uint64_t called, R const& r) {
    auto const place = static_cast<std::uint32_t>(index_of<R, records_of<N>>);
    add({at, door::record, {}, place, called, to_bytes(r)});
  }

  [[nodiscard]] std::vector<journal_entry> const& entries() const noexcept { return entries_; }
  [[nodiscard]] bool full() const noexcept { return entries_.size() >= entries_max_; }

  // The journal as portable bytes, and back; refuses what is cut off or out of range.
  [[nodiscard]] std::vector<std::byte> save() const;
  [[nodiscard]] static result<journal> load(std::span<std::byte const> in);

 private:
  void add(journal_entry&& e) {
    if (!full()) entries_.push_back(std::move(e));
  }
  template <class A>
  static void describe(A& a, journal_entry& e, std::uint32_t& length) {
    a& e.at& e.by& e.from& e.what& e.name& length;
  }

  std::size_t entries_max_;
  std::vector<journal_entry> entries_;
};

inline std::vector<std::byte> journal::save() const {
  std::vector<std::byte> out;
  as_numbers plain;
  byte_writer<as_numbers> w{out, plain};
  auto const count = static_cast<std::uint64_t>(entries_.size());
  w << count;
  for (auto e : entries_) {
    auto length = static_cast<std::uint32_t>(e.bytes.size());
    describe(w, e, length);
    out.insert(out.end(), e.bytes.begin(), e.bytes.end());
  }
  return out;
}

inline result<journal> journal::load(std::span<std::byte const> in) {
  as_numbers plain;
  byte_reader<as_numbers> r{in, plain};
  journal out;
  std::uint64_t count = 0;
  r& count;
  if (count > out.entries_max_) r.refuse("more entries than a journal holds");
  for (std::uint64_t i = 0; r.ok() && i < count; ++i) {
    journal_entry e;
    std::uint32_t length = 0;
    describe(r, e, length);
    if (length > r.left()) r.refuse("an entry is over the bytes that are left");
    if (!r.ok()) break;
    auto const body = r.skip(length);
    e.bytes.assign(body.begin(), body.end());
    out.entries_.push_back(std::move(e));
  }
  if (r.ok() && r.left() != 0) r.refuse("bytes are left over");
  if (!r.ok()) return error{std::string{r.why()} + " at byte " + std::to_string(r.at())};
  return out;
}

// The kinds of effects, as the digest tells them apart.
enum class effect : std::uint8_t {
  send, arm, every, disarm, emit, run, stream, keep, erase, check
};
inline constexpr std::size_t effect_count = 10;

// Folds every effect of a node in order, with its instant and room. Handles count as keys and
// numbers of commands and timers do not count: two drivers that were told the same agree.
class effect_digest {
 public:
  // `whom`: the key of the receiver or signer, zero where there is none; `extra`: tag, name...
  template <Described T, KeyResolver Resolve>
  void add(instant now, effect kind, room by, T const& what, key const& whom, std::uint64_t extra,
           Resolve const& resolve) {
    fold f{value_};
    f.number(kind);
    f.number(by);
    f.add(static_cast<std::uint64_t>(ns(now)));
    for (auto w : whom.words()) f.add(w);
    f.add(extra);
    value_ = fold_with(what, f.value(), resolve);
    ++count_;
  }
  // A timer that is armed for, or taken back from, an instant.
  template <KeyResolver Resolve>
  void add(instant now, effect kind, room by, instant due, std::uint32_t tag,
           Resolve const& resolve) {
    add(now, kind, by, detail::described_instant{due}, key{}, tag, resolve);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace hydra
