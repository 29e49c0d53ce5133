// Identities: the vectors of RFC 8032, and files that hold a secret.
#include "../../catch.hpp"
#include "../../folder.hpp"

#include <hydra/net/identity.hpp>
#include <hydra/net/ownership.hpp>

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

using namespace hydra;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> from_hex(std::string_view hex) {
  std::array<std::uint8_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    auto const two = std::string{hex.substr(2 * i, 2)};
    out[i] = static_cast<std::uint8_t>(std::strtoul(two.c_str(), nullptr, 16));
  }
  return out;
}

bool says(std::string const& text, std::string const& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("an identity signs as RFC 8032 says") {
  auto const me = net::identity::from_seed(
      from_hex<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  CHECK(me.raw() ==
        from_hex<32>("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  auto const s = me.sign({});
  CHECK(net::detail::from_signature(s) ==
        from_hex<64>("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33"
                     "bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
  CHECK(s.words[0] == 0xe5564300c360ac72U);
  CHECK(net::verify(me.raw(), {}, s));
  std::array const other{std::byte{1}};
  CHECK_FALSE(net::verify(me.raw(), other, s));
  auto bad = s;
  bad.words[7] ^= 1U;
  CHECK_FALSE(net::verify(me.raw(), {}, bad));
  CHECK_FALSE(net::verify(net::identity::generate().raw(), {}, s));
  CHECK_FALSE(net::verify(net::raw_key{}, {}, s));
  CHECK(me.id() == key{hash256(std::as_bytes(std::span{me.raw()}))});
  CHECK(net::identity::generate().id() != net::identity::generate().id());
}

TEST_CASE("an identity lies in a file of its own, whole and private") {
  folder here;
  auto const path = here.file("head.pem");
  auto const me = net::identity::load_or_make(path);
  REQUIRE(me.ok());
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777U) == 0600U);
  CHECK(here.files() == 1);
  CHECK(net::identity::load(path).value().id() == me.value().id());
  CHECK(net::identity::load_or_make(path).value().id() == me.value().id());

  auto const again = net::identity::generate().save(path);  // never overwrites
  REQUIRE_FALSE(again.ok());
  CHECK(says(again.why(), path));
  CHECK(here.files() == 1);
  CHECK(net::identity::load(path).value().id() == me.value().id());
  CHECK(says(me.value().save(here.file("no/such/folder")).why(), "cannot create"));
}

TEST_CASE("a file that is no private identity is refused by name") {
  folder here;
  auto const path = here.file("head.pem");
  REQUIRE(net::identity::generate().save(path).ok());
  for (auto mode : {0640U, 0604U, 0620U, 0666U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(says(net::identity::load(path).why(), "chmod 600 " + path));
  }
  CHECK(says(net::identity::load(here.file("none")).why(), "cannot open " + here.file("none")));
  CHECK(says(net::identity::load(here.path.string()).why(), "is not a regular file"));
  auto const written = [&](std::string const& text) {
    auto const name = here.file("other");
    std::ofstream{name, std::ios::trunc} << text;
    REQUIRE(::chmod(name.c_str(), 0600) == 0);
    return net::identity::load(name).why();
  };
  CHECK(says(written("not a key"), "is not a private key"));
  CHECK(says(written(""), "is not a private key"));
  net::detail::pkey_pointer const curve{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  net::detail::bio_pointer const out{BIO_new(BIO_s_mem())};
  REQUIRE(PEM_write_bio_PKCS8PrivateKey(out.get(), curve.get(), nullptr, nullptr, 0, nullptr,
                                        nullptr) == 1);
  char* text = nullptr;
  auto const size = static_cast<std::size_t>(BIO_get_mem_data(out.get(), &text));
  CHECK(says(written({text, size}), "not Ed25519"));
}

TEST_CASE("a proof of ownership survives hostile instants") {
  auto const hydra = net::identity::generate();
  auto const head = net::identity::generate().id();
  auto const now = at_ns(1'800'000'000'000'000'000);
  auto const least = at_ns(std::numeric_limits<std::int64_t>::min());
  CHECK(net::holds(net::grant(hydra, 1, head, least, never), 1, head, now, 5min));
  CHECK_FALSE(net::holds(net::grant(hydra, 1, head, never, never), 1, head, now, 5min));
  CHECK_FALSE(net::holds(net::grant(hydra, 1, head, least, least), 1, head, now, 5min));
  CHECK(net::holds(net::grant(hydra, 1, head, least, now - 4min), 1, head, now, 5min));
  CHECK_FALSE(net::holds(net::ownership{}, 1, head, now, 5min));
}
