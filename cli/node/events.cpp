#include "events.hpp"

#include <fmt/format.h>

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <utility>

namespace hydra::node {
namespace {

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Of all processes of this one that have ended and were waited for.
std::int64_t children_cpu_ms() {
  rusage used{};
  if (::getrusage(RUSAGE_CHILDREN, &used) != 0) return 0;
  auto const ms = [](timeval const& t) {
    return std::int64_t{t.tv_sec} * 1000 + std::int64_t{t.tv_usec} / 1000;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

std::atomic<int> under_way = 0;             // tasks of this process
std::atomic<std::uint64_t> overlaps = 0;    // how often one began while another ran

}  // namespace

std::string hex_of_nonce(std::uint64_t nonce) { return fmt::format("{:016x}", nonce); }

std::string hex_of_output(payload const& output) {
  auto const made = object_made(output, {}, 1, {});
  return is_claim(output) ? net::hex_of(made.id) : std::string{};
}

char const* name_of(ending e) {
  switch (e) {
    case ending::completed: return "completed";
    case ending::nobody_found: return "nobody_found";
    case ending::no_result: return "no_result";
    case ending::refused: return "refused";
    case ending::cancelled: return "cancelled";
  }
  return "";
}
char const* name_of(outcome o) {
  switch (o) {
    case outcome::done: return "done";
    case outcome::forged: return "forged";
    case outcome::abandoned: return "abandoned";
    case outcome::refused: return "refused";
  }
  return "";
}

void event_ring::add(nlohmann::json event) {
  if (event.is_null()) return;
  std::lock_guard const lock{mutex_};
  event["n"] = ++last_;
  event["at_ms"] = now_ms();
  all_.push_back(std::move(event));
  if (all_.size() > events_max) all_.pop_front();
}

nlohmann::json event_ring::after(std::uint64_t since) const {
  std::lock_guard const lock{mutex_};
  auto events = nlohmann::json::array();
  auto const first = last_ - all_.size() + 1;  // of those that are here
  auto const from = std::max(first, since + 1);
  for (auto n = from; n <= last_ && events.size() < events_per_answer_max; ++n) {
    events.push_back(all_[static_cast<std::size_t>(n - first)]);
  }
  auto const next = from + events.size() - 1;
  return {{"events", events}, {"next", next}, {"lost", from - std::min(from, since + 1)}};
}

std::uint64_t event_ring::began(std::string const& service, std::uint64_t nonce) {
  add({{"event", "began"}, {"service", service}, {"nonce", hex_of_nonce(nonce)}});
  ++under_way;
  if (under_way > 1) ++overlaps;
  return overlaps;
}
void event_ring::ended(std::uint64_t number, nlohmann::json task, std::int64_t cpu_ms) {
  bool const alone = overlaps == number && under_way == 1;
  --under_way;
  task["event"] = "ended";
  task["cpu_ms"] = alone ? cpu_ms : -1;
  add(std::move(task));
}

watched_task::watched_task(event_ring& to, std::string service, std::uint64_t nonce)
    : to_{to},
      service_{std::move(service)},
      nonce_{nonce},
      number_{to.began(service_, nonce)},
      began_ms_{now_ms()},
      cpu_ms_{children_cpu_ms()} {}
watched_task::~watched_task() {
  to_.ended(number_,
            {{"service", service_},
             {"nonce", hex_of_nonce(nonce_)},
             {"good", good_},
             {"output", output_},
             {"wall_ms", now_ms() - began_ms_}},
            children_cpu_ms() - cpu_ms_);
}
std::optional<payload> watched_task::made(std::optional<payload> output) {
  good_ = output.has_value();
  if (good_) output_ = hex_of_output(*output);
  return output;
}

}  // namespace hydra::node
