// Our transport against Asio's own streams, interleaved, each end a process of its own, both on one
// processor: so a rate is one over the work of both ends for a request and its answer.
//
//   transport [--cpu 1] [--rounds 3] [--seconds 1.5] [--row 1 to 5]
//             [--idle CONNECTIONS] [--setup CONNECTIONS]
//
// A request is a frame that comes back whole; each connection has one under way. Rates are medians
// of the rounds; `busy` is the share of the time in which the two ends had the processor: under
// 0.9 something else ran there, and the work per request (cpu) says more than the rate.
//   asio tls    ssl::stream over TCP, callbacks, mutual TLS 1.3 with the same certificates
//   hydra tls   net::transport: frames, bounds, hello, timeouts
//   node        net::runtime: the same and a node that decodes, answers and encodes
// --idle opens that many connections to one head and says what it takes in memory; --setup opens
// them one after the other, up to the first answer, and says how long that takes.
#include <hydra/net/runtime.hpp>

#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace hydra;
using net::asio::io_context;
using net::tcp;
using clock_type = std::chrono::steady_clock;

enum class kind { asio_tcp, hydra_tcp, asio_tls, hydra_tls, node };
constexpr std::array names{"asio tcp", "hydra tcp", "asio tls", "hydra tls", "node"};

struct plan {
  kind what = kind::asio_tls;
  std::size_t connections = 1;
  std::size_t bytes = 64;
  double seconds = 1.5;
};
struct figures {
  double rate = 0;
  double p50 = 0;  // us
  double p99 = 0;
  double cpu = 0;   // us of both ends for a request
  double busy = 0;
};

