// What a head of either world says about itself while it lives: one flat list, the same in both,
// so that everything that is compared is computed by the same code.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hydra::validation {

enum class kind : std::uint16_t {
  started = 1,  // a life began; value: how late, ns
  sent,
  received,
  accepted,     // a job is durable
  looked,       // a lookup ended; value: hops, other: messages
  placed,       // value: 1 when it replaces somebody
  ended,        // a job; value: response in ns, other: hops | replaced << 8 | how << 16
  ran,          // a task; value: ns
  fetched,      // value: bytes, other: 1 when whole
};

struct note {
  std::int64_t at = 0;       // ns since the beginning
  std::uint64_t tag = 0;     // number of the job, or the nonce or ticket of a message
  std::int64_t value = 0;
  std::uint32_t type = 0;    // of a message
  std::uint32_t other = 0;
  std::uint16_t head = 0;
  std::uint16_t with = 0;    // the other head; its own number when there is none
  kind what = kind::started;
  std::uint16_t spare = 0;
};
static_assert(sizeof(note) == 40);

inline constexpr std::size_t notes_max = 400'000;  // of one head; more are lost, and counted

// Where notes go. `at` names a head by its key.
class note_sink {
 public:
  virtual ~note_sink() = default;
  virtual void put(note const& n) = 0;

  void know(key const& k, std::uint16_t head) {
    names_.push_back({k, head});
    std::sort(names_.begin(), names_.end());
  }
  [[nodiscard]] std::uint16_t number_of(key const& k) const {
    auto const it = std::lower_bound(names_.begin(), names_.end(),
                                     std::pair<key, std::uint16_t>{k, 0});
    return it != names_.end() && it->first == k ? it->second : nobody;
  }
  static constexpr std::uint16_t nobody = 0xffff;

  std::uint32_t dropped_type = 0;  // messages of this type are told to no node

 private:
  std::vector<std::pair<key, std::uint16_t>> names_;
};

// Keeps them: the simulated world.
class kept_notes final : public note_sink {
 public:
  void put(note const& n) override { all.push_back(n); }
  std::vector<note> all;
};

}  // namespace hydra::validation
