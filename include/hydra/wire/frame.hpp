// Frames: how messages lie in a stream of bytes. Little-endian.
//
//   0  u32  length   bytes after the header, at most frame_payload_max
//   4  u16  version  of the framing: frame_version
//   6  u16  flags    bit 0: a control frame of the transport. Other low bits must be zero; the
//                    high byte may carry hints that an older reader ignores
//   8  u32  message  message_id::packed(), or the control frame's number
//   12      payload
//
// A reader holds at most one frame and refuses a length over the limit when it sees the header,
// before anything is stored. A refused stream stays refused: the connection is to be closed.
#pragma once

#include <hydra/core/outcome.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hydra::wire {

inline constexpr std::size_t frame_header_bytes = 12;
inline constexpr std::uint32_t frame_payload_max = 65536;  // bytes
inline constexpr std::uint16_t frame_version = 1;
inline constexpr std::uint16_t control_flag = 1;
inline constexpr std::uint16_t must_understand = 0x00ff;  // flags that may not be ignored

struct frame_header {
  std::uint32_t length = 0;
  std::uint16_t version = frame_version;
  std::uint16_t flags = 0;
  std::uint32_t message = 0;
  [[nodiscard]] constexpr bool control() const noexcept { return (flags & control_flag) != 0; }
};

namespace detail {
inline void put(std::byte* out, std::uint64_t x, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i, x >>= 8U) out[i] = static_cast<std::byte>(x & 0xffU);
}
[[nodiscard]] inline std::uint64_t get(std::byte const* in, std::size_t bytes) noexcept {
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < bytes; ++i) x |= static_cast<std::uint64_t>(in[i]) << (8U * i);
  return x;
}
}  // namespace detail

[[nodiscard]] inline std::array<std::byte, frame_header_bytes> encode_header(
    frame_header const& h) noexcept {
  std::array<std::byte, frame_header_bytes> out{};
  detail::put(out.data(), h.length, 4);
  detail::put(out.data() + 4, h.version, 2);
  detail::put(out.data() + 6, h.flags, 2);
  detail::put(out.data() + 8, h.message, 4);
  return out;
}

[[nodiscard]] inline result<frame_header> decode_header(
    std::span<std::byte const, frame_header_bytes> in,
    std::uint32_t payload_max = frame_payload_max) {
  frame_header h;
  h.length = static_cast<std::uint32_t>(detail::get(in.data(), 4));
  h.version = static_cast<std::uint16_t>(detail::get(in.data() + 4, 2));
  h.flags = static_cast<std::uint16_t>(detail::get(in.data() + 6, 2));
  h.message = static_cast<std::uint32_t>(detail::get(in.data() + 8, 4));
  if (h.version != frame_version) {
    return error{"frame version " + std::to_string(h.version) + ", expected " +
                 std::to_string(frame_version)};
  }
  if ((h.flags & must_understand & ~control_flag) != 0) {
    return error{"frame flags " + std::to_string(h.flags) + " are not understood"};
  }
  if (h.length > payload_max) {
    return error{"frame of " + std::to_string(h.length) + " bytes, at most " +
                 std::to_string(payload_max)};
  }
  return h;
}

// Appends a frame whose payload `write(out)` appends. False, and nothing appended, when the
// payload exceeds the limit.
template <class Write>
[[nodiscard]] bool append_frame(std::vector<std::byte>& out, std::uint32_t message,
                                std::uint16_t flags, Write&& write) {
  auto const start = out.size();
  out.resize(start + frame_header_bytes);
  write(out);
  auto const length = out.size() - start - frame_header_bytes;
  if (length > frame_payload_max) {
    out.resize(start);
    return false;
  }
  auto const header =
      encode_header({static_cast<std::uint32_t>(length), frame_version, flags, message});
  for (std::size_t i = 0; i < header.size(); ++i) out[start + i] = header[i];
  return true;
}

// Cuts a stream into frames. Memory: one frame at most.
class frame_reader {
 public:
  explicit frame_reader(std::uint32_t payload_max = frame_payload_max) noexcept
      : payload_max_{payload_max} {}

  // Takes bytes from the front of `in` until a frame is whole, the bytes end or they are refused.
  // Returns whether a frame is there: read header() and payload() before the next call.
  bool take(std::span<std::byte const>& in) {
    if (refused()) return false;
    if (whole_) reset();
    fill(in, frame_header_bytes);
    if (held_.size() < frame_header_bytes) return false;
    if (!header_) {
      auto const h = decode_header(
          std::span<std::byte const, frame_header_bytes>{held_.data(), frame_header_bytes},
          payload_max_);
      if (!h) {
        why_ = h.why();
        return false;
      }
      header_ = h.value();
    }
    fill(in, frame_header_bytes + header_->length);
    whole_ = held_.size() == frame_header_bytes + header_->length;
    return whole_;
  }
  [[nodiscard]] frame_header const& header() const { return *header_; }
  [[nodiscard]] std::span<std::byte const> payload() const noexcept {
    return std::span{held_}.subspan(frame_header_bytes);
  }
  [[nodiscard]] bool refused() const noexcept { return !why_.empty(); }
  [[nodiscard]] std::string const& why() const noexcept { return why_; }
  // Whether the stream stands between two frames.
  [[nodiscard]] bool between() const noexcept { return whole_ || held_.empty(); }

 private:
  void fill(std::span<std::byte const>& in, std::size_t until) {
    if (held_.size() >= until) return;
    auto const n = std::min(until - held_.size(), in.size());
    held_.insert(held_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
    in = in.subspan(n);
  }
  void reset() {
    held_.clear();
    header_.reset();
    whole_ = false;
  }

  std::uint32_t payload_max_;
  std::vector<std::byte> held_;
  std::optional<frame_header> header_;
  bool whole_ = false;
  std::string why_;
};

}  // namespace hydra::wire
