// phold: PHOLD with ROSS's parameters, by the engine and by one std::priority_queue in turn.
#include "measure.hpp"
#include "phold_plain.hpp"

#include <hydra/sim/world.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr char const* usage =
    "phold -n LPS --end SECONDS [--threads T] [--shards S] [--repeats R] [--no-plain] [--json]\n"
    "\n"
    "PHOLD: lookahead 0.1 s, exponential of mean 0.9 s, 25 % remote, one start event per logical\n"
    "process. Prints the median over the repeats, engine and plain loop in turn.\n"
    "\n"
    "  --n, -n N     logical processes, 1 to 16,000,000 (ROSS: 1024, 16384, 1048576)\n"
    "  --end S       simulated seconds, 1 to 1,000,000 (ROSS: 5000, 300, 6)\n"
    "  --threads T   threads of the engine, 1 to 256 (1)\n"
    "  --shards S    parts of the world, 1 to 1024 (as many as threads)\n"
    "  --repeats R   1 to 99 (3)\n"
    "  --no-plain    without the plain loop\n"
    "  --json        one object instead of a table\n"
    "  -h, --help    this\n";

struct wanted {
  std::uint32_t lps = 0;
  std::uint32_t end = 0;
  std::uint32_t threads = 1;
  std::uint32_t shards = 0;
  std::uint32_t repeats = 3;
  bool plain = true;
  bool json = false;
};

[[noreturn]] void refuse(std::string const& why) { measure::refuse("phold", why); }

std::uint32_t* place_of(wanted& w, std::string_view flag, std::uint32_t& most) {
  if (flag == "-n" || flag == "--n") return most = 16'000'000, &w.lps;
  if (flag == "--end") return most = 1'000'000, &w.end;
  if (flag == "--threads") return most = 256, &w.threads;
  if (flag == "--shards") return most = 1024, &w.shards;
  if (flag == "--repeats") return most = 99, &w.repeats;
  return nullptr;
}

wanted read(int argc, char** argv) {
  wanted w;
  for (int i = 1; i < argc; ++i) {
    std::string_view const flag = argv[i];
    if (flag == "-h" || flag == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (flag == "--json" || flag == "--no-plain") {
      (flag == "--json" ? w.json = true : w.plain = false);
      continue;
    }
    std::uint32_t most = 0;
    auto* const place = place_of(w, flag, most);
    if (place == nullptr) refuse("there is no flag '" + std::string{flag} + "'");
    if (++i == argc) refuse(std::string{flag} + " needs a value");
    *place = measure::number("phold", flag, argv[i], most);
  }
  if (w.lps == 0) refuse("--n is missing");
  if (w.end == 0) refuse("--end is missing");
  if (w.shards == 0) w.shards = w.threads;
  return w;
}

struct outcome {
  std::uint64_t events = 0;
  std::uint64_t plain_events = 0;
  std::uint64_t digest = 0;
  double bytes_per_lp = 0;
  std::vector<double> cpu_s;        // of the repeats
  std::vector<double> plain_cpu_s;
};

void run_engine(phold::setting const& s, wanted const& w, outcome& out) {
  auto const resident = measure::memory("VmRSS:");
  hydra::sim::world<phold::logical_process, phold::setting> world{s, {w.shards, w.threads}};
  auto const begin = measure::cpu_seconds();
  world.run_until(hydra::origin + std::chrono::seconds{w.end});
  out.cpu_s.push_back(measure::cpu_seconds() - begin);
  // Later peaks are also those of the plain loop.
  if (out.events == 0) out.bytes_per_lp = (measure::memory("VmHWM:") - resident) / w.lps;
  out.events = world.counts().events;
  out.digest = world.digest();
}

void run_plain(phold::setting const& s, wanted const& w, outcome& out) {
  phold::plain_loop<false> loop{s};
  auto const begin = measure::cpu_seconds();
  out.plain_events = loop.run_until(std::int64_t{w.end} * 1'000'000'000);
  out.plain_cpu_s.push_back(measure::cpu_seconds() - begin);
}

// Of one repeat each: what disturbs the machine for a while disturbs both.
double median_ratio(outcome const& o) {
  std::vector<double> all;
  for (std::size_t i = 0; i < o.plain_cpu_s.size(); ++i) {
    all.push_back(measure::ratio(o.plain_cpu_s[i], o.cpu_s[i]));
  }
  return measure::median(all);
}

void print_json(wanted const& w, outcome const& o, phold::expectation const& e) {
  auto const cpu = measure::median(o.cpu_s);
  auto const events = static_cast<double>(o.events);
  std::printf("{\"lps\":%u,\"end_s\":%u,\"threads\":%u,\"shards\":%u,\"repeats\":%u,"
              "\"events\":%llu,\"expected_events\":%.0f,\"spread\":%.0f,\"cpu_s\":%.4f,"
              "\"ns_per_event\":%.2f,\"events_per_s\":%.0f,\"bytes_per_lp\":%.1f,",
              w.lps, w.end, w.threads, w.shards, w.repeats,
              static_cast<unsigned long long>(o.events), e.events, e.spread, cpu,
              1e9 * cpu / events, measure::ratio(events, cpu), o.bytes_per_lp);
  if (w.plain) {
    auto const plain = measure::median(o.plain_cpu_s);
    std::printf("\"plain_cpu_s\":%.4f,\"plain_ns_per_event\":%.2f,\"plain_ratio\":%.2f,", plain,
                1e9 * plain / events, median_ratio(o));
  }
  std::printf("\"digest\":\"%016llx\"}\n", static_cast<unsigned long long>(o.digest));
}

void print_table(wanted const& w, outcome const& o, phold::expectation const& e) {
  auto const cpu = measure::median(o.cpu_s);
  auto const events = static_cast<double>(o.events);
  std::printf("PHOLD: %u LPs, %u s, %u threads, %u shards, median of %u\n", w.lps, w.end,
              w.threads, w.shards, w.repeats);
  std::printf("%-18s %14llu   (expected %.0f, give or take %.0f)\n", "events",
              static_cast<unsigned long long>(o.events), e.events, e.spread);
  std::printf("%-18s %14.3f s\n", "cpu", cpu);
  std::printf("%-18s %14.1f ns\n", "per event", 1e9 * cpu / events);
  std::printf("%-18s %14.2f million\n", "events per cpu s", measure::ratio(events, cpu) / 1e6);
  std::printf("%-18s %14.1f bytes\n", "per LP", o.bytes_per_lp);
  if (w.plain) {
    auto const plain = measure::median(o.plain_cpu_s);
    std::printf("%-18s %14.1f ns   (%.2f times the engine's)\n", "plain loop",
                1e9 * plain / events, median_ratio(o));
  }
  std::printf("digest %016llx\n", static_cast<unsigned long long>(o.digest));
}

}  // namespace

int main(int argc, char** argv) {
  auto const w = read(argc, argv);
  try {
    phold::setting const s{w.lps};
    outcome o;
    for (std::uint32_t i = 0; i < w.repeats; ++i) {
      run_engine(s, w, o);
      if (w.plain) run_plain(s, w, o);
    }
    if (w.plain && o.events != o.plain_events) {
      std::fprintf(stderr, "phold: the engine ran %llu events, the plain loop %llu\n",
                   static_cast<unsigned long long>(o.events),
                   static_cast<unsigned long long>(o.plain_events));
      return 1;
    }
    auto const e = phold::expected(s, w.end);
    w.json ? print_json(w, o, e) : print_table(w, o, e);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "phold: %s\n", e.what());
    return 3;
  }
  return 0;
}
