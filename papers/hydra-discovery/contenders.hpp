// Who competes, as one node type: so that a world can be filled with any of them.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/assembly/one_of.hpp>
#include <hydra/routing/capability.hpp>
#include <hydra/routing/chord.hpp>
#include <hydra/routing/flood.hpp>
#include <hydra/routing/kademlia.hpp>
#include <hydra/routing/pastry.hpp>
#include <hydra/routing/ring_and_keys.hpp>
#include <hydra/routing/small_world.hpp>
#include <hydra/routing/walk.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::papers::discovery {

using keys = routing::kademlia<8>;
using chord = routing::chord<8>;
using pastry = routing::pastry<>;
using small_world = routing::small_world;
using floods = routing::flood<64>;
using walks = routing::walk<32>;
using filters = routing::capability<routing::attenuated_bloom<>>;
using indices = routing::capability<routing::routing_index<>>;
using ring_then_keys = routing::ring_first;
using ring_and_keys = routing::ring_and_keys;  // the default of a Hydra
// What if the far half were the quickest among the honest?
using ring_and_pastry = routing::race<pastry, filters>;
using remembered = routing::cached<routing::first_of<filters, keys>>;

using contender = one_of<keys, chord, pastry, small_world, floods, walks, filters, indices,
                         ring_then_keys, ring_and_keys, remembered, ring_and_pastry>;
inline constexpr std::array<std::string_view, 13> names{
    "kademlia",           "kademlia 4 paths",   "chord",          "pastry",
    "small world",        "flood",              "walk",           "capability filters",
    "capability indices", "ring then keys",     "ring and keys",  "ring then keys cached",
    "ring and pastry"};

[[nodiscard]] contender contender_named(std::size_t i);

// Tables as months of traffic would have left them, where a policy has such.
template <class P, class Everybody>
void prepare(P& policy, key const& own, Everybody const& everybody) {
  auto const named = [](peer who) { return who; };
  if constexpr (requires { policy.adopt(own, everybody, named); }) {
    policy.adopt(own, everybody, named);
  }
}

// What a liar does to all that it sends: it names nobody but accomplices, gives no record of others
// away, and says that everything that is asked for can be had through it. Its own records, which
// are signed, say that it performs what it cannot.
struct conspiracy {
  std::vector<std::uint32_t> accomplices;
  std::vector<std::uint64_t> boasts;  // tags of services
};

class misnaming : public archive<misnaming> {
 public:
  misnaming(conspiracy const& all, std::uint64_t salt) noexcept : all_{&all}, salt_{salt} {}
  template <class T>
  void number(T&) noexcept {}
  template <class Tag>
  void handle(hydra::handle<Tag>&) noexcept {}
  void handle(peer& who) noexcept {
    if (!who) return;
    salt_ = mix64(salt_);
    who = peer{all_->accomplices[static_cast<std::size_t>(salt_ % all_->accomplices.size())]};
  }

 private:
  conspiracy const* all_;
  std::uint64_t salt_;
};

template <class M>
void bend(M& m, conspiracy const& all, std::uint64_t salt) {
  if constexpr (requires { m.digest.add(std::uint64_t{}); }) {
    for (auto tag : all.boasts) m.digest.add(tag);
  } else {
    if constexpr (requires { m.records.clear(); }) m.records.clear();
    provider_record own{};
    if constexpr (requires { m.record.signature; }) own = m.record;
    misnaming lie{all, salt};
    m.serialize(lie, 0U);
    if constexpr (requires { m.record.signature; }) m.record = own;
  }
}

// The driver's environment, with what is sent bent when the head lies.
template <class Env>
class bent_environment : public environment_base<bent_environment<Env>> {
 public:
  bent_environment(Env& env, conspiracy const* all) noexcept : env_{&env}, all_{all} {}
  [[nodiscard]] instant now() const { return env_->now(); }
  [[nodiscard]] peer self() const { return env_->self(); }
  [[nodiscard]] hydra::stream random_of(room where) { return env_->random_of(where); }
  template <class Who>
  [[nodiscard]] auto about(Who who) const {
    return env_->about(who);
  }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return env_->hash(what);
  }
  template <Message M>
  void send(peer to, M const& m) {
    if (all_ == nullptr) return env_->send(to, m);
    auto lie = m;
    bend(lie, *all_, mix64(static_cast<std::uint64_t>(ns(env_->now()))) ^ to.index());
    env_->send(to, lie);
  }
  timer arm_of(room where, duration delay, std::uint16_t tag) {
    return env_->arm_of(where, delay, tag);
  }
  void disarm(timer id) { env_->disarm(id); }
  void disarm(command run) { env_->disarm(run); }
  void every_of(room where, duration period, duration phase, std::uint16_t tag) {
    env_->every_of(where, period, phase, tag);
  }
  template <Fact F>
  void emit(F const& fact) {
    env_->emit(fact);
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() {
    return env_->template pool<T>();
  }
  command run_of(room where, task const& t) { return env_->run_of(where, t); }
  template <Described R>
  command keep_of(room where, std::uint64_t name, R const& record) {
    return env_->keep_of(where, name, record);
  }
  template <Described R>
  void erase(std::uint64_t name) {
    env_->template erase<R>(name);
  }
  template <Described R>
  [[nodiscard]] auto recall(std::uint64_t name) {
    return env_->template recall<R>(name);
  }
  template <Described R, class F>
  void recall_all(F&& visit) {
    env_->template recall_all<R>(visit);
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& record) {
    return env_->sign(record);
  }
  template <Described R>
  command check_of(room where, R const& record, principal who, signature const& s) {
    return env_->check_of(where, record, who, s);
  }
  template <class... A>
  void note(room where, A const&... a) {
    env_->note(where, a...);
  }

 private:
  Env* env_;
  conspiracy const* all_;
};

// A head of the study: one contender alone, honest or not.
class study_node {
 public:
  using inner = alone<contender>;
  using messages = messages_of<inner>;
  using facts = facts_of<inner>;
  using inputs = inputs_of<inner>;
  using activities = activities_of<inner>;
  using records = records_of<inner>;
  static constexpr std::size_t purposes = inner::purposes;

  study_node() = default;
  study_node(inner const& of, conspiracy const* lies) : inner_{of}, lies_{lies} {}

  void on_start(auto& env) {
    bent_environment e{env, lies_};
    inner_.on_start(e);
  }
  template <class Env, class M>
    requires contains<M, messages>
  void on_message(Env& env, peer from, M const& m) {
    bent_environment<Env> e{env, lies_};
    inner_.on_message(e, from, m);
  }
  void on_any_timer(auto& env, std::uint32_t tag) {
    bent_environment e{env, lies_};
    inner_.on_any_timer(e, tag);
  }
  template <class Env, class F>
    requires contains<F, facts_into<inner>>
  void on_fact(Env& env, F const& fact) {
    bent_environment<Env> e{env, lies_};
    inner_.on_fact(e, fact);
  }

 private:
  inner inner_{};
  conspiracy const* lies_ = nullptr;
};

}  // namespace hydra::papers::discovery
