// Writing a world down while it runs, and going on from there.
//
//   write_checkpoint("run.hydra", head, world, beside...);
//   world_type again{setting, how, as_written{}};
//   checkpoint_reader from{"run.hydra"};
//   read_checkpoint(from, again, beside...);        // goes on as if nothing had been
//
// Promise. A world that was read has the same digest, facts and counts at every later instant as
// the one that was written, with any number of shards and threads on either side. What is written
// is named by peers and by content, never by place in memory: nodes and their activities, records
// (and which are still on their way to the disk), streams of chance, pending events, periods,
// timers and runs that were taken back, counts, and what the observer saw, merged.
//
// Not written: the setting (it is made anew, and must be the same), traces of the engine, and how
// often it sorted and turned windows, which depends on shards.
//
// Node and activities describe themselves by serialize(), settings included, through the archives
// of Boost.Serialization: a policy may hold whatever those can write, if its author includes their
// headers. The file means something only to the same build; see checkpoint_file.hpp.
// Cost: 4 to 7 kB and 60 us a Hydra of the planet.
#pragma once

#include <hydra/sim/checkpoint_file.hpp>
#include <hydra/sim/world.hpp>
#include <hydra/wire/archive.hpp>

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What is written as its members and nothing else: no version, no identity. So Boost makes no
// serializer objects for it, which would be most of what a world costs to compile.
namespace hydra::sim::detail {

template <class T>
inline constexpr bool plain = Described<T>;
template <class Tag>
inline constexpr bool plain<handle<Tag>> = true;
template <>
inline constexpr bool plain<duration> = true;
template <>
inline constexpr bool plain<instant> = true;
template <class T, std::size_t N>
inline constexpr bool plain<std::array<T, N>> = true;
template <class T>
inline constexpr bool plain<std::vector<T>> = true;

}  // namespace hydra::sim::detail

namespace boost::serialization {

template <class T>
  requires hydra::sim::detail::plain<T>
struct implementation_level_impl<T const> {
  using tag = boost::mpl::integral_c_tag;
  using type = boost::mpl::int_<object_serializable>;
  BOOST_STATIC_CONSTANT(int, value = type::value);
};
template <class T>
  requires hydra::sim::detail::plain<T>
struct tracking_level_impl<T const> {
  using tag = boost::mpl::integral_c_tag;
  using type = boost::mpl::int_<track_never>;
  BOOST_STATIC_CONSTANT(int, value = type::value);
};

}  // namespace boost::serialization

namespace hydra::sim {

namespace detail {

template <class... T>
constexpr bool each_restorable(type_list<T...>) {
  return (Restorable<T> && ...);
}

// What a default value of a type is made of: sizes of its members in their order.
class shape : public archive<shape> {
 public:
  template <class T>
  void number(T const&) {
    sum_.add(sizeof(T) * 4 + (std::is_signed_v<T> ? 1 : 0));
  }
  template <class Tag>
  void handle(hydra::handle<Tag> const&) {
    sum_.add(2);
  }
  void length(std::uint16_t&, std::uint16_t max) { sum_.add(std::uint64_t{max} << 16U); }
  template <class T>
  void type() {
    sum_.add(sizeof(T) << 8U | alignof(T));
    if constexpr (std::is_trivially_copyable_v<T> && Described<T> &&
                  std::default_initializable<T>) {
      auto const x = std::make_unique<T>();
      x->serialize(*this, 0U);
    }
  }
  template <class... T>
  void types(type_list<T...>) {
    sum_.add(sizeof...(T));
    (type<T>(), ...);
  }
  template <class... M>
  void ids(type_list<M...>) {
    (sum_.add(M::id.packed()), ...);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return sum_.value(); }

