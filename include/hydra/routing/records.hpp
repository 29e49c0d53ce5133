// Provider records: which are acceptable, how they are sealed, and where a head keeps those of
// others.
//
// Rules.
// - A record is looked at before its signature is checked: right domain and version, about the
//   service that was asked for, issued neither in the future nor before the world, not expired,
//   and of no longer life than `lifetime_max` (else one record occupies a place for ever).
// - Its head must belong to its signer. Who owns a head is known once it was met: a record is
//   stored by the very head that it names, and of a head that the asker never met the records of
//   two signers stand side by side, so that the wrong one hides nobody. A job goes to no head that
//   turns out to be another's (assembly/protocol.hpp).
// - Of one head, signer and service the highest sequence wins. A record with no cores takes the
//   earlier one back.
// - Places are bounded in all, per service, per publisher and per netgroup. A full service refuses
//   newcomers: an attacker cannot push out what is there, and what is there expires.
// - An answer is a random sample, one record per principal.
#pragma once

#include <hydra/core/policy.hpp>
#include <hydra/routing/messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

// Equal in every member, the signature included: what was verified once stays so.
[[nodiscard]] constexpr bool identical(provider_record const& a,
                                       provider_record const& b) noexcept {
  auto const& x = a.about;
  auto const& y = b.about;
  return a.signature == b.signature && a.head == b.head && a.what == b.what &&
         a.power == b.power && a.where == b.where && x.domain == y.domain &&
         x.version == y.version && x.network == y.network && x.sequence == y.sequence &&
         x.signer == y.signer && x.subject == y.subject && x.issued == y.issued &&
         x.expires == y.expires && a.under == b.under;
}

// The same head, as the same Hydra says: one of them may take the other's place.
[[nodiscard]] constexpr bool same_provider(provider_record const& a,
                                           provider_record const& b) noexcept {
  return a.head == b.head && a.about.signer == b.about.signer;
}

// Safe on any bytes: no sum is taken before its terms are known to be small.
[[nodiscard]] constexpr bool timely(envelope const& e, instant now,
                                    duration lifetime_max) noexcept {
  if (e.issued < origin || e.issued > now + clock_skew_max) return false;
  if (e.expires <= e.issued || e.expires - e.issued > lifetime_max) return false;
  return e.valid_at(now);
}

template <class Env>
[[nodiscard]] bool acceptable(Env& env, provider_record const& r, duration lifetime_max) {
  if (!r.head || !r.what || !r.about.signer) return false;
  if (r.about.domain != domain::provider || r.about.version != protocol_version) return false;
  if (!timely(r.about, env.now(), lifetime_max)) return false;
  auto const owner = env.about(r.head).principal;
  return !owner || owner == r.about.signer;
}

// Makes the record ours, valid from now, and signs it. After a crash the sequence goes on above
// the old one because it never lags behind the seconds of the clock.
template <class Env>
void seal(Env& env, provider_record& r, duration lifetime) {
  auto const now = env.now();
  auto const seconds = static_cast<std::uint32_t>(now.time_since_epoch() / 1s);
  r.about.domain = domain::provider;
  r.about.version = protocol_version;
  r.about.sequence = std::max(r.about.sequence + 1, seconds + 1);
  r.about.signer = env.about(env.self()).principal;
  r.about.subject = r.about.signer;
  r.about.issued = now;
  r.about.expires = now + lifetime;
  r.head = env.self();
  r.signature = {};
  r.signature = env.sign(r);
}

// Asks the driver whether the signature is good; `checked` repeats the command.
template <class Env>
[[nodiscard]] command check_seal(Env& env, provider_record const& r) {
  auto bare = r;
  bare.signature = {};
  return env.check(bare, r.about.signer, r.signature);
}

[[nodiscard]] inline candidate candidate_of(provider_record const& r, std::uint8_t hops) noexcept {
  candidate c;
  c.who = r.head;
  c.principal = r.about.signer;
  c.power = r.power;
  c.where = r.where;
  c.hops = hops;
  return c;
}

// Adds a verified record to those of a search: no head twice, and when there is no room a new
// principal takes the place of somebody's second head. Whether `into` changed.
template <std::size_t N>
bool add_diverse(bounded_vector<provider_record, N>& into, provider_record const& r) {
  for (auto& known : into) {
    if (!same_provider(known, r)) continue;
    if (known.about.sequence >= r.about.sequence) return false;
    known = r;
    return true;
  }
  if (into.try_push_back(r)) return true;
  auto const heads_of = [&](principal p) {
    return std::count_if(into.begin(), into.end(),
                         [&](auto const& k) { return k.about.signer == p; });
  };
  if (heads_of(r.about.signer) > 0) return false;
  for (auto& known : into) {
    if (heads_of(known.about.signer) < 2) continue;
    known = r;
    return true;
  }
  return false;
}

template <std::size_t N>
[[nodiscard]] std::size_t principals_in(bounded_vector<provider_record, N> const& among) {
  std::size_t n = 0;
  for (auto const* r = among.begin(); r != among.end(); ++r) {
    n += std::none_of(among.begin(), r, [&](auto const& e) {
      return e.about.signer == r->about.signer;
    }) ? 1U : 0U;
  }
  return n;
}

