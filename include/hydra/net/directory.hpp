// Which handle stands for which key on this machine.
//
// Promise: bounded, in all and for each head on whose account handles are interned. Rules:
// - What a message of X mentions is charged to X; its own words and its users' are charged to
//   nobody. Whoever is over its share gets nobody as an answer, which refuses the message.
// - Room is made by evicting handles that nothing holds: `mark` walks everything that describes
//   handles (node, activities, facts under way). At most one walk per sweep_pause, since X
//   can ask for one with every message.
// - What the message being read mentions is in use until the next one is charged for, and nothing
//   is evicted while the node is called: its handles may lie on the stack, where no walk looks.
// - Endpoints that a head says of itself replace hearsay; hearsay never replaces them.
// - The public keys that a Hydra signs with are remembered with its handle: its own, and those of
//   heads that proved to be its own, at most owner_keys_max.
// - A head that said hello is a stranger, and so is its owner, until the node may have seen its
//   handle: its first message, or the word of another. A stranger that leaves before is forgotten
//   at once, so hellos alone fill nothing, even for nodes that do not describe what they hold.
//   Strangers with a message each do fill their account for good at such nodes: strangers are then
//   refused until the next life. Only nodes that describe all their members are safe from that.
// A handle that was evicted may later stand for another key: hence nothing may hold it unseen.
// Cost: O(log n) per translated handle.
#pragma once

#include <hydra/core/derive.hpp>
#include <hydra/core/environment.hpp>
#include <hydra/core/message.hpp>
#include <hydra/net/ownership.hpp>
#include <hydra/wire/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace hydra::net {

struct directory_limits {
  std::size_t each_max = 65536;        // handles of one kind
  std::size_t per_account_max = 1024;  // handles of one kind charged to one head
  duration sweep_pause = 1s;
};

inline constexpr std::uint32_t no_account = std::numeric_limits<std::uint32_t>::max();

// Collects the handles that a described value holds.
class held_handles : public archive<held_handles> {
 public:
  template <class T>
  void number(T const&) noexcept {}
  template <class Tag>
  void handle(hydra::handle<Tag> const& h) {
    if (h) set(of<Tag>(), h.index());
  }
  template <class Tag>
  [[nodiscard]] bool holds(hydra::handle<Tag> h) {
    auto const& bits = of<Tag>();
    return h.index() < bits.size() && bits[h.index()];
  }

 private:
  template <class Tag>
  std::vector<bool>& of() noexcept {
    if constexpr (std::is_same_v<hydra::handle<Tag>, peer>) return peers_;
    else if constexpr (std::is_same_v<hydra::handle<Tag>, principal>) return principals_;
    else return services_;
  }
  static void set(std::vector<bool>& bits, std::size_t i) {
    if (i >= 1U << 24U) return;  // not one of ours
    if (i >= bits.size()) bits.resize(i + 1);
    bits[i] = true;
  }
  std::vector<bool> peers_;
  std::vector<bool> principals_;
  std::vector<bool> services_;
};

// Keys of one kind of handle.
template <class Handle, class Value>
class handle_table {
 public:
  explicit handle_table(directory_limits limits) : limits_{limits} {}

