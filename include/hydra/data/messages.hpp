// What heads say to each other about objects, and what they remember of it. See objects.hpp.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/core/policy.hpp>
#include <hydra/core/values.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra {

struct data_tag {
  static constexpr room where = room::data;
};

struct fetch {  // stream this to me, then say so
  static constexpr message_id id{room::data, 1, 1};
  std::uint64_t ticket = 0;  // the asker's name for it; said again it starts nothing twice
  object_id what{};
  byte_range which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& ticket& what& which;
  }
};

enum class carriage : std::uint8_t {
  under_way,
  done,      // the last byte is in front of this
  cut,       // so many bytes came, no more will
  not_here,  // and never was, or not any more
};
[[nodiscard]] constexpr carriage last_of(carriage) noexcept { return carriage::not_here; }

struct sending {
  static constexpr message_id id{room::data, 2, 1};
  std::uint64_t ticket = 0;
  carriage how = carriage::not_here;
  std::uint64_t bytes = 0;
  key proof{};  // hash of what was sent; modelled as that of its claim
  template <class A>
  void serialize(A& a, unsigned) {
    a& ticket& how& bytes& proof;
  }
};

// What a proof says: these bytes of this object. On the network it is the path of the chunk tree.
struct bytes_claim {
  object_id what{};
  byte_range which{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& which;
  }
};

struct fetched {  // fact: exactly one for every get() that was not dropped
  activity id{};
  bool ok = false;
  std::uint64_t bytes = 0;  // that came over the network; none for whoever joined
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& ok& bytes;
  }
};

}  // namespace hydra
