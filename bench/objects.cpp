// An object from disk to disk between two heads, against a bare pipe that does the same work: TLS,
// SHA-256 of each chunk, a file that is on the disk at the end. Each end a process of its own; both
// ways in turn, so that the ratio means something where the machine is busy.
//
//   objects [--mb 2048] [--rounds 3] [--folder DIR]
//
// Prints MB/s (1 MB = 1e6 bytes) of both, the ratio of their medians, where the time of the bare
// pipe goes, and the most memory that the getter held (VmHWM; the file it maps not counted).
#include "../tests/simulation/porter.hpp"

#include <hydra/net/runtime.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

namespace {

using namespace hydra;
namespace fs = std::filesystem;
using clock_type = std::chrono::steady_clock;

double since(clock_type::time_point from) {
  return std::chrono::duration<double>(clock_type::now() - from).count();
}
[[noreturn]] void fail(std::string const& why) {
  std::fprintf(stderr, "objects: %s\n", why.c_str());
  std::_Exit(1);
}
net::identity who(std::uint8_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = number;
  return net::identity::from_seed(seed);
}
double peak_mb() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 0;
}

// What one round found out, through a pipe between processes.
struct round_result {
  double seconds = 0;
  double peak = 0;  // MB
  double cpu = 0;   // s of processor, of both ends, the import of the film included
};
// What the ends of a round tell each other before it starts.
struct meeting {
  std::uint16_t port = 0;
  object_id what{};
};

struct plan {
  fs::path folder;
  std::string film;
  std::uint64_t bytes = 0;
};

void send_all(int to, void const* what, std::size_t n) {
  if (::write(to, what, n) != static_cast<ssize_t>(n)) fail("a pipe broke");
}
void take_all(int from, void* what, std::size_t n) {
  auto* at = static_cast<char*>(what);
  while (n != 0) {
    auto const got = ::read(from, at, n);
    if (got <= 0) fail("the other end died");
    at += got;
    n -= static_cast<std::size_t>(got);
  }
}

// ---- ours -------------------------------------------------------------------------------------

net::runtime_settings settings_of(plan const& p, std::uint8_t number) {
  net::runtime_settings s;
  s.identity = who(number);
  s.objects = (p.folder / std::to_string(number)).string();
  s.limits.objects.bytes_max = 4 * p.bytes;
  return s;
}
void hold(plan const& p, int to, int from) {
  net::runtime<porter> here{settings_of(p, 1)};
  auto const port = here.start();
  if (!port) fail(port.why());
  auto const id = here.objects([&](net::object_files& f) { return f.import(p.film); });
  if (!id) fail(id.why());
  meeting const m{port.value(), id.value()};
  send_all(to, &m, sizeof m);
  char end = 0;
  take_all(from, &end, 1);
}
round_result get(plan const& p, meeting const& m) {
  net::runtime<porter> here{settings_of(p, 2)};
  std::promise<fetched> told;
  here.on_emit([&](fetched const& f) { told.set_value(f); });
  auto const port = here.start();
  if (!port) fail(port.why());
  wire::endpoints at;
  at.push_back(net::to_wire({net::asio::ip::address_v4::loopback(), m.port}));
  auto const holder = here.know({who(1).id(), at});
  auto const began = clock_type::now();
  here.tell(want_object{{m.what, p.bytes, holder}, {0, p.bytes}, {}});
  auto const f = told.get_future().get();
  auto const took = since(began);
  bool const whole = here.objects([&](net::object_files& files) { return files.holds(m.what); });
  if (!f.ok || !whole) fail("the object did not come: " + here.inspect([](net::head<porter>& h) {
                              return h.complaint();
                            }));
  return {took, peak_mb()};
}

// ---- the bare pipe ----------------------------------------------------------------------------

class blocking {
 public:
  blocking(int fd, bool server) : context_{who(server ? 1 : 2)} {
    ssl_.reset(SSL_new(context_.raw()));
    SSL_set_fd(ssl_.get(), fd);
    SSL_set_read_ahead(ssl_.get(), 1);
    if ((server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get())) != 1) fail("no handshake");
  }
  void write(std::span<std::byte const> bytes) {
    std::size_t n = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) != 1) fail("cannot send");
  }
  void read(std::span<std::byte> to) {
    while (!to.empty()) {
      std::size_t n = 0;
      if (SSL_read_ex(ssl_.get(), to.data(), to.size(), &n) != 1) fail("cannot receive");
      to = to.subspan(n);
    }
  }

 private:
  net::tls_context context_;
  net::detail::ssl_pointer ssl_;
};

