#include <hydra/sim/planet.hpp>

#include <hydra/sim/data_path.hpp>

#include <hydra/core/wide.hpp>
#include <algorithm>
#include <bit>
#include <cmath>

namespace hydra::sim {

namespace {

// Where a share of `whole` ends in the range of 64 random bits.
bool drawn(std::uint64_t bits, ratio r) noexcept {
  if (r.part >= r.whole) return r.whole != 0;
  auto const wide = static_cast<uint128>(bits) * r.whole;
  return static_cast<std::uint64_t>(wide >> 64U) < r.part;
}

duration times(duration d, ratio r) noexcept {
  return duration{mul_div(d.count(), r.part, std::max<std::uint32_t>(1, r.whole))};
}

std::uint32_t percent(ratio r) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{r.part} * 100 / std::max(1U, r.whole));
}

// "0, 3" as numbers; the lint has seen to it that they are some.
std::vector<std::uint32_t> kinds_in(std::string_view text) {
  std::vector<std::uint32_t> out;
  bool inside = false;
  for (char const c : text) {
    bool const digit = c >= '0' && c <= '9';
    if (digit && !inside) out.push_back(0);
    if (digit) out.back() = out.back() * 10 + static_cast<std::uint32_t>(c - '0');
    inside = digit;
  }
  return out;
}

bool about_messages(fault_kind k) noexcept {
  return k == fault_kind::loss || k == fault_kind::duplicate || k == fault_kind::delay ||
         k == fault_kind::partition;
}

}  // namespace

composition composition_from(composition_settings const& c) {
  auto const share = std::uint64_t{c.join_share.part} * 1000 / std::max(1U, c.join_share.whole);
  return {service{c.whole}, service{c.part}, service{c.join},
          static_cast<std::uint16_t>(c.parts), static_cast<std::uint16_t>(share)};
}

planet::planet(scenario const& what, bool alone)
    : plain_setting{what.seed, static_cast<std::uint32_t>(what.hydras)},
      plan_{what},
      alone_{alone} {
  last_arrival_ = instant{} + plan_.duration - plan_.workload.stop_before_end;
  roles_.resize(peers());
  region_.resize(peers());
  if (plan_.workload.law == arrival_law::swf) {
    recorded_ = std::make_shared<recorded_arrivals const>(recorded_arrivals::load(plan_));
  }
  place_everybody();
  if (plan_.routing.tables == tables_from::direct && !alone_) introduce_everybody();
  gather_groups();
  read_laws();
  deal_services();
  equip_groups();
  set_conditions();
  set_behind_nats();
  for (std::uint32_t i = 0; i < plan_.faults.size(); ++i) {
    auto const kind = plan_.faults[i].kind;
    (about_messages(kind) ? message_rules_ : head_rules_).push_back(i);
    any_skew_ = any_skew_ || kind == fault_kind::skew;
  }
}

