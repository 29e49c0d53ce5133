#include "manifest.hpp"

#include "toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

namespace hydra::net {
namespace {

using std::string;
using std::string_view;

constexpr std::size_t name_bytes_max = 64;
constexpr std::int64_t number_max = 1'000'000'000'000'000;
constexpr std::size_t numbers_max = 4096;  // in a list of them

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

// Of services, steps, ports and parameters.
bool is_name(string_view s, string_view besides) {
  if (s.empty() || s.size() > name_bytes_max || !is_lower(s.front())) return false;
  return std::all_of(s.begin(), s.end(), [&](char c) {
    return is_lower(c) || is_digit(c) || besides.find(c) != string_view::npos;
  }) && s.back() != '.' && s.find("..") == string_view::npos;
}

// "-12.5"; integers only where `point` is false.
bool is_decimal(string_view s, bool point) {
  if (!s.empty() && s.front() == '-') s.remove_prefix(1);
  auto const dot = s.find('.');
  auto const whole = s.substr(0, dot);
  auto const digits = [](string_view d) {
    return !d.empty() && d.size() <= 15 && std::all_of(d.begin(), d.end(), is_digit);
  };
  if (dot == string_view::npos) return digits(whole);
  return point && digits(whole) && digits(s.substr(dot + 1));
}

bool within(parameter const& p, string_view number) {
  if (!is_decimal(number, p.kind != parameter_kind::whole)) return false;
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value >= static_cast<double>(p.least) && value <= static_cast<double>(p.most);
}

bool are_numbers(parameter const& p, string_view list) {
  std::size_t count = 0;
  while (true) {
    auto const comma = list.find(',');
    if (++count > numbers_max || !within(p, list.substr(0, comma))) return false;
    if (comma == string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool is_safe_name(string_view s, std::int64_t most) {
  if (s.empty() || s.size() > static_cast<std::size_t>(most)) return false;
  if (!is_letter(s.front()) && !is_digit(s.front())) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
  }) && s.find("..") == string_view::npos;
}

// ---- templates ---------------------------------------------------------------------------------

// A part of an argument: text as it is, or {from.name}, {from.name...}.
struct part {
  string text;
  string from;  // in, out, param; empty: text
  string name;
  bool list = false;
};

// The parts, or what is wrong with the argument.
string split_argument(string_view s, std::vector<part>& to) {
  string text;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s.substr(i, 2) == "{{" || s.substr(i, 2) == "}}") {
      text += s[i++];
      continue;
    }
    if (s[i] == '}') return "a } without {; write }} for the character";
    if (s[i] != '{') {
      text += s[i];
      continue;
    }
    auto const end = s.find('}', i);
    if (end == string_view::npos) return "a { without }; write {{ for the character";
    auto inner = s.substr(i + 1, end - i - 1);
    part p;
    p.list = inner.ends_with("...");
    if (p.list) inner.remove_suffix(3);
    auto const dot = inner.find('.');
    p.from = string{inner.substr(0, dot)};
    if (dot != string_view::npos) p.name = string{inner.substr(dot + 1)};
    if (p.from != "in" && p.from != "out" && p.from != "param")
      return fmt::format("{{{}}} is not known{} allowed: {{in.NAME}}, {{out.NAME}}, "
                         "{{param.NAME}}, and ... before the }} for a list", inner,
                         suggestion(p.from, {"in", "out", "param"}));
    if (!text.empty()) to.push_back({std::exchange(text, {}), {}, {}, false});
    to.push_back(std::move(p));
    i = end;
  }
  if (!text.empty()) to.push_back({text, {}, {}, false});
  return {};
}

template <class T>
T const* named(std::vector<T> const& among, string_view name) {
  for (auto const& each : among)
    if (each.name == name) return &each;
  return nullptr;
}
template <class T>
std::vector<string> names(std::vector<T> const& among) {
  std::vector<string> out;
  for (auto const& each : among) out.push_back(each.name);
  return out;
}

template <class T>
string unknown(string_view what, part const& p, std::vector<T> const& among) {
  return fmt::format("{} is no {}{} allowed: {}", quote(p.name), what,
                     suggestion(p.name, names(among)),
                     among.empty() ? "none" : joined(names(among)));
}

// What is wrong with a placeholder of this step.
string wrong_part(manifest const& m, step const& s, part const& p) {
  if (p.from == "param") {
    auto const* found = named(m.parameters, p.name);
    if (found == nullptr) return unknown("parameter", p, m.parameters);
    if (p.list && found->arguments.empty())
      return fmt::format("{{param.{}...}} needs a table [parameter.{}.arguments]", p.name, p.name);
    return {};
  }
  auto const& ports = p.from == "in" ? s.inputs : s.outputs;
  auto const* found = named(ports, p.name);
  if (found == nullptr) return unknown(p.from == "in" ? "input" : "output", p, ports);
  if (p.list && (!found->many || p.from == "out"))
    return fmt::format("{{{}.{}...}}: a list is only of an input that is many", p.from, p.name);
  return {};
}

string wrong_argument(manifest const& m, step const& s, string_view text) {
  if (text.size() > argument_bytes_max || text.find('\0') != string_view::npos)
    return fmt::format("an argument of {} bytes or with a zero byte; allowed: {} bytes",
                       text.size(), argument_bytes_max);
  std::vector<part> parts;
  if (auto const why = split_argument(text, parts); !why.empty()) return why;
  for (auto const& p : parts) {
    if (p.from.empty()) continue;
    if (auto const why = wrong_part(m, s, p); !why.empty()) return why;
    if (p.list && parts.size() != 1) return "a list must be an argument of its own";
  }
  if (parts.empty() || parts.front().from != "param" || parts.front().list) return {};
  auto const* p = named(m.parameters, parts.front().name);
  bool const signed_number = p->kind != parameter_kind::word && p->least < 0;
  return signed_number ? fmt::format("{} may be below zero and would begin an argument with -; "
                                     "write text before it", quote(p->name))
                       : "";
}

// ---- reading -----------------------------------------------------------------------------------

class reader {
 public:
  explicit reader(toml_problems& problems) : problems_{problems} {}

