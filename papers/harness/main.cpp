// hydra-papers: runs published results again and judges every cell.
#include "folder.hpp"
#include "judge.hpp"
#include "plot.hpp"
#include "stored.hpp"
#include "text.hpp"

#include "../../cli/files.hpp"
#include "../../cli/options.hpp"
#include "../../cli/papers_verb.hpp"

#include <hydra/sim/atomic_file.hpp>
#include <hydra/sim/scenario.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
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
    auto const* p = paper_named(name);
    if (p == nullptr) {
      auto const near = sim::nearest_spelling(name, known);
      throw ended{cli::usage, fmt::format("\"{}\" is no paper{}; allowed: {}", name,
                                          near.empty() ? "" : fmt::format(
                                              "; did you mean \"{}\"?", near), listed)};
    }
    bool const again = std::any_of(out.begin(), out.end(),
                                   [&](paper const& o) { return o.name == p->name; });
    if (!again) out.push_back(*p);
  }
  return out;
}

// Text as a terminal may be sent it.
template <class T>
auto told(T const& what) {
  if constexpr (std::is_convertible_v<T const&, std::string_view>) return plain(what);
  else return what;
}

// To stderr, whether it can be written or not.
template <class... A>
void tell(fmt::format_string<A...> how, A&&... what) {
  std::fputs(fmt::format(fmt::runtime(fmt::string_view{how}), told(what)...).c_str(), stderr);
}