  [[nodiscard]] Handle find(key const& k) const {
    auto const it = by_key_.find(k);
    return it == by_key_.end() ? Handle{} : Handle{it->second};
  }
  [[nodiscard]] bool room_for(std::uint32_t account) const {
    if (by_key_.size() >= limits_.each_max) return false;
    auto const it = accounts_.find(account);
    return account == no_account || it == accounts_.end() || it->second < limits_.per_account_max;
  }
  // Precondition: room_for(account), and k is not there.
  Handle add(key const& k, std::uint32_t account, Value const& value) {
    std::uint32_t i = 0;
    if (free_.empty()) {
      i = static_cast<std::uint32_t>(slots_.size());
      slots_.push_back({});
    } else {
      i = free_.back();
      free_.pop_back();
    }
    slots_[i] = {k, value, account, true, false};
    by_key_.emplace(k, i);
    if (account != no_account) ++accounts_[account];
    return Handle{i};
  }
  // Evicts what is charged to the account (all accounts when the table is full) and not held.
  template <class Held>
  void sweep(std::uint32_t account, Held&& held) {
    bool const everyone = by_key_.size() >= limits_.each_max;
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      auto& s = slots_[i];
      if (!s.used || s.account == no_account || held(Handle{i})) continue;
      if (!everyone && s.account != account) continue;
      remove(Handle{i});
    }
  }
  // Frees one handle. Precondition: knows(h), and nobody holds it.
  void remove(Handle h) {
    auto& s = slots_[h.index()];
    if (s.account != no_account) release_account(s.account);
    by_key_.erase(s.name);
    s = {};
    free_.push_back(h.index());
  }
  // Whether the node may have seen the handle.
  void tell(Handle h) { slots_.at(h.index()).told = true; }
  [[nodiscard]] bool told(Handle h) const { return knows(h) && slots_[h.index()].told; }
  // From now on charged to nobody: never evicted.
  void pin(Handle h) {
    auto& s = slots_.at(h.index());
    if (s.account == no_account) return;
    release_account(s.account);
    s.account = no_account;
  }
  [[nodiscard]] bool knows(Handle h) const {
    return h.index() < slots_.size() && slots_[h.index()].used;
  }
  [[nodiscard]] key key_of(Handle h) const { return knows(h) ? slots_[h.index()].name : key{}; }
  [[nodiscard]] Value& value(Handle h) { return slots_.at(h.index()).value; }
  [[nodiscard]] Value const& value(Handle h) const { return slots_.at(h.index()).value; }
  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }
  [[nodiscard]] std::size_t slots() const noexcept { return slots_.size(); }

 private:
  struct slot {
    key name{};
    Value value{};
    std::uint32_t account = no_account;
    bool used = false;
    bool told = false;
  };
  void release_account(std::uint32_t account) {
    auto const it = accounts_.find(account);
    if (it != accounts_.end() && --it->second == 0) accounts_.erase(it);
  }
  directory_limits limits_;
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  std::map<key, std::uint32_t> by_key_;
  std::map<std::uint32_t, std::size_t> accounts_;
};

// What is known about a head beside its key.
struct head_facts {
  hydra::principal principal{};
  wire::endpoints at{};
  hydra::reach reach = reach::open;
  duration rtt{};
  // Of the address that it was met at, before that of the first that it is said to have; zero:
  // derived from its key, as no address or loopback is known.
  hydra::netgroup netgroup{};
  bool introduced = false;     // said so itself, in a handshake
};

struct nothing {};

// A public key that signs for a Hydra, until when, and the proof if it is a head's.
struct owner_key {
  raw_key raw{};
  instant until{};
  ownership proof{};
};
inline constexpr std::size_t owner_keys_max = 16;

// What is known about a Hydra beside its key.
struct owner_facts {
  std::vector<owner_key> keys;
};

// The directory of one runtime. `Watch` is told about changes (for the journal) and marks what is
// held: changed(peer), named(principal), named(service), mark(held_handles&), clock() -> instant.
template <class Watch>
class directory {
 public:
  directory(directory_limits limits, Watch& watch)
      : limits_{limits}, watch_{&watch}, heads_{limits}, principals_{limits}, services_{limits} {}

  // On whose account handles are interned until the next call.
  void charge(peer whom) noexcept {
    account_ = whom ? whom.index() : no_account;
    if (whom) std::apply([](auto&... of) { (of.clear(), ...); }, in_use_);
  }
  // Until released, nothing is evicted: somebody holds handles where mark() cannot see them.
  void hold(bool all) noexcept { held_ = all; }
  // Whether a refusal came from the bounds, since the last charge of this question.
  [[nodiscard]] bool take_exhausted() noexcept { return std::exchange(exhausted_, false); }

