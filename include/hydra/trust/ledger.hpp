// What a Hydra remembers of others: evidence that fades, in a table that cannot grow.
//
// Promise: at most `Entries` principals of 16 bytes each, whatever arrives; evidence only ever
// fades; the last bit is the same on every machine (integers, one table, absolute instants).
//
// Rules.
// - Evidence is counted in 1/256 of a receipt, r good and s bad, at most 255 of each: the past
//   cannot be hoarded beyond that.
// - It fades by a sixteenth of a half-life at a time, on a grid of absolute instants, rounded
//   down. Fading by small steps whenever somebody looks would round differently with the number
//   of looks. A clock that steps back fades nothing.
// - A newcomer always gets in and takes the place of the entry that is worth least (ties: the
//   oldest). So a flood of new names keeps replacing one entry, its own, and does not wash out
//   those with more evidence; and nobody is locked out by 32 names that came first.
//
// The mean is that of Josang and Ismail, "The Beta Reputation System" (2002), E = (r+1)/(r+s+2),
// with a base rate in place of 1/2: E = (r + 2a)/(r+s+2) (Josang, "Subjective Logic").
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/values.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra::trusts {

inline constexpr std::uint32_t evidence_unit = 256;      // one receipt
inline constexpr std::uint32_t evidence_max = 255 * 256;  // of one kind, about one principal
inline constexpr std::uint32_t steps_per_half_life = 16;

namespace detail {
// 2^(-k/16) with 16 binary digits, rounded to nearest.
inline constexpr std::array<std::uint32_t, steps_per_half_life> fading = {
    65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393,
    46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219};
}  // namespace detail

// What is left of an amount after so many sixteenths of a half-life.
[[nodiscard]] constexpr std::uint16_t faded(std::uint16_t amount, std::uint32_t steps) noexcept {
  auto const halves = steps / steps_per_half_life;
  if (halves >= 16) return 0;
  auto const part = std::uint64_t{amount} * detail::fading[steps % steps_per_half_life];
  return static_cast<std::uint16_t>(part >> (16U + halves));
}

// Which step of the grid an instant lies in. A step of zero means that nothing ever fades.
[[nodiscard]] constexpr std::uint32_t step_of(instant now, duration step) noexcept {
  if (step.count() <= 0 || ns(now) < 0) return 0;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(ns(now) / step.count(), 0xffffffff));
}

// Precondition of meaning: good and bad in evidence units. base 1/2 gives (r+1)/(r+s+2).
[[nodiscard]] constexpr trust beta_mean(std::uint32_t good, std::uint32_t bad,
                                        trust base) noexcept {
  auto const prior = 2 * std::int64_t{evidence_unit};
  auto const top = std::int64_t{good} * trust::one + prior * base.units();
  return trust::raw(top / (std::int64_t{good} + bad + prior));
}

// What a receipt teaches: whom it is about and how much is good or bad.
struct lesson {
  principal who{};
  std::uint16_t good = 0;
  std::uint16_t bad = 0;
};

// What is left of a lesson that was learned at `then`: a receipt read back after a crash, or late,
// counts as much as it would count had it been remembered.
[[nodiscard]] constexpr lesson aged(lesson l, std::uint32_t then, std::uint32_t now) noexcept {
  auto const age = now > then ? now - then : 0;
  return {l.who, faded(l.good, age), faded(l.bad, age)};
}

// Only receipts of which `own` is one side teach anything: what two others say of each other is
// theirs. Credit needs both signatures. A complaint needs only the owner's, and counts only with
// the owner itself: who was left in the lurch cannot wait for the other's signature.
[[nodiscard]] constexpr lesson lesson_of(principal own, receipt const& r) noexcept {
  auto const executor = r.about.signer;
  auto const owner = r.about.subject;
  if (!own || !executor || !owner || executor == owner) return {};
  bool const by_owner = r.by_owner != signature{};
  bool const by_both = by_owner && r.by_executor != signature{};
  if (r.result == outcome::done) {
    if (!by_both) return {};
    if (own == owner) return {executor, evidence_unit, 0};
    if (own == executor) return {owner, evidence_unit, 0};
    return {};
  }
  if (own != owner || !by_owner) return {};
  if (r.result == outcome::forged) return {executor, 0, 4 * evidence_unit};
  if (r.result == outcome::abandoned) return {executor, 0, evidence_unit};
  return {};  // to refuse is everybody's right
}

// 16 bytes. What a policy does not use stays at its default.
struct ledger_entry {
  static constexpr std::uint8_t nobody = 0xff;
  static constexpr std::uint8_t banned_mark = 0xfe;