net::identity identity_of(std::size_t number) {
  std::array<std::uint8_t, 32> seed{};
  std::memcpy(seed.data(), &number, sizeof number);
  seed[31] = 7;
  return net::identity::from_seed(seed);
}
double cpu_of(pid_t who) {
  clockid_t which{};
  timespec t{};
  if (::clock_getcpuclockid(who, &which) != 0 || ::clock_gettime(which, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Counts answers once the warm-up is over, until the time is.
class meter {
 public:
  meter(plan const& p, pid_t server, io_context& io)
      : plan_{p}, server_{server}, io_{&io}, asked_(p.connections, clock_type::now()) {
    from_ = clock_type::now() + std::chrono::milliseconds{300};
    until_ = from_ + std::chrono::duration_cast<clock_type::duration>(
                         std::chrono::duration<double>{p.seconds});
  }
  // Whether to ask again.
  bool answered(std::size_t connection) {
    auto const now = clock_type::now();
    if (now >= until_) {
      if (done_.busy == 0) finish(now);
      io_->stop();
      return false;
    }
    if (now >= from_) {
      if (times_.empty()) {
        from_ = now;
        cpu_ = cpu_of(server_) + cpu_of(::getpid());
      }
      times_.push_back(static_cast<float>(
          std::chrono::duration<double, std::micro>(now - asked_[connection]).count()));
    }
    asked_[connection] = now;
    return true;
  }
  [[nodiscard]] figures const& done() const { return done_; }

 private:
  void finish(clock_type::time_point now) {
    auto const wall = std::chrono::duration<double>(now - from_).count();
    auto const used = cpu_of(server_) + cpu_of(::getpid()) - cpu_;
    auto const n = static_cast<double>(times_.size());
    if (times_.empty()) return;
    std::sort(times_.begin(), times_.end());
    done_ = {n / wall, times_[times_.size() / 2], times_[times_.size() * 99 / 100], used / n * 1e6,
             used / wall};
  }

  plan plan_;
  pid_t server_;
  io_context* io_;
  std::vector<clock_type::time_point> asked_;
  std::vector<float> times_;
  clock_type::time_point from_, until_;
  double cpu_ = 0;
  figures done_{};
};

// ---- Asio's own streams -------------------------------------------------------------------------

using secure = net::asio::ssl::stream<tcp::socket>;

template <class Stream>
class raw_connection : public std::enable_shared_from_this<raw_connection<Stream>> {
 public:
  raw_connection(Stream s, meter* counts, std::size_t number)
      : stream_{std::move(s)}, meter_{counts}, number_{number}, in_(128 << 10) {}
  void ask(std::size_t bytes) {
    next_.assign(4 + bytes, 'x');
    auto const n = static_cast<std::uint32_t>(bytes);
    std::memcpy(next_.data(), &n, 4);
    write();
  }
  void read() {
    stream_.async_read_some(
        net::asio::buffer(in_.data() + have_, in_.size() - have_),
        [self = this->shared_from_this()](net::error_code ec, std::size_t n) {
          if (ec) return;
          self->have_ += n;
          if (self->take()) self->read();
        });
  }

 private:
  bool take() {
    std::uint32_t size = 0;
    while (have_ >= 4) {
      std::memcpy(&size, in_.data(), 4);
      if (have_ < 4 + size) break;
      if (meter_ != nullptr && !meter_->answered(number_)) return false;
      next_.assign(in_.data(), in_.data() + 4 + size);
      if (!writing_) write();
      std::memmove(in_.data(), in_.data() + 4 + size, have_ - 4 - size);
      have_ -= 4 + size;
    }
    return true;
  }
  void write() {
    writing_ = true;
    out_.swap(next_);
    next_.clear();
    net::asio::async_write(stream_, net::asio::buffer(out_),
                           [self = this->shared_from_this()](net::error_code ec, std::size_t) {
                             self->writing_ = false;
                             if (!ec && !self->next_.empty()) self->write();
                           });
  }

  Stream stream_;
  meter* meter_;
  std::size_t number_;
  std::vector<char> in_, out_, next_;
  std::size_t have_ = 0;
  bool writing_ = false;
};

net::asio::ssl::context asio_context(net::identity const& me) {
  net::asio::ssl::context c{net::asio::ssl::context::tls};
  auto* const raw = c.native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set1_groups_list(raw, "X25519");
  SSL_CTX_set1_sigalgs_list(raw, "ed25519");
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  auto const shown = make_certificate(me, net::validity::around(net::detail::wall_now()));
  SSL_CTX_use_certificate(raw, shown.get());
  SSL_CTX_use_PrivateKey(raw, me.pair());
  return c;
}
template <class Stream>
Stream stream_on(tcp::socket s, net::asio::ssl::context& c, bool calls) {
  s.set_option(tcp::no_delay{true});
  if constexpr (std::is_same_v<Stream, secure>) {
    secure out{std::move(s), c};
    out.handshake(calls ? secure::client : secure::server);
    return out;
  } else {
    return s;
  }
}
template <class Stream>
void serve_raw(plan const& p, int tell) {
  io_context io{1};
  auto context = asio_context(identity_of(0));
  tcp::acceptor at{io, {net::asio::ip::address_v4::loopback(), 0}};
  std::uint16_t const port = at.local_endpoint().port();
  if (::write(tell, &port, sizeof port) != sizeof port) std::abort();
  for (std::size_t i = 0; i < p.connections; ++i) {
    std::make_shared<raw_connection<Stream>>(stream_on<Stream>(at.accept(), context, false),
                                             nullptr, i)
        ->read();
  }
  io.run();
}
template <class Stream>
figures ask_raw(plan const& p, std::uint16_t port, pid_t server) {
  io_context io{1};
  auto context = asio_context(identity_of(1));
  std::vector<std::shared_ptr<raw_connection<Stream>>> all;
  std::vector<Stream> streams;
  for (std::size_t i = 0; i < p.connections; ++i) {
    tcp::socket s{io};
    s.connect({net::asio::ip::address_v4::loopback(), port});
    streams.push_back(stream_on<Stream>(std::move(s), context, true));
  }
  meter counts{p, server, io};
  for (std::size_t i = 0; i < p.connections; ++i) {
    all.push_back(std::make_shared<raw_connection<Stream>>(std::move(streams[i]), &counts, i));
    all.back()->read();
    all.back()->ask(p.bytes);
  }
  io.run();
  return counts.done();
}

// ---- ours, without a node -----------------------------------------------------------------------

std::vector<std::byte> frame_of(std::size_t bytes) {
  std::vector<std::byte> out;
  auto const fits = wire::append_frame(out, 1, 0, [&](auto& to) { to.resize(to.size() + bytes); });
  HYDRA_EXPECTS(fits);
  return out;
}

// The least that owns a transport: knows whom it has met, answers or asks again.
class owner {
 public:
  owner(io_context& io, std::size_t number, bool encrypted, meter* counts)
      : number_{number},
        name_{identity_of(number).id()},
        context_{encrypted ? std::make_unique<net::tls_context>(identity_of(number)) : nullptr},
        meter_{counts},
        transport_{*this, io, number} {
    bounds_.per_address_handshakes_per_s = bounds_.handshakes_per_s = 100000;
    bounds_.inbound_bytes_per_s = std::size_t{1} << 40U;
    bounds_.per_address_max = bounds_.sessions_max = bounds_.handshakes_max = 1000;
  }
  std::uint16_t listen() { return transport_.listen("127.0.0.1", 0).value(); }
  void ask(wire::contact const& whom, std::size_t bytes) {
    met_.push_back(whom);
    transport_.send(peer{0}, frame_of(bytes));
  }
  void ask_once(wire::contact const& whom, io_context& io) {
    until_ = &io;
    ask(whom, 4);
  }
  void leave() { transport_.close_all(); }
  // What a transport asks and tells.
  owner& known() { return *this; }
  net::limits const& bounds() const { return bounds_; }
  net::counters& count() { return counters_; }
  bool congested() const { return false; }
  net::tls_context* security() const { return context_.get(); }
  bool goes(net::asio::ip::address const&) const { return true; }
  net::hello greeting() const {
    net::hello h;
    h.network = 1;
    h.head = h.owner = name_;
    return h;
  }
  peer meet(net::hello const& h, net::encounter const& with) {
    if (with.expected) return with.expected;
    met_.push_back({h.head, {}});
    return peer{static_cast<std::uint32_t>(met_.size() - 1)};
  }
  // No objects here.
  bool carried(peer, std::uint32_t, std::span<std::byte const>) { return true; }
  bool next_bulk(peer, std::vector<std::byte>&) { return false; }
  void cut(peer) {}

  bool arrived(peer from, wire::frame_header const&, std::span<std::byte const> payload) {
    if (until_ != nullptr) return until_->stop(), true;
    if (meter_ != nullptr && !meter_->answered(number_ - 1)) return true;
    std::vector<std::byte> frame;
    frame.reserve(wire::frame_header_bytes + payload.size());
    static_cast<void>(wire::append_frame(frame, 1, 0, [&](auto& to) {
      to.insert(to.end(), payload.begin(), payload.end());
    }));
    transport_.send(from, std::move(frame));
    return true;
  }
  bool consulted(peer, net::control, std::span<std::byte const>) { return true; }
  void failed(peer) {
    if (meter_ != nullptr) std::fprintf(stderr, "a connection failed\n");
  }
  void reached(peer) {}
  void left(peer) {}
  key key_of(peer p) const { return met_[p.index()].key; }
  wire::contact contact_of(peer p) const { return met_[p.index()]; }
  void measured(peer, duration) {}
  void forget_hearsay(peer) {}

 private:
  std::size_t number_;
  key name_;
  std::unique_ptr<net::tls_context> context_;
  meter* meter_;
  io_context* until_ = nullptr;  // stopped at the first answer
  net::limits bounds_;
  net::counters counters_;
  std::vector<wire::contact> met_;
  net::transport<owner> transport_;
};

wire::contact server_at(std::uint16_t port) {
  wire::contact c{identity_of(0).id(), {}};
  c.at.push_back(net::to_wire({net::asio::ip::address_v4::loopback(), port}));
  return c;
}
void serve_ours(bool encrypted, int tell) {
  io_context io{1};
  owner here{io, 0, encrypted, nullptr};
  auto const port = here.listen();
  if (::write(tell, &port, sizeof port) != sizeof port) std::abort();
  io.run();
}
figures ask_ours(plan const& p, std::uint16_t port, pid_t server) {
  io_context io{1};
  meter counts{p, server, io};
  std::vector<std::unique_ptr<owner>> all;
  bool const encrypted = p.what == kind::hydra_tls;
  for (std::size_t i = 0; i < p.connections; ++i) {
    all.push_back(std::make_unique<owner>(io, i + 1, encrypted, &counts));
    all.back()->ask(server_at(port), p.bytes);
  }
  io.run();
  return counts.done();
}

// ---- ours, with a node --------------------------------------------------------------------------

struct echo {
  static constexpr message_id id{room::node, 1, 1};
  std::array<std::uint64_t, 8> words{};  // 64 bytes
  template <class A>
  void serialize(A& a, unsigned) {
    a& words;
  }
};
struct begin {
  peer with{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& with;
  }
};
struct echoing {
  using messages = type_list<echo>;
  using inputs = type_list<begin>;
  meter* counts = nullptr;
  void on_fact(auto& env, begin const& b) { env.send(b.with, echo{}); }
  void on_message(auto& env, peer from, echo const& m) {
    if (counts == nullptr || counts->answered(0)) env.send(from, m);
  }
};

net::runtime_settings settings_of(std::size_t number) {
  net::runtime_settings s;
  s.identity = identity_of(number);
  s.limits.sessions_max = s.limits.handshakes_max = s.limits.per_address_max = 10000;
  s.limits.handshakes_per_s = s.limits.per_address_handshakes_per_s = 100000;
  return s;
}
void serve_node(int tell) {
  net::runtime<echoing> here{settings_of(0)};
  auto const port = here.start().value();
  if (::write(tell, &port, sizeof port) != sizeof port) std::abort();
  ::pause();
}
figures ask_node(plan const& p, std::uint16_t port, pid_t server) {
  io_context over{1};  // stopped when the time is over
  auto const guard = net::asio::make_work_guard(over);
  meter counts{p, server, over};
  net::runtime<echoing> here{settings_of(1), echoing{&counts}};
  static_cast<void>(here.start().value());
  here.tell(begin{here.know(server_at(port))});
  over.run();
  here.kill();
  return counts.done();
}

// ---- the rounds ---------------------------------------------------------------------------------

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("cannot pin");
}
template <class F>
pid_t child(int cpu, F&& work) {
  auto const who = ::fork();
  if (who != 0) return who;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(cpu);
  work();
  ::_exit(0);
}
void serve(plan const& p, int tell) {
  switch (p.what) {
    case kind::asio_tcp: return serve_raw<tcp::socket>(p, tell);
    case kind::asio_tls: return serve_raw<secure>(p, tell);
    case kind::node: return serve_node(tell);
    default: return serve_ours(p.what == kind::hydra_tls, tell);
  }
}
figures ask(plan const& p, std::uint16_t port, pid_t server) {
  switch (p.what) {
    case kind::asio_tcp: return ask_raw<tcp::socket>(p, port, server);
    case kind::asio_tls: return ask_raw<secure>(p, port, server);
    case kind::node: return ask_node(p, port, server);
    default: return ask_ours(p, port, server);
  }
}
figures once(plan const& p, int cpu) {
  std::array<int, 2> ports{}, results{};
  if (::pipe(ports.data()) != 0 || ::pipe(results.data()) != 0) std::abort();
  auto const server = child(cpu, [&] { serve(p, ports[1]); });
  std::uint16_t port = 0;
  if (::read(ports[0], &port, sizeof port) != sizeof port) std::abort();
  auto const client = child(cpu, [&] {
    auto const f = ask(p, port, server);
    if (::write(results[1], &f, sizeof f) != sizeof f) std::abort();
  });
  figures f;
  if (::read(results[0], &f, sizeof f) != sizeof f) std::abort();
  ::waitpid(client, nullptr, 0);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  for (int end : {ports[0], ports[1], results[0], results[1]}) ::close(end);
  return f;
}
figures median(std::vector<figures> all) {
  auto const middle = [&](double figures::* of) {
    std::sort(all.begin(), all.end(),
              [of](figures const& a, figures const& b) { return a.*of < b.*of; });
    return all[all.size() / 2].*of;
  };
  return {middle(&figures::rate), middle(&figures::p50), middle(&figures::p99),
          middle(&figures::cpu), middle(&figures::busy)};
}

// Rounds of all kinds, one after the other; the first is what the second is compared with.
void compare(std::vector<kind> const& kinds, plan p, int rounds, int cpu) {
  std::vector<std::vector<figures>> all(kinds.size());
  for (int r = 0; r < rounds; ++r) {
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      p.what = kinds[k];
      all[k].push_back(once(p, cpu));
    }
  }
  figures first{};
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    auto const f = median(all[k]);
    if (k == 0) first = f;
    std::printf("%6zu B x %2zu  %-9s %9.0f /s  ", p.bytes, p.connections,
                names[static_cast<std::size_t>(kinds[k])], f.rate);
    std::printf("p50 %7.1f us  p99 %7.1f us  cpu %6.1f us", f.p50, f.p99, f.cpu);
    std::printf("  busy %4.2f", f.busy);
    if (k != 0) std::printf("  rate x %.2f  work x %.2f", f.rate / first.rate, first.cpu / f.cpu);
    std::printf("\n");
    std::fflush(stdout);
    if (kinds[k] == kind::node) {
      std::printf("               node: %.2f us for each message sent and handled, beside the "
                  "transport\n", (f.cpu - median(all[k - 1]).cpu) / 2);
    }
  }
}

