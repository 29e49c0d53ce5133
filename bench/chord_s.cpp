// chord_s: the scenario on which simulators are compared, with counts that can be checked.
#include "chord_planet.hpp"
#include "measure.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

namespace {

using measure::cpu_seconds;
using measure::memory;
using measure::ratio;

constexpr char const* usage =
    "chord_s --variant C|H|P -n N -d SECONDS [--threads T] [--shards S] [--json]\n"
    "\n"
    "Chord with 32-bit identifiers, a perfect ring at the start, periodic upkeep, and a lookup by\n"
    "every peer every ten seconds. Prints what was sent, and what it cost.\n"
    "\n"
    "  --variant C   every message takes 1.301 ms (golden counts: 1,000 peers, 100 s: 75,598)\n"
    "            H   10 ms to 200 ms, by pair\n"
    "            P   the planet's delays: real cities, last miles, jitter\n"
    "  -n N          peers, 2 to 16,000,000\n"
    "  -d SECONDS    simulated, 1 to 1,000,000\n"
    "  --threads T   threads, 1 to 256 (1)\n"
    "  --shards S    parts of the world, 1 to 1024 (as many as threads)\n"
    "  --json        one object instead of a table\n"
    "  -h, --help    this\n";

struct wanted {
  char variant = 0;
  std::uint32_t peers = 0;
  std::uint32_t seconds = 0;
  std::uint32_t threads = 1;
  std::uint32_t shards = 0;
  bool json = false;
};

[[noreturn]] void refuse(std::string const& why) { measure::refuse("chord_s", why); }

std::uint32_t number(std::string_view flag, std::string_view text, std::uint32_t most,
                     std::uint32_t least = 1) {
  return measure::number("chord_s", flag, text, most, least);
}

wanted read(int argc, char** argv) {
  wanted w;
  for (int i = 1; i < argc; ++i) {
    std::string_view const flag = argv[i];
    if (flag == "-h" || flag == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (flag == "--json") {
      w.json = true;
      continue;
    }
    bool const known = flag == "--variant" || flag == "-n" || flag == "-d" ||
                       flag == "--threads" || flag == "--shards";
    if (!known) refuse("there is no flag '" + std::string{flag} + "'");
    if (++i == argc) refuse(std::string{flag} + " needs a value");
    std::string_view const value = argv[i];
    if (flag == "-n") w.peers = number(flag, value, 16'000'000, 2);
    if (flag == "-d") w.seconds = number(flag, value, 1'000'000);
    if (flag == "--threads") w.threads = number(flag, value, 256);
    if (flag == "--shards") w.shards = number(flag, value, 1024);
    if (flag != "--variant") continue;
    if (value != "C" && value != "H" && value != "P") {
      refuse("--variant is '" + std::string{value} + "'; allowed are C, H and P");
    }
    w.variant = value[0];
  }
  if (w.variant == 0) refuse("--variant is missing");
  if (w.peers == 0) refuse("-n is missing");
  if (w.seconds == 0) refuse("-d is missing");
  if (w.shards == 0) w.shards = w.threads;
  return w;
}

struct outcome {
  std::array<std::uint64_t, 8> by_type{};  // in the order of the node's messages
  std::uint64_t messages = 0;
  chord_s::tally lookups;
  hydra::sim::shard_counts counts;
  double setup_s = 0;
  double cpu_s = 0;
  double bytes_per_peer = 0;
  std::uint64_t digest = 0;
};
constexpr std::array<char const*, 7> type_names{"find",   "found", "get_predecessor", "predecessor",
                                                "notify", "ping",  "pong"};

template <class Setting>
outcome run(wanted const& w) {
  auto const resident = memory("VmRSS:");
  auto const started = cpu_seconds();
  hydra::sim::world<chord_s::node, Setting, chord_s::tally> world{Setting{w.peers},
                                                                  {w.shards, w.threads}};
  outcome out;
  auto const begin = cpu_seconds();
  world.run_until(hydra::origin + std::chrono::seconds{w.seconds});
  out.cpu_s = cpu_seconds() - begin;
  out.setup_s = begin - started;
  out.bytes_per_peer = (memory("VmHWM:") - resident) / w.peers;
  out.by_type = world.sent_by_type();
  for (auto n : out.by_type) out.messages += n;
  out.lookups = world.observed();
  out.counts = world.counts();
  out.digest = world.digest();
  return out;
}

void print_json(wanted const& w, outcome const& o) {
  std::printf("{\"variant\":\"%c\",\"n\":%u,\"seconds\":%u,\"threads\":%u,\"shards\":%u,"
              "\"messages\":%llu,\"by_type\":{",
              w.variant, w.peers, w.seconds, w.threads, w.shards,
              static_cast<unsigned long long>(o.messages));
  for (std::size_t i = 0; i < type_names.size(); ++i) {
    std::printf("%s\"%s\":%llu", i == 0 ? "" : ",", type_names[i],
                static_cast<unsigned long long>(o.by_type[i]));
  }
  std::printf("},\"lookups\":%llu,\"done\":%llu,\"mean_hops\":%.4f,\"events\":%llu,"
              "\"setup_cpu_s\":%.3f,\"cpu_s\":%.3f,\"ns_per_message\":%.2f,"
              "\"bytes_per_peer\":%.1f,\"digest\":\"%016llx\"}\n",
              static_cast<unsigned long long>(o.lookups.lookups),
              static_cast<unsigned long long>(o.lookups.done),
              ratio(static_cast<double>(o.lookups.hops), static_cast<double>(o.lookups.done)),
              static_cast<unsigned long long>(o.counts.events), o.setup_s, o.cpu_s,
              ratio(1e9 * o.cpu_s, static_cast<double>(o.messages)), o.bytes_per_peer,
              static_cast<unsigned long long>(o.digest));
}

void print_table(wanted const& w, outcome const& o) {
  std::printf("Chord-S, variant %c: %u peers, %u s, %u threads, %u shards\n", w.variant, w.peers,
              w.seconds, w.threads, w.shards);
  for (std::size_t i = 0; i < type_names.size(); ++i) {
    std::printf("  %-16s %14llu\n", type_names[i], static_cast<unsigned long long>(o.by_type[i]));
  }
  auto const row = [](char const* name, std::uint64_t n) {
    std::printf("%-18s %14llu\n", name, static_cast<unsigned long long>(n));
  };
  row("messages", o.messages);
  row("lookups", o.lookups.lookups);
  row("done", o.lookups.done);
  std::printf("%-18s %14.3f\n", "mean hops",
              ratio(static_cast<double>(o.lookups.hops), static_cast<double>(o.lookups.done)));
  row("events", o.counts.events);
  std::printf("%-18s %14.3f s\n", "cpu, set-up", o.setup_s);
  std::printf("%-18s %14.3f s\n", "cpu, run", o.cpu_s);
  std::printf("%-18s %14.1f ns\n", "per message",
              ratio(1e9 * o.cpu_s, static_cast<double>(o.messages)));
  std::printf("%-18s %14.1f bytes\n", "per peer", o.bytes_per_peer);
  std::printf("digest %016llx\n", static_cast<unsigned long long>(o.digest));
}

}  // namespace

int main(int argc, char** argv) {
  auto const w = read(argc, argv);
  try {
    auto const o = w.variant == 'C'   ? run<chord_s::constant_delay>(w)
                   : w.variant == 'H' ? run<chord_s::hashed_delay>(w)
                                      : run<chord_s::planet_delay>(w);
    w.json ? print_json(w, o) : print_table(w, o);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "chord_s: %s\n", e.what());
    return 3;
  }
  return 0;
}
