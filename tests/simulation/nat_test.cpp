// Heads behind a NAT: who reaches whom, for how long, in what bound; and that shards, copies
// and checkpoints change nothing.
#include "catch.hpp"

#include <hydra/sim/checkpoint.hpp>
#include <hydra/sim/world.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace hydra;
using namespace std::chrono_literals;

namespace {

struct call {  // input
  peer to{};
  std::uint64_t bytes = 0;  // as a stream; none: a message
  template <class A>
  void serialize(A& a, unsigned) {
    a& to& bytes;
  }
};
struct word {
  static constexpr message_id id{room::node, 1, 1};
  std::uint8_t answers = 0;  // wanted
  template <class A>
  void serialize(A& a, unsigned) {
    a& answers;
  }
};
struct came {
  peer from{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& from;
  }
};
struct carried {
  bool ok = false;
  template <class A>
  void serialize(A& a, unsigned) {
    a& ok;
  }
};

// Does what its user says; a restless one also calls at random and answers.
struct caller {
  using messages = type_list<word>;
  using inputs = type_list<call>;
  using facts = type_list<came, carried>;
  bool restless = false;
  std::uint32_t all = 0;

  template <class A>
  void serialize(A& a, unsigned) {
    a& restless& all;
  }
  void on_start(auto& env) {
    if (restless) env.every(700ms, env.random().between(0ms, 700ms), 1);
  }
  void on_timer(auto& env, std::uint16_t) {
    peer const to{static_cast<std::uint32_t>(env.random().below(all))};
    if (to != env.self()) env.send(to, word{2});
  }
  void on_message(auto& env, peer from, word const& m) {
    env.emit(came{from});
    if (m.answers > 0) env.send(from, word{static_cast<std::uint8_t>(m.answers - 1)});
  }
  void on_fact(auto& env, call const& c) {
    if (c.bytes == 0) return env.send(c.to, word{});
    env.stream(c.to, object_id{}, byte_range{0, c.bytes});
  }
  void on_fact(auto& env, stream_done const& d) { env.emit(carried{d.ok}); }
};

// The last `phones` heads are behind a NAT.
struct homes : sim::plain_setting {
  homes(std::uint64_t seed, std::uint32_t n, std::uint32_t phones, duration holds = 2min)
      : plain_setting{seed, n}, servers{n - phones}, hold{holds} {}
  [[nodiscard]] bool calls_out_only(std::uint32_t who) const noexcept { return who >= servers; }
  [[nodiscard]] duration nat_hold() const noexcept { return hold; }
  [[nodiscard]] duration window() const noexcept { return 10ms; }
  [[nodiscard]] caller make(sim::permutation const&, std::uint32_t) const {
    return {restless, peers()};
  }
  [[nodiscard]] sim::delivery route(sim::transmission const& t) const noexcept {
    return {.delay = restless ? 10ms + 1ms * static_cast<int>(mix64(t.from * 31ULL + t.to) % 40)
                              : 20ms};
  }
  std::uint32_t servers;
  duration hold;
  bool restless = false;
};

struct diary {
  struct arrival {
    std::uint32_t at = 0;
    std::uint32_t from = 0;
    friend bool operator==(arrival const&, arrival const&) = default;
  };
  std::vector<arrival> words;
  std::vector<bool> streams;
  std::uint64_t sum = 0;
  void fact(instant at, std::uint32_t who, came const& c) {
    words.push_back({who, c.from.index()});
    sum += mix64(static_cast<std::uint64_t>(ns(at)) ^ mix64(who * 977ULL + c.from.index()));
  }
  void fact(instant, std::uint32_t, carried const& c) { streams.push_back(c.ok); }
  void merge(diary const& o) {
    words.insert(words.end(), o.words.begin(), o.words.end());
    sum += o.sum;
  }
  template <class A>
  void serialize(A& a, unsigned) {
    a& sum;
  }
};

using street = sim::world<caller, homes, diary>;
using arrivals = std::vector<diary::arrival>;

constexpr std::uint32_t phone = 300;  // of 300 servers and three phones

street quiet_street() { return street{homes{7, 303, 3}}; }

void says(street& w, std::uint32_t from, std::uint32_t to, std::uint64_t bytes = 0) {
  w.tell(peer{from}, call{peer{to}, bytes});
}
arrivals heard(street& w, duration within = 1s) {
  w.run_for(within);
  arrivals out;
  w.each_observer([&](diary& d) { out = std::exchange(d.words, {}); });
  return out;
}
bool last_stream(street& w) {
  w.run_for(1min);
  auto const all = w.observed().streams;
  return !all.empty() && all.back();
}

}  // namespace

TEST_CASE("a server reaches a phone only after the phone called it", "[nat]") {
  auto w = quiet_street();
  says(w, 5, phone);
  CHECK(heard(w).empty());
  CHECK(w.counts().kept_out == 1);
  says(w, phone, 5);
  CHECK(heard(w) == arrivals{{5, phone}});
  says(w, 5, phone);
  CHECK(heard(w) == arrivals{{phone, 5}});
  says(w, 6, phone);  // whom it did not call
  says(w, 5, phone + 1);
  CHECK(heard(w).empty());
  CHECK(w.counts().kept_out == 3);
  says(w, 6, 5);
  CHECK(heard(w) == arrivals{{5, 6}});
}

