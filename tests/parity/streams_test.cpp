// Objects over real connections: TLS, disk to disk, with the same node that moves them in the
// simulator.
#include "../catch.hpp"
#include "../simulation/porter.hpp"

#include <hydra/net/runtime.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace hydra;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t film_bytes = 37 * net::chunk_bytes + 4321;

// A machine with a porter, and what it was told.
class depot {
 public:
  depot(fs::path const& below, std::uint8_t number, std::uint64_t quota = std::uint64_t{1} << 30U)
      : folder_{below / std::to_string(number)} {
    net::runtime_settings s;
    std::array<std::uint8_t, 32> seed{};
    seed[0] = number;
    s.identity = net::identity::from_seed(seed);
    s.objects = (folder_ / "objects").string();
    s.limits.objects.bytes_max = quota;
    fs::create_directories(folder_);
    here_ = std::make_unique<net::runtime<porter>>(s);
    here_->on_emit([this](fetched const& f) {
      std::lock_guard const lock{mutex_};
      told_.push_back(f);
      changed_.notify_all();
    });
  }
  void start() {
    auto const port = here_->start();
    INFO((port.ok() ? "" : port.why()));
    REQUIRE(port.ok());
  }
  net::runtime<porter>& machine() { return *here_; }
  object_ref put(std::uint64_t bytes, std::uint64_t seed) {
    auto const path = (folder_ / "film").string();
    std::ofstream out{path, std::ios::binary};
    for (std::uint64_t i = 0; i < bytes; i += 8) {
      auto const word = mix64(seed + i);
      out.write(reinterpret_cast<char const*>(&word),
                static_cast<std::streamsize>(std::min<std::uint64_t>(8, bytes - i)));
    }
    out.close();
    auto const id = here_->objects([&](net::object_files& f) { return f.import(path); });
    REQUIRE(id.ok());
    return {id.value(), bytes, {}};
  }
  // Gets it from others; waits for the answer. Ending it is the test's job: nothing may hang.
  fetched get(object_ref what, byte_range which, depot& one, depot* two = nullptr) {
    what.holder = here_->know(one.machine().contact());
    auto const other = two == nullptr ? peer{} : here_->know(two->machine().contact());
    REQUIRE(here_->tell(want_object{what, which, other}));
    return wait();
  }
  fetched wait() {
    std::unique_lock lock{mutex_};
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return !told_.empty(); }));
    auto const f = told_.front();
    told_.erase(told_.begin());
    return f;
  }
  bool has(object_id id, byte_range which) {
    return here_->objects([&](net::object_files& f) { return f.holds(id, which); });
  }
  std::string path_of(object_id id) {
    return here_->objects([&](net::object_files& f) { return f.path_of(id); });
  }
  bool sound(object_id id) {
    return here_->objects([&](net::object_files& f) { return f.verify(id); }).ok();
  }
  std::size_t streams() {
    return here_->inspect([](net::head<porter>& h) { return h.streams(); });
  }

 private:
  fs::path folder_;
  std::unique_ptr<net::runtime<porter>> here_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<fetched> told_;
};

struct yard {
  fs::path path = fs::temp_directory_path() / ("hydra-yard-" + std::to_string(::getpid()));
  yard() { fs::create_directories(path); }
  ~yard() { fs::remove_all(path); }
};

void rot(std::string const& path, std::uint64_t at) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(at));
  file << "rotten";
}

}  // namespace

TEST_CASE("an object comes from disk to disk, whole or in part, and proves itself") {
  yard const here;
  depot holder{here.path, 1};
  depot getter{here.path, 2};
  holder.start();
  getter.start();
  auto const film = holder.put(film_bytes, 1);
  auto const part = getter.get(film, {5 * net::chunk_bytes + 7, 2 * net::chunk_bytes}, holder);
  CHECK(part.ok);
  CHECK(part.bytes == 2 * net::chunk_bytes);
  CHECK(getter.has(film.id, {5 * net::chunk_bytes + 7, 2 * net::chunk_bytes}));
  CHECK_FALSE(getter.has(film.id, {0, 1}));
  auto const whole = getter.get(film, {0, film.bytes}, holder);
  CHECK(whole.ok);
  CHECK(getter.sound(film.id));
  CHECK(getter.has(film.id, {0, film.bytes}));
  // It can give it away now.
  depot third{here.path, 3};
  third.start();
  CHECK(third.get(film, {0, film.bytes}, getter).ok);
  CHECK(third.sound(film.id));
  CHECK(holder.streams() + getter.streams() + third.streams() == 0);
}

TEST_CASE("a holder whose bytes are wrong is found out; the other one carries on") {
  yard const here;
  depot liar{here.path, 1};
  depot honest{here.path, 2};
  depot getter{here.path, 3};
  for (auto* each : {&liar, &honest, &getter}) each->start();
  auto const film = liar.put(film_bytes, 2);
  REQUIRE(honest.put(film_bytes, 2) == film);
  rot(liar.path_of(film.id), 9 * net::chunk_bytes + 1);
  auto const alone = getter.get(film, {0, film.bytes}, liar);
  CHECK_FALSE(alone.ok);
  CHECK_FALSE(getter.has(film.id, {9 * net::chunk_bytes, 1}));
  CHECK(getter.machine().counters().bad_objects > 0);
  CHECK(getter.get(film, {0, film.bytes}, liar, &honest).ok);
  CHECK(getter.sound(film.id));
}

TEST_CASE("a holder that is killed: what came is not fetched again") {
  yard const here;
  depot first{here.path, 1};
  depot second{here.path, 2};
  depot getter{here.path, 3};
  for (auto* each : {&first, &second, &getter}) each->start();
  auto const film = first.put(40 * film_bytes, 3);
  REQUIRE(second.put(40 * film_bytes, 3) == film);
  auto want = film;
  want.holder = getter.machine().know(first.machine().contact());
  auto const other = getter.machine().know(second.machine().contact());
  REQUIRE(getter.machine().tell(want_object{want, {0, film.bytes}, other}));
  for (int i = 0; i < 10'000 && !getter.has(film.id, {0, 8 * net::chunk_bytes}); ++i) {
    net::asio::io_context io;
    net::asio::steady_timer{io, 1ms}.wait();
  }
  first.machine().kill();
  auto const f = getter.wait();
  CHECK(f.ok);
  CHECK(getter.sound(film.id));
  CHECK(f.bytes == film.bytes);
}

TEST_CASE("what does not fit, is not there or was not asked for does not come") {
  yard const here;
  depot holder{here.path, 1};
  depot small{here.path, 2, film_bytes - 1};
  holder.start();
  small.start();
  auto const film = holder.put(film_bytes, 4);
  CHECK_FALSE(small.get(film, {0, film.bytes}, holder).ok);
  CHECK_FALSE(small.has(film.id, {0, 1}));
  object_ref const nothing{{key{digest256{1, 2, 3, 4}}}, 100, {}};
  CHECK_FALSE(small.get(nothing, {0, 100}, holder).ok);
  // A holder that pushes what nobody fetched is refused.
  auto const getter = holder.machine().know(small.machine().contact());
  auto const pushed = holder.machine().inspect([&](net::head<porter>& h) {
    h.push(getter, net::control_frame(static_cast<net::control>(net::lane_frame::open),
                                      net::lane_open{77, film.id, film.bytes, {0, 100}}));
    return true;
  });
  CHECK(pushed);
  CHECK(small.streams() == 0);
  CHECK_FALSE(small.has(film.id, {0, 1}));
}
