#include "scenario_document.hpp"
#include "scenario_fields.hpp"
#include "scenario_lint.hpp"

#include <hydra/core/hash.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <utility>

namespace hydra::sim {
namespace {

using namespace detail;

// Items of lists count from 1: "fault.2.chance".
std::string path_of(std::string_view section, std::size_t number, std::string_view key) {
  std::string out{section};
  if (number != 0) out += "." + std::to_string(number);
  if (!key.empty()) out += (out.empty() ? "" : ".") + std::string{key};
  return out;
}

std::string shown(std::string_view section) {
  if (section.empty()) return " at the top level";
  return fmt::format(fmt::runtime(is_list(section) ? " in [[{}]]" : " in [{}]"), section);
}

// Equal places keep their order.
void sort_by_place(std::vector<problem>& all) {
  std::multimap<std::pair<std::uint32_t, std::uint32_t>, problem> sorted;
  for (auto& p : all) sorted.emplace(std::pair{p.line, p.column}, std::move(p));
  all.clear();
  for (auto& [where, p] : sorted) all.push_back(std::move(p));
}

class builder {
 public:
  builder(loaded_scenario& out, std::string const& file)
      : out_{out}, file_{file}, sections_{describe(out.value)} {
    given_.file = file;
    for (auto const& s : sections_)
      if (!s.name.empty()) section_names_.push_back(s.name);
    section_names_.insert(section_names_.end(), list_names.begin(), list_names.end());
  }

  void file(document const& doc) {
    for (auto name : list_names) make_room(doc, name);
    for (auto const& e : doc.entries) {
      if (e.number > (e.number == 0 ? 0 : list_size(out_.value, e.section))) continue;
      problem const key_at{file_, e.key_at.line, e.key_at.column, ""};
      problem const value_at{file_, e.value_at.line, e.value_at.column, ""};
      if (e.key.empty()) {
        heading(e, key_at);
      } else {
        set(e, key_at, value_at);
      }
    }
  }

  void given(override_setting const& o) {
    auto const name = o.given_as.empty() ? "--set " + o.key + "=" + o.value : o.given_as;
    problem const at{name, 0, 0, ""};
    entry e;
    e.value = {value_kind::loose, o.value};
    auto const dot = o.key.find('.');
    e.key = dot == std::string::npos ? o.key : o.key.substr(dot + 1);
    e.section = dot == std::string::npos ? "" : o.key.substr(0, dot);
    if (e.section.empty() && names_a_policy(e.key)) e.section = "policy";
    if (is_list(e.section) && !pick_item(e, at)) return;
    if (!known_section(e.section)) return unknown_section(e.section, at);
    set(e, at, at);
  }

  void finish() {
    if (out_.errors.empty()) lint(out_.value, given_, out_.errors, out_.warnings);
    sort_by_place(out_.errors);
    sort_by_place(out_.warnings);
  }

 private:
  void report(problem p) { out_.errors.push_back(std::move(p)); }
  void report(problem at, std::string text) {
    at.text = std::move(text);
    report(std::move(at));
  }

  void make_room(document const& doc, std::string_view name) {
    std::size_t n = 0;
    for (auto const& e : doc.entries) {
      if (e.section == name) n = std::max(n, e.number);
    }
    if (n > list_max(name)) {
      report({file_, 1, 1,
              fmt::format("{} {}s are too many; allowed: {}", n, name, list_max(name))});
    }
    list_resize(out_.value, name, std::min(n, list_max(name)));
  }

  // On the command line a slot stands for its policy: no file's section is meant there.
  [[nodiscard]] bool names_a_policy(std::string_view key) const {
    return std::any_of(sections_.begin(), sections_.end(), [&](section const& s) {
      return s.name == "policy" && s.find(key) != nullptr;
    });
  }
  [[nodiscard]] bool known_section(std::string_view name) const {
    return name.empty() || std::find(section_names_.begin(), section_names_.end(), name) !=
                               section_names_.end();
  }
  void unknown_section(std::string_view name, problem const& at) {
    report(at, fmt::format("unknown section {}{} allowed: {}", quote(name),
                           suggestion(name, section_names_), joined_words(section_names_)));
  }