TEST_CASE("two phones never hear of each other, both calling or not", "[nat]") {
  auto w = quiet_street();
  says(w, phone, phone + 1);
  says(w, phone + 1, phone);
  CHECK(heard(w).empty());
  says(w, phone, phone + 1);
  says(w, phone + 1, phone);
  CHECK(heard(w).empty());
  CHECK(w.counts().kept_out == 4);
}

TEST_CASE("a mapping holds for two minutes after the last call out; what comes in renews nothing",
          "[nat]") {
  auto w = quiet_street();
  says(w, phone, 5);  // at 0 s
  w.run_until(origin + 1min);
  CHECK(heard(w).size() == 1);
  says(w, 5, phone);
  CHECK(heard(w).size() == 1);
  w.run_until(origin + 2min - 21ms);
  says(w, 5, phone);  // arrives 1 ms before the end
  says(w, phone + 1, 5);
  CHECK(heard(w).size() == 2);
  says(w, 5, phone);
  CHECK(heard(w).empty());
  says(w, 5, phone + 1);
  CHECK(heard(w).size() == 1);
  w.run_until(origin + 3min);
  says(w, phone + 1, 5);  // renews in time
  w.run_until(origin + 4min + 30s);
  static_cast<void>(heard(w));
  says(w, 5, phone + 1);
  CHECK(heard(w).size() == 1);
  CHECK(w.counts().kept_out == 1);
}

TEST_CASE("a phone that starts anew has called nobody", "[nat]") {
  auto w = quiet_street();
  says(w, phone, 5);
  CHECK(heard(w).size() == 1);
  w.crash(peer{phone});
  w.restart(peer{phone});
  says(w, 5, phone);
  CHECK(heard(w).empty());
}

TEST_CASE("a NAT remembers 256 calls; the oldest goes", "[nat]") {
  auto w = quiet_street();
  for (std::uint32_t i = 0; i < 256; ++i) {
    says(w, phone, i);
    w.run_for(1ms);
  }
  says(w, phone, 0);
  w.run_for(1ms);
  says(w, phone, 256);  // instead of number 1
  CHECK(heard(w).size() == 258);
  for (std::uint32_t const from : {0U, 1U, 2U, 256U}) says(w, from, phone);
  CHECK(heard(w).size() == 3);
  CHECK(w.counts().kept_out == 1);

  sim::nat_mappings m;
  sim::peer_range const all{10, 12};
  for (std::uint32_t i = 0; i < 5'000; ++i) m.called(all, 11, i, at_ns(i), 2min);
  CHECK(m.of(all, 11).size() == sim::nat_mappings::per_head_max);
  m.called(all, 11, 9'999, origin + 10min, 2min);  // who holds no more makes room
  CHECK(m.of(all, 11).size() == 1);
}

TEST_CASE("a stream passes where a message would at its start", "[nat]") {
  auto w = quiet_street();
  says(w, 5, phone, 1'000'000);
  CHECK_FALSE(last_stream(w));
  says(w, phone, phone + 1, 1'000'000);
  CHECK_FALSE(last_stream(w));
  says(w, phone, 5, 1'000'000);  // up to a server
  CHECK(last_stream(w));
  says(w, 5, phone, 1'000'000);  // and back, as it called
  CHECK(last_stream(w));
  says(w, 5, phone);  // it acknowledged the last byte a minute ago
  CHECK(heard(w).size() == 1);
  w.run_for(1min);
  says(w, 5, phone);
  CHECK(heard(w).empty());
}

TEST_CASE("behind NATs any number of shards and a copy give the same world",
          "[nat]") {
  homes setting{11, 90, 60, 3s};
  setting.restless = true;
  street one{setting, {.shards = 1}};
  one.run_for(10s);
  auto copy = one;
  one.run_for(10s);
  REQUIRE(one.counts().kept_out > 500);
  REQUIRE(one.counts().handled > 500);
  copy.run_for(10s);
  CHECK(copy.digest() == one.digest());
  CHECK(copy.counts().kept_out == one.counts().kept_out);
  for (unsigned const shards : {2U, 3U}) {
    street other{setting, {.shards = shards, .threads = 2}};
    other.run_for(20s);
    CHECK(other.digest() == one.digest());
    CHECK(other.observed().sum == one.observed().sum);
    CHECK(other.counts().kept_out == one.counts().kept_out);
  }
  auto endless = setting;
  endless.hold = 1h;
  street patient{endless};
  patient.run_for(20s);
  CHECK(patient.counts().kept_out < one.counts().kept_out);
}

TEST_CASE("what a NAT lets in is written into checkpoints", "[nat]") {
  auto const file = (std::filesystem::temp_directory_path() /
                     ("hydra-nat-" + std::to_string(::getpid()))).string();
  homes setting{11, 90, 60, 3s};
  setting.restless = true;
  street whole{setting};
  whole.run_for(9s);
  sim::write_checkpoint(file, {}, whole);
  whole.run_for(6s);
  for (unsigned const shards : {1U, 3U}) {
    street again{setting, {.shards = shards}, sim::as_written{}};
    sim::checkpoint_reader from{file};
    sim::read_checkpoint(from, again);
    again.run_for(6s);
    CHECK(again.digest() == whole.digest());
    CHECK(again.counts().kept_out == whole.counts().kept_out);
    CHECK(again.observed().sum == whole.observed().sum);
  }
  std::filesystem::remove(file);
}
