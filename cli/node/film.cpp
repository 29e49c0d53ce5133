#include "film.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <system_error>

namespace hydra::net {
namespace {

namespace fs = std::filesystem;
using std::string;

// Of one step; what it left is moved from it.
class work_folder {
 public:
  explicit work_folder(string const& near) : path_{near + "/work-XXXXXX"} {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~work_folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  work_folder(work_folder const&) = delete;
  work_folder& operator=(work_folder const&) = delete;
  [[nodiscard]] string const& path() const noexcept { return path_; }

 private:
  string path_;
};

string write_text(string const& path, string const& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  return out.flush() ? "" : path + " cannot be written";
}
string read_text(string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// Exact to a microsecond, which is far below half a frame.
string decimal(double seconds) { return fmt::format("{:.6f}", std::max(seconds, 0.0)); }

// ---- splitting ---------------------------------------------------------------------------------

// Packets where a layer is cut, ascending, without the ends of the film.
std::vector<std::size_t> bounds_of(film_facts const& facts, film_plan const& plan,
                                   std::size_t layer) {
  std::set<std::size_t> out;
  for (auto const& s : plan.segments)
    if (s.layer == layer) out.insert({s.packet_first, s.packet_until});
  out.erase(0);
  out.erase(facts.packets.size());
  return {out.begin(), out.end()};
}

// Half-way from the key before: only keys are looked at.
double split_time(film_facts const& facts, std::size_t packet) {
  auto before = packet;
  while (before > 0 && !facts.packets[--before].key) continue;
  return facts.seconds(facts.packets[before].pts + facts.packets[packet].pts) / 2;
}

// The clock of a copied piece may run ahead of the film's; a piece of other packets is refused.
string set_clock(performer const& by, film_facts const& facts, film_segment& s) {
  auto const piece = probe_film(by, s.piece);
  if (!piece) return piece.why();
  auto const& packets = piece.value().packets;
  if (packets.size() != s.packet_until - s.packet_first)
    return fmt::format("{}: {} packets where {} to {} were meant", s.piece, packets.size(),
                       s.packet_first, s.packet_until);
  auto const ahead = piece.value().seconds(packets.front().pts) -
                     facts.seconds(facts.packets[s.packet_first].pts);
  s.from_s += ahead;
  s.until_s += ahead;
  return {};
}

string split_layer(performer const& by, string const& film, film_facts const& facts,
                   film_plan& plan, std::size_t layer, string const& folder) {
  auto const bounds = bounds_of(facts, plan, layer);
  work_folder const work{folder};
  bindings fill;
  for (auto const b : bounds) {
    auto& at = fill.parameters["at"];
    at += (at.empty() ? "" : ",") + decimal(split_time(facts, b));
  }
  // A film that stays whole is split behind its end.
  if (bounds.empty()) fill.parameters["at"] = decimal(facts.seconds(facts.frames.back()) + 3600);
  auto const done = perform(by, "split", fill, {{"film", film}}, work.path());
  if (!done.ok()) return done.why;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    auto& s = plan.segments[i];
    if (s.layer != layer) continue;
    auto const number = std::upper_bound(bounds.begin(), bounds.end(), s.packet_first) -
                        bounds.begin();
    auto const from = fmt::format("{}/pieces/{:04}", work.path(), number);
    s.piece = fmt::format("{}/piece-{:04}", folder, i);
    std::error_code failed;
    fs::rename(from, s.piece, failed);
    if (failed) return from + ": " + failed.message();
    if (auto wrong = set_clock(by, facts, s); !wrong.empty()) return wrong;
  }
  return {};
}

// ---- checking ----------------------------------------------------------------------------------

// Lines of ffmpeg's psnr filter: `n:1 … psnr_avg:41.49 …`, `inf` where all is equal.
segment_check read_psnr(string const& text) {
  constexpr std::string_view word = " psnr_avg:";
  segment_check out{0, std::numeric_limits<double>::infinity()};
  for (auto at = text.find(word); at != string::npos; at = text.find(word, at + 1)) {
    ++out.frames;
    out.least_psnr = std::min(out.least_psnr, std::strtod(text.c_str() + at + word.size(),
                                                          nullptr));
  }
  return out;
}

string list_of(string const& name, std::vector<double> const& seconds) {
  string out = "ffconcat version 1.0\n";
  for (std::size_t i = 0; i < seconds.size(); ++i)
    out += fmt::format("file {}/{:04}\nduration {:.6f}\n", name, i, seconds[i]);
  return out;
}

// A step that joins: its list, its numbered inputs, and one more.
string join(performer const& by, string const& step, string const& name,
            std::vector<double> const& seconds, std::vector<string> const& files,
            std::vector<jail_input> more, string const& output) {
  work_folder const work{output};
  auto const list = work.path() + "/list";
  if (auto wrong = write_text(list, list_of(name, seconds)); !wrong.empty()) return wrong;
  more.push_back({"list", list});
  for (std::size_t i = 0; i < files.size(); ++i)
    more.push_back({fmt::format("{}/{:04}", name, i), files[i]});
  auto const done = perform(by, step, {{}, {{name, files.size()}}}, more, output);
  return done.ok() ? "" : done.why;
}

struct cut_files {
  std::vector<string> paths;
  std::vector<double> seconds;
};

string cut_sounds(performer const& by, film_plan const& plan, string const& sound,
                  string const& folder, cut_files& to) {
  for (std::size_t i = 0; i < plan.sounds.size(); ++i) {
    auto const& s = plan.sounds[i];
    bindings const fill{{{"first", std::to_string(s.first)},
                         {"last", std::to_string(s.first + s.samples)},
                         {"samples", std::to_string(s.samples)}}, {}};
    auto const into = fmt::format("{}/{}", folder, i);
    auto const done = perform(by, "cut_sound", fill, {{"sound", sound}}, into);
    if (!done.ok()) return done.why;
    to.paths.push_back(into + "/cut");
    to.seconds.push_back(static_cast<double>(s.samples) / film_sound_rate);
  }
  return {};
}

}  // namespace

std::string split_film(performer const& by, std::string const& film, film_facts const& facts,
                       film_plan& plan, std::string const& folder) {
  for (std::size_t layer = 0; layer < plan.layers; ++layer)
    if (auto wrong = split_layer(by, film, facts, plan, layer, folder); !wrong.empty())
      return wrong;
  return {};
}

bindings segment_bindings(film_segment const& s, std::string const& codec) {
  return {{{"from", decimal(s.from_s)},
           {"until", decimal(s.until_s)},
           {"turn", s.turn},
           {"flip", s.flip},
           {"codec", codec}}, {}};
}

jail_outcome render_segment(performer const& by, film_segment const& s, std::string const& codec,
                            std::string const& output) {
  return perform(by, "segment", segment_bindings(s, codec), {{"piece", s.piece}}, output);
}

result<segment_check> check_segment(performer const& by, film_segment const& s,
                                    std::string const& made, double least_psnr) {
  work_folder const work{fs::path{made}.parent_path().string()};
  auto fill = segment_bindings(s, "");
  fill.parameters.erase("codec");
  auto const done = perform(by, "compare", fill, {{"piece", s.piece}, {"segment", made}},
                            work.path());
  if (!done.ok()) return error{made + " cannot be compared: " + done.why};
  auto const found = read_psnr(read_text(work.path() + "/psnr"));
  if (found.frames != s.frames())
    return error{fmt::format("{} has {} frames; {} were asked for", made, found.frames,
                             s.frames())};
  // A segment that says more frames than the piece would end the comparison early.
  auto const count = perform(by, "count", {}, {{"movie", made}}, work.path());
  if (!count.ok()) return error{made + " cannot be counted: " + count.why};
  if (count.said.find(fmt::format("nb_read_frames={}\n", s.frames())) == string::npos)
    return error{fmt::format("{} has more frames than the {} that were asked for", made,
                             s.frames())};
  if (!(found.least_psnr >= least_psnr))
    return error{fmt::format("{} shows something else: a frame is {:.2f} dB from the film's; at "
                             "least {} dB were asked for", made, found.least_psnr, least_psnr)};
  return found;
}

std::string render_sound(performer const& by, std::string const& film, film_plan const& plan,
                         std::string const& output) {
  if (plan.sounds.empty()) return {};
  work_folder const work{output};
  auto const taken = perform(by, "take_sound", {}, {{"film", film}}, work.path() + "/taken");
  if (!taken.ok()) return taken.why;
  cut_files cuts;
  auto wrong = cut_sounds(by, plan, work.path() + "/taken/sound", work.path(), cuts);
  return wrong.empty() ? join(by, "sound", "cuts", cuts.seconds, cuts.paths, {}, output) : wrong;
}

std::string join_movie(performer const& by, film_plan const& plan,
                       std::vector<std::string> const& segments, std::string const& sound,
                       std::string const& output) {
  std::vector<double> seconds;
  for (auto const& s : plan.segments) seconds.push_back(s.seconds);
  std::vector<jail_input> more;
  if (!sound.empty()) more.push_back({"sound", sound});
  return join(by, sound.empty() ? "join_silent" : "join", "segments", seconds, segments,
              std::move(more), output);
}

std::vector<double> due_times(film_facts const& facts, film_plan const& plan) {
  std::vector<double> out;
  double begin = 0;
  for (auto const& s : plan.segments) {
    for (auto i = s.first; i < s.until; ++i)
      out.push_back(begin + facts.seconds(facts.pts(i) - facts.pts(s.first)));
    begin += s.seconds;
  }
  return out;
}

std::string check_times(performer const& by, std::vector<double> const& due, bool sound,
                        std::string const& movie) {
  constexpr double off_max = 0.002;  // two roundings to a millisecond
  auto const found = probe_film(by, movie);
  if (!found) return found.why();
  auto const& made = found.value();
  if (made.frames.size() != due.size())
    return fmt::format("{} has {} frames; the edit list says {}", movie, made.frames.size(),
                       due.size());
  if (made.sound != sound) return movie + (made.sound ? " has sound" : " has no sound");
  for (std::size_t i = 0; i < due.size(); ++i) {
    auto const is = made.seconds(made.frames[i] - made.frames.front());
    if (std::abs(is - due[i]) > off_max)
      return fmt::format("{}: frame {} is shown at {:.4f} s; the edit list says {:.4f} s", movie, i,
                         is, due[i]);
  }
  return {};
}

std::string check_movie(performer const& by, film_facts const& facts, film_plan const& plan,
                        std::string const& movie) {
  return check_times(by, due_times(facts, plan), facts.sound, movie);
}

// ---- all of it ---------------------------------------------------------------------------------

namespace {

// Renders and checks one segment; one that is wrong is rendered once more.
string render_checked(performer const& by, film_segment const& s, string const& codec,
                      string const& folder, render_report& report) {
  string wrong;
  for (int tries = 0; tries < 2; ++tries) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    auto const done = render_segment(by, s, codec, folder);
    if (!done.ok()) {
      wrong = done.why;
      continue;
    }
    auto const good = check_segment(by, s, folder + "/segment");
    if (good) {
      report.least_psnr = std::min(report.least_psnr, good.value().least_psnr);
      return {};
    }
    wrong = good.why();
  }
  return wrong;
}

result<render_report> render_into(performer const& by, string const& film, cut_list const& cuts,
                                  string const& codec, string const& folder,
                                  std::size_t segment_frames) {
  auto const facts = probe_film(by, film);
  if (!facts) return error{facts.why()};
  auto planned = plan_film(facts.value(), cuts, segment_frames);
  if (!planned) return error{planned.why()};
  auto& plan = planned.value();
  render_report out{plan.segments.size(), plan.frames, std::numeric_limits<double>::infinity(),
                    {}, {}};
  auto const tools = identify(by, {{{"codec", codec}}, {}});
  if (!tools) return error{tools.why()};
  out.tools = tools.value();
  auto wrong = split_film(by, film, facts.value(), plan, folder);
  std::vector<string> segments;
  for (auto const& s : plan.segments) {
    if (!wrong.empty()) return error{wrong};
    auto const piece = hash_of_file(s.piece);
    if (!piece) return error{piece.why()};
    auto const name = task_key(by, "segment", segment_bindings(s, codec), out.tools,
                               {piece.value()});
    if (!name) return error{name.why()};
    out.keys.push_back(name.value());
    auto const into = fmt::format("{}/segment-{:04}", folder, segments.size());
    wrong = render_checked(by, s, codec, into, out);
    segments.push_back(into + "/segment");
  }
  auto const heard = folder + "/sound";
  fs::create_directory(heard);
  if (wrong.empty()) wrong = render_sound(by, film, plan, heard);
  if (wrong.empty())
    wrong = join_movie(by, plan, segments, plan.sounds.empty() ? "" : heard + "/sound", folder);
  if (wrong.empty()) wrong = check_movie(by, facts.value(), plan, folder + "/movie");
  if (!wrong.empty()) return error{wrong};
  return out;
}

}  // namespace

result<render_report> render_movie(performer const& by, std::string const& film,
                                   std::string const& cuts, std::string const& codec,
                                   std::string const& out, std::size_t segment_frames) {
  auto const list = load_cuts(cuts);
  if (!list) return error{list.why()};
  auto const near = fs::absolute(out).parent_path();
  std::error_code failed;
  fs::create_directories(near, failed);
  work_folder const work{near.string()};
  if (failed || work.path().empty()) return error{near.string() + " cannot be written to"};
  auto made = render_into(by, film, list.value(), codec, work.path(),
                          segment_frames);
  if (!made) return made;
  fs::rename(work.path() + "/movie", out, failed);
  if (failed) return error{out + ": " + failed.message()};
  return made;
}

int render_here(std::string const& film, std::string const& cuts, std::string const& codec,
                std::string const& out, std::string const& manifest_path,
                jail_policy const& policy) {
  auto const say = [](string const& why, int code) {
    fmt::print(stderr, "{}\n", why);
    return code;
  };
  auto const service = load_manifest(manifest_path);
  if (!service) return say(service.why(), 3);
  if (auto const list = load_cuts(cuts); !list) return say(list.why(), 3);
  for (auto const& p : service.value().parameters)
    if (p.name == "codec")
      if (auto const wrong = unfit(p, codec); !wrong.empty()) return say(wrong, 3);
  if (!policy.allow_without_jail)
    if (auto const has = probe_jail(policy); !has.whole())
      return say("this machine has no whole jail: " + has.missing(), 7);
  auto const made = render_movie({service.value(), policy, true}, film, cuts, codec, out);
  if (!made) {
    auto const& why = made.why();
    if (why.starts_with(cuts + ":")) return say(why, 3);
    return say(why, why.find("shows something else") != string::npos ? 6 : 1);
  }
  fmt::print("{}: {} frames in {} segments, each at least {:.2f} dB\n", out, made.value().frames,
             made.value().segments, made.value().least_psnr);
  return 0;
}

}  // namespace hydra::net