  void heading(entry const& e, problem const& at) {
    given_.at[path_of(e.section, e.number, "")] = at;
    if (e.number != 0) list_item_line(out_.value, e.section, e.number, e.key_at.line);
    if (!known_section(e.section)) unknown_section(e.section, at);
    if (is_list(e.section) && e.number == 0)
      report(at, fmt::format("[{0}] is one of many; write [[{0}]]", e.section));
  }

  // "fault.2.chance" or "fault.NAME.chance": leaves section, number and key.
  bool pick_item(entry& e, problem const& at) {
    auto const dot = e.key.find('.');
    auto const which = e.key.substr(0, dot);
    auto const n = list_size(out_.value, e.section);
    std::string names;
    for (std::size_t i = 1; i <= n; ++i) {
      auto const name = list_item_name(out_.value, e.section, i);
      if (which == std::to_string(i) || (!name.empty() && which == name)) e.number = i;
      names += name.empty() ? "" : ", " + name;
    }
    if (e.number == 0 || dot == std::string::npos) {
      report(at, fmt::format("no {0} {1}; write {0}.N.key or {0}.NAME.key, allowed: {2}", e.section,
                             quote(which),
                             n == 0 ? fmt::format("none, the scenario has no {}s", e.section)
                                    : fmt::format("1 to {}{}", n, names)));
      return false;
    }
    e.key.erase(0, dot + 1);
    return true;
  }

  void set(entry const& e, problem const& key_at, problem const& value_at) {
    if (!known_section(e.section) || (is_list(e.section) && e.number == 0)) return;
    if (e.number != 0)
      return assign_to(list_item(out_.value, e.section, e.number), e, key_at, value_at);
    for (auto const& s : sections_)
      if (s.name == e.section) return assign_to(s, e, key_at, value_at);
  }

  void assign_to(section const& s, entry const& e, problem const& key_at, problem const& value_at) {
    auto const* f = s.find(e.key);
    if (f == nullptr) return unknown_key(s, e, key_at);
    auto const wrong = assign(*f, e.value);
    if (!wrong.empty()) return report(value_at, fmt::format("{}: {}", path(e), wrong));
    given_.at[path_of(e.section, e.number, e.key)] = value_at;
  }
  [[nodiscard]] static std::string path(entry const& e) {
    return path_of(e.section, e.number, e.key);
  }

  void unknown_key(section const& s, entry const& e, problem const& at) {
    if (s.name.empty() && known_section(e.key))
      return report(at, fmt::format(fmt::runtime(is_list(e.key) ? "{0} is a section; write [[{0}]] "
                                                                  "or {0}.N.key"
                                                                : "{0} is a section; write [{0}] "
                                                                  "or {0}.key"),
                                    e.key));
    auto keys = s.keys();
    auto hint = suggestion(e.key, keys);
    if (s.name.empty()) {
      if (hint == ";") hint = suggestion(e.key, section_names_);
      keys.insert(keys.end(), section_names_.begin(), section_names_.end());
    }
    for (auto const& other : sections_)
      if (hint == ";" && other.find(e.key) != nullptr)
        hint = other.name.empty()
                   ? fmt::format("; {0} stands before all sections (--set {0}=...);", e.key)
                   : fmt::format("; did you mean \"{}\"?", path_of(other.name, 0, e.key));
    report(at, fmt::format("unknown key {}{}{} allowed: {}", quote(e.key), shown(s.name), hint,
                           joined_words(keys)));
  }

