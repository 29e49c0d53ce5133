// Names of objects on the network: the root of a tree over their chunks.
//
// An object is cut into chunks of chunk_bytes (the last may be shorter). Leaves and nodes are
// hashed as in RFC 6962 section 2.1, so that no node can stand for a leaf:
//   leaf  SHA-256(0x00, chunk)    node  SHA-256(0x01, left, right)
//   id    SHA-256(0x02, length as u64 little-endian, root); the root of no chunks is SHA-256("")
// A list of leaves proves itself against the id, then each chunk proves itself against its leaf.
// Cost: one pass of SHA-256 (OpenSSL's); 32 bytes of memory for each chunk.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/core/values.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace hydra::net {

inline constexpr std::uint64_t chunk_bytes = std::uint64_t{256} << 10U;
inline constexpr std::uint64_t object_bytes_max = std::uint64_t{64} << 30U;

using leaf_hash = std::array<std::byte, 32>;

[[nodiscard]] constexpr std::uint64_t chunks_of(std::uint64_t length) noexcept {
  return (length + chunk_bytes - 1) / chunk_bytes;
}
[[nodiscard]] constexpr std::uint64_t bytes_of_chunk(std::uint64_t length,
                                                     std::uint64_t chunk) noexcept {
  return std::min(chunk_bytes, length - chunk * chunk_bytes);
}

// SHA-256 over pieces.
class hasher {
 public:
  hasher() : state_{EVP_MD_CTX_new()} { begin(); }
  explicit hasher(std::uint8_t first) : hasher{} { add(first); }
  void begin() { HYDRA_ENSURES(EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr) == 1); }
  void add(std::span<std::byte const> bytes) {
    HYDRA_ENSURES(EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()) == 1);
  }
  void add(std::uint8_t byte) { add(std::as_bytes(std::span{&byte, 1})); }
  // What comes next begins anew.
  [[nodiscard]] leaf_hash finish() {
    leaf_hash out;
    HYDRA_ENSURES(EVP_DigestFinal_ex(state_.get(), reinterpret_cast<unsigned char*>(out.data()),
                                     nullptr) == 1);
    begin();
    return out;
  }

 private:
  struct freed {
    void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD_CTX, freed> state_;
};

[[nodiscard]] inline leaf_hash leaf_of(std::span<std::byte const> chunk) {
  hasher h{0};
  h.add(chunk);
  return h.finish();
}

// The tree is built over the largest power of two that is below the count, then the rest.
[[nodiscard]] inline leaf_hash root_of(std::span<leaf_hash const> leaves) {
  if (leaves.empty()) return hasher{}.finish();
  // Whole subtrees from left to right, their sizes falling: as the bits of the count.
  std::vector<std::pair<std::size_t, leaf_hash>> whole;
  hasher h;
  auto const join = [&](leaf_hash const& left, leaf_hash const& right) {
    h.add(std::uint8_t{1});
    h.add(left);
    h.add(right);
    return h.finish();
  };
  for (auto const& leaf : leaves) {
    std::pair<std::size_t, leaf_hash> last{1, leaf};
    while (!whole.empty() && whole.back().first == last.first) {
      last = {2 * last.first, join(whole.back().second, last.second)};
      whole.pop_back();
    }
    whole.push_back(last);
  }
  auto root = whole.back().second;
  for (auto i = whole.size() - 1; i > 0; --i) root = join(whole[i - 1].second, root);
  return root;
}

[[nodiscard]] inline object_id object_named(std::uint64_t length,
                                            std::span<leaf_hash const> leaves) {
  hasher h{2};
  std::array<std::byte, 8> size;
  for (std::size_t i = 0; i < 8; ++i) size[i] = static_cast<std::byte>(length >> (8 * i));
  h.add(size);
  h.add(root_of(leaves));
  auto const d = h.finish();
  digest256 words{};
  for (std::size_t i = 0; i < d.size(); ++i) {
    words[i / 8] = words[i / 8] << 8U | std::to_integer<std::uint64_t>(d[i]);
  }
  return {key{words}};
}

// Whether these leaves are those of the object, for its length.
[[nodiscard]] inline bool proves(object_id id, std::uint64_t length,
                                 std::span<leaf_hash const> leaves) {
  return length <= object_bytes_max && leaves.size() == chunks_of(length) &&
         object_named(length, leaves) == id;
}

}  // namespace hydra::net