std::size_t resident_kb() {
  std::ifstream in{"/proc/self/status"};
  for (std::string word; in >> word;) {
    std::size_t kb = 0;
    if (word == "VmRSS:" && in >> kb) return kb;
  }
  return 0;
}
// A head with neighbours that say nothing; then each has sent a large frame once.
void idle(std::size_t connections) {
  net::runtime<echoing> here{settings_of(0)};
  auto const port = here.start().value();
  std::printf("a head without neighbours: %zu kB\n", resident_kb());
  std::fflush(stdout);
  for (std::size_t bytes : {std::size_t{64}, std::size_t{65536}}) {
    auto const before = here.counters().unknown;
    auto const others = child(0, [&] {
      io_context io{1};
      std::vector<std::unique_ptr<owner>> all;
      for (std::size_t i = 0; i < connections; ++i) {
        all.push_back(std::make_unique<owner>(io, i + 1 + bytes, true, nullptr));
        auto whole = server_at(port);
        all.back()->ask(whole, bytes);
      }
      io.run();
    });
    net::asio::io_context io;
    for (int i = 0; i < 100 && here.counters().received + here.counters().unknown <
                                   before + connections; ++i) {
      net::asio::steady_timer{io, std::chrono::milliseconds{100}}.wait();
    }
    net::asio::steady_timer{io, std::chrono::milliseconds{2500}}.wait();
    std::printf("%zu neighbours that sent %zu bytes: %zu kB, %zu connections\n", connections,
                bytes, resident_kb(), here.inspect([](auto& h) { return h.sessions(); }));
    ::kill(others, SIGKILL);
    ::waitpid(others, nullptr, 0);
  }
}

