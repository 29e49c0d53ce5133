// Delegation over many hops: whoever holds a lease may divide its task and give the parts on.
//
// Promise: a holder that divides becomes the owner of its parts, with the same rules as a user's
// owner (protocol.hpp): they are looked for, placed, verified and placed again when their holders
// fall silent. When all are there it joins them and answers for the whole. Nothing of it is kept:
// a holder that crashes is silent, and whoever gave it the task gives it to another.
//
// Rules, with reasons.
// - A lease that is divided, or lies beyond the first hop, is proved first: its holder asks the
//   giver for the chain of passports, checks what it says (passport.hpp), the hash that each link
//   names, and every signature. A chain that already leads through the holder is refused.
// - What the parts may spend together, with the split and the join, is at most what the lease may
//   spend.
// - Where the input says how it is divided (composition::split), the holder fetches it and runs the
//   split before it gives anything on. The parts read ranges of what the split has made, from here.
// - A lease beyond the first hop lives by the root's tokens, which every holder hands down at
//   once. The first that arrives tells the holder how far the root's clock is off; a token counts
//   for as long as the root said and no longer, so whoever hides a revocation gains one lease.
// - A part that makes an object is ready when its bytes are here, while other parts still run: a
//   holder that goes away afterwards takes nothing with it. Whoever passes a task on reads nothing,
//   so it names who has the result and moves no bytes.
// - Whoever gives a lease up, for whatever reason, cancels its parts.
// What an attacker gains: a page of the chain per question, of leases it was given; at most
// lease_papers::per_peer_max leases are proved or divided at a time.
// Cost: 2 messages per 7 links beyond the first hop, one check per link, one per token and hop.
#pragma once

#include <hydra/assembly/jobs.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hydra {

// Self is the protocol, which offers look(), say_result() and the like; House as in protocol.hpp.
template <class Self>
class delegation {
 public:
  // ---- the giver --------------------------------------------------------------------------------

  template <class House>
  void on_message(House& h, peer from, ask_chain const& m) {
    Self::with_placement(h, from, m.which, [&](activity, owned_job& j, placement&) {
      auto const* mine = papers_of(h, j.parent);
      if (mine == nullptr) return;
      chain_page page{m.which, m.from, {}};
      for (std::size_t i = m.from; i < mine->chain.size() && !page.links.full(); ++i) {
        page.links.push_back(mine->chain[i]);
      }
      if (!page.links.empty()) h.env().send(from, page);
    });
  }

  // ---- the holder -------------------------------------------------------------------------------

  template <class House>
  void on_message(House& h, peer from, chain_page const& m) {
    auto const id = Self::lease_named(h, from, m.which);
    auto* p = papers_of(h, id);
    if (p == nullptr) return;
    auto& l = *h.env().template pool<held_lease>().find(id);
    bool const wanted = l.now == held_lease::state::proving && p->checking.empty();
    if (!wanted || m.from != p->chain.size()) return;
    for (auto const& link : m.links) {
      if (p->chain.size() + 1 < l.depth) p->chain.push_back(link);
    }
    if (p->chain.size() + 1 < l.depth) return ask(h, l, *p);
    p->chain.push_back(l.last);
    prove(h, id, l, *p);
  }

 protected:
  // How this head would divide a task, if it does.
  template <class House>
  [[nodiscard]] static std::optional<composition> plan(House& h, service what,
                                                       passport const& terms) {
    auto const c = h.composition_of(what);
    if (!c || terms.hops_left == 0 || c->parts == 0 || c->parts > parts_max) return std::nullopt;
    return c;
  }

  // The lease was taken; false: no room for its papers.
  template <class House>
  [[nodiscard]] bool begin_proof(House& h, activity id) {
    auto all = h.env().template pool<lease_papers>();
    auto const mine = all.add({});
    if (!mine) return false;
    auto& p = *all.find(mine);
    p.lease = id;
    auto& l = *h.env().template pool<held_lease>().find(id);
    l.now = held_lease::state::proving;
    if (l.depth > 1) {
      ask(h, l, p);
    } else {
      p.chain.push_back(l.last);
      prove(h, id, l, p);
    }
    return true;
  }

  template <class House>
  void ask_again(House& h, activity id, held_lease const& l) {
    auto const* p = papers_of(h, id);
    if (p != nullptr && p->checking.empty() && p->chain.size() + 1 < l.depth) ask(h, l, *p);
  }

