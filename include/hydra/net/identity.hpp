// Who a machine is: an Ed25519 key pair. Its public half is 32 bytes; the key of a head or of a
// Hydra (hydra::key) is SHA-256 of these, as a big-endian number.
//
//   auto me = net::identity::load_or_make("head.pem");     // result: the identity, or what failed
//   auto const s = me.value().sign(bytes);
//   net::verify(me.value().raw(), bytes, s);               // true
//
// Promise: an identity is a cheap copy of one secret that stays in OpenSSL's memory; nothing here
// prints it. Files are PEM (PKCS 8, not encrypted), written whole or not at all, mode 0600, never
// over another file; a file that others than its owner may read or write is refused.
// Errors: a result that names the path and what failed. An OpenSSL without Ed25519 or without
// memory ends the program by contract.
// Cost: 40 us to sign, 80 us to verify, 40 us to make one. Any thread.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/outcome.hpp>
#include <hydra/core/random.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace hydra::net {

using raw_key = std::array<std::uint8_t, 32>;  // an Ed25519 public key

// The key that a public key is known by.
[[nodiscard]] inline key id_of(raw_key const& raw) {
  return key{hash256(std::as_bytes(std::span{raw}))};
}

namespace detail {

// Deletes what OpenSSL made.
template <auto Free>
struct frees {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};
using pkey_pointer = std::unique_ptr<EVP_PKEY, frees<EVP_PKEY_free>>;
using digest_pointer = std::unique_ptr<EVP_MD_CTX, frees<EVP_MD_CTX_free>>;
using bio_pointer = std::unique_ptr<BIO, frees<BIO_free_all>>;

// Closes a descriptor at the end of its scope.
class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_{fd} {}
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Bytes of a secret, overwritten at the end of their scope.
struct secret_bytes {
  std::string text;
  secret_bytes() = default;
  secret_bytes(secret_bytes const&) = delete;
  secret_bytes& operator=(secret_bytes const&) = delete;
  ~secret_bytes() { OPENSSL_cleanse(text.data(), text.size()); }
};

[[nodiscard]] inline unsigned char const* bytes_of(std::span<std::byte const> in) noexcept {
  return reinterpret_cast<unsigned char const*>(in.data());
}

// A signature's 64 bytes lie in its words as a key's do: big-endian.
[[nodiscard]] inline signature to_signature(std::array<std::uint8_t, 64> const& bytes) noexcept {
  signature s;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    s.words[i / 8] = s.words[i / 8] << 8U | bytes[i];
  }
  return s;
}
[[nodiscard]] inline std::array<std::uint8_t, 64> from_signature(signature const& s) noexcept {
  std::array<std::uint8_t, 64> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(s.words[i / 8] >> (56U - 8U * (i % 8)));
  }
  return bytes;
}

}  // namespace detail

class identity {
 public:
  static constexpr std::size_t file_bytes_max = 4096;

