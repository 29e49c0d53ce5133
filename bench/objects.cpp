// An object from disk to disk between two heads, against a bare pipe that does the same work: TLS,
// SHA-256 of each chunk, a file that is on the disk at the end. Each end a process of its own; both
// in turn, now one first and now the other, so that the ratio means something where the machine is
// busy. Before each a file of the same length is written and removed: on a virtual machine the
// pages that a file is written to cost up to 2 s per GB the first time, whoever comes first.
//
//   objects [--mb 2048] [--rounds 3] [--folder DIR]
//
// Prints MB/s (1 MB = 1e6 bytes) of both, the ratio of their medians, where the time of the bare
// pipe goes, and the most memory that an end of ours held (VmHWM). Fails when bytes are wrong or an
// end held 200 MB; never for the ratio, which a busy machine spoils.
#include "../tests/simulation/porter.hpp"

#include <hydra/net/runtime.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
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

double cpu_now() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  auto const of = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(u.ru_utime) + of(u.ru_stime);
}

// What one round found out, through a pipe between processes.
struct round_result {
  double seconds = 0;
  double peak = 0;  // MB
  double cpu = 0;   // s of processor while bytes moved, of both ends
  std::array<double, 3> parts{};  // s of the bare pipe's getter: TLS, SHA-256, file
};
// What the ends of a round tell each other before it starts.
struct meeting {
  std::uint16_t port = 0;
  object_id what{};
};

struct plan {
  fs::path folder;
  std::string film;  // the file of the holder, which the bare pipe reads too
  object_id what{};
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
round_result hold(plan const& p, int to, int from) {
  net::runtime<porter> here{settings_of(p, 1)};
  auto const port = here.start();
  if (!port) fail(port.why());
  meeting const m{port.value(), p.what};
  send_all(to, &m, sizeof m);
  auto const spent = cpu_now();
  char end = 0;
  take_all(from, &end, 1);
  return {0, peak_mb(), cpu_now() - spent, {}};
}
round_result get(plan const& p, meeting const& m) {
  net::runtime<porter> here{settings_of(p, 2)};
  fetched f;
  std::atomic<bool> told = false;
  here.on_emit([&](fetched const& how) {
    f = how;
    told = true;
    told.notify_one();
  });
  auto const port = here.start();
  if (!port) fail(port.why());
  wire::endpoints at;
  at.push_back(net::to_wire({net::asio::ip::address_v4::loopback(), m.port}));
  auto const holder = here.know({who(1).id(), at});
  auto const began = clock_type::now();
  here.tell(want_object{{m.what, p.bytes, holder}, {0, p.bytes}, {}});
  told.wait(false);
  auto const took = since(began);
  bool const whole = here.objects([&](net::object_files& files) { return files.holds(m.what); });
  if (!f.ok || !whole) fail("the object did not come: " + here.inspect([](net::head<porter>& h) {
                              return h.complaint();
                            }));
  return {took, peak_mb(), cpu_now(), {}};
}

// ---- the bare pipe ----------------------------------------------------------------------------

class blocking {
 public:
  blocking(int fd, bool server) : context_{who(server ? 1 : 2)} {
    ssl_ = context_.connection();
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
round_result pour(plan const& p, int to, int from) {
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
  return {0, peak_mb(), cpu_now(), {}};
}
round_result drain(plan const& p, meeting const& m) {
  int const c = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(m.port);
  if (::connect(c, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("cannot connect");
  auto const path = (p.folder / "bare").string();
  auto const began = clock_type::now();
  blocking pipe{c, false};
  std::array<double, 3> parts{};
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
  return {since(began), peak_mb(), cpu_now(), parts};
}

// Runs both ends, each in its own process; the answer of the one that gets.
template <class Give, class Take>
round_result both(plan const& p, Give&& give, Take&& take) {
  std::array<int, 2> up{}, down{}, result{};
  if (::pipe(up.data()) != 0 || ::pipe(down.data()) != 0 || ::pipe(result.data()) != 0) {
    fail("no pipes");
  }
  auto const giver = ::fork();
  if (giver == 0) {
    auto const r = give(up[1], down[0]);
    send_all(result[1], &r, sizeof r);
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
  if (how != 0) ::kill(giver, SIGKILL);
  char const end = 0;
  send_all(down[1], &end, 1);
  ::waitpid(giver, nullptr, 0);
  if (how != 0) fail("a round failed");
  round_result r, other;
  take_all(result[0], &r, sizeof r);
  take_all(result[0], &other, sizeof other);
  r.cpu += other.cpu;
  r.peak = std::max(r.peak, other.peak);
  for (auto fd : {up[0], up[1], down[0], down[1], result[0], result[1]}) ::close(fd);
  for (auto const* each : {"2", "bare"}) fs::remove_all(p.folder / each);
  return r;
}

// Both find the same pages for their file.
void write_and_remove(plan const& p) {
  auto const path = (p.folder / "pages").string();
  net::detail::open_file const out{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
  std::vector<std::byte> const chunk(net::chunk_bytes);
  for (std::uint64_t at = 0; at < p.bytes; at += chunk.size()) {
    if (!net::detail::write_at(out.get(), chunk, at)) fail("cannot write");
  }
  if (::fsync(out.get()) != 0) fail("cannot sync");
  fs::remove(path);
}
round_result objects_round(plan const& p) {
  return both(
      p, [&](int to, int from) { return hold(p, to, from); },
      [&](meeting const& m) { return get(p, m); });
}
round_result bare_round(plan const& p) {
  return both(
      p, [&](int to, int from) { return pour(p, to, from); },
      [&](meeting const& m) { return drain(p, m); });
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

void make_film(plan& p) {
  auto const fresh = (p.folder / "film").string();
  std::ofstream film{fresh, std::ios::binary};
  std::vector<std::uint64_t> words(125'000);
  for (std::uint64_t at = 0; at < p.bytes; at += 1'000'000) {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = mix64(at + i);
    film.write(reinterpret_cast<char const*>(words.data()), 1'000'000);
  }
  film.close();
  if (!film) fail("cannot write " + fresh);
  net::object_files files{(p.folder / "1").string(), {4 * p.bytes, 16}};
  if (auto const open = files.open(); !open) fail(open.why());
  auto const id = files.import(fresh);
  if (!id) fail(id.why());
  p.what = id.value();
  p.film = files.path_of(p.what);
  fs::remove(fresh);
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
  make_film(p);
  std::vector<double> ours, bare;
  double peak = 0;
  for (int i = 1; i <= rounds; ++i) {
    round_result a, b;
    for (int k = 0; k < 2; ++k) {
      write_and_remove(p);
      if (k == i % 2) a = objects_round(p);
      else b = bare_round(p);
    }
    ours.push_back(static_cast<double>(p.bytes) / a.seconds / 1e6);
    bare.push_back(static_cast<double>(p.bytes) / b.seconds / 1e6);
    peak = std::max(peak, a.peak);
    std::printf("round %d: objects %.0f MB/s (%.2f s of processor), bare pipe %.0f MB/s (%.2f s)\n"
                "  bare pipe: waiting and decrypting %.2f s, SHA-256 %.2f s, file %.2f s\n",
                i, ours.back(), a.cpu, bare.back(), b.cpu, b.parts[0], b.parts[1],
                b.parts[2]);
    std::fflush(stdout);
  }
  std::printf("objects %.0f MB/s, bare pipe %.0f MB/s, ratio %.2f (at least 0.80), an end held at "
              "most %.0f MB (under 200)\n",
              median(ours), median(bare), median(ours) / median(bare), peak);
  fs::remove_all(p.folder);
  return peak < 200 ? 0 : 1;
}