  manifest run(toml_item const& root) {
    toml_taker top{root, problems_, "a manifest"};
    if (top.text("name", m_.name, name_bytes_max, true) && !m_.name.empty() &&
        !is_name(m_.name, "_."))
      wrong(root, "name", name_words(m_.name, "like \"render.movie\""));
    version(top, root);
    top.text("purpose", m_.purpose, 400, true);
    std::size_t split = 0;
    top.word("split", split, {"none", "cuts"});
    m_.split = static_cast<split_by>(split);
    if (auto const* t = top.table("limits")) limits(*t, standard_);
    if (auto const* t = top.table("tool")) each(*t, [&](auto const& i) { take_tool(i); });
    if (auto const* t = top.table("parameter")) each(*t, [&](auto const& i) { take_parameter(i); });
    if (m_.parameters.size() > parameters_max) too_many(root, "parameter", parameters_max);
    if (auto const* t = top.table("step")) each(*t, [&](auto const& i) { take_step(i); });
    if (m_.steps.size() > steps_max) too_many(root, "step", steps_max);
    if (m_.steps.empty()) problems_.add(root.at, "a manifest needs a table [step.NAME]");
    top.finish();
    return std::move(m_);
  }

 private:
  template <class F>
  void each(toml_item const& table, F const& take) {
    for (auto const& item : table.children) {
      if (item.kind != toml_kind::table) {
        problems_.add(item.at, quote(item.key) + " is not a table");
      } else if (!is_name(item.key, "_")) {
        problems_.add(item.key_at, name_words(item.key, "like \"film_2\""));
      } else {
        take(item);
      }
    }
  }

  static string name_words(string_view name, string_view like) {
    return fmt::format("{} is not a name; allowed: lower case, digits, _ and, in a service, ., at "
                       "most {} bytes, {}", quote(name), name_bytes_max, like);
  }
  void wrong(toml_item const& table, string_view key, string const& words) {
    auto const* item = child(table, key);
    problems_.add(item == nullptr ? table.at : item->at, words);
  }
  void too_many(toml_item const& root, string_view key, std::size_t most) {
    wrong(root, key, fmt::format("more than {} tables [{}.NAME]", most, key));
  }

  void version(toml_taker& top, toml_item const& root) {
    string text;
    if (!top.text("version", text, 16, true) || text.empty()) return;
    auto const dot = text.find('.');
    auto const digits = [](string_view s) {
      return !s.empty() && s.size() <= 6 && std::all_of(s.begin(), s.end(), is_digit);
    };
    if (dot == string::npos || !digits(string_view{text}.substr(0, dot)) ||
        !digits(string_view{text}.substr(dot + 1))) {
      wrong(root, "version", quote(text) + " is not a version; write MAJOR.MINOR, like \"1.0\"");
      return;
    }
    m_.major = static_cast<unsigned>(std::stoul(text.substr(0, dot)));
    m_.minor = static_cast<unsigned>(std::stoul(text.substr(dot + 1)));
  }

