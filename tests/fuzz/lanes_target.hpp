// What the fuzzer of streams does with some bytes; the unit test runs it over the corpus.
#pragma once

#include <hydra/core/contract.hpp>
#include <hydra/net/lanes.hpp>
#include <hydra/net/limits.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hydra::fuzz {

// An owner of lanes with a disk that answers at once or when it is told to, and no network.
class lane_desk {
 public:
  struct said {
    peer to{};
    net::lane_frame what{};
    std::vector<std::byte> payload;
  };
  explicit lane_desk(net::object_files& files) : files_{&files} {}
  lane_desk(lane_desk const&) = delete;
  lane_desk& operator=(lane_desk const&) = delete;

  net::lane_limits bounds{};
  bool at_once = true;
  std::deque<said> pushed;
  std::vector<stream_done> done;
  std::size_t misbehaved = 0;
  std::size_t woken = 0;

  [[nodiscard]] net::lane_limits const& lane_bounds() const noexcept { return bounds; }
  template <class Job, class Then>
  void to_disk(Job job, Then then) {
    auto work = [this, job = std::move(job), then = std::move(then)]() mutable {
      then(job(*files_));
    };
    if (at_once && jobs_.empty()) work();
    else jobs_.emplace_back(std::move(work));
  }
  void push(peer to, std::vector<std::byte> frame) { pushed.push_back(opened(to, frame)); }
  void wake(peer) { ++woken; }
  void streamed(command id, bool ok, std::uint64_t bytes) { done.push_back({id, ok, bytes}); }
  void misbehaves(peer, std::string const&) { ++misbehaved; }

  // The disk does one thing that it was asked for; false: nothing waits.
  bool turn() {
    if (jobs_.empty()) return false;
    auto const job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
    return true;
  }
  [[nodiscard]] net::object_files& files() noexcept { return *files_; }
  [[nodiscard]] net::lanes<lane_desk>& lanes() noexcept { return lanes_; }
  [[nodiscard]] static said opened(peer to, std::vector<std::byte> const& frame) {
    wire::frame_reader reader;
    std::span<std::byte const> in{frame};
    HYDRA_ENSURES(reader.take(in) && in.empty() && reader.header().control());
    auto const p = reader.payload();
    return {to, static_cast<net::lane_frame>(reader.header().message), {p.begin(), p.end()}};
  }

 private:
  net::object_files* files_;
  std::deque<std::function<void()>> jobs_;
  net::lanes<lane_desk> lanes_{*this};
};

// An object of which all is known.
struct known_object {
  std::vector<std::byte> bytes;
  std::vector<net::leaf_hash> leaves;
  object_id id{};
  known_object(std::uint64_t length, std::uint8_t seed) : bytes(length) {
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i / 512 + seed);
    for (std::uint64_t i = 0; i < net::chunks_of(length); ++i) leaves.push_back(leaf(i));
    id = net::object_named(length, leaves);
  }
  [[nodiscard]] net::leaf_hash leaf(std::uint64_t i) const {
    return net::leaf_of(std::span{bytes}.subspan(i * net::chunk_bytes,
                                                 net::bytes_of_chunk(bytes.size(), i)));
  }
};

// Objects in a folder of their own.
class lane_folder {
 public:
  explicit lane_folder(std::string const& name)
      : path_{std::filesystem::temp_directory_path() /
              ("hydra-lanes-" + std::to_string(::getpid()) + "-" + name)},
        files_{path_.string()} {
    std::filesystem::create_directories(path_);
    HYDRA_ENSURES(files_.open().ok());
  }
  lane_folder(lane_folder const&) = delete;
  lane_folder& operator=(lane_folder const&) = delete;
  ~lane_folder() { std::filesystem::remove_all(path_); }
  void put(known_object const& what) {
    auto const from = (path_ / "fresh").string();
    std::ofstream out{from, std::ios::binary};
    out.write(reinterpret_cast<char const*>(what.bytes.data()),
              static_cast<std::streamsize>(what.bytes.size()));
    out.close();
    auto const id = files_.import(from);
    HYDRA_ENSURES(id.ok() && id.value() == what.id);
  }
  [[nodiscard]] net::object_files& files() noexcept { return files_; }

 private:
  std::filesystem::path path_;
  net::object_files files_;
};

