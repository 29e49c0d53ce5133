// Rings of trust as graphs: who knows whom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hydra::papers::discovery {

// Symmetric; nobody knows more than `most` others.
using ring_graph = std::vector<std::vector<std::uint32_t>>;
inline constexpr std::size_t most_friends = 16;
inline constexpr std::uint32_t fewest_heads = 100;  // as many as there are services to be asked for

// Barabasi and Albert, Science 286 (1999): each newcomer befriends `m`, drawn in proportion to how
// many know them; who has `most_friends` takes no more. Of `lies(a) != lies(b)` one in `wary` ties
// is made: people do not befriend cheats as readily as each other.
struct social_plan {
  std::uint64_t seed = 1;
  std::uint32_t heads = 0;
  std::uint32_t m = 6;
  std::uint32_t wary = 4;
  std::vector<bool> liars{};
};
[[nodiscard]] ring_graph barabasi_albert(social_plan const& p);

// Who rated whom above zero on Bitcoin OTC (Kumar et al., ICDM 2016): its largest component, the
// `most_friends` best rated friends of each. From the folder HYDRA_DATASETS (trust/
// bitcoin_otc.csv.gz); nothing when it is not there. Throws paper_error for a file that is broken,
// with the line, or that has less than `fewest_heads`.
[[nodiscard]] std::optional<ring_graph> bitcoin_otc();
// Why it is not there; empty: it is.
[[nodiscard]] std::string bitcoin_otc_lacking();

}  // namespace hydra::papers::discovery
