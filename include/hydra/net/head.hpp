// One life of a node on the network: the environment that it sees, from start to crash.
//
// Everything here happens in the io thread of the runtime (one thread, so the node needs no lock),
// except native calls and fsync, which happen in a pool and answer through the io thread.
// The time of a call is read once, when it begins. Instants are nanoseconds since `epoch`.
// Effects after a keep in one call wait for the disk; records are written in groups.
//
// With an identity connections are TLS and signatures Ed25519. Which public keys sign for a Hydra
// is known from hellos, and else from neighbours, who cannot lie about it: first from whom the
// record came. A check answers false if none of them knows in check_timeout. Keys that were told
// last as long as the handle of the Hydra, and not beyond this life. A bad signature costs a
// verification for each public key that its Hydra signs with (at most owner_keys_max).
// A head without an identity is for tests: keys derive from the seed and signatures are the
// modelled ones, as in the simulator.
// Objects lie in a folder (object_files.hpp) and move over the connections (lanes.hpp); without a
// folder every stream fails. Three pools: native calls, records, objects.
#pragma once

#include <hydra/core/derive.hpp>
#include <hydra/core/hashing.hpp>
#include <hydra/core/journal.hpp>
#include <hydra/core/node.hpp>
#include <hydra/net/lanes.hpp>
#include <hydra/net/native.hpp>
#include <hydra/net/parts.hpp>
#include <hydra/net/passage.hpp>
#include <hydra/net/signing.hpp>
#include <hydra/net/store.hpp>
#include <hydra/net/transport.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace hydra::net {

struct runtime_settings {
  std::uint64_t seed = 1;      // without an identity keys and draws derive from (seed, index);
                               // with one draws are a secret of each life, unless draws_by_seed
  std::uint32_t index = 0;     // of this head in the scenario
  std::uint32_t owner = same;  // of its Hydra; the same index unless said otherwise
  std::uint32_t network = 1;   // heads of other networks are refused
  hydra::reach reach = hydra::reach::open;  // what it says of itself to whom it calls
  std::string address = "127.0.0.1";  // loopback, unless beyond_loopback
  std::uint16_t port = 0;             // 0: any; a restart keeps the one it got
  std::string store{};                // path of the records; empty: in memory, lost on restart
  record_store* records = nullptr;    // instead of a file; outlives the runtime
  std::string objects{};              // folder of the objects; empty: this head has none
  std::int64_t epoch_ns = 0;  // instant zero in ns since 1970: the same on every machine
  std::size_t threads = 2;    // for native calls and fsync
  net::limits limits{};
  passage* between = nullptr;  // connections and this node; outlives the runtime
  journal* log = nullptr;  // everything that enters the node; read it after stop()
  std::optional<net::identity> identity{};  // of this head; none: plain TCP on loopback, for tests
  ownership belongs{};           // whose head it is; empty: it is a Hydra of its own
  bool beyond_loopback = false;  // may bind and dial any address; needs an identity
  bool draws_by_seed = false;    // with an identity too, so that a simulation of it draws the same;
                                 // others can guess what comes, hence never beyond_loopback
  std::map<key, std::uint16_t> minors{};  // versions of services within their major one

  static constexpr std::uint32_t same = 0xffffffffU;
};

namespace detail {

template <class List>
struct variant_of;
template <class... F>
struct variant_of<type_list<F...>> {
  using type = std::variant<std::monostate, F...>;
};

}  // namespace detail

// A fact that the node emitted: std::monostate never comes.
template <class N>
using emitted_fact = typename detail::variant_of<facts_of<N>>::type;

// Makes the node of a life; called before it starts, so that it may name heads and services.
template <Node N>
class head;
template <class N>
class builder {
 public:
  virtual ~builder() = default;
  [[nodiscard]] virtual N build(head<N>&) = 0;
};

// Who is told what the node emits; called in the io thread.
template <class N>
class observer {
 public:
  virtual ~observer() = default;
  virtual void told(emitted_fact<N> const&) = 0;
};

template <Node N>
class head : public environment_base<head<N>>, private frame_door {
 public:
  head(runtime_settings const& s, N const& fresh, natives const& table, observer<N>* to)
      : settings_{s},
        node_{fresh},
        natives_{table},
        observer_{to},
        file_{s.store, s.limits.store_bytes_max},
        store_{s.records != nullptr ? s.records : &file_},
        files_{s.objects, s.limits.objects},
        pool_{s.threads},
        clock_{io_},
        check_clock_{io_},
        directory_{s.limits.directory, *this},
        context_{s.identity ? std::make_unique<tls_context>(*s.identity) : nullptr},
        transport_{*this, io_, chance()},
        lanes_{*this} {}
  head(head const&) = delete;
  head& operator=(head const&) = delete;

  // ---- what the node sees ----------------------------------------------------------------------

