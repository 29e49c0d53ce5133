// What the fuzzer of the codec does with some bytes; the unit test runs it over the corpus.
#pragma once

#include <hydra/core/derive.hpp>
#include <hydra/core/values.hpp>
#include <hydra/wire/codec.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace hydra::fuzz {

// A member of every kind.
struct everything {
  static constexpr message_id id{room::node, 1, 1};
  bool truth = false;
  std::int8_t small = 0;
  std::uint64_t wide = 0;
  duration wait{};
  instant when{};
  hydra::reach where = reach::open;
  peer who{};
  principal whose{};
  service what{};
  bounded_vector<peer, 8> some{};
  payload input{};
  share part{};
  key hash{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& truth& small& wide& wait& when& where& who& whose& what& some& input& part& hash;
  }
};

// Forgets a member on the way in.
struct lossy {
  static constexpr message_id id{room::node, 2, 1};
  std::uint32_t kept = 1;
  std::uint32_t lost = 2;
  template <class A>
  void serialize(A& a, unsigned) {
    a& kept;
    if constexpr (!requires { requires A::is_loading::value; }) {
      a& lost;
    } else {
      std::uint32_t skipped = 0;
      a& skipped;
    }
  }
};

class directory {
 public:
  explicit directory(std::size_t each_max = 64) : each_max_{each_max} {}
  [[nodiscard]] wire::contact contact_of(peer p) const { return peers_.at(p.index()); }
  [[nodiscard]] key key_of(principal p) const { return principals_.at(p.index()); }
  [[nodiscard]] key key_of(service s) const { return services_.at(s.index()); }
  peer intern_peer(wire::contact const& c) {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (peers_[i].key == c.key) return at<peer>(i);
    }
    return add<peer>(peers_, c);
  }
  principal intern_principal(key const& k) { return find<principal>(principals_, k); }
  service intern_service(key const& k) { return find<service>(services_, k); }

 private:
  template <class H>
  static H at(std::size_t i) {
    return H{static_cast<std::uint32_t>(i)};
  }
  template <class H, class T>
  H add(std::vector<T>& all, T const& x) const {
    if (all.size() >= each_max_) return {};
    all.push_back(x);
    return at<H>(all.size() - 1);
  }
  template <class H>
  H find(std::vector<key>& all, key const& k) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] == k) return at<H>(i);
    }
    return add<H>(all, k);
  }
  std::size_t each_max_;
  std::vector<wire::contact> peers_;
  std::vector<key> principals_;
  std::vector<key> services_;
};

// What decodes must have exactly one encoding: two directories agree about it.
template <Message M>
void round_trip(std::span<std::byte const> bytes) {
  directory one;
  auto const first = wire::decode<M>(bytes, one);
  if (!first) return;
  std::vector<std::byte> out;
  wire::encode(first.value(), out, one);
  directory two;
  auto const second = wire::decode<M>(out, two);
  HYDRA_ENSURES(second.ok());
  std::vector<std::byte> again;
  wire::encode(second.value(), again, two);
  HYDRA_ENSURES(again == out);
}

// The first byte chooses the message.
inline void codec_target(std::span<std::byte const> bytes) {
  if (bytes.empty()) return;
  auto const rest = bytes.subspan(1);
  switch (std::to_integer<unsigned>(bytes[0]) % 3) {
    case 0: round_trip<everything>(rest); break;
    case 1: round_trip<provider_record>(rest); break;
    default: round_trip<receipt>(rest); break;
  }
}

}  // namespace hydra::fuzz
