#include "people.hpp"

#include <hydra/core/random.hpp>

namespace hydra::validation {

net::identity identity_of(plan const& p, std::uint32_t head) {
  std::array<std::uint8_t, 32> seed{};
  std::uint32_t count = 0;
  hydra::stream chance{stream_base(p.seed, purpose::identity, head), count};
  for (std::size_t i = 0; i < seed.size(); ++i) {
    seed[i] = static_cast<std::uint8_t>(chance.bits() >> 56U);
  }
  return net::identity::from_seed(seed);
}

std::vector<key> keys_of(plan const& p) {
  std::vector<key> out;
  for (std::uint32_t i = 0; i < p.hydras; ++i) out.push_back(identity_of(p, i).id());
  return out;
}

key service_key_of(plan const& p, std::uint32_t service) {
  return service_key(p.services[service].name, 1);
}

}  // namespace hydra::validation
