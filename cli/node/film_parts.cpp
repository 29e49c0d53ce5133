#include "film_parts.hpp"

#include <hydra/net/parts.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;
using net::film_segment;
using std::string;

constexpr std::size_t frames_least = 1;
constexpr std::size_t frames_most = 100'000;

string const* file_of(bundle const& b, std::string_view name) {
  auto const it = std::find_if(b.files.begin(), b.files.end(),
                               [&](bundle_file const& f) { return f.name == name; });
  return it == b.files.end() ? nullptr : &it->path;
}

bool write_text(string const& path, string const& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

// ---- lists of segments --------------------------------------------------------------------------

string line_of(film_segment const& s) {
  return fmt::format("{:.6f} {:.6f} {} {} {} {:.6f}\n", s.from_s, s.until_s, s.turn, s.flip,
                     s.frames(), s.seconds);
}
// What one line says; the manifest's types bound the rest when it is filled in.
std::optional<film_segment> segment_of(string const& line) {
  std::istringstream in{line};
  film_segment s;
  std::size_t frames = 0;
  string more;
  in >> s.from_s >> s.until_s >> s.turn >> s.flip >> frames >> s.seconds;
  bool const good = !in.fail() && !(in >> more) && frames >= 1 && frames <= net::film_frames_max &&
                    s.from_s >= 0 && s.until_s > s.from_s && s.seconds > 0 && s.seconds < 1e9;
  if (!good) return std::nullopt;
  s.until = frames;
  return s;
}
// Of a bundle; a piece for each where it has them.
result<std::vector<film_segment>> segments_of(bundle const& b, bool pieces) {
  auto const* path = file_of(b, "segments");
  if (path == nullptr) return error{"a part without its list of segments"};
  std::ifstream in{*path};
  std::vector<film_segment> out;
  for (string line; std::getline(in, line);) {
    auto s = segment_of(line);
    auto const number = out.size();
    if (!s || number >= net::film_segments_max) {
      return error{fmt::format("segments:{}: \"{}\" is no segment", number + 1,
                               line.substr(0, 80))};
    }
    auto const* piece = pieces ? file_of(b, fmt::format("piece/{:04}", number)) : nullptr;
    if (pieces && piece == nullptr) return error{fmt::format("piece {} is missing", number)};
    if (piece != nullptr) s->piece = *piece;
    out.push_back(*s);
  }
  if (out.empty()) return error{"a part of no segments"};
  return out;
}

// Segments in a row, so that there are at most parts_max groups of about as many frames.
std::vector<std::size_t> ends_of_parts(net::film_plan const& plan) {
  auto const all = plan.segments.size();
  auto const parts = std::min(all, parts_max);
  std::vector<std::size_t> ends;
  std::size_t frames = 0;
  for (std::size_t i = 0; i < all; ++i) {
    frames += plan.segments[i].frames();
    auto const left = all - i - 1;            // segments
    auto const wanted = parts - ends.size();  // groups that are not full, this one included
    bool const full = frames * parts >= plan.frames * (ends.size() + 1);
    if ((full && wanted > 1) || left + 1 == wanted) ends.push_back(i + 1);
  }
  if (ends.empty() || ends.back() != all) ends.push_back(all);
  return ends;
}

// ---- the object of parts ------------------------------------------------------------------------

string describe(std::vector<film_segment> const& segments, std::size_t from, std::size_t until) {
  string out;
  for (auto i = from; i < until; ++i) out += line_of(segments[i]);
  return out;
}
string times_of(net::film_facts const& facts, net::film_plan const& plan) {
  string out;
  for (auto t : net::due_times(facts, plan)) out += fmt::format("{:.6f}\n", t);
  return out;
}

// Bundles one behind the other, with their table in front.
string append(string const& from, std::ofstream& to) {
  std::ifstream in{from, std::ios::binary};
  to << in.rdbuf();
  if (!in || !to.flush()) return from + " cannot be copied";
  std::error_code ignored;
  fs::remove(from, ignored);
  return {};
}
string write_object(std::vector<string> const& bundles, string const& to) {
  std::vector<byte_range> ranges;
  auto at = net::parts_table_bytes(bundles.size() - 1);
  for (auto const& b : bundles) {
    std::error_code failed;
    auto const size = fs::file_size(b, failed);
    if (failed) return b + ": " + failed.message();
    ranges.push_back({at, size});
    at += size;
  }
  auto const table = net::parts_table(ranges);
  std::ofstream out{to, std::ios::binary};
  out.write(reinterpret_cast<char const*>(table.data()),
            static_cast<std::streamsize>(table.size()));
  string wrong;
  for (auto const& b : bundles) {
    if (wrong.empty()) wrong = append(b, out);
  }
  return wrong;
}

// One bundle for each part.
result<std::vector<string>> pack_parts(film_order const& order, net::film_plan const& plan,
                                       string const& encoder, string const& folder) {
  std::vector<string> out;
  std::size_t from = 0;
  for (auto until : ends_of_parts(plan)) {
    bundle b;
    b.parameters = {{"codec", order.codec}, {"encoder", encoder}};
    auto const name = fmt::format("{}/part-{:04}", folder, out.size());
    if (!write_text(name + ".list", describe(plan.segments, from, until))) {
      return error{name + ".list cannot be written"};
    }
    b.files.push_back({"segments", name + ".list", 0});
    for (auto i = from; i < until; ++i) {
      b.files.push_back({fmt::format("piece/{:04}", i - from), plan.segments[i].piece, 0});
    }
    if (auto const packed = pack(b, name); !packed) return error{packed.why()};
    out.push_back(name);
    from = until;
  }
  return out;
}
result<string> pack_last(net::performer const& by, film_order const& order,
                         net::film_facts const& facts, net::film_plan const& plan,
                         string const& folder) {
  auto const heard = folder + "/sound";
  fs::create_directory(heard);
  if (auto wrong = net::render_sound(by, order.film, plan, heard); !wrong.empty()) {
    return error{wrong};
  }
  bundle b;
  b.parameters = {{"codec", order.codec}};
  bool const written =
      write_text(folder + "/all.list", describe(plan.segments, 0, plan.segments.size())) &&
      write_text(folder + "/times", times_of(facts, plan));
  if (!written) return error{folder + " cannot be written to"};
  b.files = {{"segments", folder + "/all.list", 0}, {"times", folder + "/times", 0}};
  if (!plan.sounds.empty()) b.files.push_back({"sound", heard + "/sound", 0});
  auto const to = folder + "/last";
  if (auto const packed = pack(b, to); !packed) return error{packed.why()};
  return to;
}

// What the encoder of this machine makes: equal where the bytes of segments will be.
result<string> encoder_of(net::performer const& by, string const& codec) {
  auto const said = net::identify(by, {{{"codec", codec}}, {}});
  if (!said) return error{said.why()};
  detail::sha256 h;
  for (char c : said.value()) h.add(static_cast<std::uint8_t>(c));
  return net::hex_of(object_id{key{h.finish()}});
}

// The segments that a part gave, each looked at; what shows something else, or is missing, is
// rendered here. Gives how many those were.
result<std::size_t> take_part(net::performer const& by, std::vector<film_segment> const& segments,
                              bundle const& made, string const& codec, string const& folder,
                              std::vector<string>& files) {
  std::size_t mended = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    auto const* given = file_of(made, fmt::format("segment/{:04}", i));
    if (given != nullptr && net::check_segment(by, segments[i], *given)) {
      files.push_back(*given);
      continue;
    }
    auto const into = fmt::format("{}/again-{:04}", folder, files.size());
    auto const again = net::render_segment(by, segments[i], codec, into);
    if (!again.ok()) return error{again.why};
    files.push_back(into + "/segment");
    auto const good = net::check_segment(by, segments[i], files.back());
    if (!good) return error{good.why()};
    ++mended;
  }
  return mended;
}
std::vector<double> read_times(string const& path) {
  std::vector<double> out;
  std::ifstream in{path};
  for (double t = 0; in >> t && out.size() <= net::film_frames_max;) out.push_back(t);
  return out;
}

}  // namespace

