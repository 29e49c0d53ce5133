#include "demo.hpp"

#include "demo_end.hpp"
#include "demo_film.hpp"
#include "demo_play.hpp"
#include "demo_process.hpp"
#include "demo_progress.hpp"
#include "demo_stage.hpp"
#include "jail.hpp"
#include "jail_watch.hpp"
#include "manifest.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

enum demo_code : int {
  all_held = 0, failed = 1, usage = 2, not_held = 6, no_jail = 7, stopped = 130
};

int refuse(int code, std::string const& why) {
  fmt::print(stderr, "hydra demo: {}\n", why);
  return code;
}
double since(clock::time_point t) {
  return std::chrono::duration<double>(clock::now() - t).count();
}

// Of the demo alone; gone with it.
class demo_folder {
 public:
  [[nodiscard]] static result<std::string> make(std::string const& said) {
    std::error_code wrong;
    if (said.empty()) {
      std::string path = "/tmp/hydra-demo-XXXXXX";  // short: the names of sockets have little room
      if (::mkdtemp(path.data()) == nullptr) return error{"/tmp: no folder can be made there"};
      return path;
    }
    auto const path = fs::absolute(said, wrong).lexically_normal().string();
    if (fs::exists(path, wrong) && !fs::is_empty(path, wrong)) {
      return error{path + " is not empty; allowed: an empty folder, or none"};
    }
    fs::create_directories(path, wrong);
    return wrong ? result<std::string>{error{path + ": " + wrong.message()}}
                 : result<std::string>{path};
  }
  demo_folder(std::string path, bool keep) : path_{std::move(path)}, keep_{keep} {}
  demo_folder(demo_folder const&) = delete;
  demo_folder& operator=(demo_folder const&) = delete;
  ~demo_folder() {
    std::error_code ignored;
    net::end_orphans(path_);  // of the renderer that was killed
    if (!keep_) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string const& path() const noexcept { return path_; }

 private:
  std::string path_;
  bool keep_;
};

// Beside the program as it is installed: PREFIX/bin and PREFIX/share/hydra/services.
struct installed {
  std::string program;
  std::string manifest;
};
result<installed> find_installed() {
  std::error_code wrong;
  auto const self = fs::read_symlink("/proc/self/exe", wrong);
  if (wrong) return error{"/proc/self/exe: " + wrong.message()};
  auto const manifest = (self.parent_path() / "../share/hydra/services/render.movie/manifest.toml")
                            .lexically_normal();
  if (!fs::exists(manifest, wrong)) return error{manifest.string() + " is missing"};
  return installed{self.string(), manifest.string()};
}

// What is missing on this machine; 0: nothing.
int look_around(demo_arguments const& a) {
  for (auto const* tool : {"ffmpeg", "ffprobe"}) {
    constexpr int within_ms = 10'000;
    if (run_program({tool, "-version"}, within_ms).code != 0) {
      return refuse(failed, std::string{tool} + " is missing: apt-get install ffmpeg");
    }
  }
  if (a.size != "short" && a.size != "1080p") {
    return refuse(usage, "--size " + a.size + " is not allowed; allowed: short, 1080p");
  }
  std::error_code wrong;
  if (!a.film.empty() && !fs::is_regular_file(a.film, wrong)) {
    return refuse(usage, "--film " + a.film + ": is no file");
  }
  auto const jail = net::probe_jail({});
  if (jail.whole() || a.allow_without_jail) return 0;
  return refuse(no_jail, "the jail is not whole: " + jail.missing() +
                             "; --allow-without-jail goes on without it");
}

class demo_run {
 public:
  demo_run(demo_arguments const& a, installed at, std::string const& folder)
      : a_{a}, at_{std::move(at)}, folder_{folder}, progress_{cast_, a.json || a.quiet} {}

