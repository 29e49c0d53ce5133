// The lint of the repository: reads the tree as text and says where it breaks the rules of the
// house (docs/decisions/0001-build.md). It needs no compiler, so it guesses where a compiler
// would know; `--self-test` plants every violation and demands that it is found.
//
//   hydra_tidy ROOT            prints  file:line: rule: words  and fails if there was a line
//   hydra_tidy --self-test
//
// A line may break a rule with a reason:  // tidy: allow(rule) because ...

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using std::string;
using std::string_view;

using tree = std::map<string, string>;  // path from the root, text

struct finding {
  string path;
  std::size_t line;
  string rule;
  string words;
};

struct source {
  string path;
  std::vector<string> lines;
  std::vector<string> code;  // the same lines with comments and literals blanked
};

struct report {
  std::vector<finding> found;

  void add(source const& in, std::size_t line, string_view rule, string words) {
    auto const& text = line < in.lines.size() ? in.lines[line] : string{};
    if (text.find("tidy: allow(" + string{rule} + ") ") == string::npos)
      found.push_back({in.path, line + 1, string{rule}, std::move(words)});
  }
};

auto starts(string_view text, string_view with) -> bool { return text.starts_with(with); }
auto ends(string_view text, string_view with) -> bool { return text.ends_with(with); }
auto is_word(char c) -> bool {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

auto matches(string_view path, std::vector<string_view> const& rooms) -> bool {
  return std::any_of(rooms.begin(), rooms.end(), [&](auto room) { return starts(path, room); });
}

auto split(string const& text) -> std::vector<string> {
  std::vector<string> lines;
  std::istringstream in{text};
  for (string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Blanks comments, strings and characters, keeping every line where it was.
class blanker {
 public:
  explicit blanker(string text) : text_{std::move(text)} {}

  auto run() -> string {
    while (at_ < text_.size()) {
      if (follows("//")) {
        blank_until("\n", false);
      } else if (follows("/*")) {
        blank_until("*/", true);
      } else if (follows("R\"") && (at_ == 0 || !is_word(text_[at_ - 1]))) {
        auto const open = text_.find('(', at_);
        if (open == string::npos) break;
        auto const close = ")" + text_.substr(at_ + 2, open - at_ - 2) + "\"";
        blank_until(close, true);
      } else if (text_[at_] == '"') {
        quoted('"');
      } else if (text_[at_] == '\'' && (at_ == 0 || !is_word(text_[at_ - 1]))) {
        quoted('\'');
      } else {
        ++at_;
      }
    }
    return std::move(text_);
  }

 private:
  auto follows(string_view what) const -> bool {
    return starts(string_view{text_}.substr(at_), what);
  }

  void blank(std::size_t end) {
    for (; at_ < end && at_ < text_.size(); ++at_)
      if (text_[at_] != '\n') text_[at_] = ' ';
  }

  void blank_until(string_view end, bool with_it) {
    auto const found = text_.find(end, at_ + 2);
    blank(found == string::npos ? text_.size() : found + (with_it ? end.size() : 0));
  }

  void quoted(char mark) {
    auto end = at_ + 1;
    while (end < text_.size() && text_[end] != mark && text_[end] != '\n')
      end += text_[end] == '\\' ? 2 : 1;
    ++at_;  // the marks stay: a blanked string is still a token
    blank(end);
    at_ = std::min(end + 1, text_.size());
  }

  string text_;
  std::size_t at_ = 0;
};

auto is_cpp(string_view path) -> bool { return ends(path, ".hpp") || ends(path, ".cpp"); }

auto read(string const& path, string const& text) -> source {
  source made{path, split(text), {}};
  if (is_cpp(path)) made.code = split(blanker{text}.run());
  return made;
}

// ---- arrows -----------------------------------------------------------------------------------

std::array const policy_rooms{"routing", "membership", "proximity", "trust", "scheduling",
                              "verify",  "code",       "data"};

auto room_of(string_view path) -> string {
  for (auto root : {"include/hydra/", "sim/include/hydra/"}) {
    if (!starts(path, root)) continue;
    auto const rest = path.substr(string_view{root}.size());
    auto const slash = rest.find('/');
    return slash == string_view::npos ? "top" : string{rest.substr(0, slash)};
  }
  if (starts(path, "sim/src/")) return "sim";
  for (string_view root :
       {"cli/node/", "cli/validate/", "cli/", "papers/", "examples/", "bench/", "tests/"})
    if (starts(path, root)) return string{root.substr(0, root.size() - 1)};
  return "";
}

auto is_policy_room(string_view room) -> bool {
  return std::find(policy_rooms.begin(), policy_rooms.end(), room) != policy_rooms.end();
}

auto arrow_allowed(string const& from, string const& to) -> bool {
  if (from == to || to == "top" || from.empty()) return true;
  if (from == "core") return false;
  if (is_policy_room(from) || from == "wire") return to == "core";
  if (from == "assembly") return to == "core" || is_policy_room(to);
  if (from == "testing") return to == "core" || to == "assembly";
  if (from == "net" || from == "sim") return to == "assembly" || to == "core" || to == "wire";
  if (from == "top") return to != "net" && to != "sim";
  if (from == "cli" || from == "papers") return to != "net";
  if (from == "cli/node") return to != "sim";
  // cli/validate compares the two worlds: the only program in which they meet.
  return true;
}

struct wall {
  string_view begins;             // of the included name
  std::vector<string_view> only;  // path prefixes where it may stand
};

// Prefixes stop in the middle of a name on purpose: "…/checkpoint" allows checkpoint*.
auto walls() -> std::vector<wall> const& {
  static std::vector<string_view> const net{"include/hydra/net/", "cli/node/", "tests/parity/",
                                            "tests/unit/net/", "bench/transport"};
  static std::vector<string_view> const threads{
      "include/hydra/net/", "sim/include/hydra/sim/shards", "sim/src/shards", "cli/node/",
      "tests/parity/",      "tests/unit/net/", "bench/objects", "papers/harness/"};
  static std::vector<wall> const all{
      {"boost/asio", net},
      {"boost/beast", net},
      {"openssl/", net},
      {"boost/serialization", {"include/hydra/wire/", "sim/include/hydra/sim/checkpoint",
                               "sim/src/checkpoint", "tests/"}},
      {"boost/archive", {"include/hydra/wire/", "sim/include/hydra/sim/checkpoint",
                         "sim/src/checkpoint", "tests/"}},
      {"boost/mpi", {"sim/include/hydra/sim/shards", "sim/src/shards"}},
      {"boost/graph", {"sim/", "include/hydra/trust/flow_trust", "include/hydra/scheduling/heft",
                       "tests/laws/", "papers/"}},
      {"Eigen/", {"sim/src/", "include/hydra/trust/eigen_trust", "tests/laws/", "papers/"}},
      {"range/v3/all.hpp", {}},
      {"range/v3", {"include/hydra/assembly/", "sim/", "cli/", "papers/", "tests/"}},
      {"toml++", {"sim/src/", "cli/node/", "papers/harness/"}},
      {"CLI/", {"cli/", "papers/harness/"}},
      {"nlohmann/", {"sim/src/", "cli/", "tests/", "papers/"}},
      {"random", {}},
      {"thread", threads},
      {"mutex", threads},
      {"shared_mutex", threads},
      {"condition_variable", threads},
      {"future", threads},
      {"barrier", threads},
      {"latch", threads},
      {"semaphore", threads},
      {"stop_token", threads},
  };
  return all;
}

auto fits(string_view name, string_view begins) -> bool {
  return begins.find_first_of("/+") == string_view::npos ? name == begins : starts(name, begins);
}

void check_walls(source const& in, std::size_t line, string const& name, report& out) {
  for (auto const& each : walls())
    if (fits(name, each.begins) && !matches(in.path, each.only)) {
      out.add(in, line, "package", "<" + name + "> may not stand in this room");
      return;
    }
}

// The path in the tree of what an include names, or nothing for a package's header.
auto resolve(tree const& files, string const& from, string const& name, bool quoted) -> string {
  if (quoted) {
    auto const near = (fs::path{from}.parent_path() / name).lexically_normal().generic_string();
    if (files.contains(near)) return near;
  }
  for (auto root : {"include/", "sim/include/", "tests/"})
    if (files.contains(root + name)) return root + name;
  if (starts(name, "hydra/sim/")) return "sim/include/" + name;
  if (starts(name, "hydra/")) return "include/" + name;
  return "";
}

void check_umbrella(source const& in, std::size_t line, string const& name, report& out) {
  if (!starts(in.path, "tests/")) return;
  if (name == "hydra/hydra.hpp" || ends(name, "/all.hpp"))
    out.add(in, line, "umbrella", "tests include what they use, not <" + name + ">");
  if (starts(name, "catch2/") && in.path != "tests/catch.hpp" && in.path != "tests/main.cpp")
    out.add(in, line, "umbrella", "tests include catch.hpp of the tests, not <" + name + ">");
}

void check_includes(tree const& files, source const& in, std::set<string>& included, report& out) {
  static std::regex const include{R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re"};
  for (std::size_t i = 0; i < in.lines.size(); ++i) {
    std::smatch found;
    if (!std::regex_search(in.lines[i], found, include)) continue;
    string const name = found[2];
    check_umbrella(in, i, name, out);
    auto const target = resolve(files, in.path, name, found[1] == "\"");
    if (target.empty()) {
      check_walls(in, i, name, out);
      continue;
    }
    if (target != in.path) included.insert(target);
    auto const from = room_of(in.path), to = room_of(target);
    if (!arrow_allowed(from, to)) out.add(in, i, "arrow", from + " may not include " + to);
  }
}

// ---- tokens -----------------------------------------------------------------------------------

struct banned {
  std::regex token;
  std::vector<string_view> inside;  // where it counts; empty means everywhere
  std::vector<string_view> except;
  string_view words;
};

auto tokens() -> std::vector<banned> const& {
  static std::vector<string_view> const library{"include/", "sim/", "examples/"};
  static std::vector<string_view> const clocks{"include/hydra/net/", "cli/", "bench/",
                                               "papers/harness/", "sim/src/progress",
                                               "sim/include/hydra/sim/progress"};
  static std::vector<string_view> const threads{
      "include/hydra/net/", "sim/include/hydra/sim/shards", "sim/src/shards", "cli/node/",
      "tests/parity/",      "tests/unit/net/", "bench/objects", "papers/harness/"};
  static std::vector<banned> const all{
      {std::regex{R"(\b(steady|system|high_resolution)_clock\b)"}, {}, clocks,
       "time comes from env.now()"},
      {std::regex{R"(\bsleep_(for|until)\b)"}, {}, {"include/hydra/net/", "cli/node/"},
       "nothing sleeps: arm a timer"},
      {std::regex{R"(\brandom_device\b|\bmt19937|\bdefault_random_engine\b|\bs?rand\s*\(\s*\))"},
       {}, {"include/hydra/net/"}, "chance comes from env.random()"},
      {std::regex{R"(\bstd::(shuffle|sample)\b|\bstd::\w+_distribution\b)"}, {}, {},
       "libraries differ here: use env.random()"},
      {std::regex{R"(\bstd::(j?thread|async|(shared_|recursive_)?mutex|condition_variable)\b)"},
       {}, threads, "threads exist only in sim/shards and net"},
      {std::regex{R"(\bstd::(move_only_)?function\b)"}, library, {}, "calls are static, or facts"},
      {std::regex{R"((^|[^_\w])assert\s*\()"}, library, {}, "gone in release: HYDRA_EXPECTS"},
      {std::regex{R"(\bstd::(sin|cos|tan|asin|acos|atan2?|exp2?|expm1|log(2|10|1p)?|pow|cbrt)\b)"},
       {"include/", "sim/include/"}, {"include/hydra/core/geo", "include/hydra/net/"},
       "only + - * / and sqrt are equal everywhere"},
  };
  return all;
}

void check_tokens(source const& in, report& out) {
  for (auto const& each : tokens()) {
    if (!each.inside.empty() && !matches(in.path, each.inside)) continue;
    if (matches(in.path, each.except)) continue;
    for (std::size_t i = 0; i < in.code.size(); ++i) {
      std::smatch found;
      if (std::regex_search(in.code[i], found, each.token))
        out.add(in, i, "token", found.str() + ": " + string{each.words});
    }
  }
}

// Iterating over an unordered container, when the container is named in the same file.
void check_unordered(source const& in, report& out) {
  static std::regex const declared{R"(\bunordered_(?:map|set|multimap|multiset|flat_map|flat_set))"
                                   R"(\s*<.*>\s*&?\s*(\w+)\s*[;={,)])"};
  std::set<string> names;
  for (auto const& line : in.code) {
    std::smatch found;
    if (std::regex_search(line, found, declared)) names.insert(found[1]);
  }
  static std::regex const range{R"(\bfor\s*\(.*[^:]:\s*(?:\w+(?:\.|->))*(\w+)\s*\))"};
  static std::regex const begin{R"(\b(\w+)\s*(?:\.|->)\s*c?begin\s*\()"};
  for (std::size_t i = 0; i < in.code.size(); ++i)
    for (auto const* shape : {&range, &begin}) {
      std::smatch found;
      if (std::regex_search(in.code[i], found, *shape) && names.contains(found[1]))
        out.add(in, i, "unordered", "the order of " + string{found[1]} + " differs per library");
    }
}

// ---- layout -----------------------------------------------------------------------------------

auto columns(string const& line) -> std::size_t {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void check_columns(source const& in, report& out) {
  for (std::size_t i = 0; i < in.lines.size(); ++i)
    if (auto const wide = columns(in.lines[i]); wide > 100)
      out.add(in, i, "columns", std::to_string(wide) + " columns, at most 100");
}

// Follows braces at namespace and class scope; any other block there is a function.
class function_measure {
 public:
  function_measure(source const& in, report& out) : in_{in}, out_{out} {}

  void run() {
    bool continued = false;
    for (line_ = 0; line_ < in_.code.size(); ++line_) {
      auto const& text = in_.code[line_];
      auto const first = text.find_first_not_of(" \t");
      bool const directive = continued || (first != string::npos && text[first] == '#');
      continued = directive && ends(text, "\\");
      if (directive) continue;
      for (char c : text) take(c);
      take(' ');
    }
  }

 private:
  enum class kind { scope, function, other };

  void take(char c) {
    if (depth_in_block_ > 0) {
      if (c == '{') ++depth_in_block_;
      if (c == '}' && --depth_in_block_ == 0) close_block();
      return;
    }
    if (c == '{') {
      open();
    } else if (c == '}' || c == ';') {
      header_.clear();
    } else if (!header_.empty() || (c != ' ' && c != '\t')) {
      if (header_.empty()) began_ = line_;
      header_ += c;
    }
  }

  void open() {
    auto const what = classify();
    if (what == kind::scope) {
      header_.clear();
      return;
    }
    block_is_function_ = what == kind::function;
    depth_in_block_ = 1;
  }

  void close_block() {
    if (block_is_function_ && line_ - began_ + 1 >= 70)
      out_.add(in_, began_, "long", "a function of " + std::to_string(line_ - began_ + 1) +
                                        " lines, fewer than 70 wanted");
    // What follows a member's braces in an initialiser list still belongs to the constructor.
    if (!block_is_function_) header_ += "{}";
    if (block_is_function_) header_.clear();
  }

  auto classify() const -> kind {
    static std::regex const aligned{R"(\b(alignas|decltype|__attribute__)\s*\([^()]*\))"};
    string plain;  // without what stands in angle brackets
    int angles = 0;
    for (char c : std::regex_replace(header_, aligned, "")) {
      if (c == '<') ++angles;
      if (angles == 0) plain += c;
      if (c == '>' && angles > 0) --angles;
    }
    static std::regex const scope{R"(\b(namespace|extern|class|struct|union)\b)"};
    static std::regex const other{R"(\benum\b|=\s*$|\bconcept\b|\brequires\s*(\([^)]*\))?\s*$)"};
    static std::regex const initialiser{R"(\)[^{}]*:[^:].*\w\s*$|^[^()]*\w\s*$)"};
    if (plain.find('(') == string::npos && std::regex_search(plain, scope)) return kind::scope;
    if (std::regex_search(plain, other)) return kind::other;
    if (std::regex_search(plain, initialiser)) return kind::other;
    return kind::function;
  }

  source const& in_;
  report& out_;
  string header_;
  std::size_t line_ = 0, began_ = 0;
  int depth_in_block_ = 0;
  bool block_is_function_ = false;
};

void check_pragma(source const& in, report& out) {
  auto const once = [](string const& line) { return starts(line, "#pragma once"); };
  if (!std::any_of(in.lines.begin(), in.lines.end(), once))
    out.add(in, 0, "once", "a header says #pragma once");
}

// ---- words ------------------------------------------------------------------------------------

// Written in halves, so that this file does not find itself.
void check_words(source const& in, report& out) {
  static std::regex const open{R"(\b(TO)" R"(DO|FIX)" R"(ME|XX)" R"(X)\b)"};
  static std::regex const machine{R"((^|[\s"'`(=:])/(wo)" R"(rk|ho)" R"(me|ro)" R"(ot|Us)"
                                  R"(ers)/\w)"};
  for (std::size_t i = 0; i < in.lines.size(); ++i) {
    if (std::regex_search(in.lines[i], open))
      out.add(in, i, "open", "write an issue, not a note to oneself");
    if (std::regex_search(in.lines[i], machine))
      out.add(in, i, "machine", "a path of somebody's machine");
  }
}

// ---- the tree ---------------------------------------------------------------------------------

void check_example(tree const& files, string const& path, report& out) {
  static std::regex const main{R"(examples/([^/]+)/main\.cpp)"};
  std::smatch found;
  if (!std::regex_match(path, found, main)) return;
  if (!files.contains("examples/" + string{found[1]} + "/expected.txt"))
    out.found.push_back({path, 1, "example", "has no expected.txt beside it"});
}

// Every .cpp under tests/ must be one that the build picks up.
void check_registered(string const& path, report& out) {
  static std::regex const known{
      R"(tests/(unit|laws|simulation|parity|determinism|report|static)/([^/]+/)*[^/]+_test\.cpp)"
      R"(|tests/static/must_fail/[^/]+\.cpp|tests/main\.cpp|tests/determinism/probe\.cpp)"
      R"(|tests/tidy/tidy\.cpp|tests/package/[^/]+/main\.cpp|tests/fuzz/[^/]+_fuzz\.cpp)"};
  if (starts(path, "tests/") && ends(path, ".cpp") && !std::regex_match(path, known))
    out.found.push_back({path, 1, "registered", "no test program contains this file"});
}

void check_dead(tree const& files, std::set<string> const& included, report& out) {
  for (auto const& [path, text] : files)
    if (ends(path, ".hpp") && matches(path, {"include/", "sim/include/"}) &&
        !included.contains(path))
      out.found.push_back({path, 1, "dead", "no other file includes this header"});
}

auto check(tree const& files) -> std::vector<finding> {
  report out;
  std::set<string> included;
  for (auto const& [path, text] : files) {
    auto const in = read(path, text);
    check_words(in, out);
    bool const script = ends(path, ".sh") || ends(path, ".cmake") || ends(path, "CMakeLists.txt");
    if (is_cpp(path) || script) check_columns(in, out);
    if (!is_cpp(path)) continue;
    check_includes(files, in, included, out);
    check_tokens(in, out);
    check_unordered(in, out);
    function_measure{in, out}.run();
    if (ends(path, ".hpp")) check_pragma(in, out);
    check_example(files, path, out);
    check_registered(path, out);
  }
  check_dead(files, included, out);
  return std::move(out.found);
}

auto load(fs::path const& root) -> tree {
  static std::set<string> const kinds{".hpp", ".cpp", ".sh", ".cmake", ".md",  ".toml",
                                      ".txt", ".in",  ".json", ".cff", ".yml", ""};
  static std::set<string> const skipped{".git", "build", "out", "data"};
  tree files;
  for (fs::recursive_directory_iterator each{root}, end; each != end; ++each) {
    auto const name = each->path().filename().string();
    if (each->is_directory()) {
      // include/hydra/data is a room; sim/data holds measurements, not text of ours.
      bool const is_room = each->path().parent_path().filename() == "hydra";
      if (skipped.contains(name) && !is_room) each.disable_recursion_pending();
      continue;
    }
    if (!kinds.contains(each->path().extension().string())) continue;
    std::ifstream in{each->path(), std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    files[each->path().lexically_relative(root).generic_string()] = text.str();
  }
  return files;
}

// ---- the self-test ----------------------------------------------------------------------------

struct planted {
  string rule;
  string path;
  string text;
};

auto clean_tree() -> tree {
  return {
      {"include/hydra/core/a.hpp", "#pragma once\n// std::function, steady_clock: only words\n"},
      {"include/hydra/routing/b.hpp",
       "#pragma once\n#include <hydra/core/a.hpp>\n#include \"../core/a.hpp\"\n"
       "inline auto big() { return 1'000'000 + 'x'; }\n"},
      {"include/hydra/net/c.hpp",
       "#pragma once\n#include <boost/asio/post.hpp>\n#include <thread>\n"},
      {"sim/include/hydra/sim/shards.hpp", "#pragma once\n#include <thread>\n"},
      {"sim/include/hydra/sim/d.hpp", "#pragma once\n#include <hydra/core/a.hpp>\n"},
      {"cli/validate/e.cpp", "#include <hydra/net/c.hpp>\n#include <hydra/sim/d.hpp>\n"},
      {"examples/01_first/main.cpp", "int main() {}\n"},
      {"examples/01_first/expected.txt", "\n"},
      {"tests/unit/all_test.cpp",
       "#include <hydra/net/c.hpp>\n#include <hydra/routing/b.hpp>\n#include <hydra/sim/d.hpp>\n"
       "#include <hydra/sim/shards.hpp>\n"
       "#include \"catch.hpp\"\nchar const* s = \"std::shuffle\";  // std::thread\n"
       "auto const raw = R\"x(steady_clock \" )x\";\n"},
      {"tests/catch.hpp", "#pragma once\n#include <catch2/catch.hpp>\n"},
  };
}

auto lines_of(std::size_t count, string const& head) -> string {
  string text = head + " {\n";
  for (std::size_t i = 2; i < count; ++i) text += "  if (x) { y(); }\n";
  return text + "}\n";
}

auto plants() -> std::vector<planted> {
  string const test = "tests/unit/planted_test.cpp", sim = "sim/src/planted.cpp";
  string const core = "sim/include/hydra/sim/d.hpp", once = "#pragma once\n";
  return {
      {"arrow", "include/hydra/core/a.hpp", once + "#include <hydra/routing/b.hpp>\n"},
      {"arrow", "include/hydra/core/a.hpp", once + "#include \"../routing/b.hpp\"\n"},
      {"arrow", core, once + "#include <hydra/routing/b.hpp>\n"},
      {"arrow", core, once + "#include <hydra/net/c.hpp>\n"},
      {"arrow", "include/hydra/net/c.hpp", once + "#include <hydra/sim/d.hpp>\n"},
      {"arrow", "cli/planted.cpp", "#include <hydra/net/c.hpp>\n"},
      {"arrow", "cli/node/planted.cpp", "#include <hydra/sim/d.hpp>\n"},
      {"package", core, once + "#include <boost/asio.hpp>\n"},
      {"package", sim, "#include <openssl/ssl.h>\n"},
      {"package", sim, "#include <random>\n"},
      {"package", core, once + "#include <thread>\n"},
      {"package", core, once + "#include <Eigen/Dense>\n"},
      {"package", sim, "#include <boost/mpi.hpp>\n"},
      {"package", sim, "#include <boost/serialization/vector.hpp>\n"},
      {"package", sim, "#include <range/v3/all.hpp>\n"},
      {"umbrella", test, "#include <hydra/hydra.hpp>\n"},
      {"umbrella", test, "#include <catch2/catch.hpp>\n"},
      {"token", sim, "auto t = std::chrono::steady_clock::now();\n"},
      {"token", test, "std::chrono::system_clock::time_point t;\n"},
      {"token", sim, "std::random_device d;\n"},
      {"token", sim, "std::function<void()> f;\n"},
      {"token", test, "std::shuffle(a, b, c);\n"},
      {"token", test, "std::uniform_int_distribution<int> d;\n"},
      {"token", sim, "std::thread t;\n"},
      {"token", sim, "assert(x);\n"},
      {"token", core, once + "auto x = std::sin(1.0);\n"},
      {"unordered", sim, "std::unordered_map<int, int> m;\nvoid f() { for (auto& e : m) g(e); }\n"},
      {"unordered", sim, "std::unordered_set<int> all_;\nauto i = this->all_.begin();\n"},
      {"columns", sim, "//" + string(99, 'x') + "\n"},
      {"columns", "scripts/x.sh", "#" + string(100, 'x') + "\n"},
      {"long", sim, lines_of(70, "void f(auto const& x)")},
      {"long", sim, "namespace a {\ntemplate <class T>\nstruct s {\n" +
                        lines_of(70, "  s() : x_{1}, y_{2}") + "};\n}\n"},
      {"long", test, lines_of(71, "TEST_CASE(\"x\")")},
      {"once", core, "int x;\n"},
      {"open", "docs/x.md", string{"TO"} + "DO: later\n"},
      {"machine", "docs/x.md", string{"see /ho"} + "me/me/x\n"},
      {"machine", sim, string{"// see /wo"} + "rk/x\n"},
      {"example", "examples/02_second/main.cpp", "int main() {}\n"},
      {"registered", "tests/unit/forgotten.cpp", "int x;\n"},
      {"dead", "include/hydra/core/unused.hpp", once},
  };
}

auto self_test() -> int {
  int failed = 0;
  auto const say = [&](string const& words) {
    std::printf("%s\n", words.c_str());
    ++failed;
  };
  auto clean = clean_tree();
  clean["sim/src/short.cpp"] = lines_of(69, "void f(auto const& x)");
  clean["sim/src/table.cpp"] = lines_of(90, "int const table[] =");
  clean["sim/src/type.cpp"] = "struct alignas(64) x {\n" + string(90, '\n') + "};\n";
  clean["sim/src/allowed.cpp"] = "assert(x);  // tidy: allow(token) it is shown to the reader\n";
  for (auto const& each : check(clean)) say("a clean tree has " + each.path + ": " + each.rule);
  for (auto const& plant : plants()) {
    auto files = clean_tree();
    files[plant.path] = plant.text;
    auto const found = check(files);
    auto const here = [&](finding const& f) {
      return f.rule == plant.rule && f.path == plant.path;
    };
    if (std::count_if(found.begin(), found.end(), here) == 0)
      say("not found: " + plant.rule + " in\n" + plant.text);
    for (auto const& each : found)
      if (!here(each)) say("found besides: " + each.rule + " in\n" + plant.text);
  }
  std::printf("%zu violations planted, %d failures\n", plants().size(), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

auto main(int count, char** words) -> int {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s ROOT | --self-test\n", words[0]);
    return 2;
  }
  if (string_view{words[1]} == "--self-test") return self_test();
  auto const files = load(words[1]);
  auto const found = check(files);
  for (auto const& each : found)
    std::printf("%s:%zu: %s: %s\n", each.path.c_str(), each.line, each.rule.c_str(),
                each.words.c_str());
  std::printf("%zu files, %zu findings\n", files.size(), found.size());
  return found.empty() && !files.empty() ? 0 : 1;
}
