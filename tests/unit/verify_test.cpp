// Repetition and voting, and which code may run.
#include "../catch.hpp"

#include <hydra/code/native_only.hpp>
#include <hydra/code/trusted_bundles.hpp>
#include <hydra/testing/recorder.hpp>
#include <hydra/verify/none.hpp>
#include <hydra/verify/repeat.hpp>

#include <cstdint>
#include <initializer_list>
#include <vector>

using namespace hydra;
using kind = judgement::kind;

namespace {

struct word {
  std::uint32_t who;
  std::uint64_t hash;
  std::uint8_t ring = 3;
};
std::vector<testimony> heard(std::initializer_list<word> words) {
  std::vector<testimony> out;
  for (auto w : words) {
    out.push_back({principal{w.who}, {true, trust::percent(50), w.ring},
                   key{digest256{w.hash, 0, 0, 0}}});
  }
  return out;
}

struct court {
  testing::recorder env{{.seed = 7, .self = peer{1}}};
  verify::repeat policy{};
  testing::recorder_view<verify::repeat> view = env.view<verify::repeat>();
  judgement judge(std::initializer_list<word> words) {
    return policy.judge(view, job{}, heard(words));
  }
};

}  // namespace

TEST_CASE("strangers are always repeated, friends one time in ten, oneself never") {
  court c;
  std::array<int, 4> drawn{};
  for (int i = 0; i < 10000; ++i) {
    for (std::uint8_t ring = 0; ring < 4; ++ring) {
      drawn[ring] += c.policy.checks(c.view, job{}, verdict{true, {}, ring});
    }
  }
  CHECK(drawn[0] == 0);
  CHECK(drawn[1] > 900);
  CHECK(drawn[1] < 1100);
  CHECK(drawn[2] > 900);
  CHECK(drawn[2] < 1100);
  CHECK(drawn[3] == 10000);
  CHECK(c.policy.checks(c.view, job{}, verdict{true, {}, 200}) == 1);
}

TEST_CASE("a stranger alone is never believed, a friend is") {
  court c;
  CHECK(c.judge({}).what == kind::again);
  CHECK(c.judge({{2, 5}}).what == kind::again);
  CHECK(c.judge({{2, 5, 1}}).what == kind::accept);
  CHECK(c.judge({{2, 5, 2}}).what == kind::accept);
}

TEST_CASE("two that agree are believed, a third judges two that do not") {
  court c;
  CHECK(c.judge({{2, 5}, {3, 5}}).what == kind::accept);
  CHECK(c.judge({{2, 5}, {3, 5}}).forged == 0);
  CHECK(c.judge({{2, 5}, {3, 6}}).what == kind::again);
  auto const j = c.judge({{2, 5}, {3, 6}, {4, 6}});
  CHECK(j.what == kind::accept);
  CHECK(j.believed == 1);
  CHECK(j.forged == 1);
}

TEST_CASE("a friend that is contradicted is not believed for being a friend") {
  court c;
  CHECK(c.judge({{2, 5, 1}, {3, 6}}).what == kind::again);
  CHECK(c.judge({{2, 5, 1}, {3, 6}, {4, 6}}).forged == 1);
}

TEST_CASE("ties are asked again and given up at the bound") {
  court c;
  CHECK(c.judge({{2, 5}, {3, 6}, {4, 5}, {5, 6}}).what == kind::again);
  auto const j = c.judge({{2, 5}, {3, 6}, {4, 5}, {5, 6}, {6, 6}});
  CHECK(j.believed == 1);
  CHECK(j.forged == 0b101);
  CHECK(c.judge({{2, 1}, {3, 2}, {4, 3}, {5, 4}, {6, 5}, {7, 6}}).what == kind::again);
  CHECK(c.judge({{2, 1}, {3, 2}, {4, 3}, {5, 4}, {6, 5}, {7, 6}, {8, 7}}).what == kind::give_up);
}

TEST_CASE("a principal with many heads has one voice") {
  court c;
  CHECK(c.judge({{2, 5}, {2, 5}, {2, 5}}).what == kind::again);
  CHECK(c.judge({{2, 5}, {2, 5}, {3, 6}}).what == kind::again);
  CHECK(c.judge({{2, 5}, {2, 5}, {3, 6}, {4, 6}}).believed == 2);
}

TEST_CASE("what oneself computed stands against any number") {
  court c;
  auto const j = c.judge({{2, 5}, {3, 5}, {1, 6, 0}});
  CHECK(j.what == kind::accept);
  CHECK(j.believed == 2);
  CHECK(j.forged == 0b011);
}

TEST_CASE("without verification the first answer is the truth") {
  testing::recorder env{{.seed = 7}};
  auto view = env.view<verify::none>();
  verify::none n;
  CHECK(n.checks(view, job{}, verdict{true, {}, 3}) == 0);
  CHECK(n.judge(view, job{}, heard({{2, 5}, {3, 6}})).what == kind::accept);
  CHECK(n.judge(view, job{}, {}).what == kind::give_up);
}

TEST_CASE("only bundles of listed publishers run, within their permissions, never older ones") {
  testing::recorder env{{.seed = 7}};
  auto view = env.view<code::trusted_bundles>();
  code::trusted_bundles t{{code::publisher{principal{2}, 1}, code::publisher{principal{3}, 3}}};
  manifest m;
  m.about.domain = domain::manifest;
  m.about.signer = principal{2};
  m.about.sequence = 4;
  m.about.expires = env.now() + 1h;
  m.permissions = code::bit(permission::run_bundle);
  CHECK(t.may_run(view, m, principal{9}).admitted);
  CHECK_FALSE(code::native_only{}.may_run(view, m, principal{9}).admitted);
  auto wrong = m;
  SECTION("an unknown publisher") { wrong.about.signer = principal{5}; }
  SECTION("a publisher of a ring beyond the limit") { wrong.about.signer = principal{3}; }
  SECTION("more permissions") { wrong.permissions |= code::bit(permission::network); }
  SECTION("another domain") { wrong.about.domain = domain::vouch; }
  SECTION("expired") { env.advance(2h); }
  SECTION("superseded") {
    auto later = m;
    later.about.sequence = 5;
    t.offered(view, later);
    CHECK(t.may_run(view, later, principal{9}).admitted);
  }
  CHECK_FALSE(t.may_run(view, wrong, principal{9}).admitted);
}
