// A real transport made worse: latency, jitter, loss and partitions (core/link.hpp), for machines
// without a kernel that can do it.
//
//   net::emulated_link slow{{.latency = 40ms, .jitter = 10ms, .loss = {1, 100}}, seed};
//   net::runtime<my_hydra> here{{.identity = me, .between = &slow}};
//
// What reaches one head passes one of these; each direction of a link is that of its receiver.
// Promise: which frames are lost and how long each takes is a pure function of (seed, from, to,
// its number on the link); frames of one link keep their order (a later one waits for an earlier);
// a partition takes what arrives in it. TCP still loses nothing beneath: pings, hellos and TLS are
// not touched. What a head sends to itself passes at once.
// Frames of lanes (object bytes, and what is said about them) take the latency of their link and,
// if line() was said, their turn on the line of this head, which all share; they know neither
// jitter nor loss, since TCP hides both, and a partition takes them too.
// Memory: bytes_max of frames that wait in all, link_bytes_max of one link, bulk_bytes_max of
// frames of lanes; more are dropped and counted, as a router would. While the node is congested
// nothing is passed.
#pragma once

#include <hydra/core/link.hpp>
#include <hydra/net/passage.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace hydra::net {

class emulated_link final : public passage {
 public:
  static constexpr std::size_t bytes_max = 16U << 20U;
  static constexpr std::size_t link_bytes_max = 1U << 20U;
  static constexpr std::size_t bulk_bytes_max = 32U << 20U;
  static constexpr std::size_t links_max = 4096;  // then those where nothing waits begin anew

  struct counts {
    std::uint64_t passed = 0;
    std::uint64_t lost = 0;
    std::uint64_t cut = 0;
    std::uint64_t full = 0;  // over the bounds
    std::uint64_t bytes_peak = 0;
  };

  explicit emulated_link(link_settings const& all, std::uint64_t seed = 1)
      : all_{all}, seed_{seed} {}
  // Before the head starts: links from this head are like this.
  void set(key const& from, link_settings const& link) { some_[from] = link; }
  // Before the head starts: bytes that lanes bring here in a second, of all links together.
  void line(std::uint64_t bytes_per_second) { line_ = bytes_per_second; }
  // In the io thread, or when the head does not run.
  [[nodiscard]] counts const& count() const noexcept { return counts_; }

