// Laws of the verify room: random juries, and forgers at the rate of Sarmenta's table.
#include "../catch.hpp"

#include <hydra/testing/recorder.hpp>
#include <hydra/verify/none.hpp>
#include <hydra/verify/repeat.hpp>

#include <cstdint>

using namespace hydra;

namespace {

using jury = bounded_vector<testimony, testimonies_max>;

testimony says(std::uint32_t who, std::uint64_t what, std::uint8_t ring = 3) {
  return {principal{who}, {true, trust::percent(50), ring}, key{digest256{what, 0, 0, 0}}};
}

// Principals whose first word is what testimony i says.
std::size_t voices(jury const& all, std::size_t i) {
  std::size_t n = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    bool first = true;
    for (std::size_t before = 0; before < k; ++before) first &= all[before].who != all[k].who;
    n += first && all[k].hash == all[i].hash ? 1U : 0U;
  }
  return n;
}

struct trial {
  double wrong = 0;
  double runs = 0;
};

// m-first voting with m = 2 among strangers of which a share forges, all in the same way.
trial try_forgers(ratio share_of_forgers, int jobs) {
  testing::recorder env{{.seed = 11}};
  auto view = env.view<verify::repeat>();
  verify::repeat policy;
  owned_stream chance{11, 99, 0};
  trial out;
  for (int i = 0; i < jobs; ++i) {
    jury all;
    auto more = policy.checks(view, job{}, verdict{true, {}, 3}) + 1;
    judgement j;
    do {
      for (; more > 0; --more) {
        all.push_back(says(static_cast<std::uint32_t>(10 + all.size()),
                           chance.draw().chance(share_of_forgers) ? 666 : 1));
      }
      j = policy.judge(view, job{}, all);
      more = 1;
    } while (j.what == judgement::kind::again);
    REQUIRE(j.what == judgement::kind::accept);
    out.runs += static_cast<double>(all.size()) / jobs;
    if (all[j.believed].hash != key{digest256{1, 0, 0, 0}}) out.wrong += 1.0 / jobs;
  }
  return out;
}

}  // namespace

TEST_CASE("a minority is never believed, and who is marked said otherwise") {
  auto const seed = GENERATE(1U, 2U, 3U, 4U);
  testing::recorder env{{.seed = seed}};
  auto view = env.view<verify::repeat>();
  verify::repeat policy;
  owned_stream chance{seed, 99, 0};
  for (int round = 0; round < 20'000; ++round) {
    jury all;
    auto const n = 1 + chance.below(testimonies_max);
    for (std::size_t i = 0; i < n; ++i) {
      auto const ring = static_cast<std::uint8_t>(1 + chance.below(3));
      all.push_back(says(static_cast<std::uint32_t>(10 + chance.below(8)), chance.below(4), ring));
    }
    auto const j = policy.judge(view, job{}, all);
    if (j.what != judgement::kind::accept) {
      REQUIRE(j.forged == 0);
      REQUIRE((j.what == judgement::kind::give_up) == (n == testimonies_max));
      continue;
    }
    REQUIRE(j.believed < n);
    auto const winners = voices(all, j.believed);
    for (std::size_t i = 0; i < n; ++i) {
      bool const same_word = all[i].hash == all[j.believed].hash;
      REQUIRE((j.forged >> i & 1U) == (same_word ? 0U : 1U));
      if (!same_word) REQUIRE(voices(all, i) < winners);
    }
    if (winners == 1) REQUIRE(all[j.believed].standing.ring < 3);
    REQUIRE(j.forged >> n == 0);
  }
}

TEST_CASE("the same words in another order give the same belief") {
  testing::recorder env{{.seed = 1}};
  auto view = env.view<verify::repeat>();
  verify::repeat policy;
  owned_stream chance{1, 99, 0};
  for (int round = 0; round < 10'000; ++round) {
    jury all;
    auto const n = 2 + chance.below(testimonies_max - 1);
    for (std::size_t i = 0; i < n; ++i) {
      all.push_back(says(static_cast<std::uint32_t>(10 + i), chance.below(3)));
    }
    auto const before = policy.judge(view, job{}, all);
    auto shuffled = all;
    chance.draw().permute(shuffled.span());
    auto const after = policy.judge(view, job{}, shuffled);
    REQUIRE(before.what == after.what);
    if (before.what == judgement::kind::accept) {
      REQUIRE(all[before.believed].hash == shuffled[after.believed].hash);
    }
  }
}

TEST_CASE("errors and redundancy of two-first voting are those of Sarmenta's table") {
  // phi = 0.1: error 0.028, redundancy 2.18; phi = 0.2: 0.104 and 2.32; 3 sigma of the binomial.
  auto const tenth = try_forgers({1, 10}, 40'000);
  CHECK(tenth.wrong == Approx(0.0280).margin(0.0025));
  CHECK(tenth.runs == Approx(2.1800).margin(0.006));
  auto const fifth = try_forgers({1, 5}, 40'000);
  CHECK(fifth.wrong == Approx(0.1040).margin(0.0046));
  CHECK(fifth.runs == Approx(2.3200).margin(0.007));
}

TEST_CASE("verification off accepts what comes first") {
  testing::recorder env{{.seed = 1}};
  auto view = env.view<verify::none>();
  verify::none policy;
  jury all{says(2, 1), says(3, 2)};
  auto const j = policy.judge(view, job{}, all);
  CHECK(j.what == judgement::kind::accept);
  CHECK(j.believed == 0);
  CHECK(j.forged == 0);
}
