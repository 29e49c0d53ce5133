// The life of a job: find, choose, offer, bid, lease, run or divide (delegation.hpp), verify,
// receipt.
//
// Promise: every job that was submitted ends exactly once with job_done, at the latest when its
// patience is over; a job that was accepted (job_accepted) survives a crash of its owner; nothing
// is run twice unknowingly: a placement is replaced only after its lease ran out on both sides,
// it was refused, or verification asked for another opinion.
//
// Rules, with reasons.
// - Every wait has a due time, and one timer per head wakes for the earliest: an idle head arms
//   nothing.
// - A bid promises nothing, so that many may be asked; the award is the lease. Whoever is full by
//   then refuses and is avoided for this job.
// - A lease lives by progress: the executor reports, the owner renews. Either side that hears
//   nothing for `lease` gives up, so both agree within one lease without a message.
// - A result is sent until it is settled; the owner settles again what it settled before.
// - The owner checks the executor's signature before a result counts, the executor the owner's
//   before a receipt earns. A receipt of one side earns nothing.
// - Where nobody is found for one more result, what is there is judged as it is: a friend is
//   believed without the second word that chance had asked for, a stranger is not.
// - A result that is an object counts when its bytes are here. They come from all who made the
//   same; when none of them has it any more it is made again by somebody else. What was said of it
//   stays said: one more result has only to agree with it.
// - Whatever names a lease is believed only from the other party of that lease.
// What an attacker gains: bids and silence cost an asker one bid time per round, at most rounds_max
// rounds; at most held_lease::per_peer_max leases and owned_job::per_peer_max jobs are held.
// Cost: 2 messages per candidate asked, 3 per lease, 2 per progress period, 2 to settle.
#pragma once

#include <hydra/assembly/delegation.hpp>
#include <hydra/assembly/jobs.hpp>
#include <hydra/data/objects.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/scheduling/concept.hpp>
#include <hydra/trust/concept.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hydra {

class job_protocol : private delegation<job_protocol> {
  friend class delegation<job_protocol>;

 public:
  using messages = type_list<call_for_bid, bid, award, refused, progress, renew, result_ready,
                             settle, cancel, ask_chain, chain_page>;
  using inputs = type_list<submit, withdraw_job>;
  using facts = type_list<job_done, job_accepted, judged, task_ended, placed, part_done>;
  using activities = type_list<owned_job, held_lease, lease_papers>;
  using records = type_list<kept_job, receipt>;
  using delegation<job_protocol>::on_message;

  // `h` is the house: the node's rooms, as the assembly opens them for one call.
  template <class House>
  void on_start(House& h) {
    h.env().template recall_all<receipt>([&](std::uint64_t number, receipt const& r) {
      if (r.about.signer != h.me()) h.observe(r);
      receipts_ = number + 1;
    });
    auto const again = [&](std::uint64_t, kept_job const& k) { take_up(h, k); };
    h.env().template recall_all<kept_job>(again);
  }

  template <class A>
  void serialize(A& a, unsigned) {
    a& tick_& tick_due_& receipts_& ended_& ended_next_;
  }

  // ---- the owner --------------------------------------------------------------------------------

  template <class House>
  void on_submit(House& h, job const& what) {
    auto jobs = h.env().template pool<owned_job>();
    if (jobs.first([&](owned_job const& j) { return j.what.id == what.id; })) return;
    owned_job j;
    j.what = what;
    j.submitted = h.env().now();
    j.due = j.submitted + what.patience;
    j.root = what.id;
    j.terms = root_passport(what, deadline(j));
    auto const id = jobs.add(j);
    if (!id) return refuse(h, what);
    keep(h, *jobs.find(id));
    wake_for(h, *jobs.find(id));
  }

  template <class House>
  void on_withdraw(House& h, job_id which) {
    auto jobs = h.env().template pool<owned_job>();
    auto const id = job_named(h, which);
    if (id && jobs.find(id)->now != owned_job::state::settled) fail(h, id, ending::cancelled);
  }

  template <class House>
  void on_kept(House& h, kept const& k) {
    auto jobs = h.env().template pool<owned_job>();
    auto const id = jobs.first([&](owned_job const& j) {
      return j.now == owned_job::state::keeping && j.keeping == k.id;
    });
    if (!id) return;
    h.env().emit(job_accepted{jobs.find(id)->what.id});
    look(h, id);
  }

  template <class House>
  void on_found(House& h, found const& f) {
    auto jobs = h.env().template pool<owned_job>();
    auto const id = jobs.first([&](owned_job const& j) {
      return j.now == owned_job::state::finding && j.lookup == f.id;
    });
    if (!id) return;
    auto& j = *jobs.find(id);
    j.hops = std::max(j.hops, f.hops);
    gather(h, j, f);
    if (j.among.empty()) return rest(h, id, j);
    j.found_anyone = true;
    call(h, id, j);
  }

  template <class House>
  void on_message(House& h, peer from, bid const& m) {
    auto jobs = h.env().template pool<owned_job>();
    auto const id = job_named(h, m.of);
    if (!id) return;
    auto& j = *jobs.find(id);
    if (j.now != owned_job::state::bidding) return;
    for (std::size_t i = 0; i < j.among.size(); ++i) {
      auto const bit = static_cast<std::uint16_t>(1U << i);
      if (j.among[i].who != from || (j.asked & bit) == 0 || (j.answered & bit) != 0) continue;
      j.answered = static_cast<std::uint16_t>(j.answered | bit);
      if (!may_belong(h, j.among[i])) {  // it was offered by somebody else
        avoid(j, j.among[i].principal);
        continue;
      }
      auto const trip = h.env().now() - j.asked_at;
      h.measured(from, trip, j.among[i].where);
      j.among[i].delay = trip;
      if (m.divides) j.dividers = static_cast<std::uint16_t>(j.dividers | bit);
      if (m.accepted && m.start >= duration{}) j.among[i].queue = m.start;
    }
    if (j.answered == j.asked) choose(h, id);
  }

  template <class House>
  void on_message(House& h, peer from, refused const& m) {
    with_placement(h, from, m.which, [&](activity id, owned_job& j, placement& p) {
      if (p.now == placement::state::awarded && !is_accepted(j)) lose(h, id, j, p);
    });
  }

