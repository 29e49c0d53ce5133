// What every policy of the routing room obeys, shown for each in a small network of recorders.
#include "../catch.hpp"

#include <hydra/assembly/over.hpp>
#include <hydra/membership/rumour.hpp>
#include <hydra/routing/capability.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/routing/flood.hpp>
#include <hydra/routing/full_mesh.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/ring_and_keys.hpp>
#include <hydra/routing/small_world.hpp>
#include <hydra/routing/walk.hpp>
#include <hydra/testing/recorder.hpp>

#include <memory>
#include <set>
#include <tuple>
#include <vector>

using namespace hydra;
using namespace hydra::routing;
using hydra::testing::recorder;
using hydra::testing::sent_message;

namespace {

struct network_settings {
  std::uint64_t seed = 1;
  std::size_t heads = 40;
  std::uint32_t loss_percent = 0;
  std::size_t liars = 0;         // the last heads: swallow stores, name each other
  std::uint32_t liar_groups = 0;  // their netgroups
};

constexpr chord_settings quick_chord{
    .stabilise = 500ms, .rpc_timeout = 200ms, .rpc_attempts = 4, .rejoin = 4};
constexpr capability_settings quick_ring{
    .tick = 1s, .renew = 3s, .digest_life = 10s, .rpc_timeout = 200ms, .rpc_attempts = 4};

// The other ways in which some of them go.
struct four_paths : kademlia<8> {
  four_paths() : kademlia{{.disjoint_paths = 4}} {}
};
struct recursive_chord : chord<8> {
  recursive_chord() : chord{settings()} {}
  static chord_settings settings() {
    auto s = quick_chord;
    s.style = forwarding::recursive;
    return s;
  }
};
struct iterative_pastry : pastry<> {
  iterative_pastry() : pastry{{.iterative = true}} {}
};

using indices = capability<routing_index<>>;
using over_a_list = over<membership::partner_list<16>, capability<>>;
using ring_remembered = cached<ring_first>;
static_assert(RoutingPolicy<ring_remembered, archetype_view<ring_remembered>>);
static_assert(RoutingPolicy<over_a_list, archetype_view<over_a_list>>);
static_assert(RoutingPolicy<ring_and_keys, archetype_view<ring_and_keys>>);
using all_policies =
    std::tuple<full_mesh, kademlia<8>, four_paths, chord<8>, recursive_chord, pastry<>,
               iterative_pastry, flood<64>, walk<32>, small_world, capability<>, indices,
               over_a_list, ring_and_keys, ring_remembered>;

template <class P, class Base>
inline constexpr bool is = std::is_base_of_v<Base, P>;
// Over a list that is given it is what it is without: a ring that is given.
template <class P>
inline constexpr bool rings = is<P, capability<>> || is<P, indices> || is<P, over_a_list>;
// Whose closest are of the ring of three alone.
template <class P>
inline constexpr bool names_its_ring = rings<P> || is<P, ring_remembered>;

// Of 30 heads that know three each, so many are further from everybody who can than digests reach.
// An index leads astray more often than a filter: one more is not reached in time.
template <class P>
inline constexpr std::size_t beyond = is<P, indices> ? 2 : rings<P> ? 1 : 0;

// A policy with its defaults, but quick enough for a test of half a minute.
template <class P>
P quick() {
  if constexpr (std::is_same_v<P, chord<8>>) {
    return P{quick_chord};
  } else if constexpr (is<P, capability<>> || is<P, indices>) {
    return P{quick_ring};
  } else if constexpr (is<P, over_a_list>) {
    return P{{}, quick<capability<>>()};
  } else if constexpr (is<P, ring_and_keys>) {
    return P{kademlia<8>{}, quick<capability<>>()};
  } else if constexpr (is<P, ring_remembered>) {
    return P{ring_first{quick<capability<>>(), kademlia<8>{}}};
  } else {
    return P{};
  }
}

// How far a head is from a key, as the policy counts.
template <class P>
auto distance_from(key const& to, key const& who) {
  if constexpr (is<P, chord<8>>) {
    return place_of(who) - place_of(to);
  } else if constexpr (is<P, pastry<>>) {
    auto const ahead = to.prefix() - who.prefix();
    return std::min(ahead, 0U - ahead);
  } else if constexpr (requires { P::distance(who, to); }) {
    return P::distance(who, to);
  } else {
    return who ^ to;
  }
}

// Heads that talk through recorders, in steps of 10 ms; every message takes 10 to 60 ms.
template <class P>
class network {
 public:
  struct head {
    recorder env;
    P policy = quick<P>();
    bool up = true;
    std::vector<found> finds{};
  };

