#include <hydra/sim/recording.hpp>

#include <array>

namespace hydra::sim {

void witnesses::begin(planet const& where) {
  seed_ = where.seed();
  one_in_ = std::max(1U, where.peers() / heads_about);
  for (std::uint32_t i = 0; i < where.peers() && !any_liars_; ++i) any_liars_ = where.may_lie(i);
}

void witnesses::read(std::size_t shard, job_rows const& rows) {
  if (read_.size() <= shard) read_.resize(shard + 1);
  auto& at = read_[shard];
  for (; at < rows.all().size(); ++at) {
    auto const& r = rows.all()[at];
    bool const asked = r.what == job_row::kind::judged && r.by != r.who &&
                       mix64(seed_ ^ mix64(r.by)) % one_in_ == 0;
    if (!asked) continue;
    auto& others = known_[r.by];
    bool const known = std::find(others.begin(), others.end(), r.who) != others.end();
    if (!known && others.size() < known_max) others.push_back(r.who);
  }
}

void witnesses::add(instant at, std::vector<std::uint16_t>& honest,
                    std::vector<std::uint16_t>& liars) {
  if (honest.empty() || (any_liars_ && liars.empty())) return;
  auto const spread = [](std::vector<std::uint16_t>& all) {
    trust_sample::spread_of_scores s;
    if (all.empty()) return s;
    std::sort(all.begin(), all.end());
    auto const share = [&](std::size_t tenths) { return all[(all.size() - 1) * tenths / 10]; };
    s.p10 = share(1);
    s.p50 = share(5);
    s.p90 = share(9);
    return s;
  };
  samples_.push_back({ns(at), spread(honest), spread(liars)});
}

duration round_step(duration whole, std::int64_t steps_max) noexcept {
  constexpr std::array<duration, 22> steps{
      10ms, 20ms, 50ms, 100ms, 200ms, 500ms, 1s,  2s,     5s,     10s,     15s,
      30s,  1min, 2min, 5min,  10min, 15min, 30min, 60min, 120min, 360min, 720min};
  for (auto s : steps) {
    if ((whole + s - 1ns) / s <= steps_max) return s;
  }
  return whole / steps_max + 1ns;
}

}  // namespace hydra::sim
