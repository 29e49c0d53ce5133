#include "overlay.hpp"

#include <algorithm>

namespace hydra::papers::overlay {

traffic traffic_of(world const& w) {
  auto const sent = w.sent_by_type();
  using all = messages_of<node>;
  traffic t;
  t.payload = sent[index_of<membership::gossip, all>];
  t.control = sent[index_of<membership::i_have, all>] + sent[index_of<membership::graft, all>] +
              sent[index_of<membership::prune, all>];
  return t;
}

world grow(setting const& s, duration join_every, duration cycle, int cycles) {
  world w{s};
  introduce contact;
  contact.known.push_back(peer{0});
  for (std::uint32_t i = 1; i < s.peers(); ++i) {
    w.tell(peer{i}, contact);
    w.run_for(join_every);
  }
  w.run_for(cycle * cycles);
  return w;
}

arrivals broadcast(world& w, peer from, duration wait) {
  w.each_observer([](arrivals& a) { a = {}; });
  w.tell(from, spread{});
  w.run_for(wait);
  return w.observed();
}

std::size_t crashed_of(double percent, std::uint32_t peers) {
  return static_cast<std::size_t>(percent / 100 * peers + 0.5);
}

void crash(world& w, double percent, owned_stream& chance) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < w.peers(); ++i) all.push_back(i);
  chance.draw().permute(std::span<std::uint32_t>{all});
  all.resize(crashed_of(percent, w.peers()));
  for (auto i : all) w.crash(peer{i});
}

graph links(world const& w) {
  graph g(w.peers());
  for (std::uint32_t i = 0; i < w.peers(); ++i) {
    if (!w.up(peer{i})) continue;
    for (auto who : w.node(peer{i}).policy().neighbours()) {
      if (w.up(who)) g[i].push_back(who.index());
    }
  }
  return g;
}

double clustering(graph const& g) {
  double sum = 0;
  for (auto const& mine : g) {
    std::size_t closed = 0;
    for (auto a : mine) {
      for (auto b : mine) {
        closed += a != b && std::find(g[a].begin(), g[a].end(), b) != g[a].end() ? 1U : 0U;
      }
    }
    auto const pairs = mine.size() * (mine.size() - 1);
    if (mine.size() > 1) sum += static_cast<double>(closed) / static_cast<double>(pairs);
  }
  return sum / static_cast<double>(g.size());
}

double shortest_path(graph const& g, std::size_t sources, owned_stream& chance) {
  double sum = 0;
  double count = 0;
  for (std::size_t s = 0; s < sources; ++s) {
    std::vector<std::uint16_t> away(g.size(), 0);
    std::vector<std::uint32_t> order{static_cast<std::uint32_t>(chance.below(g.size()))};
    away[order[0]] = 1;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (auto to : g[order[i]]) {
        if (away[to] != 0) continue;
        away[to] = static_cast<std::uint16_t>(away[order[i]] + 1);
        order.push_back(to);
      }
    }
    for (auto i : order) sum += away[i] - 1.0;
    count += static_cast<double>(order.size() - 1);
  }
  return sum / count;
}

}  // namespace hydra::papers::overlay