  [[nodiscard]] result<bool> play() {
    progress_.say(fmt::format("seed {}: {} and {} are friends, {} is home", a_.seed,
                              cast_.all[2].name, cast_.all[3].name, cast_.all[0].city));
    auto service = net::load_manifest(at_.manifest);
    if (!service) return error{service.why()};
    net::jail_policy jail;
    jail.allow_without_jail = a_.allow_without_jail;
    net::performer const by{service.value(), jail, true};
    if (auto const shot = shoot(by); !shot) return shot;
    if (auto const alone = make_alone(by); !alone) return alone;
    stage_order const order{folder_, at_.program, at_.manifest, folder_ + "/liar.toml",
                            a_.allow_without_jail, a_.seed};
    if (auto const lie = write_liar(at_.manifest, order.liar, cast_); !lie) return lie;
    demo_stage stage{order, cast_};
    auto const raised = clock::now();
    if (auto const up = stage.raise(); !up) return up;
    end_.times.stage_s = since(raised);
    progress_.say(fmt::format("eight nodes are up ({:.1f} s); the film lies on {}",
                              end_.times.stage_s, cast_.all[demo_cast::holder].name));
    return render_together(by, stage);
  }
  [[nodiscard]] demo_end const& end() const noexcept { return end_; }

 private:
  result<bool> shoot(net::performer const& by) {
    auto const began = clock::now();
    auto film = prepare_film(by, {a_.film, a_.size == "1080p", a_.seed}, folder_);
    if (!film) return error{was_interrupted() ? "interrupted" : film.why()};
    film_ = std::move(film.value());
    end_.times.film_s = since(began);
    progress_.say(fmt::format("a film of {} frames, {} cuts of it: {} frames in {} segments",
                              film_.facts.frames.size(), film_.cut_count, film_.plan.frames,
                              film_.plan.segments.size()));
    return true;
  }
  result<bool> make_alone(net::performer const& by) {
    auto const began = clock::now();
    auto const into = folder_ + "/alone";
    std::error_code wrong;
    fs::create_directories(into, wrong);
    auto const made = render_alone(by, film_, "vp9", into);
    if (!made) return error{"one machine alone: " + made.why()};
    end_.times.alone_s = since(began);
    end_.hash_alone = hash_of_frames(into + "/movie");
    progress_.say(fmt::format("one machine alone has made it ({:.1f} s), to compare",
                              end_.times.alone_s));
    return true;
  }
  result<bool> render_together(net::performer const& by, demo_stage& stage) {
    demo_story story{stage};
    demo_mishaps mishaps{stage, cast_, progress_};
    progress_.say("phone$ hydra run render.movie object:… cuts.toml -p codec=vp9");
    auto const done = perform_movie(stage, story, mishaps, progress_, film_, folder_);
    if (!done) return error{done.why()};
    end_.movie = net::check_movie(by, film_.facts, film_.plan, done.value().movie);
    end_.hash = hash_of_frames(done.value().movie);
    auto const nonce = static_cast<std::uint64_t>(done.value().job);
    end_.sum_up(cast_, film_, done.value(), story, mishaps, grow_tree(stage, nonce));
    return true;
  }

  demo_arguments const& a_;
  installed at_;
  std::string folder_;
  demo_cast cast_ = draw_cast(a_.seed);
  demo_progress progress_;
  film_stock film_;
  demo_end end_;
};

}  // namespace

int demo_movie(demo_arguments const& a) {
  remember_interrupts();
  if (auto const missing = look_around(a); missing != 0) return missing;
  auto at = find_installed();
  if (!at) return refuse(failed, at.why());
  auto const made = demo_folder::make(a.home);
  if (!made) return refuse(usage, made.why());
  demo_folder const folder{made.value(), a.keep};
  demo_run run{a, std::move(at.value()), folder.path()};
  auto const played = run.play();
  if (was_interrupted()) return refuse(stopped, "interrupted");
  if (!played) return refuse(failed, played.why());
  if (a.json) fmt::print("{}\n", run.end().json_text(a.seed));
  else if (!a.quiet) fmt::print("{}", run.end().text(a.seed));
  if (a.keep && !a.json) fmt::print("kept: {}\n", folder.path());
  if (auto const wrong = run.end().wrongs(); !wrong.empty()) return refuse(not_held, wrong);
  return all_held;
}

}  // namespace hydra::node
