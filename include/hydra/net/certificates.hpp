// Certificates that say nothing but a key: X.509, Ed25519, signed by the key that they hold.
//
// TLS wants a certificate; who trusts whom is no business of authorities here. So a head makes its
// own in memory, and what counts in another's is the public key: whoever finished a handshake with
// it has its private half, and its SHA-256 is the head's key.
// Errors: what is wrong with a certificate, in words; OpenSSL without memory ends the program.
// Cost: 0.1 ms to make one, 0.1 ms to check one.
#pragma once

#include <hydra/net/identity.hpp>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>

namespace hydra::net {

namespace detail {
using x509_pointer = std::unique_ptr<X509, frees<X509_free>>;
using wall = std::chrono::sys_seconds;  // dates of certificates count from 1970
[[nodiscard]] inline wall wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}
}  // namespace detail

// From when until when a certificate holds, around `now`: a clock may be off by an hour.
struct validity {
  detail::wall from;
  detail::wall until;
  [[nodiscard]] static validity around(detail::wall now) {
    return {now - std::chrono::hours{1}, now + std::chrono::days{30}};
  }
  // A head that runs for long makes another one in time.
  [[nodiscard]] bool is_old(detail::wall now) const { return now > from + (until - from) / 2; }
};

// `signer` signs; another one than the holder of the key makes a forgery, for tests.
[[nodiscard]] inline detail::x509_pointer make_certificate(EVP_PKEY* holder, EVP_PKEY* signer,
                                                           validity when,
                                                           EVP_MD const* digest = nullptr) {
  detail::x509_pointer c{X509_new()};
  std::uint64_t serial = 0;
  auto* const name = reinterpret_cast<unsigned char const*>("hydra");
  auto const from = std::chrono::system_clock::to_time_t(when.from);
  auto const until = std::chrono::system_clock::to_time_t(when.until);
  bool const made =
      c && RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1 &&
      X509_set_version(c.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(c.get()), serial >> 1U) == 1 &&
      X509_NAME_add_entry_by_txt(X509_get_subject_name(c.get()), "CN", MBSTRING_ASC, name, -1, -1,
                                 0) == 1 &&
      X509_set_issuer_name(c.get(), X509_get_subject_name(c.get())) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(c.get()), from) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(c.get()), until) != nullptr &&
      X509_set_pubkey(c.get(), holder) == 1 && X509_sign(c.get(), signer, digest) > 0;
  HYDRA_ENSURES(made);
  return c;
}
[[nodiscard]] inline detail::x509_pointer make_certificate(identity const& of, validity when) {
  return make_certificate(of.pair(), of.pair(), when);
}

// The key in a certificate that may be used at `now`, or what is wrong with it.
[[nodiscard]] inline result<raw_key> key_in(X509* c, detail::wall now) {
  auto* const holder = X509_get0_pubkey(c);  // null when it does not decode
  if (holder == nullptr || EVP_PKEY_get_id(holder) != EVP_PKEY_ED25519) {
    ERR_clear_error();
    return error{"the key of the certificate is not Ed25519"};
  }
  auto at = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notBefore(c), &at) >= 0) {  // 0: it does not decode
    return error{"the certificate is not valid yet"};
  }
  if (X509_cmp_time(X509_get0_notAfter(c), &at) <= 0) {
    return error{"the certificate has expired"};
  }
  if (X509_get_signature_nid(c) != NID_ED25519 || X509_verify(c, holder) != 1) {
    ERR_clear_error();
    return error{"the certificate is not signed by its own key"};
  }
  raw_key raw{};
  auto size = raw.size();
  if (EVP_PKEY_get_raw_public_key(holder, raw.data(), &size) != 1 || size != raw.size()) {
    return error{"the key of the certificate cannot be read"};
  }
  return raw;
}

}  // namespace hydra::net
