#include "ring.hpp"

#include "../harness/paper.hpp"

#include <hydra/core/random.hpp>

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <tuple>

namespace hydra::papers::discovery {
namespace {

bool befriend(ring_graph& g, std::uint32_t a, std::uint32_t b) {
  if (a == b || g[a].size() >= most_friends || g[b].size() >= most_friends) return false;
  if (std::find(g[a].begin(), g[a].end(), b) != g[a].end()) return false;
  g[a].push_back(b);
  g[b].push_back(a);
  return true;
}

std::string unpacked(std::string const& path) {
  auto* const file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw paper_error{path + " cannot be read"};
  std::string all;
  std::vector<char> piece(1U << 16U);
  int got = 0;
  while ((got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
  gzclose(file);
  if (got < 0) throw paper_error{path + " is not what gzip writes"};
  return all;
}

struct rating {
  std::uint32_t from;
  std::uint32_t to;
  int how;
};

std::vector<rating> ratings_of(std::string const& path) {
  auto const text = unpacked(path);
  std::vector<rating> all;
  std::size_t line = 1;
  for (auto at = text.find('\n') + 1; at != 0 && at < text.size();
       at = text.find('\n', at) + 1, ++line) {
    rating r{};
    auto const* p = text.data() + at;
    auto const* const end = text.data() + text.size();
    auto const take = [&](auto& into) {
      auto const [stop, wrong] = std::from_chars(p, end, into);
      if (wrong != std::errc{} || stop == end || *stop != ',') {
        throw paper_error{path + ":" + std::to_string(line + 1) +
                          ": allowed: source,target,rating,time"};
      }
      p = stop + 1;
    };
    take(r.from);
    take(r.to);
    take(r.how);
    all.push_back(r);
  }
  return all;
}

// Empty: no folder of data was named.
std::string ratings_file() {
  auto const* folder = std::getenv("HYDRA_DATASETS");
  if (folder == nullptr || *folder == '\0') return "";
  return std::string{folder} + "/trust/bitcoin_otc.csv.gz";
}

// The heads that one of them reaches, numbered anew.
ring_graph largest_component(ring_graph const& g) {
  std::vector<std::uint32_t> part(g.size(), 0xffffffffU);
  std::vector<std::uint32_t> best;
  for (std::uint32_t start = 0; start < g.size(); ++start) {
    if (part[start] != 0xffffffffU) continue;
    std::vector<std::uint32_t> mine{start};
    part[start] = start;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      for (auto next : g[mine[i]]) {
        if (part[next] != 0xffffffffU) continue;
        part[next] = start;
        mine.push_back(next);
      }
    }
    if (mine.size() > best.size()) best = std::move(mine);
  }
  std::sort(best.begin(), best.end());
  std::vector<std::uint32_t> renamed(g.size());
  for (std::uint32_t i = 0; i < best.size(); ++i) renamed[best[i]] = i;
  ring_graph out(best.size());
  for (std::uint32_t i = 0; i < best.size(); ++i) {
    for (auto other : g[best[i]]) out[i].push_back(renamed[other]);
  }
  return out;
}

}  // namespace

ring_graph barabasi_albert(social_plan const& p) {
  ring_graph g(p.heads);
  std::vector<std::uint32_t> ends;
  owned_stream chance{p.seed, purpose::friends, 0};
  auto const tie = [&](std::uint32_t a, std::uint32_t b) {
    if (p.liars[a] != p.liars[b] && chance.below(p.wary) != 0) return;
    if (!befriend(g, a, b)) return;
    ends.push_back(a);
    ends.push_back(b);
  };
  for (std::uint32_t i = 1; i < p.heads; ++i) {
    for (std::uint32_t k = 0; k < p.m; ++k) {
      tie(i, ends.empty() ? 0 : ends[static_cast<std::size_t>(chance.below(ends.size()))]);
    }
    // Whoever was drawn may be full: nobody is left alone.
    for (std::uint32_t back = i; g[i].empty(); back = back > 1 ? back - 1 : i) tie(i, back - 1);
  }
  return g;
}

std::string bitcoin_otc_lacking() {
  auto const file = ratings_file();
  if (file.empty()) return "HYDRA_DATASETS names no folder";
  std::error_code none;
  return std::filesystem::is_regular_file(file, none) ? "" : file + " is not there";
}

std::optional<ring_graph> bitcoin_otc() {
  if (!bitcoin_otc_lacking().empty()) return std::nullopt;
  auto all = ratings_of(ratings_file());
  std::sort(all.begin(), all.end(), [](rating const& a, rating const& b) {
    return std::make_tuple(-a.how, a.from, a.to) < std::make_tuple(-b.how, b.from, b.to);
  });
  std::map<std::uint32_t, std::uint32_t> number;
  for (auto const& r : all) {
    number.emplace(r.from, 0);
    number.emplace(r.to, 0);
  }
  std::uint32_t n = 0;
  for (auto& [id, is] : number) is = n++;
  ring_graph g(n);
  for (auto const& r : all) {
    if (r.how > 0) befriend(g, number[r.from], number[r.to]);
  }
  return largest_component(g);
}

}  // namespace hydra::papers::discovery