 private:
  fold sum_{0};
};

}  // namespace detail

// Boost's binary archive, which would take any byte for a truth value.
class checkpoint_archive
    : public boost::archive::binary_iarchive_impl<checkpoint_archive, char,
                                                  std::char_traits<char>> {
  using base = boost::archive::binary_iarchive_impl<checkpoint_archive, char,
                                                    std::char_traits<char>>;
  friend class boost::archive::detail::interface_iarchive<checkpoint_archive>;
  friend class boost::archive::basic_binary_iarchive<checkpoint_archive>;
  friend class boost::archive::load_access;

 public:
  // Boost's own header would be a length to believe; ours stands before it and says more.
  static constexpr unsigned flags = boost::archive::no_codecvt | boost::archive::no_header;
  explicit checkpoint_archive(std::streambuf& from) : base{from, flags} {}
  template <class T>
  void load(T& x) {
    base::load(x);
  }
  void load(bool& x) {
    unsigned char byte = 0;
    this->load_binary(&byte, 1);
    if (byte > 1) {
      throw boost::archive::archive_exception{
          boost::archive::archive_exception::input_stream_error};
    }
    x = byte == 1;
  }
};

}  // namespace hydra::sim

BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(hydra::sim::checkpoint_archive)

namespace hydra::sim {

// Whether a world of these nodes can be written down: they and their activities describe all
// they hold.
template <class N>
inline constexpr bool checkpointable =
    Restorable<N> && detail::each_restorable(activities_of<N>{});

struct checkpoint_access {
  template <class World>
  static std::uint64_t layout_of() {
    using N = typename World::shard_type::node_type;
    detail::shape s;
    s.ids(messages_of<N>{});
    s.types(messages_of<N>{});
    s.types(facts_into<N>{});
    s.types(facts_of<N>{});
    s.types(activities_of<N>{});
    s.types(records_of<N>{});
    s.type<N>();
    return s.value();
  }

  // ---- the whole -----------------------------------------------------------------------------

  template <class World, class A>
  static void save(World& w, A& a) {
    a& w.now_& w.injected_;
    for (std::uint32_t who = 0; who < w.peers(); ++who) peer(w.shard_of(who), who, a);
    save_events(w, a);
    save_wheels(w, a);
    std::vector<std::uint64_t> cancelled;
    std::vector<std::uint64_t> runs;
    for (auto& s : w.shards_) {
      append(cancelled, s.cancelled_.sorted());
      append(runs, s.runs_.sorted());
    }
    std::sort(cancelled.begin(), cancelled.end());
    std::sort(runs.begin(), runs.end());
    list(a, cancelled);
    list(a, runs);
    auto sums = w.counts();
    auto by_type = w.sent_by_type();
    counts<World>(a, sums);
    a& by_type;
    auto seen = w.observed();
    if constexpr (requires { seen.put_in_order(); }) seen.put_in_order();
    a& seen;
    mappings(w, a);
  }

  template <class World, class A>
  static void load(World& w, A& a, checkpoint_reader const& from) {
    a& w.now_& w.injected_;
    if (w.now_ < 0 || w.now_ != from.head().at) from.fail("is damaged: it does not know its time");
    for (auto& s : w.shards_) {
      s.cursor_ = s.stop_ = w.now_;
      s.queue_.move_to(w.now_ - w.now_ % s.queue_.width());
    }
    for (std::uint32_t who = 0; who < w.peers(); ++who) peer(w.shard_of(who), who, a);
    load_events(w, a, from);
    load_wheels(w, a, from);
    std::vector<std::uint64_t> cancelled;
    std::vector<std::uint64_t> runs;
    list(a, cancelled);
    list(a, runs);
    for (auto c : cancelled) w.shard_of(known(w, c >> 32U, from)).cancelled_.insert(c);
    for (auto& s : w.shards_) expect_runs(s, runs);
    auto& first = w.shards_[0];
    counts<World>(a, first.counts_);
    a& first.by_type_& first.observer_;
    mappings(w, a);
  }

 private:
  template <class T>
  static void append(std::vector<T>& to, std::vector<T> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  }
  // Grows as it is read: no length is believed before there was something behind it.
  template <class A, class T>
  static void list(A& a, std::vector<T>& all) {
    auto n = static_cast<std::uint64_t>(all.size());
    a& n;
    if constexpr (A::is_loading::value) all.clear();
    for (std::uint64_t i = 0; i < n; ++i) {
      if constexpr (A::is_loading::value) all.push_back({});
      a& all[static_cast<std::size_t>(i)];
    }
  }
  template <class World>
  static std::uint32_t known(World const& w, std::uint64_t who, checkpoint_reader const& from) {
    if (who >= w.peers()) from.fail("is damaged: it names a peer that is not there");
    return static_cast<std::uint32_t>(who);
  }
  template <class World, class A>
  static void counts(A& a, shard_counts& c) {
    a& c.events& c.handled& c.sent& c.dropped& c.to_nobody& c.duplicated;
    if constexpr (World::setting_type::counts_bytes) a& c.bytes;
  }

