// The values that cross rooms: what is wanted, offered, leased, run and received.
//
// Everything signed carries an envelope: domain, protocol version, network, signer, subject,
// issue and expiry instants, sequence. The highest sequence wins; expired or future-dated is
// refused. Sizes are bounded; what is larger is an object named by its hash.
#pragma once

#include <hydra/core/fixed.hpp>
#include <hydra/core/geo.hpp>
#include <hydra/core/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra {

inline constexpr std::size_t payload_bytes_max = 128;  // of an input or output inside a message
inline constexpr std::uint8_t protocol_version = 1;
inline constexpr duration clock_skew_max = 2min;  // a record from further ahead is refused

// A few bytes, kept as words so that folding and copying them is cheap.
struct payload {
  std::uint16_t size = 0;  // bytes
  std::array<std::uint64_t, payload_bytes_max / 8> words{};

  friend constexpr bool operator==(payload const&, payload const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    if constexpr (requires { a.length(size, std::uint16_t{}); }) {
      a.length(size, static_cast<std::uint16_t>(payload_bytes_max));
    } else {
      a& size;
    }
    if (size > payload_bytes_max) size = 0;
    for (std::size_t i = 0; i < (size + 7U) / 8U; ++i) a& words[i];
  }
};

// An object: immutable bytes named by their hash.
struct object_id {
  key hash{};
  friend constexpr auto operator<=>(object_id const&, object_id const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& hash;
  }
};

struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& first& count;
  }
};

// No overflow whatever a message says.
[[nodiscard]] constexpr bool within(byte_range part, byte_range whole) noexcept {
  if (part.first < whole.first || part.count > whole.count) return false;
  return part.first - whole.first <= whole.count - part.count;
}

// An object that somebody has. Of no bytes: none.
struct object_ref {
  object_id id{};
  std::uint64_t bytes = 0;
  peer holder{};
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bytes != 0; }
  friend constexpr bool operator==(object_ref const&, object_ref const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& bytes& holder;
  }
};

// An output payload that claims an object: where bytes are real, who makes them names them. The
// receipt covers the payload, so it covers the claim.
inline constexpr std::size_t parts_max = 64;  // of a job that is divided
inline constexpr std::uint64_t claim_mark = 0x6a626f2061726479U;  // "ydra obj"
[[nodiscard]] constexpr payload claim_of(object_id id, std::uint64_t bytes,
                                         std::uint64_t parts = 0) noexcept {
  payload out;
  out.size = parts == 0 ? 48 : 56;
  out.words[0] = claim_mark;
  for (std::size_t i = 0; i < 4; ++i) out.words[1 + i] = id.hash.words()[i];
  out.words[5] = bytes;
  out.words[6] = parts;
  return out;
}
[[nodiscard]] constexpr bool is_claim(payload const& output) noexcept {
  return (output.size == 48 || output.size == 56) && output.words[0] == claim_mark;
}
// Of an object that was made to be divided: into so many; 0: it says nothing of it.
[[nodiscard]] constexpr std::uint64_t parts_claimed(payload const& output) noexcept {
  return is_claim(output) ? output.words[6] : 0;
}

// What a task reads and writes beside its payloads: a range of an object, and an object of so
// many bytes. The output is what the output payload claims, of so many bytes at most; where it
// claims nothing, it has these bytes and is named by the hash of the payload.
struct bulk {
  object_ref input{};
  byte_range which{};
  std::uint64_t output_bytes = 0;
  object_ref how{};  // a small one that says what is to be done; read whole
  [[nodiscard]] constexpr explicit operator bool() const noexcept {
    return which.count != 0 || output_bytes != 0 || how;
  }
  // All that has to be moved for it at worst.
  [[nodiscard]] constexpr std::uint64_t bytes() const noexcept {
    auto sum = which.count;
    for (auto more : {output_bytes, how.bytes}) {
      sum = sum + more < more ? ~std::uint64_t{0} : sum + more;
    }
    return sum;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& input& which& output_bytes;
    serialize_if_any(a, how);
  }
};

// The object that a task with this output has made; `hash` is that of the payload.
[[nodiscard]] constexpr object_ref object_made(payload const& output, key const& hash,
                                               std::uint64_t bytes, peer holder) noexcept {
  if (bytes == 0) return {};
  if (!is_claim(output)) return {{hash}, bytes, holder};
  digest256 id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = output.words[1 + i];
  return {{key{id}}, output.words[5], holder};
}