  template <class House>
  void on_message(House& h, peer from, progress const& m) {
    bool known = false;
    with_placement(h, from, m.which, [&](activity, owned_job& j, placement& p) {
      if (is_accepted(j)) return;
      if (p.now == placement::state::lost || p.now > placement::state::running) return;
      known = true;
      p.now = placement::state::running;
      p.until = h.env().now() + h.times().lease;
      h.env().send(from, renew{m.which, token_for(h, j, p)});
    });
    if (!known) h.env().send(from, cancel{m.which});
  }

  template <class House>
  void on_message(House& h, peer from, result_ready const& m) {
    bool known = false;
    with_placement(h, from, m.which, [&](activity id, owned_job& j, placement& p) {
      known = true;
      if (is_accepted(j) || p.concluded) return settle_with(h, j, p);
      if (p.now >= placement::state::reported && p.now != placement::state::lost) return;
      report(h, id, j, p, m);
    });
    if (!known) h.env().send(from, settle{m.which, false, {}});
  }

  template <class House>
  void on_checked(House& h, checked const& c) {
    auto jobs = h.env().template pool<owned_job>();
    activity mine{};
    placement* which = nullptr;
    jobs.each([&](activity id, owned_job& j) {
      for (auto& p : j.given) {
        if (p.now == placement::state::reported && p.checking == c.id) {
          mine = id;
          which = &p;
        }
      }
    });
    if (which == nullptr) {
      if (!on_proof_checked(h, c)) earn(h, c);
      return;
    }
    auto& j = *jobs.find(mine);
    if (is_accepted(j)) {
      which->now = placement::state::lost;
      return settle_with(h, j, *which);
    }
    if (c.good) {
      which->now = placement::state::checked;
      consider(h, mine, j);
    } else {
      lose(h, mine, j, *which);
    }
  }

  // ---- the executor -----------------------------------------------------------------------------

  template <class House>
  void on_message(House& h, peer from, call_for_bid const& m) {
    auto const said = willing(h, from, task{m.of, 0, m.what, m.work, {}, 0, m.data}, m.terms);
    bool const divides = plan(h, m.what, m.terms).has_value();
    h.env().send(from, bid{m.of, said.accepted, divides, said.start, said.finish});
  }

  template <class House>
  void on_message(House& h, peer from, award const& m) {
    lease_name const name{m.lease.of, m.lease.number};
    auto held = h.env().template pool<held_lease>();
    auto const known = lease_named(h, from, name);
    bool const mine = m.lease.of == m.what.of && m.last.to == h.me() &&
                      m.lease.owner == h.env().about(from).principal && is_in_form(m);
    if (!known && ended_lately(h, m.lease.owner, name)) return;  // a late copy of this award
    if (!known) {
      bool const fits = mine && willing(h, from, m.what, m.last.terms).accepted;
      auto const taken = fits ? held.add(fresh(h, from, m)) : activity{};
      if (!taken) {
        h.env().send(from, refused{name});
        return;
      }
      auto const& l = *held.find(taken);
      bool const proves = l.depth > 1 || l.divides;
      if (proves && !begin_proof(h, taken)) return turn_down(h, taken);
      if (!proves) get_ready(h, taken);
    }
    auto const id = lease_named(h, from, name);
    if (id) say_progress(h, *held.find(id));
  }

  template <class House>
  void on_message(House& h, peer from, renew const& m) {
    auto held = h.env().template pool<held_lease>();
    auto const id = lease_named(h, from, m.which);
    if (id) renewed(h, *held.find(id), m.token);
  }

  template <class House>
  void on_message(House& h, peer from, cancel const& m) {
    auto const id = lease_named(h, from, m.which);
    if (!id) return;
    give_up(h, id, outcome::abandoned);
    start_waiting(h);  // a core may have become free, and no timer comes for those who wait
  }

  template <class House>
  void on_message(House& h, peer from, settle const& m) {
    auto held = h.env().template pool<held_lease>();
    auto const id = lease_named(h, from, m.which);
    if (!id) return;
    auto& l = *held.find(id);
    if (l.now != held_lease::state::reporting || l.checking) return;
    bool const ours = m.earned && m.receipt.by_executor == l.receipt.by_executor &&
                      m.receipt.lease == l.receipt.lease;
    if (!ours || from == h.env().self()) return forget(h, id);
    l.receipt = m.receipt;
    l.checking = h.env().check(l.receipt, l.lease.owner, l.receipt.by_owner);
    l.until = h.env().now() + h.times().lease;
    l.next = l.until;
  }

  template <class House>
  void on_run_done(House& h, run_done const& r) {
    auto held = h.env().template pool<held_lease>();
    auto const id = held.first([&](held_lease const& l) {
      return l.now == held_lease::state::running && l.run == r.id;
    });
    if (id) {
      h.env().emit(task_ended{held.find(id)->what.of, outcome::done, r.took});
      if (!on_split(h, id, r)) finish(h, *held.find(id), r.ok, r.output, r.took);
    }
    start_waiting(h);
  }

  // Bytes that a lease waits for, or those of an accepted result.
  template <class House>
  void on_fetched(House& h, fetched const& f) {
    auto held = h.env().template pool<held_lease>();
    auto const waits = [&](held_lease const& l) {
      return std::find(l.fetches.begin(), l.fetches.end(), f.id) != l.fetches.end();
    };
    if (auto const id = held.first(waits)) {
      auto& l = *held.find(id);
      l.fetches.erase(std::find(l.fetches.begin(), l.fetches.end(), f.id));
      l.came += f.bytes;
      if (!f.ok) return cannot_fetch(h, l);
      return get_ready(h, id);
    }
    auto jobs = h.env().template pool<owned_job>();
    auto const id = jobs.first([&](owned_job const& j) {
      return j.now == owned_job::state::collecting && j.fetch == f.id;
    });
    if (!id) return;
    auto& j = *jobs.find(id);
    j.fetch = {};
    if (!f.ok) return lose_output(h, id, j);
    complete(h, j);
    wake_for(h, j);
  }

  // ---- time -------------------------------------------------------------------------------------

