// What happened on a head, for whoever watches it: the facts of its Hydra and its tasks as JSON,
// the last events_max of them, numbered from 1.
//
//   {"n": 17, "at_ms": 1700000000123, "event": "placed", "owner": KEY, "nonce": "9f3c…", …}
//
// Keys are 64 hex digits, nonces 16. Memory: some 500 bytes for each. Calls from any thread.
#pragma once

#include <hydra/assembly/jobs.hpp>
#include <hydra/net/object_files.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

namespace hydra::node {

inline constexpr std::size_t events_max = 4096;
inline constexpr std::size_t events_per_answer_max = 1000;

[[nodiscard]] std::string hex_of_nonce(std::uint64_t);
[[nodiscard]] std::string hex_of_output(payload const&);  // of the object that it claims
[[nodiscard]] char const* name_of(ending);
[[nodiscard]] char const* name_of(outcome);

class event_ring {
 public:
  void add(nlohmann::json event);
  // Those after number `since`, the oldest first: {"events": […], "next": N, "lost": M}, where N is
  // the `since` of the next question and M how many were dropped before they were asked for.
  [[nodiscard]] nlohmann::json after(std::uint64_t since) const;

 private:
  mutable std::mutex mutex_;
  std::deque<nlohmann::json> all_;
  std::uint64_t last_ = 0;
};

// Around a task, on the thread that performs it: says its beginning, its end, how long it took and
// what its jails used. Its nonce names it: whose it is, is known to who gave it.
class watched_task {
 public:
  watched_task(event_ring& to, std::string service, std::uint64_t nonce);
  watched_task(watched_task const&) = delete;
  watched_task& operator=(watched_task const&) = delete;
  ~watched_task();
  // What came of it, passed on.
  [[nodiscard]] std::optional<payload> made(std::optional<payload> output);

 private:
  event_ring& to_;
  std::string service_;
  std::uint64_t nonce_;
  std::int64_t began_ms_;
  duration cpu_;
  bool good_ = false;
  std::string output_;
};

// ---- facts as events; `Head` resolves handles, in its io thread ---------------------------------

template <class Head, class Handle>
[[nodiscard]] std::string hex_of_handle(Head& h, Handle x) {
  if (!x) return {};
  if constexpr (std::is_same_v<Handle, peer>) return net::hex_of(object_id{h.about(x).key});
  else return net::hex_of(object_id{h.about(x)});
}
template <class Head>
void name_job(Head& h, nlohmann::json& to, job_id const& which, std::string const& prefix = "") {
  to[prefix + "owner"] = hex_of_handle(h, which.owner);
  to[prefix + "nonce"] = hex_of_nonce(which.nonce);
}

template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, job_accepted const& f) {
  nlohmann::json out{{"event", "accepted"}};
  name_job(h, out, f.which);
  return out;
}
template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, job_done const& f) {
  nlohmann::json out{{"event", "job_done"},         {"how", name_of(f.how)},
                     {"by", hex_of_handle(h, f.by)}, {"hops", f.hops},
                     {"placements", f.placements},  {"replaced", f.replaced},
                     {"results", f.results}};
  name_job(h, out, f.which);
  return out;
}
template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, placed const& f) {
  auto const who = f.who ? h.about(f.who).principal : principal{};
  nlohmann::json out{{"event", "placed"},
                     {"depth", f.depth},
                     {"replaces", f.replaces},
                     {"head", hex_of_handle(h, f.who)},
                     {"who", hex_of_handle(h, who)},
                     {"number", f.number},
                     {"link", net::hex_of(object_id{f.link})},
                     {"parent", net::hex_of(object_id{f.parent})}};
  name_job(h, out, f.which);
  name_job(h, out, f.root, "root_");
  return out;
}
template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, judged const& f) {
  nlohmann::json out{{"event", "judged"}, {"who", hex_of_handle(h, f.who)},
                     {"what", name_of(f.what)}};
  name_job(h, out, f.which);
  return out;
}
template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, part_done const& f) {
  nlohmann::json out{{"event", "part_done"}, {"how", name_of(f.how)},
                     {"by", hex_of_handle(h, f.by)},
                     {"index", f.index},
                     {"output", hex_of_output(f.output)}};
  name_job(h, out, f.which);
  name_job(h, out, f.whole, "whole_");
  return out;
}
template <class Head>
[[nodiscard]] nlohmann::json event_of(Head& h, task_ended const& f) {
  nlohmann::json out{{"event", "task_ended"}, {"what", name_of(f.what)},
                     {"busy_ms", f.busy / std::chrono::milliseconds{1}}};
  name_job(h, out, f.which);
  return out;
}
// What is nobody's business here.
template <class Head, class F>
[[nodiscard]] nlohmann::json event_of(Head&, F const&) {
  return {};
}

}  // namespace hydra::node