  [[nodiscard]] instant now() const noexcept { return now_; }
  [[nodiscard]] peer self() const noexcept { return peer{0}; }
  [[nodiscard]] hydra::stream random_of(room by) noexcept {
    auto const purpose = static_cast<std::size_t>(by);
    return {stream_base(settings_.seed, purpose, settings_.index), draws_[purpose],
            context_ && !settings_.draws_by_seed ? &secret_ : nullptr};
  }
  [[nodiscard]] acquaintance about(peer who) const { return directory_.about(who); }
  [[nodiscard]] key about(principal who) const { return directory_.key_of(who); }
  [[nodiscard]] key about(service what) const { return directory_.key_of(what); }
  template <class T>
  [[nodiscard]] key hash(T const& what) const {
    return hash_of(what, resolver());
  }
  template <Message M>
  void send(peer to, M const& m) {
    record(effect::send, room::node, m, 0, directory_.key_of(to));
    if constexpr (std::is_same_v<M, fetch>) lanes_.expects(to, m.ticket, m.what, m.which);
    std::vector<std::byte> frame;
    if (!wire::append_frame(frame, M::id.packed(), 0,
                            [&](auto& out) { wire::encode(m, out, directory_); })) {
      ++counters_.dropped;
      return answer(unreachable{to});
    }
    do_or_hold(outgoing{to, std::move(frame)});
  }
  timer arm_of(room by, duration delay, std::uint16_t tag) {
    return arm_at(effect::arm, now_ + std::max(delay, duration{}), {}, by, tag);
  }
  void every_of(room by, duration period, duration phase, std::uint16_t tag) {
    HYDRA_EXPECTS(period > duration{});
    std::erase_if(timers_, [&](auto const& t) {
      return t.second.period != duration{} && t.second.tag == tag_of(by, tag);
    });
    arm_at(effect::every, now_ + std::max(phase, duration{}), period, by, tag);
  }
  void disarm(timer id) {
    digest_time(effect::disarm, room::node, id.due, 0);
    timers_.erase({id.due, id.number});
  }
  void disarm(command run) {
    digest_time(effect::disarm, run.by, instant{}, 1);
    running_.erase(run.number);
    std::erase_if(held_, [&](auto const& h) {
      auto const* s = std::get_if<started>(&h.what);
      return s != nullptr && s->id == run;
    });
  }
  template <Fact F>
  void emit(F const& fact) {
    static_assert(contains<F, facts_of<N>>, "list this fact under `facts` of the node");
    record(effect::emit, room::node, fact, 0);
    do_or_hold(emitted_fact<N>{fact});
  }
  template <Activity T>
  [[nodiscard]] hydra::pool<T> pool() {
    return slabs_.template of<T>(lists_, serial_);
  }
  command run_of(room by, task const& t) {
    auto const id = next_command(by);
    record(effect::run, by, t, 0);
    do_or_hold(started{id, t});
    return id;
  }
  command stream_of(room by, peer to, object_id what, byte_range which) {
    auto const id = next_command(by);
    record(effect::stream, by, what, which.count, directory_.key_of(to));
    do_or_hold(streaming{id, to, what, which});
    return id;
  }
  // Whether an object that is whole here has these bytes.
  [[nodiscard]] bool has(object_id what, byte_range which) const {
    auto const it = objects_here_.find(what);
    return it != objects_here_.end() && within(which, {0, it->second});
  }
  // The version of a service here within its major one; 0: not said.
  [[nodiscard]] std::uint16_t minor(service what) const {
    auto const it = settings_.minors.find(about(what));
    return it == settings_.minors.end() ? std::uint16_t{0} : it->second;
  }
  // The range of a part of an object that is whole here and was made to be divided into so many; of
  // no bytes: it was not.
  [[nodiscard]] byte_range part(object_id what, std::uint32_t index, std::uint32_t parts) const {
    if (!objects_here_.contains(what)) return {};
    auto const table = parts_in(files_.path_of(what));
    if (!table || table.value().size() != parts + std::size_t{1}) return {};
    return table.value()[index];
  }
  template <Described R>
  command keep_of(room by, std::uint64_t name, R const& r) {
    auto const id = next_command(by);
    record(effect::keep, by, r, name);
    std::vector<std::byte> bytes;
    wire::as_keys<directory_type> translate{directory_};
    to_bytes(r, bytes, translate);
    HYDRA_EXPECTS(bytes.size() <= record_bytes_max);
    store::append(batch_, store::what::keep, {type_of<R>(), name}, bytes);
    live_[{type_of<R>(), name}] = std::move(bytes);
    batch_ids_.push_back(id);
    last_keep_ = id.number;
    return id;
  }
  template <Described R>
  void erase(std::uint64_t name) {
    record(effect::erase, room::node, R{}, name);
    if (live_.erase({type_of<R>(), name}) == 0) return;
    store::append(batch_, store::what::erase, {type_of<R>(), name}, {});
  }
  template <Described R>
  [[nodiscard]] std::optional<R> recall(std::uint64_t name) const {
    auto const it = live_.find({type_of<R>(), name});
    return it == live_.end() ? std::nullopt : opened<R>(it->second);
  }
  // visit(name, R const&), names ascending. visit may keep and erase.
  template <Described R, class F>
  void recall_all(F&& visit) const {
    std::vector<std::uint64_t> names;
    for (auto it = live_.lower_bound({type_of<R>(), 0});
         it != live_.end() && it->first.type == type_of<R>(); ++it) {
      names.push_back(it->first.name);
    }
    for (auto name : names) {
      if (auto const r = recall<R>(name)) visit(name, *r);
    }
  }
  template <Described R>
  [[nodiscard]] signature sign(R const& r) const {
    if (!context_) return modelled_signature(settings_.seed, name_.owner, r, resolver());
    return context_->of().sign(signed_bytes(settings_.network, name_.owner, r, resolver()));
  }
  template <Described R>
  command check_of(room by, R const& r, principal signer, signature const& s) {
    auto const id = next_command(by);
    auto const k = directory_.key_of(signer);
    record(effect::check, by, r, 0, k);
    if (!context_) {
      answer(checked{id, k != key{} && s == modelled_signature(settings_.seed, k, r, resolver())});
    } else if (k == key{} || s == signature{}) {
      answer(checked{id, false});
    } else {
      judge({id, signer, k, signed_bytes(settings_.network, k, r, resolver()), s, {}, 0});
    }
    return id;
  }
  template <class... A>
  void note(room, A const&...) const noexcept {}