  void limits(toml_item const& table, jail_limits& to) {
    toml_taker t{table, problems_, "[limits]"};
    std::int64_t processes = to.processes;
    std::int64_t files = to.open_files;
    t.time("cpu", to.cpu, 1s, 24h);
    t.time("wall", to.wall, 1s, 48h);
    t.bytes("memory", to.memory, 1U << 20U, std::uint64_t{1} << 40U);
    t.bytes("output", to.output, 4096, std::uint64_t{1} << 44U);
    t.whole("processes", processes, 1, 4096);
    t.whole("open_files", files, 8, 65536);
    t.finish();
    to.processes = static_cast<std::uint32_t>(processes);
    to.open_files = static_cast<std::uint32_t>(files);
  }

  void take_tool(toml_item const& item) {
    tool made{item.key, {}};
    toml_taker t{item, problems_, "[tool." + item.key + "]"};
    t.texts("version", made.version, 8, true);
    t.finish();
    m_.tools.push_back(std::move(made));
  }

  void take_parameter(toml_item const& item) {
    parameter p;
    p.name = item.key;
    auto const what = "[parameter." + item.key + "]";
    toml_taker t{item, problems_, what};
    std::size_t kind = 0;
    t.word("type", kind, {"word", "whole", "number", "numbers", "name"}, true);
    p.kind = static_cast<parameter_kind>(kind);
    if (p.kind == parameter_kind::word) {
      t.texts("allowed", p.allowed, 64, true);
      for (auto const& each : p.allowed)
        if (!is_safe_name(each, name_bytes_max))
          wrong(item, "allowed", quote(each) + " may not be a word; allowed: letters, digits, "
                                                "_ . - inside");
      if (auto const* a = t.table("arguments")) take_arguments(*a, p, what);
    } else {
      p.most = p.kind == parameter_kind::name ? 64 : number_max;
      bool const name = p.kind == parameter_kind::name;
      if (!name) t.whole("least", p.least, -number_max, number_max);
      t.whole("most", p.most, name ? 1 : p.least, name ? 255 : number_max);
    }
    string standard;
    if (t.text("default", standard, 4096)) {
      if (auto const why = unfit(p, standard); !why.empty()) wrong(item, "default", why);
      p.standard = standard;
    }
    t.finish();
    m_.parameters.push_back(std::move(p));
  }

  void take_arguments(toml_item const& table, parameter& p, string const& what) {
    toml_taker t{table, problems_, what + ".arguments"};
    for (auto const& word : p.allowed) t.texts(word, p.arguments[word], arguments_max, true);
    t.finish();
  }

  void take_ports(toml_taker& t, toml_item const& item, string_view key, std::vector<port>& to) {
    std::vector<string> list;
    t.texts(key, list, 64);
    for (auto& each : list) {
      port p;
      p.many = each.ends_with("...");
      if (p.many) each.resize(each.size() - 3);
      p.name = each;
      if (!is_name(p.name, "_")) {
        wrong(item, key, name_words(p.name, "and ... behind it for a folder of files"));
      } else if (named(to, p.name) != nullptr) {
        wrong(item, key, quote(p.name) + " is there twice");
      }
      to.push_back(std::move(p));
    }
  }

  void take_step(toml_item const& item) {
    step s;
    s.name = item.key;
    s.limits = standard_;
    toml_taker t{item, problems_, "[step." + item.key + "]"};
    take_ports(t, item, "inputs", s.inputs);
    take_ports(t, item, "outputs", s.outputs);
    t.texts("run", s.run, arguments_max, true);
    if (auto const* l = t.table("limits")) limits(*l, s.limits);
    t.finish();
    auto const* run = child(item, "run");
    if (s.run.empty()) {
      if (run != nullptr) problems_.add(run->at, "a step must run something");
    } else if (named(m_.tools, s.run.front()) == nullptr) {
      problems_.add(run->at, fmt::format("{} is no tool of this manifest{} allowed: {}",
                                         quote(s.run.front()),
                                         suggestion(s.run.front(), names(m_.tools)),
                                         m_.tools.empty() ? "none; write a table [tool.NAME]"
                                                          : joined(names(m_.tools))));
    }
    for (std::size_t i = 1; i < s.run.size() && run->children.size() == s.run.size(); ++i)
      if (auto const why = wrong_argument(m_, s, s.run[i]); !why.empty())
        problems_.add(run->children[i].at, why);
    m_.steps.push_back(std::move(s));
  }

