#include "ring.hpp"

#include "../harness/paper.hpp"

#include <hydra/core/random.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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
  constexpr std::size_t most = 256U << 20U;
  auto* const file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw paper_error{path + ": cannot be read"};
  std::string all;
  std::vector<char> piece(1U << 16U);
  int got = 0;
  while (all.size() < most &&
         (got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
  bool const whole = gzclose(file) == Z_OK;  // else it ends too early
  if (all.size() >= most) throw paper_error{path + ": allowed: 256 MiB when unpacked"};
  if (got < 0 || !whole) throw paper_error{path + ": is not what gzip writes"};
  return all;
}

struct rating {
  std::uint32_t from;
  std::uint32_t to;
  int how;
};

constexpr std::string_view ratings_header = "source,target,rating,time_unix_s";

// A field that is a number and nothing else.
template <class T>
bool read_field(std::string_view field, T& into) {
  auto const* const end = field.data() + field.size();
  auto const [stop, wrong] = std::from_chars(field.data(), end, into);
  return wrong == std::errc{} && stop == end;
}

rating rating_of(std::string_view line, std::string const& where) {
  auto const refuse = [&](std::string_view what, char const* allowed) {
    throw paper_error{where + quoted(what) + "; allowed: " + allowed};
  };
  std::array<std::string_view, 4> field;
  auto rest = line;
  for (auto& f : field) {
    f = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(f.size() + 1, rest.size()));
  }
  if (std::count(line.begin(), line.end(), ',') != 3) refuse(line, "source,target,rating,time");
  rating r{};
  double time = 0;
  if (!read_field(field[0], r.from)) refuse(field[0], "a whole number that names the source");
  if (!read_field(field[1], r.to)) refuse(field[1], "a whole number that names the target");
  if (r.from == r.to) refuse(field[1], "a target that is not the source");
  if (!read_field(field[2], r.how) || r.how < -10 || r.how > 10) {
    refuse(field[2], "a rating, a whole number from -10 to 10");
  }
  if (!read_field(field[3], time) || !std::isfinite(time)) refuse(field[3], "a time in seconds");
  return r;
}

std::vector<rating> ratings_of(std::string const& path) {
  auto const text = unpacked(path);
  auto rest = std::string_view{text};
  std::vector<rating> all;
  for (std::size_t line = 1; line == 1 || !rest.empty(); ++line) {
    auto const where = path + ":" + std::to_string(line) + ": ";
    auto const row = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(row.size() + 1, rest.size()));
    if (line > 1) {
      all.push_back(rating_of(row, where));
    } else if (row != ratings_header) {
      throw paper_error{where + quoted(row) + "; allowed: " + std::string{ratings_header}};
    }
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
  auto out = largest_component(g);
  if (out.size() >= fewest_heads) return out;
  throw paper_error{ratings_file() + ": the largest group whose ratings above zero join it has " +
                    std::to_string(out.size()) + " heads; allowed: " +
                    std::to_string(fewest_heads) + " at least"};
}

}  // namespace hydra::papers::discovery
