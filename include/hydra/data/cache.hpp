// Which objects, or ranges of objects, this head has. Bounded by number and by bytes; what was
// used last stays longest, what is pinned stays until it is unpinned.
//
// Cost: O(objects of this head) per question, 256 at most. An empty cache costs four bytes.
#pragma once

#include <hydra/core/pool.hpp>
#include <hydra/core/time.hpp>
#include <hydra/core/values.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

struct held_object {
  static constexpr std::size_t per_peer_max = 256;
  object_id what{};
  byte_range which{};
  instant used{};
  std::uint16_t pins = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& which& used& pins;
  }
};

// Of one head, for one call.
class cache {
 public:
  cache(pool<held_object> all, instant now, std::uint64_t bytes_max) noexcept
      : all_{all}, now_{now}, bytes_max_{bytes_max} {}

  [[nodiscard]] bool holds(object_id what, byte_range which) {
    auto const id = find(what, which);
    if (id) all_.find(id)->used = now_;
    return static_cast<bool>(id);
  }
  // False: no room, whatever is given up for it.
  bool add(object_id what, byte_range which, bool pinned = false) {
    if (which.count == 0) return true;
    if (auto const id = find(what, which)) {
      auto& o = *all_.find(id);
      o.used = now_;
      o.pins = static_cast<std::uint16_t>(o.pins + (pinned ? 1U : 0U));
      return true;
    }
    if (which.count > bytes_max_) return false;
    auto const most = bytes_max_ - which.count;
    while (bytes() > most) {
      if (!give_up_oldest()) return false;
    }
    held_object const fresh{what, which, now_, static_cast<std::uint16_t>(pinned ? 1 : 0)};
    while (!all_.add(fresh)) {
      if (!give_up_oldest()) return false;
    }
    return true;
  }
  // Takes one pin away.
  void unpin(object_id what, byte_range which) {
    auto const id = all_.first([&](held_object const& o) {
      return o.pins > 0 && o.what == what && within(which, o.which);
    });
    if (id) --all_.find(id)->pins;
  }
  [[nodiscard]] std::uint64_t bytes() {
    std::uint64_t sum = 0;
    all_.each([&](activity, held_object const& o) { sum += o.which.count; });
    return sum;
  }

 private:
  [[nodiscard]] activity find(object_id what, byte_range which) {
    return all_.first([&](held_object const& o) {
      return o.what == what && within(which, o.which);
    });
  }
  bool give_up_oldest() {
    activity oldest{};
    instant used = never;
    all_.each([&](activity id, held_object const& o) {
      if (o.pins > 0 || o.used >= used) return;
      oldest = id;
      used = o.used;
    });
    if (oldest) all_.erase(oldest);
    return static_cast<bool>(oldest);
  }

  pool<held_object> all_;
  instant now_;
  std::uint64_t bytes_max_;
};

}  // namespace hydra
