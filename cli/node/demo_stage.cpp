#include "demo_stage.hpp"

#include "control.hpp"
#include "state.hpp"

#include <hydra/core/random.hpp>
#include <hydra/net/object_files.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace hydra::node {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int up_within_ms = 20'000;
constexpr int down_within_ms = 2'000;

// Whether nobody has it right now.
bool is_free(std::uint16_t port) {
  int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) return false;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  at.sin_port = ::htons(port);
  bool const good = ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(s);
  return good;
}
// One for node `who` of this process, below those that the kernel gives to connections; 0: none.
std::uint16_t free_port(std::size_t who) {
  constexpr std::uint64_t first = 20'000, count = 12'000;
  for (std::uint64_t tries = 0; tries < 64; ++tries) {
    auto const drawn = mix64(static_cast<std::uint64_t>(::getpid()) * 4096 + who * 64 + tries);
    auto const port = static_cast<std::uint16_t>(first + drawn % count);
    if (is_free(port)) return port;
  }
  return 0;
}

// The last words of a log.
std::string tail_of(std::string const& path) {
  constexpr std::size_t most = 300;
  std::ifstream in{path, std::ios::binary};
  std::string const text{std::istreambuf_iterator<char>{in}, {}};
  return text.substr(text.size() - std::min(text.size(), most));
}

bool write(std::string const& path, std::string const& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

using list = std::vector<std::size_t>;

// Whom each trusts; the stranger is in nobody's ring.
list ring_of(std::size_t who) {
  switch (who) {
    case 0: return {1, 2, 3};
    case 1: return {0, 2, 3, 4, 5, 6};
    case 2: return {0, 1, 3, 4, 5, 6};
    case 3: return {0, 1, 2, 4, 5, 6};
    case 7: return {};
    default: return {1, 2, 3};
  }
}
// Whom each can reach from the start. Those who start first know nobody yet.
list contacts_of(std::size_t who) {
  switch (who) {
    case 0: return {1, 2, 3};
    case 2:
    case 3: return {1, 4};
    case 7: return {1};
    default: return {1, 4, 5, 6};
  }
}
// The cloud first, the phone last.
constexpr std::array<std::size_t, demo_cast::size> order_of_start{4, 5, 6, 1, 2, 3, 7, 0};

}  // namespace

demo_stage::demo_stage(stage_order what, demo_cast const& cast)
    : order_{std::move(what)}, cast_{cast} {}

demo_stage::~demo_stage() {
  for (auto& n : nodes_) {
    if (n.process.runs()) ::kill(n.process.pid, SIGTERM);  // all at once, then one after the other
  }
  for (auto& n : nodes_) end_program(n.process, down_within_ms);
}

std::string demo_stage::home(std::size_t who) const {
  return order_.folder + "/" + std::to_string(who);
}
std::size_t demo_stage::who_is(std::string const& key) const {
  std::size_t i = 0;
  while (i < nodes_.size() && (key.empty() || nodes_[i].key != key)) ++i;
  return i;
}

result<bool> demo_stage::raise() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (auto const done = furnish(i); !done) return done;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (auto const done = introduce(i); !done) return done;
  }
  for (auto const i : order_of_start) {
    if (auto const done = start(i); !done) return done;
    bool const others_need_it = i == 4 || i == 1;
    if (!others_need_it) continue;
    if (auto const done = await(i); !done) return done;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (auto const done = await(i); !done) return done;
  }
  // Those who began alone say once more what they offer.
  for (std::size_t const i : {4U, 5U, 6U, 1U}) {
    auto const to = nodes_[i == 4 ? 5 : 4];
    auto const known = ask(i, {{"verb", "peer add"},
                               {"name", cast_.all[i == 4 ? 5 : 4].name},
                               {"contact", fmt::format("hydra:{}@127.0.0.1:{}", to.key, to.port)}});
    if (!known) return error{known.why()};
  }
  return true;
}

result<bool> demo_stage::furnish(std::size_t who) {
  auto& n = nodes_[who];
  auto const where = places::find(home(who));
  if (!where) return error{where.why()};
  n.where = where.value();
  if (auto const made = n.where.make(); !made) return made;
  auto const me = net::identity::load_or_make(n.where.identity);
  if (!me) return error{me.why()};
  n.key = net::hex_of(object_id{me.value().id()});
  keys_.push_back(me.value().raw());
  n.port = free_port(who);
  if (n.port == 0) return error{"there is no free port on 127.0.0.1"};
  return true;
}

