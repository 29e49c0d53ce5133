#include <hydra/sim/recorded_arrivals.hpp>

#include <hydra/core/wide.hpp>

#include <algorithm>
#include <limits>
#include <tuple>

namespace hydra::sim {

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

// a * b / c, or the largest number if that is more. None is negative.
std::int64_t scaled(std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
  auto const wide = static_cast<int128>(a) * b / std::max<std::int64_t>(1, c);
  return wide > most ? most : static_cast<std::int64_t>(wide);
}

struct asked_job {
  recorded_job what;
  std::uint32_t who = 0;
  std::uint32_t number = 0;  // in the order of the file
};

class converter {
 public:
  explicit converter(scenario const& s) : all_{s}, w_{s.workload} {}

  recorded_arrivals::row_counts counts;
  std::vector<asked_job> jobs;

  void row(swf_row const& r, swf_reader const& in) {
    ++counts.read;
    if (!fit(r)) {
      ++counts.unfit;
      return;
    }
    auto const since = r.submitted - w_.swf_from;
    if (since < duration{} || since >= w_.swf_for) {
      ++counts.outside;
      return;
    }
    recorded_job j;
    auto const& pace = w_.swf_pace;
    auto const wait = scaled(since.count(), pace.whole, pace.part);
    auto const end = (all_.duration - w_.stop_before_end).count();
    if (wait >= end - w_.start.count()) {
      ++counts.outside;
      return;
    }
    j.at = std::max<std::int64_t>(1, w_.start.count() + wait);
    j.work = scaled(std::max<std::int64_t>(0, r.run.count()), w_.swf_work.part, w_.swf_work.whole);
    if (r.group > std::numeric_limits<std::uint32_t>::max()) in.fail(13, "0 to 4294967295, or -1");
    j.account = static_cast<std::uint32_t>(std::max<std::int64_t>(0, r.group));
    auto const levels = static_cast<std::int64_t>(w_.priorities);
    j.priority = static_cast<std::uint8_t>(std::clamp<std::int64_t>(r.queue, 0, levels - 1));
    auto const processors = std::max<std::int64_t>(1, r.requested > 0 ? r.requested
                                                                      : r.processors);
    if (w_.swf_processors == processors_as::work) j.work = scaled(j.work, processors, 1);
    auto const parts = w_.swf_processors == processors_as::jobs ? processors : 1;
    auto const room = static_cast<std::int64_t>(w_.swf_jobs - jobs.size());
    for (std::int64_t i = 0; i < std::min(parts, room); ++i) add(j, r);
  }

 private:
  [[nodiscard]] bool fit(swf_row const& r) const {
    if (r.status >= 2 && r.status <= 4) return false;
    switch (w_.swf_rows) {
      case rows_kept::ran: return r.run > duration{};
      case rows_kept::completed: return r.run > duration{} && r.status == 1;
      case rows_kept::all: return true;
    }
    return false;
  }

  void add(recorded_job const& j, swf_row const& r) {
    bool const by_user = w_.swf_askers == askers_by::user && r.user >= 0;
    auto const name = by_user ? static_cast<std::uint64_t>(r.user) : ~counts.read;
    auto const bits = mix64(stream_base(all_.seed, purpose::workload, 0) ^ mix64(name));
    auto const wide = static_cast<uint128>(bits) * all_.hydras;
    jobs.push_back({j, static_cast<std::uint32_t>(wide >> 64U),
                    static_cast<std::uint32_t>(jobs.size())});
  }

  scenario const& all_;
  workload_settings const& w_;
};

}  // namespace

recorded_arrivals recorded_arrivals::load(scenario const& what) {
  auto const& name = what.workload.swf;
  auto const path = find_trace(name);
  if (path.empty()) {
    throw data_error{name + ": is not there, or not a regular file; sought in the working "
                     "directory and in the folder that HYDRA_TRACES names"};
  }
  swf_reader in{path};
  return read(in, what);
}

recorded_arrivals recorded_arrivals::read(swf_reader& from, scenario const& what) {
  converter all{what};
  while (all.jobs.size() < what.workload.swf_jobs && from.next()) all.row(from.row(), from);
  auto& jobs = all.jobs;
  if (jobs.empty()) {
    auto const& c = all.counts;
    throw data_error{what.workload.swf + ": no job is left of " + std::to_string(c.read) +
                     " rows: " + std::to_string(c.outside) + " are outside of swf_from, swf_for "
                     "and the run, " + std::to_string(c.unfit) + " are not what swf_rows keeps"};
  }
  std::sort(jobs.begin(), jobs.end(), [](asked_job const& a, asked_job const& b) {
    return std::tie(a.who, a.what.at, a.number) < std::tie(b.who, b.what.at, b.number);
  });
  recorded_arrivals out;
  out.counts_ = all.counts;
  out.counts_.jobs = jobs.size();
  out.first_.assign(static_cast<std::size_t>(what.hydras) + 1, 0);
  out.jobs_.reserve(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto j = jobs[i].what;
    bool const same = i > 0 && jobs[i].who == jobs[i - 1].who;
    if (same) j.at = std::max(j.at, out.jobs_.back().at + 1);
    out.jobs_.push_back(j);
    ++out.first_[jobs[i].who + 1];
  }
  for (std::size_t i = 1; i < out.first_.size(); ++i) out.first_[i] += out.first_[i - 1];
  return out;
}

}  // namespace hydra::sim
