#include "demo_film.hpp"

#include "demo_process.hpp"

#include <hydra/core/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t cuts_drawn = 4;
constexpr std::size_t seconds_made = 20;
constexpr int make_within_ms = 300'000;

// Moving shapes and a tone; a key frame every two seconds.
std::string make_film(film_wish const& what, std::string const& to) {
  auto const size = what.large ? "1920x1080" : "640x360";
  auto const picture = fmt::format("testsrc2=size={}:rate=30:duration={}", size, seconds_made);
  auto const tone = fmt::format("sine=frequency=440:sample_rate=48000:duration={}", seconds_made);
  auto const end = run_program(
      {"ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi",
       "-i", tone, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "60",
       "-keyint_min", "60", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac",
       "-shortest", to},
      make_within_ms);
  if (end.code == 0) return {};
  return "ffmpeg could not make a film: " + (end.out.empty() ? "it was ended" : end.out);
}

// The next frame that is no key frame.
std::size_t off_key(net::film_facts const& f, std::size_t frame) {
  while (frame + 1 < f.frames.size() && f.packets[f.packet_of[frame]].key) ++frame;
  return frame;
}

// Cuts in any order, one from each quarter of the film, two thirds of it in all at most.
std::string draw_cuts(net::film_facts const& f, std::uint64_t seed, std::string const& name) {
  owned_stream by{stream_base(seed, 0x64656d6f, 2)};
  auto const part = f.frames.size() / cuts_drawn;
  std::array<std::size_t, cuts_drawn> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  auto draw = by.draw();
  auto const shuffled = draw.sample(order.size(), std::span<std::size_t>{order});
  std::string out = fmt::format("film = \"{}\"\n", name);
  for (auto const i : shuffled) {
    auto const first = off_key(f, part * i + 1 + by.below(part / 6 + 1));
    auto const length = std::max<std::size_t>(part * 3 / 5, 2) + by.below(part / 8 + 1);
    auto const until = off_key(f, std::min(first + length, part * (i + 1) - 1));
    out += fmt::format("\n[[cut]]\nin = {}\nout = {}\n", first, until);
  }
  return out;
}

std::string text_of(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
bool write(std::string const& path, std::string const& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

// So many that all have something to do, and none of them too much at a time.
std::size_t segment_frames_for(std::size_t frames) {
  constexpr std::size_t segments_few = 7, segments_many = 24, frames_least = 6, frames_fair = 60;
  auto const few = std::clamp(frames / segments_few, frames_least, frames_fair);
  return std::max(few, frames / segments_many);
}

}  // namespace

result<film_stock> prepare_film(net::performer const& by, film_wish const& what,
                                std::string const& folder) {
  film_stock out;
  out.film = folder + "/film.mp4";
  if (what.own.empty()) {
    if (auto const wrong = make_film(what, out.film); !wrong.empty()) return error{wrong};
  } else {
    out.film = folder + "/film" + fs::path{what.own}.extension().string();
    std::error_code wrong;
    fs::copy_file(what.own, out.film, wrong);
    if (wrong) return error{what.own + ": " + wrong.message()};
  }
  auto facts = net::probe_film(by, out.film);
  if (!facts) return error{facts.why()};
  out.facts = std::move(facts.value());
  constexpr std::size_t frames_least = 48;
  if (out.facts.frames.size() < frames_least) {
    return error{fmt::format("{}: {} frames; allowed: {} or more", what.own,
                             out.facts.frames.size(), frames_least)};
  }
  out.cuts = folder + "/cuts.toml";
  auto const text = draw_cuts(out.facts, what.seed, fs::path{out.film}.filename().string());
  if (!write(out.cuts, text)) return error{out.cuts + ": cannot be written"};
  auto const list = net::load_cuts(out.cuts);
  if (!list) return error{list.why()};
  out.cut_count = list.value().cuts.size();
  out.segment_frames = segment_frames_for(out.facts.frames.size() * 2 / 3);
  auto plan = net::plan_film(out.facts, list.value(), out.segment_frames);
  if (!plan) return error{plan.why()};
  out.plan = std::move(plan.value());
  return out;
}

result<bool> write_liar(std::string const& honest, std::string const& liar,
                        demo_cast const& cast) {
  auto text = text_of(honest);
  constexpr std::string_view last_filter = "{param.turn},{param.flip},setpts=PTS-STARTPTS\"";
  auto const step = text.find("[step.segment]");
  auto const at = step == std::string::npos ? step : text.find(last_filter, step);
  if (at == std::string::npos) return error{honest + ": its step \"segment\" is another one"};
  // Some frames of some segments, by where they begin: still a film, and not always the same lie.
  auto const lie = fmt::format(",negate=enable='lt(mod(floor({{param.from}}*997)*7+{},10),{})"
                               "*between(n,4,15)'\"",
                               cast.lies_salt, cast.lies_tenths);
  text.replace(at + last_filter.size() - 1, 1, lie);
  if (!write(liar, text)) return error{liar + ": cannot be written"};
  return true;
}

result<bool> render_alone(net::performer const& by, film_stock const& film,
                          std::string const& codec, std::string const& folder) {
  auto plan = film.plan;
  auto wrong = net::split_film(by, film.film, film.facts, plan, folder);
  if (!wrong.empty()) return error{wrong};
  std::vector<std::string> segments(plan.segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i) segments[i] = fmt::format("{}/{}", folder, i);
  // On two cores, as whoever has them would.
  std::atomic<std::size_t> next = 0;
  std::array<std::string, 2> whys;
  auto const work = [&](std::string& why) {
    for (auto i = next++; i < segments.size() && why.empty() && !was_interrupted(); i = next++) {
      auto const done = net::render_segment(by, plan.segments[i], codec, segments[i]);
      if (!done.ok()) why = done.why;
    }
  };
  std::thread other{work, std::ref(whys[1])};
  work(whys[0]);
  other.join();
  for (auto const& why : whys) {
    if (!why.empty()) return error{why};
  }
  if (was_interrupted()) return error{"interrupted"};
  for (auto& s : segments) s += "/segment";
  wrong = net::render_sound(by, film.film, plan, folder);
  auto const sound = plan.sounds.empty() ? std::string{} : folder + "/sound";
  if (wrong.empty()) wrong = net::join_movie(by, plan, segments, sound, folder);
  return wrong.empty() ? result<bool>{true} : result<bool>{error{wrong}};
}

std::string hash_of_frames(std::string const& movie) {
  auto const end = run_program({"ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", movie,
                                "-map", "0:v:0", "-pix_fmt", "yuv420p", "-f", "md5", "-"},
                               make_within_ms);
  auto const at = end.out.find("MD5=");
  return end.code != 0 || at == std::string::npos ? std::string{} : end.out.substr(at + 4, 32);
}

}  // namespace hydra::node
