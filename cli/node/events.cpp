#include "events.hpp"

#include "jail.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace hydra::node {
namespace {

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

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

watched_task::watched_task(event_ring& to, std::string service, std::uint64_t nonce)
    : to_{to},
      service_{std::move(service)},
      nonce_{nonce},
      began_ms_{now_ms()},
      cpu_{net::jailed_cpu()} {
  to_.add({{"event", "began"}, {"service", service_}, {"nonce", hex_of_nonce(nonce_)}});
}
watched_task::~watched_task() {
  to_.add({{"event", "ended"},
           {"service", service_},
           {"nonce", hex_of_nonce(nonce_)},
           {"good", good_},
           {"output", output_},
           {"wall_ms", now_ms() - began_ms_},
           {"cpu_ms", (net::jailed_cpu() - cpu_) / std::chrono::milliseconds{1}}});
}
std::optional<payload> watched_task::made(std::optional<payload> output) {
  good_ = output.has_value();
  if (good_) output_ = hex_of_output(*output);
  return output;
}

}  // namespace hydra::node