  // Whether the answer was for a link or a token.
  template <class House>
  bool on_proof_checked(House& h, checked const& c) {
    activity which{};
    h.env().template pool<lease_papers>().each([&](activity, lease_papers& p) {
      auto* at = std::find(p.checking.begin(), p.checking.end(), c.id.number);
      if (at == p.checking.end()) return;
      *at = 0;
      which = p.lease;
      if (c.good) ++p.good;
    });
    if (!which) return on_token_checked(h, c);
    auto const& p = *papers_of(h, which);
    if (!c.good) {
      self().turn_down(h, which);
    } else if (p.good == p.chain.size()) {
      proved(h, which);
    }
    return true;
  }

  // Whether the parts of this lease are joined here, so that their bytes are needed here.
  template <class House>
  [[nodiscard]] static bool joins_parts(House& h, activity lease) {
    auto const* l = h.env().template pool<held_lease>().find(lease);
    auto const c = l == nullptr ? std::nullopt : h.composition_of(l->what.what);
    return c && !c->passes_on();
  }

  // A part is there, and its bytes if they are needed here.
  template <class House>
  void part_ready(House& h, owned_job const& j, payload const& output, object_ref const& object) {
    auto* p = papers_of(h, j.parent);
    auto* l = h.env().template pool<held_lease>().find(j.parent);
    if (p == nullptr || l == nullptr || l->now != held_lease::state::dividing) return;
    if (j.part >= p->outputs.size()) return;
    p->outputs[j.part] = word_of(output);
    p->last_output = output;
    if (object && joins_parts(h, j.parent)) {
      h.pin(object);
      p->objects.push_back(object);
    }
    if (++p->done < p->parts) return;
    auto const c = h.composition_of(l->what.what);
    if (!c || c->passes_on()) {
      l->object = object;
      return self().finish(h, *l, true, p->last_output, duration{});
    }
    l->takes = Self::on_this_head(h, join_work(*c, l->what.work));
    self().get_ready(h, j.parent);
  }
  // A part cannot be had: said at the next timer, since many jobs may be in hand right now.
  template <class House>
  void part_failed(House& h, owned_job const& j) {
    auto* l = h.env().template pool<held_lease>().find(j.parent);
    if (l == nullptr || l->now != held_lease::state::dividing) return;
    l->failed = true;
    l->next = h.env().now();
    self().wake_by(h, l->next);
  }

  // What runs on a core: the task, or the split of it, or the join of its parts.
  template <class House>
  [[nodiscard]] task to_run(House& h, activity id, held_lease const& l) {
    auto const* p = papers_of(h, id);
    auto const c = h.composition_of(l.what.what);
    if (!l.divides || p == nullptr || !c) return l.what;
    auto t = l.what;
    if (p->parts == 0) {
      t.what = c->split;
      t.work = split_work(*c, l.what.work);
      return t;
    }
    t.what = c->join;
    t.work = join_work(*c, l.what.work);
    t.input = joined_input(l.what.input, p->outputs);
    t.data = {};
    if (p->split) t.data = {p->split, {0, p->split.bytes}, l.what.data.output_bytes, {}};
    return t;
  }

  // The split has run; false: it was no split that ran.
  template <class House>
  [[nodiscard]] bool on_split(House& h, activity id, run_done const& r) {
    auto& l = *h.env().template pool<held_lease>().find(id);
    auto* p = l.divides ? papers_of(h, id) : nullptr;
    auto const c = h.composition_of(l.what.what);
    if (p == nullptr || !c || p->parts != 0) return false;
    auto const parts = parts_claimed(r.output);
    if (r.ok && parts == 0 && is_claim(r.output)) {  // it has answered for the whole
      self().finish(h, l, true, r.output, r.took);
      return true;
    }
    if (!r.ok || parts == 0 || parts > parts_max) {
      self().finish(h, l, false, {}, r.took);
      return true;
    }
    p->split = object_made(r.output, {}, 1, h.env().self());
    h.pin(p->split);
    divide(h, id, l, *c, static_cast<std::uint16_t>(parts));
    return true;
  }

  // The lease is over: its papers, and whatever of its parts is still wanted.
  template <class House>
  void drop_parts(House& h, activity lease) {
    auto all = h.env().template pool<lease_papers>();
    auto const mine = all.first([&](lease_papers const& p) { return p.lease == lease; });
    if (!mine) return;
    auto& p = *all.find(mine);
    for (auto const& o : p.objects) h.unpin(o);
    if (p.split) h.unpin(p.split);
    all.erase(mine);
    h.env().template pool<owned_job>().each([&](activity id, owned_job& j) {
      if (j.parent != lease) return;
      j.parent = nobodys;
      if (j.now != owned_job::state::settled) self().fail(h, id, ending::cancelled);
    });
  }