  // From the random numbers of OpenSSL.
  [[nodiscard]] static identity generate() {
    return identity{detail::pkey_pointer{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}};
  }
  // The same seed gives the same identity: for tests. The seed is the secret.
  [[nodiscard]] static identity from_seed(std::array<std::uint8_t, 32> const& seed) {
    return identity{detail::pkey_pointer{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size())}};
  }
  // A secret for draws that others see some of; false: the system has none.
  [[nodiscard]] static bool draw_secret(draw_key& to) {
    return RAND_priv_bytes(reinterpret_cast<unsigned char*>(to.data()), sizeof to) == 1;
  }
  [[nodiscard]] static result<identity> load(std::string const& path) {
    detail::descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.get() < 0) return failed("open", path);
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) return failed("look at", path);
    if (!S_ISREG(about.st_mode)) return error{path + " is not a regular file"};
    if ((about.st_mode & 077U) != 0) {
      return error{path + " holds a secret that others may read or write: chmod 600 " + path};
    }
    detail::secret_bytes pem;
    pem.text.resize(file_bytes_max);
    auto const n = ::read(file.get(), pem.text.data(), pem.text.size());
    if (n < 0) return failed("read", path);
    detail::bio_pointer const in{BIO_new_mem_buf(pem.text.data(), static_cast<int>(n))};
    auto const refuse = [](char*, int, int, void*) { return -1; };  // never asks for a password
    detail::pkey_pointer pair{PEM_read_bio_PrivateKey(in.get(), nullptr, refuse, nullptr)};
    if (!pair) return error{path + " is not a private key in PEM form without a password"};
    if (EVP_PKEY_get_id(pair.get()) != EVP_PKEY_ED25519) {
      return error{path + " holds a key that is not Ed25519"};
    }
    return identity{std::move(pair)};
  }
  // What lies there, or else a new one that lies there from now on.
  [[nodiscard]] static result<identity> load_or_make(std::string const& path) {
    if (::access(path.c_str(), F_OK) == 0) return load(path);
    auto made = generate();
    auto const saved = made.save(path);
    if (!saved) return error{saved.why()};
    return made;
  }
  // Never overwrites: a lost identity cannot be made again.
  [[nodiscard]] result<bool> save(std::string const& path) const {
    detail::bio_pointer const out{BIO_new(BIO_s_secmem())};
    auto const done = PEM_write_bio_PKCS8PrivateKey(out.get(), pair_.get(), nullptr, nullptr, 0,
                                                    nullptr, nullptr);
    HYDRA_EXPECTS(done == 1);
    char* text = nullptr;
    auto const size = static_cast<std::size_t>(BIO_get_mem_data(out.get(), &text));
    return write_new(path, {text, size});
  }

  [[nodiscard]] raw_key const& raw() const noexcept { return raw_; }
  [[nodiscard]] key id() const { return id_of(raw_); }
  [[nodiscard]] signature sign(std::span<std::byte const> bytes) const {
    std::array<std::uint8_t, 64> out{};
    auto size = out.size();
    detail::digest_pointer const by{EVP_MD_CTX_new()};
    auto const done =
        by && EVP_DigestSignInit(by.get(), nullptr, nullptr, nullptr, pair_.get()) == 1 &&
        EVP_DigestSign(by.get(), out.data(), &size, detail::bytes_of(bytes), bytes.size()) == 1;
    HYDRA_ENSURES(done && size == out.size());
    return detail::to_signature(out);
  }
  // For certificates; the identity keeps it.
  [[nodiscard]] EVP_PKEY* pair() const noexcept { return pair_.get(); }

 private:
  explicit identity(detail::pkey_pointer pair) : pair_{std::move(pair)} {
    auto size = raw_.size();
    HYDRA_EXPECTS(pair_ != nullptr);
    auto const read = EVP_PKEY_get_raw_public_key(pair_.get(), raw_.data(), &size);
    HYDRA_ENSURES(read == 1 && size == raw_.size());
  }
  static error failed(char const* doing, std::string const& path) {
    return error{std::string{"cannot "} + doing + " " + path + ": " + std::strerror(errno)};
  }
  // A temporary file beside it, then a link: the name appears with its whole content, or not.
  static result<bool> write_new(std::string const& path, std::span<char const> text) {
    std::array<std::uint8_t, 8> salt{};
    if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) {
      return error{"no random numbers for a name beside " + path};
    }
    auto beside = path + ".";
    for (auto b : salt) beside += static_cast<char>('a' + b % 26);
    auto const mine = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    detail::descriptor const file{::open(beside.c_str(), mine, 0600)};
    if (file.get() < 0) return failed("create", beside);
    auto const n = ::write(file.get(), text.data(), text.size());
    bool const whole = n == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
    bool const placed = whole && ::link(beside.c_str(), path.c_str()) == 0;
    auto const why = errno;
    ::unlink(beside.c_str());
    errno = why;
    if (!placed) return failed("write", path);
    auto const slash = path.rfind('/');
    auto const folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    detail::descriptor const of{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (of.get() < 0 || ::fsync(of.get()) != 0) return failed("make durable the folder of", path);
    return true;
  }

  std::shared_ptr<EVP_PKEY> pair_;
  raw_key raw_{};
};

// Whether the owner of `by` signed these bytes.
[[nodiscard]] inline bool verify(raw_key const& by, std::span<std::byte const> bytes,
                                 signature const& s) {
  detail::pkey_pointer const from{
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, by.data(), by.size())};
  detail::digest_pointer const with{EVP_MD_CTX_new()};
  auto const said = detail::from_signature(s);
  return from && with &&
         EVP_DigestVerifyInit(with.get(), nullptr, nullptr, nullptr, from.get()) == 1 &&
         EVP_DigestVerify(with.get(), said.data(), said.size(), detail::bytes_of(bytes),
                          bytes.size()) == 1;
}

}  // namespace hydra::net