  // What stands before heads that can only call out; worlds without such heads write nothing.
  template <class World, class A>
  static void mappings(World& w, A& a) {
    if constexpr (World::shard_type::has_nat) {
      bool any = false;
      for (std::uint32_t who = 0; who < w.peers(); ++who) {
        if (!w.setting().calls_out_only(who)) continue;
        any = true;
        auto& s = w.shard_of(who);
        auto& mine = s.mappings_.of(s.range(), who);
        list(a, mine);
        if (mine.size() > nat_mappings::per_head_max) {
          throw std::length_error{"more mappings than a NAT may hold"};
        }
      }
      auto kept_out = w.counts().kept_out;
      if (!any) return;
      a& kept_out;
      if constexpr (A::is_loading::value) w.shards_[0].counts_.kept_out = kept_out;
    }
  }

  // ---- one peer ------------------------------------------------------------------------------

  template <class Shard, class A>
  static void peer(Shard& s, std::uint32_t who, A& a) {
    auto& slot = s.slot(who);
    auto& p = slot.state;
    a& p.digest& p.sequence& p.life& p.up& p.commands& p.activity& p.draws;
    if constexpr (Described<typename Shard::node_type>) a& slot.node;
    pools(s.activities_, p.activities, p.activity, activities_of<typename Shard::node_type>{}, a);
    pools(s.kept_, p.kept, p.sequence, typename kept_list<typename Shard::records>::type{}, a);
    periods_of(s.periods_, who, a);
    s.streams_.serialize(a, s.range_, who, s.setting_->line(who));
  }
  template <class Slabs, class Heads, class A, class... T>
  static void pools(Slabs& all, Heads& heads, std::uint32_t& serial, type_list<T...>, A& a) {
    (one_pool(all.template of<T>(heads, serial), a), ...);
  }
  // Newest first, as it is visited; each under its number.
  template <class T, class A>
  static void one_pool(hydra::pool<T> of, A& a) {
    auto n = static_cast<std::uint32_t>(of.size());
    a& n;
    if constexpr (A::is_saving::value) {
      of.each([&](activity which, T& x) {
        a& which.number;
        if constexpr (Described<T>) a& x;
      });
    } else {
      if (n > T::per_peer_max) throw std::length_error{"more activities than a peer may hold"};
      std::vector<std::pair<activity, T>> all;
      for (std::uint32_t i = 0; i < n; ++i) {
        auto& [which, x] = all.emplace_back();
        a& which.number;
        if constexpr (Described<T>) a& x;
      }
      std::for_each(all.rbegin(), all.rend(), [&](auto const& e) {
        of.put_back(e.first, e.second);
      });
    }
  }
  template <class A>
  static void periods_of(periods& of, std::uint32_t who, A& a) {
    std::vector<std::uint32_t> tags;
    std::vector<std::uint16_t> turns;
    if constexpr (A::is_saving::value) {
      of.each(who, [&](std::uint32_t tag, std::uint16_t turn) {
        tags.push_back(tag);
        turns.push_back(turn);
      });
    }
    list(a, tags);
    list(a, turns);
    if constexpr (A::is_loading::value) {
      for (std::size_t i = 0; i < std::min(tags.size(), turns.size()); ++i) {
        of.put_back(who, tags[i], turns[i]);
      }
    }
  }

  // ---- events --------------------------------------------------------------------------------

