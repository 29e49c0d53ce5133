// What may befall frames between a connection and its node: for tests, and for links that are
// emulated. The transport's promises end before it.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/wire/frame.hpp>

#include <cstddef>
#include <span>

namespace hydra::net {

// Takes what reaches the node now.
class frame_sink {
 public:
  virtual ~frame_sink() = default;
  virtual void pass(wire::frame_header const& h, std::span<std::byte const> payload) = 0;
};

class passage {
 public:
  virtual ~passage() = default;
  // A frame of `from` has arrived. Before it returns it hands on this frame, others of `from` that
  // it kept back, or nothing. In the io thread.
  virtual void arrived(peer from, wire::frame_header const& h, std::span<std::byte const> payload,
                       frame_sink& to) = 0;
};

}  // namespace hydra::net