void planet::read_laws() {
  auto const laws = law_book::load();
  auto const span = std::max<std::int64_t>(1, arrival_span(plan_).count());
  auto const jobs = std::max<std::uint64_t>(1, expected_jobs(plan_));
  auto const mean = static_cast<double>(span) * askers_ / static_cast<double>(jobs);
  auto const ns_mean = static_cast<std::int64_t>(std::min(mean, 9e18));
  gap_ = laws.law("exponential").scaled(std::max<std::int64_t>(1, ns_mean), 1'000'000'000);
  auto const service = plan_.workload.service_time.count();
  switch (plan_.workload.service_law) {
    case time_law::exponential:
      work_ = laws.law("exponential").scaled(service, 1'000'000'000);
      break;
    case time_law::uniform:
      work_ = laws.law("uniform").scaled(2 * service, 1'000'000'000);
      break;
    case time_law::constant: work_ = laws.law("constant").scaled(service, 1'000'000'000); break;
  }
  auto const pace = std::max<std::int64_t>(1, plan_.churn.pace);
  if (plan_.churn.share.part == 0) return;
  uptime_ = laws.law(plan_.churn.uptime).scaled(1, pace);
  downtime_ = laws.law(plan_.churn.downtime).scaled(1, pace);
}

void planet::introduce_everybody() {
  std::vector<addressed_head> all(peers());
  for (std::uint32_t i = 0; i < peers(); ++i) all[i] = {peer{i}, key_of(peer{i}), netgroup_of(i)};
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
    return a.key.words() < b.key.words();
  });
  everybody_ = std::make_shared<std::vector<addressed_head> const>(std::move(all));
}

void planet::place_everybody() {
  map_ = std::make_shared<atlas const>(atlas::load());
  placement how{.sites = peers(), .heads_per_site = 1, .seed = seed(), .settled = {}};
  for (auto const& g : plan_.groups) {
    auto const place = map_->find(g.city, g.country);
    if (!place) {
      throw data_error{"group " + g.name + ": there is no city " + g.city +
                       (g.country.empty() ? "" : " in " + g.country) +
                       " of 15,000 inhabitants or more"};
    }
    how.settled.push_back({static_cast<std::uint32_t>(*place), g.count});
  }
  where_ = std::make_shared<positions const>(*map_, how);
  for (std::uint32_t i = 0; i < peers(); ++i) {
    region_[i] = static_cast<std::uint8_t>(where_->region_of(peer{i}));
    roles_[i].region = region_[i];
    roles_[i].where = coarse(where_->place_of(peer{i}).at);
  }
  auto const& w = plan_.world;
  switch (w.latency) {
    case latency_from::planet: {
      access_mix const mix{percent(w.datacentre), percent(w.fibre), percent(w.cable),
                           percent(w.mobile)};
      fitted_ = std::make_shared<planet_latency const>(*where_, seed(), mix);
      window_ = fitted_->minimum();
      break;
    }
    case latency_from::matrix:
      measured_ = std::make_shared<matrix_latency const>(
          matrix_latency::load(w.matrix, peers(), seed()));
      window_ = measured_->minimum();
      break;
    case latency_from::constant: window_ = w.latency_value; break;
    case latency_from::uniform:
      window_ = std::max<duration>(1us, w.latency_value - w.latency_spread);
      break;
  }
}

// The first so many in each city that no group before took.
void planet::gather_groups() {
  groups_.resize(plan_.groups.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto const place = map_->find(plan_.groups[g].city, plan_.groups[g].country);
    for (std::uint32_t i = 0; i < peers() && groups_[g].size() < plan_.groups[g].count; ++i) {
      if (roles_[i].group != 0 || where_->site_of(peer{i}).place != *place) continue;
      roles_[i].group = static_cast<std::uint8_t>(g + 1);
      groups_[g].push_back(i);
    }
  }
  for (std::uint32_t i = 0; i < peers(); ++i) askers_ += asks(i) ? 1U : 0U;
}

bool planet::asks(std::uint32_t who) const noexcept {
  auto const any = std::any_of(plan_.groups.begin(), plan_.groups.end(),
                               [](group_settings const& g) { return g.asks; });
  auto const mine = roles_[who].group;
  return !any || (mine != 0 && plan_.groups[mine - 1U].asks);
}

// What a group's file says: kinds, cores, speed.
void planet::equip_groups() {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto const& said = plan_.groups[g];
    auto const kinds = kinds_in(said.offers);
    for (auto who : groups_[g]) {
      auto& mine = roles_[who];
      for (auto k : kinds) mine.offers.try_push_back(service{k});
      mine.power.cores = static_cast<std::uint16_t>(said.cores);
      mine.power.speed = static_cast<std::uint16_t>(times(duration{1000}, said.speed).count());
      mine.churns = false;
    }
  }
}

// Nothing is said where nobody asks for it: records stay as short as they were.
void planet::set_conditions() {
  auto const& c = plan_.conditions;
  bool const said = c != condition_settings{} || plan_.demands != demand_settings{} ||
                    std::any_of(plan_.groups.begin(), plan_.groups.end(), [](auto const& g) {
                      return g.memory_mb != 0 || g.price != 0 || g.minor != 0;
                    });
  for (std::uint32_t i = 0; said && i < peers(); ++i) {
    auto& mine = roles_[i];
    if (mine.offers.empty()) continue;
    auto const between = [&](std::uint64_t n, std::uint32_t least, std::uint32_t most) {
      return least + static_cast<std::uint32_t>(chance_of(purpose::capacity, i, n) %
                                                (std::uint64_t{most} - least + 1));
    };
    mine.under.region = static_cast<std::uint8_t>(1U << mine.region);
    if (mine.group != 0) {
      auto const& g = plan_.groups[mine.group - 1U];
      mine.under.memory_mb = g.memory_mb;
      mine.under.price = g.price;
      mine.under.minor = static_cast<std::uint16_t>(g.minor);
      continue;
    }
    mine.under.memory_mb = between(1, c.memory_mb_least, c.memory_mb_most);
    mine.under.price = between(2, c.price_least, c.price_most);
    mine.under.minor = static_cast<std::uint16_t>(between(3, c.minor_least, c.minor_most));
  }
}

demands planet::demanded_by(std::uint32_t who) const noexcept {
  auto const& d = plan_.demands;
  demands out;
  out.memory_mb = d.memory_mb;
  out.price_max = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(d.price_max, demands::any_price));
  out.minor_min = static_cast<std::uint16_t>(d.minor_min);
  out.minor_max = static_cast<std::uint16_t>(std::min<std::uint64_t>(d.minor_max, 0xffff));
  if (d.regions.of == whereabouts::which::regions) out.regions = d.regions.regions;
  if (d.own_region) out.regions = static_cast<std::uint8_t>(1U << roles_[who].region);
  if (d.within_km != 0) {
    out.within_km = static_cast<std::uint16_t>(d.within_km);
    out.near = roles_[who].where;
  }
  return out;
}

