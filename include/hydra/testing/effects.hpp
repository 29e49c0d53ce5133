// What the recorder writes down: effects as comparable values.
#pragma once

#include <hydra/core/environment.hpp>
#include <hydra/core/journal.hpp>
#include <hydra/core/message.hpp>
#include <hydra/core/policy.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

namespace hydra::testing {

namespace detail {

template <class T>
[[nodiscard]] std::string_view name_of() noexcept {
  std::string_view const all = __PRETTY_FUNCTION__;
  auto const first = all.find("T = ") + 4;
  return all.substr(first, all.find_first_of(";]", first) - first);
}

// One address for each type: names it inside this process, never orders anything.
template <class T>
inline constexpr char type_mark = 0;

}  // namespace detail

// A message, fact or record of any described type; equal when the type and every member are.
class any_described {
 public:
  any_described() = default;
  template <Fact T>
  explicit any_described(T const& value)
      : type_{&detail::type_mark<T>}, name_{detail::name_of<T>()}, bytes_(sizeof(T)) {
    std::memcpy(bytes_.data(), &value, sizeof(T));
    auto copy = value;
    flatten members;
    copy.serialize(members, 0U);
    words_.assign(members.words().begin(), members.words().end());
  }
  template <class T>
  [[nodiscard]] bool is() const noexcept {
    return type_ == &detail::type_mark<T>;
  }
  // Precondition: is<T>().
  template <class T>
  [[nodiscard]] T as() const {
    HYDRA_EXPECTS(is<T>());
    T value{};
    std::memcpy(&value, bytes_.data(), sizeof(T));
    return value;
  }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  friend bool operator==(any_described const& a, any_described const& b) {
    return a.type_ == b.type_ && a.words_ == b.words_;
  }
  friend std::ostream& operator<<(std::ostream& out, any_described const& x) {
    out << x.name_ << '{';
    for (std::size_t i = 0; i < x.words_.size(); ++i) out << (i == 0 ? "" : " ") << x.words_[i];
    return out << '}';
  }

 private:
  void const* type_ = nullptr;
  std::string_view name_ = "nothing";
  std::vector<std::byte> bytes_;
  std::vector<std::uint64_t> words_;
};

struct sent_message {
  peer to{};
  any_described what;
  template <Message M>
  [[nodiscard]] bool is() const noexcept {
    return what.is<M>();
  }
  template <Message M>
  [[nodiscard]] M as() const {
    return what.as<M>();
  }
  friend bool operator==(sent_message const&, sent_message const&) = default;
  friend std::ostream& operator<<(std::ostream& out, sent_message const& x) {
    return out << "to " << x.to.index() << ": " << x.what;
  }
};

// A comparable list: sent(a, x) + sent(b, y) is both, in this order; sent() is none.
struct sent_messages : std::vector<sent_message> {
  using vector::vector;
  friend sent_messages operator+(sent_messages a, sent_messages const& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  // Those of one type, in order.
  template <Message M>
  [[nodiscard]] std::vector<M> all() const {
    std::vector<M> out;
    for (auto const& m : *this) {
      if (m.is<M>()) out.push_back(m.as<M>());
    }
    return out;
  }
};
[[nodiscard]] inline sent_messages sent() { return {}; }
template <Message M>
[[nodiscard]] sent_messages sent(peer to, M const& m) {
  sent_messages out;
  out.push_back({to, any_described{m}});
  return out;
}

struct armed_timer {
  room by = room::node;
  std::uint16_t tag = 0;
  duration delay{};   // for every(): the phase
  duration period{};  // zero: fires once
  timer id{};
  friend bool operator==(armed_timer const& a, armed_timer const& b) {
    return a.by == b.by && a.tag == b.tag && a.delay == b.delay && a.period == b.period;
  }
};

struct due_timer {
  instant at{};
  room by = room::node;
  std::uint16_t tag = 0;
  timer id{};
  [[nodiscard]] std::uint32_t whole_tag() const noexcept { return tag_of(by, tag); }
};

struct started_run {
  command id{};
  task what{};
};
struct started_stream {
  command id{};
  peer to{};
  object_id what{};
  byte_range which{};
};
struct kept_record {
  command id{};
  std::uint64_t name = 0;
  any_described what;
};

using hydra::effect;
using hydra::effect_count;

}  // namespace hydra::testing
