// Who calls from where, and how often: bounds what one address can cost this machine.
//
// An address is an IPv4 address, or the first 64 bits of an IPv6 address: whoever has one has all
// that begin alike. Each may hold so many connections at once and begin so many in each second, and
// there is a rate for all together.
// Memory: 64 bytes for each address of the last second or with a connection, addresses_max of them.
#pragma once

#include <hydra/net/limits.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

namespace hydra::net {

class callers {
 public:
  using time = std::chrono::steady_clock::time_point;
  using place = std::array<std::uint8_t, 9>;  // 4 or 6, then the address

  [[nodiscard]] static place place_of(boost::asio::ip::address const& a) {
    place out{};
    if (a.is_v4() || a.to_v6().is_v4_mapped()) {
      auto const four = a.is_v4() ? a.to_v4()
                                  : boost::asio::ip::make_address_v4(
                                        boost::asio::ip::v4_mapped, a.to_v6());
      out[0] = 4;
      auto const bytes = four.to_bytes();
      std::copy(bytes.begin(), bytes.end(), out.begin() + 1);
    } else {
      out[0] = 6;
      auto const bytes = a.to_v6().to_bytes();
      std::copy_n(bytes.begin(), 8, out.begin() + 1);
    }
    return out;
  }
  // Whether a connection from there may begin; if so, left() must be called when it has ended.
  // `costly`: it begins with a handshake, which the rates count.
  [[nodiscard]] bool admit(place const& from, limits const& bounds, bool costly, time now) {
    if (all_.size() >= bounds.addresses_max) forget(now);
    auto const known = all_.find(from);
    if (known == all_.end() && all_.size() >= bounds.addresses_max) return false;
    auto& it = known == all_.end() ? all_[from] : known->second;
    if (it.open >= bounds.per_address_max) return false;
    if (costly) {
      roll(it.begun, now);
      roll(together_, now);
      if (it.begun.count >= bounds.per_address_handshakes_per_s ||
          together_.count >= bounds.handshakes_per_s) {
        return false;
      }
      ++it.begun.count;
      ++together_.count;
    }
    ++it.open;
    return true;
  }
  void left(place const& from) {
    auto const it = all_.find(from);
    if (it != all_.end() && it->second.open != 0) --it->second.open;
  }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

 private:
  struct second {
    time since{};
    std::size_t count = 0;
  };
  struct caller {
    std::size_t open = 0;
    second begun;
  };
  static void roll(second& s, time now) {
    if (now - s.since >= std::chrono::seconds{1}) s = {now, 0};
  }
  void forget(time now) {
    std::erase_if(all_, [&](auto const& c) {
      return c.second.open == 0 && now - c.second.begun.since >= std::chrono::seconds{1};
    });
  }

  std::map<place, caller> all_;
  second together_;
};

}  // namespace hydra::net