// What a signature says besides its content.
enum class domain : std::uint8_t {
  provider = 1,
  receipt = 2,
  passport = 3,
  vouch = 4,
  manifest = 5,
  token = 6,
};
[[nodiscard]] constexpr domain last_of(domain) noexcept { return domain::token; }

struct envelope {
  hydra::domain domain = hydra::domain::provider;
  std::uint8_t version = protocol_version;
  std::uint32_t network = 0;
  std::uint32_t sequence = 0;
  principal signer{};
  principal subject{};
  instant issued{};
  instant expires{};

  // Whether a record may be used at `now`; the skew of clocks is tolerated on both sides.
  [[nodiscard]] constexpr bool valid_at(instant now) const noexcept {
    return issued <= now + clock_skew_max && now - clock_skew_max < expires;  // cannot overflow
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& domain& version& network& sequence& signer& subject& issued& expires;
  }
};

// What a head has to offer.
struct capacity {
  std::uint16_t cores = 1;
  std::uint16_t speed = 1000;  // thousandths of the reference core
  template <class A>
  void serialize(A& a, unsigned) {
    a& cores& speed;
  }
  friend constexpr bool operator==(capacity, capacity) = default;
};

// What a provider says about how it performs a service. All zero: nothing is said.
struct conditions {
  std::uint32_t memory_mb = 0;  // a task may use so much
  std::uint32_t price = 0;      // of a second of the reference core, in the network's unit
  std::uint16_t minor = 0;      // version within the major one that the service's key names
  std::uint8_t region = 0;      // one bit: where it runs
  [[nodiscard]] constexpr explicit operator bool() const noexcept {
    return memory_mb != 0 || price != 0 || minor != 0 || region != 0;
  }
  friend constexpr bool operator==(conditions const&, conditions const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& memory_mb& price& minor& region;
  }
};

// What an asker demands of whoever performs it. As made: nothing.
struct demands {
  static constexpr std::uint8_t anywhere = 0xff;
  static constexpr std::uint32_t any_price = 0xffffffffU;
  static constexpr std::uint16_t within_km_max = 20'000;  // half around the globe
  std::uint32_t memory_mb = 0;
  std::uint32_t price_max = any_price;
  std::uint16_t minor_min = 0;
  std::uint16_t minor_max = 0xffff;
  std::uint16_t within_km = 0;  // of the middle of `near`; 0: however far
  cell near{};
  std::uint8_t regions = anywhere;  // bit mask
  [[nodiscard]] constexpr explicit operator bool() const noexcept {
    return *this != demands{};
  }
  friend constexpr bool operator==(demands const&, demands const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& memory_mb& price_max& minor_min& minor_max& within_km& near& regions;
  }
};

// "I perform this service": stored under the service's key, signed by the principal.
struct provider_record {
  static constexpr message_id id{room::routing, 100, 1};
  envelope about{};
  peer head{};
  service what{};
  capacity power{};
  cell where{};
  hydra::signature signature{};
  conditions under{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& head& what& power& where& signature;
    serialize_if_any(a, under);
  }
};

// Whether what a provider says meets what is demanded. What it leaves unsaid meets no demand, but
// an unsaid price is none.
[[nodiscard]] inline bool meets(provider_record const& r, demands const& d) noexcept {
  if (!d) return true;
  auto const& u = r.under;
  if (u.memory_mb < d.memory_mb || u.price > d.price_max) return false;
  if (u.minor < d.minor_min || u.minor > d.minor_max) return false;
  if (d.regions != demands::anywhere && (u.region & d.regions) == 0) return false;
  if (d.within_km == 0 || !d.near.said()) return true;
  return r.where.said() && distance_km(r.where, d.near) <= d.within_km;
}

// A user's job is named by who asks and a nonce: offering it again is idempotent.
struct job_id {
  principal owner{};
  std::uint64_t nonce = 0;
  friend constexpr bool operator==(job_id, job_id) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& owner& nonce;
  }
};

inline constexpr std::uint8_t priority_levels = 16;

