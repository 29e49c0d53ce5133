// Who the heads of a plan are: the same keys in both worlds.
#pragma once

#include "plan.hpp"

#include <hydra/net/identity.hpp>

#include <cstdint>
#include <vector>

namespace hydra::validation {

// Of one head; a pure function of the plan's seed. For a run on loopback only: no secret.
[[nodiscard]] net::identity identity_of(plan const& p, std::uint32_t head);
[[nodiscard]] std::vector<key> keys_of(plan const& p);
[[nodiscard]] key service_key_of(plan const& p, std::uint32_t service);

}  // namespace hydra::validation