void set_up(std::size_t connections, int cpu) {
  std::array<int, 2> ports{};
  if (::pipe(ports.data()) != 0) std::abort();
  for (bool encrypted : {false, true}) {
    auto const server = child(cpu, [&] { serve_ours(encrypted, ports[1]); });
    std::uint16_t port = 0;
    if (::read(ports[0], &port, sizeof port) != sizeof port) std::abort();
    auto const client = child(cpu, [&] {
      std::vector<double> times;
      auto const cpu_before = cpu_of(server) + cpu_of(::getpid());
      for (std::size_t i = 0; i < connections; ++i) {
        auto const from = clock_type::now();
        io_context io{1};
        owner caller{io, 1, encrypted, nullptr};
        caller.ask_once(server_at(port), io);
        io.run();
        caller.leave();
        std::chrono::duration<double, std::milli> const took = clock_type::now() - from;
        times.push_back(took.count());
      }
      auto const used = cpu_of(server) + cpu_of(::getpid()) - cpu_before;
      std::sort(times.begin(), times.end());
      std::printf("%s: %.2f ms for a connection, hellos and an answer (median), %.2f ms of work\n",
                  encrypted ? "tls" : "tcp", times[times.size() / 2],
                  used * 1e3 / static_cast<double>(connections));
      std::fflush(stdout);
    });
    ::waitpid(client, nullptr, 0);
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
  }
}

}  // namespace

