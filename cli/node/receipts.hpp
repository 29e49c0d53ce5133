// Receipts as others may check them: every field by its key, the signatures of both sides.
//
// A receipt is checked by whoever has the public keys of both, in any process, at any time.
#pragma once

#include "events.hpp"

#include <hydra/core/values.hpp>
#include <hydra/net/identity.hpp>
#include <hydra/net/signing.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hydra::node {

// With keys where the record has handles of one head.
struct open_receipt {
  std::uint32_t network = 0;
  key executor{};
  key owner{};     // who gave the task
  key job_owner{};  // whose job or part it is
  key service{};
  receipt record{};  // its handles mean nothing here
};

[[nodiscard]] nlohmann::json json_of(open_receipt const&);
// Errors name the member that is missing or is no key.
[[nodiscard]] result<open_receipt> receipt_of(nlohmann::json const&);

struct signatures {
  bool by_executor = false;
  bool by_owner = false;
  [[nodiscard]] bool both() const noexcept { return by_executor && by_owner; }
};
// Against public keys of which any may be theirs: a key proves by its hash whose it is.
[[nodiscard]] signatures check_receipt(open_receipt const&, std::span<net::raw_key const> known);

// Whether `part` was given by who holds `whole`, as a part of it: its name is derived from the
// lease of the whole (assembly/delegation.hpp). Gives its number among the parts, or -1.
[[nodiscard]] int part_number(open_receipt const& part, open_receipt const& whole);

inline constexpr std::size_t receipts_per_answer_max = 200;

// Those that this head has kept, from number `from` on; in its io thread: {"receipts": […],
// "next": N}, where N is the `from` of the next question, or 0 where there are no more.
template <class Head>
[[nodiscard]] nlohmann::json receipts_of(Head& h, std::uint64_t from) {
  auto all = nlohmann::json::array();
  std::uint64_t next = 0;
  h.template recall_all<receipt>([&](std::uint64_t number, receipt const& r) {
    if (number < from || next != 0) return;
    if (all.size() >= receipts_per_answer_max) {
      next = number;
      return;
    }
    open_receipt const open{r.about.network,          h.about(r.about.signer),
                            h.about(r.about.subject), h.about(r.of.owner),
                            h.about(r.what),          r};
    std::vector<net::raw_key> known;
    for (auto who : {r.about.signer, r.about.subject}) {
      for (auto const& k : h.known().keys_of(who)) known.push_back(k.raw);
    }
    if (auto const* own = h.security()) known.push_back(own->of().raw());
    auto const good = check_receipt(open, known);
    auto one = json_of(open);
    one["executor_signature_holds"] = good.by_executor;
    one["owner_signature_holds"] = good.by_owner;
    all.push_back(one);
  });
  return {{"receipts", all}, {"next", next}};
}

}  // namespace hydra::node
