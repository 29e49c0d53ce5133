// What may befall frames between a connection and its node: for tests, and for links that are
// emulated (emulated_link.hpp). The transport's promises end before it.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/time.hpp>
#include <hydra/wire/frame.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra::net {

// Takes what reaches the node now.
class frame_sink {
 public:
  virtual ~frame_sink() = default;
  virtual void pass(wire::frame_header const& h, std::span<std::byte const> payload) = 0;
};

// One life of a head, for a passage that keeps frames back for a while. In the io thread.
class frame_door {
 public:
  virtual ~frame_door() = default;
  [[nodiscard]] virtual boost::asio::io_context& io() = 0;
  [[nodiscard]] virtual instant clock() const = 0;
  [[nodiscard]] virtual key key_of(peer) const = 0;  // zero once its handle is forgotten
  [[nodiscard]] virtual bool congested() = 0;        // then nothing should be passed
  // As if it arrived now. A frame that does not decode is counted and closes nothing.
  virtual void pass_late(peer from, wire::frame_header const& h,
                         std::span<std::byte const> payload) = 0;
  // Likewise a frame of a lane (lanes.hpp).
  virtual void pass_bulk_late(peer from, std::uint32_t what,
                              std::span<std::byte const> payload) = 0;
};

class passage {
 public:
  virtual ~passage() = default;
  // A frame of `from` has arrived. Before it returns it hands on this frame, others of `from` that
  // it kept back, or nothing. In the io thread.
  virtual void arrived(peer from, wire::frame_header const& h, std::span<std::byte const> payload,
                       frame_sink& to) = 0;
  // A frame of a lane has arrived, of object bytes or about them. True: this passage keeps it, and
  // hands it on by the door or never; false: it passes now. Frames of one head keep their order.
  virtual bool keeps_bulk(peer, std::uint32_t, std::span<std::byte const>) { return false; }
  // A life begins, before its first frame; it ends, and its io thread has ended.
  virtual void opened(frame_door&) {}
  virtual void closed() {}
};

}  // namespace hydra::net
