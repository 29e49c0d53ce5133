#include "demo_end.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hydra::node {
namespace {

constexpr std::size_t nobody = demo_cast::size;
constexpr std::size_t strangers_least = 3;  // renderers that the phone does not know

std::string join(std::vector<std::string> const& all, char const* between) {
  std::string out;
  for (auto const& each : all) out += (out.empty() ? "" : between) + each;
  return out;
}

}  // namespace

void demo_end::sum_up(demo_cast const& cast, film_stock const& film, performance const& done,
                      demo_story const& story, demo_mishaps const& mishaps,
                      receipt_tree const& tree) {
  times.real_s = done.real_s;
  times.emulated = emulate(story, cast);
  auto const frames = fmt::format("{} frames, each within 2 ms of its time", film.plan.frames);
  claim(movie.empty(), movie.empty() ? frames : movie);
  claim(!hash.empty() && hash == hash_alone,
        fmt::format("decoded frames {} here, {} by one machine alone", hash, hash_alone));
  judge_phone(film, done);
  auto const near = cast.delay(demo_cast::phone, demo_cast::desktop);
  claim(story.divider() == demo_cast::desktop,
        fmt::format("the nearest trusted Hydra was chosen: {}, {:.0f} ms away there and back",
                    story.divider() < nobody ? cast.all[story.divider()].name : "nobody",
                    2e3 * seconds(near)));
  claim(tree.holds(), fmt::format("receipts: {} linked into a tree, {} loose, {} with a signature "
                                  "that does not hold",
                                  tree.parts.size() + (tree.has_root ? 1U : 0U), tree.loose,
                                  tree.unsigned_));
  claim(tree.unknown_to_phone() >= strangers_least,
        fmt::format("two deep: {} renderers whom the phone does not know",
                    tree.unknown_to_phone()));
  judge_stranger(story);
  judge_mishaps(cast, mishaps);
  note_deeds(cast, story, mishaps, tree);
  tree_ = lines_of(tree, cast);
}

void demo_end::judge_phone(film_stock const&, performance const& done) {
  auto const& p = done.phone;
  auto const film = p.objects_before + (p.objects_in > done.movie_bytes
                                            ? p.objects_in - done.movie_bytes
                                            : 0);
  claim(film == 0,
        fmt::format("{} bytes of the film ({:.1f} MB) went through the phone before the result; "
                    "it sent an edit list of {} bytes",
                    film, static_cast<double>(done.film_bytes) / 1e6, p.objects_out));
}

void demo_end::judge_stranger(demo_story const& story) {
  std::size_t believed = 0;
  for (auto const& [nonce, p] : story.parts()) {
    if (p.output.empty()) continue;
    for (auto const& r : p.renderings) {
      if (r.who != demo_cast::stranger || r.output.empty()) continue;
      lies_ += r.output != p.output ? 1U : 0U;
      if (r.output == p.output && !p.is_checked()) ++believed;
    }
    caught_ += static_cast<std::size_t>(
        std::count_if(p.verdicts.begin(), p.verdicts.end(), [](verdict_on const& v) {
          return v.forged && v.who == demo_cast::stranger;
        }));
  }
  claim(believed == 0, fmt::format("the stranger lied {} times, was caught {} times, and was never "
                                   "believed alone",
                                   lies_, caught_));
}

void demo_end::judge_mishaps(demo_cast const& cast, demo_mishaps const& mishaps) {
  bool const both = mishaps.killed() < nobody && mishaps.cut_off() < nobody;
  auto const name = [&](std::size_t who) {
    return who < nobody ? cast.all[who].name : std::string{"nobody"};
  };
  claim(both, fmt::format("{} was killed while it rendered, {} was cut off for {:.1f} s",
                          name(mishaps.killed()), name(mishaps.cut_off()), cast.cut_ms / 1e3));
}

