// Passports: what whoever holds a job may do with it, and the proof that it was given.
//
// A chain of links leads from the root, whose user asked, to the head that holds the lease. Link i
// is signed by the holder of link i-1 (link 0 by the root) and names its parent by hash. On every
// link ceilings only tighten (hops, deadline, floor of trust, regions) and budgets are divided:
// what a holder uses itself and what it gives on never exceed what it received. Budgets that were
// given to somebody who fell silent are gone: nobody knows what was spent of them.
//
// After macaroons' attenuation (Birgisson et al., NDSS 2014), with budgets and public signatures.
// Everything here is a pure function; delegation.hpp asks for it.
#pragma once

#include <hydra/core/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace hydra {

inline constexpr std::size_t hops_max = 16;  // links of a chain

// ---- budgets ------------------------------------------------------------------------------------

[[nodiscard]] constexpr bool covers(budget const& whole, budget const& part) noexcept {
  return part.cpu >= duration{} && part.cpu <= whole.cpu && part.bytes <= whole.bytes &&
         part.tasks <= whole.tasks;
}
// Takes `part` out of `whole` if that covers it.
constexpr bool take(budget& whole, budget const& part) noexcept {
  if (!covers(whole, part)) return false;
  whole.cpu -= part.cpu;
  whole.bytes -= part.bytes;
  whole.tasks -= part.tasks;
  return true;
}
// An equal share for each of n. Precondition: n > 0.
[[nodiscard]] constexpr budget shared(budget const& whole, std::uint32_t n) noexcept {
  return {whole.cpu / static_cast<std::int64_t>(n), whole.bytes / n, whole.tasks / n};
}
// What is given to one who will divide it: three quarters, so that another can be tried.
[[nodiscard]] constexpr budget most_of(budget const& whole) noexcept {
  return {whole.cpu - whole.cpu / 4, whole.bytes - whole.bytes / 4, whole.tasks - whole.tasks / 4};
}
// What all that is done for a user's job may cost.
[[nodiscard]] constexpr budget budget_of(job const& j) noexcept {
  auto const most = std::numeric_limits<std::int64_t>::max() / (std::int64_t{j.spend} + 1);
  return {std::clamp<duration>(j.work, {}, duration{most}) * j.spend,
          std::uint64_t{j.spend} << 30U, std::uint32_t{j.spend} * 64U};
}

// ---- links --------------------------------------------------------------------------------------

struct passport_link {
  principal to{};
  instant issued{};
  passport terms{};
  signature by{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& to& issued& terms& by;
  }
};
using passport_chain = bounded_vector<passport_link, hops_max>;

// What the signature of a link covers, and what its children name as their parent.
struct passport_claim {
  static constexpr message_id id{room::protocol, 101, 1};
  envelope about{};
  job_id root{};
  passport terms{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& root& terms;
  }
};
[[nodiscard]] constexpr passport_claim claim_of(passport_link const& l, principal from,
                                                job_id root, std::uint32_t depth,
                                                std::uint32_t network) noexcept {
  return {{domain::passport, protocol_version, network, depth, from, l.to, l.issued,
           l.terms.deadline},
          root,
          l.terms};
}

static_assert(demands::anywhere == passport::anywhere);
// The root's own passport: what its user allows. Never sent. Of the demands the regions go with
// the job wherever it is passed on; the others are of its own service and of nobody's parts.
[[nodiscard]] constexpr passport root_passport(job const& j, instant deadline) noexcept {
  return {static_cast<std::uint8_t>(std::min<std::size_t>(j.hops, hops_max)),
          j.of_provider.regions, j.floor, deadline, budget_of(j), {}};
}
// Whether `child` is allowed by `parent`.
[[nodiscard]] constexpr bool tightens(passport const& parent, passport const& child) noexcept {
  return child.hops_left < parent.hops_left && (child.regions & ~parent.regions) == 0 &&
         !(child.floor < parent.floor) && child.deadline <= parent.deadline &&
         covers(parent.may_spend, child.may_spend);
}

// What is wrong with a chain, signatures and hashes apart; those are asked of the driver.
enum class chain_fault : std::uint8_t {
  none, empty, not_for_me, loosens, loops, late, wrong_network
};
[[nodiscard]] constexpr chain_fault fault_in(std::span<passport_link const> chain, job_id root,
                                             principal me, instant now) noexcept {
  if (chain.empty()) return chain_fault::empty;
  if (chain.back().to != me) return chain_fault::not_for_me;
  auto from = root.owner;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    auto const& l = chain[i];
    if (i > 0 && !tightens(chain[i - 1].terms, l.terms)) return chain_fault::loosens;
    if (l.terms.deadline <= now || l.issued > now + clock_skew_max) return chain_fault::late;
    // Heads of one Hydra may hand on to each other; else nobody is met twice.
    bool met = l.to == root.owner && from != l.to;
    for (std::size_t k = 0; k < i; ++k) met = met || (chain[k].to == l.to && from != l.to);
    if (met) return chain_fault::loops;
    from = l.to;
  }
  return chain_fault::none;
}
[[nodiscard]] constexpr bool on_the_way(std::span<passport_link const> chain, job_id root,
                                        principal who) noexcept {
  return who == root.owner || std::any_of(chain.begin(), chain.end(),
                                          [&](passport_link const& l) { return l.to == who; });
}

// ---- tokens -------------------------------------------------------------------------------------

// The root's word that the job is still wanted. Leases beyond the first hop are renewed only by a
// new one, so whoever hides a revocation keeps what is below it at most one lease longer.
struct root_token {
  instant issued{};
  instant until{};
  signature by{};
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return by != signature{}; }
  template <class A>
  void serialize(A& a, unsigned) {
    a& issued& until& by;
  }
};
struct token_claim {
  static constexpr message_id id{room::protocol, 102, 1};
  envelope about{};
  job_id root{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& about& root;
  }
};
[[nodiscard]] constexpr token_claim claim_of(root_token const& t, job_id root,
                                             std::uint32_t network) noexcept {
  return {{domain::token, protocol_version, network, 0, root.owner, root.owner, t.issued, t.until},
          root};
}

}  // namespace hydra
