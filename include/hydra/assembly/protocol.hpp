// The life of a job over one hop: find, choose, offer, bid, lease, run, verify, receipt.
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
// - Whatever names a lease is believed only from the other party of that lease.
// What an attacker gains: bids and silence cost an asker one bid time per round, at most rounds_max
// rounds; at most held_lease::per_peer_max leases and owned_job::per_peer_max jobs are held.
// Cost: 2 messages per candidate asked, 3 per lease, 2 per progress period, 2 to settle.
#pragma once

#include <hydra/assembly/jobs.hpp>
#include <hydra/routing/concept.hpp>
#include <hydra/scheduling/concept.hpp>
#include <hydra/trust/concept.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hydra {

class job_protocol {
 public:
  using messages = type_list<call_for_bid, bid, award, refused, progress, renew, result_ready,
                             settle, cancel>;
  using inputs = type_list<submit, withdraw_job>;
  using facts = type_list<job_done, job_accepted, judged, task_ended>;
  using activities = type_list<owned_job, held_lease>;
  using records = type_list<kept_job, receipt>;

  // `h` is the house: the node's rooms, as the assembly opens them for one call.
  template <class House>
  void on_start(House& h) {
    h.env().template recall_all<receipt>([&](std::uint64_t, receipt const& r) {
      if (r.about.signer != h.me()) h.observe(r);
      ++receipts_;
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
    auto const id = jobs.add(j);
    if (!id) return refuse(h, what);
    jobs.find(id)->keeping = h.env().keep(what.id.nonce, kept_job{what, j.submitted, 0});
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
    gather(h, j, f.among);
    if (j.among.empty()) return rest(h, j);
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
      auto const trip = h.env().now() - j.asked_at;
      h.measured(from, trip);
      j.among[i].delay = trip;
      if (m.accepted && m.start >= duration{}) j.among[i].queue = m.start;
    }
    if (j.answered == j.asked) choose(h, id);
  }

  template <class House>
  void on_message(House& h, peer from, refused const& m) {
    with_placement(h, from, m.which, [&](activity id, owned_job& j, placement& p) {
      if (p.now == placement::state::awarded) lose(h, id, j, p);
    });
  }

  template <class House>
  void on_message(House& h, peer from, progress const& m) {
    bool known = false;
    with_placement(h, from, m.which, [&](activity, owned_job& j, placement& p) {
      if (j.now == owned_job::state::settled) return;
      if (p.now == placement::state::lost || p.now > placement::state::running) return;
      known = true;
      p.now = placement::state::running;
      p.until = h.env().now() + h.times().lease;
    });
    if (known) {
      h.env().send(from, renew{m.which});
    } else {
      h.env().send(from, cancel{m.which});
    }
  }

  template <class House>
  void on_message(House& h, peer from, result_ready const& m) {
    bool known = false;
    with_placement(h, from, m.which, [&](activity id, owned_job& j, placement& p) {
      known = true;
      if (j.now == owned_job::state::settled) return settle_with(h, j, p);
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
    if (which == nullptr) return earn(h, c);
    auto& j = *jobs.find(mine);
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
    auto const said = willing(h, from, task{m.of, 0, m.what, m.work, {}}, m.terms);
    h.env().send(from, bid{m.of, said.accepted, said.start, said.finish});
  }

  template <class House>
  void on_message(House& h, peer from, award const& m) {
    lease_name const name{m.lease.of, m.lease.number};
    auto held = h.env().template pool<held_lease>();
    auto const known = lease_named(h, from, name);
    bool const mine = m.lease.of == m.what.of && m.lease.owner == h.env().about(from).principal;
    if (!known && ended_lately(h, m.lease.owner, name)) return;  // a late copy of this award
    if (!known) {
      bool const fits = mine && willing(h, from, m.what, m.terms).accepted;
      if (!fits || !held.add(fresh(h, from, m))) {
        h.env().send(from, refused{name});
        return;
      }
      start_waiting(h);
    }
    auto const id = lease_named(h, from, name);
    if (id) say_progress(h, *held.find(id));
  }

  template <class House>
  void on_message(House& h, peer from, renew const& m) {
    auto held = h.env().template pool<held_lease>();
    auto const id = lease_named(h, from, m.which);
    if (id) held.find(id)->until = h.env().now() + h.times().lease;
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
      auto& l = *held.find(id);
      l.now = held_lease::state::reporting;
      l.ok = r.ok;
      l.output = r.output;
      l.receipt = receipt_for(h, l, r.took);
      l.receipt.by_executor = h.env().sign(l.receipt);
      l.until = h.env().now() + h.times().lease;
      h.env().emit(task_ended{l.what.of, outcome::done, r.took});
      say_result(h, l);
    }
    start_waiting(h);
  }

  // ---- time -------------------------------------------------------------------------------------

  template <class House>
  void on_timer(House& h) {
    tick_ = {};
    auto const now = h.env().now();
    bool freed = false;
    h.env().template pool<held_lease>().each([&](activity id, held_lease& l) {
      if (l.until <= now) {
        freed = true;
        return give_up(h, id, outcome::abandoned);
      }
      if (l.next <= now) remind(h, id, l);
    });
    if (freed) start_waiting(h);
    auto jobs = h.env().template pool<owned_job>();
    jobs.each([&](activity id, owned_job& j) {
      if (j.wake > now) return;  // a renewed lease moves what is due, not the time of waking
      j.wake = earliest(j);
      if (j.wake <= now) late(h, id, j, now);
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
    h.env().template pool<owned_job>().each([&](activity id, owned_job& j) {
      if (j.now == owned_job::state::settled) return;
      for (auto& p : j.given) {
        if (p.who == who && p.now <= placement::state::running) return lose(h, id, j, p);
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
      } else if (held.now == held_lease::state::waiting) {
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

  [[nodiscard]] static instant deadline(owned_job const& j) {
    return j.submitted + j.what.patience;
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
    auto jobs = h.env().template pool<owned_job>();
    auto const id = jobs.add(j);
    if (!id) return;
    jobs.find(id)->keeping =
        h.env().keep(k.what.id.nonce, kept_job{k.what, k.submitted, j.leases});
    wake_for(h, *jobs.find(id));
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
    j.lookup = h.find(want{j.what.what, 3, j.what.floor});
    wake_for(h, j);
  }

  // Fills in what this Hydra knows about those who were found.
  template <class House>
  void gather(House& h, owned_job& j, candidates const& seen) {
    j.among.clear();
    j.asked = j.answered = 0;
    auto const avoided = [&](principal who) {
      bool const tried = std::find(j.avoid.begin(), j.avoid.end(), who) != j.avoid.end();
      return tried || has_a_place(j, who);
    };
    if (h.offers(j.what.what) && !avoided(h.me())) {
      candidate self{};
      self.who = h.env().self();
      self.principal = h.me();
      self.power = h.power();
      self.score = trust::percent(100);
      self.queue = load_of(h).backlog;
      j.among.push_back(self);
    }
    for (auto c : seen) {
      if (c.who == h.env().self() || avoided(c.principal) || j.among.full()) continue;
      auto const said = h.admits(c.principal, right::execute_for_me);
      if (!said.admitted || said.score < j.what.floor) continue;
      c.score = said.score;
      c.delay = h.delay(c.who, c.where);
      c.queue = duration{-1};
      j.among.push_back(c);
    }
  }

  template <class House>
  void call(House& h, activity id, owned_job& j) {
    auto const self = h.env().self();
    passport const terms{1, j.what.floor, deadline(j), j.what.work, 1, {}};
    for (auto i : h.ask(j.what, j.among)) {
      if (i >= j.among.size() || j.among[i].who == self) continue;
      auto const bit = static_cast<std::uint16_t>(1U << i);
      if ((j.asked & bit) != 0) continue;
      j.asked = static_cast<std::uint16_t>(j.asked | bit);
      h.env().send(j.among[i].who, call_for_bid{j.what.id, j.what.what, j.what.work, terms});
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
    while (under_way(j) < j.needed) {
      candidates eligible;
      for (auto const& c : j.among) {
        if (c.queue >= duration{} && !has_a_place(j, c.principal)) eligible.push_back(c);
      }
      auto const pick = eligible.empty() ? choice{} : h.place(j.what, eligible);
      if (pick.index == choice::nowhere || pick.index >= eligible.size()) break;
      give(h, j, eligible[pick.index]);
    }
    for (std::size_t i = 0; i < j.among.size(); ++i) {  // who did not answer is not asked again
      bool const silent = ((j.asked & ~j.answered) >> i & 1U) != 0;
      if (!silent) continue;
      h.silent(j.among[i].who);
      avoid(j, j.among[i].principal);
    }
    if (under_way(j) < j.needed) return rest(h, j);
    j.now = owned_job::state::running;
    j.due = deadline(j);
    wake_for(h, j);
  }

  // Whoever lost the job is only avoided for a while: it may be the one who serves this kind.
  [[nodiscard]] static bool has_a_place(owned_job const& j, principal who) {
    return std::any_of(j.given.begin(), j.given.end(), [&](placement const& p) {
      return p.principal == who && p.now != placement::state::lost;
    });
  }

  static void avoid(owned_job& j, principal who) {
    if (j.avoid.full()) j.avoid.erase(j.avoid.begin());
    j.avoid.push_back(who);
  }

  template <class House>
  void give(House& h, owned_job& j, candidate const& c) {
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
    p.standing = h.admits(c.principal, right::execute_for_me);
    p.number = ++j.leases;
    p.until = h.env().now() + h.times().acknowledge;
    if (j.given.empty()) {
      auto const more = h.checks(j.what, p.standing);
      j.needed = static_cast<std::uint8_t>(std::min<std::size_t>(1U + more, testimonies_max));
    }
    lease const l{j.what.id, 0, h.me(), c.who, h.env().now(), p.number};
    p.lease = h.env().hash(l);
    j.given.push_back(p);
    task const t{j.what.id, 0, j.what.what, j.what.work, j.what.input};
    h.env().send(c.who, award{l, t, {0, j.what.floor, deadline(j), j.what.work, 1, {}}});
  }

  // Nobody right now: try again after a while, as long as patience lasts.
  template <class House>
  void rest(House& h, owned_job& j) {
    j.now = owned_job::state::resting;
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
    if (!honest_form || r.output != p.hash) return lose(h, id, j, p);
    p.output = m.output;
    p.receipt = r;
    p.now = placement::state::reported;
    if (p.principal == h.me()) {  // our own heads need no signature
      p.now = placement::state::checked;
      return consider(h, id, j);
    }
    p.checking = h.env().check(r, p.principal, r.by_executor);
  }

  template <class House>
  void consider(House& h, activity id, owned_job& j) {
    bounded_vector<testimony, testimonies_max> all;
    bounded_vector<std::uint8_t, testimonies_max> at;
    for (std::size_t i = 0; i < j.given.size(); ++i) {
      if (j.given[i].now != placement::state::checked) continue;
      all.push_back({j.given[i].principal, j.given[i].standing, j.given[i].hash});
      at.push_back(static_cast<std::uint8_t>(i));
    }
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
  void accept(House& h, activity, owned_job& j, std::uint8_t believed, std::uint32_t forged,
              Places const& at) {
    auto const now = h.env().now();
    auto const& best = j.given[believed];
    h.env().emit(job_done{j.what.id, ending::completed, best.output, best.who, now - j.submitted,
                          j.hops, static_cast<std::uint8_t>(std::min<std::uint32_t>(
                              j.leases % leases_per_life, 255)),
                          j.replaced, static_cast<std::uint8_t>(at.size()),
                          static_cast<std::uint8_t>(j.leases / leases_per_life)});
    h.env().template erase<kept_job>(j.what.id.nonce);
    j.now = owned_job::state::settled;
    j.due = now + 3 * h.times().resend;
    for (std::size_t i = 0; i < at.size(); ++i) {
      auto& p = j.given[at[i]];
      bool const lied = (forged >> i & 1U) != 0;
      conclude(h, j, p, lied ? outcome::forged : outcome::done);
    }
    for (auto& p : j.given) {
      if (p.now < placement::state::checked) h.env().send(p.who, cancel{{j.what.id, p.number}});
    }
    wake_for(h, j);
  }

  // Both signatures, the owner's own opinion of it, and the receipt on its way.
  template <class House>
  void conclude(House& h, owned_job& j, placement& p, outcome what) {
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
    for (auto const& p : j.given) {
      if (p.now <= placement::state::running) {
        h.env().send(p.who, cancel{{j.what.id, p.number}});
      } else if (p.now != placement::state::lost) {
        h.env().send(p.who, settle{{j.what.id, p.number}, false, {}});
      }
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
      case owned_job::state::finding: return rest(h, j);
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
    if (t.work > terms.cpu_budget || terms.tasks_budget == 0) return {};  // more than it may spend
    if (who != h.me() && !h.admits(who, right::ask_of_me).admitted) return {};
    return h.accepts(offer{t, terms, terms.deadline}, load_of(h));
  }

  template <class House>
  [[nodiscard]] static held_lease fresh(House& h, peer from, award const& m) {
    held_lease l;
    l.lease = m.lease;
    l.what = m.what;
    l.takes = on_this_head(h, m.what.work);
    l.owner = from;
    l.until = h.env().now() + h.times().lease;
    l.next = h.env().now() + h.times().progress;
    return l;
  }

  // Gives free cores to those who wait, the longest first.
  template <class House>
  void start_waiting(House& h) {
    auto held = h.env().template pool<held_lease>();
    for (;;) {
      std::uint16_t running = 0;
      activity oldest{};
      held.each([&](activity id, held_lease& l) {
        if (l.now == held_lease::state::running) ++running;
        if (l.now == held_lease::state::waiting) oldest = id;  // newest first: ends at the oldest
      });
      if (!oldest || running >= h.power().cores) return;
      auto& l = *held.find(oldest);
      l.now = held_lease::state::running;
      l.started = h.env().now();
      l.run = h.env().run(l.what);
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
  void say_result(House& h, held_lease& l) {
    ++l.sent;
    l.next = h.env().now() + h.times().resend;
    h.env().send(l.owner,
                 result_ready{{l.lease.of, l.lease.number}, l.ok, l.output, l.receipt});
    wake_by(h, std::min(l.next, l.until));
  }

  template <class House>
  void remind(House& h, activity id, held_lease& l) {
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
    r.used.cpu = took;
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
    h.env().keep(receipts_++ % receipts_kept, r);
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
    auto const& l = *held.find(id);
    ended_[ended_next_++ % ended_.size()] =
        mark_of(h, l.lease.owner, {l.lease.of, l.lease.number});
    held.erase(id);
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
  static constexpr std::uint64_t receipts_kept = 32;
  static constexpr duration receipt_lifetime = 24h * 365;

  timer tick_{};
  instant tick_due_{};
  std::uint64_t receipts_ = 0;
  std::array<std::uint32_t, 7> ended_{};  // marks of the leases that ended here last
  std::uint8_t ended_next_ = 0;
};

}  // namespace hydra
