// Bundles of named publishers, with bounded permissions, and never an older one than was seen.
//
// Promise: a bundle is admitted only if its publisher is listed in a ring up to the limit, its
// manifest is a manifest, valid now, asks for no permission beyond those allowed, and has not
// been superseded by a later one of the same publisher for the same service.
//
// Rules.
// - The parent has checked hash and signature; this room says whether it wants the thing at all.
// - The highest sequence wins: a publisher withdraws a bundle by signing the next one. What is
//   remembered is bounded; the oldest memory goes first, of listed publishers only.
// - For whom it runs does not matter here: trust has admitted the asker already.
//
// An attacker gains: nothing without a listed publisher's key. With it, the permissions allowed
// here, until the operator strikes it from the list. After a crash an old, still valid bundle
// of a listed publisher can be offered again: expiry bounds that.
// Cost: one pass over at most 8 publishers and 8 bundles; 176 bytes per peer; no messages.
#pragma once

#include <hydra/code/concept.hpp>
#include <hydra/core/archetype.hpp>

#include <cstddef>
#include <cstdint>

namespace hydra::code {

inline constexpr std::size_t publishers_max = 8;
inline constexpr std::size_t bundles_remembered_max = 8;

[[nodiscard]] constexpr std::uint32_t bit(permission p) noexcept {
  return std::uint32_t{1} << static_cast<unsigned>(p);
}

struct publisher {
  principal who{};
  std::uint8_t ring = 3;
  template <class A>
  void serialize(A& a, unsigned) {
    a& who& ring;
  }
};

class trusted_bundles {
 public:
  using policy_concept = code_tag;

  std::uint8_t ring_limit = 1;
  std::uint32_t allowed = bit(permission::run_bundle) | bit(permission::read_object);

  trusted_bundles() = default;
  explicit trusted_bundles(bounded_vector<publisher, publishers_max> const& list)
      : publishers_{list} {}

  [[nodiscard]] verdict may_run(auto& env, manifest const& m, principal) const {
    auto const* p = find(m.about.signer);
    if (p == nullptr) return {};
    verdict out{false, trust::percent(p->ring == 0 ? 100 : 50), p->ring};
    if (p->ring > ring_limit || m.about.domain != domain::manifest) return out;
    if (!m.about.valid_at(env.now()) || (m.permissions & ~allowed) != 0) return out;
    for (auto const& b : seen_) {
      if (b.what == m.what && b.by == p->who && b.sequence > m.about.sequence) return out;
    }
    out.admitted = true;
    return out;
  }

  void offered(auto& env, manifest const& m) {
    if (find(m.about.signer) == nullptr || m.about.domain != domain::manifest) return;
    if (!m.about.valid_at(env.now())) return;
    for (auto& b : seen_) {
      if (b.what != m.what || b.by != m.about.signer) continue;
      if (m.about.sequence > b.sequence) b.sequence = m.about.sequence;
      return;
    }
    if (seen_.full()) seen_.erase(seen_.begin());
    seen_.push_back({m.what, m.about.signer, m.about.sequence});
  }
  [[nodiscard]] std::size_t remembered() const noexcept { return seen_.size(); }

  template <class A>
  void serialize(A& a, unsigned) {
    a& ring_limit& allowed& publishers_& seen_;
  }

 private:
  struct bundle_seen {
    service what{};
    principal by{};
    std::uint32_t sequence = 0;
    template <class A>
    void serialize(A& a, unsigned) {
      a& what& by& sequence;
    }
  };
  [[nodiscard]] publisher const* find(principal who) const noexcept {
    for (auto const& p : publishers_) {
      if (who && p.who == who) return &p;
    }
    return nullptr;
  }

  bounded_vector<publisher, publishers_max> publishers_{};
  bounded_vector<bundle_seen, bundles_remembered_max> seen_{};
};

static_assert(CodePolicy<trusted_bundles, archetype_view<trusted_bundles>>);

}  // namespace hydra::code
