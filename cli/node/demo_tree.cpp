#include "demo_tree.hpp"

#include "peers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hydra::node {
namespace {

std::string hex(key const& k) { return net::hex_of(object_id{k}); }

std::vector<open_receipt> all_receipts(demo_stage const& stage) {
  std::vector<open_receipt> out;
  for (std::size_t i = 0; i < demo_cast::size; ++i) {
    std::uint64_t from = 0;
    do {
      auto const said = stage.runs(i) ? stage.ask(i, {{"verb", "receipts"}, {"from", from}})
                                      : error{"it does not run"};
      if (!said) break;
      for (auto const& each : said.value()["receipts"]) {
        if (auto r = receipt_of(each)) out.push_back(std::move(r.value()));
      }
      from = said.value().value("next", std::uint64_t{0});
    } while (from != 0);
  }
  return out;
}

}  // namespace

std::size_t receipt_tree::unknown_to_phone() const {
  std::set<std::size_t> all;
  for (auto const& p : parts) {
    if (p.who >= demo_cast::holder) all.insert(p.who);
  }
  return all.size();
}

receipt_tree grow_tree(demo_stage const& stage, std::uint64_t nonce) {
  receipt_tree out;
  auto const all = all_receipts(stage);
  auto const phone = stage.key_of(demo_cast::phone);
  for (auto const& r : all) {
    if (hex(r.owner) != phone || hex(r.job_owner) != phone || r.record.of.nonce != nonce) continue;
    out.has_root = true;
    out.root = r;
    out.divider = stage.who_is(hex(r.executor));
  }
  for (auto const& r : all) {
    bool const is_root = out.has_root && r.record.lease == out.root.record.lease;
    if (!check_receipt(r, stage.public_keys()).both()) ++out.unsigned_;
    if (is_root) continue;
    auto const number = out.has_root ? part_number(r, out.root) : -1;
    if (number < 0) ++out.loose;
    else out.parts.push_back({r, number, stage.who_is(hex(r.executor))});
  }
  std::sort(out.parts.begin(), out.parts.end(), [](auto const& a, auto const& b) {
    return a.number != b.number ? a.number < b.number : a.who < b.who;
  });
  return out;
}

std::vector<std::string> lines_of(receipt_tree const& t, demo_cast const& cast) {
  if (!t.has_root || t.divider >= cast.all.size()) return {"no receipt for the whole"};
  auto const line = [&](std::size_t who, std::string const& what, open_receipt const& r) {
    auto const seconds = static_cast<double>(r.record.used.cpu.count()) / 1e9;
    return fmt::format("{} {:<9} {:5.1f} s  receipt {}", what, cast.all[who].name, seconds,
                       hex(r.record.lease).substr(0, 8));
  };
  std::vector<std::string> out{"phone", line(t.divider, "  the movie   ", t.root)};
  for (auto const& p : t.parts) {
    auto const who = p.who < cast.all.size() ? p.who : demo_cast::phone;
    out.push_back(line(who, fmt::format("    segment {:2}", p.number), p.receipt));
  }
  return out;
}

}  // namespace hydra::node