  explicit network(network_settings s) : settings_{s}, chance_{s.seed, purpose::fault, 0} {
    for (std::size_t i = 0; i < s.heads; ++i) {
      heads_.push_back(std::make_unique<head>());
      heads_.back()->env = recorder{{.seed = s.seed, .self = at(i)}};
    }
    for (std::size_t i = 0; i < s.heads; ++i) start(i);
  }
  [[nodiscard]] static peer at(std::size_t i) { return peer{static_cast<std::uint32_t>(i)}; }
  [[nodiscard]] head& operator[](std::size_t i) { return *heads_[i]; }
  [[nodiscard]] auto view(std::size_t i) { return heads_[i]->env.template view<P>(); }
  [[nodiscard]] std::size_t size() const { return heads_.size(); }

  void start(std::size_t i) {
    auto env = view(i);
    auto& p = heads_[i]->policy;
    if constexpr (requires { p.on_start(env); }) p.on_start(env);
    std::vector<peer> known;
    if constexpr (std::is_same_v<P, full_mesh>) {
      for (std::size_t j = 0; j < heads_.size(); ++j) known.push_back(at(j));
    } else {
      for (std::size_t j = 0; j < 3; ++j) known.push_back(at((i + 1 + j * 7) % size()));
    }
    p.join(env, known);
  }
  void crash(std::size_t i) {
    heads_[i]->up = false;
    heads_[i]->env.crash();
    heads_[i]->policy = quick<P>();
  }
  void publish(std::size_t i, service what) {
    auto env = view(i);
    provider_record r;
    r.what = what;
    heads_[i]->policy.publish(env, r);
  }
  activity find(std::size_t i, want w) {
    auto env = view(i);
    return heads_[i]->policy.find(env, w);
  }
  void deliver(peer from, std::size_t to, testing::any_described const& m) {
    deliver_as(from, to, m, messages_of<P>{});
  }
  void run(duration time) {
    for (duration t{}; t < time; t += 10ms, now_ += 10ms) {
      for (std::size_t i = 0; i < heads_.size(); ++i) step(i);
      std::vector<letter> due;
      std::erase_if(mail_, [&](letter const& l) {
        if (l.at <= now_) due.push_back(l);
        return l.at <= now_;
      });
      for (auto const& l : due) deliver(l.from, l.what.to.index(), l.what.what);
    }
  }

  [[nodiscard]] bool lies(std::size_t i) const { return i >= size() - settings_.liars; }
  // Keys of the liars within a thousandth of the service's, tables as after months of traffic.
  void grind(service what) {
    std::vector<introduction> all;
    for (std::size_t i = 0; i < size(); ++i) {
      auto a = heads_[0]->env.about(at(i));
      auto words = heads_[0]->env.about(what).words();
      words[0] ^= chance_.bits() >> 10U;
      if (lies(i)) {
        a.key = key{words};
        a.group = netgroup{1'000'000 + static_cast<std::uint32_t>(i) % settings_.liar_groups};
        for (auto& h : heads_) h->env.know(at(i), a);
      }
      all.push_back({at(i), a.key, a.group});
    }
    auto sorted = all;
    std::sort(sorted.begin(), sorted.end(),
              [](auto const& a, auto const& b) { return a.key < b.key; });
    for (std::size_t i = 0; i < size(); ++i) {
      heads_[i]->policy.adopt(direct_table<8>(all[i].key, sorted, now_));
    }
  }

