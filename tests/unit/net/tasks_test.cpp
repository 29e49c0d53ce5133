// render.movie as the network performs it: split, parts, join, on a folder of objects. Films are
// made on the spot; skipped, with a message, where there is no ffmpeg or no whole jail.
#include "../../catch.hpp"
#include "../../folder.hpp"
#include "../command.hpp"

#include <hydra/net/object_files.hpp>
#include <hydra/net/parts.hpp>
#include <node/film.hpp>
#include <node/manifest.hpp>
#include <node/peers.hpp>
#include <node/tasks.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

using namespace hydra;
using std::string;
namespace fs = std::filesystem;

namespace {

// Objects in a folder that is gone afterwards.
class on_disk final : public node::shelf {
 public:
  on_disk() { REQUIRE(files.emplace(at("objects")).open()); }
  [[nodiscard]] string at(string const& name) const { return root.file(name); }
  [[nodiscard]] result<string> whole(object_id id) override {
    auto const good = files->verify(id);
    return good ? result<string>{files->path_of(id)} : error{good.why()};
  }
  [[nodiscard]] result<bool> copy_out(object_id id, byte_range which, string const& to) override {
    return files->copy_out(id, which, to);
  }
  [[nodiscard]] result<object_id> take_in(string const& from) override {
    return files->import(from);
  }
  // A bundle, or a file, as an object.
  object_ref put(string const& from) {
    auto const id = files->import(from);
    REQUIRE(id);
    return {id.value(), fs::file_size(from), {}};
  }
  string write(string const& name, string const& text) { return root.file(name, text); }
  object_ref put(node::bundle const& b, string const& name) {
    auto const packed = node::pack(b, at(name));
    INFO((packed ? "" : packed.why()));
    REQUIRE(packed);
    return put(at(name));
  }

