#include "network_verbs.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>

namespace hydra::cli {
namespace {

void job_word(CLI::App& verb, network_arguments& a) {
  verb.add_option("job", a.job, "its number, as `run` and `ls` say it")
      ->type_name("JOB")
      ->required();
}
// The library reads -1 as the largest number, and what is larger as that, too.
std::string whole_number(std::string const& text) {
  bool const digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits && text.size() < 20 ? "" : text + " is not allowed; allowed: 0 to 10^19 - 1";
}
std::string not_empty(std::string const& text) {
  return text.empty() ? "\"\" is not allowed; allowed: one of them, or several with commas" : "";
}
CLI::Validator whole_between(std::uint64_t least, std::uint64_t most) {
  return {[least, most](std::string& text) -> std::string {
            bool const digits = whole_number(text).empty();
            auto const value = digits ? std::stoull(text) : 0;
            if (digits && value >= least && value <= most) return "";
            return text + " is not allowed; allowed: " + std::to_string(least) + " to " +
                   std::to_string(most);
          },
          ""};
}
void timeout_flag(CLI::App& verb, network_arguments& a) {
  verb.add_option("--timeout", a.timeout, "give up after so long, like \"60 s\"; exit code 124")
      ->type_name("DURATION");
}

// What is demanded of whoever performs a job.
void demand_flags(CLI::App& run, network_arguments& a) {
  auto const number = [&run](char const* flag, auto& to, std::uint64_t least, std::uint64_t most,
                             char const* value, char const* about) {
    run.add_option(flag, to, about)->type_name(value)->check(whole_between(least, most));
  };
  auto& needs = a.of_provider;
  number("--memory", needs.memory_mb, 1, 0xffffffffU, "MB",
         "who performs it must let a task use so much");
  number("--price-max", needs.price_max, 0, demands::any_price, "N",
         "who performs it must not ask for more");
  number("--minor-min", needs.minor_min, 0, 0xffff, "N",
         "the service must have this minor version or a later one");
  number("--minor-max", needs.minor_max, 0, 0xffff, "N",
         "the service must have this minor version or an earlier one");
  std::string regions;
  for (auto name : world_regions) regions += (regions.empty() ? "" : "|") + std::string{name};
  run.add_option("--region", a.region, "where it must stay, parts of it too; several with commas")
      ->type_name(regions)
      ->check(not_empty);
  number("--within-km", needs.within_km, 1, demands::within_km_max, "N",
         "how far from the place of this node it may be performed");
}

void add_jobs(CLI::App& app, network_arguments& a) {
  auto* run = app.add_subcommand("run", "have a service performed by whoever is trusted and near");
  run->add_option("service", a.service, "its name, like render.movie or render.movie/1")
      ->type_name("SERVICE")
      ->required();
  run->add_option("files", a.files, "what it is given; one may be an object: see `hydra put`")
      ->type_name("FILES");
  run->add_option("-o,--out", a.out, "wait for the result and put it there: a file or a folder")
      ->type_name("OUT");
  run->add_option("-p,--param", a.params, "a parameter of the service; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  run->add_flag("--wait", a.wait, "wait for its end");
  run->add_option("--work", a.work, "how much work it is on one core, like \"2 min\"")
      ->type_name("DURATION");
  run->add_option("--patience", a.patience, "it has failed when it is not done by then")
      ->type_name("DURATION");
  timeout_flag(*run, a);
  demand_flags(*run, a);
  auto* put = app.add_subcommand("put", "keep a file as an object that jobs may name");
  put->add_option("file", a.file, "its bytes are copied")->type_name("FILE")->required();
  auto* drop = app.add_subcommand("drop", "keep an object no more");
  drop->add_option("object", a.file, "as `put` printed it, or its hash")
      ->type_name("OBJECT")
      ->required();
  app.add_subcommand("ls", "jobs of this node, the last first");
  job_word(*app.add_subcommand("show", "what is known of a job"), a);
  job_word(*app.add_subcommand("logs", "what happened to a job"), a);
  job_word(*app.add_subcommand("cancel", "a job is not needed any more"), a);
  auto* get = app.add_subcommand("get", "the result of a job that is done");
  job_word(*get, a);
  get->add_option("-o,--out", a.out, "where to: a file or a folder")->type_name("OUT");
  auto* wait = app.add_subcommand("wait", "until a job has ended");
  job_word(*wait, a);
  timeout_flag(*wait, a);
}

void add_knowledge(CLI::App& app, network_arguments& a) {
  auto* peer = app.add_subcommand("peer", "heads that this node knows")->require_subcommand(1);
  peer->add_subcommand("ls", "who they are and when they were heard of");
  auto* add = peer->add_subcommand("add", "know another head");
  add->add_option("contact", a.contact, "as its `peer invite` says it")
      ->type_name("CONTACT")
      ->required();
  add->add_option("--name", a.name, "what it is called here")->type_name("NAME");
  auto const named = [&a](CLI::App* verb) {
    verb->add_option("peer", a.who, "its name or key")->type_name("PEER")->required();
  };
  named(peer->add_subcommand("rm", "forget it"));
  peer->add_subcommand("invite", "what others add to know this node");
  named(peer->add_subcommand("ping", "how far away it is"));

  auto* ring = app.add_subcommand("ring", "Hydras that are trusted")->require_subcommand(1);
  ring->add_subcommand("ls", "who they are");
  auto const hydra = [&a](CLI::App* verb) {
    verb->add_option("who", a.who, "a key, or the name of a peer")->type_name("WHO")->required();
  };
  auto* trust = ring->add_subcommand("add", "trust a Hydra; it has to trust this one as well");
  hydra(trust);
  trust->add_option("--name", a.name, "what it is called here")->type_name("NAME");
  hydra(ring->add_subcommand("remove", "no more"));

  auto* service = app.add_subcommand("service", "what this node performs")->require_subcommand(1);
  service->add_subcommand("ls", "which services");
  service->add_subcommand("add", "perform another one")
      ->add_option("manifest", a.manifest, "its manifest.toml, or the folder that holds it")
      ->type_name("MANIFEST")
      ->required();
  service->add_subcommand("rm", "perform it no more")
      ->add_option("service", a.service, "its name")
      ->type_name("SERVICE")
      ->required();
}

void add_demo(CLI::App& app, network_arguments& a) {
  auto* demo = app.add_subcommand("demo", "Hydra at work on this machine")->require_subcommand(1);
  auto* movie = demo->add_subcommand("movie", "eight Hydras render a film; one lies, one dies");
  movie->add_option("--seed", a.seed, "draws who is who and what befalls them; 1 unless said")
      ->type_name("N")
      ->check(whole_number);
  movie->add_option("--film", a.film, "cut this film instead of one that is made")
      ->type_name("FILE");
  movie->add_option("--size", a.size, "of the film that is made: short, 1080p")->type_name("SIZE");
  movie->add_flag("--keep", a.keep, "leave the folder with the nodes and the movie");
  movie->add_flag("--allow-without-jail", a.allow_without_jail,
                  "go on where the jail is not whole");
}

}  // namespace

void add_network_verbs(CLI::App& app, network_arguments& a) {
  app.add_subcommand("up", "run this node")
      ->add_flag("-d,--detach", a.detach, "in the background");
  app.add_subcommand("status", "what the node does");
  app.add_subcommand("down", "stop it");
  app.add_subcommand("doctor", "what this machine has, and what is missing");
  app.add_subcommand("identity", "who this Hydra is; made on the first call");
  add_jobs(app, a);
  add_knowledge(app, a);
  add_demo(app, a);
}

void add_home_flag(CLI::App& app, network_arguments& a) {
  app.add_option("--home", a.home, "keep everything in this folder; HYDRA_HOME says it as well")
      ->type_name("DIR");
}

void add_network_flags(CLI::App& app, network_arguments& a) {
  add_home_flag(app, a);
  app.add_flag("--json", a.json, "answers as JSON");
  app.add_flag("-q,--quiet", a.quiet, "say nothing but errors");
}

std::vector<std::string> const& network_verb_names() {
  static std::vector<std::string> const all = [] {
    CLI::App app;
    network_arguments a;
    add_network_verbs(app, a);
    std::vector<std::string> out;
    for (auto const* each : app.get_subcommands([](CLI::App*) { return true; })) {
      out.push_back(each->get_name());
    }
    return out;
  }();
  return all;
}

}  // namespace hydra::cli
