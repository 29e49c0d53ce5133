// The table of transfers in ns-3: TCP packet by packet.
//   flows_ns3 OUT.csv [PART]     scenes whose name contains PART; default all
//
// The time of a transfer is that of its last byte at the receiver, counted from connect(): the
// handshake is inside. Settings, as Linux has them where ns-3 lets us: Cubic with HyStart (its
// delay threshold capped at 16 ms), SACK, PRR, timestamps, window scaling, initial window 10,
// segments of 1448 B, delayed acknowledgements of two segments or 40 ms, least time-out 200 ms,
// send buffer twice the receive window. Each direction of a line is a point-to-point device with a
// drop-tail queue of 50 ms and no queue discipline, as in a plain home router; in scenes named
// fair_ it has FQ-CoDel with its defaults (5 ms, 100 ms), as Linux and its routers do. Frames cost
// 1502 B. ns-3 counts bytes in slow start, which stands for the quick acknowledgements of Linux; it
// does not pace, and its HyStart looks at the smoothed round trip.
// A scene that takes more than 60 s of processor time, or in which ns-3 fails, gets the time -1.
#include "flows_scenarios.hpp"

#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-module.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int cpu_max_s = 60;

void settings(std::uint64_t window) {
  using namespace ns3;
  Config::SetDefault("ns3::TcpL4Protocol::SocketType", StringValue("ns3::TcpCubic"));
  Config::SetDefault("ns3::TcpL4Protocol::RecoveryType", StringValue("ns3::TcpPrrRecovery"));
  Config::SetDefault("ns3::TcpCubic::HyStartDelayMax", TimeValue(MilliSeconds(16)));
  Config::SetDefault("ns3::TcpSocketBase::Sack", BooleanValue(true));
  Config::SetDefault("ns3::TcpSocketBase::Timestamp", BooleanValue(true));
  Config::SetDefault("ns3::TcpSocketBase::WindowScaling", BooleanValue(true));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(flows_bench::segment));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(2));
  Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(window));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(2 * window));
}

struct watched {
  std::uint64_t want = 0, have = 0;
  std::int64_t start = 0;  // microseconds
  double done_ms = -1;
};
std::vector<watched> watch;
std::size_t open_flows = 0;

void received(std::size_t flow, ns3::Ptr<ns3::Packet const> p, ns3::Address const&) {
  auto& w = watch[flow];
  w.have += p->GetSize();
  if (w.have < w.want || w.done_ms >= 0) return;
  w.done_ms = (ns3::Simulator::Now().GetSeconds() - static_cast<double>(w.start) * 1e-6) * 1e3;
  if (--open_flows == 0) ns3::Simulator::Stop();
}

std::string queue_of(std::uint32_t mbit) {  // 50 ms, at least ten packets
  auto const bytes = std::uint64_t{mbit} * 125'000U * flows_bench::buffer_us / 1'000'000U;
  return std::to_string(std::max<std::uint64_t>(bytes, 10U * flows_bench::packet)) + "B";
}

void rate(ns3::Ptr<ns3::NetDevice> device, std::uint32_t mbit, bool fair) {
  auto const p2p = device->GetObject<ns3::PointToPointNetDevice>();
  p2p->SetDataRate(ns3::DataRate{std::uint64_t{mbit} * 1'000'000U});
  p2p->GetQueue()->SetAttribute("MaxSize", ns3::StringValue(fair ? "3p" : queue_of(mbit)));
}

std::vector<ns3::Ipv4Address> build(flows_bench::scene const& s, ns3::NodeContainer& nodes) {
  using namespace ns3;
  auto const n = static_cast<std::uint32_t>(s.heads.size());
  nodes.Create(n + 1);
  InternetStackHelper{}.Install(nodes);
  std::vector<Ipv4Address> where;
  for (std::uint32_t i = 0; i < n; ++i) {
    PointToPointHelper wire;
    wire.SetQueue("ns3::DropTailQueue");
    wire.SetChannelAttribute("Delay", TimeValue(MicroSeconds(s.heads[i].delay)));
    auto const both = wire.Install(nodes.Get(i), nodes.Get(n));
    rate(both.Get(0), s.heads[i].up, s.fair);
    rate(both.Get(1), s.heads[i].down, s.fair);
    Ipv4AddressHelper names;
    names.SetBase(("10.0." + std::to_string(i) + ".0").c_str(), "255.255.255.0");
    TrafficControlHelper queues;
    queues.SetRootQueueDisc("ns3::FqCoDelQueueDisc");
    if (s.fair) queues.Install(both);
    auto const given = names.Assign(both);
    if (!s.fair) queues.Uninstall(both);
    where.push_back(given.GetAddress(0));
  }
  Ipv4GlobalRoutingHelper::PopulateRoutingTables();
  return where;
}

void run(flows_bench::scene const& s, int out) {
  using namespace ns3;
  settings(s.window);
  NodeContainer nodes;
  auto const where = build(s, nodes);
  watch.assign(s.flows.size(), {});
  open_flows = s.flows.size();
  for (std::size_t f = 0; f < s.flows.size(); ++f) {
    auto const& t = s.flows[f];
    auto const port = static_cast<std::uint16_t>(5'000 + f);
    watch[f] = {t.bytes, 0, t.start, -1};
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
    auto const sinks = sink.Install(nodes.Get(t.to));
    sinks.Get(0)->TraceConnectWithoutContext("Rx", MakeBoundCallback(&received, f));
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(where[t.to], port));
    source.SetAttribute("MaxBytes", UintegerValue(t.bytes));
    source.SetAttribute("SendSize", UintegerValue(16 * flows_bench::segment));
    auto sources = source.Install(nodes.Get(t.from));
    sources.Start(MicroSeconds(t.start));
  }
  Simulator::Stop(Seconds(3'600));
  Simulator::Run();
  std::string text;
  for (std::size_t f = 0; f < s.flows.size(); ++f) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, ",%zu,%.3f\n", f, watch[f].done_ms);
    text += s.name + buffer;
  }
  if (write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: flows_ns3 OUT.csv [PART]\n");
    return 2;
  }
  auto* out = std::fopen(argv[1], "w");
  if (out == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  std::fprintf(out, "scene,flow,ms\n");
  std::fflush(out);
  std::size_t left_out = 0;
  for (auto const& s : flows_bench::scenes()) {
    if (argc > 2 && s.name.find(argv[2]) == std::string::npos) continue;
    auto const child = fork();  // a process each: ns-3 has one simulator per process
    if (child == 0) {
      rlimit const most{cpu_max_s, cpu_max_s};
      setrlimit(RLIMIT_CPU, &most);
      run(s, fileno(out));
      _exit(0);
    }
    int how = 0;
    waitpid(child, &how, 0);
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) continue;
    ++left_out;
    auto const slow = WIFSIGNALED(how) && (WTERMSIG(how) == SIGKILL || WTERMSIG(how) == SIGXCPU);
    std::fprintf(stderr, "%s: left out, %s (status %d)\n", s.name.c_str(),
                 slow ? "more than 60 s of processor time" : "ns-3 failed", how);
    for (std::size_t f = 0; f < s.flows.size(); ++f) {
      std::fprintf(out, "%s,%zu,-1\n", s.name.c_str(), f);
    }
    std::fflush(out);
  }
  std::fclose(out);
  std::fprintf(stderr, "%zu scenes left out\n", left_out);
}