struct job {
  job_id id{};
  service what{};
  duration work{};     // on the reference core
  duration patience{};  // from submission; a job that is not done by then has failed
  std::uint32_t account = 0;  // a user inside the principal
  std::uint8_t priority = 0;  // higher first; what is beyond the levels counts as the highest
  std::uint8_t hops = 4;      // hands it may pass through, the first included
  std::uint16_t spend = 64;   // all that is done for it may cost so many times its work
  trust floor{};        // nobody below this may run it
  payload input{};
  bulk data{};
  demands of_provider{};  // whoever does not meet them is not asked, nor does it here
  template <class A>
  void serialize(A& a, unsigned) {
    a& id& what& work& patience& account& priority& hops& spend& floor& input;
    serialize_if_any(a, data);
    serialize_if_any(a, of_provider);
  }
};

// A piece of a job that runs on one head. Index and priority travel as one word, 12 bits and 4.
struct task {
  job_id of{};
  std::uint16_t index = 0;
  service what{};
  duration work{};
  payload input{};
  std::uint8_t priority = 0;  // below priority_levels; higher runs first
  bulk data{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& index& what& work& input& priority;
    serialize_if_any(a, data);
  }
};

struct want {
  service what{};
  std::uint8_t at_least = 1;  // candidates
  trust floor{};
  demands needs{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& at_least& floor;
    serialize_if_any(a, needs);
  }
};

inline constexpr std::size_t candidates_max = 16;

// Somebody who might do it, with what is known about them.
struct candidate {
  peer who{};
  hydra::principal principal{};
  capacity power{};
  cell where{};
  std::uint8_t hops = 0;        // of the lookup that found it
  trust score{};                // filled in by the asker
  duration delay{};             // estimated, there and back
  duration queue{};             // predicted wait, from its bid; negative: not asked yet
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& principal& power& where& hops& score& delay& queue;
  }
};

using candidates = bounded_vector<candidate, candidates_max>;

// What may be spent: own use and what is given on never exceed what was received.
struct budget {
  duration cpu{};  // on the reference core
  std::uint64_t bytes = 0;
  std::uint32_t tasks = 0;
  friend constexpr bool operator==(budget const&, budget const&) = default;
  template <class A>
  void serialize(A& a, unsigned) {
    a& cpu& bytes& tasks;
  }
};

// Ceilings only tighten and budgets are divided on every hop: see assembly/passport.hpp.
struct passport {
  static constexpr std::uint8_t anywhere = 0xff;
  std::uint8_t hops_left = 0;        // further hands it may pass through after the holder's
  std::uint8_t regions = anywhere;   // bit mask of the regions where it may be
  trust floor{};
  instant deadline{};
  budget may_spend{};
  key parent{};  // hash of the passport this one was divided from; zero at the root
  template <class A>
  void serialize(A& a, unsigned) {
    a& hops_left& regions& floor& deadline& may_spend& parent;
  }
};

struct offer {
  hydra::task task{};
  hydra::passport passport{};
  instant deadline{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& task& passport& deadline;
  }
};

// Time-bounded: lives on only while progress renews it.
struct lease {
  job_id of{};
  std::uint16_t index = 0;
  principal owner{};
  peer holder{};
  instant issued{};
  std::uint32_t number = 0;  // the owner's own count
  template <class A>
  void serialize(A& a, unsigned) {
    a& of& index& owner& holder& issued& number;
  }
};

struct used {
  duration cpu{};
  std::uint64_t bytes = 0;
  template <class A>
  void serialize(A& a, unsigned) {
    a& cpu& bytes;
  }
};

enum class outcome : std::uint8_t { done, forged, abandoned, refused };
[[nodiscard]] constexpr outcome last_of(outcome) noexcept { return outcome::refused; }

// Signed by both sides; named by the hash of its lease. One-sided it earns no credit.
struct receipt {
  static constexpr message_id id{room::trust, 100, 1};
  envelope about{};  // signer: the executor's principal; subject: the owner's
  key lease{};
  job_id of{};
  service what{};
  outcome result = outcome::done;
  hydra::used used{};
  key output{};  // hash of the result
  signature by_executor{};
  signature by_owner{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& lease& of& what& result& used& output& by_executor& by_owner;
  }
};

enum class permission : std::uint8_t { run_native, run_bundle, read_object, write_object, network };

}  // namespace hydra
