#include "daemon.hpp"

#include "bundle.hpp"
#include "control.hpp"
#include "demands.hpp"
#include "events.hpp"
#include "jail_watch.hpp"
#include "links.hpp"
#include "manifest.hpp"
#include "peers.hpp"
#include "receipts.hpp"
#include "state.hpp"
#include "tasks.hpp"

#include <hydra/assembly/hydra.hpp>
#include <hydra/net/runtime.hpp>
#include <hydra/scheduling/mindful.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace hydra::node {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
// Who divides a job remembers what it gave to whom.
using whole_hydra = Hydra<scheduling::mindful>;
using machine = net::runtime<whole_hydra>;

constexpr std::int64_t work_standard_ms = 60'000;
constexpr std::int64_t patience_standard_ms = 3'600'000;
// Every lease is charged with the most that may come back, and every life of a node may spend half
// of what the one before left: what may come back is kept near what a job can need.
constexpr std::uint64_t output_least = std::uint64_t{256} << 20U;
constexpr std::uint64_t output_most = std::uint64_t{4} << 30U;
// Of a service that is divided, before its input says it: for the estimates of a bid.
constexpr std::uint16_t parts_expected = 8;
constexpr std::uint16_t split_share = 50;  // thousandths of the work
constexpr std::uint16_t join_share = 50;
constexpr std::uint16_t receipts_kept = 10'000;
constexpr std::size_t learned_max = 64;  // heads that others told of
constexpr auto accepted_within = std::chrono::seconds{5};

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// A refusal with the exit code that the command shall end with.
struct refused {
  int code;
  std::string why;
};
constexpr int failed = 1, usage = 2, invalid = 3, nobody = 5, unproved = 6;

// All waits that a lease is made of, in the proportions of the standard ones.
protocol_times times_for(duration lease) {
  protocol_times t;
  t.progress = mul_div(lease.count(), t.progress.count(), t.lease.count()) * duration{1};
  t.acknowledge = std::min(t.acknowledge, lease);
  t.resend = std::min(t.resend, lease);
  t.rest = std::min(t.rest, lease);
  t.lease = lease;
  return t;
}

std::string text_of(ending e) {
  switch (e) {
    case ending::completed: return "done";
    case ending::nobody_found: return "nobody who is trusted does this";
    case ending::no_result: return "no believable result in time";
    case ending::refused: return "this node holds as many jobs as it may";
    case ending::cancelled: return "cancelled";
  }
  return {};
}

// Why a job ended so, with what was demanded where that may be the cause.
std::string detail_of(ending e, demands const& d) {
  if (e != ending::nobody_found || !d) return text_of(e);
  return text_of(e) + " and meets what is demanded: " + words_of(d);
}

// What a request with numbers beyond all sense gets.
constexpr std::int64_t ms_max = std::int64_t{366} * 24 * 3600 * 1000;
std::int64_t ms_of(json const& q, char const* name, std::int64_t otherwise) {
  auto const ms = q.value(name, otherwise);
  if (ms >= 1 && ms <= ms_max) return ms;
  throw refused{usage, std::string{name} + ": " + std::to_string(ms) + " is not allowed; allowed: "
                                           "1 ms to a year"};
}

// "render.movie" is "render.movie/1".
std::pair<std::string, unsigned> service_named(std::string const& text) {
  auto const slash = text.rfind('/');
  auto const letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '-';
  };
  auto const end = text.begin() + static_cast<std::ptrdiff_t>(std::min(slash, text.size()));
  if (text.empty() || text.size() > 200 || !std::all_of(text.begin(), end, letter)) {
    throw refused{usage, "\"" + text + "\" is no service; allowed: letters, digits, _ . and -, "
                         "then /MAJOR or nothing"};
  }
  if (slash == std::string::npos) return {text, 1};
  auto const digits = text.substr(slash + 1);
  bool const number = !digits.empty() && digits.size() < 5 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  if (!number || slash == 0) {
    throw refused{usage, "\"" + text + "\" is no service; allowed: NAME or NAME/MAJOR"};
  }
  return {text.substr(0, slash), static_cast<unsigned>(std::stoul(digits))};
}
std::string full_name(net::manifest const& m) { return m.name + "/" + std::to_string(m.major); }

