// How heads are written down by people: hydra:KEY@HOST:PORT, the key in 64 hex digits.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/core/values.hpp>
#include <hydra/wire/codec.hpp>

#include <optional>
#include <string>

namespace hydra::node {

[[nodiscard]] std::optional<key> key_of_hex(std::string const&);
// Errors name what is wrong and what is allowed. HOST is an address, in [] where it has colons.
[[nodiscard]] result<wire::contact> contact_of_text(std::string const&);
[[nodiscard]] std::string contact_text(wire::contact const&);

// An object and who has it: object:HASH:BYTES:KEY@HOST:PORT.
struct object_name {
  object_id id{};
  std::uint64_t bytes = 0;
  std::string holder;  // as a contact
};
[[nodiscard]] result<object_name> object_of_text(std::string const&);
[[nodiscard]] std::string object_text(object_name const&);

}  // namespace hydra::node
