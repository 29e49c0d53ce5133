#include "cuts.hpp"

#include "toml_file.hpp"

#include <fmt/format.h>

#include <fstream>

namespace hydra::net {
namespace {

using std::string;

constexpr std::int64_t frame_max = 1'000'000'000;
constexpr auto film_max = duration{std::int64_t{7} * 24 * 3600 * 1'000'000'000};

void take_point(toml_taker& t, toml_item const& table, char const* key, cut_point& to) {
  auto const* item = child(table, key);
  to.is_frame = item != nullptr && item->kind == toml_kind::integer;
  if (to.is_frame) {
    t.whole(key, to.frame, 0, frame_max);
  } else if (item == nullptr || item->kind == toml_kind::string) {
    t.time(key, to.time, duration{}, film_max);
    if (item == nullptr) static_cast<void>(t.any(key, true));
  } else {
    static_cast<void>(t.any(key));
    t.wrong(*item, fmt::format("{} is no point of a film; allowed: a time like \"1.25 s\" or the "
                               "number of a frame like 120", item->text));
  }
}

bool in_order(cut const& c) {
  if (c.in.is_frame != c.out.is_frame) return true;  // the film knows
  return c.in.is_frame ? c.in.frame < c.out.frame : c.in.time < c.out.time;
}

}  // namespace

result<cut_list> parse_cuts(std::string_view text, std::string const& file) {
  toml_problems problems{file, {}};
  cut_list out;
  auto const root = read_toml(text, cuts_bytes_max, problems);
  if (!problems.lines.empty()) return error{problems.text()};
  toml_taker top{root, problems, "an edit list"};
  top.text("film", out.film, 255);
  if (out.film.find('/') != string::npos)
    problems.add(child(root, "film")->at, quote(out.film) + " is not the name of a file");
  auto const* cuts = top.tables("cut");
  if (cuts == nullptr || cuts->children.empty()) {
    problems.add({}, "an edit list needs at least one [[cut]]");
  } else if (cuts->children.size() > cuts_max) {
    problems.add(cuts->at, fmt::format("{} cuts; allowed: {}", cuts->children.size(), cuts_max));
  } else {
    for (auto const& item : cuts->children) {
      toml_taker t{item, problems, "[[cut]]"};
      cut c;
      take_point(t, item, "in", c.in);
      take_point(t, item, "out", c.out);
      t.finish();
      c.where = fmt::format("{}:{}:{}", file, item.at.line, item.at.column);
      if (problems.lines.empty() && !in_order(c))
        problems.add(item.at, "this cut ends before it begins; allowed: in before out");
      out.cuts.push_back(std::move(c));
    }
  }
  top.finish();
  if (!problems.lines.empty()) return error{problems.text()};
  return out;
}

result<cut_list> load_cuts(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{path + ": cannot be read"};
  string text(cuts_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_cuts(text, path);
}

}  // namespace hydra::net