int listening(std::uint16_t& port) {
  int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(s, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(s, 1) != 0 ||
      ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    fail("cannot listen");
  }
  port = ntohs(at.sin_port);
  return s;
}
void pour(plan const& p, int to, int from) {
  meeting m;
  int const s = listening(m.port);
  send_all(to, &m, sizeof m);
  int const c = ::accept(s, nullptr, nullptr);
  blocking pipe{c, true};
  net::detail::open_file const film{::open(p.film.c_str(), O_RDONLY | O_CLOEXEC)};
  std::vector<std::byte> chunk(net::chunk_bytes);
  for (std::uint64_t at = 0; at < p.bytes; at += chunk.size()) {
    auto const n = std::min<std::uint64_t>(chunk.size(), p.bytes - at);
    auto const part = std::span{chunk}.first(n);
    if (net::detail::read_at(film.get(), part, at) != n) fail("cannot read the film");
    pipe.write(part);
  }
  char end = 0;
  take_all(from, &end, 1);
}
round_result drain(plan const& p, meeting const& m, std::array<double, 3>& parts) {
  int const c = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(m.port);
  if (::connect(c, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("cannot connect");
  auto const path = (p.folder / "bare").string();
  auto const began = clock_type::now();
  blocking pipe{c, false};
  net::detail::open_file const out{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
  std::vector<std::byte> chunk(net::chunk_bytes);
  for (std::uint64_t done = 0; done < p.bytes; done += chunk.size()) {
    auto const n = std::min<std::uint64_t>(chunk.size(), p.bytes - done);
    auto const part = std::span{chunk}.first(n);
    auto t = clock_type::now();
    pipe.read(part);
    parts[0] += since(t);
    t = clock_type::now();
    static_cast<void>(net::leaf_of(part));
    parts[1] += since(t);
    t = clock_type::now();
    if (!net::detail::write_at(out.get(), part, done)) fail("cannot write");
    parts[2] += since(t);
  }
  auto const t = clock_type::now();
  if (::fsync(out.get()) != 0) fail("cannot sync");
  parts[2] += since(t);
  return {since(began), peak_mb()};
}

double children_cpu() {
  rusage u{};
  ::getrusage(RUSAGE_CHILDREN, &u);
  auto const of = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(u.ru_utime) + of(u.ru_stime);
}

// Runs both ends, each in its own process; the answer of the one that gets.
template <class Give, class Take>
round_result both(plan const& p, Give&& give, Take&& take) {
  std::array<int, 2> up{}, down{}, result{};
  if (::pipe(up.data()) != 0 || ::pipe(down.data()) != 0 || ::pipe(result.data()) != 0) {
    fail("no pipes");
  }
  auto const before = children_cpu();
  auto const giver = ::fork();
  if (giver == 0) {
    give(up[1], down[0]);
    std::_Exit(0);
  }
  auto const taker = ::fork();
  if (taker == 0) {
    meeting m;
    take_all(up[0], &m, sizeof m);
    auto const r = take(m);
    send_all(result[1], &r, sizeof r);
    std::_Exit(0);
  }
  int how = 0;
  ::waitpid(taker, &how, 0);
  char const end = 0;
  send_all(down[1], &end, 1);
  ::waitpid(giver, nullptr, 0);
  if (how != 0) fail("a round failed");
  round_result r;
  take_all(result[0], &r, sizeof r);
  r.cpu = children_cpu() - before;
  for (auto fd : {up[0], up[1], down[0], down[1], result[0], result[1]}) ::close(fd);
  for (auto const* each : {"1", "2", "bare"}) fs::remove_all(p.folder / each);
  return r;
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t mb = 2048;
  int rounds = 3;
  plan p;
  p.folder = fs::temp_directory_path();
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string const flag = argv[i];
    if (flag == "--mb") mb = std::strtoull(argv[i + 1], nullptr, 10);
    else if (flag == "--rounds") rounds = std::atoi(argv[i + 1]);
    else if (flag == "--folder") p.folder = argv[i + 1];
    else fail("unknown flag " + flag + "; allowed: --mb --rounds --folder");
  }
  if (mb == 0 || rounds <= 0) fail("--mb and --rounds are at least 1");
  p.folder /= "hydra-objects-" + std::to_string(::getpid());
  p.bytes = mb * 1'000'000;
  fs::create_directories(p.folder);
  p.film = (p.folder / "film").string();
  {
    std::ofstream film{p.film, std::ios::binary};
    std::vector<std::uint64_t> words(125'000);
    for (std::uint64_t i = 0; i < mb; ++i) {
      for (std::size_t k = 0; k < words.size(); ++k) words[k] = mix64(i * words.size() + k);
      film.write(reinterpret_cast<char const*>(words.data()), 1'000'000);
    }
    if (!film.flush()) fail("cannot write " + p.film);
  }
  std::vector<double> ours, bare;
  double peak = 0;
  for (int i = 0; i < rounds; ++i) {
    auto const a = both(
        p, [&](int to, int from) { hold(p, to, from); },
        [&](meeting const& m) { return get(p, m); });
    std::array<double, 3> mine{};
    auto const b = both(
        p, [&](int to, int from) { pour(p, to, from); },
        [&](meeting const& m) {
          auto const r = drain(p, m, mine);
          std::printf("  bare pipe: waiting and decrypting %.2f s, SHA-256 %.2f s, file %.2f s\n",
                      mine[0], mine[1], mine[2]);
          std::fflush(stdout);
          return r;
        });
    ours.push_back(static_cast<double>(p.bytes) / a.seconds / 1e6);
    bare.push_back(static_cast<double>(p.bytes) / b.seconds / 1e6);
    peak = std::max(peak, a.peak);
    std::printf("round %d: objects %.0f MB/s (%.2f s of processor), bare pipe %.0f MB/s (%.2f s)\n",
                i + 1, ours.back(), a.cpu, bare.back(), b.cpu);
    std::fflush(stdout);
  }
  std::printf("objects %.0f MB/s, bare pipe %.0f MB/s, ratio %.2f (at least 0.80), getter held at "
              "most %.0f MB (under 200)\n",
              median(ours), median(bare), median(ours) / median(bare), peak);
  fs::remove_all(p.folder);
  return median(ours) >= 0.8 * median(bare) && peak < 200 ? 0 : 1;
}