// What hostile peers say and this head's node asks for, in an order that the bytes choose.
class lane_play {
 public:
  explicit lane_play(std::span<std::byte const> bytes) : bytes_{bytes} {
    desk_.bounds = {3, 4, 6, 3, 4, 30s};
    desk_.at_once = (number() & 1U) != 0;
  }
  void run() {
    while (!bytes_.empty()) {
      step();
      auto const& b = desk_.bounds;
      HYDRA_ENSURES(desk_.lanes().streams() <= 2 * b.streams_max);
      HYDRA_ENSURES(desk_.lanes().chunks() <=
                    b.getting_chunks_max + b.holding_chunks_max + 2 * b.streams_max);
      desk_.pushed.clear();
    }
    while (desk_.turn()) {
    }
    for (std::uint32_t p = 1; p <= peers; ++p) desk_.lanes().left(peer{p});
    HYDRA_ENSURES(desk_.lanes().streams() == 0 && desk_.done.size() == begun_);
    desk_.files().remove(wanted().id);
  }

 private:
  static constexpr std::uint32_t peers = 2;

  [[nodiscard]] static known_object const& held() {
    static known_object const o{2 * net::chunk_bytes + 100, 1};
    return o;
  }
  [[nodiscard]] static known_object const& wanted() {
    static known_object const o{2 * net::chunk_bytes + 5, 2};
    return o;
  }
  [[nodiscard]] static net::object_files& files() {
    static std::unique_ptr<lane_folder> const made = [] {
      auto f = std::make_unique<lane_folder>("fuzz");
      f->put(held());
      return f;
    }();
    return made->files();
  }
  [[nodiscard]] std::uint8_t number() {
    if (bytes_.empty()) return 0;
    auto const n = std::to_integer<std::uint8_t>(bytes_[0]);
    bytes_ = bytes_.subspan(1);
    return n;
  }
  [[nodiscard]] peer who() { return peer{number() % peers + 1U}; }
  [[nodiscard]] known_object const& object() {
    return (number() & 1U) != 0 ? held() : wanted();
  }
  // Near an edge more often than not.
  [[nodiscard]] std::uint64_t place() {
    auto const n = number();
    std::array<std::uint64_t, 8> const edges{0, 1, net::chunk_bytes, 2 * net::chunk_bytes,
                                             wanted().bytes.size(), held().bytes.size(),
                                             net::object_bytes_max, ~std::uint64_t{0}};
    return edges[n % edges.size()] + (n >> 6U);
  }
  [[nodiscard]] byte_range range() {
    auto const n = number();
    if ((n & 1U) != 0) return {0, (n & 2U) != 0 ? held().bytes.size() : wanted().bytes.size()};
    return {place(), place()};
  }
  void arrives(peer from, net::lane_frame what, std::span<std::byte const> payload) {
    if (!desk_.lanes().arrived(from, what, payload)) desk_.lanes().left(from);
  }
  void bulk(net::lane_frame what, std::span<std::byte const> from) {
    auto const sender = who();
    auto const stream = number() % 4;
    auto const at = what == net::lane_frame::piece ? place() : number() % 4;
    auto const unit = what == net::lane_frame::piece ? 1U : 32U;
    auto const n = std::min<std::size_t>((number() + 1U) * 240U, 61440);
    std::vector<std::byte> payload(16);
    wire::detail::put(payload.data(), stream, 8);
    wire::detail::put(payload.data() + 8, at, 8);
    auto const first = std::min<std::uint64_t>(at, from.size() / unit) * unit;
    auto const bytes = from.subspan(first, std::min(n, from.size() - first));
    payload.insert(payload.end(), bytes.begin(), bytes.end());
    if (number() == 255 && payload.size() > 16) payload[16] ^= std::byte{1};
    arrives(sender, what, payload);
  }
  // A whole chunk as an honest holder sends it.
  void chunk(std::uint64_t i) {
    auto const sender = who();
    auto const stream = number() % 4;
    auto const all = std::span{wanted().bytes};
    auto const end = std::min<std::uint64_t>((i + 1) * net::chunk_bytes, all.size());
    for (auto at = i * net::chunk_bytes; at < end; at += 61440) {
      std::vector<std::byte> payload(16);
      wire::detail::put(payload.data(), stream, 8);
      wire::detail::put(payload.data() + 8, at, 8);
      auto const part = all.subspan(at, std::min<std::uint64_t>(61440, end - at));
      payload.insert(payload.end(), part.begin(), part.end());
      arrives(sender, net::lane_frame::piece, payload);
    }
  }
  void judge(peer from, std::uint64_t ticket) {
    auto const it = std::find_if(asked_.begin(), asked_.end(), [&](auto const& a) {
      return a.from == from && a.ticket == ticket;
    });
    auto const v = desk_.lanes().answered(from, ticket);
    if (it == asked_.end()) {
      HYDRA_ENSURES(!v.whole && v.bytes == 0);
      return;
    }
    if (v.bytes != 0) {
      HYDRA_ENSURES(desk_.files().holds(it->what, {it->which.first, v.bytes}));
    }
    HYDRA_ENSURES(!v.whole || v.bytes == it->which.count);
    asked_.erase(it);
  }
  void ask() {
    auto const from = who();
    auto const ticket = std::uint64_t{number() % 4U};
    auto const what = object().id;
    auto const which = range();
    bool const fresh = std::none_of(asked_.begin(), asked_.end(), [&](auto const& a) {
      return a.from == from && a.ticket == ticket;
    });
    if (!fresh || which.count == 0) return;
    desk_.lanes().expects(from, ticket, what, which);
    asked_.push_back({from, ticket, what, which});
  }
  void hold() {
    auto const to = who();
    auto const what = object().id;
    desk_.lanes().stream({static_cast<std::uint32_t>(++begun_), room::data}, to, what, range());
  }
  void pull() {
    auto const to = who();
    std::vector<std::byte> frame;
    for (int i = number() % 16; i >= 0 && desk_.lanes().next(to, frame); --i) {
      HYDRA_ENSURES(frame.size() <= wire::frame_header_bytes + wire::frame_payload_max);
    }
  }
  void garbage() {
    auto const from = who();
    auto const what = static_cast<net::lane_frame>(net::lane_frames_first + number() % 5U);
    auto const n = std::min<std::size_t>(number() % 64U, bytes_.size());
    auto const payload = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    arrives(from, what, payload);
  }
  template <class M>
  void says(peer from, net::lane_frame what, M const& m) {
    arrives(from, what, std::span<std::byte const>{to_bytes(m)});
  }
  void step() {
    auto const wanted_tree = std::as_bytes(std::span{wanted().leaves});
    switch (number() % 13U) {
      case 0: {
        auto const from = who();
        auto const& what = object();
        std::uint64_t const stream = number() % 4U;
        auto const length = (number() & 7U) != 0 ? what.bytes.size() : place();
        return says(from, net::lane_frame::open,
                       net::lane_open{stream, what.id, length, range()});
      }
      case 1: {
        auto const from = who();
        std::uint64_t const stream = number() % 8U;
        auto const first = (number() & 7U) != 7U ? number() % 4U : place();
        return says(from, net::lane_frame::want,
                       net::lane_want{stream, first, number() % 6U, place()});
      }
      case 2: return bulk(net::lane_frame::tree, wanted_tree);
      case 3: return bulk(net::lane_frame::piece, wanted().bytes);
      case 4: {
        auto const from = who();
        std::uint64_t const stream = number() % 8U;
        auto const how = number();
        return says(from, net::lane_frame::end,
                       net::lane_end{stream, (how & 1U) != 0,
                                     static_cast<net::lane_outcome>((how >> 1U) % 3U)});
      }
      case 5: return garbage();
      case 6: return ask();
      case 7: return hold();
      case 8: return pull();
      case 9: {
        for (int i = number() % 8; i >= 0 && desk_.turn(); --i) {
        }
        return;
      }
      case 10: return desk_.lanes().left(who());
      case 11: {
        desk_.bounds.silence = (number() & 1U) != 0 ? duration{30s} : duration{-30s};
        desk_.lanes().tick();
        desk_.bounds.silence = 30s;
        return;
      }
      default: {
        if (auto const n = number(); (n & 1U) != 0) return chunk(n / 2U % 3U);
        auto const from = who();
        return judge(from, number() % 4U);
      }
    }
  }

  struct asking {
    peer from{};
    std::uint64_t ticket = 0;
    object_id what{};
    byte_range which{};
  };
  std::span<std::byte const> bytes_;
  lane_desk desk_{files()};
  std::vector<asking> asked_;
  std::size_t begun_ = 0;
};

inline void lanes_target(std::span<std::byte const> bytes) { lane_play{bytes}.run(); }

}  // namespace hydra::fuzz