  template <class House>
  void on_timer(House& h) {
    tick_ = {};
    auto const now = h.env().now();
    bool freed = false;
    std::size_t ended = 0;
    h.env().template pool<held_lease>().each([&](activity id, held_lease& l) {
      if (l.until <= now) {
        if (++ended > endings_per_call_max) {  // each says a fact
          l.until = now + 1ms;
          return;
        }
        freed = true;
        return give_up(h, id, outcome::abandoned);
      }
      if (l.next <= now) remind(h, id, l);
    });
    std::size_t turns = 0;
    if (freed) start_waiting(h);
    auto jobs = h.env().template pool<owned_job>();
    jobs.each([&](activity id, owned_job& j) {
      if (j.wake > now) return;  // a renewed lease moves what is due, not the time of waking
      j.wake = earliest(j);
      if (j.wake > now) return;
      if (j.now != owned_job::state::settled && ++turns > turns_per_call_max) {
        j.wake = now + 1ms;  // each says a few facts
      } else {
        late(h, id, j, now);
      }
    });
    auto next = never;
    h.env().template pool<held_lease>().each([&](activity, held_lease& l) {
      next = std::min({next, l.until, l.next});
    });
    jobs.each([&](activity, owned_job& j) { next = std::min(next, j.wake); });
    if (next != never) wake_by(h, next);
  }

  template <class House>
  void on_unreachable(House& h, peer who) {
    auto const now = h.env().now();
    std::size_t turns = 0;
    h.env().template pool<owned_job>().each([&](activity id, owned_job& j) {
      if (j.now == owned_job::state::settled) return;
      for (auto& p : j.given) {
        if (p.who != who || p.now > placement::state::running) continue;
        if (++turns <= turns_per_call_max) return lose(h, id, j, p);
        p.until = now;  // each says a few facts: it is late a moment from now
        j.wake = now + 1ms;
        return wake_by(h, j.wake);
      }
    });
  }

  template <class House>
  [[nodiscard]] load load_of(House& h) const {
    load l{.power = h.power(), .running = 0, .waiting = 0, .backlog = {}};
    auto const now = h.env().now();
    duration work{};
    h.env().template pool<held_lease>().each([&](activity, held_lease& held) {
      if (held.now == held_lease::state::running) {
        ++l.running;
        work += std::max(duration{}, held.takes - (now - held.started));
      } else if (held.now == held_lease::state::waiting ||
                 held.now == held_lease::state::fetching || proves_alone(held)) {
        ++l.waiting;
        work += held.takes;
      }
    });
    bool const free = l.running < l.power.cores && l.waiting == 0;
    if (!free) l.backlog = work / std::max<std::int64_t>(1, l.power.cores);
    return l;
  }

 private:
  template <class House>
  [[nodiscard]] static duration on_this_head(House& h, duration work) {
    return duration{mul_div(work.count(), 1000, std::max<std::int64_t>(1, h.power().speed))};
  }

  [[nodiscard]] static bool proves_alone(held_lease const& l) {
    return l.now == held_lease::state::proving && !l.divides;
  }
  [[nodiscard]] static instant deadline(owned_job const& j) {
    return j.submitted + j.what.patience;
  }

  // A result was accepted: what others say of it now changes nothing.
  [[nodiscard]] static bool is_accepted(owned_job const& j) {
    return j.now == owned_job::state::settled || j.now == owned_job::state::collecting;
  }

  // When something has to be done about a job, if nothing happens.
  [[nodiscard]] static instant earliest(owned_job const& j) {
    auto at = j.due;
    if (j.now == owned_job::state::settled) return at;
    at = std::min(at, deadline(j));
    for (auto const& p : j.given) {
      if (p.now <= placement::state::running) at = std::min(at, p.until);
    }
    return at;
  }

  template <class House>
  void wake_by(House& h, instant due) {
    if (tick_ && tick_due_ <= due) return;
    if (tick_) h.env().disarm(tick_);
    auto const now = h.env().now();
    tick_ = h.env().arm(std::max(duration{}, due - now), 0);
    tick_due_ = std::max(due, now);  // on this head's own clock
  }

  // The job has something due at its earliest; a timer will come for it.
  template <class House>
  void wake_for(House& h, owned_job& j) {
    j.wake = earliest(j);
    wake_by(h, j.wake);
  }

  template <class House>
  [[nodiscard]] static activity job_named(House& h, job_id which) {
    return h.env().template pool<owned_job>().first(
        [&](owned_job const& j) { return j.what.id == which; });
  }
  template <class House>
  [[nodiscard]] static activity lease_named(House& h, peer owner, lease_name const& name) {
    return h.env().template pool<held_lease>().first([&](held_lease const& l) {
      return l.owner == owner && l.lease.of == name.of && l.lease.number == name.number;
    });
  }
  // Calls visit(job id, job, placement) if `from` holds that lease.
  template <class House, class F>
  static void with_placement(House& h, peer from, lease_name const& name, F&& visit) {
    auto const id = job_named(h, name.of);
    if (!id) return;
    auto& j = *h.env().template pool<owned_job>().find(id);
    for (auto& p : j.given) {
      if (p.number == name.number && p.who == from) return visit(id, j, p);
    }
  }

  template <class House>
  void refuse(House& h, job const& what) {
    job_done done{};
    done.which = what.id;
    done.how = ending::refused;
    h.env().emit(done);
  }

  template <class House>
  void take_up(House& h, kept_job const& k) {
    owned_job j;
    j.what = k.what;
    j.submitted = k.submitted;
    j.leases = k.leases + leases_per_life;  // an old lease is never mistaken for a new one
    j.due = deadline(j);
    j.root = k.what.id;
    j.terms = root_passport(k.what, deadline(j));
    j.terms.may_spend = k.left;
    auto jobs = h.env().template pool<owned_job>();
    auto const id = jobs.add(j);
    if (!id) return;
    keep(h, *jobs.find(id));
    wake_for(h, *jobs.find(id));
  }
  // Of what is left a life may spend half; the other half is for the next one, which cannot know
  // what this one spent.
  template <class House>
  static void keep(House& h, owned_job& j) {
    auto const next = shared(j.terms.may_spend, 2);
    static_cast<void>(take(j.terms.may_spend, next));
    j.keeping = h.env().keep(j.what.id.nonce, kept_job{j.what, j.submitted, j.leases, next});
  }

