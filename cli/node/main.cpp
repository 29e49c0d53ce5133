// hydra-node: the verbs of the network. `up` is the node; the others ask it over its socket.
#include "bundle.hpp"
#include "config.hpp"
#include "control.hpp"
#include "daemon.hpp"
#include "demands.hpp"
#include "demo.hpp"
#include "doctor.hpp"
#include "peers.hpp"
#include "places.hpp"
#include "toml_file.hpp"

#include "../network_verbs.hpp"

#include <hydra/net/identity.hpp>
#include <hydra/net/object_files.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace hydra::node {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using cli::network_arguments;

enum code : int {
  ok = 0, failed = 1, usage = 2, invalid = 3, nobody = 5, not_allowed = 7, timed_out = 124
};

// Ends the command with an exit code and a sentence.
struct ended {
  int with;
  std::string why;
};

template <class T>
T must(result<T> r, int otherwise = failed) {
  if (!r) throw ended{otherwise, r.why()};
  return std::move(r.value());
}

std::int64_t ms_of(char const* flag, std::string const& text) {
  duration d{};
  if (auto const wrong = net::parse_time(text, d); !wrong.empty()) {
    throw ended{usage, std::string{flag} + ": " + wrong};
  }
  return d.count() / 1'000'000;
}

// Without what a terminal would obey: names and words may be those of others.
std::string plain(std::string text) {
  for (auto& c : text) {
    bool const line = c == '\n' || c == '\t';
    if (!line && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) c = '?';
  }
  return text;
}

std::string when(std::int64_t ms) {
  if (ms == 0) return "never";
  auto const t = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&t, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// ---- the node ---------------------------------------------------------------------------------

// The write end of the pipe of `up -d`, through which the parent hears that the node is up.
void say_up(int to, std::string const& text) {
  if (to < 0) return;
  static_cast<void>(::write(to, text.data(), text.size()));
  ::close(to);
}

int serve(places const& where, int tell, bool quiet) {
  ::umask(0077);  // what is here is nobody else's, wherever the folder lies
  // Signals are read, not handled: before any thread is there that could take them.
  sigset_t ends;
  sigemptyset(&ends);
  for (int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&ends, s);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  auto const what = must(load_config(where.config), invalid);
  ::setenv("TMPDIR", where.scratch.c_str(), 1);  // what a life leaves behind the next one clears
  control_server control;
  auto const stop = [] { ::kill(::getpid(), SIGUSR1); };
  std::unique_ptr<daemon> node;
  // The socket first: it says whether another node runs here.
  std::atomic<daemon*> up = nullptr;
  must(control.start(where.control, [&](std::string const& q) {
    auto* const it = up.load();
    return it != nullptr ? it->answer(q)
                         : std::string{R"({"ok":false,"code":5,"error":"the node is starting"})"};
  }));
  node = must(daemon::start(where, what, stop));
  up = node.get();
  auto const contact = node->contact();
  if (!quiet) fmt::print("hydra: up, {}\n", contact);
  std::fflush(stdout);
  say_up(tell, "up " + contact + "\n");
  int got = 0;
  while (sigwait(&ends, &got) != 0) {}
  node->stop();    // it says that it goes down to whoever asks meanwhile
  control.stop();  // then another may have its place
  if (!quiet) fmt::print("hydra: down\n");
  return ok;
}

int up(network_arguments const& a, places const& where) {
  if (!a.detach) return serve(where, -1, a.quiet);
  int pipe[2];
  if (::pipe(pipe) != 0) throw ended{failed, "no pipe"};
  auto const child = ::fork();
  if (child < 0) throw ended{failed, "cannot fork"};
  if (child != 0) {
    ::close(pipe[1]);
    std::string said;
    char c = 0;
    while (::read(pipe[0], &c, 1) == 1) said += c;
    if (said.starts_with("up ")) {
      if (!a.quiet) fmt::print("hydra: {}log: {}\n", said, where.log);
      return ok;
    }
    int how = 0;
    bool const told = ::waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) != 0;
    throw ended{told ? WEXITSTATUS(how) : failed,
                said.empty() ? "the node ended; see " + where.log : said};
  }
  ::close(pipe[0]);
  ::setsid();
  int const log = ::open(where.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, 0);
  if (log >= 0) {
    ::dup2(log, 1);
    ::dup2(log, 2);
  }
  ::fcntl(pipe[1], F_SETFD, FD_CLOEXEC);
  try {
    return serve(where, pipe[1], false);
  } catch (ended const& e) {
    say_up(pipe[1], e.why);
    throw;
  }
}

// ---- asking it --------------------------------------------------------------------------------