  // ---- tokens -----------------------------------------------------------------------------------

  // What a renewal of this placement says of the root's will.
  template <class House>
  [[nodiscard]] root_token token_for(House& h, owned_job const& j, placement const& p) {
    if (j.parent) {
      auto const* l = h.env().template pool<held_lease>().find(j.parent);
      return l == nullptr ? root_token{} : l->token;
    }
    if (!p.divides) return {};
    auto const now = h.env().now();
    root_token t{now, now + h.times().lease, {}};
    t.by = h.env().sign(claim_of(t, j.root, h.network()));
    return t;
  }
  template <class House>
  void renewed(House& h, held_lease& l, root_token const& t) {
    auto const now = h.env().now();
    if (l.depth == 1) l.until = now + h.times().lease;  // by the root itself
    bool const newer = t && t.issued > l.token.issued && t.until > t.issued;
    auto const off = now - t.issued;
    bool const plausible = off > -clock_skew_max && off < clock_skew_max + h.times().lease;
    if (!newer || !plausible || l.checking_token) return;
    l.offered = t;
    l.checking_token =
        h.env().check(claim_of(t, l.root, h.network()), l.root.owner, t.by);
  }

  // The n-th object that has to be here before the lease may run; none: that was all. Of no bytes:
  // nothing to fetch.
  template <class House>
  [[nodiscard]] static std::optional<bulk> need(House& h, activity id, held_lease const& l,
                                                std::size_t n) {
    auto const* p = l.divides ? papers_of(h, id) : nullptr;
    if (!l.divides || (p != nullptr && p->parts == 0)) {
      if (n == 0) return l.what.data;
      auto const& how = l.what.data.how;
      return n == 1 && how ? std::optional{bulk{how, {0, how.bytes}, 0, {}}} : std::nullopt;
    }
    if (p == nullptr || n >= p->objects.size()) return std::nullopt;
    auto const& part = p->objects[n];
    return bulk{part, {0, part.bytes}, 0, {}};
  }

  static constexpr activity nobodys{0xffffffffU};  // parent of a part whose lease is over

  template <class House>
  [[nodiscard]] static lease_papers* papers_of(House& h, activity lease) {
    auto all = h.env().template pool<lease_papers>();
    if (!lease) return nullptr;
    auto const id = all.first([&](lease_papers const& p) { return p.lease == lease; });
    return id ? all.find(id) : nullptr;
  }

 private:
  [[nodiscard]] Self& self() noexcept { return static_cast<Self&>(*this); }

  template <class House>
  static void ask(House& h, held_lease const& l, lease_papers const& p) {
    h.env().send(l.owner, ask_chain{{l.lease.of, l.lease.number},
                                    static_cast<std::uint8_t>(p.chain.size())});
  }

  // Everything about a chain that needs no signature, then the signatures.
  template <class House>
  void prove(House& h, activity id, held_lease const& l, lease_papers& p) {
    bool good = fault_in(p.chain, l.root, h.me(), h.env().now()) == chain_fault::none;
    key parent{};
    for (std::size_t i = 0; good && i < p.chain.size(); ++i) {
      good = p.chain[i].terms.parent == parent;
      parent = h.env().hash(claim_at(h, l, p.chain, i));
    }
    if (!good) return self().turn_down(h, id);
    for (std::size_t i = 0; i < p.chain.size(); ++i) {
      auto const from = i == 0 ? l.root.owner : p.chain[i - 1].to;
      auto const asked = h.env().check(claim_at(h, l, p.chain, i), from, p.chain[i].by);
      p.checking.push_back(asked.number);
    }
  }
  template <class House>
  [[nodiscard]] static passport_claim claim_at(House& h, held_lease const& l,
                                               passport_chain const& chain, std::size_t i) {
    auto const from = i == 0 ? l.root.owner : chain[i - 1].to;
    return claim_of(chain[i], from, l.root, static_cast<std::uint32_t>(i + 1), h.network());
  }

  template <class House>
  void proved(House& h, activity id) {
    auto& l = *h.env().template pool<held_lease>().find(id);
    if (l.now != held_lease::state::proving) return;
    auto const c = l.divides ? plan(h, l.what.what, l.last.terms) : std::nullopt;
    if (c && !c->split) return divide(h, id, l, *c, c->parts);
    l.divides = c.has_value();
    if (c) l.takes = Self::on_this_head(h, split_work(*c, l.what.work));
    self().get_ready(h, id);
  }