  // ---- what the codec asks ---------------------------------------------------------------------
  [[nodiscard]] wire::contact contact_of(peer p) const {
    if (!heads_.knows(p)) return {};
    return {heads_.key_of(p), heads_.value(p).at};
  }
  [[nodiscard]] key key_of(principal w) const { return principals_.key_of(w); }
  [[nodiscard]] key key_of(service s) const { return services_.key_of(s); }
  [[nodiscard]] key key_of(peer p) const { return heads_.key_of(p); }
  peer intern_peer(wire::contact const& c) {
    auto const p = intern_stranger(c);
    if (p) told(p);
    return p;
  }
  // The same, and the node does not see the handle yet.
  peer intern_stranger(wire::contact const& c) {
    auto const before = heads_.find(c.key);
    auto const p = before ? before : intern(heads_, c.key);
    if (!p) return p;
    use(p);
    auto& facts = heads_.value(p);
    if (!facts.introduced && facts.at.empty()) hear_of(facts, c.at);
    if (!before) watch_->changed(p);
    return p;
  }
  principal intern_principal(key const& k) {
    auto const w = intern_named(principals_, k);
    if (w) principals_.tell(w);
    return w;
  }
  principal intern_strange_principal(key const& k) { return intern_named(principals_, k); }
  service intern_service(key const& k) { return intern_named(services_, k); }

  // ---- what the driver knows -------------------------------------------------------------------
  [[nodiscard]] peer find(key const& k) const { return heads_.find(k); }
  [[nodiscard]] bool knows(peer p) const { return heads_.knows(p); }
  [[nodiscard]] head_facts const& facts(peer p) const { return heads_.value(p); }
  // A head said so itself.
  void introduce(peer p, principal owner, wire::endpoints const& at, hydra::reach reach) {
    auto& f = heads_.value(p);
    auto const former = std::exchange(f.principal, owner);
    if (owner && heads_.told(p)) principals_.tell(owner);
    if (former != owner) forget_owner(former);
    f.at = at;
    f.reach = reach;
    f.introduced = true;
    watch_->changed(p);
  }
  void met_at(peer p, netgroup where) { heads_.value(p).netgroup = where; }
  // From now on this public key may sign for the Hydra. The one that ends first makes room.
  // Whether it is news.
  bool signs_for(principal w, owner_key const& k) {
    if (!principals_.knows(w)) return false;
    auto& all = principals_.value(w).keys;
    auto const known =
        std::find_if(all.begin(), all.end(), [&](auto const& o) { return o.raw == k.raw; });
    if (known != all.end()) {
      bool const longer = known->until < k.until;
      if (longer) *known = k;
      return longer;
    }
    if (all.size() < owner_keys_max) {
      all.push_back(k);
      return true;
    }
    auto const first = std::min_element(
        all.begin(), all.end(), [](auto const& a, auto const& b) { return a.until < b.until; });
    if (first->until >= k.until) return false;
    *first = k;
    return true;
  }
  [[nodiscard]] principal find_principal(key const& k) const { return principals_.find(k); }
  [[nodiscard]] std::vector<owner_key> const& keys_of(principal w) const {
    static std::vector<owner_key> const none;
    return principals_.knows(w) ? principals_.value(w).keys : none;
  }
  // From now on the node may hold the handle, and that of its owner.
  void told(peer p) {
    heads_.tell(p);
    if (auto const owner = heads_.value(p).principal) principals_.tell(owner);
  }
  [[nodiscard]] bool is_told(peer p) const { return heads_.told(p); }
  // Nothing of the driver holds it any more. Cost: O(heads) when it has an owner.
  void forget_stranger(peer p) {
    if (!heads_.knows(p) || heads_.told(p)) return;
    auto const owner = heads_.value(p).principal;
    heads_.remove(p);
    forget_owner(owner);
  }
  // Forgets it unless the node may have seen it or a head belongs to it.
  void forget_owner(principal w) {
    if (!principals_.knows(w) || principals_.told(w)) return;
    for (std::uint32_t i = 0; i < heads_.slots(); ++i) {
      if (heads_.knows(peer{i}) && heads_.value(peer{i}).principal == w) return;
    }
    principals_.remove(w);
  }
  // Endpoints of hearsay that did not answer make room for others.
  void forget_hearsay(peer p) {
    if (heads_.knows(p) && !heads_.value(p).introduced) hear_of(heads_.value(p), {});
  }
  void measured(peer p, duration rtt) {
    heads_.value(p).rtt = rtt;
    watch_->changed(p);
  }
  template <class Handle>
  void pin(Handle h) {
    if constexpr (std::is_same_v<Handle, peer>) heads_.pin(h);
    else if constexpr (std::is_same_v<Handle, principal>) principals_.pin(h);
    else services_.pin(h);
  }
  [[nodiscard]] acquaintance about(peer p) const {
    if (!heads_.knows(p)) return {};
    auto const& f = heads_.value(p);
    auto const k = heads_.key_of(p);
    auto const near = f.netgroup == netgroup{} ? derived_netgroup(k) : f.netgroup;
    return {k, f.principal, near, f.reach, f.rtt};
  }
  [[nodiscard]] std::size_t heads() const noexcept { return heads_.size(); }