// What is no UTF-8 is nobody's name.
std::string text_of(json const& q) {
  return q.dump(-1, ' ', false, json::error_handler_t::replace);
}

json ask_node(places const& where, json const& q) {
  auto const text = must(ask(where.control, text_of(q)), nobody);
  auto const answer = json::parse(text, nullptr, false);
  if (answer.is_discarded()) throw ended{failed, "the node's answer is no JSON"};
  if (!answer.value("ok", false)) {
    throw ended{answer.value("code", static_cast<int>(failed)),
                answer.value("error", std::string{"refused"})};
  }
  return answer;
}

void print_rows(std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> wide;
  for (auto const& row : rows) {
    wide.resize(std::max(wide.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) wide[i] = std::max(wide[i], row[i].size());
  }
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], wide[i]);
    }
    fmt::print("{}\n", plain(line));
  }
}

std::string short_of(std::string const& hex) { return hex.substr(0, 12); }

void print_job(json const& j) {
  fmt::print("job       {}\nservice   {}\nstate     {}{}\nsubmitted {}\n", j["job"].get<long>(),
             j["service"].get<std::string>(), j["state"].get<std::string>(),
             j["detail"].get<std::string>().empty() ? ""
                                                    : plain(": " + j["detail"].get<std::string>()),
             when(j["submitted_ms"]));
  if (j["ended_ms"].get<std::int64_t>() != 0) {
    fmt::print("ended     {} ({:.1f} s)\n", when(j["ended_ms"]),
               static_cast<double>(j["ended_ms"].get<std::int64_t>() -
                                   j["submitted_ms"].get<std::int64_t>()) / 1e3);
  }
  auto const needs = demands_of(j.value("demands", json::object()));
  if (needs && needs.value()) fmt::print("demands   {}\n", words_of(needs.value()));
  fmt::print("input     {} bytes, object {}\n", j["input_bytes"].get<long>(),
             short_of(j["input"]));
  if (j["output_bytes"].get<long>() != 0) {
    fmt::print("output    {} bytes, object {}\n", j["output_bytes"].get<long>(),
               short_of(j["output"]));
  }
}

// Until the job has ended; its row.
json wait_for(places const& where, std::int64_t job, std::string const& timeout) {
  auto const limit = timeout.empty() ? std::int64_t{0} : ms_of("--timeout", timeout);
  auto const began = std::chrono::steady_clock::now();
  for (;;) {
    auto row = ask_node(where, {{"verb", "show"}, {"job", job}});
    if (row["ended_ms"].get<std::int64_t>() != 0) return row;
    auto const waited = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    if (limit != 0 && waited.count() > limit) {
      throw ended{timed_out, fmt::format("job {} is {} after {}", job,
                                         row["state"].get<std::string>(), timeout)};
    }
    ::poll(nullptr, 0, 100);
  }
}

// With the exit code of its end.
void must_be_done(json const& row) {
  if (row["state"] == "done") return;
  auto const detail = row["detail"].get<std::string>();
  throw ended{row["code"].get<int>(),
              fmt::format("job {} is {}{}", row["job"].get<long>(),
                          row["state"].get<std::string>(), detail.empty() ? "" : ": " + detail)};
}

// The files of a result: one file to a name, else all into a folder.
void take_out(places const& where, std::int64_t job, std::string const& out, bool quiet) {
  auto const row = ask_node(where, {{"verb", "result"}, {"job", job}});
  auto const path = row["path"].get<std::string>();
  auto const table = must(read_bundle(path));
  std::error_code wrong;
  auto const to = out.empty() ? std::string{"."} : out;
  bool const single = table.files.size() == 1 && !fs::is_directory(to, wrong);
  auto const folder = single ? to + "." + std::to_string(::getpid()) + ".tmp" : to;
  fs::create_directories(folder, wrong);
  if (wrong) throw ended{failed, folder + ": " + wrong.message()};
  auto const files = unpack(path, folder);
  if (!files) {
    if (single) fs::remove_all(folder, wrong);
    throw ended{failed, files.why()};
  }
  if (single) {
    fs::rename(files.value().files[0].path, to, wrong);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    if (wrong) throw ended{failed, to + ": " + wrong.message()};
  }
  if (quiet) return;
  for (auto const& f : files.value().files) {
    fmt::print("{} ({} bytes)\n", single ? to : f.path, f.bytes);
  }
}

std::string file_path(std::string const& name) {
  std::error_code wrong;
  auto const path = fs::absolute(name, wrong);
  if (wrong || !fs::is_regular_file(path, wrong)) throw ended{usage, name + ": is no file"};
  return path.string();
}

