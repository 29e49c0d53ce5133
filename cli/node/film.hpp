// Renders the cuts of a film by render.movie: what it is made of, how it is divided, what is right.
//
// Each segment is a task: a piece of the film that begins at a key frame, copied; the times between
// which its frames lie; a bound on how many there are. Which machine renders a segment does not
// matter: the same piece, times and encoder give the same bytes. Sound is cut to the sample and
// encoded once. The pieces of a film that is read from another's hands are read in the jail.
#pragma once

#include "cuts.hpp"
#include "service.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hydra::net {

inline constexpr std::size_t film_frames_max = 400'000;     // of a film: 3.7 h at 30 a second
inline constexpr std::size_t film_segments_max = 4096;
inline constexpr std::size_t segment_frames_standard = 300;
inline constexpr double least_psnr_standard = 32.0;          // dB; a frame beside is below 25
inline constexpr std::int64_t film_sound_rate = 48'000;

struct film_packet {
  std::int64_t pts = 0;
  bool key = false;
};

struct film_facts {
  std::int64_t num = 1;  // a tick is num / den seconds
  std::int64_t den = 1;
  std::string codec;
  std::vector<film_packet> packets;  // in the order of the file
  std::vector<std::int64_t> frames;  // when each is shown, in ticks, ascending
  std::vector<std::size_t> packet_of;  // of each frame
  bool sound = false;
  std::string turn = "null";  // how its frames are turned to be shown, in two steps
  std::string flip = "null";

  [[nodiscard]] double seconds(std::int64_t ticks) const {
    return static_cast<double>(ticks) * static_cast<double>(num) / static_cast<double>(den);
  }
  // When the frame is shown; of the one behind the last: when the film ends.
  [[nodiscard]] std::int64_t pts(std::size_t frame) const;
};

// A task: frames `first` to `until` (not shown) of the film.
struct film_segment {
  std::size_t cut = 0;
  std::size_t first = 0;
  std::size_t until = 0;
  std::size_t packet_first = 0;  // the packets of its piece
  std::size_t packet_until = 0;
  std::size_t layer = 0;  // pieces of one layer do not overlap: they are split in one pass
  double from_s = 0;      // half a frame before `first` and before `until`
  double until_s = 0;
  double seconds = 0;
  std::string turn;
  std::string flip;
  std::string piece;      // its file, once the film is split

  [[nodiscard]] std::size_t frames() const noexcept { return until - first; }
};

struct film_sound {
  std::int64_t first = 0;  // samples of the film
  std::int64_t samples = 0;
};

struct film_plan {
  std::vector<film_segment> segments;  // in the order of the movie
  std::vector<film_sound> sounds;      // one for each cut; none in a silent film
  std::size_t frames = 0;
  std::size_t layers = 0;
};

// Errors: not a film, times missing or doubled, too many frames.
[[nodiscard]] result<film_facts> probe_film(performer const&, std::string const& film);

// Divides cuts into segments of at most so many frames, at key frames where there are any.
// Pure. Errors name the cut: beyond the film, empty.
[[nodiscard]] result<film_plan> plan_film(film_facts const&, cut_list const&,
                                          std::size_t segment_frames = segment_frames_standard);

// Copies the pieces into the folder and says in the plan where they are and how their clocks run.
// Empty: done; else what went wrong.
[[nodiscard]] std::string split_film(performer const&, std::string const& film, film_facts const&,
                                     film_plan&, std::string const& folder);

// What a segment's task fills in.
[[nodiscard]] bindings segment_bindings(film_segment const&, std::string const& codec);

// Renders one: `output` gets the file `segment`.
[[nodiscard]] jail_outcome render_segment(performer const&, film_segment const&,
                                          std::string const& codec, std::string const& output);

struct segment_check {
  std::size_t frames = 0;
  double least_psnr = 0;
};
// Compares each frame with the one of the film that it should be. Errors: it cannot be decoded, or
// says too few or too many frames, or one is further off than `least_psnr`.
[[nodiscard]] result<segment_check> check_segment(performer const&, film_segment const&,
                                                  std::string const& made,
                                                  double least_psnr = least_psnr_standard);

// The sound of all cuts: the file is OUTPUT/sound. Of a silent film: nothing is made.
[[nodiscard]] std::string render_sound(performer const&, std::string const& film,
                                       film_plan const&, std::string const& output);

// Joins segments and sound (empty: silent): the file is OUTPUT/movie.
[[nodiscard]] std::string join_movie(performer const&, film_plan const&,
                                     std::vector<std::string> const& segments,
                                     std::string const& sound, std::string const& output);

// When each frame of the movie is to be shown, in seconds from its first.
[[nodiscard]] std::vector<double> due_times(film_facts const&, film_plan const&);

// Whether the movie has these frames at these times, to 2 ms, and sound or none.
[[nodiscard]] std::string check_times(performer const&, std::vector<double> const& due, bool sound,
                                      std::string const& movie);

// Whether the movie has the frames of the edit list at their times, to 2 ms.
[[nodiscard]] std::string check_movie(performer const&, film_facts const&, film_plan const&,
                                      std::string const& movie);

struct render_report {
  std::size_t segments = 0;
  std::size_t frames = 0;
  double least_psnr = 0;
  std::string tools;      // what is in the keys of its tasks
  std::vector<key> keys;  // of the segments
};

// All of it on this machine, one task after the other; `out` is there in full or not at all.
[[nodiscard]] result<render_report> render_movie(
    performer const&, std::string const& film, std::string const& cuts, std::string const& codec,
    std::string const& out, std::size_t segment_frames = segment_frames_standard);

// The same as a command: says what went wrong on stderr. 0: done; 1: failed; 3: the edit list or
// the codec is wrong; 6: a segment is not what it should be; 7: the jail refuses.
[[nodiscard]] int render_here(std::string const& film, std::string const& cuts,
                              std::string const& codec, std::string const& out,
                              std::string const& manifest, jail_policy const&);

}  // namespace hydra::net
