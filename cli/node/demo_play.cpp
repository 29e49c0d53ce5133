#include "demo_play.hpp"

#include "bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace hydra::node {
namespace {

using nlohmann::json;
using clock = std::chrono::steady_clock;

constexpr std::size_t cut_after = 2;   // renderings that have begun by then
constexpr int look_every_ms = 60;
constexpr int settle_ms = 800;         // for receipts that are still on their way

double since(clock::time_point t) {
  return std::chrono::duration<double>(clock::now() - t).count();
}

void count_phone(demo_stage const& stage, phone_bytes& to) {
  auto const said = stage.ask(demo_cast::phone, {{"verb", "status"}});
  if (!said) return;
  auto const& s = said.value();
  to.objects_in = s.value("object_bytes_in", std::uint64_t{0});
  to.objects_out = s.value("object_bytes_out", std::uint64_t{0});
  to.all = s.value("bytes_in", std::uint64_t{0}) + s.value("bytes_out", std::uint64_t{0});
}

// Patience: a minute, and some for each frame, since two cores may do all of it.
std::int64_t patience_ms(film_stock const& film) {
  return 60'000 + static_cast<std::int64_t>(film.plan.frames) * 150;
}

result<std::int64_t> submit(demo_stage const& stage, film_stock const& film,
                            std::string const& object) {
  auto const work_ms = std::max<std::int64_t>(5'000, std::int64_t{50} * film.plan.frames);
  auto const said = stage.ask(
      demo_cast::phone,
      {{"verb", "run"},
       {"service", "render.movie"},
       {"files", json::array({object, film.cuts})},
       {"params", {{"codec", "vp9"}, {"segment_frames", std::to_string(film.segment_frames)}}},
       {"work_ms", work_ms},
       {"patience_ms", patience_ms(film)}});
  if (!said) return error{said.why()};
  return said.value().value("job", std::int64_t{0});
}

result<bool> fetch_result(demo_stage const& stage, performance& to, std::string const& folder) {
  auto const said = stage.ask(demo_cast::phone, {{"verb", "result"}, {"job", to.job}});
  if (!said) return error{said.why()};
  to.movie_bytes = said.value().value("output_bytes", std::uint64_t{0});
  auto const into = folder + "/result";
  std::error_code wrong;
  std::filesystem::create_directories(into, wrong);
  auto const files = unpack(said.value().value("path", std::string{}), into);
  if (!files) return error{files.why()};
  if (files.value().files.size() != 1) return error{"the result is not one file"};
  to.movie = files.value().files[0].path;
  return true;
}

}  // namespace

void demo_mishaps::look(demo_story& story) {
  if (cut_ == demo_cast::size && story.begun() >= cut_after) cut_one(story);
  if (killed_ == demo_cast::size && story.begun() >= cast_.kill_after) kill_one(story);
  bool const back = killed_ != demo_cast::size && cast_.comes_back && !stage_.runs(killed_) &&
                    since(killed_at_) * 1e3 > cast_.back_after_ms;
  if (!back) return;
  story.lives_again(killed_);
  if (stage_.revive(killed_)) to_.say(cast_.all[killed_].name + " is back");
}
void demo_mishaps::kill_one(demo_story& story) {
  for (auto const v : cast_.victims) {
    if (v == story.divider() || v == cut_ || !story.renders(v)) continue;
    // Three whom the phone does not know are to have earned a receipt in the end.
    if (cast_.all[v].role == demo_role::cloud && !story.has_rendered(v)) continue;
    stage_.kill(v);
    story.died(v);
    killed_ = v;
    killed_at_ = clock::now();
    return to_.say(cast_.all[v].name + " is killed while it renders (kill -9)");
  }
}
void demo_mishaps::cut_one(demo_story const& story) {
  for (auto const c : cast_.cut_off) {
    if (c == story.divider() || c == killed_ || !story.renders(c)) continue;
    stage_.cut(story.divider(), c, cast_.cut_ms);
    cut_ = c;
    return to_.say(fmt::format("the link of {} to {} is cut for {:.1f} s", cast_.all[c].name,
                               cast_.all[story.divider()].name, cast_.cut_ms / 1e3));
  }
}
result<bool> demo_mishaps::wake_the_dead(demo_story& story) {
  if (killed_ == demo_cast::size || stage_.runs(killed_)) return true;
  story.lives_again(killed_);
  return stage_.revive(killed_);
}

result<performance> perform_movie(demo_stage& stage, demo_story& story, demo_mishaps& mishaps,
                                  demo_progress& progress, film_stock const& film,
                                  std::string const& folder) {
  performance out;
  auto const put = stage.ask(demo_cast::holder, {{"verb", "put"}, {"file", film.film}});
  if (!put) return error{put.why()};
  out.object = put.value().value("object", std::string{});
  out.film_bytes = put.value().value("bytes", std::uint64_t{0});
  auto const began = clock::now();
  auto const job = submit(stage, film, out.object);
  if (!job) return error{job.why()};
  out.job = job.value();
  auto const until = began + std::chrono::milliseconds{patience_ms(film) + 5'000};
  while (story.ended_ms() == 0) {
    if (!pause_ms(look_every_ms)) return error{"interrupted"};
    if (clock::now() > until) return error{"the job did not end in its patience"};
    auto sample = out.phone;
    count_phone(stage, sample);
    story.listen();
    if (story.join().ended_ms == 0) out.phone.objects_before = sample.objects_in;
    mishaps.look(story);
    progress.show(story);
  }
  out.real_s = since(began);
  progress.end();
  count_phone(stage, out.phone);
  if (story.ending() != "completed") return error{"the job ended as " + story.ending()};
  if (auto const got = fetch_result(stage, out, folder); !got) return error{got.why()};
  if (auto const woke = mishaps.wake_the_dead(story); !woke) return error{woke.why()};
  if (!pause_ms(settle_ms)) return error{"interrupted"};
  story.listen();
  return out;
}

}  // namespace hydra::node
