// The film of the demo, its edit list, and the manifest of the one who lies.
#pragma once

#include "demo_cast.hpp"
#include "film.hpp"

#include <string>

namespace hydra::node {

struct film_wish {
  std::string own;           // the user's file; empty: one is made
  bool large = false;        // 1080p
  std::uint64_t seed = 1;
};
struct film_stock {
  std::string film;
  std::string cuts;          // the path of cuts.toml
  std::size_t segment_frames = 60;
  std::size_t cut_count = 0;
  net::film_facts facts;
  net::film_plan plan;
};

// Makes the film (or takes the user's), draws cuts whose points are at no key frame, and plans
// them. Errors: no film, or one of less than two seconds.
[[nodiscard]] result<film_stock> prepare_film(net::performer const&, film_wish const&,
                                              std::string const& folder);

// A manifest like the given one whose segments show other frames than the film's, now and then.
// Errors: the step that it changes is not as it was.
[[nodiscard]] result<bool> write_liar(std::string const& honest, std::string const& liar,
                                      demo_cast const&);

// The movie by this machine alone, each segment once: FOLDER/movie. The folder is there.
[[nodiscard]] result<bool> render_alone(net::performer const&, film_stock const&,
                                        std::string const& codec, std::string const& folder);

// MD5 of all frames of a movie, decoded on one thread; empty: it cannot be decoded.
[[nodiscard]] std::string hash_of_frames(std::string const& movie);

}  // namespace hydra::node