  // Calls f(std::type_identity<payload>) for an event of this kind and type; false: none such.
  template <class Shard, class F>
  static bool with_payload(std::uint16_t what, F&& f) {
    auto const type = static_cast<std::size_t>(what & 0x3fffU);
    switch (static_cast<kind>(what >> 14U)) {
      case kind::message: return nth(typename Shard::messages{}, type, f);
      case kind::fault: return type == 0 && told<typename Shard::timer_payload>(f);
      case kind::timer:
        if (type == 0) return told<typename Shard::timer_payload>(f);
        return type == 2 && told<typename Shard::periodic_payload>(f);
      case kind::fact: break;
    }
    auto const as_fact = [&]<class T>(std::type_identity<T>) {
      return told<typename Shard::template with_meta<T>>(f);
    };
    auto const as_commit = [&]<class T>(std::type_identity<T>) {
      return told<typename Shard::template with_meta<typename Shard::commit_payload>>(f);
    };
    auto left = type;
    if (left < Shard::facts::size) return nth(typename Shard::facts{}, left, as_fact);
    left -= Shard::facts::size;
    if (left < Shard::records::size) return nth(typename Shard::records{}, left, as_commit);
    left -= Shard::records::size;
    if (left < Shard::messages::size) return nth(typename Shard::messages{}, left, as_fact);
    left -= Shard::messages::size;
    if (left < Shard::emitted::size) return nth(typename Shard::emitted{}, left, as_fact);
    left -= Shard::emitted::size;
    if (left == 0) return as_fact(std::type_identity<typename Shard::stream_start>{});
    return left == 1 ? told<flow_message>(f) : left == 2 && told<std::uint64_t>(f);
  }
  template <class T, class F>
  static bool told(F& f) {
    f(std::type_identity<T>{});
    return true;
  }
  template <class... T, class F>
  static bool nth(type_list<T...>, std::size_t i, F& f) {
    std::size_t at = 0;
    return ((at++ == i && (static_cast<void>(f(std::type_identity<T>{})), true)) || ...);
  }

  template <class A>
  static void header(A& a, event& e) {
    a& e.at& e.to& e.from& e.sequence& e.what& e.copy;
  }
  // In the order of content, whatever shard and rung they wait in.
  template <class World, class A>
  static void save_events(World& w, A& a) {
    using shard_type = typename World::shard_type;
    std::vector<event*> all;
    for (auto& s : w.shards_) s.queue_.each([&](event& e) { all.push_back(&e); });
    std::sort(all.begin(), all.end(), [](event const* x, event const* y) {
      return before(*x, *y) || (!before(*y, *x) && x->what < y->what);
    });
    auto n = static_cast<std::uint64_t>(all.size());
    a& n;
    for (auto* e : all) {
      header(a, *e);
      auto const one = [&]<class T>(std::type_identity<T>) {
        auto x = shard_type::template payload_of<T>(*e);
        a& x;
      };
      HYDRA_ENSURES(with_payload<shard_type>(e->what, one));
    }
  }
  template <class World, class A>
  static void load_events(World& w, A& a, checkpoint_reader const& from) {
    using shard_type = typename World::shard_type;
    std::uint64_t n = 0;
    a& n;
    for (std::uint64_t i = 0; i < n; ++i) {
      event e;
      header(a, e);
      if (e.at < w.now_) from.fail("is damaged: an event lies in the past");
      auto& s = w.shard_of(known(w, e.to, from));
      auto const one = [&]<class T>(std::type_identity<T>) {
        T x{};
        a& x;
        e.words = words_of<T>();
        auto* place = s.queue_.push(e.at, e.words);
        *place = e;
        std::memcpy(place->payload(), &x, sizeof(T));
      };
      if (!with_payload<shard_type>(e.what, one)) from.fail("is damaged: no such kind of event");
    }
  }
  // A run that goes on has its end among the events of the head that runs it.
  template <class Shard>
  static void expect_runs(Shard& s, std::vector<std::uint64_t> const& runs) {
    auto const end = event::pack(kind::fact, index_of<run_done, typename Shard::facts>);
    using payload = typename Shard::template with_meta<run_done>;
    s.queue_.each([&](event& e) {
      if (e.what != end) return;
      auto const x = Shard::template payload_of<payload>(e);
      auto const name = Shard::run_name(e.to, x.head.life, x.value.id.number);
      if (std::binary_search(runs.begin(), runs.end(), name)) s.runs_.insert(name);
    });
  }

  // ---- periods on wheels ---------------------------------------------------------------------

