// render.movie over the network: its split, its parts, its join, on files.
//
// The split makes one object of parts (net/parts.hpp). A part is a bundle of some segments in a
// row: their pieces, `segments` (a line for each: the times between which its frames lie, how it is
// turned, how many frames), the codec, and what the encoder made of a picture that all know: a head
// whose encoder makes other bytes refuses. The last bundle is for the join: `segments` of all, with
// their length in seconds, `times` of all frames, and the sound. A part gives a bundle of segments.
// Whoever joins looks at every frame and renders here what shows something else.
#pragma once

#include "bundle.hpp"
#include "film.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hydra::node {

struct film_order {
  std::string film;
  std::string cuts;
  std::string codec = "h264";
  std::size_t segment_frames = net::segment_frames_standard;
};

// What the bundles of a job say: a film, its edit list (the file whose name ends with .toml), codec
// and segment_frames. The film may lie beside them. Errors: what is missing, or wrong.
[[nodiscard]] result<film_order> film_order_of(bundle const&, std::string const& film);

// Writes the object; gives the number of its parts. Errors as those of the film's steps;
// `asked_so`: whether it is the order that cannot be met, on any machine.
[[nodiscard]] result<std::size_t> split_order(net::performer const&, film_order const&,
                                              std::string const& folder, std::string const& to,
                                              bool& asked_so);

// Renders the segments of an unpacked part. Empty: done; else what went wrong.
[[nodiscard]] std::string render_part(net::performer const&, bundle const& part,
                                      std::string const& folder, bundle& out);

struct joined_parts {
  std::size_t frames = 0;
  std::vector<std::size_t> mended;  // parts that showed something else, rendered here
};
// `pieces` and `made`: the unpacked bundles of the parts and of what they gave, in their order.
// Leaves the movie in OUTPUT/movie.
[[nodiscard]] result<joined_parts> join_parts(net::performer const&, bundle const& last,
                                              std::vector<bundle> const& pieces,
                                              std::vector<bundle> const& made,
                                              std::string const& output);

}  // namespace hydra::node