  template <class House>
  void look(House& h, activity id) {
    auto& j = *h.env().template pool<owned_job>().find(id);
    if (j.rounds >= h.times().rounds_max) {
      if (under_way(j) == 0) return fail(h, id, verdict_of(j));
      j.now = owned_job::state::running;  // those who are at it may still do it
      j.due = deadline(j);
      return wake_for(h, j);
    }
    ++j.rounds;
    j.now = owned_job::state::finding;
    j.due = h.env().now() + 3 * h.times().lease;  // a lookup ends by itself long before
    // Those who were found before had no place for it: others are asked for with every round.
    auto const wanted = static_cast<std::uint8_t>(std::min(3U * j.rounds, 8U));
    j.lookup = h.find(want{j.what.what, wanted, j.what.floor, j.what.of_provider});
    if (!j.lookup) {  // as many are under way as may be: this was no round
      --j.rounds;
      j.now = owned_job::state::resting;
      j.due = h.env().now() + h.times().bid;
    }
    wake_for(h, j);
  }

  // Fills in what this Hydra knows about those who were found.
  template <class House>
  void gather(House& h, owned_job& j, found const& seen) {
    j.among.clear();
    j.asked = j.answered = j.dividers = 0;
    auto const* way = papers_of(h, j.parent);
    auto const avoided = [&](principal who) {
      bool const tried = std::find(j.avoid.begin(), j.avoid.end(), who) != j.avoid.end();
      return tried || has_a_place(j, who);
    };
    bool const would_go_round = j.parent && h.composition_of(j.what.what);
    bool const fit = h.offers(j.what.what) && h.meets(j.what.what, j.what.of_provider);
    if (fit && !avoided(h.me()) && !would_go_round) {
      candidate self{};
      self.who = h.env().self();
      self.principal = h.me();
      self.power = h.power();
      self.score = trust::percent(100);
      self.queue = load_of(h).backlog + fetch_time(h, j.what.what, j.what.data, j.terms);
      j.among.push_back(self);
    }
    for (std::size_t i = 0; i < seen.among.size(); ++i) {
      auto c = seen.among[i];
      if (c.who == h.env().self() || avoided(c.principal) || j.among.full()) continue;
      if (!may_belong(h, c)) continue;
      bool const met = way != nullptr && on_the_way(way->chain, j.root, c.principal);
      if (met && c.principal != h.me()) continue;  // would refuse
      auto const said = referred(h, h.admits(c.principal, right::execute_for_me), seen.via.of(i));
      if (!said.admitted || said.score < j.what.floor) continue;
      c.score = said.score;
      c.delay = h.delay(c.who, c.where);
      c.queue = duration{-1};
      j.among.push_back(c);
    }
  }

  // Whether the head may belong to whoever offered it. Who owns it is known once it was met.
  template <class House>
  [[nodiscard]] static bool may_belong(House& h, candidate const& c) {
    auto const owner = h.env().about(c.who).principal;
    return !owner || owner == c.principal;
  }

  // A stranger is refused with whoever referred to it, and trusted no further than the least
  // trusted of them; whom we know ourselves needs nobody's word.
  template <class House>
  [[nodiscard]] static verdict referred(House& h, verdict said, std::span<peer const> by) {
    if (said.ring < 3) return said;
    for (auto who : by) {
      auto const of_who = h.admits(h.env().about(who).principal, right::execute_for_me);
      said.admitted = said.admitted && of_who.admitted;
      said.score = std::min(said.score, of_who.score);
    }
    return said;
  }

  template <class House>
  void call(House& h, activity id, owned_job& j) {
    auto const self = h.env().self();
    auto const terms = terms_for(j, needs(j, true));
    for (auto i : h.ask(j.what, j.among)) {
      if (i >= j.among.size() || j.among[i].who == self) continue;
      auto const bit = static_cast<std::uint16_t>(1U << i);
      if ((j.asked & bit) != 0) continue;
      j.asked = static_cast<std::uint16_t>(j.asked | bit);
      h.env().send(j.among[i].who, call_for_bid{j.what.id, j.what.what, j.what.work, terms,
                                                 j.what.data});
    }
    j.now = owned_job::state::bidding;
    j.asked_at = h.env().now();
    j.due = j.asked_at + h.times().bid;
    if (j.asked == 0) return choose(h, id);
    wake_for(h, j);
  }

  // How many results are there or on their way.
  [[nodiscard]] static std::size_t under_way(owned_job const& j) {
    return static_cast<std::size_t>(std::count_if(
        j.given.begin(), j.given.end(),
        [](placement const& p) { return p.now != placement::state::lost; }));
  }

  template <class House>
  void choose(House& h, activity id) {
    auto& j = *h.env().template pool<owned_job>().find(id);
    if (j.given.empty()) j.needed = 1;
    bool broke = false;
    while (under_way(j) < j.needed) {
      candidates eligible;
      for (auto const& c : j.among) {
        if (c.queue >= duration{} && !has_a_place(j, c.principal)) eligible.push_back(c);
      }
      auto const pick = eligible.empty() ? choice{} : h.place(j.what, eligible);
      if (pick.index == choice::nowhere || pick.index >= eligible.size()) break;
      broke = !give(h, j, eligible[pick.index]);
      if (broke) break;
    }
    if (broke) return fail(h, id, ending::no_result);
    for (std::size_t i = 0; i < j.among.size(); ++i) {  // who did not answer is not asked again
      bool const silent = ((j.asked & ~j.answered) >> i & 1U) != 0;
      if (!silent) continue;
      h.silent(j.among[i].who);
      avoid(j, j.among[i].principal);
    }
    if (under_way(j) < j.needed) return rest(h, id, j);
    j.now = owned_job::state::running;
    j.due = deadline(j);
    wake_for(h, j);
  }

  // Whoever lost the job is only avoided for a while: it may be the one who serves this kind.
  [[nodiscard]] static bool has_a_place(owned_job const& j, principal who) {
    return std::any_of(j.given.begin(), j.given.end(), [&](placement const& p) {
      return p.principal == who && p.now != placement::state::lost && !is_gone(j, p);
    });
  }
  // It was made, but whoever made it has it no more.
  [[nodiscard]] static bool is_gone(owned_job const& j, placement const& p) {
    return p.now == placement::state::checked && j.what.data.output_bytes != 0 && !p.object;
  }

  static void avoid(owned_job& j, principal who) {
    if (j.avoid.full()) j.avoid.erase(j.avoid.begin());
    j.avoid.push_back(who);
  }