// A group says it for its members; of the others, who serve nobody, a share is drawn.
void planet::set_behind_nats() {
  for (std::uint32_t i = 0; i < peers(); ++i) {
    auto& mine = roles_[i];
    bool const of_population = mine.group == 0 && mine.offers.empty();
    mine.calls_out_only =
        mine.group != 0 ? plan_.groups[mine.group - 1U].calls_out_only
                        : of_population && drawn(chance_of(purpose::capacity, i, ~0ULL),
                                                 plan_.world.calls_out_only);
    any_nat_ = any_nat_ || mine.calls_out_only;
  }
  if (!any_nat_) return;
  for (std::uint32_t i = 0; i < peers(); ++i) {
    if (!roles_[i].calls_out_only) callable_.push_back(i);
  }
}

// Supply follows demand: what is asked for often is offered by many.
void planet::deal_services() {
  auto const& s = plan_.services;
  std::uint64_t sum = 0;
  double const exponent = static_cast<double>(s.zipf_exponent.part) /
                          std::max(1U, s.zipf_exponent.whole);
  for (std::uint32_t k = 0; k < s.count; ++k) {
    double const weight = s.popularity == popularity_law::zipf
                              ? 1e6 / std::pow(static_cast<double>(k + 1), exponent)
                              : 1e6;
    sum += std::max<std::uint64_t>(1, static_cast<std::uint64_t>(weight + 0.5));
    popularity_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, 0xffffffffU)));
  }
  auto const providers = std::min<std::uint32_t>(s.providers, peers());
  for (std::uint32_t r = 0; r < providers; ++r) {
    auto const who = unshuffled(purpose::capacity, r);
    auto& mine = roles_[who];
    if (mine.group != 0) continue;  // a group says itself what it serves
    // The r-th provider's first kind runs evenly through the popularity: no kind is without one.
    auto const even = static_cast<std::uint64_t>(
        (static_cast<uint128>(r) << 64U) / providers + 1);
    for (std::uint64_t n = 0; mine.offers.size() < s.kinds_per_provider && n < 64; ++n) {
      auto const kind = service{kind_for(n == 0 ? even : chance_of(purpose::service, who, n))};
      if (std::find(mine.offers.begin(), mine.offers.end(), kind) == mine.offers.end()) {
        if (!mine.offers.try_push_back(kind)) break;
      }
    }
    mine.power.cores = static_cast<std::uint16_t>(s.cores);
    auto const low = times(duration{1000}, s.speed_least).count();
    auto const high = std::max(low, times(duration{1000}, s.speed_most).count());
    auto const width = static_cast<std::uint64_t>(high - low + 1);
    auto const pick = chance_of(purpose::capacity, who, 0) % width;
    mine.power.speed = static_cast<std::uint16_t>(low + static_cast<std::int64_t>(pick));
  }
  for (std::uint32_t i = 0; i < peers(); ++i) {
    bool const may = plan_.churn.providers || roles_[i].offers.empty();
    roles_[i].churns = may && drawn(chance_of(purpose::churn, i, ~0ULL), plan_.churn.share);
  }
}

