#include "catch.hpp"

#include <hydra/core/identity.hpp>

#include <array>
#include <string>
#include <string_view>

namespace {

using namespace hydra;

auto hex(digest256 const& words) -> std::string {
  std::string out;
  for (auto w : words) {
    for (int i = 60; i >= 0; i -= 4) out += "0123456789abcdef"[w >> i & 15U];
  }
  return out;
}

}  // namespace

// The examples of FIPS 180-4 as NIST prints them.
TEST_CASE("SHA-256 gives the published digests") {
  CHECK(hex(hash256(std::string_view{})) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(hash256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(hash256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(hash256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a service's key is the hash of its name and major version, at compile time") {
  constexpr auto key = service_key("render.movie", 12);
  static_assert(key != service_key("render.movie", 1));
  CHECK(key.words() == hash256("render.movie/12"));
}
