#include <hydra/sim/conservation.hpp>

#include <fmt/format.h>

#include <limits>

namespace hydra::sim {

namespace {

// From where the reader stopped, so that nothing is read twice.
template <class T, class F>
void rest(std::vector<T> const& all, std::size_t& from, F&& visit) {
  for (; from < all.size(); ++from) visit(all[from]);
}

template <class T>
void count(T& n) {
  if (n != std::numeric_limits<T>::max()) ++n;
}

}  // namespace

conservation::job_state& conservation::of(std::uint32_t owner, std::uint32_t number) {
  if (jobs_.size() <= owner) jobs_.resize(owner + std::size_t{1});
  auto& mine = jobs_[owner];
  if (mine.size() <= number) mine.resize(number + std::size_t{1});
  return mine[number];
}

template <class F>
void conservation::each(F&& visit) {
  for (std::size_t owner = 0; owner < jobs_.size(); ++owner) {
    for (std::size_t n = 0; n < jobs_[owner].size(); ++n) {
      visit(static_cast<std::uint32_t>(owner), static_cast<std::uint32_t>(n), jobs_[owner][n]);
    }
  }
}

void conservation::read(std::size_t shard, history const& seen) {
  if (read_.size() <= shard) read_.resize(shard + 1);
  auto& at = read_[shard];
  rest(seen.asked_, at.asked, [&](asking const& a) { of(a.owner, a.number).asked = true; });
  rest(seen.accepted_, at.accepted,
       [&](asking const& a) { of(a.owner, a.number).accepted = true; });
  rest(seen.ended_, at.ended, [&](ended const& e) {
    auto& j = of(e.owner, e.number);
    count(j.endings);
    // What a crashed owner had given out is forgotten: its job starts anew, and says so.
    if (e.how.lives == 0) j.placements = static_cast<std::uint16_t>(e.how.placements);
  });
  rest(seen.did_, at.did, [&](did const& d) { count(of(d.owner, d.number).ran); });
}

void conservation::resume(history const& all) {
  read_.assign(1, {all.asked_.size(), all.accepted_.size(), all.ended_.size(), all.did_.size()});
}

void conservation::holds(holding const& h) { of(h.owner, h.number).held = true; }

char const* conservation::wrong(job_state const& j) {
  if (j.endings > 1) return "ended more than once";
  if (j.endings != 0 && !j.asked) return "ended but nobody asked for it";
  if (j.placements != 0 && j.ran > j.placements) return "ran more often than it was given out";
  return nullptr;
}

void conservation::tell(std::uint32_t owner, std::uint32_t number, job_state& j, char const* what,
                        char const* when, run_result& out) {
  if (j.told || out.failures.size() >= failures_listed_max) return;
  j.told = true;
  out.failures.push_back({fmt::format("job {}/{} {}{}", owner, number, what, when)});
}

void conservation::step(instant now, run_result& out) {
  auto const when = fmt::format(", seen at {:.3f} s", seconds(now));
  each([&](std::uint32_t owner, std::uint32_t n, job_state& j) {
    if (auto const* what = wrong(j)) tell(owner, n, j, what, when.c_str(), out);
    bool const nowhere = j.accepted && j.endings == 0 && !j.held;
    if (!nowhere) {
      j.missing = 0;
    } else if (++j.missing == 2) {
      tell(owner, n, j, "was accepted and then lost", when.c_str(), out);
    }
    j.held = false;
  });
}

void conservation::finish(run_result& out) {
  each([&](std::uint32_t owner, std::uint32_t n, job_state& j) {
    if (auto const* what = wrong(j)) tell(owner, n, j, what, "", out);
    if (!j.asked || j.endings != 0) return;
    if (j.held) {
      ++out.jobs.running;
    } else if (j.accepted) {
      tell(owner, n, j, "was accepted and then lost", "", out);
    } else {
      ++out.jobs.failed;  // the head crashed before it could accept: its user was never told
    }
  });
}

}  // namespace hydra::sim