  // A passport for the next hand.
  [[nodiscard]] static passport terms_for(owned_job const& j, budget const& given) {
    auto const& own = j.terms;
    auto const hops = static_cast<std::uint8_t>(own.hops_left == 0 ? 0 : own.hops_left - 1);
    return {hops,       own.regions, std::max(own.floor, j.what.floor), deadline(j), given,
            own.parent};
  }
  // What this one needs: its own work, or as much as there is for it and others, when so many
  // results are still to be asked for.
  [[nodiscard]] static budget needs(owned_job const& j, bool divides, std::size_t results = 1) {
    budget const alone{j.what.work, j.what.data.bytes(), 1};
    auto const most = shared(most_of(j.terms.may_spend), static_cast<std::uint32_t>(results));
    return divides && covers(most, alone) ? most : alone;
  }
  template <class House>
  [[nodiscard]] static bool divides(House& h, owned_job const& j, peer who) {
    if (who == h.env().self()) return plan(h, j.what.what, terms_for(j, {})).has_value();
    for (std::size_t i = 0; i < j.among.size(); ++i) {
      if (j.among[i].who == who) return (j.dividers >> i & 1U) != 0;
    }
    return false;
  }

  // False: the budget of this job is spent, or no further hand is allowed.
  template <class House>
  [[nodiscard]] bool give(House& h, owned_job& j, candidate const& c) {
    auto const standing = h.admits(c.principal, right::execute_for_me);
    if (j.given.empty()) {
      auto const more = h.checks(j.what, standing);
      j.needed = static_cast<std::uint8_t>(std::min<std::size_t>(1U + more, testimonies_max));
    }
    bool const parts = divides(h, j, c.who);
    auto const given = needs(j, parts, std::max<std::size_t>(1, j.needed - under_way(j)));
    if (j.terms.hops_left == 0 || !take(j.terms.may_spend, given)) return false;
    if (j.given.full()) {
      auto* lost = std::find_if(j.given.begin(), j.given.end(), [](placement const& p) {
        return p.now == placement::state::lost;
      });
      HYDRA_EXPECTS(lost != j.given.end());
      j.given.erase(lost);
    }
    placement p;
    p.who = c.who;
    p.principal = c.principal;
    p.standing = standing;
    p.number = ++j.leases;
    p.divides = parts;
    p.until = h.env().now() + h.times().acknowledge;
    lease const l{j.what.id, 0, h.me(), c.who, h.env().now(), p.number};
    p.lease = h.env().hash(l);
    j.given.push_back(p);
    send_award(h, j, l, given);
    return true;
  }
  template <class House>
  void send_award(House& h, owned_job const& j, lease const& l, budget const& given) {
    auto const depth = static_cast<std::uint8_t>(j.depth + 1);
    passport_link link{j.given[j.given.size() - 1].principal, h.env().now(),
                       terms_for(j, given), {}};
    auto const claim = claim_of(link, h.me(), j.root, depth, h.network());
    link.by = h.env().sign(claim);
    auto const level = std::min<std::uint8_t>(j.what.priority, priority_levels - 1);
    task const t{j.what.id, 0, j.what.what, j.what.work, j.what.input, level, j.what.data};
    h.env().send(l.holder, award{l, t, j.root, depth, link});
    h.env().emit(placed{j.what.id, j.root, depth, j.replaced != 0, l.holder, l.number, given,
                        h.env().hash(claim), link.terms.parent});
  }

  // Nobody right now: try again after a while, as long as patience lasts.
  template <class House>
  void rest(House& h, activity id, owned_job& j) {
    j.now = owned_job::state::resting;
    if (believes_these(h, id, j)) return;
    auto const spread = h.env().random().between(duration{}, h.times().rest);
    auto const tries = std::min<std::int64_t>(j.rounds, 8);
    j.due = h.env().now() + h.times().rest * tries / 2 + spread;
    if (j.rounds % 4 == 0) j.avoid.clear();  // who was full may have room again
    wake_for(h, j);
  }

  template <class House>
  void lose(House& h, activity id, owned_job& j, placement& p) {
    p.now = placement::state::lost;
    ++j.replaced;
    avoid(j, p.principal);
    h.silent(p.who);
    complain(h, j, p);
    h.env().send(p.who, cancel{{j.what.id, p.number}});
    bool const busy = j.now == owned_job::state::finding || j.now == owned_job::state::bidding;
    if (!busy) look(h, id);
  }

  // An abandoned lease is known to us alone: it counts only here.
  template <class House>
  void complain(House& h, owned_job const& j, placement const& p) {
    if (p.principal == h.me()) return;
    receipt r;
    auto const now = h.env().now();
    r.about = {domain::receipt, protocol_version, h.network(), p.number, p.principal, h.me(),
               now, now + receipt_lifetime};
    r.lease = p.lease;
    r.of = j.what.id;
    r.what = j.what.what;
    r.result = outcome::abandoned;
    r.by_owner = h.env().sign(r);
    h.observe(r);
  }

  template <class House>
  void report(House& h, activity id, owned_job& j, placement& p, result_ready const& m) {
    auto const& r = m.receipt;
    bool const honest_form = m.ok && r.lease == p.lease && r.of == j.what.id &&
                             r.about.signer == p.principal && r.about.subject == h.me() &&
                             r.about.valid_at(h.env().now());
    p.hash = h.env().hash(m.output);
    auto const most = j.what.data.output_bytes;
    auto const made = object_made(m.output, p.hash, most, m.object.holder);
    bool const has_bytes = m.object == made && made.bytes <= most &&
                           static_cast<bool>(made) == (most != 0);
    if (!honest_form || r.output != p.hash || !has_bytes) return lose(h, id, j, p);
    p.object = m.object;
    p.output = m.output;
    p.receipt = r;
    p.now = placement::state::reported;
    if (p.principal == h.me()) {  // our own heads need no signature
      p.now = placement::state::checked;
      return consider(h, id, j);
    }
    p.checking = h.env().check(r, p.principal, r.by_executor);
  }

  using testimonies = bounded_vector<testimony, testimonies_max>;
  using places = bounded_vector<std::uint8_t, testimonies_max>;  // in `given`
  static void gather_results(owned_job const& j, testimonies& all, places& at) {
    for (std::size_t i = 0; i < j.given.size(); ++i) {
      if (j.given[i].now != placement::state::checked) continue;
      all.push_back({j.given[i].principal, j.given[i].standing, j.given[i].hash});
      at.push_back(static_cast<std::uint8_t>(i));
    }
  }
  // Nobody was found who would say more: what is there may be enough.
  template <class House>
  [[nodiscard]] bool believes_these(House& h, activity id, owned_job& j) {
    testimonies all;
    places at;
    gather_results(j, all, at);
    if (all.empty() || all.size() < under_way(j)) return false;
    bool const gone = std::any_of(at.begin(), at.end(),
                                  [&](std::uint8_t i) { return is_gone(j, j.given[i]); });
    auto const said = gone ? judgement{judgement::kind::again, 0, 0} : h.judge(j.what, all);
    if (said.what != judgement::kind::accept) return false;
    accept(h, id, j, at[said.believed], said.forged, at);
    return true;
  }