result<bool> demo_stage::introduce(std::size_t who) {
  auto const& n = nodes_[who];
  auto const links = fs::path{n.where.config}.parent_path() / "links.toml";
  if (!write(n.where.config, config_of(who)) || !write(links.string(), links_of(who))) {
    return error{home(who) + ": cannot be written to"};
  }
  auto opened = state::open(n.where.state);
  if (!opened) return error{opened.why()};
  auto& book = *opened.value();
  result<bool> good{true};
  for (auto const i : ring_of(who)) {
    if (good) good = book.put(ring_member{nodes_[i].key, cast_.all[i].name});
  }
  for (auto const i : contacts_of(who)) {
    if (!good || i == who) continue;
    good = book.put(known_peer{nodes_[i].key, nodes_[i].key, cast_.all[i].name,
                               fmt::format("127.0.0.1:{}", nodes_[i].port), 0});
  }
  if (good && who != demo_cast::phone) {
    auto const& path = who == demo_cast::stranger ? order_.liar : order_.manifest;
    good = book.put(added_service{"render.movie/1", path});
  }
  return good;
}

std::string demo_stage::config_of(std::size_t who) const {
  auto const& m = cast_.all[who];
  auto const yes = [](bool b) { return b ? "true" : "false"; };
  bool const divides = m.role == demo_role::desktop || m.role == demo_role::friends;
  return fmt::format(
      "[network]\nport = {}\nid = {}\n\n[machine]\ncores = 1\n\n[objects]\nquota = \"8 GiB\"\n\n"
      "[trust]\nstrangers = {}\n\n[verify]\nfriends = {}\n\n[work]\nlease = \"8 s\"\n\n"
      "[place]\nlatitude = {}\nlongitude = {}\ndisclose = {}\n\n[jail]\nallow_without = {}\n",
      nodes_[who].port, static_cast<std::uint32_t>(::getpid()),
      yes(divides || who == demo_cast::stranger), who == demo_cast::phone ? "0" : "0.1", m.latitude,
      m.longitude, yes(who != demo_cast::phone), yes(order_.allow_without_jail));
}
std::string demo_stage::links_of(std::size_t who) const {
  auto out = fmt::format("seed = {}\n", order_.seed & 0x7fffffffU);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (i == who) continue;
    auto const us = cast_.delay(i, who) / std::chrono::microseconds{1};
    out += fmt::format("\n[[link]]\nfrom = \"{}\"\nlatency = \"{} us\"\njitter = \"{} us\"\n",
                       nodes_[i].key, us, us / 10);
  }
  return out;
}

result<bool> demo_stage::start(std::size_t who) {
  auto made = start_program({order_.program, "up", "-q", "--home", home(who)},
                            nodes_[who].where.log);
  if (!made) return error{made.why()};
  nodes_[who].process = made.value();
  return true;
}
result<bool> demo_stage::await(std::size_t who) const {
  for (int waited = 0; waited < up_within_ms; waited += 20) {
    if (ask(who, {{"verb", "status"}})) return true;
    if (!pause_ms(20)) return error{"interrupted"};
    if (has_ended(nodes_[who].process)) break;
  }
  return error{cast_.all[who].name + " does not come up; its log: " +
               tail_of(nodes_[who].where.log)};
}
void demo_stage::kill(std::size_t who) { kill_program(nodes_[who].process); }
result<bool> demo_stage::revive(std::size_t who) {
  if (auto const begun = start(who); !begun) return begun;
  return await(who);
}

result<json> demo_stage::ask(std::size_t who, json const& question) const {
  auto const said = hydra::node::ask(nodes_[who].where.control, question.dump());
  if (!said) return error{said.why()};
  auto out = json::parse(said.value(), nullptr, false);
  if (out.is_discarded()) return error{cast_.all[who].name + ": its answer is no JSON"};
  if (out.value("ok", false)) return out;
  return error{cast_.all[who].name + ": " + out.value("error", std::string{"refused"})};
}
void demo_stage::cut(std::size_t a, std::size_t b, int ms) const {
  for (auto const& [at, from] : {std::pair{a, b}, std::pair{b, a}}) {
    static_cast<void>(ask(at, {{"verb", "link cut"}, {"from", nodes_[from].key}, {"ms", ms}}));
  }
}

}  // namespace hydra::node
