// The movie: what is divided, rendered in the jail, checked and joined. Films are made on the spot;
// skipped, with a message, where there is no ffmpeg or no whole jail.
#include "../../catch.hpp"
#include "../../folder.hpp"
#include "../command.hpp"

#include <node/film.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace hydra;
using namespace hydra::net;
using std::string;
namespace fs = std::filesystem;

namespace {

string const manifest_path = string{HYDRA_SOURCE_DIR} + "/services/render.movie/manifest.toml";

struct studio : folder {
  // Small, with a key frame every two seconds, B frames between, and a tone.
  string film(string const& name, int seconds, string const& more = "-bf 2") const {
    auto const to = file(name);
    auto const said = command::run_line(
        "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=320x180:rate=30:duration=" +
        std::to_string(seconds) + " -f lavfi -i sine=frequency=440:sample_rate=48000:duration=" +
        std::to_string(seconds) + " -c:v libx264 -preset veryfast -crf 18 -g 60 -keyint_min 60 "
        "-sc_threshold 0 " + more + " -pix_fmt yuv420p -c:a aac -threads 1 -shortest '" + to +
        "' 2>&1");
    INFO(said.out);
    REQUIRE(said.code == 0);
    return to;
  }
  string cuts(string const& text) const {
    return file("cuts.toml", text);
  }
};

bool no_studio() {
  if (command::missing("ffmpeg") || command::missing("ffprobe")) return true;
  auto const has = probe_jail();
  if (has.whole()) return false;
  WARN("skipped: no whole jail here: " << has.missing());
  return true;
}

string decoded(string const& movie) {
  return command::run_line("ffmpeg -nostdin -v error -i '" + movie +
                           "' -map 0:v -f framemd5 - 2>&1").out;
}
// The least PSNR of a movie's frames, in order, against frames of the film that are named by their
// numbers: asked of ffmpeg in another way than the service does.
double least_psnr(string const& movie, string const& film, string const& stats) {
  auto const said = command::run_line(
      "ffmpeg -nostdin -v error -i '" + movie + "' -i '" + film +
      "' -lavfi \"[1:v]split=3[x][y][z];[x]trim=start_frame=38:end_frame=100,setpts=N[a];"
      "[y]trim=start_frame=90:end_frame=166,setpts=N[b];"
      "[z]trim=start_frame=0:end_frame=11,setpts=N[c];"
      "[a][b][c]concat=n=3,settb=1/1000,setpts=N[r];[0:v]settb=1/1000,setpts=N[m];"
      "[m][r]psnr=stats_file=" + stats + "\" -f null - 2>/dev/null; grep -o 'psnr_avg:[0-9.]*' " +
      stats + " | cut -d: -f2 | sort -n | head -1; wc -l < " + stats);
  INFO(said.out);
  CHECK(said.out.find("\n149\n") != string::npos);
  return std::strtod(said.out.c_str(), nullptr);
}
std::size_t samples(string const& movie) {
  return std::stoul(command::run_line("ffmpeg -nostdin -v error -i '" + movie +
                                      "' -map 0:a -f s16le - | wc -c").out) / 4;
}
string text_of(string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

manifest movie_service() {
  auto got = load_manifest(manifest_path);
  REQUIRE(got);
  return got.value();
}

// 300 frames at 30 a second, a key every 60th, in order.
film_facts facts() {
  film_facts f;
  f.den = 30;
  for (std::size_t i = 0; i < 300; ++i) {
    f.packets.push_back({static_cast<std::int64_t>(i), i % 60 == 0});
    f.frames.push_back(static_cast<std::int64_t>(i));
    f.packet_of.push_back(i);
  }
  f.sound = true;
  return f;
}

cut_list list_of(string const& text) {
  auto got = parse_cuts(text, "c.toml");
  REQUIRE(got);
  return got.value();
}

constexpr char const* edit =
    "film = \"film.mp4\"\n"
    "[[cut]]\nin = \"1.25 s\"\nout = 100\n"    // frames 38 to 99
    "[[cut]]\nin = 90\nout = \"5.51 s\"\n"     // 90 to 165, shares frames with the first
    "[[cut]]\nin = 0\nout = 11\n";

}  // namespace

TEST_CASE("cuts become segments of a bounded length, each with the piece that it needs") {
  auto const f = facts();
  auto const got = plan_film(f, list_of("[[cut]]\nin = 10\nout = 290\n"), 100);
  REQUIRE(got);
  auto const& s = got.value().segments;
  REQUIRE(s.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    INFO(i);
    CHECK(s[i].frames() <= 100);
    CHECK(s[i].packet_first <= s[i].first);
    CHECK(s[i].packet_first % 60 == 0);
    if (i > 0) CHECK(s[i].first == s[i - 1].until);
  }
  CHECK(got.value().frames == 280);
  CHECK(s.front().from_s == Approx(9.5 / 30));
  CHECK(s.back().until_s == Approx(289.5 / 30));
  CHECK(s.back().packet_until == 300);
}

TEST_CASE("pieces that overlap lie in layers, and sound is counted without drift") {
  auto const f = facts();
  auto const got = plan_film(
      f, list_of("[[cut]]\nin = 0\nout = 50\n[[cut]]\nin = 10\nout = 61\n[[cut]]\nin = 120\n"
                 "out = \"10 s\"\n"), 300);
  REQUIRE(got);
  auto const& plan = got.value();
  CHECK(plan.layers == 2);
  REQUIRE(plan.segments.size() == 3);
  CHECK(plan.segments[1].packet_until == 120);
  CHECK(plan.segments[0].layer != plan.segments[1].layer);
  REQUIRE(plan.sounds.size() == 3);
  std::int64_t all = 0;
  for (auto const& s : plan.sounds) all += s.samples;
  CHECK(all == static_cast<std::int64_t>(plan.frames) * 1600);
  CHECK(plan.sounds[1].first == 16'000);
}

TEST_CASE("frames that lead their key frame bring the group before along") {
  auto f = facts();
  // The file has 0 … 57, key 60, 58, 59, 61 …: as encoders with open groups write them.
  f.packet_of[58] = 59;
  f.packet_of[59] = 60;
  f.packet_of[60] = 58;
  f.packets[58] = {60, true};
  f.packets[59] = {58, false};
  f.packets[60] = {59, false};
  auto const got = plan_film(f, list_of("[[cut]]\nin = 59\nout = 70\n[[cut]]\nin = 50\nout = 60\n"),
                             300);
  REQUIRE(got);
  CHECK(got.value().segments[0].packet_first == 0);
  CHECK(got.value().segments[1].packet_until == 120);
}

TEST_CASE("a cut beyond the film is refused with its place") {
  auto const got = plan_film(facts(), list_of("[[cut]]\nin = 0\nout = 301\n"));
  REQUIRE_FALSE(got);
  CHECK(got.why() == "c.toml:1:1: this cut shows frames 0 to 301; allowed: at least one, of the "
                     "film's 300 (10.000 s)");
  CHECK_FALSE(plan_film(facts(), list_of("[[cut]]\nin = \"9.999 s\"\nout = \"10 s\"\n")));
  CHECK_FALSE(plan_film(facts(), list_of("[[cut]]\nin = 5\nout = \"10.1 s\"\n")));
  CHECK(plan_film(facts(), list_of("[[cut]]\nin = \"9.96 s\"\nout = \"10 s\"\n")));
}

TEST_CASE("a movie in the jail has the same pictures as one without, and those of its edit list") {
  if (no_studio()) return;
  studio s;
  auto const m = movie_service();
  auto const film = s.film("film.mp4", 6);
  auto const cuts = s.cuts(edit);
  jail_policy bare;
  bare.bubblewrap = "/nonexistent";
  auto const jailed = render_movie({m}, film, cuts, "h264", s.file("a.mkv"));
  INFO((jailed ? "" : jailed.why()));
  REQUIRE(jailed);
  auto const plain = render_movie({m, bare, false}, film, cuts, "h264",
                                  s.file("b.mkv"));
  INFO((plain ? "" : plain.why()));
  REQUIRE(plain);
  CHECK(jailed.value().frames == 62 + 76 + 11);
  CHECK(jailed.value().least_psnr >= least_psnr_standard);
  CHECK(jailed.value().keys == plain.value().keys);
  CHECK(text_of(s.file("a.mkv")) == text_of(s.file("b.mkv")));
  auto const pictures = decoded(s.file("a.mkv"));
  CHECK(pictures == decoded(s.file("b.mkv")));
  CHECK(samples(s.file("a.mkv")) == 149 * 1600);
  CHECK(least_psnr(s.file("a.mkv"), film, s.file("stats")) >=
        least_psnr_standard);
  for (auto const& each : fs::directory_iterator{s.path})
    CHECK(each.path().filename().string().find("work-") == string::npos);
}

TEST_CASE("another codec, and a film whose groups are open and that has no sound") {
  if (no_studio()) return;
  studio s;
  auto const m = movie_service();
  auto const film = s.film("open.mp4", 5, "-bf 3 -x264-params open-gop=1 -an");
  auto const cuts = s.cuts("[[cut]]\nin = 57\nout = 65\n[[cut]]\nin = 100\nout = 119\n");
  for (string const codec : {"vp9", "av1"}) {
    INFO(codec);
    auto const out = s.file(codec + ".mkv");
    auto const got = render_movie({m}, film, cuts, codec, out);
    INFO((got ? "" : got.why()));
    REQUIRE(got);
    CHECK(got.value().frames == 27);
    auto const said = command::run_line("ffprobe -v error -show_entries stream=codec_name -of "
                                        "csv=p=0 '" + out + "'");
    CHECK(said.out == codec + "\n");
  }
}

TEST_CASE("a film that lies on its side is shown upright") {
  if (no_studio()) return;
  studio s;
  auto const m = movie_service();
  auto const film = s.film("flat.mp4", 2, "-an");
  for (string const degrees : {"90", "180", "270"}) {
    INFO(degrees);
    auto const turned = s.file("turned" + degrees + ".mp4");
    auto const out = s.file(degrees + ".mkv");
    REQUIRE(command::run_line("ffmpeg -nostdin -v error -i '" + film + "' -c copy -metadata:s:v "
                              "rotate=" + degrees + " '" + turned + "'").code == 0);
    auto const got = render_movie({m}, turned, s.cuts("[[cut]]\nin = 7\nout = 20\n"), "h264", out);
    INFO((got ? "" : got.why()));
    REQUIRE(got);
    // ffmpeg turns the film by itself when it decodes it.
    auto const said = command::run_line(
        "ffmpeg -nostdin -v error -i '" + out + "' -i '" + turned +
        "' -lavfi \"[1:v]trim=start_frame=7:end_frame=20,settb=1/1000,setpts=N[r];"
        "[0:v]settb=1/1000,setpts=N[m];[m][r]psnr=stats_file=-\" -f null - 2>/dev/null "
        "| grep -o 'psnr_avg:[0-9.]*' | cut -d: -f2 | sort -n | head -1");
    CHECK(std::strtod(said.out.c_str(), nullptr) > least_psnr_standard);
  }
}

TEST_CASE("a segment that is another's, cut short, damaged or gone is found") {
  if (no_studio()) return;
  studio s;
  auto const m = movie_service();
  performer const by{m};
  auto const film = s.film("film.mp4", 4);
  auto const facts_of = probe_film(by, film);
  INFO((facts_of ? "" : facts_of.why()));
  REQUIRE(facts_of);
  CHECK(facts_of.value().frames.size() == 120);
  auto planned = plan_film(facts_of.value(), list_of("[[cut]]\nin = 20\nout = 80\n"), 30);
  REQUIRE(planned);
  auto& plan = planned.value();
  REQUIRE(split_film(by, film, facts_of.value(), plan, s.path.string()) == "");
  REQUIRE(plan.segments.size() >= 2);
  std::vector<string> made;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    auto const into = s.file(std::to_string(i));
    auto const done = render_segment(by, plan.segments[i], "h264", into);
    INFO(done.why);
    REQUIRE(done.ok());
    made.push_back(into + "/segment");
    CHECK(check_segment(by, plan.segments[i], made.back()));
  }
  auto const right = text_of(made[0]);
  auto const check = [&] {
    auto const got = check_segment(by, plan.segments[0], made[0]);
    return got ? string{} : got.why();
  };
  auto late = plan.segments[0];  // a frame too late, which no count shows
  late.from_s += 1.0 / 30;
  late.until_s += 1.0 / 30;
  fs::remove(made[0]);
  REQUIRE(render_segment(by, late, "h264", s.file("0")).ok());
  INFO(check());
  CHECK(check().find("shows something else") != string::npos);
  std::ofstream{made[0], std::ios::binary} << right.substr(0, right.size() / 2);
  CHECK(check() != "");
  std::ofstream{made[0], std::ios::binary} << "not a film";
  CHECK(check().find("cannot be compared") != string::npos);
  fs::remove(made[0]);
  CHECK(check().find("is no file that can be read") != string::npos);
  std::ofstream{made[0], std::ios::binary} << right;
  CHECK(check() == "");
  REQUIRE(join_movie(by, plan, made, "", s.path.string()) == "");
  auto silent = facts_of.value();
  silent.sound = false;
  CHECK(check_movie(by, silent, plan, s.file("movie")) == "");
  auto fewer = plan;
  fewer.segments.pop_back();
  fewer.frames = 30;
  CHECK(check_movie(by, silent, fewer, s.file("movie")).find("frames; the edit list") !=
        string::npos);
}

TEST_CASE("the key of a task follows its encoder, its arguments and its input") {
  if (no_studio()) return;
  auto const m = movie_service();
  performer const by{m};
  auto const h264 = identify(by, {{{"codec", "h264"}}, {}});
  auto const vp9 = identify(by, {{{"codec", "vp9"}}, {}});
  INFO((h264 ? "" : h264.why()));
  REQUIRE(h264);
  REQUIRE(vp9);
  CHECK(h264.value().find("ffmpeg version") != string::npos);
  CHECK(h264.value().find("MD5=") != string::npos);
  CHECK(h264.value() != vp9.value());
  CHECK(identify(by, {{{"codec", "h264"}}, {}}).value() == h264.value());
  film_segment s;
  s.from_s = 1;
  s.until_s = 2;
  s.turn = s.flip = "null";
  auto const fill = segment_bindings(s, "h264");
  key const input{hash256("piece")};
  auto const name = task_key(by, "segment", fill, h264.value(), {input}).value();
  CHECK(task_key(by, "segment", fill, h264.value(), {input}).value() == name);
  CHECK(task_key(by, "segment", fill, vp9.value(), {input}).value() != name);
  CHECK(task_key(by, "segment", fill, h264.value(), {key{hash256("x")}}).value() != name);
  s.until_s = 2.04;
  CHECK(task_key(by, "segment", segment_bindings(s, "h264"), h264.value(), {input}).value() !=
        name);
}

TEST_CASE("as a command a render says with its code what kind of mistake it was") {
  if (no_studio()) return;
  studio s;
  auto const film = s.film("film.mp4", 2);
  auto const out = s.file("out.mkv");
  auto const cuts = s.cuts("[[cut]]\nin = 5\nout = 9\n");
  jail_policy none;
  none.bubblewrap = "/nonexistent";
  CHECK(render_here(film, cuts, "h264", out, manifest_path, none) == 7);
  CHECK(render_here(film, cuts, "h265", out, manifest_path, {}) == 3);
  CHECK(render_here(film, s.cuts("[[cut]]\nin = 5\n"), "h264", out, manifest_path, {}) == 3);
  CHECK(render_here(film, s.cuts("[[cut]]\nin = 5\nout = 900\n"), "h264", out, manifest_path, {}) ==
        3);
  CHECK(render_here(manifest_path, s.cuts("[[cut]]\nin = 5\nout = 9\n"), "h264", out, manifest_path,
                    {}) == 1);
  CHECK_FALSE(fs::exists(out));
}