  template <class House>
  void consider(House& h, activity id, owned_job& j) {
    testimonies all;
    places at;
    gather_results(j, all, at);
    if (all.size() < j.needed) return;
    auto const said = h.judge(j.what, all);
    switch (said.what) {
      case judgement::kind::accept: return accept(h, id, j, at[said.believed], said.forged, at);
      case judgement::kind::give_up: return fail(h, id, ending::no_result);
      case judgement::kind::again: break;
    }
    if (all.size() >= testimonies_max) return fail(h, id, ending::no_result);
    j.needed = static_cast<std::uint8_t>(all.size() + 1);
    bool const busy = j.now == owned_job::state::finding || j.now == owned_job::state::bidding;
    if (!busy && under_way(j) < j.needed) look(h, id);
  }

  template <class House, class Places>
  void accept(House& h, activity id, owned_job& j, std::uint8_t believed, std::uint32_t forged,
              Places const& at) {
    j.believed = believed;
    j.results = static_cast<std::uint8_t>(at.size());
    bool const collects = needs_bytes(h, j);
    if (!collects) complete(h, j);
    for (std::size_t i = 0; i < at.size(); ++i) {
      auto& p = j.given[at[i]];
      bool const lied = (forged >> i & 1U) != 0;
      // One who was believed may be contradicted when it is made again.
      bool const news = !p.concluded || (lied && p.receipt.result != outcome::forged);
      if (news) conclude(h, j, p, lied ? outcome::forged : outcome::done);
    }
    for (auto& p : j.given) {
      if (p.now < placement::state::checked) h.env().send(p.who, cancel{{j.what.id, p.number}});
    }
    if (collects) return collect(h, id, j);
    wake_for(h, j);
  }
  // A user's output comes to the user, a part's to whoever joins it.
  template <class House>
  [[nodiscard]] static bool needs_bytes(House& h, owned_job const& j) {
    return j.what.data.output_bytes != 0 && (!j.parent || joins_parts(h, j.parent));
  }
  // The result is believed, and here if it is needed here.
  template <class House>
  void complete(House& h, owned_job& j) {
    auto const now = h.env().now();
    auto const& best = j.given[j.believed];
    if (j.parent) {
      auto const* l = h.env().template pool<held_lease>().find(j.parent);
      auto const whole = l == nullptr ? job_id{} : l->what.of;
      h.env().emit(
          part_done{j.what.id, ending::completed, best.who, whole, j.part, best.output});
      part_ready(h, j, best.output, best.object);
    } else {
      told(h, j, best, j.results, now);
    }
    j.now = owned_job::state::settled;
    j.due = now + 3 * h.times().resend;
  }

  // Fetches the output from all who made the same.
  template <class House>
  void collect(House& h, activity id, owned_job& j) {
    bounded_vector<peer, holders_max> holders;
    auto const& hash = j.given[j.believed].hash;
    for (std::size_t i = 0; i < j.given.size(); ++i) {
      auto& p = j.given[i];
      if (p.now < placement::state::checked) p.now = placement::state::lost;  // was cancelled
      if (p.now != placement::state::checked || p.hash != hash || !p.object) continue;
      if (holders.empty()) j.believed = static_cast<std::uint8_t>(i);
      holders.try_push_back(p.object.holder);
    }
    auto const& what = j.given[j.believed].object;
    j.now = owned_job::state::collecting;
    j.due = deadline(j);
    if (what) j.fetch = h.get(what.id, {0, what.bytes}, holders);
    if (!j.fetch) return lose_output(h, id, j);
    wake_for(h, j);
  }
  // Nobody has it any more: one more has to make it.
  template <class House>
  void lose_output(House& h, activity id, owned_job& j) {
    std::uint8_t said = 0;
    auto const hash = j.given[j.believed].hash;
    for (auto& p : j.given) {
      if (p.now != placement::state::checked) continue;
      ++said;
      if (p.hash != hash || !p.object) continue;
      p.object = {};
      avoid(j, p.principal);
    }
    ++j.replaced;
    if (said >= testimonies_max) return fail(h, id, ending::no_result);
    j.needed = static_cast<std::uint8_t>(said + 1);
    look(h, id);
  }

  template <class House>
  static void told(House& h, owned_job const& j, placement const& best, std::size_t results,
                   instant now) {
    auto const leases = std::min<std::uint32_t>(j.leases % leases_per_life, 255);
    h.env().emit(job_done{j.what.id, ending::completed, best.output, best.who, now - j.submitted,
                          j.hops, static_cast<std::uint8_t>(leases), j.replaced,
                          static_cast<std::uint8_t>(results),
                          static_cast<std::uint8_t>(j.leases / leases_per_life)});
    h.env().template erase<kept_job>(j.what.id.nonce);
  }

  // Both signatures, the owner's own opinion of it, and the receipt on its way.
  template <class House>
  void conclude(House& h, owned_job& j, placement& p, outcome what) {
    p.concluded = true;
    if (p.principal != h.me()) {
      p.receipt.result = what;
      if (what == outcome::done) {
        p.receipt.by_owner = h.env().sign(p.receipt);
        h.observe(p.receipt);
      } else {
        h.proof(p.principal);
      }
      h.env().emit(judged{j.what.id, p.principal, what});
    }
    settle_with(h, j, p);
  }

  template <class House>
  void settle_with(House& h, owned_job& j, placement& p) {
    bool const earned = p.now == placement::state::checked && p.receipt.by_owner != signature{};
    h.env().send(p.who, settle{{j.what.id, p.number}, earned, earned ? p.receipt : receipt{}});
  }

  [[nodiscard]] static ending verdict_of(owned_job const& j) {
    return j.found_anyone ? ending::no_result : ending::nobody_found;
  }