result<film_order> film_order_of(bundle const& in, std::string const& film) {
  string const need = "it needs a film and its edit list, cuts.toml";
  film_order out;
  out.film = film;
  for (auto const& f : in.files) {
    if (f.name.ends_with(".toml") && out.cuts.empty()) out.cuts = f.path;
    else if (out.film.empty()) out.film = f.path;
    else return error{"\"" + f.name + "\" is one file too many; " + need};
  }
  if (out.film.empty() || out.cuts.empty()) return error{need};
  for (auto const& [name, value] : in.parameters) {
    if (name == "codec") {
      out.codec = value;
      continue;
    }
    auto const* end = value.data() + value.size();
    auto const read = std::from_chars(value.data(), end, out.segment_frames);
    bool const good = name == "segment_frames" && read.ptr == end && read.ec == std::errc{} &&
                      out.segment_frames >= frames_least && out.segment_frames <= frames_most;
    if (!good) {
      return error{fmt::format("parameter {}={} is not allowed; allowed: codec, and "
                               "segment_frames from {} to {}", name, value, frames_least,
                               frames_most)};
    }
  }
  return out;
}

result<std::size_t> split_order(net::performer const& by, film_order const& order,
                                std::string const& folder, std::string const& to,
                                bool& asked_so) {
  asked_so = true;
  for (auto const& p : by.service.parameters) {
    if (p.name != "codec") continue;
    if (auto const wrong = net::unfit(p, order.codec); !wrong.empty()) return error{wrong};
  }
  auto const list = net::load_cuts(order.cuts);
  if (!list) return error{list.why()};
  asked_so = false;
  auto const encoder = encoder_of(by, order.codec);  // the jail works, and its tools are there
  if (!encoder) return error{encoder.why()};
  asked_so = true;
  auto const facts = net::probe_film(by, order.film);
  if (!facts) return error{facts.why()};
  auto plan = net::plan_film(facts.value(), list.value(), order.segment_frames);
  if (!plan) return error{plan.why()};
  asked_so = false;
  auto wrong = net::split_film(by, order.film, facts.value(), plan.value(), folder);
  if (!wrong.empty()) return error{wrong};
  auto bundles = pack_parts(order, plan.value(), encoder.value(), folder);
  if (!bundles) return error{bundles.why()};
  auto const last = pack_last(by, order, facts.value(), plan.value(), folder);
  if (!last) return error{last.why()};
  auto const parts = bundles.value().size();
  bundles.value().push_back(last.value());
  wrong = write_object(bundles.value(), to);
  if (!wrong.empty()) return error{wrong};
  return parts;
}