std::string_view planet::city_of(std::uint32_t who) const { return where_->city_of(peer{who}); }

// A bijection of [0, peers): four Feistel rounds over the next even power of two, walked until
// the result lies inside (Black and Rogaway, CT-RSA 2002).
std::uint32_t planet::shuffled(std::uint64_t salt, std::uint32_t i) const noexcept {
  auto const half = (std::bit_width(peers() - 1U) + 1U) / 2U;
  auto const mask = (1U << half) - 1U;
  auto const base = stream_base(seed(), purpose::friends, salt);
  do {
    auto left = i >> half;
    auto right = i & mask;
    for (unsigned round = 0; round < 4; ++round) {
      auto const bits = static_cast<std::uint32_t>(mix64(base + right * 4ULL + round));
      auto const next = left ^ (bits & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= peers());
  return i;
}

std::uint32_t planet::unshuffled(std::uint64_t salt, std::uint32_t i) const noexcept {
  auto const half = (std::bit_width(peers() - 1U) + 1U) / 2U;
  auto const mask = (1U << half) - 1U;
  auto const base = stream_base(seed(), purpose::friends, salt);
  do {
    auto left = i >> half;
    auto right = i & mask;
    for (unsigned round = 4; round-- > 0;) {
      auto const bits = static_cast<std::uint32_t>(mix64(base + left * 4ULL + round));
      auto const before = right ^ (bits & mask);
      right = left;
      left = before;
    }
    i = left << half | right;
  } while (i >= peers());
  return i;
}

bounded_vector<std::uint32_t, 16> planet::friends_of(std::uint32_t who) const {
  bounded_vector<std::uint32_t, 16> all;
  auto const n = peers();
  auto const add = [&](std::uint32_t other) {
    bool const known = std::find(all.begin(), all.end(), other) != all.end();
    if (other != who && !known && all.size() < plan_.trust.friends) all.try_push_back(other);
  };
  if (auto const g = roles_[who].group; g != 0) {
    auto const& said = plan_.groups[g - 1U];
    for (std::size_t h = 0; h < groups_.size(); ++h) {
      if (plan_.groups[h].name != said.friends || said.friends.empty()) continue;
      for (auto other : groups_[h]) add(other);
    }
    for (auto other : groups_[g - 1U]) add(other);
  }
  // A quarter live next door: numbers follow the map. The others are matched at random, in pairs
  // of a shuffled list, so that whoever is a friend has a friend.
  for (std::uint32_t step = 1; step <= plan_.trust.friends / 8; ++step) {
    add((who + step) % n);
    add((who + n - step) % n);
  }
  for (std::uint64_t round = 0; all.size() < plan_.trust.friends && round < 16; ++round) {
    auto const mine = shuffled(round + 100, who);
    auto const other = mine ^ 1U;
    if (other < n) add(unshuffled(round + 100, other));
  }
  return all;
}

bounded_vector<std::uint32_t, 16> planet::contacts_of(std::uint32_t who) const {
  if (alone_) return {};
  auto all = friends_of(who);
  if (any_nat_) {
    for (std::size_t i = all.size(); i-- > 0;) {
      if (calls_out_only(all[i])) all.erase(&all[i]);
    }
  }
  auto const drawn_from = any_nat_ ? callable_.size() : peers();
  for (std::uint64_t i = 0; !all.full() && i < 4 && drawn_from != 0; ++i) {
    auto other = static_cast<std::uint32_t>(chance_of(purpose::friends, who, i) % drawn_from);
    if (any_nat_) other = callable_[other];
    if (other != who) all.try_push_back(other);
  }
  return all;
}

duration planet::lookahead(peer_range a, peer_range b) const {
  if (fitted_) return std::max(window_, fitted_->minimum(a, b));
  if (measured_) return std::max(window_, measured_->minimum(a, b));
  return window_;
}

duration planet::one_way(std::uint32_t from, std::uint32_t to) const noexcept {
  if (fitted_) return fitted_->one_way(peer{from}, peer{to});
  if (measured_) return measured_->one_way(peer{from}, peer{to});
  auto const& w = plan_.world;
  if (w.latency == latency_from::constant || w.latency_spread <= duration{}) {
    return w.latency_value;
  }
  auto const pair = std::uint64_t{from} << 32U | to;
  auto const width = static_cast<std::uint64_t>(2 * w.latency_spread.count()) + 1;
  auto const off = static_cast<std::int64_t>(
      mix64(stream_base(seed(), purpose::latency, pair)) % width);
  return std::max(window_, w.latency_value - w.latency_spread + duration{off});
}

// Round numbers, an assumption per class: a small rented server, and common plans of homes and
// phones. For orientation: Ookla's Speedtest Global Index of 2024 has medians of about 95 Mbit/s
// down and 50 up for all fixed lines of the world together, 55 and 11 for mobile ones.
access_line planet::line(std::uint32_t who) const noexcept {
  constexpr std::uint64_t mbit = 125'000;  // bytes/s
  constexpr std::array<access_line, 4> lines{{
      {1000 * mbit, 1000 * mbit},  // datacentre
      {150 * mbit, 300 * mbit},    // fibre
      {20 * mbit, 200 * mbit},     // cable
      {12 * mbit, 60 * mbit},      // mobile
  }};
  auto const group = roles_[who].group;
  auto const said = group == 0 ? group_access::drawn : plan_.groups[group - 1U].access;
  if (said != group_access::drawn) return lines[static_cast<std::size_t>(said) - 1U];
  auto const how = fitted_ ? fitted_->access(peer{who}) : access_class::fibre;
  return lines[static_cast<std::size_t>(how)];
}

delivery planet::route(transmission const& t) const noexcept {
  if (t.from == t.to) return {.delay = 1us};
  delivery way{.delay = fitted_ ? fitted_->delay(peer{t.from}, peer{t.to}, t.at, t.sequence)
                                : one_way(t.from, t.to)};
  if (measured_) way.delay += measured_->jitter(peer{t.from}, peer{t.to}, t.at, t.sequence);
  for (auto i : message_rules_) {
    auto const& f = plan_.faults[i];
    if (active(f, t.at) && on_the_way(f, t.from, t.to)) apply(f, i, t, way);
  }
  return way;
}

void planet::apply(fault_settings const& f, std::size_t index, transmission const& t,
                   delivery& way) const noexcept {
  auto const bits = chance_of(purpose::fault, t.from, (std::uint64_t{index} << 33U) ^ t.sequence);
  if (!drawn(bits, f.chance)) return;
  switch (f.kind) {
    case fault_kind::loss:
    case fault_kind::partition: way.dropped = true; break;
    case fault_kind::delay: way.delay += f.by; break;
    case fault_kind::duplicate:
      way.duplicated = true;
      way.copy_delay = way.delay + duration{static_cast<std::int64_t>(mix64(bits) % 100'000'000)};
      break;
    default: break;
  }
}

bool planet::within(whereabouts const& w, std::uint32_t who) const noexcept {
  switch (w.of) {
    case whereabouts::which::any: return true;
    case whereabouts::which::elsewhere: return true;  // the caller knows what it is not
    case whereabouts::which::providers: return provides(who);
    case whereabouts::which::regions: return w.has_region(region_[who]);
    case whereabouts::which::peers: return who >= w.first && who <= w.last;
  }
  return false;
}

bool planet::on_the_way(fault_settings const& f, std::uint32_t from,
                        std::uint32_t to) const noexcept {
  auto const one = [&](std::uint32_t a, std::uint32_t b) {
    if (!within(f.from, a)) return false;
    return f.to.of == whereabouts::which::elsewhere ? !within(f.from, b) : within(f.to, b);
  };
  return one(from, to) || (f.symmetric && one(to, from));
}

bool planet::hits(fault_settings const& f, std::uint32_t index, std::uint32_t who) const noexcept {
  if (about_messages(f.kind) || !within(f.from, who)) return false;
  return drawn(chance_of(purpose::adversary, who, index), f.chance);
}

duration planet::skew_by(std::uint32_t who, instant now) const noexcept {
  duration off{};
  for (auto i : head_rules_) {
    auto const& f = plan_.faults[i];
    if (f.kind != fault_kind::skew || !active(f, now) || !hits(f, i, who)) continue;
    off += f.behind ? -f.by : f.by;
  }
  return off;
}

bool planet::may_lie(std::uint32_t who) const noexcept {
  return std::any_of(head_rules_.begin(), head_rules_.end(), [&](std::uint32_t i) {
    return plan_.faults[i].kind == fault_kind::lie && hits(plan_.faults[i], i, who);
  });
}

instant planet::lie_over(std::uint32_t index, std::uint32_t who, instant now) const noexcept {
  auto const& f = plan_.faults[index];
  if (f.kind != fault_kind::lie || !active(f, now) || !hits(f, index, who)) return now;
  auto const left = f.lasts - (now - instant{} - f.at);
  auto const over = left < never - now ? now + left : never;
  auto const cycle = (f.on + f.off).count();
  if (f.on <= duration{} || cycle <= 0) return over;
  auto const phase = static_cast<std::int64_t>(
      chance_of(purpose::adversary, who, index + 1'000'000ULL) %
      static_cast<std::uint64_t>(cycle));
  auto const since = duration{(ns(now) + phase) % cycle};
  return since < f.on ? std::min(over, now + (f.on - since)) : now;
}

bool planet::lies(std::uint32_t who, instant now) const noexcept {
  return std::any_of(head_rules_.begin(), head_rules_.end(),
                     [&](std::uint32_t i) { return lie_over(i, who, now) != now; });
}

instant planet::honest_from(std::uint32_t who, instant now) const noexcept {
  for (auto const end = instant{} + plan_.duration; now < end;) {
    auto next = now;
    for (auto i : head_rules_) next = std::max(next, lie_over(i, who, now));
    if (next == now) return now;
    now = next;
  }
  return never;
}

std::uint32_t planet::kind_for(std::uint64_t bits, std::uint32_t kinds) const noexcept {
  bool const some = kinds != 0 && kinds < popularity_.size();
  auto const wide = static_cast<uint128>(bits) *
                    (some ? popularity_[kinds - 1] : popularity_.back());
  auto const at = static_cast<std::uint32_t>(wide >> 64U);
  auto const it = std::upper_bound(popularity_.begin(), popularity_.end(), at);
  return static_cast<std::uint32_t>(it - popularity_.begin());
}

std::uint8_t planet::level_for(std::uint64_t bits) const noexcept {
  auto const wide = static_cast<uint128>(bits) * plan_.workload.priorities;
  return static_cast<std::uint8_t>(wide >> 64U);
}

job planet::job_of(std::uint32_t who, std::uint32_t n) const {
  auto const draw = [&](std::uint64_t i) {
    return chance_of(purpose::workload, who, (std::uint64_t{n} << 8U) + i);
  };
  auto const& mine = roles_[who].offers;
  auto kind = service{kind_for(draw(1), plan_.workload.kinds)};
  if (!mine.empty() && drawn(draw(2), plan_.workload.local_share)) {
    kind = mine[draw(3) % mine.size()];
  }
  job j;
  j.id = {principal{who}, n + 1ULL};
  j.what = kind;
  auto work = work_.draw(draw(4));
  j.priority = level_for(draw(5));
  if (recorded_ && n < recorded_->of(who).size()) {
    auto const& said = recorded_->of(who)[n];
    work = duration{said.work};
    j.account = said.account;
    j.priority = said.priority;
  }
  j.work = std::clamp<duration>(work, 1ms, plan_.workload.service_time_most);
  j.patience = plan_.workload.patience;
  j.hops = static_cast<std::uint8_t>(plan_.workload.hops);
  j.spend = static_cast<std::uint16_t>(plan_.workload.spend);
  j.input.size = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(plan_.workload.input_bytes, payload_bytes_max));
  for (std::size_t i = 0; i < (j.input.size + 7U) / 8U; ++i) j.input.words[i] = draw(16 + i);
  j.data.output_bytes = std::uint64_t{plan_.workload.output_mb} * 1'000'000;
  if (plan_.demands != demand_settings{} && drawn(draw(7), plan_.demands.share)) {
    j.of_provider = demanded_by(who);
  }
  for (std::size_t g = 0; plan_.workload.input_mb != 0 && g < groups_.size(); ++g) {
    if (plan_.groups[g].name != plan_.workload.holder || groups_[g].empty()) continue;
    j.data.input = shelf_of(groups_[g][draw(6) % groups_[g].size()]);
    j.data.which = {0, j.data.input.bytes};
  }
  return j;
}

object_ref planet::shelf_of(std::uint32_t who) const noexcept {
  auto const group = roles_[who].group;
  auto const& w = plan_.workload;
  if (w.input_mb == 0 || group == 0 || plan_.groups[group - 1U].name != w.holder) return {};
  auto const a = chance_of(purpose::workload, who, ~std::uint64_t{0});
  return {{key{digest256{a, mix64(a), mix64(~a), who}}}, std::uint64_t{w.input_mb} * 1'000'000,
          peer{who}};
}

payload planet::honest_output(task const& t) const {
  auto plain = t;  // whoever asked and under what name: the same work gives the same result
  plain.of = {};
  plain.index = 0;
  plain.priority = 0;  // what comes out does not depend on how soon
  plain.data.input.holder = {};
  payload out;
  out.size = 16;
  out.words[0] = fold_of(plain, seed());
  out.words[1] = mix64(out.words[0]);
  return out;
}

payload planet::expected_output(job const& j) const {
  payload out;
  out.size = 16;
  out.words[0] = output_word(j.what, j.work, j.input, j.data);
  out.words[1] = mix64(out.words[0]);
  return out;
}
std::uint64_t planet::output_word(service what, duration work, payload const& input,
                                  bulk const& data) const {
  task t{{}, 0, what, work, input, 0, data};
  auto const& all = plan_.compositions;
  auto const c = std::find_if(all.begin(), all.end(), [&](composition_settings const& s) {
    return s.whole == what.index();
  });
  if (c != all.end()) {
    auto const how = composition_from(*c);
    std::vector<std::uint64_t> outputs;
    for (std::uint32_t i = 0; i < how.parts; ++i) {
      outputs.push_back(output_word(how.part, part_work(how, work), part_input(input, i),
                                    part_bulk(data, i, how.parts)));
    }
    t.what = how.join;
    t.work = join_work(how, work);
    t.input = joined_input(input, outputs);
    t.data = {};
  }
  return honest_output(t).words[0];
}

duration planet::time_for(std::uint32_t who, duration work, instant now) const noexcept {
  auto const speed = std::max<std::int64_t>(1, roles_[who].power.speed);
  duration takes{mul_div(work.count(), 1000, speed)};
  for (auto i : head_rules_) {
    auto const& f = plan_.faults[i];
    if (f.kind == fault_kind::slow && active(f, now) && hits(f, i, who)) {
      takes = times(takes, f.factor);
    }
  }
  return takes;
}

std::vector<instant> planet::speed_changes(std::uint32_t who) const {
  std::vector<instant> all;
  for (auto i : head_rules_) {
    auto const& f = plan_.faults[i];
    if (f.kind != fault_kind::slow || !hits(f, i, who)) continue;
    all.push_back(instant{} + f.at);
    if (f.lasts < plan_.duration) all.push_back(instant{} + f.at + f.lasts);
  }
  std::sort(all.begin(), all.end());
  return all;
}

execution planet::execute(std::uint32_t who, task const& t, instant now) const {
  execution e{time_for(who, t.work, now), true, honest_output(t)};
  // Nobody lies to themselves.
  if (t.of.owner.index() != who && lies(who, now)) {
    e.output.words[0] ^= chance_of(purpose::adversary, who, t.of.nonce) | 1U;
  }
  return e;
}

std::optional<instant> planet::arrival_gap(std::uint32_t who, std::uint32_t n) const {
  if (recorded_) return recorded_gap(who, n);
  if (expected_jobs(plan_) == 0 || !asks(who)) return std::nullopt;
  auto const bits = chance_of(purpose::workload, who, std::uint64_t{n} << 8U);
  auto gap = gap_.draw(bits);
  if (plan_.workload.law == arrival_law::even) {
    auto const span = arrival_span(plan_).count();
    auto const each = mul_div(span, askers_, static_cast<std::int64_t>(expected_jobs(plan_)));
    auto const phase = static_cast<uint128>(bits) * static_cast<std::uint64_t>(each);
    gap = duration{n == 0 ? static_cast<std::int64_t>(phase >> 64U) : each};
  }
  auto const at = n == 0 ? plan_.workload.start + gap : gap;
  if (at >= last_arrival_ - instant{}) return std::nullopt;
  return instant{} + std::max(duration{1}, at);
}

std::optional<instant> planet::recorded_gap(std::uint32_t who, std::uint32_t n) const {
  auto const mine = recorded_->of(who);
  if (n >= mine.size()) return std::nullopt;
  return at_ns(n == 0 ? mine[0].at : mine[n].at - mine[n - 1].at);
}

// The n-th stretch of time: even up, odd away.
duration planet::session(std::uint32_t who, std::uint32_t n) const {
  auto const bits = chance_of(purpose::churn, who, n);
  if (n % 2 == 0) return std::max(plan_.churn.session_least, uptime_.draw(bits));
  return std::clamp<duration>(downtime_.draw(bits), 1s, plan_.churn.absence_most);
}

bool planet::begins_up(std::uint32_t who) const {
  auto const up = uptime_.mean();
  auto const share = up / (up + downtime_.mean());
  return chance_of(purpose::churn, who, ~1ULL) <
         static_cast<std::uint64_t>(share * 18446744073709549568.0);
}

}  // namespace hydra::sim