  template <class House>
  void fail(House& h, activity id, ending how) {
    auto jobs = h.env().template pool<owned_job>();
    auto& j = *jobs.find(id);
    for (auto& p : j.given) {
      if (p.now <= placement::state::running) {
        h.env().send(p.who, cancel{{j.what.id, p.number}});
      } else if (p.concluded) {
        settle_with(h, j, p);
      } else if (p.now != placement::state::lost) {
        h.env().send(p.who, settle{{j.what.id, p.number}, false, {}});
      }
    }
    h.drop(j.fetch);
    if (j.parent) {
      if (j.parent != nobodys) {
        h.env().emit(part_done{j.what.id, how, {}, {}, j.part, {}});
        part_failed(h, j);
      }
      jobs.erase(id);
      return;
    }
    job_done done{};
    done.which = j.what.id;
    done.how = how;
    done.response = h.env().now() - j.submitted;
    done.hops = j.hops;
    done.replaced = j.replaced;
    h.env().emit(done);
    h.env().template erase<kept_job>(j.what.id.nonce);
    jobs.erase(id);
  }

  // Something about this job is due.
  template <class House>
  void late(House& h, activity id, owned_job& j, instant now) {
    if (j.now == owned_job::state::settled) {
      h.env().template pool<owned_job>().erase(id);
      return;
    }
    if (deadline(j) <= now) return fail(h, id, verdict_of(j));
    for (auto& p : j.given) {
      if (p.now <= placement::state::running && p.until <= now) return lose(h, id, j, p);
    }
    if (j.due > now) return;
    switch (j.now) {
      case owned_job::state::bidding: return choose(h, id);
      case owned_job::state::finding: return rest(h, id, j);
      case owned_job::state::resting: return look(h, id);
      default:
        j.due = deadline(j);
        j.wake = earliest(j);
    }
  }

  // ---- the executor's side ----------------------------------------------------------------------

  template <class House>
  [[nodiscard]] decision willing(House& h, peer from, task const& t, passport const& terms) {
    auto const who = h.env().about(from).principal;
    bool const late = terms.deadline <= h.env().now();
    if (late || t.of.owner != who || !h.offers(t.what)) return {};
    if (t.work < duration{} || t.work > task_work_max) return {};
    if (!covers(terms.may_spend, budget{t.work, t.data.bytes(), 1})) return {};
    bool const elsewhere = terms.regions != passport::anywhere && (terms.regions & h.region()) == 0;
    if (elsewhere || !performs(h, t.what, terms)) return {};
    if (who != h.me() && !h.admits(who, right::ask_of_me).admitted) return {};
    auto mine = t;  // what is left of it for this head and, at best, for the slowest of the others
    if (auto const c = plan(h, t.what, terms)) {
      mine.work = split_work(*c, t.work) + part_work(*c, t.work) + join_work(*c, t.work);
    }
    auto said = h.accepts(offer{mine, terms, terms.deadline}, load_of(h));
    auto const moving = fetch_time(h, t.what, t.data, terms);
    if (!said.accepted || moving == duration{}) return said;
    said.start += moving;
    said.finish += moving;
    if (said.finish > terms.deadline - h.env().now()) return {};
    return said;
  }
  // Until the input is here; nothing for whoever has it, or gives the reading of it to others.
  template <class House>
  [[nodiscard]] static duration fetch_time(House& h, service what, bulk const& data,
                                           passport const& terms) {
    auto const c = plan(h, what, terms);
    if (data.which.count == 0 || (c && !c->split)) return {};
    if (h.has(data.input.id, data.which)) return {};
    auto const most = std::min<std::uint64_t>(data.which.count, std::uint64_t{1} << 50U);
    return h.times().per_megabyte * static_cast<std::int64_t>(most / 1'000'000 + 1);
  }

  // By itself, or by others if it may ask them.
  template <class House>
  [[nodiscard]] static bool performs(House& h, service what, passport const& terms) {
    return !h.composition_of(what) || plan(h, what, terms).has_value();
  }
  // What an award says of the root fits together.
  [[nodiscard]] static bool is_in_form(award const& m) {
    if (m.depth == 0 || m.depth > hops_max) return false;
    return m.depth > 1 || (m.root == m.lease.of && m.root.owner == m.lease.owner);
  }
  // It is not run after all: its chain does not hold, or there is no room.
  template <class House>
  void turn_down(House& h, activity id) {
    auto const& l = *h.env().template pool<held_lease>().find(id);
    h.env().send(l.owner, refused{{l.lease.of, l.lease.number}});
    forget(h, id);
  }

  template <class House>
  [[nodiscard]] static held_lease fresh(House& h, peer from, award const& m) {
    held_lease l;
    l.lease = m.lease;
    l.what = m.what;
    l.takes = on_this_head(h, m.what.work);
    l.root = m.root;
    l.depth = m.depth;
    l.last = m.last;
    l.divides = plan(h, m.what.what, m.last.terms).has_value();
    l.owner = from;
    l.started = h.env().now();  // to wait, until it runs
    l.until = h.env().now() + h.times().lease;
    l.next = h.env().now() + h.times().progress;
    return l;
  }

  // Asks for the bytes that a lease needs, a few objects at a time; with all of them here it waits
  // for a core. Progress is said all the while, so the lease lives.
  template <class House>
  void get_ready(House& h, activity id) {
    auto& l = *h.env().template pool<held_lease>().find(id);
    while (!l.fetches.full()) {
      auto const next = need(h, id, l, l.asked_for);
      if (!next) break;
      ++l.asked_for;
      if (next->which.count == 0) continue;
      auto const under_way =
          h.get(next->input.id, next->which, std::span{&next->input.holder, 1});
      if (!under_way) return cannot_fetch(h, l);
      l.fetches.push_back(under_way);
    }
    l.now = l.fetches.empty() ? held_lease::state::waiting : held_lease::state::fetching;
    if (l.now == held_lease::state::waiting) start_waiting(h);
  }
  // Said at the next timer, as of a part that cannot be had.
  template <class House>
  void cannot_fetch(House& h, held_lease& l) {
    l.now = held_lease::state::fetching;
    l.failed = true;
    l.next = h.env().now();
    wake_by(h, l.next);
  }