// What the flags demand, as the node is told it.
json demands_in(network_arguments const& a) {
  auto needs = a.of_provider;
  if (!a.region.empty()) {
    auto const regions = regions_of(a.region);
    if (!regions) throw ended{usage, "--region: " + regions.why()};
    needs.regions = regions.value();
  }
  if (needs.minor_min > needs.minor_max) {
    throw ended{usage, fmt::format("--minor-min: {} is above --minor-max: {}; no version is both",
                                   needs.minor_min, needs.minor_max)};
  }
  return json_of(needs);
}

int run(network_arguments const& a, places const& where) {
  json q{{"verb", "run"}, {"service", a.service}, {"files", json::array()},
         {"params", json::object()}};
  for (auto const& f : a.files) {
    q["files"].push_back(f.starts_with("object:") ? f : file_path(f));
  }
  for (auto const& p : a.params) {
    auto const equals = p.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ended{usage, "--param " + p + ": write --param name=value"};
    }
    q["params"][p.substr(0, equals)] = p.substr(equals + 1);
  }
  if (!a.work.empty()) q["work_ms"] = ms_of("--work", a.work);
  if (!a.patience.empty()) q["patience_ms"] = ms_of("--patience", a.patience);
  q["demands"] = demands_in(a);
  auto row = ask_node(where, q);
  auto const job = row["job"].get<std::int64_t>();
  bool const waits = a.wait || !a.out.empty();
  if (waits) {
    if (!a.quiet && !a.json) fmt::print(stderr, "job {} is {}\n", job,
                                        row["state"].get<std::string>());
    row = wait_for(where, job, a.timeout);
  }
  if (a.json) fmt::print("{}\n", row.dump(2));
  if (waits) must_be_done(row);
  if (!a.out.empty()) take_out(where, job, a.out, a.quiet || a.json);
  if (!waits && !a.quiet && !a.json) {
    fmt::print("job {} is {}; `hydra wait {}`, then `hydra get {}`\n", job,
               row["state"].get<std::string>(), job, job);
  }
  return ok;
}

void show(network_arguments const& a, json const& row) {
  if (a.json) fmt::print("{}\n", row.dump(2));
  else if (!a.quiet) print_job(row);
}

void list_jobs(json const& answer) {
  std::vector<std::vector<std::string>> rows{{"JOB", "STATE", "SUBMITTED", "SERVICE"}};
  for (auto const& j : answer["jobs"]) {
    rows.push_back({std::to_string(j["job"].get<long>()), j["state"], when(j["submitted_ms"]),
                    j["service"]});
  }
  print_rows(rows);
}
void list_peers(json const& answer) {
  std::vector<std::vector<std::string>> rows{{"NAME", "KEY", "ADDRESS", "RTT", "LAST CONTACT"}};
  for (auto const& p : answer["peers"]) {
    bool const up = p["connected"];
    auto const name = p["name"].get<std::string>();
    rows.push_back({name.empty() ? "-" : name, short_of(p["key"]), p["address"],
                    up ? fmt::format("{:.1f} ms", p["rtt_ms"].get<double>()) : "-",
                    up ? "now" : when(p["last_contact_ms"])});
  }
  print_rows(rows);
}
void print_status(json const& s) {
  fmt::print("contact      {}\nconnections  {}, {} heads known\njobs         {} under way\n"
             "services     {}\nobjects      {}, {:.1f} MB\nmessages     {} sent, {} received\n",
             s["contact"].get<std::string>(), s["connections"].get<long>(),
             s["heads_known"].get<long>(), s["jobs_running"].get<long>(),
             s["services"].get<long>(), s["objects"].get<long>(),
             s["object_bytes"].get<double>() / 1e6, s["messages_sent"].get<long>(),
             s["messages_received"].get<long>());
  if (auto const why = s["failure"].get<std::string>(); !why.empty()) {
    fmt::print("failure      {}\n", why);
  }
}

// Down means gone: its state is closed, its port is free.
int down(network_arguments const& a, places const& where) {
  ask_node(where, {{"verb", "down"}});
  for (int i = 0; i < 600; ++i) {
    if (!ask(where.control, R"({"verb":"status"})") &&
        ::access(where.control.c_str(), F_OK) != 0) {
      if (!a.quiet) fmt::print("hydra: down\n");
      return ok;
    }
    ::poll(nullptr, 0, 50);
  }
  throw ended{failed, "the node does not end; its log: " + where.log};
}

int identity_of(network_arguments const& a, places const& where) {
  auto const me = must(net::identity::load_or_make(where.identity));
  auto const hex = net::hex_of(object_id{me.id()});
  if (a.json) fmt::print("{}\n", json{{"key", hex}, {"file", where.identity}}.dump(2));
  else fmt::print("{}\n{}\n", hex, where.identity);
  return ok;
}