// Eight records of one service; a service may have several shelves.
struct shelf {
  static constexpr std::size_t per_peer_max = 64;
  struct held {
    provider_record record{};
    netgroup group{};
    template <class A>
    void serialize(A& a, unsigned) {
      a& record& group;
    }
  };
  service what{};
  bounded_vector<held, 8> records{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& what& records;
  }
};

inline constexpr std::size_t shelves_per_service_max = 16;  // 128 records

struct store_limits {
  std::uint8_t per_service = 128;
  std::uint8_t per_principal = 4;   // of one service
  std::uint8_t per_netgroup = 16;   // of one service
  std::uint8_t principal_total = 32;  // over all services
  template <class A>
  void serialize(A& a, unsigned) {
    a& per_service& per_principal& per_netgroup& principal_total;
  }
};

// What a head keeps of others: a view of its shelves.
template <class Env>
class record_store {
 public:
  explicit record_store(Env& env) : env_{&env}, shelves_{env.template pool<shelf>()} {}

  // Precondition: verified. False: refused, because older or no place is left for it.
  bool put(provider_record const& r, store_limits const& limits) {
    auto const group = env_->about(r.head).group;
    tally const t = count(r, group);
    if (t.same != nullptr) {
      if (t.same->record.about.sequence > r.about.sequence) return false;
      t.same->record = r;
      t.same->group = group;
      if (r.power.cores == 0) prune(env_->now());
      return true;
    }
    if (r.power.cores == 0) return true;  // takes back what we do not hold
    if (t.in_service >= std::min<std::size_t>(limits.per_service, shelves_per_service_max * 8)) {
      return false;
    }
    if (t.of_principal >= limits.per_principal) return false;
    if (t.of_principal_total >= limits.principal_total) return false;
    if (t.of_group >= limits.per_netgroup) return false;
    if (t.room != nullptr) {
      t.room->records.push_back({r, group});
      return true;
    }
    shelf fresh;
    fresh.what = r.what;
    fresh.records.push_back({r, group});
    return static_cast<bool>(shelves_.add(fresh));
  }

  // Whether this very record is held, and was therefore verified.
  [[nodiscard]] bool holds(provider_record const& r) {
    bool yes = false;
    shelves_.each([&](activity, shelf& s) {
      if (yes || s.what != r.what) return;
      for (auto const& h : s.records) yes = yes || identical(h.record, r);
    });
    return yes;
  }

  // Random records of a service, one per principal, appended to `out` up to `most`.
  template <std::size_t N>
  void sample(service what, std::size_t most, bounded_vector<provider_record, N>& out) {
    bounded_vector<shelf*, shelves_per_service_max> of{};
    std::size_t total = 0;
    shelves_.each([&](activity, shelf& s) {
      if (s.what == what && of.try_push_back(&s)) total += s.records.size();
    });
    for (std::size_t taken = 0; taken < std::min(most, total) && !out.full(); ++taken) {
      auto const from = static_cast<std::size_t>(env_->random().below(total));
      bool found = false;
      for (std::size_t i = 0; i < total && !found; ++i) {
        auto const& r = nth(of, (from + i) % total);
        found = r.about.expires > env_->now() && is_new(out, r) && out.try_push_back(r);
      }
      if (!found) return;
    }
  }

  // Drops what has expired or was taken back, and empty shelves.
  void prune(instant now) {
    shelves_.each([&](activity id, shelf& s) {
      for (std::size_t i = s.records.size(); i-- > 0;) {
        auto const& r = s.records[i].record;
        if (r.about.expires <= now || r.power.cores == 0) s.records.erase(&s.records[i]);
      }
      if (s.records.empty()) shelves_.erase(id);
    });
  }

  [[nodiscard]] std::size_t size() {
    std::size_t n = 0;
    shelves_.each([&](activity, shelf& s) { n += s.records.size(); });
    return n;
  }

 private:
  struct tally {
    shelf::held* same = nullptr;
    shelf* room = nullptr;
    std::size_t in_service = 0;
    std::size_t of_principal = 0;
    std::size_t of_principal_total = 0;
    std::size_t of_group = 0;
  };
  [[nodiscard]] tally count(provider_record const& r, netgroup group) {
    tally t;
    shelves_.each([&](activity, shelf& s) {
      bool const here = s.what == r.what;
      if (here && !s.records.full()) t.room = &s;
      for (auto& h : s.records) {
        bool const own = h.record.about.signer == r.about.signer;
        t.of_principal_total += own ? 1U : 0U;
        if (!here) continue;
        ++t.in_service;
        t.of_principal += own ? 1U : 0U;
        t.of_group += group.value != 0 && h.group == group ? 1U : 0U;
        if (same_provider(h.record, r)) t.same = &h;
      }
    });
    return t;
  }
  template <std::size_t N>
  [[nodiscard]] static bool is_new(bounded_vector<provider_record, N> const& among,
                                   provider_record const& r) {
    return std::none_of(among.begin(), among.end(), [&](auto const& k) {
      return k.about.signer == r.about.signer;
    });
  }
  template <std::size_t N>
  [[nodiscard]] static provider_record const& nth(bounded_vector<shelf*, N> const& of,
                                                  std::size_t i) {
    std::size_t s = 0;
    while (i >= of[s]->records.size()) i -= of[s++]->records.size();
    return of[s]->records[i].record;
  }

  Env* env_;
  hydra::pool<shelf> shelves_;
};

}  // namespace hydra::routing