  // Of two that wait: whether the older one runs first. A level of priority is worth `ageing` of
  // waiting, no more: whoever says the highest overtakes those who came a quarter of an hour
  // earlier, and nobody waits for ever.
  [[nodiscard]] static bool goes_first(held_lease const& older, held_lease const& newer) {
    auto const as_if_since = [](held_lease const& l) {
      return l.started - l.what.priority * ageing;
    };
    bool const equal = older.what.priority == newer.what.priority;  // whatever the clock did
    return equal || as_if_since(older) <= as_if_since(newer);
  }

  // Gives free cores to those who wait: the highest priority first, then the longest.
  template <class House>
  void start_waiting(House& h) {
    auto held = h.env().template pool<held_lease>();
    for (;;) {
      std::uint16_t running = 0;
      activity first{};
      held_lease* chosen = nullptr;
      held.each([&](activity id, held_lease& l) {  // newest first
        if (l.now == held_lease::state::running) ++running;
        if (l.now != held_lease::state::waiting) return;
        if (chosen != nullptr && !goes_first(l, *chosen)) return;
        first = id;
        chosen = &l;
      });
      if (!first || running >= h.power().cores) return;
      auto& l = *held.find(first);
      l.now = held_lease::state::running;
      l.started = h.env().now();
      l.run = h.env().run(to_run(h, first, l));
    }
  }

  template <class House>
  void say_progress(House& h, held_lease& l) {
    bool const runs = l.now == held_lease::state::running;
    auto const left =
        runs ? std::max(duration{}, l.takes - (h.env().now() - l.started)) : l.takes;
    l.next = h.env().now() + h.times().progress;
    h.env().send(l.owner, progress{{l.lease.of, l.lease.number}, runs, left});
    wake_by(h, std::min(l.next, l.until));
  }

  template <class House>
  void finish(House& h, held_lease& l, bool ok, payload const& output, duration took) {
    l.now = held_lease::state::reporting;
    l.ok = ok;
    l.output = output;
    stop_fetching(h, l);
    if (ok && l.what.data.output_bytes != 0 && !l.object) {
      auto const most = l.what.data.output_bytes;
      l.object = object_made(output, h.env().hash(output), most, h.env().self());
      if (l.object.bytes > most || !h.store(l.object)) l.ok = false;
    }
    l.receipt = receipt_for(h, l, took);
    l.receipt.by_executor = h.env().sign(l.receipt);
    l.until = h.env().now() + h.times().lease;
    say_result(h, l);
  }
  template <class House>
  static void stop_fetching(House& h, held_lease& l) {
    for (auto f : l.fetches) h.drop(f);
    l.fetches.clear();
  }
  template <class House>
  void say_result(House& h, held_lease& l) {
    ++l.sent;
    l.next = h.env().now() + h.times().resend;
    h.env().send(l.owner,
                 result_ready{{l.lease.of, l.lease.number}, l.ok, l.output, l.receipt, l.object});
    wake_by(h, std::min(l.next, l.until));
  }

  template <class House>
  void remind(House& h, activity id, held_lease& l) {
    if (l.failed) {
      l.failed = false;
      return finish(h, l, false, {}, {});
    }
    if (l.now == held_lease::state::proving) ask_again(h, id, l);
    if (l.now != held_lease::state::reporting) return say_progress(h, l);
    if (l.sent >= h.times().sends_max) return give_up(h, id, outcome::abandoned);
    say_result(h, l);
  }

  template <class House>
  [[nodiscard]] receipt receipt_for(House& h, held_lease const& l, duration took) {
    receipt r;
    auto const now = h.env().now();
    r.about = {domain::receipt, protocol_version, h.network(), l.lease.number, h.me(),
               l.lease.owner, now, now + receipt_lifetime};
    r.lease = h.env().hash(l.lease);
    r.of = l.what.of;
    r.what = l.what.what;
    r.used = {took, l.came};
    r.output = h.env().hash(l.output);
    return r;
  }

  // The owner's signature was checked.
  template <class House>
  void earn(House& h, checked const& c) {
    auto held = h.env().template pool<held_lease>();
    auto const id = held.first([&](held_lease const& l) {
      return l.now == held_lease::state::reporting && l.checking == c.id;
    });
    if (!id) return;
    auto const r = held.find(id)->receipt;
    forget(h, id);
    if (!c.good) return;
    h.env().keep(receipts_, r);
    if (receipts_ >= h.receipts_kept()) {
      h.env().template erase<receipt>(receipts_ - h.receipts_kept());
    }
    ++receipts_;
    h.observe(r);
  }

  template <class House>
  void give_up(House& h, activity id, outcome why) {
    auto held = h.env().template pool<held_lease>();
    auto const& l = *held.find(id);
    if (l.now == held_lease::state::running) {
      h.env().disarm(l.run);
      h.env().emit(task_ended{l.what.of, why, h.env().now() - l.started});
    }
    forget(h, id);
  }

  // The lease is over; a copy of its award that is still on its way must start nothing.
  template <class House>
  void forget(House& h, activity id) {
    auto held = h.env().template pool<held_lease>();
    auto& l = *held.find(id);
    stop_fetching(h, l);
    ended_[ended_next_++ % ended_.size()] =
        mark_of(h, l.lease.owner, {l.lease.of, l.lease.number});
    held.erase(id);
    drop_parts(h, id);
  }
  template <class House>
  [[nodiscard]] bool ended_lately(House& h, principal owner, lease_name const& name) const {
    auto const mark = mark_of(h, owner, name);
    return std::find(ended_.begin(), ended_.end(), mark) != ended_.end();
  }
  // Never zero, and the same whatever the handle of the owner is.
  template <class House>
  [[nodiscard]] static std::uint32_t mark_of(House& h, principal owner, lease_name const& name) {
    auto const bits = mix64(h.env().about(owner).words()[0] ^ mix64(name.of.nonce)) + name.number;
    return static_cast<std::uint32_t>(mix64(bits) >> 32U) | 1U;
  }

  static constexpr std::uint32_t leases_per_life = 1000;
  static constexpr std::size_t turns_per_call_max = 4;
  static constexpr std::size_t endings_per_call_max = 8;
  static constexpr duration receipt_lifetime = 24h * 365;
  static constexpr duration ageing = 1min;  // of waiting, worth a level of priority

  timer tick_{};
  instant tick_due_{};
  std::uint64_t receipts_ = 0;
  std::array<std::uint32_t, 7> ended_{};  // marks of the leases that ended here last
  std::uint8_t ended_next_ = 0;
};

}  // namespace hydra