std::string render_part(net::performer const& by, bundle const& part, std::string const& folder,
                        bundle& out) {
  auto const segments = segments_of(part, true);
  if (!segments) return segments.why();
  auto const asked = part.parameters.find("encoder");
  auto const codec = part.parameters.find("codec");
  if (asked == part.parameters.end() || codec == part.parameters.end()) {
    return "a part without its codec";
  }
  auto const encoder = encoder_of(by, codec->second);
  if (!encoder) return encoder.why();
  if (encoder.value() != asked->second) return "the encoder of this machine makes other bytes";
  for (auto const& s : segments.value()) {
    auto const number = out.files.size();
    auto const into = fmt::format("{}/segment-{:04}", folder, number);
    auto const done = net::render_segment(by, s, codec->second, into);
    if (!done.ok()) return done.why;
    out.files.push_back({fmt::format("segment/{:04}", number), into + "/segment", 0});
  }
  return {};
}

result<joined_parts> join_parts(net::performer const& by, bundle const& last,
                                std::vector<bundle> const& pieces,
                                std::vector<bundle> const& made, std::string const& output) {
  auto const all = segments_of(last, false);
  if (!all) return error{all.why()};
  auto const codec = last.parameters.find("codec");
  auto const* times = file_of(last, "times");
  if (codec == last.parameters.end() || times == nullptr) {
    return error{"the part for the join lacks its codec or its times"};
  }
  joined_parts out;
  std::vector<string> files;
  for (std::size_t part = 0; part < pieces.size(); ++part) {
    auto const segments = segments_of(pieces[part], true);
    if (!segments) return error{segments.why()};
    auto const before = files.size();
    auto const mended = take_part(by, segments.value(), part < made.size() ? made[part] : bundle{},
                                  codec->second, output, files);
    if (!mended) return error{mended.why()};
    if (mended.value() != 0) out.mended.push_back(part);
    if (files.size() != before + segments.value().size()) return error{"a part is short"};
  }
  net::film_plan plan;
  plan.segments = all.value();
  if (files.size() != plan.segments.size()) return error{"the parts are not those of the film"};
  auto const* sound = file_of(last, "sound");
  auto wrong = net::join_movie(by, plan, files, sound == nullptr ? "" : *sound, output);
  auto const due = read_times(*times);
  if (wrong.empty()) wrong = net::check_times(by, due, sound != nullptr, output + "/movie");
  if (!wrong.empty()) return error{wrong};
  out.frames = due.size();
  return out;
}

}  // namespace hydra::node
