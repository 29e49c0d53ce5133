// What a node costs while it does nothing: nodes with default settings, each a process of its own,
// that know each other; after they have settled, bytes on their connections (TLS and what is inside
// it, both ways, TCP and IP headers not counted) and the memory that each holds.
//
//   idle [--nodes 2] [--settle 20] [--seconds 60]
//
// Prints one line for each node and the most of all; 50 B/s for each neighbour and 30 MB are what
// it should stay under. A neighbour is a head that it has a connection with at the end. Fails when
// nodes do not find each other; never for a figure.
#include <hydra/assembly/hydra.hpp>
#include <hydra/net/runtime.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace hydra;

[[noreturn]] void fail(std::string const& why) {
  std::fprintf(stderr, "idle: %s\n", why.c_str());
  std::_Exit(1);
}
net::identity who(std::size_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = static_cast<std::uint8_t>(number + 1);
  return net::identity::from_seed(seed);
}
double resident_mb() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 0;
}

struct plan {
  std::size_t nodes = 2;
  int settle = 20;   // s
  int seconds = 60;  // measured
};
struct found_out {
  double out = 0;   // B/s
  double in = 0;    // B/s
  double sent = 0;  // messages of the node per second
  double memory = 0;
  std::size_t neighbours = 0;
};

void tell(int to, void const* what, std::size_t n) {
  if (::write(to, what, n) != static_cast<ssize_t>(n)) fail("a pipe broke");
}
void hear(int from, void* what, std::size_t n) {
  if (::read(from, what, n) != static_cast<ssize_t>(n)) fail("another node died");
}

// A node: says its port, hears those of all, does nothing for a while, says what that took.
void live(plan const& p, std::size_t me, int to, int from) {
  net::runtime_settings settings;
  settings.identity = who(me);
  settings.epoch_ns = 1'577'836'800'000'000'000;
  std::vector<std::uint16_t> ports(p.nodes);
  {  // a port that stays: others know it before this node starts
    net::asio::io_context io;
    net::tcp::acceptor a{io, {net::asio::ip::address_v4::loopback(), 0}};
    settings.port = a.local_endpoint().port();
  }
  tell(to, &settings.port, sizeof settings.port);
  hear(from, ports.data(), ports.size() * sizeof ports[0]);
  net::runtime<Hydra<>> here{settings};
  here.on_build([&](net::head<Hydra<>>& h) {
    hydra_settings s;
    for (std::size_t i = 0; i < p.nodes; ++i) {
      wire::endpoints at;
      at.push_back(net::to_wire({net::asio::ip::address_v4::loopback(), ports[i]}));
      if (i != me) s.contacts.try_push_back(h.know({who(i).id(), at}));
    }
    return Hydra<>{s};
  });
  if (auto const port = here.start(); !port) fail(port.why());
  ::sleep(static_cast<unsigned>(p.settle));
  auto const before = here.counters();
  ::sleep(static_cast<unsigned>(p.seconds));
  auto const after = here.counters();
  auto const rate = [&](std::uint64_t net::counters::*what) {
    return static_cast<double>(after.*what - before.*what) / p.seconds;
  };
  found_out const f{rate(&net::counters::bytes_out), rate(&net::counters::bytes_in),
                    rate(&net::counters::sent), resident_mb(),
                    here.inspect([](net::head<Hydra<>>& h) { return h.neighbours(); })};
  tell(to, &f, sizeof f);
  char end = 0;
  hear(from, &end, 1);
}

std::vector<found_out> all_of(plan const& p) {
  std::vector<std::array<int, 2>> up(p.nodes), down(p.nodes);
  for (std::size_t i = 0; i < p.nodes; ++i) {
    if (::pipe(up[i].data()) != 0 || ::pipe(down[i].data()) != 0) fail("no pipes");
    if (::fork() != 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    live(p, i, up[i][1], down[i][0]);
    std::_Exit(0);
  }
  std::vector<std::uint16_t> ports(p.nodes);
  for (std::size_t i = 0; i < p.nodes; ++i) hear(up[i][0], &ports[i], sizeof ports[i]);
  for (auto const& d : down) tell(d[1], ports.data(), ports.size() * sizeof ports[0]);
  std::vector<found_out> out(p.nodes);
  for (std::size_t i = 0; i < p.nodes; ++i) hear(up[i][0], &out[i], sizeof out[i]);
  for (auto const& d : down) tell(d[1], "", 1);
  while (::wait(nullptr) > 0) {
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  plan p;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string const flag = argv[i];
    if (flag == "--nodes") p.nodes = std::strtoull(argv[i + 1], nullptr, 10);
    else if (flag == "--settle") p.settle = std::atoi(argv[i + 1]);
    else if (flag == "--seconds") p.seconds = std::atoi(argv[i + 1]);
    else fail("unknown flag " + flag + "; allowed: --nodes --settle --seconds");
  }
  if (p.nodes < 2 || p.nodes > 8 || p.settle < 0 || p.seconds <= 0) {
    fail("--nodes is 2 to 8, --settle at least 0, --seconds at least 1");
  }
  double bytes = 0, memory = 0;
  bool alone = false;
  std::size_t n = 0;
  for (auto const& f : all_of(p)) {
    auto const each = (f.out + f.in) / static_cast<double>(std::max<std::size_t>(1, f.neighbours));
    std::printf("node %zu: %zu neighbours, out %.1f B/s, in %.1f B/s, %.2f messages/s sent, "
                "%.1f MB\n",
                ++n, f.neighbours, f.out, f.in, f.sent, f.memory);
    bytes = std::max(bytes, each);
    memory = std::max(memory, f.memory);
    alone = alone || f.neighbours == 0;
  }
  std::printf("idle: at most %.1f B/s for each neighbour (50), both ways; at most %.1f MB (30)\n",
              bytes, memory);
  return alone ? 1 : 0;
}
