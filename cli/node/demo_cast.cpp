#include "demo_cast.hpp"

#include <hydra/core/random.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <span>

namespace hydra::node {
namespace {

struct city {
  char const* name;
  double latitude;
  double longitude;
};
constexpr std::array homes{city{"Berlin", 52.52, 13.40}, city{"Prague", 50.08, 14.44},
                           city{"Vienna", 48.21, 16.37}, city{"Warsaw", 52.23, 21.01},
                           city{"Munich", 48.14, 11.58}};
constexpr std::array others{city{"Lisbon", 38.72, -9.14},   city{"Oslo", 59.91, 10.75},
                            city{"Athens", 37.98, 23.73},   city{"Dublin", 53.35, -6.26},
                            city{"Helsinki", 60.17, 24.94}, city{"Naples", 40.85, 14.27}};
constexpr city cloud{"Frankfurt", 50.11, 8.68};
constexpr std::array names{"Ada", "Ben", "Cleo", "Dan", "Edda", "Finn"};

template <class T, std::size_t N>
std::vector<T> shuffled(owned_stream& by, std::array<T, N> from) {
  auto draw = by.draw();
  auto const all = draw.sample(N, std::span<T>{from});
  return {all.begin(), all.end()};
}
std::vector<std::size_t> order(owned_stream& by, std::vector<std::size_t> from) {
  auto draw = by.draw();
  auto const all = draw.sample(from.size(), std::span<std::size_t>{from});
  return {all.begin(), all.end()};
}

void fill(owned_stream& by, demo_cast& to) {
  auto const home = homes[by.below(homes.size())];
  auto const far = shuffled(by, others);
  auto const named = shuffled(by, names);
  auto const add = [&](std::string name, demo_role role, city const& at) {
    to.all.push_back({std::move(name), role, at.name, at.latitude, at.longitude});
  };
  add("phone", demo_role::phone, home);
  add("desktop", demo_role::desktop, home);
  add(named[0], demo_role::friends, far[0]);
  add(named[1], demo_role::friends, far[1]);
  for (auto const* name : {"cloud-1", "cloud-2", "cloud-3"}) add(name, demo_role::cloud, cloud);
  add("stranger", demo_role::stranger, home);  // next door, so that it is asked
}

}  // namespace

duration demo_cast::delay(std::size_t from, std::size_t to) const {
  auto const& a = all[from];
  auto const& b = all[to];
  auto const rad = [](double degrees) { return degrees * std::numbers::pi / 180; };
  auto const cosine = std::sin(rad(a.latitude)) * std::sin(rad(b.latitude)) +
                      std::cos(rad(a.latitude)) * std::cos(rad(b.latitude)) *
                          std::cos(rad(a.longitude - b.longitude));
  auto const km = 6371 * std::acos(std::fmin(1.0, std::fmax(-1.0, cosine)));
  bool const same = a.role == b.role && a.role == demo_role::cloud;
  constexpr double near_ms = 2, in_the_room_ms = 0.2, per_km_ms = 0.008;  // fibre, with detours
  return std::chrono::microseconds{
      std::lround(1000 * (same ? in_the_room_ms : near_ms + km * per_km_ms))};
}

demo_cast draw_cast(std::uint64_t seed) {
  owned_stream by{stream_base(seed, 0x64656d6f, 1)};
  demo_cast out;
  fill(by, out);
  // Not who divides, who holds the film, nor who is to be caught.
  out.victims = order(by, {2, 3, 5, 6});
  out.kill_after = 3 + by.below(4);
  out.comes_back = by.below(2) == 0;
  out.back_after_ms = static_cast<int>(1500 + by.below(1500));
  out.cut_off = order(by, {2, 3, 4, 5, 6});
  out.cut_ms = static_cast<int>(1500 + by.below(1500));
  out.lies_tenths = static_cast<unsigned>(6 + by.below(3));
  out.lies_salt = static_cast<unsigned>(by.below(1000));
  return out;
}

}  // namespace hydra::node
