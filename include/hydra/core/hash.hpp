// SHA-256 (FIPS 180-4), usable at compile time: the name of a service is hashed by the compiler.
// Cost: about 0.4 us per 64 bytes. Bulk data are hashed by the network's library instead.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hydra {

using digest256 = std::array<std::uint64_t, 4>;  // big-endian words: [0] holds the first bytes

namespace detail {

inline constexpr std::array<std::uint32_t, 64> sha256_k = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

class sha256 {
 public:
  constexpr void add(std::uint8_t byte) noexcept {
    block_[fill_++] = byte;
    ++length_;
    if (fill_ == 64) compress();
  }

  [[nodiscard]] constexpr digest256 finish() noexcept {
    auto const bits = length_ * 8;
    add(0x80);
    while (fill_ != 56) add(0);
    for (unsigned i = 0; i < 8; ++i) add(static_cast<std::uint8_t>(bits >> (56U - 8U * i)));
    digest256 out{};
    for (std::size_t i = 0; i < 4; ++i) {
      out[i] = (static_cast<std::uint64_t>(state_[2 * i]) << 32U) | state_[2 * i + 1];
    }
    return out;
  }

 private:
  constexpr void compress() noexcept {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i) {
      w[i] = (std::uint32_t{block_[4 * i]} << 24U) | (std::uint32_t{block_[4 * i + 1]} << 16U) |
             (std::uint32_t{block_[4 * i + 2]} << 8U) | std::uint32_t{block_[4 * i + 3]};
    }
    for (std::size_t i = 16; i < 64; ++i) {
      auto const a = w[i - 15];
      auto const b = w[i - 2];
      w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3U)) + w[i - 7] +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10U));
    }
    auto s = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      auto const one = s[7] + (std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_k[i] + w[i];
      auto const two = (std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
      s = {one + two, s[0], s[1], s[2], s[3] + one, s[4], s[5], s[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) state_[i] += s[i];
    fill_ = 0;
  }

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};
  std::size_t fill_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace detail

[[nodiscard]] constexpr digest256 hash256(std::string_view text) noexcept {
  detail::sha256 h;
  for (char c : text) h.add(static_cast<std::uint8_t>(c));
  return h.finish();
}

[[nodiscard]] constexpr digest256 hash256(std::span<std::byte const> bytes) noexcept {
  detail::sha256 h;
  for (auto b : bytes) h.add(static_cast<std::uint8_t>(b));
  return h.finish();
}

}  // namespace hydra