  template <class House>
  void divide(House& h, activity id, held_lease& l, composition const& c, std::uint16_t parts) {
    auto& p = *papers_of(h, id);
    auto mine = l.last.terms;
    mine.parent = h.env().hash(claim_at(h, l, p.chain, p.chain.size() - 1));
    p.parts = parts;
    p.done = 0;
    l.asked_for = 0;
    if (!take(mine.may_spend, own_share(l, c, p))) return not_divided(h, id, l);
    mine.may_spend = shared(mine.may_spend, parts);
    l.now = held_lease::state::dividing;
    auto const mark = h.env().hash(l.lease).words()[0];
    auto jobs = h.env().template pool<owned_job>();
    for (std::uint16_t i = 0; i < parts; ++i) {
      p.outputs.push_back(0);
      auto part = part_of(h, id, l, c, mine, mark, i);
      part.what.work = part_work(c, l.what.work, parts);
      part.what.data = data_of(h, l, c, p, i);
      if (!jobs.add(part)) return part_failed_at_once(h, l);
    }
    self().wake_by(h, h.env().now());
  }
  // What a holder that divides spends itself.
  [[nodiscard]] static budget own_share(held_lease const& l, composition const& c,
                                        lease_papers const& p) {
    auto const joining = join_work(c, l.what.work);
    if (c.passes_on()) return {joining, 0, 0};
    auto const& data = l.what.data;
    auto const each = p.split ? part_bulk(p.split, {}, data.output_bytes, p.parts).output_bytes
                              : part_bulk(data, 0, p.parts).output_bytes;
    budget own{joining, each * p.parts, 1};
    if (!c.split) return own;
    own.cpu += split_work(c, l.what.work);
    own.bytes += data.which.count + data.how.bytes;
    own.tasks += 1;
    return own;
  }
  // Who has split already owes an answer.
  template <class House>
  void not_divided(House& h, activity id, held_lease& l) {
    if (!papers_of(h, id)->split) return self().turn_down(h, id);
    self().finish(h, l, false, {}, {});
  }
  template <class House>
  [[nodiscard]] static bulk data_of(House& h, held_lease const& l, composition const& c,
                                    lease_papers const& p, std::uint16_t index) {
    auto const& whole = l.what.data;
    if (c.passes_on()) return whole;
    if (!p.split) return part_bulk(whole, index, p.parts);
    auto const which = h.range_of_part(p.split, index, p.parts);
    return part_bulk(p.split, which, whole.output_bytes, p.parts);
  }
  template <class House>
  [[nodiscard]] static owned_job part_of(House& h, activity id, held_lease const& l,
                                         composition const& c, passport const& mine,
                                         std::uint64_t mark, std::uint16_t index) {
    auto const now = h.env().now();
    owned_job j;
    j.what.id = {h.me(), mix64(mark ^ mix64(index)) | part_mark};
    j.what.what = c.part;
    j.what.patience = mine.deadline - now;
    j.what.floor = mine.floor;
    j.what.of_provider.regions = mine.regions;
    j.what.priority = l.what.priority;
    j.what.input = c.passes_on() ? l.what.input : part_input(l.what.input, index);
    j.submitted = now;
    j.parent = id;
    j.part = index;
    j.root = l.root;
    j.terms = mine;
    j.depth = l.depth;
    j.now = owned_job::state::resting;
    j.due = j.wake = now;
    return j;
  }
  template <class House>
  void part_failed_at_once(House& h, held_lease& l) {
    l.failed = true;
    l.next = h.env().now();
    self().wake_by(h, l.next);
  }

  template <class House>
  bool on_token_checked(House& h, checked const& c) {
    auto held = h.env().template pool<held_lease>();
    auto const id = held.first([&](held_lease const& l) {
      return l.checking_token && l.checking_token == c.id;
    });
    if (!id) return false;
    auto& l = *held.find(id);
    l.checking_token = {};
    if (!c.good) return true;
    auto const now = h.env().now();
    l.token = l.offered;
    l.off = std::min(l.off, now - l.token.issued);
    if (l.depth > 1) l.until = std::min(now + h.times().lease, l.token.until + l.off);
    hand_down(h, id, l.token);
    self().wake_by(h, std::min(l.until, l.next));
    return true;
  }
  template <class House>
  static void hand_down(House& h, activity lease, root_token const& t) {
    h.env().template pool<owned_job>().each([&](activity, owned_job const& j) {
      if (j.parent != lease || j.now == owned_job::state::settled) return;
      for (auto const& p : j.given) {
        if (p.now != placement::state::running) continue;
        h.env().send(p.who, renew{{j.what.id, p.number}, t});
      }
    });
  }
};

}  // namespace hydra
