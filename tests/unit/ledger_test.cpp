// Evidence, its fading, its bound, and the printed values of beta reputation.
#include "../catch.hpp"

#include <hydra/testing/recorder.hpp>
#include <hydra/trust/beta_reputation.hpp>
#include <hydra/trust/ledger.hpp>

#include <cstdint>

using namespace hydra;
using namespace hydra::trusts;

namespace {

constexpr std::uint32_t times(std::uint32_t n) { return n * evidence_unit; }

// E as a share of 10,000, rounded to nearest: the papers print four digits.
std::int64_t printed(std::uint32_t good, std::uint32_t bad) {
  auto const e = beta_mean(times(good), times(bad), trust::percent(50));
  return (std::int64_t{e.units()} * 20000 / trust::one + 1) / 2;
}

receipt signed_receipt(principal executor, principal owner, outcome result = outcome::done) {
  receipt r;
  r.about.domain = domain::receipt;
  r.about.signer = executor;
  r.about.subject = owner;
  r.result = result;
  r.by_executor.words[0] = 1;
  r.by_owner.words[0] = 2;
  return r;
}

}  // namespace

TEST_CASE("the mean of beta reputation is what the paper prints") {
  CHECK(printed(0, 0) == 5000);
  CHECK(printed(7, 1) == 8000);
  CHECK(printed(8, 1) == 8182);
  CHECK(printed(40, 0) == 9762);
  CHECK(printed(0, 5) == 1429);
}

TEST_CASE("a base rate moves the start and is outweighed by evidence") {
  CHECK(beta_mean(0, 0, trust::percent(90)) == trust::percent(90));
  auto const good = beta_mean(times(200), 0, trust::percent(10));
  CHECK(good > trust::percent(98));
  CHECK(beta_mean(0, times(200), trust::percent(90)) < trust::percent(2));
}

TEST_CASE("evidence halves in a half-life and is gone after sixteen") {
  CHECK(faded(256, 0) == 256);
  CHECK(faded(256, steps_per_half_life) == 128);
  CHECK(faded(256, 2 * steps_per_half_life) == 64);
  CHECK(faded(256, steps_per_half_life / 2) == 181);  // 256 / sqrt 2 = 181.02
  CHECK(faded(65535, 16 * steps_per_half_life) == 0);
  CHECK(faded(65535, 0xffffffffU) == 0);
}

TEST_CASE("with one good receipt per period the evidence settles at 1/(1-lambda)") {
  ledger_entry e;
  for (std::uint32_t step = 0; step < 2000; ++step) e.add(step, evidence_unit, 0);
  // lambda = 2^(-1/16): 1/(1-lambda) = 23.58 receipts; rounding down costs less than one.
  CHECK(e.good <= 6037);
  CHECK(e.good >= 6037 - 256);
}

TEST_CASE("a clock that steps back fades nothing") {
  ledger_entry e;
  e.add(100, evidence_unit, 0);
  CHECK(e.age(50) == 0);
  e.add(50, evidence_unit, 0);
  CHECK(e.good == 2 * evidence_unit);
  CHECK(e.step == 100);
}

TEST_CASE("a full ledger loses what is worth least, of equals the oldest") {
  ledger<4> l;
  auto const weight = [](ledger_entry const& e) { return e.weight(0); };
  for (std::uint32_t i = 0; i < 4; ++i) l.make(principal{i}, weight).add(0, i == 2 ? 0 : 9, 0);
  l.make(principal{10}, weight).add(0, 9, 0);
  CHECK(l.size() == 4);
  CHECK(l.find(principal{2}) == nullptr);
  l.make(principal{11}, weight);
  CHECK(l.find(principal{0}) == nullptr);
  l.make(principal{12}, weight);
  CHECK(l.find(principal{11}) == nullptr);  // a flood of names replaces itself
  CHECK(l.find(principal{10}) != nullptr);
}

TEST_CASE("bans take at most half of a ledger and are not lost to evidence") {
  ledger<4> l;
  auto const weight = [](ledger_entry const& e) { return e.weight(0); };
  l.make(principal{0}, weight).ban(7);
  CHECK(l.ban_to_drop() == nullptr);
  l.make(principal{1}, weight).ban(5);
  REQUIRE(l.ban_to_drop() != nullptr);
  CHECK(l.ban_to_drop()->who == principal{1});
  for (std::uint32_t i = 2; i < 50; ++i) l.make(principal{i}, weight).add(0, 200, 0);
  CHECK(l.find(principal{0}) != nullptr);
  CHECK(l.find(principal{1}) != nullptr);
  l.erase(principal{1});
  CHECK(l.ban_to_drop() == nullptr);
}

TEST_CASE("only a receipt with this Hydra in it teaches anything") {
  principal const me{1};
  principal const other{2};
  auto const mine = lesson_of(me, signed_receipt(other, me));
  CHECK(mine.who == other);
  CHECK(mine.good == evidence_unit);
  CHECK(lesson_of(other, signed_receipt(other, me)).who == me);
  CHECK_FALSE(lesson_of(principal{3}, signed_receipt(other, me)).who);
  CHECK_FALSE(lesson_of(me, signed_receipt(me, me)).who);
  CHECK_FALSE(lesson_of(me, signed_receipt(other, me, outcome::refused)).who);
  auto half = signed_receipt(other, me);
  half.by_executor = {};
  CHECK_FALSE(lesson_of(me, half).who);
}

TEST_CASE("an owner's complaint counts without the other's signature, only with the owner") {
  principal const me{1};
  principal const other{2};
  auto r = signed_receipt(other, me, outcome::abandoned);
  r.by_executor = {};
  CHECK(lesson_of(me, r).bad == evidence_unit);
  CHECK_FALSE(lesson_of(other, r).who);
  r.by_owner = {};
  CHECK_FALSE(lesson_of(me, r).who);
}

TEST_CASE("beta reputation forgets and its bans do not") {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  beta_reputation b;
  auto view = env.view<beta_reputation>();
  b.on_start(view);
  for (int i = 0; i < 8; ++i) b.observe(view, signed_receipt(principal{2}, principal{1}));
  CHECK(b.score(principal{2}) == beta_mean(times(8), 0, trust::percent(50)));
  b.proof(view, principal{3});
  b.proof(view, principal{3});
  CHECK(env.take_emitted<banned>().size() == 1);
  auto const before = b.admits(view, principal{2}, right::execute_for_me).score;
  env.advance(std::chrono::hours{24 * 70});
  auto const after = b.admits(view, principal{2}, right::execute_for_me).score;
  CHECK(after < before);
  CHECK(after >= trust::percent(50));
  CHECK_FALSE(b.admits(view, principal{3}, right::execute_for_me).admitted);
}
