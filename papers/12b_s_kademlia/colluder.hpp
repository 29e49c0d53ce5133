// A head of Kademlia, or one that answers every question with those of its friends who are nearest
// to what is looked for.
#pragma once

#include <hydra/assembly/alone.hpp>
#include <hydra/routing/kademlia.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hydra::papers {

// The colluders, ordered by key: what every one of them knows.
class friends {
 public:
  friends(std::vector<routing::introduction> const& all, std::vector<bool> const& colludes) {
    for (auto const& o : all) {
      if (colludes[o.who.index()]) sorted_.push_back(o);
    }
  }
  // The `most` nearest to a key, nearest first, `but` one.
  [[nodiscard]] routing::closer_peers nearest(key const& to, std::size_t most, peer but) const {
    routing::closer_peers out;
    descend(0, sorted_.size(), 0, to.prefix(), most, but, out);
    return out;
  }

 private:
  // Walks the tree of prefixes, the half of the target first.
  void descend(std::size_t first, std::size_t last, unsigned depth, std::uint32_t to,
               std::size_t most, peer but, routing::closer_peers& out) const {
    if (first == last || out.size() >= most) return;
    if (last - first == 1 || depth == 32) {
      for (; first != last && out.size() < most; ++first) {
        if (sorted_[first].who != but) out.push_back(sorted_[first].who);
      }
      return;
    }
    auto const bit = std::uint32_t{1} << (31U - depth);
    auto const begin = sorted_.begin();
    auto const at = begin + static_cast<std::ptrdiff_t>(first);
    auto const end = begin + static_cast<std::ptrdiff_t>(last);
    auto const half = static_cast<std::size_t>(
        std::partition_point(at, end, [&](auto const& o) { return (o.key.prefix() & bit) == 0; }) -
        begin);
    bool const upper = (to & bit) != 0;
    descend(upper ? half : first, upper ? last : half, depth + 1, to, most, but, out);
    descend(upper ? first : half, upper ? half : last, depth + 1, to, most, but, out);
  }
  std::vector<routing::introduction> sorted_;
};

template <std::size_t K>
class suspect {
 public:
  using policy = routing::kademlia<K>;
  using honest = alone<policy>;
  using messages = messages_of<honest>;
  using facts = facts_of<honest>;
  using inputs = inputs_of<honest>;
  using activities = activities_of<honest>;
  using records = records_of<honest>;
  static constexpr std::size_t purposes = honest::purposes;

  // `with`: its friends, none for an honest head; outlives the node.
  explicit suspect(policy p, friends const* with = nullptr) : head_{std::move(p)}, with_{with} {}

  void on_start(auto& env) {
    if (with_ == nullptr) head_.on_start(env);
  }
  template <class M>
  void on_message(auto& env, peer from, M const& m) {
    if (with_ == nullptr) return head_.on_message(env, from, m);
    if constexpr (std::same_as<M, routing::find_node>) {
      env.send(from, routing::nodes{m.nonce, with_->nearest(m.target, K, env.self())});
    }
  }
  void on_any_timer(auto& env, std::uint32_t tag) {
    if (with_ == nullptr) head_.on_any_timer(env, tag);
  }
  template <class F>
  void on_fact(auto& env, F const& fact) {
    if (with_ == nullptr) head_.on_fact(env, fact);
  }

 private:
  honest head_;
  friends const* with_;
};

}  // namespace hydra::papers