  folder root;
  std::optional<net::object_files> files;
};

string text_of(string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
net::manifest movie_service() {
  auto got = net::load_manifest(string{HYDRA_SOURCE_DIR} + "/services/render.movie/manifest.toml");
  REQUIRE(got);
  return got.value();
}
string film(on_disk const& here, string const& name, string const& picture) {
  auto const to = here.at(name);
  auto const said = command::run_line(
      "ffmpeg -nostdin -v error -f lavfi -i " + picture + "=size=320x180:rate=30:duration=6 -f "
      "lavfi -i sine=frequency=440:sample_rate=48000:duration=6 -c:v libx264 -preset veryfast "
      "-crf 18 -g 60 -keyint_min 60 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -threads 1 "
      "-shortest '" + to + "' 2>&1");
  INFO(said.out);
  REQUIRE(said.code == 0);
  return to;
}
bool no_studio() {
  if (command::missing("ffmpeg") || command::missing("ffprobe")) return true;
  auto const has = net::probe_jail();
  if (has.whole()) return false;
  WARN("skipped: no whole jail here: " << has.missing());
  return true;
}

constexpr char const* edit =
    "film = \"film.mp4\"\n"
    "[[cut]]\nin = \"1.25 s\"\nout = 100\n"
    "[[cut]]\nin = 90\nout = \"5.51 s\"\n"
    "[[cut]]\nin = 0\nout = 11\n";
constexpr std::uint64_t output_most = std::uint64_t{1} << 30U;

// A job from its submission to its join, on one machine.
struct studio {
  on_disk here;
  net::manifest service = movie_service();
  std::vector<string> said;
  std::unique_ptr<node::tasks> does = node::tasks::on(
      here, {here.at("scratch"), {}, [](task const&) { return true; },
             [this](string const& text) { said.push_back(text); }});
  job_id const of{principal{3}, 77};

  task whole(string const& film_path) {
    task t;
    t.of = of;
    auto const input = here.put(film_path);
    node::bundle how;
    how.parameters = {{"codec", "h264"}, {"segment_frames", "40"}};
    how.files.push_back({"cuts.toml", here.write("cuts.toml", edit), 0});
    t.data = {input, {0, input.bytes}, output_most, here.put(how, "how")};
    return t;
  }
  payload part(payload const& split, std::uint64_t i) {
    auto const object = object_made(split, {}, 1, {});
    auto const table = net::parts_in(here.files->path_of(object.id));
    REQUIRE(table);
    task t;
    t.of = {principal{4}, i};
    t.data = {object, table.value()[i], output_most, {}};
    auto const made = does->part(service, t);
    REQUIRE(made);
    return *made;
  }
  // As the Hydra would, in another order.
  void tell(std::vector<payload> const& outputs) {
    for (std::size_t i = outputs.size(); i > 0; --i) {
      does->came({{}, ending::completed, {}, of, static_cast<std::uint16_t>(i - 1),
                  outputs[i - 1]});
    }
  }
  string movie(payload const& split) {
    task t;
    t.of = of;
    auto const object = object_made(split, {}, 1, {});
    t.data = {object, {0, object.bytes}, output_most, {}};
    auto const made = does->join(service, t);
    INFO((said.empty() ? "" : said.back()));
    REQUIRE(made);
    auto const into = here.at("movie-" + std::to_string(++count));
    fs::create_directories(into);
    auto const path = here.files->path_of(object_made(*made, {}, 1, {}).id);
    REQUIRE(node::unpack(path, into));
    return text_of(into + "/movie.mkv");
  }
  int count = 0;
};

}  // namespace

TEST_CASE("a movie from its parts is the movie of one machine, byte for byte") {
  if (no_studio()) return;
  studio s;
  auto const path = film(s.here, "film.mp4", "testsrc2");
  auto const split = s.does->split(s.service, s.whole(path));
  INFO((s.said.empty() ? "" : s.said.back()));
  REQUIRE(split);
  CHECK(parts_claimed(*split) >= 5);  // 149 frames, at most 40 in a segment
  std::vector<payload> outputs;
  for (std::uint64_t i = 0; i < parts_claimed(*split); ++i) outputs.push_back(s.part(*split, i));
  s.tell(outputs);
  auto const joined = s.movie(*split);
  CHECK(s.said.empty());
  auto const one = net::render_movie({s.service}, path, s.here.at("cuts.toml"), "h264",
                                     s.here.at("one.mkv"), 40);
  INFO((one ? "" : one.why()));
  REQUIRE(one);
  CHECK(one.value().segments == parts_claimed(*split));
  CHECK(joined == text_of(s.here.at("one.mkv")));

  // And whatever the parts are said to have given: another film's, no word at all, one that is not
  // here, more bytes than there are.
  studio other;
  auto const lies = film(other.here, "other.mp4", "smptebars");
  auto const wrong = other.does->split(other.service, other.whole(lies));
  REQUIRE(wrong);
  auto const lie = object_made(other.part(*wrong, 1), {}, 1, {});
  auto const planted = s.here.put(other.here.files->path_of(lie.id));
  outputs[1] = claim_of(planted.id, planted.bytes);
  outputs[2] = payload{};
  outputs[3] = claim_of({key{digest256{1, 2, 3, 4}}}, 1000);
  outputs[4] = claim_of(planted.id, ~std::uint64_t{0});
  s.tell(outputs);
  CHECK(s.movie(*split) == joined);
  CHECK(s.said.size() == 4);
}

TEST_CASE("a part that is not what it should be is refused, and why is said") {
  if (no_studio()) return;
  studio s;
  auto const refuses = [&](node::bundle const& b) {
    auto const object = s.here.put(b, "part-" + std::to_string(s.said.size()));
    task t;
    t.data = {object, {0, object.bytes}, output_most, {}};
    auto const before = s.said.size();
    CHECK(!s.does->part(s.service, t));
    CHECK(s.said.size() == before + 1);
  };
  node::bundle b;
  refuses(b);
  b.parameters = {{"codec", "h264"}, {"encoder", "0"}};
  refuses(b);
  for (char const* line : {"", "0 1 null null 30\n", "0 1 null null 30 1 more\n",
                           "-1 1 null null 30 1\n", "1 1 null null 30 1\n",
                           "0 1 null null 0 1\n", "0 1 null null 99999999999 1\n",
                           "nan inf null null 30 1\n", "0 1 null null 30 1\n"}) {
    b.files = {{"segments", s.here.write("list", line), 0}};
    refuses(b);  // the last lacks its piece
  }
  b.files.push_back({"piece/0000", s.here.write("piece", "no film"), 0});
  refuses(b);  // of another encoder
  task gone;
  gone.data = {{{key{digest256{9, 9, 9, 9}}}, 10, {}}, {0, 10}, output_most, {}};
  CHECK(!s.does->part(s.service, gone));
  CHECK(!s.does->split(s.service, gone));  // what is not here is nobody's fault who asked
  CHECK(!s.does->join(s.service, gone));
}

TEST_CASE("an order that nobody can meet is answered with why, in the same words everywhere") {
  if (no_studio()) return;
  studio s;
  auto const why = [&](task const& t) {
    auto const made = s.does->split(s.service, t);
    REQUIRE(made);
    CHECK(parts_claimed(*made) == 0);
    auto const object = object_made(*made, {}, 1, {});
    auto const table = node::read_bundle(s.here.files->path_of(object.id));
    REQUIRE(table);
    auto const fault = node::fault_of(table.value());
    REQUIRE(fault);
    CHECK(fault->find(s.here.root.path.string()) == string::npos);  // no folder of this machine
    return *fault;
  };
  auto t = s.whole(s.here.write("film", "no film"));
  CHECK(why(t).find("the film") != string::npos);
  int orders = 0;
  auto const with = [&](node::bundle const& b) {
    t.data.how = s.here.put(b, "order-" + std::to_string(++orders));
    return why(t);
  };
  node::bundle b;
  CHECK(with(b).find("edit list") != string::npos);
  b.files.push_back({"mine.toml", s.here.write("cuts", "[[cut]]\nin = 5\n"), 0});
  CHECK(with(b).find("mine.toml:1:1") != string::npos);
  b.parameters["segment_frames"] = "0";
  CHECK(with(b).find("segment_frames=0 is not allowed") != string::npos);
  b.parameters = {{"colour", "red"}};
  CHECK(with(b).find("colour=red") != string::npos);
  b.parameters = {{"codec", "divx"}};
  CHECK(with(b).find("divx") != string::npos);
  b.parameters.clear();
  t = s.whole(film(s.here, "film.mp4", "testsrc2"));
  b.files = {{"cuts.toml", s.here.write("cuts", "[[cut]]\nin = 5\nout = 900\n"), 0}};
  CHECK(with(b).find("cuts.toml:") != string::npos);
  CHECK(s.said.empty());
}

TEST_CASE("what is read as a fault has no control characters and an end") {
  node::bundle b;
  CHECK(!node::fault_of(b));
  b.parameters["fault"] = "a\x1b[31mb\nc" + string(5000, 'x');
  auto const said = node::fault_of(b);
  REQUIRE(said);
  CHECK(said->size() == node::fault_bytes_max);
  CHECK(said->starts_with("a [31mb cx"));
  b.files.push_back({"movie", "movie", 1});
  CHECK(!node::fault_of(b));
}

TEST_CASE("the name of an object is read back, and nothing else is") {
  object_id const id{key{digest256{1, 2, 3, 0xabcdefU}}};
  auto const text = node::object_text(
      {id, 12345, "hydra:" + string(64, 'a') + "@127.0.0.1:4000"});
  auto const back = node::object_of_text(text);
  REQUIRE(back);
  CHECK(back.value().id == id);
  CHECK(back.value().bytes == 12345);
  CHECK(back.value().holder == "hydra:" + string(64, 'a') + "@127.0.0.1:4000");
  for (std::size_t i = 0; i + 4 <= text.size(); ++i) {  // up to the digits of its port
    CHECK(!node::object_of_text(text.substr(0, i)));
  }
  auto const hash = string(64, 'a');
  auto const at = hash + "@127.0.0.1:4000";
  std::vector<string> const odds{
      "", "object:", "object:" + hash, "object:" + hash + ":5", "object:" + hash + ":0:" + at,
      "object:" + hash + ":-1:" + at, "object:" + hash + ":99999999999999999999:" + at,
      "object:" + hash + "::" + at, "object:" + hash + ":5:" + hash + "@127.0.0.1:0",
      "objekt:" + hash + ":5:" + at};
  for (auto const& odd : odds) {
    CHECK(!node::object_of_text(odd));
  }
}