void demo_end::note_deeds(demo_cast const& cast, demo_story const& story,
                          demo_mishaps const& mishaps, receipt_tree const& tree) {
  for (std::size_t i = 0; i < cast.all.size(); ++i) {
    demo_deed d{cast.all[i].name, cast.all[i].city, 0, 0, 0, 0, {}};
    if (story.divider() < nobody && i != story.divider()) {
      d.away_ms = 2e3 * seconds(cast.delay(story.divider(), i));
    }
    for (auto const& [nonce, p] : story.parts()) {
      for (auto const& r : p.renderings) {
        if (r.who != i || r.ended_ms == 0) continue;
        ++d.rendered;
        auto const ms = r.cpu_ms >= 0 ? r.cpu_ms : r.ended_ms - r.began_ms;
        d.cpu_s += static_cast<double>(ms) / 1e3;
      }
    }
    for (auto const& p : tree.parts) d.receipts += p.who == i ? 1U : 0U;
    std::vector<std::string> notes;
    if (i == demo_cast::phone) notes.emplace_back("sent an edit list");
    if (i == story.divider()) notes.emplace_back("divided, joined");
    if (i == demo_cast::holder) notes.emplace_back("had the film");
    if (i == mishaps.killed()) {
      notes.emplace_back(cast.comes_back ? "killed, came back" : "killed, stayed dead");
    }
    if (i == mishaps.cut_off()) notes.emplace_back("cut off");
    if (i == demo_cast::stranger) {
      notes.push_back(fmt::format("lied {} times, caught {} times", lies_, caught_));
    }
    d.notes = join(notes, ", ");
    deeds_.push_back(d);
  }
}

std::string demo_end::text(std::uint64_t seed) const {
  std::string out = "\nWHO        WHERE      AWAY     SEGMENTS  PROCESSOR  RECEIPTS\n";
  for (auto const& d : deeds_) {
    out += fmt::format("{:<10} {:<9} {:>4.0f} ms  {:>8}  {:>7.1f} s  {:>8}  {}\n", d.name, d.city,
                       d.away_ms, d.rendered, d.cpu_s, d.receipts, d.notes);
  }
  out += "\n";
  for (auto const& line : tree_) out += line + "\n";
  out += "\n";
  for (auto const& c : claims_) out += fmt::format("{:<4} {}\n", c.held ? "ok" : "NOT", c.words);
  out += fmt::format(
      "\nreal       {:.1f} s for the job; all eight share this machine, so they are no faster\n"
      "emulated   {:.1f} s had each a machine of its own: processor time of each task in its\n"
      "           order, delays of the links, silences as they were; without the time of bytes\n"
      "alone      {:.1f} s of the clock for this machine alone, before the others were there;\n"
      "           {:.1f} s of processor for the tasks of the job, each once\n"
      "\nType next:\n  hydra demo movie --seed {}    # another cast\n",
      times.real_s, times.emulated.all_s, times.alone_s, times.emulated.alone_s, seed + 1);
  return out;
}

std::string demo_end::json_text(std::uint64_t seed) const {
  nlohmann::json out{{"seed", seed},
                     {"held", wrongs().empty()},
                     {"frames_md5", hash},
                     {"frames_md5_alone", hash_alone},
                     {"real_s", times.real_s},
                     {"emulated_s", times.emulated.all_s},
                     {"processor_s", times.emulated.alone_s},
                     {"alone_s", times.alone_s},
                     {"film_s", times.film_s},
                     {"stage_s", times.stage_s},
                     {"lies", lies_},
                     {"caught", caught_},
                     {"tree", tree_}};
  for (auto const& c : claims_) out["claims"].push_back({{"held", c.held}, {"words", c.words}});
  for (auto const& d : deeds_) {
    out["cast"].push_back({{"name", d.name}, {"where", d.city}, {"away_ms", d.away_ms},
                           {"segments", d.rendered}, {"processor_s", d.cpu_s},
                           {"receipts", d.receipts}, {"notes", d.notes}});
  }
  return out.dump(2);
}

std::string demo_end::wrongs() const {
  std::vector<std::string> all;
  for (auto const& c : claims_) {
    if (!c.held) all.push_back(c.words);
  }
  return all.empty() ? std::string{} : "this did not hold: " + join(all, "; ");
}

}  // namespace hydra::node
