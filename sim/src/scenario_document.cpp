// The only file that knows toml++.
#include "scenario_document.hpp"

#include "scenario_fields.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <exception>
#include <tuple>

namespace hydra::sim::detail {
namespace {

position at(toml::source_position p) {
  return {std::max<std::uint32_t>(1, p.line), std::max<std::uint32_t>(1, p.column)};
}

// The text of a value as it stands in the file: a float must not pass through a double.
std::string slice(std::string_view text, position from) {
  for (std::uint32_t line = 1; line < from.line; ++line) {
    auto const end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::size_t i = 0;
  for (std::uint32_t column = 1; column < from.column && i < text.size(); ++column) {
    ++i;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) ++i;
  }
  auto const end = std::min(text.find_first_of(" \t\r\n,]}#", i), text.size());
  return std::string{text.substr(i, end - i)};
}

class reader {
 public:
  reader(std::string_view text, document& out) : text_{text}, out_{out} {}

  void top(toml::table const& table) {
    for (auto const& [key, node] : table) {
      if (full()) return;
      if (auto const* inner = node.as_table()) {
        heading(std::string{key.str()}, 0, at(key.source().begin));
        section(std::string{key.str()}, 0, *inner);
      } else if (auto const* list = node.as_array(); list != nullptr && is_list(key.str())) {
        items(std::string{key.str()}, *list);
      } else {
        value("", 0, key, node);
      }
    }
  }

 private:
  void heading(std::string name, std::size_t number, position where) {
    out_.entries.push_back({std::move(name), number, "", {}, where, where});
  }
  void section(std::string const& name, std::size_t number, toml::table const& table) {
    for (auto const& [key, node] : table) {
      if (full()) return;
      value(name, number, key, node);
    }
  }
  void items(std::string const& name, toml::array const& list) {
    std::size_t n = 0;
    for (auto const& each : list) {
      if (full()) return;
      heading(name, ++n, at(each.source().begin));
      if (auto const* table = each.as_table()) section(name, n, *table);
    }
  }
  void value(std::string section, std::size_t number, toml::key const& key,
             toml::node const& node) {
    entry e{std::move(section), number, std::string{key.str()}, {}, at(key.source().begin),
            at(node.source().begin)};
    if (auto const* s = node.as_string()) {
      e.value = {value_kind::string, s->get()};
    } else if (auto const* n = node.as_integer()) {
      e.value = {value_kind::integer, std::to_string(n->get())};
    } else if (auto const* b = node.as_boolean()) {
      e.value = {value_kind::boolean, b->get() ? "true" : "false"};
    } else if (node.is_floating_point()) {
      e.value = {value_kind::floating, slice(text_, e.value_at)};
    } else {
      e.value = {value_kind::other, node.is_array()   ? "an array"
                                    : node.is_table() ? "a table"
                                                      : "a date or time"};
    }
    out_.entries.push_back(std::move(e));
  }
  [[nodiscard]] bool full() const { return out_.entries.size() >= entries_max; }

  std::string_view text_;
  document& out_;
};

// toml++ goes as deep as a dotted key has parts. Where a line has more of them than any key needs,
// or 0.
std::uint32_t line_of_endless_key(std::string_view text) {
  constexpr std::size_t parts_max = 1'000;
  std::uint32_t line = 1;
  std::size_t dots = 0;
  for (char const c : text) {
    if (c == '.') {
      if (++dots > parts_max) return line;
    } else if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[') {
      dots = 0;
      line += c == '\n' ? 1U : 0U;
    }
  }
  return 0;
}

document refused(position where, std::string why) { return {{}, false, where, std::move(why)}; }

}  // namespace

document read_document(std::string_view text) {
  if (text.size() > text_bytes_max)
    return refused({}, "the file has " + std::to_string(text.size()) + " bytes; allowed: " +
                           std::to_string(text_bytes_max));
  if (auto const line = line_of_endless_key(text); line != 0) {
    return refused({line, 1}, "a key of more than a thousand parts");
  }
  document out;
  try {
    auto const root = toml::parse(text);
    reader{text, out}.top(root);
  } catch (toml::parse_error const& e) {
    return refused(at(e.source().begin), "this is not TOML: " + std::string{e.description()});
  } catch (std::exception const& e) {
    return refused({}, std::string{"this cannot be read: "} + e.what());
  }
  if (out.entries.size() >= entries_max)
    return refused({}, "more than " + std::to_string(entries_max) + " settings");
  std::sort(out.entries.begin(), out.entries.end(), [](auto const& a, auto const& b) {
    return std::tie(a.key_at.line, a.key_at.column, a.section, a.number, a.key) <
           std::tie(b.key_at.line, b.key_at.column, b.section, b.number, b.key);
  });
  return out;
}

}  // namespace hydra::sim::detail
