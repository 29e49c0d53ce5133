// Distances that are not there: for demos and tests on one machine. A file `links.toml` beside
// hydra.toml says how what arrives here is delayed and lost; without it nothing is.
//
//   latency = "20 ms"        # of every message that arrives, one way
//   jitter = "2 ms"          # on top, at most
//   loss = 0.01              # how many of them do not arrive
//   seed = 1
//   [[link]]                 # what comes from one head
//   from = "KEY"             # 64 hex digits
//   latency = "90 ms"
//
// Promise: as in net/emulated_link.hpp; each end delays what it gets, so a round trip is the sum of
// both. A link that is cut takes all messages that arrive until it is whole again. The bytes of
// objects take the latency of their link, nothing else, and are not cut; what asks for them is.
// Bounds: links_max of the file; what waits is bounded by emulated_link.
#pragma once

#include <hydra/core/link.hpp>
#include <hydra/core/outcome.hpp>
#include <hydra/net/emulated_link.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace hydra::node {

inline constexpr std::size_t links_max = 64;

struct link_file {
  struct from_one {
    key from{};
    link_settings link{};
  };
  link_settings all{};
  std::vector<from_one> some;
  std::uint64_t seed = 1;
};

// Errors: every mistake as FILE:LINE:COLUMN, the value, what is allowed.
[[nodiscard]] result<link_file> load_links(std::string const& path);

class imitated_links final : public net::passage {
 public:
  // The links of a folder; nothing where it has no links.toml.
  [[nodiscard]] static result<std::unique_ptr<imitated_links>> of(std::string const& path);
  explicit imitated_links(link_file const& all);

  // From now on nothing of this head arrives for so long; the zero key: of any head. Any thread.
  void cut(key const& from, duration how_long);
  // Messages that a cut took.
  [[nodiscard]] std::uint64_t taken() const;

  void opened(net::frame_door&) override;
  void closed() override;
  void arrived(peer from, wire::frame_header const&, std::span<std::byte const>,
               net::frame_sink&) override;
  bool keeps_bulk(peer from, std::uint32_t what, std::span<std::byte const>) override;

 private:
  [[nodiscard]] bool takes(key const& from);

  net::emulated_link links_;
  net::frame_door* door_ = nullptr;
  mutable std::mutex mutex_;
  std::map<key, instant> until_;  // at most links_max
  std::uint64_t taken_ = 0;
};

}  // namespace hydra::node
