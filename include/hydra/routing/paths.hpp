// Whom a lookup asked, and the disjoint paths on which it does so.
//
// S/Kademlia (Baumgart and Mies 2007): one lookup proceeds on d paths that have no head in common,
// so that a head that answers with its friends only spoils one path and not the lookup. The heads
// to start from are dealt to the paths in turn, nearest first; what an answer names stays on the
// path of who gave it.
//
// Rules.
// - Every path has its own share of the places (capacity / d): a path that colluders filled with
//   themselves takes no place from the others.
// - Somebody may wait on several paths, and is asked on one: who was asked leaves the other paths,
//   and is not taken up by them again. It is therefore unique from then on.
// - With one path every function here does what a lookup without paths does.
#pragma once

#include <hydra/core/bounded.hpp>
#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hydra::routing {

inline constexpr std::uint8_t any_path = 0xff;

// Somebody near the target.
struct asked {
  enum class state : std::uint8_t { fresh, waiting, answered, failed, storing, stored };
  instant due{};  // of an answer
  peer who{};
  std::uint32_t rank = 0;
  std::uint16_t group = 0;
  state is = state::fresh;
  std::uint8_t hop = 1;
  std::uint8_t attempts = 0;
  bool gave = false;  // counts as a source
  std::uint8_t path = 0;

  [[nodiscard]] constexpr bool in_flight() const noexcept {
    return is == state::waiting || is == state::storing;
  }
  [[nodiscard]] constexpr bool on(std::uint8_t which) const noexcept {
    return which == any_path || path == which;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& due& who& rank& group& is& hop& attempts& gave& path;
  }
};

// Whether `who` may not be taken up on this path: it waits there already, or was asked somewhere.
template <std::size_t N>
[[nodiscard]] bool taken(bounded_vector<asked, N> const& near, peer who, std::uint8_t path) {
  return std::any_of(near.begin(), near.end(), [&](asked const& n) {
    return n.who == who && (n.path == path || n.is != asked::state::fresh);
  });
}

// Makes place on a path for somebody of this rank: the farthest of the path that was not asked yet
// gives way. False when there is none that is farther.
template <std::size_t N>
bool place_on(bounded_vector<asked, N>& near, std::uint8_t path, std::size_t paths,
              std::uint32_t rank) {
  std::size_t on = 0;
  asked const* last = nullptr;
  for (auto const& n : near) {
    if (n.path != path) continue;
    ++on;
    if (n.is == asked::state::fresh) last = &n;
  }
  if (on < N / paths) return true;
  if (last == nullptr || last->rank <= rank) return false;
  near.erase(last);
  return true;
}

// Before somebody is asked: it leaves all other paths. Where it lies afterwards.
template <std::size_t N>
[[nodiscard]] asked* claim(bounded_vector<asked, N>& near, asked const& which) {
  auto const who = which.who;
  auto const path = which.path;
  for (std::size_t i = near.size(); i-- > 0;) {
    if (near[i].who == who && near[i].path != path) near.erase(&near[i]);
  }
  return std::find_if(near.begin(), near.end(), [&](asked const& n) { return n.who == who; });
}

// How many different heads are known within a rank.
template <std::size_t N>
[[nodiscard]] std::size_t heads_within(bounded_vector<asked, N> const& near,
                                       std::uint32_t rank) {
  std::size_t n = 0;
  for (auto const* a = near.begin(); a != near.end() && a->rank <= rank; ++a) {
    n += std::none_of(near.begin(), a, [&](asked const& b) { return b.who == a->who; }) ? 1U : 0U;
  }
  return n;
}

}  // namespace hydra::routing
