// One head of the real world: a runtime with TLS behind an emulated link.
#pragma once

#include "live.hpp"
#include "people.hpp"
#include "sets.hpp"
#include "work.hpp"

#include <hydra/net/emulated_link.hpp>
#include <hydra/net/runtime.hpp>

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace hydra::validation {

[[nodiscard]] std::vector<std::uint16_t> read_ports(std::string const& folder);
// Sleeps until an instant of the plan; returns at once when it is over.
void wait_until(head_orders const& o, duration at);
void sleep_for_task(duration d);
void write_film(std::string const& path, std::uint64_t bytes, std::uint64_t seed);

template <class H>
[[nodiscard]] wire::contact contact_of(std::vector<key> const& keys,
                                       std::vector<std::uint16_t> const& ports,
                                       std::uint32_t i) {
  auto const ip = net::asio::ip::make_address("127.0.0.1");
  wire::contact c{keys[i], {}};
  c.at.push_back(net::to_wire(net::asio::ip::tcp::endpoint{ip, ports[i]}));
  return c;
}

// Makes the object that this head has from the start; nothing when it needs none.
template <class Runtime>
[[nodiscard]] object_ref make_object(head_orders const& o, plan const& p, Runtime& here) {
  auto const bytes = p.object_bytes(o.index);
  if (bytes == 0 || p.line == 0) return {};
  auto const path = o.folder + "/film" + std::to_string(o.index);
  write_film(path, bytes, p.seed + o.index);
  auto const id = here.objects([&](net::object_files& f) { return f.import(path); });
  if (!id) return {};
  return {id.value(), bytes, here.inspect([](auto& h) { return h.self(); })};
}

template <class H>
[[nodiscard]] net::runtime_settings settings_of(head_orders const& o, plan const& p,
                                                std::uint16_t port, net::passage* between) {
  net::runtime_settings s;
  s.seed = p.seed;
  s.draws_by_seed = true;  // the same chance as in the simulator
  s.index = o.index;
  s.identity = identity_of(p, o.index);
  s.port = port;
  s.epoch_ns = o.epoch_ns;
  s.store = o.folder + "/records" + std::to_string(o.index);
  if (p.line != 0) s.objects = o.folder + "/objects" + std::to_string(o.index);
  s.between = between;
  s.threads = 2;
  s.limits.backoff_first = 50ms;
  return s;
}

template <class H>
int live_as(head_orders const& o, plan const& p, disturbance const& d, note_sink& to) {
  auto const keys = keys_of(p);
  auto const ports = read_ports(o.folder);
  if (ports.size() != keys.size()) return 1;
  for (std::uint32_t i = 0; i < p.hydras; ++i) to.know(keys[i], static_cast<std::uint16_t>(i));
  net::emulated_link links{{}, p.seed};
  for (std::uint32_t i = 0; i < p.hydras; ++i) {
    if (i != o.index) links.set(keys[i], link_between(p, d, i, o.index));
  }
  links.line(p.line);
  net::runtime<witness<H>> here{settings_of<H>(o, p, ports[o.index], &links)};
  here.on_build([&](net::head<witness<H>>& h) {
    std::vector<peer> peers;
    for (std::uint32_t i = 0; i < p.hydras; ++i) {
      peers.push_back(i == o.index ? h.self() : h.know(contact_of<H>(keys, ports, i)));
    }
    auto const made = make_head<H>(
        p, o.index, [&](std::uint32_t i) { return peers[i]; },
        [&](std::uint32_t i) { return h.template know<principal>(keys[i]); },
        [&](std::uint32_t i) { return h.template know<service>(service_key_of(p, i)); },
        object_ref{});
    return witness<H>{made, to};
  });
  for (std::uint32_t i = 0; i < p.services.size(); ++i) {
    here.offer(service_key_of(p, i), [cpu = d.cpu](task const& t) {
      sleep_for_task(time_of(t, cpu));
      return std::optional{result_of(t)};
    });
  }
  wait_until(o, duration{o.begin_ns});
  auto const port = here.start();
  if (!port) {
    std::fprintf(stderr, "head %u: %s\n", o.index, port.why().c_str());
    return 1;
  }
  auto const me = here.know_hydra(keys[o.index]);
  auto const object = make_object(o, p, here);
  for (auto const& j : p.jobs) {
    if (j.from != o.index || j.at < duration{o.begin_ns}) continue;
    auto const what = here.know_service(service_key_of(p, j.what));
    wait_until(o, j.at);
    here.tell(submit{job_of(j, me, what, object)});
  }
  wait_until(o, p.lasts);
  here.kill();
  return 0;
}

}  // namespace hydra::validation