int main(int count, char** words) {
  int cpu = 1;
  int rounds = 3;
  std::size_t row = 0;  // all
  plan p;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string const word = words[i];
    if (word == "--cpu") cpu = std::atoi(words[i + 1]);
    else if (word == "--rounds") rounds = std::max(std::atoi(words[i + 1]), 1);
    else if (word == "--seconds") p.seconds = std::atof(words[i + 1]);
    else if (word == "--row") row = std::strtoul(words[i + 1], nullptr, 10);
    else if (word == "--setup")
      return set_up(std::strtoul(words[i + 1], nullptr, 10), cpu), 0;
    else if (word == "--idle") return idle(std::strtoul(words[i + 1], nullptr, 10)), 0;
    else return std::fprintf(stderr, "see the head of bench/transport.cpp\n"), 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<kind> const tls{kind::asio_tls, kind::hydra_tls};
  std::vector<kind> const plain{kind::asio_tcp, kind::hydra_tcp};
  std::vector<std::pair<std::vector<kind>, plan>> const rows{
      {{kind::asio_tls, kind::hydra_tls, kind::node}, {{}, 1, 64, p.seconds}},
      {tls, {{}, 64, 64, p.seconds}},
      {tls, {{}, 1, 65536, p.seconds}},
      {plain, {{}, 1, 64, p.seconds}},
      {plain, {{}, 1, 65536, p.seconds}}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (row == 0 || row == i + 1) compare(rows[i].first, rows[i].second, rounds, cpu);
  }
  return 0;
}
