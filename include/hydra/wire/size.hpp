// What a message takes on the wire, without writing it.
#pragma once

#include <hydra/core/message.hpp>
#include <hydra/wire/codec.hpp>
#include <hydra/wire/frame.hpp>

#include <cstddef>

namespace hydra::wire {
namespace detail {

class byte_count : public archive<byte_count> {
 public:
  template <class T>
  void number(T const&) noexcept {
    sum_ += sizeof(T);
  }
  void handle(peer who) noexcept {
    contact c;
    if (who) c.at.push_back({});
    *this& c;
  }
  template <class Tag>
  void handle(hydra::handle<Tag>) noexcept {
    key k;
    *this& k;
  }
  [[nodiscard]] std::size_t sum() const noexcept { return sum_; }

 private:
  std::size_t sum_ = 0;
};

}  // namespace detail

// Bytes of a frame with this message, where every head is named with one endpoint: what encode()
// writes and the header before it. Without TLS and TCP.
template <Message M>
[[nodiscard]] std::size_t frame_bytes(M m) noexcept {
  detail::byte_count count;
  m.serialize(count, 0U);
  return frame_header_bytes + count.sum();
}

}  // namespace hydra::wire
