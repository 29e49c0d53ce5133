// A user's serialize(A&, unsigned) works with our archives and with Boost.Serialization's: this
// header teaches Boost's the few core types that have no serialize of their own (handles,
// durations, instants). It includes nothing of Boost; who uses Boost's archives includes them, and
// <boost/serialization/array.hpp> for members that are std::array.
//
// Boost is for checkpoints and tests. A checkpoint keeps handles as numbers: it means something
// only together with the world that wrote it. Nothing from the network is read through Boost.
#pragma once

#include <hydra/core/bytes.hpp>

#include <chrono>
#include <cstdint>
#include <ratio>

namespace boost::serialization {

template <class A, class Tag>
void serialize(A& a, hydra::handle<Tag>& h, unsigned) {
  auto index = h.index();
  a& index;
  h = hydra::handle<Tag>{index};
}

template <class A>
void serialize(A& a, std::chrono::duration<std::int64_t, std::nano>& d, unsigned) {
  auto n = static_cast<long long>(d.count());
  a& n;
  d = hydra::duration{n};
}

template <class A>
void serialize(A& a, hydra::instant& t, unsigned) {
  auto n = static_cast<long long>(hydra::ns(t));
  a& n;
  t = hydra::at_ns(n);
}

}  // namespace boost::serialization
