// Tells a node again what a driver told it, and compares what it wants done.
//
//   journal log;  env.log_to(log);  ...  env.start(node); env.deliver(node, from, m); ...
//   recorder again{{.seed = 7, .self = peer{0}}};        // the seed and self of the driver
//   auto const told = replay(N{}, again, log);
//   CHECK(again.effect_digest() == env.effect_digest());
//
// An entry of door::start begins a new life: the node is copied from `fresh`, the recorder
// crashes, and the records written before it are what the node recalls.
#pragma once

#include <hydra/core/journal.hpp>
#include <hydra/testing/recorder.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace hydra::testing {

namespace detail {

// Decodes entry `e` as the type for which `chosen` holds, and hands it to `give`.
template <class... T, class Chosen, class Give>
bool decode_one(type_list<T...>, journal_entry const& e, Chosen&& chosen, Give&& give) {
  bool told = false;
  auto const attempt = [&]<class U>(U*) {
    if (told || !chosen.template operator()<U>()) return;
    auto const value = from_bytes<U>(e.bytes);
    if (value) give(value.value());
    told = value.ok();
  };
  (attempt(static_cast<T*>(nullptr)), ...);
  return told;
}

template <class N>
class replayer {
 public:
  replayer(N const& fresh, recorder& env) : fresh_{fresh}, node_{fresh}, env_{&env} {}

  bool tell(journal_entry const& e) {
    env_->set_now(e.at);
    switch (e.by) {
      case door::start: return start();
      case door::message:
        return decode_one(
            typename N::messages{}, e, [&]<class M>() { return M::id.packed() == e.what; },
            [&](auto const& m) { env_->deliver(node_, e.from, m); });
      case door::timer: env_->fire(node_, {e.at, room_of(e.what), tag_in(e.what), {}}); return true;
      case door::fact:
        return decode_one(
            facts_into<N>{}, e, [&]<class F>() { return index_of<F, facts_into<N>> == e.what; },
            [&](auto const& f) { env_->tell(node_, f); });
      case door::record:
        begin_records();
        return decode_one(
            records_of<N>{}, e, [&]<class R>() { return index_of<R, records_of<N>> == e.what; },
            [&](auto const& r) { env_->remember(e.name, r); });
      default: return introduce(e);
    }
  }

 private:
  static std::uint16_t tag_in(std::uint32_t tag) { return static_cast<std::uint16_t>(tag); }
  void begin_records() {
    if (!std::exchange(collecting_, true)) env_->forget();
  }
  bool start() {
    begin_records();
    collecting_ = false;
    node_ = fresh_;
    env_->start(node_);
    return true;
  }
  bool introduce(journal_entry const& e) {
    if (e.by == door::known_head) {
      auto const head = from_bytes<hydra::detail::described_head>(e.bytes);
      if (head) env_->know(e.from, head.value().value);
      return head.ok();
    }
    auto const k = from_bytes<key>(e.bytes);
    if (!k) return false;
    if (e.by == door::known_hydra) env_->know(principal{e.what}, k.value());
    if (e.by == door::known_service) env_->know(service{e.what}, k.value());
    return true;
  }

  N fresh_;
  N node_;
  recorder* env_;
  bool collecting_ = false;
};

}  // namespace detail

// The number of entries told, or which one could not be.
template <class N>
[[nodiscard]] result<std::size_t> replay(N const& fresh, recorder& env, journal const& log) {
  detail::replayer<N> again{fresh, env};
  std::size_t told = 0;
  for (auto const& e : log.entries()) {
    if (!again.tell(e)) {
      return error{"entry " + std::to_string(told) + " (door " +
                   std::to_string(static_cast<int>(e.by)) + ", what " + std::to_string(e.what) +
                   ") is not for this node"};
    }
    ++told;
  }
  return told;
}

}  // namespace hydra::testing