  loaded_scenario& out_;
  std::string const& file_;
  std::vector<section> sections_;
  std::vector<std::string_view> section_names_;
  given_places given_;
};

// Values that only stand for "no limit" are not written: they are no value that anyone may give.
bool says_nothing(field const& f) {
  if (auto const* const* d = std::get_if<duration*>(&f.at))
    return (*d)->count() == std::numeric_limits<std::int64_t>::max();
  if (auto const* const* n = std::get_if<std::uint64_t*>(&f.at))
    return **n == unlimited && f.key != "seed";
  if (auto const* const* r = std::get_if<arrival_rate*>(&f.at)) return (*r)->count == 0;
  if (auto const* const* s = std::get_if<std::string*>(&f.at)) return (*s)->empty();
  return false;
}

void write_section(std::string& out, section const& s, std::vector<std::string_view> const& but) {
  for (auto const& f : s.fields)
    if (!says_nothing(f) && std::find(but.begin(), but.end(), f.key) == but.end())
      out += fmt::format("{} = {}\n", f.key, toml_text(f));
}

std::string written_settings(scenario s, std::vector<std::string_view> const& but_at_top) {
  std::string out;
  for (auto const& part : describe(s)) {
    if (section_unused(s, part.name)) continue;
    if (!part.name.empty()) out += fmt::format("\n[{}]\n", part.name);
    std::vector<std::string_view> but;
    if (part.name.empty()) but = but_at_top;
    if (part.name == "workload") but = workload_unused(s.workload);
    if (part.name == "routing" && s.routing.tables == tables_from::joined) but = {"tables"};
    if (part.name == "world") but = world_unused(s);
    write_section(out, part, but);
  }
  for (std::string_view const name : {"composition", "group"}) {
    for (std::size_t i = 1; i <= list_size(s, name); ++i) {
      out += fmt::format("\n[[{}]]\n", name);
      bool const group = name == "group";
      write_section(out, list_item(s, name, i), group ? group_unused(s.groups[i - 1])
                                                      : std::vector<std::string_view>{});
    }
  }
  for (auto& f : s.faults) {
    out += "\n[[fault]]\n";
    auto const uses = fault_uses(f.kind);
    auto described = describe(f);
    bool const always_lies = f.on == duration{};
    std::erase_if(described.fields, [&](auto const& each) {
      bool const used = std::find(uses.begin(), uses.end(), each.key) != uses.end();
      return !used || (always_lies && (each.key == "on" || each.key == "off"));
    });
    write_section(out, described, {});
  }
  return out;
}

}  // namespace

std::string problem::str() const {
  std::string where;
  for (char c : file) {  // a name may hold anything, and this goes to a terminal
    bool const control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    where += control ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c)) : std::string{c};
  }
  if (line == 0) return fmt::format("{}: {}", where, text);
  return fmt::format("{}:{}:{}: {}", where, line, column, text);
}

loaded_scenario parse_scenario(std::string_view text, std::string const& file,
                               std::vector<override_setting> const& overrides) {
  loaded_scenario out;
  out.text = text.substr(0, text_bytes_max);
  auto const doc = read_document(text);
  if (!doc.good) {
    out.errors.push_back({file, doc.wrong_at.line, doc.wrong_at.column, doc.wrong});
    return out;
  }
  builder build{out, file};
  build.file(doc);
  for (auto const& o : overrides) build.given(o);
  build.finish();
  return out;
}

loaded_scenario load_scenario(std::string const& path,
                              std::vector<override_setting> const& overrides) {
  std::ifstream in{path, std::ios::binary};
  std::string text(text_bytes_max + 1, '\0');
  if (in) {
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
  }
  if (!in.is_open() || in.bad()) {
    loaded_scenario out;
    out.errors.push_back({path, 1, 1, fmt::format("cannot be read: {}", std::strerror(errno))});
    return out;
  }
  return parse_scenario(text, path, overrides);
}

std::string settings_text(scenario const& s) { return written_settings(s, {}); }

std::string settings_hash(scenario const& s) {
  hydra::detail::sha256 h;
  for (char c : written_settings(s, {"seed"})) h.add(static_cast<std::uint8_t>(c));
  return fmt::format("{:012x}", h.finish()[0] >> 16U);
}

}  // namespace hydra::sim