  void opened(frame_door& door) override {
    door_ = &door;
    here_ = door.key_of(peer{0});
    clock_.emplace(door.io());
    bulk_clock_.emplace(door.io());
  }
  void closed() override {
    waiting_.clear();
    links_.clear();
    bytes_ = 0;
    clock_.reset();
    bulk_.clear();
    bulk_due_.clear();
    bulk_bytes_ = 0;
    line_free_ = {};
    bulk_clock_.reset();
    door_ = nullptr;
  }
  void arrived(peer from, wire::frame_header const& h, std::span<std::byte const> payload,
               frame_sink& to) override {
    auto const who = door_->key_of(from);
    if (who == here_) return to.pass(h, payload);
    auto& link = link_from(who);
    auto const now = door_->clock();
    auto const fate = fate_on(settings_of(who), seed_, who, here_, link.sequence++, now);
    if (fate.cut || fate.lost) {
      ++(fate.cut ? counts_.cut : counts_.lost);
      return;
    }
    if (fate.delay == duration{} && link.waiting == 0) {
      ++counts_.passed;
      return to.pass(h, payload);
    }
    auto const size = wire::frame_header_bytes + payload.size();
    if (bytes_ + size > bytes_max || link.bytes + size > link_bytes_max) {
      ++counts_.full;
      return;
    }
    link.due = std::max(link.due, now + fate.delay);
    ++link.waiting;
    link.bytes += size;
    bytes_ += size;
    counts_.bytes_peak = std::max<std::uint64_t>(counts_.bytes_peak, bytes_);
    waiting_[{link.due, ++serial_}] = {from, who, h, {payload.begin(), payload.end()}};
    if (waiting_.begin()->first.second == serial_) wake(link.due - now);
  }
  bool keeps_bulk(peer from, std::uint32_t what, std::span<std::byte const> payload) override {
    auto const who = door_->key_of(from);
    auto const& link = settings_of(who);
    if (link.latency == duration{} && line_ == 0 && bulk_.empty()) return false;
    auto const now = door_->clock();
    for (auto const& c : link.cuts) {
      if (now >= c.from && now < c.until) return ++counts_.cut != 0;
    }
    auto const size = wire::frame_header_bytes + payload.size();
    if (bulk_bytes_ + size > bulk_bytes_max) return ++counts_.full != 0;
    line_free_ = std::max(line_free_, now);
    if (line_ != 0) line_free_ += duration{static_cast<std::int64_t>(size * 1'000'000'000 / line_)};
    if (bulk_due_.size() >= links_max) {
      std::erase_if(bulk_due_, [&](auto const& each) { return each.second < now; });
    }
    auto& due = bulk_due_[who];
    due = std::max(due, line_free_ + link.latency);
    bulk_bytes_ += size;
    bulk_[{due, ++serial_}] = {from, who, what, {payload.begin(), payload.end()}};
    if (bulk_.begin()->first.second == serial_) wake_bulk(due - now);
    return true;
  }

 private:
  static constexpr auto congested_pause = std::chrono::milliseconds{5};
  static constexpr std::size_t frames_per_turn_max = 64;

  struct state {
    std::uint64_t sequence = 0;
    instant due{};  // of the last that waits
    std::size_t waiting = 0;
    std::size_t bytes = 0;
  };
  struct late_frame {
    peer from{};
    key who{};
    wire::frame_header header{};
    std::vector<std::byte> payload;
  };

  struct late_bulk {
    peer from{};
    key who{};
    std::uint32_t what = 0;
    std::vector<std::byte> payload;
  };

  [[nodiscard]] state& link_from(key const& who) {
    if (links_.size() >= links_max) {
      std::erase_if(links_, [](auto const& l) { return l.second.waiting == 0; });
    }
    return links_[who];
  }
  [[nodiscard]] link_settings const& settings_of(key const& from) const {
    auto const it = some_.find(from);
    return it == some_.end() ? all_ : it->second;
  }
  void wake(duration after) {
    clock_->expires_after(std::max(after, duration{}));
    clock_->async_wait([this](boost::system::error_code ec) {
      if (!ec) pass_due();
    });
  }
  void pass_due() {
    auto const now = door_->clock();
    for (std::size_t i = 0; i < frames_per_turn_max; ++i) {
      if (waiting_.empty() || waiting_.begin()->first.first > now) break;
      if (door_->congested()) return wake(congested_pause);
      auto const f = std::move(waiting_.extract(waiting_.begin()).mapped());
      auto& link = links_[f.who];
      --link.waiting;
      link.bytes -= wire::frame_header_bytes + f.payload.size();
      bytes_ -= wire::frame_header_bytes + f.payload.size();
      if (door_->key_of(f.from) != f.who) continue;  // forgotten on the way
      ++counts_.passed;
      door_->pass_late(f.from, f.header, f.payload);
    }
    if (!waiting_.empty()) wake(waiting_.begin()->first.first - now);
  }

  void wake_bulk(duration after) {
    bulk_clock_->expires_after(std::max(after, duration{}));
    bulk_clock_->async_wait([this](boost::system::error_code ec) {
      if (!ec) pass_due_bulk();
    });
  }
  void pass_due_bulk() {
    auto const now = door_->clock();
    for (std::size_t i = 0; i < frames_per_turn_max; ++i) {
      if (bulk_.empty() || bulk_.begin()->first.first > now) break;
      auto const f = std::move(bulk_.extract(bulk_.begin()).mapped());
      bulk_bytes_ -= wire::frame_header_bytes + f.payload.size();
      if (door_->key_of(f.from) == f.who) door_->pass_bulk_late(f.from, f.what, f.payload);
    }
    if (!bulk_.empty()) wake_bulk(bulk_.begin()->first.first - now);
  }

  link_settings all_;
  std::uint64_t seed_;
  std::map<key, link_settings> some_;
  std::map<key, state> links_;
  std::map<std::pair<instant, std::uint64_t>, late_frame> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t serial_ = 0;
  counts counts_;
  frame_door* door_ = nullptr;
  key here_{};
  std::optional<boost::asio::steady_timer> clock_;
  std::uint64_t line_ = 0;  // bytes/s; 0: no limit
  instant line_free_{};
  std::map<key, instant> bulk_due_;
  std::map<std::pair<instant, std::uint64_t>, late_bulk> bulk_;
  std::size_t bulk_bytes_ = 0;
  std::optional<boost::asio::steady_timer> bulk_clock_;
};

}  // namespace hydra::net