// To stdout; that it could not be written is said at the end.
void put(std::string const& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
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

std::vector<lack> lacks_of(paper const& p, paper_folder const& folder,
                           papers_arguments const& a) {
  return p.lacks == nullptr ? std::vector<lack>{} : p.lacks(folder.made(a.seed, a.small));
}

judged_paper run(paper const& p, std::string const& papers, papers_arguments const& a) {
  auto const folder = read_folder(papers, p);
  judged_paper out{p, a.small, a.seeds > 0 ? a.seeds : folder.seeds(a.small), a.seed, 0, {},
                   folder.plots, folder.settled, folder.file("scenario.toml")};
  auto const began = std::chrono::steady_clock::now();
  auto const sheets = run_all(p, folder, a, out.seeds);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  out.cells = judge(folder.published, sheets);
  add_lacks(out.cells, lacks_of(p, folder, a));
  if (a.small) leave_to_full(out.cells, read_results(folder));
  demand_reasons(out.cells);
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

void must_be_writable(std::string const& folder) {
  auto const wrong = cli::unwritable(folder);
  if (!wrong.empty()) throw ended{cli::failed, "the results cannot be written: " + wrong};
}

// What is stored and was not measured this time is not written over.
void must_keep_rows(paper_folder const& folder, judged_paper const& p) {
  for (auto const& m : read_results(folder)) {
    if (m.runs == 0) continue;
    bool const is_there = std::any_of(p.cells.begin(), p.cells.end(), [&](judged_cell const& c) {
      return c.runs > 0 && c.what.table == m.table && c.what.row == m.row &&
             c.what.column == m.column;
    });
    if (is_there) continue;
    throw ended{cli::failed, fmt::format("--write would lose rows of {}: {}, {}, {} was not "
                                         "measured; remove {} first if that is meant", p.of.name,
                                         m.table, m.row, m.column, folder.file("results.csv"))};
  }
}

// As the arguments want it. Why not, with the file; empty: it is all there.
std::string keep(std::vector<judged_paper> const& all, std::string const& papers,
                 papers_arguments const& a) {
  auto const& p = all.back();
  try {
    if (!a.no_out) {
      write_results(fs::path{a.out} / p.of.name, p);
      write(fs::path{a.out} / "index.html", as_page(all));  // of those so far: none is lost
    }
    if (!a.write) return "";
    must_keep_rows(read_folder(papers, p.of), p);
    write_results(fs::path{papers} / p.of.folder, p);
  } catch (ended const& e) {
    return e.why;
  }
  return "";
}

// Parameters, and files that a run reads; and that somebody reads each key.
void must_be_readable(paper const& p, paper_folder const& folder, papers_arguments const& a) {
  auto const made = folder.made(a.seed, a.small);
  p.read(made);
  for (auto const& key : made.unread()) {
    if (key == "seeds") continue;
    throw paper_error{fmt::format("{}: [scenario] {} is read by nobody: {} has no such key",
                                  folder.file("scenario.toml"), key, p.name)};
  }
}

// What can be refused is refused before anything is computed.
void check(std::vector<paper> const& what, std::string const& papers, papers_arguments const& a) {
  if (a.write && a.small) throw ended{cli::usage, "--write is for the full size, not --small"};
  if (a.out.empty()) throw ended{cli::usage, "--out \"\" names no folder"};
  if (!a.no_out) must_be_writable(a.out);
  for (auto const& p : what) {
    auto const folder = read_folder(papers, p);
    must_be_readable(p, folder, a);
    auto const lacks = lacks_of(p, folder, a);
    auto const kept = stored_paper(p, folder).seeds;  // and a broken file is named now
    if (!a.write) continue;
    must_be_writable(folder.path);
    if (auto const runs = a.seeds > 0 ? a.seeds : folder.seeds(false); runs < kept) {
      throw ended{cli::usage, fmt::format("--write would put {} runs of {} in place of {}; say "
                                          "--seeds {}", runs, p.name, kept, kept)};
    }
    if (lacks.empty()) continue;
    throw ended{cli::usage, fmt::format("--write would lose rows of {}: {} cannot be run: {}",
                                        p.name, lacks.front().table, lacks.front().why)};
  }
}

int run_papers(papers_arguments const& a) {
  std::signal(SIGPIPE, SIG_IGN);  // who stops reading must not end what is computed
  auto const papers = papers_folder();
  auto const what = wanted(a);
  check(what, papers, a);
  std::vector<judged_paper> all;
  for (auto const& p : what) {
    auto const place = fmt::format("{}, {} of {}", p.name, all.size() + 1, what.size());
    bool const is_long = p.minutes > 0 && !a.small;
    if (!a.quiet) {
      tell("running {}: {}{}\n", place, p.title,
           is_long ? fmt::format("; about {} minutes", p.minutes) : "");
    }
    all.push_back(run(p, papers, a));
    if (!a.quiet) tell("{}: {:.1f} s\n", place, all.back().seconds);
    auto const wrong = keep(all, papers, a);  // before it is shown: whoever reads may have gone
    if (!a.json) put(as_table(all.back(), a.all));
    if (!wrong.empty()) {
      if (a.json) put(as_json(all) + "\n");
      throw ended{cli::failed, wrong};
    }
    if (std::ferror(stdout) != 0 && a.no_out && !a.write) return cli::ok;  // for nobody
  }
  if (a.json) put(as_json(all) + "\n");
  bool const failed = std::any_of(all.begin(), all.end(), [](judged_paper const& p) {
    return p.count(finding::failed) > 0;
  });
  if (!a.quiet && !a.no_out) tell("page: {}/index.html\n", a.out);
  return failed ? cli::bound_missed : cli::ok;
}

// Without names what there is; of those that are named every stored cell.
int list(papers_arguments const& a) {
  auto const papers = papers_folder();
  std::vector<judged_paper> all;
  for (auto const& p : wanted(a)) all.push_back(stored_paper(p, read_folder(papers, p)));
  if (a.json) {
    put((a.names.empty() ? names_as_json(all) : as_json(all)) + "\n");
    return cli::ok;
  }
  std::string out;
  for (auto const& p : all) {
    if (!a.names.empty()) {
      out += as_table(p, true);
      continue;
    }
    out += fmt::format("{:<18} {:>4}  {}{}\n{:24}{}\n", p.of.name, p.of.number, p.of.title,
                       p.of.minutes > 0 ? fmt::format(" (about {} minutes)", p.of.minutes) : "",
                       "", p.of.reference);
  }
  put(out);
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
    tell("hydra papers: {}\nTry --help.\n", e.what());
    return cli::usage;
  }
  return papers->got_subcommand("list") ? list(a) : run_papers(a);
}

int guarded(int argc, char** argv) {
  try {
    return command(argc, argv);
  } catch (ended const& e) {
    tell("hydra papers: {}\n", e.why);
    return e.with;
  } catch (paper_error const& e) {
    tell("hydra papers: {}\n", e.what());
    return cli::invalid;
  } catch (std::exception const& e) {
    tell("hydra papers: {}\n", e.what());
    return cli::failed;
  }
}

}  // namespace
}  // namespace hydra::papers

int main(int argc, char** argv) {
  using namespace hydra;
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow fails as on a full disk
  auto const code = papers::guarded(argc, argv);
  // A full disk behind stdout is a failure, too.
  bool const lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!lost || (code != cli::ok && code != cli::bound_missed)) return code;
  std::fputs("hydra papers: the output could not be written\n", stderr);
  return cli::failed;
}