 private:
  [[nodiscard]] peer another_liar() {
    return at(size() - settings_.liars + chance_.below(settings_.liars));
  }
  void lie(peer self, peer to, testing::any_described const& m) {
    closer_peers others;
    for (int i = 0; i < 8; ++i) others.try_push_back(another_liar());
    auto& env = heads_[self.index()]->env;
    if (m.is<find_node>()) env.send(to, nodes{m.as<find_node>().nonce, others});
    if (m.is<store>()) env.send(to, stored{m.as<store>().nonce, true, others});
    if (!m.is<find_providers>()) return;
    auto const question = m.as<find_providers>();
    providers answer{question.nonce, {}, others};
    for (int i = 0; i < 4; ++i) {
      provider_record r;
      r.head = another_liar();
      r.what = question.what;
      r.about.signer = r.about.subject = env.about(r.head).principal;
      r.about.issued = now_;
      r.about.expires = now_ + 10min;
      r.signature = env.sign_as(r.about.signer, r);
      answer.records.push_back(r);
    }
    env.send(to, answer);
  }

  struct letter {
    instant at{};
    peer from{};
    sent_message what;
  };
  template <class... M>
  void deliver_as(peer from, std::size_t to, testing::any_described const& m, type_list<M...>) {
    if (to >= heads_.size() || !heads_[to]->up) return;
    if (lies(to)) return lie(at(to), from, m);
    auto env = view(to);
    heads_[to]->env.end_call();
    static_cast<void>(
        ((m.is<M>() && (heads_[to]->policy.on_message(env, from, m.as<M>()), true)) || ...));
  }
  void step(std::size_t i) {
    auto& h = *heads_[i];
    auto env = view(i);
    for (auto const& due : h.env.advance(10ms)) {
      if (h.up) h.policy.on_timer(env, due.tag);
      h.env.end_call();
    }
    h.env.durable();
    for (auto const& c : h.env.template take_answers<checked>()) h.policy.on_fact(env, c);
    h.env.durable();
    for (auto const& m : h.env.take_sent()) {
      if (chance_.below(100) < settings_.loss_percent) continue;
      auto const delay = duration{10ms} + 10ms * static_cast<std::int64_t>(chance_.below(6));
      mail_.push_back({now_ + delay, at(i), m});
    }
    for (auto const& f : h.env.template take_emitted<found>()) h.finds.push_back(f);
    static_cast<void>(h.env.take_armed());
    static_cast<void>(h.env.take_kept());
  }

  network_settings settings_;
  owned_stream chance_;
  instant now_{};
  std::vector<std::unique_ptr<head>> heads_;
  std::vector<letter> mail_;
};

// Members at random: small, huge and negative numbers, handles of strangers and of nobody.
class scramble : public archive<scramble> {
 public:
  explicit scramble(owned_stream& chance) : chance_{&chance} {}
  template <class T>
  void number(T& x) {
    auto const any = chance_->bits();
    switch (chance_->below(4)) {
      case 0: x = static_cast<T>(any % 2); break;
      case 1: x = static_cast<T>(any | 1U << 31U | std::uint64_t{1} << 63U); break;
      case 2: x = static_cast<T>(0 - any % 3); break;
      default: x = static_cast<T>(any); break;
    }
  }
  template <class Tag>
  void handle(hydra::handle<Tag>& h) {
    auto const index = static_cast<std::uint32_t>(chance_->below(500));
    h = index % 8 == 0 ? hydra::handle<Tag>{} : hydra::handle<Tag>{index};
  }
  void length(std::uint16_t& n, std::uint16_t max) {
    n = static_cast<std::uint16_t>(chance_->below(max + 2U));
  }

