// Events at their own length, and the chunks they lie in.
//
// An event is a 24-byte header and a payload in 8-byte words. What is fixed is the order of
// events at each peer, by content: (at, kind, from, sequence, copy); never the order of
// insertion. Chunks come from an arena that reuses them: nothing is allocated once it is warm.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/paged.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>

namespace hydra::sim {

enum class kind : std::uint8_t { fault = 0, timer = 1, fact = 2, message = 3 };

struct event {
  std::int64_t at = 0;        // ns
  std::uint32_t to = 0;       // peer number
  std::uint32_t from = 0;     // peer number
  std::uint32_t sequence = 0;  // of from
  std::uint16_t what = 0;     // kind in the two highest bits, then the type's index
  std::uint8_t words = 0;     // of the payload
  std::uint8_t copy = 0;      // of a duplicated message

  [[nodiscard]] kind which() const noexcept { return static_cast<kind>(what >> 14U); }
  [[nodiscard]] std::uint16_t type() const noexcept { return what & 0x3fffU; }
  [[nodiscard]] static std::uint16_t pack(kind k, std::size_t type) noexcept {
    return static_cast<std::uint16_t>(static_cast<unsigned>(k) << 14U | type);
  }
  [[nodiscard]] std::byte const* payload() const noexcept {
    return reinterpret_cast<std::byte const*>(this + 1);
  }
  [[nodiscard]] std::byte* payload() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(event) + 8U * words; }

  // By content; `to` only separates peers that run together in one colocation group.
  [[nodiscard]] friend bool before(event const& a, event const& b) noexcept {
    if (a.at != b.at) return a.at < b.at;
    return std::make_tuple(a.to, a.which(), a.from, a.sequence, a.copy) <
           std::make_tuple(b.to, b.which(), b.from, b.sequence, b.copy);
  }
};
static_assert(sizeof(event) == 24, "the header of an event is counted in the planet's memory");

template <class T>
[[nodiscard]] constexpr std::uint8_t words_of() noexcept {
  return static_cast<std::uint8_t>((sizeof(T) + 7U) / 8U);
}

inline constexpr std::uint32_t no_chunk = 0xffffffffU;

class arena {
 public:
  static constexpr std::size_t chunk_bytes = 8192;
  struct chunk {
    std::uint32_t used = 0;
    std::uint32_t next = no_chunk;
    alignas(8) std::byte data[chunk_bytes - 8];
    chunk() noexcept {}  // the data stay as they are
  };

  [[nodiscard]] chunk& operator[](std::uint32_t i) noexcept { return chunks_[i]; }
  [[nodiscard]] std::uint32_t take() {
    if (free_ == no_chunk) return chunks_.add();
    auto const i = free_;
    free_ = (*this)[i].next;
    (*this)[i].used = 0;
    (*this)[i].next = no_chunk;
    return i;
  }
  void give_back(std::uint32_t first, std::uint32_t last) noexcept {
    (*this)[last].next = free_;
    free_ = first;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.bytes(); }

 private:
  paged<chunk, 4> chunks_;
  std::uint32_t free_ = no_chunk;
};

// An append-only list of events in chunks of an arena. Trivially copyable beside its arena.
class bucket {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == no_chunk; }

  // Room for an event with `words` of payload; the caller fills it in.
  [[nodiscard]] event* append(arena& from, std::size_t words) {
    auto const need = sizeof(event) + 8 * words;
    if (last_ == no_chunk || from[last_].used + need > sizeof(arena::chunk::data)) {
      auto const fresh = from.take();
      if (last_ == no_chunk) {
        first_ = fresh;
      } else {
        from[last_].next = fresh;
      }
      last_ = fresh;
    }
    auto& c = from[last_];
    auto* e = reinterpret_cast<event*>(c.data + c.used);
    c.used += static_cast<std::uint32_t>(need);
    return e;
  }
  void append(arena& from, event const& e) {
    auto* copy = append(from, e.words);
    std::memcpy(static_cast<void*>(copy), &e, e.bytes());
  }

  template <class F>
  void each(arena& from, F&& visit) const {
    for (auto i = first_; i != no_chunk;) {
      auto& c = from[i];
      for (std::uint32_t used = 0; used < c.used;) {
        auto* e = reinterpret_cast<event*>(c.data + used);
        used += static_cast<std::uint32_t>(e->bytes());
        visit(*e);
      }
      i = c.next;
    }
  }

  void clear(arena& to) noexcept {
    if (!empty()) to.give_back(first_, last_);
    first_ = last_ = no_chunk;
  }

 private:
  std::uint32_t first_ = no_chunk;
  std::uint32_t last_ = no_chunk;
};

}  // namespace hydra::sim