std::string manifest_path(std::string const& said) {
  std::error_code wrong;
  auto path = fs::absolute(said, wrong);
  if (fs::is_directory(path, wrong)) path /= "manifest.toml";
  return path.string();
}

// Verbs that are one question, and how their answer is shown.
int simple(network_arguments const& a, places const& where, std::string const& verb) {
  json q{{"verb", verb}, {"job", a.job}, {"contact", a.contact}, {"peer", a.who}, {"who", a.who},
         {"service", a.service}};
  if (!a.name.empty()) q["name"] = a.name;
  if (verb == "service add") q["manifest"] = manifest_path(a.manifest);
  if (verb == "put") q["file"] = file_path(a.file);
  if (verb == "drop") q["object"] = a.file;
  auto const answer = ask_node(where, q);
  if (a.json) {
    fmt::print("{}\n", answer.dump(2));
  } else if (a.quiet && verb != "put") {
  } else if (verb == "status") {
    print_status(answer);
  } else if (verb == "ls") {
    list_jobs(answer);
  } else if (verb == "show" || verb == "cancel") {
    print_job(answer);
  } else if (verb == "logs") {
    for (auto const& n : answer["notes"]) {
      fmt::print("{}  {}\n", when(n["at_ms"]), plain(n["text"]));
    }
  } else if (verb == "peer ls") {
    list_peers(answer);
  } else if (verb == "put") {
    fmt::print("{}\n", answer["object"].get<std::string>());
  } else if (verb == "peer invite") {
    fmt::print("{}\n", answer["contact"].get<std::string>());
  } else if (verb == "peer ping") {
    fmt::print("{}: {:.1f} ms\n", answer["peer"].get<std::string>(),
               answer["rtt_ms"].get<double>());
  } else if (verb == "ring ls") {
    for (auto const& m : answer["ring"]) {
      fmt::print("{}  {}\n", m["owner"].get<std::string>(), plain(m["name"]));
    }
  } else if (verb == "service ls") {
    std::vector<std::vector<std::string>> rows{{"SERVICE", "PURPOSE"}};
    for (auto const& s : answer["services"]) rows.push_back({s["name"], s["purpose"]});
    print_rows(rows);
  } else {
    fmt::print("ok\n");
  }
  return ok;
}

int perform(network_arguments const& a, std::string const& verb) {
  if (verb == "demo movie") {
    return demo_movie({a.seed, a.film, a.size, a.home, a.keep, a.json, a.quiet,
                       a.allow_without_jail});
  }
  auto const where = must(places::find(a.home));
  if (verb == "doctor") return doctor(where, a.json);
  must(where.is_mine(), not_allowed);
  must(where.make());
  must(make_config(where.config));
  if (verb == "up") return up(a, where);
  if (verb == "down") return down(a, where);
  if (verb == "identity") return identity_of(a, where);
  if (verb == "run") return run(a, where);
  if (verb == "wait") {
    auto const row = wait_for(where, a.job, a.timeout);
    show(a, row);
    must_be_done(row);
    return ok;
  }
  if (verb == "get") {
    take_out(where, a.job, a.out, a.quiet);
    return ok;
  }
  return simple(a, where, verb);
}

int dispatch(int argc, char** argv) {
  CLI::App app{"Hydra on the network: a node, and what its user asks of it", "hydra"};
  network_arguments a;
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", std::string{"hydra-node "} + HYDRA_VERSION);
  cli::add_network_flags(app, a);
  cli::add_network_verbs(app, a);
  for (auto* each : app.get_subcommands([](CLI::App*) { return true; })) {
    each->fallthrough();
    for (auto* below : each->get_subcommands([](CLI::App*) { return true; })) below->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "hydra: {}\nTry --help.\n", plain(e.what()));
    return usage;
  }
  auto const* chosen = app.get_subcommands().front();
  auto verb = chosen->get_name();
  if (!chosen->get_subcommands().empty()) {
    verb += " " + chosen->get_subcommands().front()->get_name();
  }
  return perform(a, verb);
}

}  // namespace
}  // namespace hydra::node

int main(int argc, char** argv) {
  try {
    return hydra::node::dispatch(argc, argv);
  } catch (hydra::node::ended const& e) {
    fmt::print(stderr, "hydra: {}\n", hydra::node::plain(e.why));
    return e.with;
  } catch (std::exception const& e) {
    fmt::print(stderr, "hydra: {}\n", e.what());
    return 1;
  }
}
