#include "../../catch.hpp"
#include "../../fuzz/manifest_target.hpp"

#include <node/manifest.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace hydra;
using namespace hydra::net;
using std::string;
namespace fs = std::filesystem;

namespace {

string const head =
    "name = \"echo\"\nversion = \"2.1\"\npurpose = \"Says.\"\n[tool.cat]\nversion = []\n";

string text_of(fs::path const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// What is wrong with a manifest of this head and more.
string why(string const& more) {
  auto const got = parse_manifest(head + more, "m.toml");
  return got ? "" : got.why();
}
bool says(string const& text, string const& part) {
  INFO(text);
  return text.find(part) != string::npos;
}

manifest corpus(string const& name) {
  auto got = load_manifest(string{HYDRA_SOURCE_DIR} + "/tests/fuzz/corpus/manifest/" + name);
  INFO((got ? "" : got.why()));
  REQUIRE(got);
  return got.value();
}

}  // namespace

TEST_CASE("whatever a manifest or an edit list holds, reading it ends") {
  std::size_t count = 0;
  for (auto const& each :
       fs::directory_iterator{string{HYDRA_SOURCE_DIR} + "/tests/fuzz/corpus/manifest"}) {
    auto const text = text_of(each.path());
    fuzz::manifest_target(text);
    fuzz::cuts_target(text);
    for (std::size_t size = 0; size < text.size(); size += 7) {
      fuzz::manifest_target(text.substr(0, size));
      fuzz::cuts_target(text.substr(0, size));
    }
    ++count;
  }
  CHECK(count > 15);
}

TEST_CASE("the manifest of render.movie is read, with limits of its own for each step") {
  auto const got =
      load_manifest(string{HYDRA_SOURCE_DIR} + "/services/render.movie/manifest.toml");
  INFO((got ? "" : got.why()));
  REQUIRE(got);
  auto const& m = got.value();
  CHECK(m.service() == service_key("render.movie", 1));
  CHECK(m.split == split_by::cuts);
  REQUIRE(m.find("segment") != nullptr);
  CHECK(m.find("segment")->limits.cpu == 10min);
  CHECK(m.find("segment")->limits.memory == std::uint64_t{2} << 30U);
  CHECK(m.find("probe")->limits.cpu == 2min);
  CHECK(m.find("split")->limits.output == std::uint64_t{64} << 30U);
  CHECK(m.find("nothing") == nullptr);
}

TEST_CASE("arguments are filled in, and lists become several of them") {
  auto const m = corpus("small.toml");
  bindings fill{{{"word", "a-b"}, {"shift", "2.5"}}, {{"more", 2}}};
  auto const run = expand(m, m.steps.front(), fill);
  REQUIRE(run);
  CHECK(run.value() == std::vector<string>{"cat", "--x=2.5", "in/text", "in/more/0000",
                                           "in/more/0001", "{a-b}", "out/said"});
  fill.parameters.erase("shift");
  CHECK(expand(m, m.steps.front(), fill).value()[1] == "--x=-1.5");
  fill.files.clear();
  CHECK(expand(m, m.steps.front(), fill).why() == "how many files are in \"more\"?");
  fill.files["more"] = 0;
  fill.parameters.erase("word");
  CHECK(expand(m, m.steps.front(), fill).why() == "the parameter \"word\" is missing");
  fill.parameters["wort"] = "x";
  CHECK(says(expand(m, m.steps.front(), fill).why(),
             "did you mean \"word\"? allowed: word, shift"));
}

TEST_CASE("a value can become neither an option, nor a path, nor several arguments") {
  auto const m = corpus("small.toml");
  for (string const value : {"-x", "/etc/passwd", "..", "a/../b", "a b", "a\nb", "", "ninechars",
                             "a;b", "$(x)", "{in.text}"}) {
    INFO(value);
    auto const run = expand(m, m.steps.front(), {{{"word", value}}, {{"more", 0}}});
    REQUIRE_FALSE(run);
    CHECK(says(run.why(), "parameter word: "));
  }
  for (string const value : {"6", "-5.1", "1e3", "0x1", "inf", "nan", "1.", ".5", "--1", "+1"}) {
    INFO(value);
    CHECK_FALSE(expand(m, m.steps.front(), {{{"word", "a"}, {"shift", value}}, {{"more", 0}}}));
  }
}

TEST_CASE("a mistake in a manifest is named with its place, what is allowed and what was meant") {
  CHECK(why("[step.s]\nrun = [\"cat\", \"{in.a}\"]\ninputs = [\"a\"]\n") == "");
  CHECK(why("[step.s]\nrun = [\"cta\"]\n") ==
        "m.toml:7:7: \"cta\" is no tool of this manifest; did you mean \"cat\"? allowed: cat");
  CHECK(why("[step.s]\nrun = [\"cat\"]\nlimit = 1\n") ==
        "m.toml:8:1: [step.s] has no key \"limit\"; did you mean \"limits\"? allowed: inputs, "
        "outputs, run, limits");
  CHECK(why("[step.s]\nrun = [\"cat\"]\nlimits = {memory = 512}\n") ==
        "m.toml:8:20: 512 has no unit; write a size in quotes, like \"512 MB\"; allowed: 1 MiB to "
        "1024 GiB");
  CHECK(says(why("[step.s]\nrun = [\"cat\"]\nlimits = {cpu = \"3 days\"}\n"),
             "m.toml:8:17: \"3 days\" is not a duration; write a number and a unit"));
  CHECK(says(why("[step.s]\nrun = [\"cat\", \"{in.x}\"]\ninputs = [\"y\"]\n"),
             "m.toml:7:15: \"x\" is no input; allowed: y"));
  CHECK(says(why("[step.s]\nrun = [\"cat\", \"a{in.y...}\"]\ninputs = [\"y...\"]\n"),
             "a list must be an argument of its own"));
  CHECK(says(text_of(string{HYDRA_SOURCE_DIR} + "/tests/fuzz/corpus/manifest/minus_first.toml"),
             "least = -1"));
  auto const minus = load_manifest(string{HYDRA_SOURCE_DIR} +
                                   "/tests/fuzz/corpus/manifest/minus_first.toml");
  REQUIRE_FALSE(minus);
  CHECK(says(minus.why(), "would begin an argument with -"));
  CHECK(says(load_manifest("/nonexistent").why(), "/nonexistent: cannot be read"));
}

TEST_CASE("a manifest with many mistakes says all of them") {
  auto const got = load_manifest(string{HYDRA_SOURCE_DIR} +
                                 "/tests/fuzz/corpus/manifest/wrong_everything.toml");
  REQUIRE_FALSE(got);
  for (string const part :
       {"\"Render movie\" is not a name", "MAJOR.MINOR", "did you mean \"split\"?",
        "did you mean \"cuts\"?", "10 has no unit", "\"512 XB\" is not a size", "out of range",
        "a whole number from 1 to 4096", "has no key \"colour\"", "did you mean \"word\"?",
        "\"-x\" may not be a word", "3 is not a string", "did you mean \"echo\"?",
        "a manifest lacks the key \"purpose\"", "\"A B\" is not a name"})
    CHECK(says(got.why(), part));
}

TEST_CASE("an edit list names frames or times, and its mistakes have places") {
  auto const got = parse_cuts("film = \"a.mp4\"\n[[cut]]\nin = \"1.5 s\"\nout = 90\n", "c.toml");
  REQUIRE(got);
  CHECK(got.value().film == "a.mp4");
  REQUIRE(got.value().cuts.size() == 1);
  CHECK(got.value().cuts[0].in.time == 1500ms);
  CHECK(got.value().cuts[0].out.frame == 90);
  auto const wrong = [](string const& text) {
    auto const read = parse_cuts(text, "c.toml");
    return read ? "" : read.why();
  };
  CHECK(wrong("[[cut]]\nin = 3\nout = 3\n") ==
        "c.toml:1:1: this cut ends before it begins; allowed: in before out");
  CHECK(wrong("[[cut]]\nin = 1.5\nout = 3\n") ==
        "c.toml:2:6: 1.5 is no point of a film; allowed: a time like \"1.25 s\" or the number of a "
        "frame like 120");
  CHECK(wrong("[[cut]]\nin = 1\nuot = 3\n") ==
        "c.toml:1:1: [[cut]] lacks the key \"out\"\nc.toml:3:1: [[cut]] has no key \"uot\"; did "
        "you mean \"out\"? allowed: in, out");
  CHECK(wrong("# ü\n[[cut]]\nin = 1\nout = 2\n") == "");
  CHECK(wrong("film = \"ü \\\" # ü\"\n[[cut]]\nin = 1\nout = 2 # ü") == "");
  CHECK(wrong("\ncut = ü\n") ==
        "c.toml:2:1: this is not TOML: a letter beyond ASCII outside of strings and comments");
  CHECK(wrong("\n[%cut]]\n") == "c.toml:2:1: this is not TOML");
  CHECK(wrong("film = \"a\"\n") == "c.toml:1:1: an edit list needs at least one [[cut]]");
}