 private:
  owned_stream* chance_;
};

template <class P, class... M>
void throw_garbage(network<P>& net, std::size_t at, owned_stream& chance, type_list<M...>) {
  auto const from = peer{static_cast<std::uint32_t>(chance.below(500))};
  std::size_t i = 0;
  auto const which = chance.below(sizeof...(M));
  auto const one = [&]<class T>(T m) {
    if (i++ != which) return;
    scramble s{chance};
    m.serialize(s, 0U);
    net.deliver(from, at, testing::any_described{m});
  };
  (one(M{}), ...);
}

constexpr service rendering{5};

template <class P>
std::size_t finds_in_all(network<P>& net, std::size_t providers) {
  std::size_t with = 0;
  for (std::size_t i = 0; i < net.size(); ++i) {
    auto& h = net[i];
    if (!h.up) continue;
    CHECK(h.finds.size() == 1);
    for (auto const& f : h.finds) {
      std::set<std::uint32_t> heads;
      for (auto const& c : f.among) {
        CHECK(c.who.index() < providers);          // nobody who did not publish
        CHECK(c.principal.index() == c.who.index());
        CHECK(c.who != network<P>::at(i));         // the asker knows what it can do itself
        CHECK(heads.insert(c.who.index()).second);  // nobody twice
      }
      with += f.among.empty() ? 0U : 1U;
    }
  }
  return with;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every find ends with exactly one found, of verified candidates",
                        "[routing]", all_policies) {
  auto const seed = GENERATE(1U, 2U, 3U);
  auto const loss = GENERATE(0U, 10U, 30U);
  CAPTURE(seed, loss);
  network<TestType> net{{.seed = seed, .heads = 30, .loss_percent = loss}};
  net.run(5s);
  for (std::size_t i = 0; i < 5; ++i) net.publish(i, rendering);
  net.run(15s);
  for (std::size_t i = 0; i < net.size(); ++i) {
    CHECK(net.find(i, {rendering, 1, {}}));
    net.run(50ms);
  }
  net.run(13s);
  auto const with = finds_in_all(net, 5);
  CHECK(with >= net.size() - (loss == 30 ? 2U : 0U) - beyond<TestType>);
}

TEMPLATE_LIST_TEST_CASE("a find ends when half of the heads are gone",
                        "[routing]", all_policies) {
  auto const seed = GENERATE(4U, 5U);
  CAPTURE(seed);
  network<TestType> net{{.seed = seed, .heads = 30, .loss_percent = 1}};
  net.run(5s);
  for (std::size_t i = 0; i < 6; ++i) net.publish(i, rendering);
  net.run(10s);
  for (std::size_t i = 1; i < net.size(); i += 2) net.crash(i);
  for (std::size_t i = 0; i < net.size(); i += 2) CHECK(net.find(i, {rendering, 1, {}}));
  net.run(13s);
  if constexpr (rings<TestType>) {
    CHECK(finds_in_all(net, 6) >= 6);  // a ring of three friends each breaks, and is not mended
  } else {
    CHECK(finds_in_all(net, 6) >= 13);  // of 15
  }
}

TEMPLATE_LIST_TEST_CASE("a find that knows nobody ends empty in the same call",
                        "[routing]", all_policies) {
  recorder env;
  auto view = env.view<TestType>();
  TestType policy;
  auto const id = policy.find(view, {rendering, 1, {}});
  CHECK(id);
  auto const all = env.take_emitted<found>();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(all[0].among.empty());
}

TEMPLATE_LIST_TEST_CASE("finds beyond the bound are refused and answered by nothing",
                        "[routing]", all_policies) {
  recorder env;
  auto view = env.view<TestType>();
  TestType policy;
  std::vector<peer> const known{peer{1}, peer{2}, peer{3}};
  policy.join(view, known);
  std::size_t accepted = 0;
  for (std::uint32_t i = 0; i < 40; ++i) {
    if (policy.find(view, {service{i}, 1, {}})) ++accepted;
  }
  CHECK(accepted <= 12);
  CHECK(accepted >= 11);
  for (int i = 0; i < 20; ++i) {
    for (auto const& due : env.advance(1s)) policy.on_timer(view, due.tag);
  }
  CHECK(env.take_emitted<found>().size() == accepted);
}

TEMPLATE_LIST_TEST_CASE("closest is nearest first, without repeats, a prefix of asking for more",
                        "[routing]", all_policies) {
  network<TestType> net{{.seed = 9, .heads = 40}};
  net.run(10s);
  for (std::size_t i = 0; i < net.size(); i += 5) {
    auto const& policy = net[i].policy;
    auto const to = net[0].env.about(service{static_cast<std::uint32_t>(i)});
    auto const all = policy.closest(to, 1000);
    CHECK(all.size() <= policy.contacts());
    CHECK(all.size() >= (names_its_ring<TestType> ? 3U : 4U));
    for (std::size_t k = 0; k < all.size(); ++k) {
      CHECK(policy.closest(to, k).size() == k);
      CHECK(std::equal(all.begin(), all.begin() + k, policy.closest(to, k).begin()));
      if (k == 0) continue;
      auto const near = distance_from<TestType>(to, net[0].env.about(all[k - 1]).key);
      CHECK(near < distance_from<TestType>(to, net[0].env.about(all[k]).key));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("garbage from strangers leaves everything bounded and finds working",
                        "[routing]", all_policies) {
  auto const seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  network<TestType> net{{.seed = seed, .heads = 12}};
  net.run(3s);
  net.publish(3, rendering);
  net.run(5s);
  owned_stream chance{seed, 99, 0};
  for (int i = 0; i < 4000; ++i) {
    throw_garbage(net, 0, chance, messages_of<TestType>{});
    if (i % 100 == 0) net.run(200ms);
  }
  if constexpr (requires { TestType::contacts_max; }) {
    CHECK(net[0].policy.contacts() <= TestType::contacts_max);
  } else if constexpr (is<TestType, pastry<>>) {
    CHECK(net[0].policy.contacts() <= pastry_table<4, 16>::capacity);
    CHECK(net[0].policy.state().sane());
  } else {
    if constexpr (is<TestType, chord<8>>) {
      CHECK(net[0].policy.contacts() <= ring_table<8>::contacts_max);
      CHECK(net[0].policy.ring().sane());
    } else if constexpr (rings<TestType>) {
      CHECK(net[0].policy.contacts() == 3);  // a ring is given, never learnt
    } else if constexpr (is<TestType, ring_and_keys>) {
      CHECK(net[0].policy.template part<0>().contact_table().sane());
      CHECK(net[0].policy.template part<1>().contacts() == 3);
    } else if constexpr (is<TestType, ring_remembered>) {
      auto const& both = net[0].policy.template part<0>();
      CHECK(both.template part<0>().contacts() == 3);
      CHECK(both.template part<1>().contact_table().sane());
    } else {
      CHECK(net[0].policy.contacts() <= table<8>::capacity);
      CHECK(net[0].policy.contact_table().sane());
    }
    auto view = net.view(0);
    CHECK(record_store{view}.size() <= 1);  // the one that was signed
  }
  net.run(2s);
  CHECK(net.find(0, {rendering, 1, {}}));
  net.run(13s);
  REQUIRE(net[0].finds.size() == 1);
  REQUIRE(net[0].finds[0].among.size() == 1);
  CHECK(net[0].finds[0].among[0].who == peer{3});
}

TEST_CASE("keys ground towards a service by a tenth of the heads, of few netgroups, capture few "
          "finds", "[routing]") {
  auto const seed = GENERATE(3U, 4U);
  auto const groups = GENERATE(1U, 2U, 4U);
  network<kademlia<8>> net{{.seed = seed, .heads = 300, .loss_percent = 1, .liars = 30,
                            .liar_groups = groups}};
  net.grind(rendering);
  net.run(1s);
  for (std::size_t i = 0; i < 30; ++i) {
    net.publish(i, rendering);
    net.run(100ms);
  }
  net.run(10s);
  for (std::size_t i = 30; i < 130; ++i) net.find(i, {rendering, 2, {}});
  net.run(13s);
  std::size_t captured = 0;
  for (std::size_t i = 30; i < 130; ++i) {
    REQUIRE(net[i].finds.size() == 1);
    auto const& among = net[i].finds[0].among;
    captured += std::all_of(among.begin(), among.end(), [&](candidate const& c) {
      return net.lies(c.who.index());
    }) ? 1U : 0U;
  }
  WARN(captured << " of 100 finds captured by 30 of 300 heads in " << groups << " netgroups");
  CHECK(captured <= (groups == 1 ? 5U : 30U));
}