  principal who{};
  std::uint32_t step = 0;       // of the last change of the evidence, or of the ban
  std::uint16_t good = 0;       // evidence units at `step`
  std::uint16_t bad = 0;
  std::uint16_t heard = 0;      // when somebody vouched, on a grid of the policy's
  std::uint8_t degree = 0;      // how far, in 1/255
  std::uint8_t voucher = nobody;  // whose word it is

  [[nodiscard]] constexpr bool is_banned() const noexcept { return voucher == banned_mark; }
  [[nodiscard]] constexpr bool is_vouched() const noexcept { return voucher < banned_mark; }

  [[nodiscard]] constexpr std::uint32_t age(std::uint32_t now) const noexcept {
    return now > step ? now - step : 0;
  }
  // Evidence as it stands now, without changing anything.
  [[nodiscard]] constexpr trust mean(std::uint32_t now, trust base) const noexcept {
    return beta_mean(faded(good, age(now)), faded(bad, age(now)), base);
  }
  [[nodiscard]] constexpr std::uint32_t weight(std::uint32_t now) const noexcept {
    return std::uint32_t{faded(good, age(now))} + faded(bad, age(now));
  }
  constexpr void add(std::uint32_t now, std::uint32_t more_good, std::uint32_t more_bad) noexcept {
    auto const sum = [](std::uint16_t a, std::uint32_t b) {
      return static_cast<std::uint16_t>(std::min(a + b, evidence_max));
    };
    good = sum(faded(good, age(now)), more_good);
    bad = sum(faded(bad, age(now)), more_bad);
    step = std::max(step, now);
  }
  constexpr void ban(std::uint32_t now) noexcept {
    good = bad = heard = 0;
    degree = 0;
    step = now;
    voucher = banned_mark;
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& who& step& good& bad& heard& degree& voucher;
  }
};
static_assert(sizeof(ledger_entry) == 16);

// Cost: find and make are one pass over at most Entries x 16 bytes, without allocation.
template <std::size_t Entries>
class ledger {
  static_assert(Entries >= 4 && Entries <= 64, "an idle Hydra must stay small");

 public:
  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return Entries; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] constexpr ledger_entry const* begin() const noexcept { return all_.begin(); }
  [[nodiscard]] constexpr ledger_entry const* end() const noexcept { return all_.end(); }
  [[nodiscard]] constexpr ledger_entry* begin() noexcept { return all_.begin(); }
  [[nodiscard]] constexpr ledger_entry* end() noexcept { return all_.end(); }

  [[nodiscard]] constexpr ledger_entry const* find(principal who) const noexcept {
    for (auto const& e : all_) {
      if (e.who == who) return &e;
    }
    return nullptr;
  }
  [[nodiscard]] constexpr ledger_entry* find(principal who) noexcept {
    for (auto& e : all_) {
      if (e.who == who) return &e;
    }
    return nullptr;
  }

  // The entry of `who`, made when there was none. worth(entry) -> unsigned says what a full
  // ledger may lose: the least is lost first, of equals the oldest. Bans are never lost here.
  template <class W>
  constexpr ledger_entry& make(principal who, W&& worth) {
    if (auto* e = find(who)) return *e;
    if (all_.full()) {
      auto const cost = [&](ledger_entry const& e) -> std::uint64_t {
        return e.is_banned() ? ~std::uint64_t{0} : worth(e);
      };
      auto const less = [&](auto const& a, auto const& b) { return cost(a) < cost(b); };
      all_.erase(std::min_element(all_.begin(), all_.end(), less));
    }
    all_.push_back({.who = who});
    return all_.back();
  }
  // When half of the ledger is bans, the one that a further ban has to replace: the oldest. So
  // cheap names that forge on purpose cannot push everybody else out, and the bound holds.
  [[nodiscard]] constexpr ledger_entry const* ban_to_drop() const noexcept {
    ledger_entry const* oldest = nullptr;
    std::size_t bans = 0;
    for (auto const& e : all_) {
      if (!e.is_banned()) continue;
      ++bans;
      if (oldest == nullptr || e.step < oldest->step) oldest = &e;
    }
    return bans < Entries / 2 ? nullptr : oldest;
  }
  constexpr void erase(principal who) {
    if (auto* e = find(who)) all_.erase(e);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& all_;
  }

 private:
  bounded_vector<ledger_entry, Entries> all_;  // oldest first
};

}  // namespace hydra::trusts