  struct turning {
    std::int64_t period = 0;
    std::uint32_t tag = 0;
    std::uint32_t who = 0;
    std::int64_t phase = 0;
    std::uint8_t life = 0;
    friend auto operator<=>(turning const&, turning const&) = default;
    template <class A>
    void serialize(A& a, unsigned) {
      a& period& tag& who& phase& life;
    }
  };
  template <class World, class A>
  static void save_wheels(World& w, A& a) {
    std::vector<turning> all;
    for (auto& s : w.shards_) {
      for (auto const& each : s.wheels_) {
        each.each([&](std::uint32_t who, std::uint8_t life, std::int64_t phase) {
          all.push_back({each.period(), each.tag(), who, phase, life});
        });
      }
    }
    std::sort(all.begin(), all.end());
    auto n = static_cast<std::uint64_t>(all.size());
    a& n;
    for (auto& t : all) a& t;
  }
  template <class World, class A>
  static void load_wheels(World& w, A& a, checkpoint_reader const& from) {
    std::uint64_t n = 0;
    a& n;
    for (std::uint64_t i = 0; i < n; ++i) {
      turning t;
      a& t;
      bool const fits = t.period > 0 && t.period <= wheel::period_max && t.phase >= 0 &&
                        t.phase < t.period;
      if (!fits) from.fail("is damaged: a period fits no wheel");
      auto& s = w.shard_of(known(w, t.who, from));
      auto mine = std::find_if(s.wheels_.begin(), s.wheels_.end(), [&](wheel const& x) {
        return x.period() == t.period && x.tag() == t.tag;
      });
      if (mine == s.wheels_.end()) {  // whatever their number: other shards may have had others
        s.wheels_.emplace_back(t.period, t.tag, s.queue_.width());
        mine = s.wheels_.end() - 1;
      }
      mine->add(t.who, t.life, t.phase);
    }
  }
};

// The build that this program is: what it writes is read by no other.
[[nodiscard]] inline std::string build_of_program() {
#if defined(__clang__)
  std::string const compiler = "clang " __clang_version__;
#else
  std::string const compiler = "g++ " __VERSION__;
#endif
  return "hydra " + version_of_library() + ", " + compiler + ", Boost " BOOST_LIB_VERSION;
}

// Writes the world and what stands beside it. The bytes of the file. Throws checkpoint_unwritten.
template <class World, class... Beside>
std::uint64_t write_checkpoint(std::string const& path, checkpoint_head head, World& w,
                               Beside&... beside) {
  head.build = build_of_program();
  head.layout = checkpoint_access::layout_of<World>();
  head.peers = w.peers();
  head.at = ns(w.now());
  checkpoint_writer to{path, head};
  try {
    boost::archive::binary_oarchive a{to, checkpoint_archive::flags};
    checkpoint_access::save(w, a);
    ((a & beside), ...);
  } catch (boost::archive::archive_exception const& e) {
    throw checkpoint_unwritten{to.wrong().empty() ? path + ": " + e.what() : to.wrong()};
  }
  return to.finish();
}

// Fills a world that was made with as_written{} from the same setting. Throws checkpoint_error.
template <class World, class... Beside>
void read_checkpoint(checkpoint_reader& from, World& w, Beside&... beside) {
  auto const& head = from.head();
  if (head.build != build_of_program()) {
    from.fail("was written by another build: " + head.build + "; this is " + build_of_program());
  }
  if (head.layout != checkpoint_access::layout_of<World>()) {
    from.fail("was written by a program whose Hydra holds something else than this one's");
  }
  if (head.peers != w.peers()) {
    from.fail("is of " + std::to_string(head.peers) + " Hydras, this world of " +
              std::to_string(w.peers()));
  }
  try {
    checkpoint_archive a{from};
    checkpoint_access::load(w, a, from);
    ((a & beside), ...);
  } catch (boost::archive::archive_exception const& e) {
    from.fail(std::string{"is damaged: "} + e.what());
  } catch (std::length_error const& e) {
    from.fail(std::string{"is damaged: "} + e.what());
  }
  if (from.left() != 0) from.fail("is damaged: bytes are left over");
}

}  // namespace hydra::sim
