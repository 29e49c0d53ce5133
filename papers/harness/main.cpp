// hydra-papers: runs published results again and judges every cell.
#include "folder.hpp"
#include "judge.hpp"
#include "plot.hpp"
#include "text.hpp"

#include "../../cli/options.hpp"
#include "../../cli/papers_verb.hpp"

#include <hydra/sim/atomic_file.hpp>
#include <hydra/sim/scenario.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace hydra::papers {
namespace {

namespace fs = std::filesystem;
using cli::papers_arguments;

// Ends the command with an exit code and a sentence.
struct ended {
  int with;
  std::string why;
};

std::vector<paper> wanted(papers_arguments const& a) {
  if (a.names.empty()) return all_papers();
  std::vector<paper> out;
  std::vector<std::string_view> known;
  std::string listed;
  for (auto const& p : all_papers()) {
    known.push_back(p.name);
    listed += (listed.empty() ? "" : ", ") + p.name;
  }
  for (auto const& name : a.names) {
    auto const it = std::find(known.begin(), known.end(), name);
    if (it == known.end()) {
      auto const near = sim::nearest_spelling(name, known);
      throw ended{cli::usage, fmt::format("\"{}\" is no paper{}; allowed: {}", name,
                                          near.empty() ? "" : fmt::format(
                                              "; did you mean \"{}\"?", near), listed)};
    }
    out.push_back(all_papers()[static_cast<std::size_t>(it - known.begin())]);
  }
  return out;
}

// One sheet per seed, in the order of seeds whatever thread made it.
std::vector<sheet> run_all(paper const& p, paper_folder const& folder, papers_arguments const& a,
                           std::size_t seeds) {
  std::vector<sheet> out(seeds);
  std::atomic<std::size_t> next{0};
  std::exception_ptr wrong;
  std::atomic<bool> stop{false};
  auto const work = [&] {
    for (auto i = next++; i < seeds && !stop; i = next++) {
      try {
        p.run(folder.made(a.seed + i, a.small), out[i]);
      } catch (...) {
        if (!stop.exchange(true)) wrong = std::current_exception();
      }
    }
  };
  auto const threads = a.threads > 0 ? a.threads
                                     : std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  std::vector<std::thread> crew;
  for (unsigned t = 1; t < std::min<std::size_t>(threads, seeds); ++t) crew.emplace_back(work);
  work();
  for (auto& t : crew) t.join();
  if (wrong) std::rethrow_exception(wrong);
  return out;
}

judged_paper run(paper const& p, std::string const& papers, papers_arguments const& a) {
  auto const folder = read_folder(papers, p);
  judged_paper out{p, a.small, a.seeds > 0 ? a.seeds : folder.seeds(a.small), a.seed, 0, {},
                   folder.plots, folder.settled};
  auto const began = std::chrono::steady_clock::now();
  auto const sheets = run_all(p, folder, a, out.seeds);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  out.cells = judge(folder.published, sheets);
  return out;
}

void write(fs::path const& to, std::string const& text) {
  std::error_code failed;
  fs::create_directories(to.parent_path(), failed);
  sim::atomic_file file{to.string()};
  if (!file.write(text) || !file.keep()) throw ended{cli::failed, file.wrong()};
}

void write_results(fs::path const& folder, judged_paper const& p) {
  write(folder / "results.csv", as_csv(p));
  for (std::size_t i = 0; i < p.plots.size(); ++i) {
    write(folder / fmt::format("plot-{}.svg", i + 1), plot_svg(p.plots[i], p.cells));
  }
}

int run_papers(papers_arguments const& a) {
  auto const papers = papers_folder();
  if (a.write && a.small) throw ended{cli::usage, "--write is for the full size, not --small"};
  std::vector<judged_paper> all;
  for (auto const& p : wanted(a)) {
    if (!a.quiet) fmt::print(stderr, "running {}: {}\n", p.name, p.title);
    all.push_back(run(p, papers, a));
    if (!a.json) fmt::print("{}", as_table(all.back(), a.all));
    std::fflush(stdout);
    if (a.write) write_results(fs::path{papers} / p.folder, all.back());
    if (!a.no_out) write_results(fs::path{a.out} / p.name, all.back());
  }
  if (!a.no_out) write(fs::path{a.out} / "index.html", as_page(all));
  if (a.json) fmt::print("{}\n", as_json(all));
  bool const failed = std::any_of(all.begin(), all.end(), [](judged_paper const& p) {
    return p.count(finding::failed) > 0;
  });
  if (!a.quiet && !a.no_out) fmt::print(stderr, "page: {}/index.html\n", a.out);
  return failed ? cli::bound_missed : cli::ok;
}

int list(papers_arguments const& a) {
  if (a.json) {
    std::vector<judged_paper> all;
    for (auto const& p : all_papers()) all.push_back({p, false, 0, 0, 0, {}, {}, {}});
    fmt::print("{}\n", names_as_json(all));
    return cli::ok;
  }
  for (auto const& p : all_papers()) {
    fmt::print("{:<18} {:>4}  {}\n{:24}{}\n", p.name, p.number, p.title, "", p.reference);
  }
  return cli::ok;
}

int command(int argc, char** argv) {
  CLI::App app{"Hydra: published results, run again", "hydra"};
  papers_arguments a;
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "hydra " HYDRA_VERSION, "version of this program");
  app.add_flag("--json", a.json, "results as JSON");
  app.add_flag("-q,--quiet", a.quiet, "say nothing but results and errors");
  cli::add_papers_verb(app, a);
  auto* papers = app.get_subcommand(cli::papers_name);
  papers->fallthrough();
  for (auto* each : papers->get_subcommands([](CLI::App*) { return true; })) each->fallthrough();
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "hydra papers: {}\nTry --help.\n", e.what());
    return cli::usage;
  }
  return papers->got_subcommand("list") ? list(a) : run_papers(a);
}

}  // namespace
}  // namespace hydra::papers

int main(int argc, char** argv) {
  using namespace hydra;
  try {
    return papers::command(argc, argv);
  } catch (papers::ended const& e) {
    fmt::print(stderr, "hydra papers: {}\n", e.why);
    return e.with;
  } catch (papers::paper_error const& e) {
    fmt::print(stderr, "hydra papers: {}\n", e.what());
    return cli::invalid;
  } catch (std::exception const& e) {
    fmt::print(stderr, "hydra papers: {}\n", e.what());
    return cli::failed;
  }
}