// A folder that is gone at the end of its scope.
class scratch {
 public:
  explicit scratch(std::string path) : path_{std::move(path)} { fs::create_directories(path_); }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string at(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class on_network final : public daemon, private shelf {
 public:
  on_network(places where, config what, std::function<void()> stop_asked)
      : where_{std::move(where)}, what_{std::move(what)}, stop_asked_{std::move(stop_asked)} {}
  ~on_network() override { stop(); }

  [[nodiscard]] result<bool> open() {
    auto me = net::identity::load_or_make(where_.identity);
    if (!me) return error{me.why()};
    identity_ = me.value();
    auto opened = state::open(where_.state);
    if (!opened) return error{opened.why()};
    state_ = std::move(opened.value());
    std::error_code ignored;
    net::end_orphans(where_.scratch);  // of a life that ended
    fs::remove_all(where_.scratch, ignored);
    fs::create_directories(where_.scratch, ignored);
    auto const distances = fs::path{where_.config}.parent_path() / "links.toml";
    auto links = imitated_links::of(distances.string());
    if (!links) return error{links.why()};
    links_ = std::move(links.value());
    if (auto const loaded = load_services(); !loaded) return loaded;
    if (auto const up = bring_up(); !up) return up;
    take_up_jobs();
    watch_ = std::thread{[this] { keep_watch(); }};
    return true;
  }
  void stop() override {
    {
      std::lock_guard const lock{mutex_};
      if (std::exchange(stopping_, true)) return;
      changed_.notify_all();
    }
    if (watch_.joinable()) watch_.join();
    // Tasks under way are given to others: their steps end, and no other begins.
    going_down_ = true;
    net::end_orphans(where_.scratch);
    std::lock_guard const one{asking_};
    if (here_) here_->stop();
  }
  [[nodiscard]] std::string contact() override { return contact_text(here_->contact()); }

  [[nodiscard]] std::string answer(std::string const& request) override {
    json out;
    try {
      auto const asked = json::parse(request);
      std::lock_guard const one{asking_};
      if (!here_->running()) throw refused{nobody, "the node is going down; its log says why"};
      out = perform(asked.at("verb").get<std::string>(), asked);
      out["ok"] = true;
    } catch (refused const& r) {
      out = {{"ok", false}, {"code", r.code}, {"error", r.why}};
    } catch (std::exception const& e) {
      out = {{"ok", false}, {"code", usage}, {"error", std::string{"request: "} + e.what()}};
    }
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  json perform(std::string const& verb, json const& q) {
    if (verb == "status") return status();
    if (verb == "down") {
      stop_asked_();
      return json::object();
    }
    if (verb == "run") return submit_job(q);
    if (verb == "ls") return jobs();
    if (verb == "show") return row_json(job_of(q));
    if (verb == "logs") return logs(q);
    if (verb == "cancel") return cancel(q);
    if (verb == "result") return output_of(q);
    if (verb == "put") return put(q);
    if (verb == "drop") return drop(q);
    if (verb == "peer ls") return peers();
    if (verb == "peer add") return add_peer(q);
    if (verb == "peer rm") return remove_peer(q);
    if (verb == "peer invite") return {{"contact", contact()}};
    if (verb == "peer ping") return ping(q);
    if (verb == "ring ls") return ring();
    if (verb == "ring add") return add_to_ring(q);
    if (verb == "ring remove") return remove_from_ring(q);
    if (verb == "service ls") return services();
    if (verb == "service add") return add_service(q);
    if (verb == "service rm") return remove_service(q);
    if (verb == "events") return events_.after(q.value("since", std::uint64_t{0}));
    if (verb == "receipts") {
      auto const from = q.value("from", std::uint64_t{0});
      return here_->inspect([&](net::head<whole_hydra>& h) { return receipts_of(h, from); });
    }
    if (verb == "link cut") return cut_link(q);
    throw refused{usage, "\"" + verb + "\" is no verb of a node"};
  }
  static void check(result<bool> const& r) {
    if (!r) throw refused{failed, r.why()};
  }

  // What cannot be written is not promised: the node goes down, and says why.
  void must(result<bool> const& r) {
    if (r) return;
    std::fprintf(stderr, "hydra: %s\n", r.why().c_str());
    stop_asked_();
  }
  void say(std::int64_t job, std::string const& text) { must(state_->note(job, text)); }

  // ---- the machine -----------------------------------------------------------------------------

  [[nodiscard]] result<bool> bring_up() {
    net::runtime_settings s;
    s.identity = identity_;
    s.network = what_.network;
    s.address = what_.address;
    s.beyond_loopback = what_.beyond_loopback;
    auto const kept = state_->value("port");
    s.port = what_.port != 0 || kept.empty() ? what_.port
                                             : static_cast<std::uint16_t>(std::stoul(kept));
    s.records = &state_->records();
    s.objects = where_.objects;
    s.limits.objects.bytes_max = what_.objects_max;
    s.between = links_.get();
    s.threads = cores();
    for (auto const& [name, m] : services_) {
      s.minors[m->service()] = s.minors[step_of(*m, "part")] = minor_of(*m);
    }
    here_ = std::make_unique<machine>(s);
    here_->on_build([this](net::head<whole_hydra>& h) { return make(h); });
    here_->on_emit([this](auto const& fact) {
      events_.add(event_of(*head_, fact));
      told(fact);
    });
    tasks_ = tasks::on(*this, {where_.scratch, jail(),
                               [this](task const& t) { return t.of.owner != self_; },
                               [this](std::string const& text) { say(0, text); }});
    for (auto const& [name, m] : services_) offer(m);
    kept_ = state_->records_of(kept_job::id.packed());
    auto port = here_->start();
    if (!port && what_.port == 0 && s.port != 0) {  // somebody else has the port of before
      s.port = 0;
      must(state_->set_value("port", "0"));
      return bring_up();
    }
    if (!port) return error{port.why()};
    self_ = here_->inspect([](net::head<whole_hydra>& h) { return h.about(h.self()).principal; });
    for (auto const& hex : state_->kept()) {
      if (auto const id = net::object_of_hex(hex)) pin(*id);
    }
    return state_->set_value("port", std::to_string(port.value()));
  }
  using manifest_ptr = std::shared_ptr<net::manifest const>;
  void offer(manifest_ptr const& m) {
    using step = tasks::made (tasks::*)(net::manifest const&, task const&);
    auto const native = [&](char const* name, step does) {
      auto const what = *name == 0 ? m->service() : step_of(*m, name);
      here_->offer(what, [this, m, name, does](task const& t) {
        watched_task watch{events_, m->name + name_of_step(name, m->major), t.of.nonce};
        return watch.made(((*tasks_).*does)(*m, t));
      });
    };
    if (!divides(*m)) return native("", &tasks::run);
    native("split", &tasks::split);
    native("part", &tasks::part);
    native("join", &tasks::join);
  }
  [[nodiscard]] static std::string name_of_step(std::string const& step, unsigned major) {
    return (step.empty() ? "" : "." + step) + "/" + std::to_string(major);
  }
  [[nodiscard]] static key step_of(net::manifest const& m, char const* step) {
    return service_key(m.name + "." + step, m.major);
  }
  // What a record has room for.
  [[nodiscard]] static std::uint16_t minor_of(net::manifest const& m) {
    return static_cast<std::uint16_t>(std::min(m.minor, 0xffffU));
  }
  // So many services of a head are known to its Hydra, and so many of them divided.
  [[nodiscard]] bool room_for(net::manifest const& more) const {
    std::size_t offers = divides(more) ? 2 : 1;
    std::size_t divided = divides(more) ? 1 : 0;
    for (auto const& [name, m] : services_) {
      if (name == full_name(more)) continue;
      offers += divides(*m) ? 2 : 1;
      divided += divides(*m) ? 1 : 0;
    }
    return offers <= decltype(hydra_settings::offers)::capacity() &&
           divided <= decltype(hydra_settings::compositions)::capacity();
  }
  // What changed is known to the next life of the head; tasks under way are given to others.
  void again() {
    here_->stop();
    {
      std::lock_guard const lock{mutex_};
      ended_.clear();  // pins are of a life
    }
    auto const up = bring_up();
    must(up);
    if (!up) throw refused{failed, "the node could not be started again: " + up.why()};
    take_up_jobs();
  }
  [[nodiscard]] std::size_t cores() const {
    if (what_.cores != 0) return static_cast<std::size_t>(what_.cores);
    return std::max(1U, std::thread::hardware_concurrency());
  }
  [[nodiscard]] whole_hydra make(net::head<whole_hydra>& h) {
    head_ = &h;  // for facts, which it emits itself
    hydra_settings s;
    s.network = what_.network;
    s.times = times_for(what_.lease);
    s.power.cores = static_cast<std::uint16_t>(cores());
    s.receipts = receipts_kept;
    s.under = what_.under;
    for (auto const& [name, m] : services_) {
      auto const whole = h.know<service>(m->service());
      s.offers.try_push_back(whole);
      if (!divides(*m)) continue;
      composition c{whole, h.know<service>(step_of(*m, "part")),
                    h.know<service>(step_of(*m, "join")), parts_expected, join_share,
                    h.know<service>(step_of(*m, "split")), split_share};
      s.offers.try_push_back(c.part);
      s.compositions.try_push_back(c);
    }
    for (auto const& p : known_peers()) {
      auto const c = contact_of_text("hydra:" + p.key + "@" + p.address);
      if (!c || s.contacts.full()) continue;
      if (auto const who = h.know(c.value())) s.contacts.try_push_back(who);
    }
    trusts::rings_config trust;
    if (!what_.strangers) trust.prior[3] = hydra::trust{};  // below the floor: not admitted
    bounded_vector<principal, trusts::friends_max> friends;
    for (auto const& m : state_->ring()) {
      if (auto const k = key_of_hex(m.owner)) friends.try_push_back(h.know<principal>(*k));
    }
    proximity::geographic_settings place;
    place.own = what_.place;
    place.disclose = what_.disclose_place;
    verify::repeat checks;
    checks.rate[1] = checks.rate[2] = what_.check_friends;
    return whole_hydra{s, trusts::rings{trust, friends}, objects{what_.objects_max},
                   proximity::geographic{place}, checks};
  }
  // Those that the user named, then those that others told of, who was reached last first.
  [[nodiscard]] std::vector<known_peer> known_peers() {
    auto all = state_->peers();
    std::sort(all.begin(), all.end(), [](known_peer const& a, known_peer const& b) {
      if (a.name.empty() != b.name.empty()) return b.name.empty();
      return a.last_contact_ms > b.last_contact_ms;
    });
    return all;
  }
  // Who was reached, and what the disk says; now and then.
  void keep_watch() {
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, std::chrono::seconds{10}, [this] { return stopping_; })) {
      lock.unlock();
      note_peers();
      lock.lock();
    }
  }
  void note_peers() {
    std::lock_guard const one{asking_};
    if (!here_->running()) return;
    let_go();
    for (auto p : state_->peers()) {
      auto const seen = look_at(p);
      if (!seen.connected) continue;
      p.owner = seen.owner;
      p.last_contact_ms = now_ms();
      must(state_->put(p));
    }
    learn_peers();
  }
  // A node whose friends are gone for good finds back by those whom it met through them.
  void learn_peers() {
    auto const met = here_->inspect([](net::head<whole_hydra>& h) {
      std::vector<wire::contact> out;
      for (auto who : h.connected(learned_max)) out.push_back(h.contact_of(who));
      return out;
    });
    auto const known = known_peers();
    for (auto const& c : met) {
      auto const text = contact_text(c);
      auto const hex = net::hex_of(object_id{c.key});
      bool const there = std::any_of(known.begin(), known.end(),
                                     [&](known_peer const& p) { return p.key == hex; });
      if (there || !contact_of_text(text)) continue;
      must(state_->put(known_peer{hex, "", "", text.substr(text.rfind('@') + 1), now_ms()}));
    }
    auto const all = known_peers();
    auto const learned = std::find_if(all.begin(), all.end(),
                                      [](known_peer const& p) { return p.name.empty(); });
    for (auto it = learned; it != all.end(); ++it) {
      if (it - learned >= static_cast<std::ptrdiff_t>(learned_max)) {
        must(state_->remove_peer(it->key));
      }
    }
  }
  struct sighting {
    bool connected = false;
    std::string owner;
    double rtt_ms = 0;
  };
  sighting look_at(known_peer const& p) {
    auto const c = contact_of_text("hydra:" + p.key + "@" + p.address);
    if (!c) return {};
    return here_->inspect([&](net::head<whole_hydra>& h) -> sighting {
      auto const who = h.know(c.value());
      if (!who) return {};
      auto const a = h.about(who);
      auto const owner = a.principal ? net::hex_of(object_id{h.about(a.principal)}) : std::string{};
      return {h.connected(who), owner, seconds(a.rtt) * 1e3};
    });
  }

  // ---- what the Hydra tells --------------------------------------------------------------------

  void told(job_accepted const& f) { move(f.which, "accepted", ""); }
  void told(job_done const& f) {
    auto row = state_->job(static_cast<std::int64_t>(f.which.nonce));
    if (!row || row->ended_ms != 0) return;
    bool const good = f.how == ending::completed;
    row->state = good ? "done" : f.how == ending::cancelled ? "cancelled" : "failed";
    row->detail =
        good || f.how == ending::cancelled ? "" : detail_of(f.how, row->of_provider);
    row->ended_ms = now_ms();
    if (good) {
      auto const made = object_made(f.output, {}, 1, {});
      row->output = net::hex_of(made.id);
      row->output_bytes = static_cast<std::int64_t>(made.bytes);
      auto const said = read_bundle(net::object_files{where_.objects}.path_of(made.id));
      if (auto const fault = said ? fault_of(said.value()) : std::nullopt) {
        row->state = "failed";
        row->detail = "it cannot be done: " + *fault;
      }
    }
    must(state_->put(*row));
    say(row->nonce, row->state + (row->detail.empty() ? "" : ": " + row->detail) + ", " +
                                 std::to_string(f.placements) + " leases, " +
                                 std::to_string(f.replaced) + " replaced, " +
                                 std::to_string(f.results) + " results");
    std::lock_guard const lock{mutex_};
    if (auto const ours = own_object(*row)) ended_.push_back(*ours);
    changed_.notify_all();
  }
  void told(judged const& f) {
    say(static_cast<std::int64_t>(f.which.nonce),
                 f.what == outcome::done     ? "a result was checked and believed"
                 : f.what == outcome::forged ? "a result was found to be forged"
                                             : "a task was abandoned");
  }
  void told(placed const& f) {
    if (!(f.root == f.which)) return;
    say(static_cast<std::int64_t>(f.which.nonce),
                 f.replaces ? "given to another in place of one that fell silent or refused"
                            : "given to a head");
  }
  void told(part_done const& f) { tasks_->came(f); }
  template <class F>
  void told(F const&) {}
  void move(job_id which, char const* to, std::string const& detail) {
    auto row = state_->job(static_cast<std::int64_t>(which.nonce));
    if (!row || row->ended_ms != 0) return;
    row->state = to;
    row->detail = detail;
    must(state_->put(*row));
    say(row->nonce, to);
    std::lock_guard const lock{mutex_};
    changed_.notify_all();
  }

  // ---- jobs ------------------------------------------------------------------------------------

  json submit_job(json const& q) {
    auto const [name, major] = service_named(q.at("service").get<std::string>());
    auto const patience_ms = ms_of(q, "patience_ms", patience_standard_ms);
    // Nobody bids for what cannot be done in time: who has little patience expects little work.
    auto const work_ms = ms_of(q, "work_ms", std::clamp<std::int64_t>(patience_ms / 4, 1,
                                                                      work_standard_ms));
    auto const needs = demands_from(q);
    let_go();
    bundle in;
    auto const params = q.value("params", json::object());
    for (auto const& [key, value] : params.items()) {
      in.parameters[key] = value.get<std::string>();
    }
    std::optional<object_name> object;  // lies elsewhere, and stays there
    for (auto const& each : q.value("files", json::array())) {
      auto const path = each.get<std::string>();
      if (!path.starts_with("object:")) {
        in.files.push_back({fs::path{path}.filename().string(), path, 0});
        continue;
      }
      auto const named = object_of_text(path);
      if (!named) throw refused{usage, named.why()};
      if (object) throw refused{usage, path + ": one object is allowed, and files beside it"};
      object = named.value();
    }
    auto const nonce = state_->next_nonce();
    if (!nonce) throw refused{failed, nonce.why()};
    scratch const here{where_.scratch + "/in-" + std::to_string(nonce.value())};
    auto const packed = pack(in, here.at("input"));
    if (!packed) {  // what was given, or where it is written to
      bool const ours = packed.why().starts_with(here.at("input"));
      throw refused{ours ? failed : usage, packed.why()};
    }
    auto const id = take_in(here.at("input"));
    if (!id) throw refused{failed, id.why()};
    job_row row;
    row.nonce = nonce.value();
    row.service = name + "/" + std::to_string(major);
    row.state = "submitted";
    row.input = net::hex_of(id.value());
    row.input_bytes = static_cast<std::int64_t>(packed.value());
    if (object) {
      row.how = std::exchange(row.input, net::hex_of(object->id));
      row.how_bytes = std::exchange(row.input_bytes, static_cast<std::int64_t>(object->bytes));
      row.holder = object->holder;
    }
    row.output_bytes_max = static_cast<std::int64_t>(std::clamp(
        8 * static_cast<std::uint64_t>(row.input_bytes), output_least, output_most));
    row.submitted_ms = now_ms();
    row.work_ms = work_ms;
    row.patience_ms = patience_ms;
    row.of_provider = needs;
    check(state_->put(row));
    say(row.nonce, "submitted: " + row.service);
    give(row);
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, accepted_within, [&] {
      return stopping_ || state_->job(row.nonce).value_or(row).state != "submitted";
    });
    return row_json(state_->job(row.nonce).value_or(row));
  }
  // Near is near to this node, wherever it will be.
  [[nodiscard]] demands demands_from(json const& q) const {
    auto said = demands_of(q.value("demands", json::object()));
    if (!said) throw refused{usage, said.why()};
    auto needs = said.value();
    if (needs.within_km == 0) return needs;
    if (!what_.place.said()) {
      throw refused{usage, "within_km: " + std::to_string(needs.within_km) +
                               " is not allowed; this node does not know where it is: write "
                               "latitude and longitude under [place] in " + where_.config};
    }
    needs.near = what_.place;
    return needs;
  }
  [[nodiscard]] result<object_id> take_in(std::string const& path) override {
    return here_->objects([&](net::object_files& f) { return f.import(path); });
  }
  void pin(object_id what) {
    here_->objects([&](net::object_files& f) {
      f.pin(what);
      return true;
    });
  }
  // Tells the Hydra; the number makes it idempotent.
  void give(job_row const& row) {
    auto const [name, major] = service_named(row.service);
    auto const input = net::object_of_hex(row.input);
    if (!input) return;
    pin(own_object(row).value_or(*input));
    auto const left_ms = row.submitted_ms + row.patience_ms - now_ms();
    job j;
    j.id = {self_, static_cast<std::uint64_t>(row.nonce)};
    j.what = here_->know_service(service_key(name, major));
    j.work = std::chrono::milliseconds{row.work_ms};
    j.patience = std::chrono::milliseconds{std::max<std::int64_t>(left_ms, 1)};
    auto const bytes = static_cast<std::uint64_t>(row.input_bytes);
    j.data.input = {*input, bytes, holder_of(row)};
    j.data.which = {0, bytes};
    if (auto const how = net::object_of_hex(row.how)) {
      j.data.how = {*how, static_cast<std::uint64_t>(row.how_bytes), peer{0}};
    }
    j.data.output_bytes = static_cast<std::uint64_t>(row.output_bytes_max);
    j.of_provider = row.of_provider;
    here_->tell(submit{j});
  }
  // What this node has of a job's input.
  [[nodiscard]] static std::optional<object_id> own_object(job_row const& row) {
    return net::object_of_hex(row.how.empty() ? row.input : row.how);
  }
  [[nodiscard]] peer holder_of(job_row const& row) {
    auto const c = row.holder.empty() ? error{""} : contact_of_text(row.holder);
    return !c || c.value().key == identity_->id() ? peer{0} : here_->know(c.value());
  }
  // The inputs of jobs that ended may be given up for others.
  void let_go() {
    std::vector<object_id> those;
    {
      std::lock_guard const lock{mutex_};
      those.swap(ended_);
    }
    if (those.empty()) return;
    here_->objects([&](net::object_files& f) {
      for (auto const& id : those) f.unpin(id);
      return true;
    });
  }
  // What a life that ended had not brought to its Hydra, or had not heard the end of. What the
  // Hydra had kept it takes up itself, and may have ended by now: told twice it would do it twice.
  void take_up_jobs() {
    for (auto const& row : state_->jobs(10'000)) {
      if (row.ended_ms != 0) continue;
      say(row.nonce, "taken up again");
      if (std::find(kept_.begin(), kept_.end(), row.nonce) == kept_.end()) {
        give(row);
      } else if (auto const ours = own_object(row)) {
        pin(*ours);
      }
    }
  }
  [[nodiscard]] job_row job_of(json const& q) {
    auto const nonce = q.at("job").get<std::int64_t>();
    auto row = state_->job(nonce);
    if (!row) throw refused{usage, "there is no job " + std::to_string(nonce) + "; see hydra ls"};
    return *row;
  }
  static json row_json(job_row const& r) {
    return {{"job", r.nonce},          {"service", r.service},
            {"state", r.state},        {"detail", r.detail},
            {"input", r.input},        {"input_bytes", r.input_bytes},
            {"output", r.output},      {"output_bytes", r.output_bytes},
            {"submitted_ms", r.submitted_ms}, {"ended_ms", r.ended_ms},
            {"demands", json_of(r.of_provider)},
            {"code", r.ended_ms == 0 || r.state == "done"                      ? 0
                     : r.detail.starts_with(text_of(ending::nobody_found)) ? nobody
                                                                            : failed}};
  }
  json jobs() {
    auto all = json::array();
    for (auto const& row : state_->jobs()) all.push_back(row_json(row));
    return {{"jobs", all}};
  }
  json logs(json const& q) {
    auto all = json::array();
    for (auto const& n : state_->notes(q.value("job", std::int64_t{0}))) {
      all.push_back({{"at_ms", n.at_ms}, {"text", n.text}});
    }
    return {{"notes", all}};
  }
  json cancel(json const& q) {
    auto const row = job_of(q);
    if (row.ended_ms == 0) {
      here_->tell(withdraw_job{{self_, static_cast<std::uint64_t>(row.nonce)}});
    }
    return row_json(row);
  }
  json output_of(json const& q) {
    auto const row = job_of(q);
    if (row.state != "done") {
      throw refused{row.ended_ms != 0 ? failed : nobody,
                    "job " + std::to_string(row.nonce) + " is " + row.state +
                        (row.detail.empty() ? "" : ": " + row.detail)};
    }
    auto const id = net::object_of_hex(row.output);
    auto const path = id ? whole(*id) : error{row.output + ": is no object"};
    if (!path) throw refused{unproved, "the result of job " + std::to_string(row.nonce) + ": " +
                                           path.why()};
    auto out = row_json(row);
    out["path"] = path.value();
    return out;
  }
  [[nodiscard]] result<std::string> whole(object_id id) override {
    return here_->objects([&](net::object_files& f) -> result<std::string> {
      if (!f.holds(id)) {
        return error{net::hex_of(id) + ": is not here; it was damaged, or given up for others "
                     "(objects.quota)"};
      }
      auto const good = f.verify(id);
      return good ? result<std::string>{f.path_of(id)} : error{good.why()};
    });
  }
  [[nodiscard]] result<bool> copy_out(object_id id, byte_range which,
                                      std::string const& to) override {
    return here_->objects([&](net::object_files& f) { return f.copy_out(id, which, to); });
  }
  // An object for others, until it is dropped.
  json put(json const& q) {
    auto const path = q.at("file").get<std::string>();
    std::error_code wrong;
    if (fs::file_size(path, wrong) == 0 && !wrong) {
      throw refused{usage, path + ": has no bytes; an object has at least one"};
    }
    auto const id = take_in(path);
    if (!id) throw refused{failed, id.why()};
    auto const hex = net::hex_of(id.value());
    check(state_->keep(hex));
    pin(id.value());
    auto const bytes = here_->objects([&](net::object_files& f) {
      auto const* e = f.find(id.value());
      return e == nullptr ? std::uint64_t{0} : e->length;
    });
    auto const name = object_text({id.value(), bytes, contact()});
    return {{"object", name}, {"hash", hex}, {"bytes", bytes}};
  }
  json drop(json const& q) {
    auto const text = q.at("object").get<std::string>();
    auto const named = object_of_text(text);
    auto const id = named ? std::optional{named.value().id} : net::object_of_hex(text);
    if (!id) throw refused{usage, named.why()};
    auto const hex = net::hex_of(*id);
    auto const all = state_->kept();
    if (std::find(all.begin(), all.end(), hex) == all.end()) {
      throw refused{usage, hex + " was not put here"};
    }
    check(state_->drop(hex));
    here_->objects([&](net::object_files& f) {
      f.unpin(*id);
      return f.remove(*id);
    });
    return {{"hash", hex}};
  }
  [[nodiscard]] net::jail_policy jail() const {
    net::jail_policy p;
    p.allow_without_jail = what_.allow_without_jail;
    p.stop = &going_down_;
    p.cgroup = what_.cgroup;
    return p;
  }

  // ---- peers, rings, services ------------------------------------------------------------------

  json status() {
    auto const c = here_->counters();
    std::size_t running = 0;
    for (auto const& row : state_->jobs()) running += row.ended_ms == 0 ? 1U : 0U;
    auto const [held, bytes] = here_->objects([](net::object_files& f) {
      return std::pair{f.count(), f.bytes()};
    });
    auto const [sessions, known, failure] = here_->inspect([](net::head<whole_hydra>& h) {
      return std::tuple{h.sessions(), h.known_heads(), h.failure()};
    });
    return {{"contact", contact()},      {"connections", sessions}, {"heads_known", known},
            {"jobs_running", running},   {"services", services_.size()},
            {"objects", held},           {"object_bytes", bytes},
            {"receipts", state_->records_of(receipt::id.packed()).size()},
            {"messages_sent", c.sent},   {"messages_received", c.received},
            {"bytes_out", c.bytes_out},  {"bytes_in", c.bytes_in},
            {"object_bytes_out", c.object_bytes_out},
            {"object_bytes_in", c.object_bytes_in},
            {"failure", failure}};
  }
  // Where there is a links.toml: nothing of one head, or of any, arrives for a while.
  json cut_link(json const& q) {
    if (!links_) throw refused{usage, "this node has no links.toml: its links are real"};
    auto const from = q.value("from", std::string{});
    auto const who = key_of_hex(from);
    if (!from.empty() && !who) {
      throw refused{usage, "from: \"" + from + "\" is no key; allowed: 64 hex digits, or nothing"};
    }
    auto const ms = ms_of(q, "ms", 1000);
    links_->cut(who.value_or(key{}), std::chrono::milliseconds{ms});
    return {{"ms", ms}};
  }
  json peers() {
    auto all = json::array();
    for (auto const& p : known_peers()) {
      auto const s = look_at(p);
      all.push_back({{"key", p.key}, {"name", p.name}, {"address", p.address},
                     {"owner", s.owner.empty() ? p.owner : s.owner},
                     {"connected", s.connected}, {"rtt_ms", s.rtt_ms},
                     {"last_contact_ms", s.connected ? now_ms() : p.last_contact_ms}});
    }
    return {{"peers", all}};
  }
  json add_peer(json const& q) {
    auto const text = q.at("contact").get<std::string>();
    auto const c = contact_of_text(text);
    if (!c) throw refused{usage, c.why()};
    known_peer p;
    p.key = net::hex_of(object_id{c.value().key});
    p.address = text.substr(text.rfind('@') + 1);
    p.name = q.value("name", p.key.substr(0, 8));
    if (p.key == net::hex_of(object_id{identity_->id()})) throw refused{usage, "that is this node"};
    check(state_->put(p));
    again();
    return {{"key", p.key}, {"name", p.name}};
  }
  [[nodiscard]] known_peer peer_of(json const& q) {
    auto const name = q.at("peer").get<std::string>();
    for (auto const& p : state_->peers()) {
      if (!name.empty() && (p.name == name || p.key == name)) return p;
    }
    throw refused{usage, "there is no peer \"" + name + "\"; see hydra peer ls"};
  }
  json remove_peer(json const& q) {
    auto const p = peer_of(q);
    check(state_->remove_peer(p.key));
    again();
    return {{"key", p.key}};
  }
  json ping(json const& q) {
    auto const p = peer_of(q);
    auto const s = look_at(p);
    if (!s.connected) throw refused{nobody, p.name + " is not connected"};
    return {{"peer", p.name}, {"rtt_ms", s.rtt_ms}};
  }
  json ring() {
    auto all = json::array();
    for (auto const& m : state_->ring()) all.push_back({{"owner", m.owner}, {"name", m.name}});
    return {{"ring", all}};
  }
  // By the key of a Hydra, or by the name of a peer, whose Hydra is meant.
  json add_to_ring(json const& q) {
    auto const who = q.at("who").get<std::string>();
    ring_member m{who, q.value("name", who.substr(0, 8))};
    if (!key_of_hex(who)) {
      auto const p = peer_of({{"peer", who}});
      auto const s = look_at(p);
      m = {!s.owner.empty() ? s.owner : !p.owner.empty() ? p.owner : p.key, p.name};
    }
    if (state_->ring().size() >= trusts::friends_max) {
      throw refused{usage, "the ring is full; allowed: " + std::to_string(trusts::friends_max)};
    }
    check(state_->put(m));
    again();
    return {{"owner", m.owner}, {"name", m.name}};
  }
  json remove_from_ring(json const& q) {
    auto const who = q.at("who").get<std::string>();
    for (auto const& m : state_->ring()) {
      if (m.owner != who && m.name != who) continue;
      check(state_->remove_member(m.owner));
      again();
      return {{"owner", m.owner}};
    }
    throw refused{usage, "\"" + who + "\" is not in the ring; see hydra ring ls"};
  }
  json services() {
    auto all = json::array();
    for (auto const& [name, m] : services_) {
      all.push_back({{"name", name}, {"purpose", m->purpose}});
    }
    return {{"services", all}};
  }
  json add_service(json const& q) {
    auto const path = q.at("manifest").get<std::string>();
    auto m = net::load_manifest(path);
    if (!m) throw refused{invalid, m.why()};
    auto const name = full_name(m.value());
    if (!room_for(m.value())) {
      throw refused{usage, name + ": a node performs at most 8 services, of which 3 are divided; "
                           "one that is divided counts twice"};
    }
    check(state_->put(added_service{name, path}));
    services_[name] = std::make_shared<net::manifest const>(std::move(m.value()));
    again();
    return {{"name", name}};
  }
  json remove_service(json const& q) {
    auto const [name, major] = service_named(q.at("service").get<std::string>());
    auto const full = name + "/" + std::to_string(major);
    if (services_.erase(full) == 0) throw refused{usage, full + " is no service of this node"};
    check(state_->remove_service(full));
    again();
    return {{"name", full}};
  }
  [[nodiscard]] result<bool> load_services() {
    for (auto const& s : state_->services()) {
      auto m = net::load_manifest(s.path);
      if (!m) {
        say(0, "service " + s.name + " is left out: " + m.why());
        continue;
      }
      services_[s.name] = std::make_shared<net::manifest const>(std::move(m.value()));
    }
    return true;
  }

  places where_;
  config what_;
  std::function<void()> stop_asked_;
  std::optional<net::identity> identity_;
  std::unique_ptr<state> state_;
  std::map<std::string, manifest_ptr> services_;
  event_ring events_;
  std::unique_ptr<imitated_links> links_;  // none: they are as they are
  std::unique_ptr<machine> here_;
  net::head<whole_hydra>* head_ = nullptr;  // of this life, in its io thread
  principal self_{};
  std::unique_ptr<tasks> tasks_;
  std::atomic<bool> going_down_ = false;
  std::thread watch_;
  std::mutex asking_;  // who speaks to the machine: not while it is started again
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<object_id> ended_;  // inputs
  std::vector<std::int64_t> kept_;  // jobs that the Hydra takes up itself in this life
  bool stopping_ = false;
};

}  // namespace

result<std::unique_ptr<daemon>> daemon::start(places const& where, config const& what,
                                              std::function<void()> stop_asked) {
  auto made = std::make_unique<on_network>(where, what, std::move(stop_asked));
  auto const open = made->open();
  if (!open) return error{open.why()};
  return std::unique_ptr<daemon>{std::move(made)};
}

}  // namespace hydra::node
