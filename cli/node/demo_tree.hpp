// The receipts of the demo as a tree: who worked for whom, each link and both signatures checked.
#pragma once

#include "demo_stage.hpp"
#include "receipts.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hydra::node {

struct tree_leaf {
  open_receipt receipt;
  int number = -1;  // among the parts of the whole
  std::size_t who = demo_cast::size;
};
struct receipt_tree {
  bool has_root = false;
  open_receipt root;      // of who divided, for the whole
  std::size_t divider = demo_cast::size;
  std::vector<tree_leaf> parts;  // by number
  std::size_t unsigned_ = 0;     // receipts of this job of which a signature does not hold
  std::size_t loose = 0;         // that are linked to nothing

  [[nodiscard]] bool holds() const { return has_root && unsigned_ == 0 && loose == 0; }
  // Renderers that the phone trusts only by way of others.
  [[nodiscard]] std::size_t unknown_to_phone() const;
};

// Asks every node that runs for its receipts. `nonce`: of the job, as the phone names it.
[[nodiscard]] receipt_tree grow_tree(demo_stage const&, std::uint64_t nonce);
[[nodiscard]] std::vector<std::string> lines_of(receipt_tree const&, demo_cast const&);

}  // namespace hydra::node