  // ---- what the runtime asks -------------------------------------------------------------------

  // Opens the store and the port. Before the io thread starts.
  [[nodiscard]] result<std::uint16_t> open(builder<N>* maker) {
    auto const stored = store_->open();
    if (!stored) return error{stored.why()};
    live_ = store_->records();
    lives_ = store_->lives() + 1;
    if (!settings_.objects.empty()) {
      auto const found = files_.open();
      if (!found) return error{found.why()};
      learn(files_.take_changes());
    }
    store::append(batch_, store::what::life, {0, lives_}, {});
    // Another life draws other numbers: nonces do not come twice.
    draws_.fill(static_cast<std::uint32_t>((lives_ - 1) << 20U));
    now_ = clock();
    auto const named = take_name();
    if (!named) return error{named.why()};
    self_pinned();
    auto const port = transport_.listen(settings_.address, settings_.port);
    if (port && maker != nullptr) node_ = maker->build(*this);
    return port;
  }
  void begin() {
    if (settings_.between != nullptr) settings_.between->opened(*this);
    asio::post(io_, [this] {
      directory_.introduce(self(), owner_, greeting().at, settings_.reach);
      remember_signer(owner_, settings_.identity ? &settings_.identity->raw() : nullptr,
                      settings_.belongs);
      if (settings_.log != nullptr) log_records(records_of<N>{});
      call([&] {
        if (settings_.log != nullptr) settings_.log->start(now_);
        tell_start(node_, *this);
      });
      look_after_lanes();
    });
  }
  [[nodiscard]] asio::io_context& io() noexcept override { return io_; }
  [[nodiscard]] N& node() noexcept { return node_; }
  [[nodiscard]] counters& count() noexcept { return counters_; }
  [[nodiscard]] counters const& count() const noexcept { return counters_; }
  [[nodiscard]] std::uint64_t effect_digest() const noexcept { return digest_.value(); }
  [[nodiscard]] std::string const& failure() const noexcept { return failure_; }
  [[nodiscard]] std::size_t sessions() const noexcept { return transport_.sessions(); }
  [[nodiscard]] std::size_t neighbours() const noexcept { return transport_.neighbours(); }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return transport_.queued_bytes(); }
  [[nodiscard]] std::size_t known_heads() const noexcept { return directory_.heads(); }
  // Whom it is connected to, and where they say they listen.
  [[nodiscard]] std::vector<peer> connected(std::size_t most) const {
    return transport_.neighbours(most);
  }
  [[nodiscard]] bool connected(peer to) const { return transport_.connected(to); }
  [[nodiscard]] wire::contact contact_of(peer who) const { return directory_.contact_of(who); }
  [[nodiscard]] std::size_t torn_bytes() const noexcept { return store_->torn_bytes(); }
  [[nodiscard]] std::size_t streams() const noexcept { return lanes_.streams(); }
  // Calls job(object_files&) in the thread of the objects and waits; not from the io thread.
  template <class Job>
  auto objects_now(Job& job) -> decltype(job(std::declval<object_files&>())) {
    std::promise<decltype(job(std::declval<object_files&>()))> given;
    asio::post(objects_pool_, [&, this] {
      auto answer = job(files_);
      asio::post(io_, [this, changes = files_.take_changes()] { learn(changes); });
      given.set_value(std::move(answer));
    });
    return given.get_future().get();
  }
  // Calls job(object_files&) in the thread of the objects, then(its answer) in the io thread.
  template <class Job, class Then>
  void to_disk(Job job, Then then) {
    asio::post(objects_pool_, [this, job = std::move(job), then = std::move(then)]() mutable {
      auto answer = job(files_);
      asio::post(io_, [this, changes = files_.take_changes(), answer = std::move(answer),
                       then = std::move(then)]() mutable {
        learn(changes);
        then(std::move(answer));
      });
    });
  }

  // A head that the operator names; its handle stays.
  [[nodiscard]] peer know(wire::contact const& c) {
    directory_.charge({});
    auto const p = directory_.intern_peer(c);
    if (p) directory_.pin(p);
    return p;
  }
  template <class Handle>
  [[nodiscard]] Handle know(key const& k) {
    directory_.charge({});
    Handle h;
    if constexpr (std::is_same_v<Handle, principal>) h = directory_.intern_principal(k);
    else h = directory_.intern_service(k);
    if (h) directory_.pin(h);
    return h;
  }
  template <Fact F>
  void tell(F const& fact) {
    call([&] {
      if (settings_.log != nullptr) settings_.log->template fact<N>(now_, fact);
      tell_fact(node_, *this, fact);
    });
  }
  // Whether all is on the disk and on the way.
  [[nodiscard]] bool is_flushed() const noexcept {
    return (failure_.empty() ? batch_.empty() && !committing_ : true) && answers_.empty() &&
           transport_.queued_bytes() == 0;
  }
  // No more calls to the node.
  void quiesce() {
    quiet_ = true;
    clock_.cancel();
    lane_clock_.cancel();
    check_clock_.cancel();
    transport_.stop_listening();
  }
  // After the io thread has ended: the pool too.
  void join() {
    transport_.close_all();
    if (settings_.between != nullptr) settings_.between->closed();
    // Native calls first: they may wait for objects.
    for (auto* each : {&pool_, &records_pool_, &objects_pool_}) {
      each->stop();
      each->join();
    }
    store_->close();
  }

  // ---- what the transport and the directory ask and tell ---------------------------------------

  using directory_type = directory<head>;  // of handles and keys
  [[nodiscard]] directory_type& known() noexcept { return directory_; }
  [[nodiscard]] limits const& bounds() const noexcept { return settings_.limits; }
  // Whether frames have to wait. What is held must fall below half before they go on: otherwise
  // each effect that gets out lets one frame in, and each group on the disk is tiny.
  [[nodiscard]] bool congested() noexcept override {
    if (held_.size() >= bounds().held_max) overfull_ = true;
    else if (held_.size() < bounds().held_max / 2 || held_.empty()) overfull_ = false;
    return overfull_ || batch_.size() >= batch_bytes_max || answers_.size() >= answers_max;
  }
  [[nodiscard]] hello greeting() const {
    auto h = name_;
    auto here = transport_.here();
    here.reach = settings_.reach;
    h.at.push_back(here);
    return h;
  }
  [[nodiscard]] tls_context* security() const noexcept { return context_.get(); }
  // Where this head binds and dials.
  [[nodiscard]] bool goes(asio::ip::address const& where) const {
    return where.is_loopback() || (settings_.beyond_loopback && context_ && !where.is_multicast());
  }
  // The handle of a head that said hello; nobody when it is not who was expected, does not prove
  // whose it is, or there is no room for it.
  peer meet(hello const& h, encounter const& with) {
    if (with.expected && directory_.key_of(with.expected) != h.head) return {};
    if (with.proved != nullptr && !belongs(h)) return {};
    directory_.charge(strangers);
    auto const p = directory_.intern_stranger({h.head, {}});
    if (!p) return {};
    bool const owned = h.owner != key{};
    auto const owner = owned ? directory_.intern_strange_principal(h.owner) : principal{};
    if (owned && !owner) {
      left(p);
      return {};
    }
    directory_.introduce(p, owner, reachable(h, with.from), wire::reach_said(h.at));
    if (!with.from.address().is_loopback()) {
      directory_.met_at(p, netgroup_of(with.from.address()));
    }
    remember_signer(owner, with.proved, h.proof);
    return p;
  }
  void reached(peer) {}
  void cut(peer who) { lanes_.left(who); }
  bool carried(peer from, std::uint32_t what, std::span<std::byte const> payload) {
    if (quiet_) return true;
    bool const kept = settings_.between != nullptr && from != self() &&
                      settings_.between->keeps_bulk(from, what, payload);
    return kept || lanes_take(from, what, payload);
  }
  bool next_bulk(peer to, std::vector<std::byte>& frame) {
    if (!lanes_.next(to, frame)) return false;
    if (is_piece(frame)) {
      counters_.object_bytes_out += piece_payload(frame.size() - wire::frame_header_bytes);
    }
    return true;
  }
  // A stranger of whom the node was not told cannot have been sent anything by it.
  void failed(peer who) {
    if (directory_.is_told(who)) answer(unreachable{who});
  }
  // The transport holds nothing of it.
  void left(peer who) {
    if (!transport_.holds(who)) directory_.forget_stranger(who);
  }
  // ---- what the lanes ask and tell
  [[nodiscard]] lane_limits const& lane_bounds() const noexcept { return settings_.limits.lanes; }
  void push(peer to, std::vector<std::byte> frame) {
    if (transport_.connected(to)) transport_.send(to, std::move(frame));
  }
  void wake(peer to) { transport_.wake(to); }
  void streamed(command id, bool ok, std::uint64_t bytes) { answer(stream_done{id, ok, bytes}); }
  void misbehaves(peer, std::string const& why) {
    ++counters_.bad_objects;
    complaint_ = why;
  }
  [[nodiscard]] std::string const& complaint() const noexcept { return complaint_; }

  // False: the bytes are not a message, the connection is to be closed.
  bool arrived(peer from, wire::frame_header const& h, std::span<std::byte const> payload) {
    if (quiet_) return true;
    if (settings_.between == nullptr) return open(from, h, payload);
    struct opener final : frame_sink {
      head* me;
      peer from;
      bool good = true;
      opener(head* h, peer p) : me{h}, from{p} {}
      void pass(wire::frame_header const& header, std::span<std::byte const> bytes) override {
        good = me->open(from, header, bytes) && good;
      }
    } to{this, from};
    settings_.between->arrived(from, h, payload, to);
    return to.good;
  }
  // A neighbour asks who signs for a Hydra, or answers. False: the bytes do not decode.
  bool consulted(peer from, control what, std::span<std::byte const> payload) {
    if (what == control::who_signs) {
      auto const asked = from_bytes<who_signs_body>(payload);
      if (asked && context_) tell_signers(from, asked.value().owner);
      return asked.ok();
    }
    auto const told = from_bytes<signers_body>(payload);
    if (told && context_) learn_signers(told.value());
    return told.ok();
  }
  void changed(peer p) {
    if (settings_.log != nullptr) settings_.log->head(clock(), p, directory_.about(p));
  }
  template <class Handle>
  void named(Handle h) {
    if (settings_.log != nullptr) settings_.log->name(clock(), h, directory_.key_of(h));
  }
  [[nodiscard]] instant clock() const override {
    auto const since = std::chrono::duration_cast<duration>(steady::now() - steady_start_);
    return at_ns(wall_start_ + since.count() - settings_.epoch_ns);
  }
  // False when the node or an activity does not describe what it holds: then nothing is evicted.
  bool mark(held_handles& held) {
    if constexpr (Described<N> && all_described(activities_of<N>{})) {
      node_.serialize(held, 0U);
      mark_activities(held, activities_of<N>{});
      transport_.mark(held);
      lanes_.mark(held);
      for (auto const& a : answers_) std::visit([&](auto const& f) { mark_one(held, f); }, a);
      for (auto const& c : checks_) held.handle(c.by);
      for (auto const& h : held_) std::visit([&](auto const& w) { mark_one(held, w); }, h.what);
      return true;
    } else {
      return false;
    }
  }

 private:
  [[nodiscard]] key key_of(peer p) const override { return directory_.key_of(p); }
  void pass_late(peer from, wire::frame_header const& h,
                 std::span<std::byte const> payload) override {
    if (!quiet_) static_cast<void>(open(from, h, payload));
  }
  void pass_bulk_late(peer from, std::uint32_t what,
                      std::span<std::byte const> payload) override {
    if (quiet_ || lanes_take(from, what, payload)) return;
    misbehaves(from, "a frame of a lane does not decode");
  }

  // False: it does not decode.
  [[nodiscard]] bool lanes_take(peer from, std::uint32_t what,
                                std::span<std::byte const> payload) {
    auto const kind = static_cast<lane_frame>(what);
    if (kind == lane_frame::piece) counters_.object_bytes_in += piece_payload(payload.size());
    return lanes_.arrived(from, kind, payload);
  }

  static constexpr std::size_t batch_bytes_max = 4U << 20U;
  static constexpr std::size_t answers_max = 16384;
  static constexpr auto lane_period = std::chrono::seconds{5};
  static constexpr std::size_t calls_per_turn_max = 64;  // then others get their turn
  static constexpr peer strangers{0xfffffffeU};

  struct outgoing {
    peer to{};
    std::vector<std::byte> frame;
  };
  struct started {
    command id{};
    task what{};
  };
  struct streaming {
    command id{};
    peer to{};
    object_id what{};
    byte_range which{};
  };
  using effect_variant = std::variant<outgoing, started, streaming, emitted_fact<N>>;
  struct held_effect {
    std::uint32_t keep = 0;
    effect_variant what;
  };
  struct armed {
    duration period{};
    std::uint32_t tag = 0;
  };
  using answer_variant = std::variant<kept, checked, run_done, stream_done, unreachable>;

  // ---- calls -----------------------------------------------------------------------------------

  template <class F>
  void call(F&& f) {
    if (quiet_) return;
    now_ = clock();
    directory_.charge({});
    last_keep_ = 0;
    directory_.hold(true);
    f();
    directory_.hold(false);
    last_keep_ = 0;
    commit();
    drain();
  }
  template <Fact F>
  void answer(F const& fact) {
    answers_.push_back(fact);
    drain();
  }
  // Answers are told after the call that caused them, some in each turn of the loop.
  void drain() {
    if (answers_.empty() || std::exchange(draining_, true)) return;
    asio::post(io_, [this] {
      draining_ = false;
      if (quiet_) answers_.clear();
      for (std::size_t i = 0; i < calls_per_turn_max && !answers_.empty(); ++i) {
        auto const a = std::move(answers_.front());
        answers_.pop_front();
        std::visit([this](auto const& fact) { this->tell(fact); }, a);
      }
      drain();
    });
  }
  bool open(peer from, wire::frame_header const& h, std::span<std::byte const> payload) {
    return open_message(typename N::messages{}, from, h.message, payload);
  }
  template <class... M>
  bool open_message(type_list<M...>, peer from, std::uint32_t id,
                    std::span<std::byte const> payload) {
    bool known = false;
    bool good = true;
    static_cast<void>(((M::id.packed() == id &&
                        (known = true, good = open_as<M>(from, payload), true)) || ...));
    if (!known) ++counters_.unknown;
    return good;
  }
  template <class M>
  bool open_as(peer from, std::span<std::byte const> payload) {
    directory_.charge(from);
    static_cast<void>(directory_.take_exhausted());
    auto const m = wire::decode<M>(payload, directory_);
    directory_.charge({});
    if (!m) {
      if (directory_.take_exhausted()) {
        ++counters_.refused;
        return true;
      }
      ++counters_.bad_messages;
      return false;
    }
    ++counters_.received;
    directory_.told(from);
    auto said = m.value();
    if constexpr (std::is_same_v<M, sending>) correct(from, said);
    source_ = from;
    call([&] {
      if (settings_.log != nullptr) settings_.log->message(now_, from, said);
      tell_message(node_, *this, from, said);
    });
    source_ = {};
    return true;
  }

  // What a holder says it sent, by what came and proved itself.
  void correct(peer from, sending& m) {
    if (m.how == carriage::under_way) return;
    auto const came = lanes_.answered(from, m.ticket);
    if (m.how == carriage::done && !came.whole) m.how = carriage::cut;
    if (m.how == carriage::cut) m.bytes = came.bytes;
  }
  void learn(std::vector<object_change> const& changes) {
    for (auto const& c : changes) {
      if (c.here) objects_here_[c.what] = c.length;
      else objects_here_.erase(c.what);
    }
  }
  void look_after_lanes() {
    if (settings_.objects.empty() || quiet_) return;
    lane_clock_.expires_after(lane_period);
    lane_clock_.async_wait([this](error_code ec) {
      if (ec) return;
      lanes_.tick();
      look_after_lanes();
    });
  }

  // ---- effects ---------------------------------------------------------------------------------

  void do_or_hold(effect_variant what) {
    if (last_keep_ != 0) {
      held_.push_back({last_keep_, std::move(what)});
      counters_.held_peak = std::max<std::uint64_t>(counters_.held_peak, held_.size());
    } else {
      perform(what);
    }
  }
  void perform(effect_variant& what) {
    if (auto* o = std::get_if<outgoing>(&what)) return transmit(*o);
    if (auto* s = std::get_if<started>(&what)) return launch(*s);
    if (auto* s = std::get_if<streaming>(&what)) return begin_stream(*s);
    if (observer_ != nullptr) observer_->told(std::get<emitted_fact<N>>(what));
  }
  void transmit(outgoing& o) {
    if (o.to != self()) {
      if (!directory_.knows(o.to)) return answer(unreachable{o.to});
      return transport_.send(o.to, std::move(o.frame));
    }
    asio::post(io_, [this, frame = std::move(o.frame)] {  // to itself: through the same codec
      wire::frame_reader reader;
      std::span<std::byte const> in{frame};
      if (reader.take(in)) arrived(self(), reader.header(), reader.payload());
    });
  }
  void begin_stream(streaming const& s) {
    bool const possible = !settings_.objects.empty() && directory_.knows(s.to) && s.to != self();
    if (!possible) return answer(stream_done{s.id, false, 0});
    lanes_.stream(s.id, s.to, s.what, s.which);
  }
  void launch(started const& s) {
    auto const it = natives_.find(directory_.key_of(s.what.what));
    if (it == natives_.end() || running_.size() >= bounds().runs_max) {
      return answer(run_done{s.id, false, {}, {}});
    }
    running_.insert(s.id.number);
    asio::post(pool_, [this, id = s.id, what = s.what, call = it->second] {
      auto const began = steady::now();
      auto const output = call->run(what);
      auto const took = std::chrono::duration_cast<duration>(steady::now() - began);
      asio::post(io_, [this, id, output, took] {
        if (running_.erase(id.number) == 0) return;  // taken back
        answer(run_done{id, output.has_value(), output.value_or(payload{}), took});
      });
    });
  }
  timer arm_at(effect kind, instant due, duration period, room by, std::uint16_t tag) {
    HYDRA_EXPECTS(timers_.size() < bounds().timers_max);
    timer const id{due, ++timer_serial_};
    digest_time(kind, by, due, tag);
    timers_[{due, id.number}] = {period, tag_of(by, tag)};
    if (timers_.begin()->first.second == id.number) wake();
    return id;
  }
  void wake() {
    if (timers_.empty() || quiet_) return;
    auto const wait = timers_.begin()->first.first - clock();
    clock_.expires_after(std::max(wait, duration{}));
    clock_.async_wait([this](error_code ec) {
      if (!ec) fire();
    });
  }
  void fire() {
    auto const until = clock();
    for (std::size_t i = 0; i < calls_per_turn_max; ++i) {
      if (timers_.empty() || timers_.begin()->first.first > until || quiet_) break;
      auto const [name, what] = *timers_.begin();
      timers_.erase(timers_.begin());
      if (what.period != duration{}) {  // what was slept through is not made up for
        auto const missed = (until - name.first) / what.period;
        timers_[{name.first + (missed + 1) * what.period, name.second}] = what;
      }
      call([&] {
        if (settings_.log != nullptr) settings_.log->timer(now_, what.tag);
        tell_timer(node_, *this, what.tag);
      });
    }
    wake();
  }

  // ---- records ---------------------------------------------------------------------------------

  template <class R>
  static constexpr std::uint32_t type_of() {
    static_assert(contains<R, records_of<N>>, "list this record under `records` of the node");
    if constexpr (requires { R::id.packed(); }) {
      return R::id.packed();
    } else {
      return 0xff000000U | static_cast<std::uint32_t>(index_of<R, records_of<N>>);
    }
  }
  template <class R>
  [[nodiscard]] std::optional<R> opened(std::vector<std::byte> const& bytes) const {
    wire::as_keys<directory_type> translate{directory_};
    auto const r = from_bytes<R>(bytes, translate);
    if (!r) return std::nullopt;  // written by another version
    return r.value();
  }
  // Writes what was kept since the last group; one group at a time.
  void commit() {
    if (batch_.empty() || committing_ || !failure_.empty()) return;
    committing_ = true;
    auto group = std::exchange(batch_, {});
    auto commands = std::exchange(batch_ids_, {});
    asio::post(records_pool_, [this, bytes = std::move(group), ids = std::move(commands)] {
      auto const done = store_->commit(bytes);
      asio::post(io_, [this, ids, why = done ? std::string{} : done.why()] {
        committing_ = false;
        if (!why.empty()) {
          failure_ = why;  // held effects stay held: nothing unkept gets out
          return;
        }
        for (auto id : ids) durable(id);
        commit();
      });
    });
  }
  void durable(command id) {
    while (!held_.empty() && held_.front().keep <= id.number) {
      auto h = std::move(held_.front());
      held_.pop_front();
      perform(h.what);
    }
    answer(kept{id});
  }

  // ---- the rest --------------------------------------------------------------------------------

  // How this head is called; once, before anything is sent.
  [[nodiscard]] result<bool> take_name() {
    name_.network = settings_.network;
    auto const& s = settings_;
    if (!s.identity) {
      auto const owner = s.owner == runtime_settings::same ? s.index : s.owner;
      name_.head = derived_key(s.seed, peer{s.index});
      name_.owner = derived_key(s.seed, principal{owner});
      return true;
    }
    if (s.draws_by_seed && s.beyond_loopback) return error{"draws_by_seed is for loopback only"};
    if (!identity::draw_secret(secret_)) return error{"no random numbers are to be had here"};
    name_.head = s.identity->id();
    name_.owner = s.belongs ? id_of(s.belongs.owner) : name_.head;
    name_.proof = name_.owner != name_.head ? s.belongs : ownership{};
    if (!belongs(name_)) return error{"the proof of ownership is not for this head, or not now"};
    return true;
  }
  // Whether a hello proves what it says about its owner.
  [[nodiscard]] bool belongs(hello const& h) const {
    if (h.owner == h.head || h.owner == key{}) return true;
    return h.proof && id_of(h.proof.owner) == h.owner &&
           holds(h.proof, settings_.network, h.head, clock(), bounds().clock_skew);
  }
  bool remember_signer(principal owner, raw_key const* mine, ownership const& proof) {
    if (!owner || mine == nullptr) return false;
    bool const its_own = proof && directory_.signs_for(owner, {proof.owner, never, {}});
    return directory_.signs_for(owner, {*mine, proof ? proof.until : never, proof}) || its_own;
  }

  // ---- signatures ------------------------------------------------------------------------------

  struct waiting_check {
    command id{};
    principal by{};
    key signer{};
    std::vector<std::byte> bytes;
    signature said{};
    instant until{};
    std::size_t asked = 0;  // neighbours that have not answered
  };
  static constexpr std::size_t asked_max = 8;

  [[nodiscard]] bool is_signed(waiting_check const& c) const {
    auto const& keys = directory_.keys_of(c.by);
    return std::any_of(keys.begin(), keys.end(), [&](auto const& each) {
      bool const over = clock() - bounds().clock_skew > each.until;
      return !over && verify(each.raw, c.bytes, c.said);
    });
  }
  // Answers, or asks neighbours if a key that it does not know may have signed.
  void judge(waiting_check c) {
    auto const& keys = directory_.keys_of(c.by);
    bool const has_heads = std::any_of(keys.begin(), keys.end(),
                                       [](auto const& k) { return static_cast<bool>(k.proof); });
    bool const good = is_signed(c);
    bool const open = !good && (keys.empty() || has_heads) && checks_.size() < bounds().checks_max;
    if (open) c.asked = ask_neighbours(c.signer);
    if (c.asked == 0) return answer(checked{c.id, good});
    c.until = clock() + bounds().check_timeout;
    checks_.push_back(std::move(c));
    if (checks_.size() == 1) await_signers();
  }
  std::size_t ask_neighbours(key const& owner) {
    auto const frame = control_frame(control::who_signs, who_signs_body{owner});
    std::size_t asked = source_ && transport_.whisper(source_, frame) ? 1 : 0;
    for (auto p : transport_.neighbours(asked_max)) {
      if (p != source_ && asked < asked_max && transport_.whisper(p, frame)) ++asked;
    }
    return asked;
  }
  void await_signers() {
    if (checks_.empty() || quiet_) return;
    check_clock_.expires_after(std::max(checks_.front().until - clock(), duration{}));
    check_clock_.async_wait([this](error_code ec) {
      if (ec) return;
      while (!checks_.empty() && checks_.front().until <= clock()) {
        answer(checked{checks_.front().id, false});
        checks_.pop_front();
      }
      await_signers();
    });
  }
  void tell_signers(peer to, key const& owner) {
    signers_body out{owner, {}};
    for (auto const& k : directory_.keys_of(directory_.find_principal(owner))) {
      if (k.proof || id_of(k.raw) == owner) out.all.try_push_back({k.raw, k.proof});
    }
    transport_.whisper(to, control_frame(control::signers, out));
  }
  // Only what was asked for is looked at; signatures are tried again only after news.
  void learn_signers(signers_body const& told) {
    auto const about = [&](auto const& c) { return c.signer == told.owner; };
    auto const first = std::find_if(checks_.begin(), checks_.end(), about);
    if (first == checks_.end()) return;
    bool news = false;
    for (auto const& each : told.all) {
      auto const k = id_of(each.raw);
      if (k == told.owner) {
        news = directory_.signs_for(first->by, {each.raw, never, {}}) || news;
      } else if (id_of(each.proof.owner) == told.owner &&
                 holds(each.proof, settings_.network, k, clock(), bounds().clock_skew)) {
        news = remember_signer(first->by, &each.raw, each.proof) || news;
      }
    }
    std::erase_if(checks_, [&](waiting_check& c) {
      if (!about(c)) return false;
      bool const good = news && is_signed(c);
      if (!good && --c.asked != 0) return false;
      answer(checked{c.id, good});
      return true;
    });
  }
  // Where others can dial it, of what it says; who calls from elsewhere is not in this machine.
  [[nodiscard]] wire::endpoints reachable(hello const& h, tcp::endpoint const& from) const {
    wire::endpoints at;
    for (auto e : h.at) {
      auto where = from_wire(e);
      if (where.address().is_unspecified()) where.address(from.address());
      bool const inside = where.address().is_loopback() && !from.address().is_loopback();
      if (where.port() == 0 || inside || !goes(where.address())) continue;
      auto const how = e.reach;
      e = to_wire(where);
      e.reach = how;
      at.push_back(e);
    }
    return at;
  }
  // Differs between lives: two heads that lost each other do not dial in step.
  [[nodiscard]] std::uint64_t chance() const {
    auto const ticks = static_cast<std::uint64_t>(steady::now().time_since_epoch().count());
    return mix64(ticks ^ stream_base(settings_.seed, purpose::fault, settings_.index));
  }
  void self_pinned() {
    directory_.charge({});
    auto const me = know(wire::contact{greeting().head, {}});
    HYDRA_ENSURES(me == self());
    owner_ = know<principal>(greeting().owner);
  }
  [[nodiscard]] auto resolver() const {
    return [this](auto who) { return directory_.key_of(who); };
  }
  command next_command(room by) noexcept { return {++command_serial_, by}; }
  template <Described T>
  void record(effect kind, room by, T const& what, std::uint64_t extra, key const& whom = {}) {
    if (settings_.log == nullptr) return;
    digest_.add(now_, kind, by, what, whom, extra, resolver());
  }
  void digest_time(effect kind, room by, instant due, std::uint32_t tag) {
    if (settings_.log != nullptr) digest_.add(now_, kind, by, due, tag, resolver());
  }
  template <class... R>
  void log_records(type_list<R...>) {
    (recall_all<R>([&](std::uint64_t name, R const& r) {
       settings_.log->template record<N>(clock(), name, r);
     }), ...);
  }
  template <class... T>
  static constexpr bool all_described(type_list<T...>) {
    return (Described<T> && ...);
  }
  template <class... T>
  void mark_activities(held_handles& held, type_list<T...>) {
    (pool<T>().each([&](activity, T& x) { x.serialize(held, 0U); }), ...);
  }
  template <class T>
  static void mark_one(held_handles& held, T const& x) {
    if constexpr (std::is_same_v<T, outgoing>) {
      held.handle(x.to);
    } else if constexpr (std::is_same_v<T, streaming>) {
      held.handle(x.to);
    } else if constexpr (std::is_same_v<T, started>) {
      mark_one(held, x.what);
    } else if constexpr (Described<T>) {
      auto copy = x;
      copy.serialize(held, 0U);
    }
  }
  static void mark_one(held_handles& held, emitted_fact<N> const& x) {
    std::visit([&](auto const& f) { mark_one(held, f); }, x);
  }

  runtime_settings settings_;
  N node_;
  natives natives_;
  observer<N>* observer_;
  store file_;
  record_store* store_;
  object_files files_;  // touched by the thread of objects_pool_, and before it runs
  asio::io_context io_;
  asio::thread_pool pool_;
  asio::thread_pool records_pool_{1};
  asio::thread_pool objects_pool_{1};
  asio::steady_timer clock_;
  asio::steady_timer lane_clock_{io_};
  asio::steady_timer check_clock_;
  mutable directory_type directory_;
  std::unique_ptr<tls_context> context_;
  transport<head> transport_;
  lanes<head> lanes_;
  counters counters_;

  steady::time_point steady_start_ = steady::now();
  std::int64_t wall_start_ =
      std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  instant now_{};
  principal owner_{};
  hello name_{};  // without endpoints
  std::array<std::uint32_t, room_count> draws_{};
  draw_key secret_{};  // of this life: others see draws (nonces) and must not guess those to come
  std::map<std::pair<instant, std::uint32_t>, armed> timers_;
  slabs<activities_of<N>> slabs_;
  typename slabs<activities_of<N>>::heads lists_ = slabs<activities_of<N>>::idle();
  std::uint32_t serial_ = 0;
  peer source_{};  // of the message that is being told
  std::deque<waiting_check> checks_;  // in the order in which they end
  std::deque<answer_variant> answers_;
  std::deque<held_effect> held_;
  record_map live_;
  std::vector<std::byte> batch_;
  std::vector<command> batch_ids_;
  std::set<std::uint32_t> running_;
  hydra::effect_digest digest_;
  std::string failure_;
  std::string complaint_;
  std::map<object_id, std::uint64_t> objects_here_;  // whole ones, with their lengths
  std::uint64_t lives_ = 0;
  std::uint32_t command_serial_ = 0;
  std::uint32_t timer_serial_ = 0;
  std::uint32_t last_keep_ = 0;
  bool committing_ = false;
  bool overfull_ = false;  // held_max was reached and half of it still waits
  bool draining_ = false;
  bool quiet_ = false;
};

}  // namespace hydra::net
