// Reads what a film is made of, and divides an edit list into segments.
#include "film.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

namespace hydra::net {
namespace {

using std::string;
using std::string_view;

// The fields of a line `packet|pts=1|flags=K_`.
std::map<string_view, string_view> fields_of(string_view line) {
  std::map<string_view, string_view> out;
  while (!line.empty()) {
    auto const end = std::min(line.find('|'), line.size());
    auto const part = line.substr(0, end);
    auto const equals = std::min(part.find('='), part.size());
    out[part.substr(0, equals)] = equals < part.size() ? part.substr(equals + 1) : string_view{};
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

bool whole(string_view text, std::int64_t& to) {
  auto const got = std::from_chars(text.data(), text.data() + text.size(), to);
  return got.ec == std::errc{} && got.ptr == text.data() + text.size();
}

bool fraction(string_view text, std::int64_t& num, std::int64_t& den) {
  auto const slash = text.find('/');
  return slash != string_view::npos && whole(text.substr(0, slash), num) &&
         whole(text.substr(slash + 1), den) && num > 0 && den > 0;
}

class probe_reader {
 public:
  explicit probe_reader(film_facts& facts) : facts_{facts} {}

  // What is wrong with the text, or nothing.
  string read(string_view text) {
    while (!text.empty() && wrong_.empty()) {
      auto const end = std::min(text.find('\n'), text.size());
      line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!wrong_.empty()) return wrong_;
    if (!timed_) return "no picture was found in it";
    if (shown_.empty()) return "it has no frame";
    return sort();
  }

 private:
  void line(string_view text) {
    auto const field = fields_of(text);
    if (field.contains("packet")) {
      packet(field);
    } else if (field.contains("stream")) {
      auto const base = field.find("time_base");
      timed_ = base != field.end() && fraction(base->second, facts_.num, facts_.den);
      turn(field);
      if (auto const c = field.find("codec_name"); c != field.end()) facts_.codec = c->second;
    }
  }
  // Degrees against the clock, as a matrix beside the stream says.
  void turn(std::map<string_view, string_view> const& field) {
    std::int64_t degrees = 0;
    for (auto const& [name, value] : field)
      if (name.ends_with("rotation")) whole(value.substr(0, value.find('.')), degrees);
    degrees = (degrees % 360 + 360) % 360;
    if (degrees == 180) facts_.turn = "hflip";
    if (degrees == 90 || degrees == 270) facts_.turn = "transpose";
    if (degrees != 0) facts_.flip = degrees == 270 ? "hflip" : "vflip";
    if (facts_.turn == "null") facts_.flip = "null";
  }
  void packet(std::map<string_view, string_view> const& field) {
    auto const pts = field.find("pts");
    auto const flags = field.find("flags");
    film_packet p;
    if (pts == field.end() || flags == field.end() || !whole(pts->second, p.pts)) {
      wrong_ = fmt::format("packet {} does not say when it is shown", facts_.packets.size());
      return;
    }
    p.key = flags->second.find('K') != string_view::npos;
    bool const shown = flags->second.find('D') == string_view::npos && p.pts >= 0;
    if (shown) shown_.push_back(facts_.packets.size());
    facts_.packets.push_back(p);
    if (facts_.packets.size() > film_frames_max)
      wrong_ = fmt::format("it has more than {} frames", film_frames_max);
  }
  string sort() {
    auto const& packets = facts_.packets;
    std::sort(shown_.begin(), shown_.end(),
              [&](auto a, auto b) { return packets[a].pts < packets[b].pts; });
    for (auto const i : shown_) {
      if (!facts_.frames.empty() && facts_.frames.back() == packets[i].pts)
        return fmt::format("two frames are shown at {}", packets[i].pts);
      facts_.frames.push_back(packets[i].pts);
    }
    facts_.packet_of = std::move(shown_);
    return packets.front().key ? "" : "it does not begin with a key frame";
  }

  film_facts& facts_;
  std::vector<std::size_t> shown_;
  string wrong_;
  bool timed_ = false;
};

// ---- dividing ----------------------------------------------------------------------------------

class divider {
 public:
  divider(film_facts const& facts, std::size_t most) : f_{facts}, most_{most} {
    for (std::size_t i = 0; i < f_.packets.size(); ++i)
      if (f_.packets[i].key) keys_.push_back(i);
    for (std::size_t i = 0; i < f_.frames.size(); ++i)
      if (f_.packets[f_.packet_of[i]].key) key_frames_.push_back(i);
  }

  result<film_plan> run(cut_list const& list) {
    film_plan out;
    std::int64_t samples = 0;  // of the movie, so far
    double seconds = 0;
    for (std::size_t c = 0; c < list.cuts.size(); ++c) {
      auto const& cut = list.cuts[c];
      auto const first = frame_at(cut.in);
      auto const until = frame_at(cut.out);
      if (until > f_.frames.size() || first >= until) {
        return error{fmt::format(
            "{}: this cut shows frames {} to {}; allowed: at least one, of the film's {} "
            "({:.3f} s)", cut.where, first, until, f_.frames.size(),
            f_.seconds(f_.pts(f_.frames.size()) - f_.frames[0]))};
      }
      add_segments(c, first, until, out.segments);
      if (out.segments.size() > film_segments_max)
        return error{fmt::format("more than {} segments", film_segments_max)};
      seconds += f_.seconds(f_.pts(until) - f_.pts(first));
      auto const begin = std::llround(f_.seconds(f_.pts(first)) * film_sound_rate);
      auto const end = std::llround(seconds * film_sound_rate);
      if (f_.sound) out.sounds.push_back({begin, end - samples});
      samples = end;
      out.frames += until - first;
    }
    out.layers = lay(out.segments);
    return out;
  }

 private:
  // Beyond the last frame there is one more, which is the end.
  [[nodiscard]] std::size_t frame_at(cut_point const& p) const {
    if (p.is_frame) return static_cast<std::size_t>(p.frame);
    auto const seconds = static_cast<double>(p.time.count()) / 1e9 + f_.seconds(f_.frames[0]);
    constexpr double hair = 1e-7;  // a frame's time is no whole number of nanoseconds
    std::size_t low = 0;
    std::size_t high = f_.frames.size();
    while (low < high) {
      auto const middle = (low + high) / 2;
      if (f_.seconds(f_.frames[middle]) < seconds - hair) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    bool const beyond = low == f_.frames.size() && seconds > f_.seconds(f_.pts(low)) + hair;
    return beyond ? low + 1 : low;
  }

  void add_segments(std::size_t cut, std::size_t first, std::size_t until,
                    std::vector<film_segment>& to) const {
    while (first < until) {
      auto end = std::min(until, first + most_);
      if (end < until) {  // the last key frame in the second half, if there is one
        auto const key = std::upper_bound(key_frames_.begin(), key_frames_.end(), end);
        if (key != key_frames_.begin() && *(key - 1) > first + most_ / 2) end = *(key - 1);
      }
      film_segment s;
      s.cut = cut;
      s.first = first;
      s.until = end;
      auto const gap = f_.pts(first + 1) - f_.frames[first];
      auto const before = first == 0 ? f_.frames[0] - gap : f_.frames[first - 1];
      s.from_s = f_.seconds(before + f_.frames[first]) / 2;
      s.until_s = f_.seconds(f_.frames[end - 1] + f_.pts(end)) / 2;
      s.seconds = f_.seconds(f_.pts(end) - f_.pts(first));
      s.turn = f_.turn;
      s.flip = f_.flip;
      add_piece(s);
      to.push_back(s);
      first = end;
    }
  }

  // The last key at or before a packet.
  [[nodiscard]] std::size_t key_before(std::size_t packet) const {
    return *(std::upper_bound(keys_.begin(), keys_.end(), packet) - 1);
  }
  void add_piece(film_segment& s) const {
    std::size_t least = f_.packets.size();
    std::size_t most = 0;
    for (auto i = s.first; i < s.until; ++i) {
      auto const packet = f_.packet_of[i];
      auto key = key_before(packet);
      // It leads its key: it is shown before, and may need the group before to be decoded.
      if (f_.packets[key].pts > f_.packets[packet].pts && key > 0) key = key_before(key - 1);
      least = std::min(least, key);
      most = std::max(most, packet);
    }
    auto const next = std::upper_bound(keys_.begin(), keys_.end(), most);
    s.packet_first = least;
    s.packet_until = next == keys_.end() ? f_.packets.size() : *next;
  }

  static std::size_t lay(std::vector<film_segment>& segments) {
    std::vector<film_segment*> order;
    for (auto& s : segments) order.push_back(&s);
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
      return std::pair{a->packet_first, a} < std::pair{b->packet_first, b};  // all in one vector
    });
    std::vector<std::size_t> ends;
    for (auto* s : order) {
      auto const free = std::find_if(ends.begin(), ends.end(),
                                     [&](auto end) { return end <= s->packet_first; });
      s->layer = static_cast<std::size_t>(free - ends.begin());
      if (free == ends.end()) ends.push_back(0);
      ends[s->layer] = s->packet_until;
    }
    return ends.size();
  }

  film_facts const& f_;
  std::size_t most_;
  std::vector<std::size_t> keys_;        // packets
  std::vector<std::size_t> key_frames_;  // frames
};

}  // namespace

std::int64_t film_facts::pts(std::size_t frame) const {
  if (frame < frames.size()) return frames[frame];
  auto const n = frames.size();
  auto const last = n < 2 ? den / (25 * num) : frames[n - 1] - frames[n - 2];
  return frames[n - 1] + last;
}

result<film_facts> probe_film(performer const& by, std::string const& film) {
  string folder = (std::filesystem::temp_directory_path() / "hydra-film-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return error{folder + " cannot be made"};
  auto const picture = perform(by, "probe", {}, {{"film", film}}, folder);
  auto const sound = picture.ok() ? perform(by, "probe_sound", {}, {{"film", film}}, folder)
                                  : jail_outcome{};
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!picture.ok()) return error{film + ": " + picture.why};
  if (!sound.ok()) return error{film + ": " + sound.why};
  film_facts facts;
  if (auto const wrong = probe_reader{facts}.read(picture.said); !wrong.empty())
    return error{film + ": " + wrong};
  facts.sound = sound.said.find("codec_name=") != string::npos;
  return facts;
}

result<film_plan> plan_film(film_facts const& facts, cut_list const& cuts,
                            std::size_t segment_frames) {
  return divider{facts, std::max<std::size_t>(segment_frames, 1)}.run(cuts);
}

}  // namespace hydra::net