  toml_problems& problems_;
  manifest m_;
  jail_limits standard_;
};

// ---- filling in --------------------------------------------------------------------------------

result<string> value_of(manifest const& m, bindings const& b, string const& name) {
  auto const* p = named(m.parameters, name);
  auto const bound = b.parameters.find(name);
  if (bound == b.parameters.end() && !p->standard)
    return error{fmt::format("the parameter {} is missing", quote(name))};
  auto const& value = bound == b.parameters.end() ? *p->standard : bound->second;
  if (auto why = unfit(*p, value); !why.empty())
    return error{fmt::format("parameter {}: {}", name, why)};
  return value;
}

result<std::vector<string>> list_of(manifest const& m, step const& s, bindings const& b,
                                    part const& p) {
  if (p.from == "param") {
    auto const value = value_of(m, b, p.name);
    if (!value) return error{value.why()};
    return named(m.parameters, p.name)->arguments.at(value.value());
  }
  auto const count = b.files.find(p.name);
  if (count == b.files.end()) return error{"how many files are in " + quote(p.name) + "?"};
  std::vector<string> out;
  for (std::size_t i = 0; i < count->second; ++i)
    out.push_back("in/" + file_of(*named(s.inputs, p.name), i));
  return out;
}

}  // namespace

std::string unfit(parameter const& p, std::string_view value) {
  switch (p.kind) {
    case parameter_kind::word:
      if (std::find(p.allowed.begin(), p.allowed.end(), value) != p.allowed.end()) return "";
      return fmt::format("{} is not allowed{} allowed: {}", quote(value),
                         suggestion(value, p.allowed), joined(p.allowed));
    case parameter_kind::whole:
      if (within(p, value)) return "";
      return fmt::format("{} is not allowed; allowed: a whole number from {} to {}", quote(value),
                         p.least, p.most);
    case parameter_kind::number:
      if (within(p, value)) return "";
      return fmt::format("{} is not allowed; allowed: a number from {} to {}, like 12.5",
                         quote(value), p.least, p.most);
    case parameter_kind::numbers:
      if (are_numbers(p, value)) return "";
      return fmt::format("{} is not allowed; allowed: at most {} numbers from {} to {}, with "
                         "commas", quote(value), numbers_max, p.least, p.most);
    case parameter_kind::name: break;
  }
  if (is_safe_name(value, p.most)) return "";
  return fmt::format("{} is not allowed; allowed: at most {} letters, digits, _ . -, the first a "
                     "letter or digit, no ..", quote(value), p.most);
}

std::string file_of(port const& p, std::size_t number) {
  return p.many ? fmt::format("{}/{:04}", p.name, number) : p.name;
}

result<manifest> parse_manifest(std::string_view text, std::string const& file) {
  toml_problems problems{file, {}};
  auto const root = read_toml(text, manifest_bytes_max, problems);
  if (!problems.lines.empty()) return error{problems.text()};
  auto made = reader{problems}.run(root);
  if (!problems.lines.empty()) return error{problems.text()};
  made.hash = key{hash256(text)};
  return made;
}

result<manifest> load_manifest(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{path + ": cannot be read"};
  string text(manifest_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_manifest(text, path);
}

result<std::vector<std::string>> expand(manifest const& m, step const& s, bindings const& b) {
  for (auto const& [name, value] : b.parameters)
    if (named(m.parameters, name) == nullptr)
      return error{fmt::format("{} has no parameter {}{} allowed: {}", m.name, quote(name),
                               suggestion(name, names(m.parameters)), joined(names(m.parameters)))};
  std::vector<string> out;
  for (auto const& argument : s.run) {
    std::vector<part> parts;
    if (auto why = split_argument(argument, parts); !why.empty()) return error{why};
    if (parts.size() == 1 && parts.front().list) {
      auto more = list_of(m, s, b, parts.front());
      if (!more) return error{more.why()};
      out.insert(out.end(), more.value().begin(), more.value().end());
      continue;
    }
    string made;
    for (auto const& p : parts) {
      if (p.from == "param") {
        auto const value = value_of(m, b, p.name);
        if (!value) return error{value.why()};
        made += value.value();
      } else {
        made += p.from.empty() ? p.text : p.from + "/" + p.name;
      }
    }
    if (made.size() > argument_bytes_max)
      return error{fmt::format("an argument of {} bytes; allowed: {}", made.size(),
                               argument_bytes_max)};
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace hydra::net