 private:
  // Of who was never met. Many names at one address are one group before they are met, too.
  static void hear_of(head_facts& facts, wire::endpoints const& at) {
    facts.at = at;
    facts.netgroup = {};
    for (auto const& e : at) {
      if (wire::is_loopback(e)) continue;
      facts.netgroup = wire::netgroup_of(e);
      return;
    }
  }
  template <class Handle, class Value>
  Handle intern(handle_table<Handle, Value>& table, key const& k) {
    if (!table.room_for(account_)) sweep();
    if (!table.room_for(account_)) {
      exhausted_ = true;
      return {};
    }
    return table.add(k, account_, {});
  }
  template <class Handle, class Value>
  Handle intern_named(handle_table<Handle, Value>& table, key const& k) {
    if (auto const known = table.find(k)) return use(known);
    auto const h = intern(table, k);
    if (h) watch_->named(use(h));
    return h;
  }
  template <class Handle>
  Handle use(Handle h) {
    if (account_ != no_account) std::get<std::vector<Handle>>(in_use_).push_back(h);
    return h;
  }
  void sweep() {
    auto const now = watch_->clock();
    if (held_ || (swept_ != never && now < swept_ + limits_.sweep_pause)) return;
    swept_ = now;
    held_handles held;
    std::apply([&](auto const&... of) { (hold_each(held, of), ...); }, in_use_);
    if (!watch_->mark(held)) return;  // somebody does not describe what it holds
    heads_.sweep(account_, [&](peer h) { return held.holds(h); });
    // Owners of heads that stay are held by them.
    mark_owners(held);
    principals_.sweep(account_, [&](principal h) { return held.holds(h); });
    services_.sweep(account_, [&](service h) { return held.holds(h); });
  }
  template <class Handle>
  static void hold_each(held_handles& held, std::vector<Handle> const& all) {
    for (auto h : all) held.handle(h);
  }
  void mark_owners(held_handles& held) {
    for (std::uint32_t i = 0; i < limits_.each_max; ++i) {
      if (heads_.knows(peer{i})) held.handle(heads_.value(peer{i}).principal);
    }
  }

  directory_limits limits_;
  Watch* watch_;
  handle_table<peer, head_facts> heads_;
  handle_table<principal, owner_facts> principals_;
  handle_table<service, nothing> services_;
  std::uint32_t account_ = no_account;
  // By the message that is being read.
  std::tuple<std::vector<peer>, std::vector<principal>, std::vector<service>> in_use_;
  bool held_ = false;
  bool exhausted_ = false;
  instant swept_ = never;
};

}  // namespace hydra::net
