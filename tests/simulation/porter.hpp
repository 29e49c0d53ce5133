// A head that has objects, gets objects, and does nothing else; for both drivers.
#pragma once

#include <hydra/core/node.hpp>
#include <hydra/data/objects.hpp>

#include <array>
#include <cstdint>

namespace hydra {

struct want_object {  // input
  object_ref what{};
  byte_range which{};
  peer other{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& which& other;
  }
};
struct have_object {  // input
  object_id what{};
  byte_range which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& which;
  }
};

struct want_no_more {  // input: the n-th that was wanted
  std::uint32_t n = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& n;
  }
};

// A head with nothing but objects.
struct porter {
  using queue = fact_queue<type_list<fetched>>;
  using messages = objects::messages;
  using inputs = type_list<want_object, have_object, want_no_more>;
  using facts = type_list<fetched>;
  using activities = objects::activities;
  objects store{200'000'000};
  bounded_vector<activity, 8> gets{};

  template <class Env, class F>
  void with(Env& env, F&& f) {
    queue emitted;
    view<Env, queue, room::data> e{env, emitted};
    f(e);
    while (!emitted.empty()) emitted.next([&](room, auto const& fact) { env.emit(fact); });
  }
  void on_start(auto&) {}
  void on_message(auto& env, peer from, auto const& m) {
    with(env, [&](auto& e) { store.on_message(e, from, m); });
  }
  void on_any_timer(auto& env, std::uint32_t tag) {
    with(env, [&](auto& e) { store.on_timer(e, static_cast<std::uint16_t>(tag)); });
  }
  void on_fact(auto& env, stream_done const& d) {
    with(env, [&](auto& e) {
      store.on_fact(e, d);
    });
  }
  void on_fact(auto& env, unreachable const& u) {
    with(env, [&](auto& e) { store.on_unreachable(e, u.who); });
  }
  void on_fact(auto& env, want_object const& w) {
    std::array<peer, 2> const from{w.what.holder, w.other};
    with(env, [&](auto& e) { gets.try_push_back(store.get(e, w.what.id, w.which, from)); });
  }
  void on_fact(auto& env, want_no_more const& w) {
    with(env, [&](auto& e) { store.drop(e, gets[w.n]); });
  }
  void on_fact(auto& env, have_object const& h) {
    with(env, [&](auto& e) { store.add(e, h.what, h.which); });
  }
};

}  // namespace hydra
