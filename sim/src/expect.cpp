// Floors and ceilings of [expect], compared with what came out.
#include <hydra/sim/run.hpp>

#include <fmt/format.h>

namespace hydra::sim {
namespace {

double value_of(ratio r) { return static_cast<double>(r.part) / static_cast<double>(r.whole); }

class floors {
 public:
  template <class T>
  void at_least(char const* what, T is, T wanted) {
    if (is < wanted) add(what, is, "at least", wanted);
  }
  template <class T>
  void at_most(char const* what, T is, T wanted) {
    if (is > wanted) add(what, is, "at most", wanted);
  }
  [[nodiscard]] std::vector<check_failure> take() { return std::move(missed_); }

 private:
  template <class T>
  void add(char const* what, T is, char const* how, T wanted) {
    missed_.push_back({fmt::format("{} is {:.6g}, expected {} {:.6g}", what,
                                   static_cast<double>(is), how, static_cast<double>(wanted))});
  }
  std::vector<check_failure> missed_;
};

}  // namespace

std::vector<check_failure> missed_floors(scenario const& s, run_result const& r) {
  auto const& e = s.expect;
  floors check;
  auto const share = r.jobs.submitted == 0 ? 0.0
                                           : static_cast<double>(r.jobs.completed) /
                                                 static_cast<double>(r.jobs.submitted);
  check.at_least("completed / submitted", share, value_of(e.completed));
  check.at_least("jobs.submitted", r.jobs.submitted, e.jobs_at_least);
  check.at_least("events", r.events, e.events_at_least);
  check.at_most("jobs.failed", r.jobs.failed, e.failed_at_most);
  check.at_least("jobs.replaced", r.jobs.replaced, e.replaced_at_least);
  check.at_most("wrong_accepted", r.wrong_accepted, e.wrong_accepted_at_most);
  check.at_least("remote_share", r.remote_share, value_of(e.remote_share_at_least));
  check.at_least("utilisation.mean", r.utilisation.mean, value_of(e.utilisation_at_least));
  check.at_most("utilisation.mean", r.utilisation.mean, value_of(e.utilisation_at_most));
  check.at_most("response_s.mean", r.response_s.mean, seconds(e.response_mean_at_most));
  check.at_most("response_s.p99", r.response_s.p99, seconds(e.response_p99_at_most));
  if (r.omniscient) {
    auto const& best = *r.omniscient;
    check.at_least("omniscient jobs.submitted", best.jobs.submitted, r.jobs.submitted);
    check.at_most("omniscient jobs.submitted", best.jobs.submitted, r.jobs.submitted);
    check.at_least("omniscient done on equal terms", best.terms.done, r.terms.done);
    check.at_most("omniscient mean_s on equal terms", seconds(best.terms.mean),
                  seconds(r.terms.mean));
  }
  return check.take();
}

}  // namespace hydra::sim
