#include "tasks.hpp"

#include "film_parts.hpp"
#include "service.hpp"

#include <hydra/net/parts.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace hydra::node {
namespace {

namespace fs = std::filesystem;
using std::string;

// A folder that is gone at the end of its scope.
class scratch {
 public:
  explicit scratch(string path) : path_{std::move(path)} {
    for (auto const* each : {"in", "out"}) fs::create_directories(at(each));
  }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] string at(string const& name) const { return path_ + "/" + name; }

 private:
  string path_;
};

// What the parts of a job gave, by their number.
struct given_parts {
  job_id whole{};
  std::array<payload, parts_max> outputs{};
};

class in_jail final : public tasks {
 public:
  in_jail(shelf& objects, task_settings s) : objects_{objects}, settings_{std::move(s)} {}

  made run(net::manifest const& m, task const& t) override {
    return within(m, t, "run", [&](net::performer const& by, scratch const& here, bundle& out) {
      auto const bytes = objects_.whole(t.data.input.id);
      if (!bytes) return bytes.why();
      auto const in = t.data.how ? beside(t, bytes.value(), here)
                                 : unpack(bytes.value(), here.at("in"));
      return in ? run_step(by, in.value(), here, out) : fault(out, in.why());
    });
  }

  made split(net::manifest const& m, task const& t) override {
    scratch const here{fresh_folder()};
    net::performer const by{m, settings_.jail, settings_.foreign(t)};
    auto const wrong = [&](string const& why) { return refused(m, "split", why); };
    auto const input = objects_.whole(t.data.input.id);
    if (!input) return wrong(input.why());
    auto const how = t.data.how ? objects_.whole(t.data.how.id) : input;
    if (!how) return wrong(how.why());
    auto const in = unpack(how.value(), here.at("in"));
    if (!in) return told(t, here, in.why());
    auto const order = film_order_of(in.value(), t.data.how ? input.value() : "");
    if (!order) return told(t, here, order.why());
    bool asked_so = false;
    auto const parts =
        split_order(by, order.value(), here.at("out"), here.at("parts"), asked_so);
    if (!parts && asked_so) return told(t, here, without(parts.why(), order.value().film));
    if (!parts) return wrong(parts.why());
    auto const id = objects_.take_in(here.at("parts"));
    if (!id) return wrong(id.why());
    return claim_of(id.value(), fs::file_size(here.at("parts")), parts.value());
  }

  made part(net::manifest const& m, task const& t) override {
    return within(m, t, "part", [&](net::performer const& by, scratch const& here, bundle& out) {
      auto const in = unpacked(t.data.input.id, t.data.which, here, "in");
      return in ? render_part(by, in.value(), here.at("out"), out) : in.why();
    });
  }

  made join(net::manifest const& m, task const& t) override {
    return within(m, t, "join", [&](net::performer const& by, scratch const& here, bundle& out) {
      auto const path = objects_.whole(t.data.input.id);
      if (!path) return path.why();
      auto const table = net::parts_in(path.value());
      if (!table) return table.why();
      auto joined = join_in(by, t, table.value(), here);
      if (!joined) return joined.why();
      for (auto i : joined.value().mended) {
        settings_.say(m.name + ": part " + std::to_string(i) +
                      " shows something else than the film; it was rendered here");
      }
      out.files.push_back({"movie.mkv", here.at("out/movie"), 0});
      return string{};
    });
  }

  void came(part_done const& f) override {
    if (f.how != ending::completed || f.index >= parts_max) return;
    std::lock_guard const lock{mutex_};
    auto const same = [&](given_parts const& g) { return g.whole == f.whole; };
    auto it = std::find_if(given_.begin(), given_.end(), same);
    if (it == given_.end()) {
      if (given_.size() == jobs_max) given_.pop_front();
      given_.push_back({f.whole, {}});
      it = std::prev(given_.end());
    }
    it->outputs[f.index] = f.output;
  }

 private:
  [[nodiscard]] string fresh_folder() {
    return settings_.scratch + "/task-" + std::to_string(++count_);
  }
  made refused(net::manifest const& m, string const& step, string const& why) {
    settings_.say(m.name + " " + step + ": " + why);
    return std::nullopt;
  }

  // The same words on every machine: no folders of this one.
  static string without(string text, string const& path) {
    for (auto at = text.find(path); !path.empty() && at != string::npos; at = text.find(path)) {
      text.replace(at, path.size(), "the film");
    }
    return text;
  }
  // A fault is what it leaves; nothing went wrong here.
  static string fault(bundle& out, string const& why) {
    out = {};
    out.parameters["fault"] = why.substr(0, fault_bytes_max);
    return {};
  }
  made told(task const& t, scratch const& here, string const& why) {
    bundle out;
    static_cast<void>(fault(out, without_folder(why, here.at("in/"))));
    auto const packed = pack(out, here.at("fault"));
    if (!packed || packed.value() > t.data.output_bytes) return std::nullopt;
    auto const id = objects_.take_in(here.at("fault"));
    if (!id) return std::nullopt;
    return claim_of(id.value(), packed.value());
  }
  static string without_folder(string text, string const& folder) {
    for (auto at = text.find(folder); at != string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }

  // Runs `work`, which says what went wrong, and packs what it leaves.
  template <class F>
  made within(net::manifest const& m, task const& t, string const& step, F&& work) {
    scratch const here{fresh_folder()};
    net::performer const by{m, settings_.jail, settings_.foreign(t)};
    bundle out;
    auto const why = work(by, here, out);
    if (!why.empty()) return refused(m, step, why);
    auto const packed = pack(out, here.at("output"));
    if (!packed) return refused(m, step, packed.why());
    if (packed.value() > t.data.output_bytes) {
      return refused(m, step, "its output of " + std::to_string(packed.value()) +
                                  " bytes is larger than the " +
                                  std::to_string(t.data.output_bytes) + " it may have");
    }
    auto const id = objects_.take_in(here.at("output"));
    if (!id) return refused(m, step, id.why());
    return claim_of(id.value(), packed.value());
  }

  // An object beside a bundle that says what to do with it: one more file, "input".

  [[nodiscard]] result<bundle> beside(task const& t, string const& object, scratch const& here) {
    auto const how = objects_.whole(t.data.how.id);
    if (!how) return error{how.why()};
    auto in = unpack(how.value(), here.at("in"));
    if (in) in.value().files.push_back({"input", object, t.data.input.bytes});
    return in;
  }
  [[nodiscard]] result<bundle> unpacked(object_id id, byte_range which, scratch const& here,
                                        string const& name) {
    fs::create_directories(here.at(name));
    auto const file = here.at(name + ".bundle");
    if (auto const there = objects_.copy_out(id, which, file); !there) return error{there.why()};
    auto in = unpack(file, here.at(name));
    std::error_code ignored;
    fs::remove(file, ignored);
    return in;
  }

  [[nodiscard]] result<joined_parts> join_in(net::performer const& by, task const& t,
                                             std::vector<byte_range> const& table,
                                             scratch const& here) {
    auto const outputs = outputs_of(t.of);
    auto const last = unpacked(t.data.input.id, table.back(), here, "last");
    if (!last) return error{last.why()};
    std::vector<bundle> pieces;
    std::vector<bundle> given;
    for (std::size_t i = 0; i + 1 < table.size(); ++i) {
      auto piece = unpacked(t.data.input.id, table[i], here, "piece-" + std::to_string(i));
      if (!piece) return error{piece.why()};
      pieces.push_back(std::move(piece.value()));
      auto const o = object_made(outputs[i], {}, 1, {});
      auto part = unpacked(o.id, {0, o.bytes}, here, "part-" + std::to_string(i));
      given.push_back(part ? std::move(part.value()) : bundle{});
    }
    return join_parts(by, last.value(), pieces, given, here.at("out"));
  }
  [[nodiscard]] std::array<payload, parts_max> outputs_of(job_id whole) {
    std::lock_guard const lock{mutex_};
    for (auto const& g : given_) {
      if (g.whole == whole) return g.outputs;
    }
    return {};
  }

  // A service without parts: its step `run`, or its only one.
  static string run_step(net::performer const& by, bundle const& in, scratch const& here,
                         bundle& out) {
    auto const* s = by.service.find("run");
    if (s == nullptr && by.service.steps.size() == 1) s = &by.service.steps.front();
    if (s == nullptr) return "its manifest has no step \"run\"";
    net::bindings bound;
    bound.parameters = in.parameters;
    std::vector<net::jail_input> inputs;
    // One input: whatever the file is called; several: each by its name.
    for (auto const& f : in.files) {
      bool const only = in.files.size() == 1 && s->inputs.size() == 1 && !s->inputs[0].many;
      inputs.push_back({only ? net::file_of(s->inputs[0]) : f.name, f.path});
    }
    for (auto const& p : s->inputs) {
      if (!p.many) continue;
      bound.files[p.name] = static_cast<std::size_t>(std::count_if(
          in.files.begin(), in.files.end(),
          [&](bundle_file const& f) { return f.name.starts_with(p.name + "/"); }));
    }
    if (auto const words = net::expand(by.service, *s, bound); !words) {
      return fault(out, words.why());
    }
    auto const end = net::perform(by, s->name, bound, inputs, here.at("out"));
    if (end.end == net::jail_end::exited && end.code != 0) {
      return fault(out, end.why + (end.errors.empty() ? "" : "; it said: " + end.errors));
    }
    if (!end.ok()) return end.why + (end.errors.empty() ? "" : "; it said: " + end.errors);
    std::vector<string> names;
    for (auto const& e : fs::recursive_directory_iterator{here.at("out")}) {
      if (e.is_regular_file()) names.push_back(fs::relative(e.path(), here.at("out")).string());
    }
    std::sort(names.begin(), names.end());  // two machines make the same bundle
    for (auto const& n : names) out.files.push_back({n, here.at("out/" + n), 0});
    return {};
  }

  shelf& objects_;
  task_settings settings_;
  std::atomic<std::uint64_t> count_ = 0;
  std::mutex mutex_;
  std::deque<given_parts> given_;
};

}  // namespace

std::optional<std::string> fault_of(bundle const& b) {
  auto const it = b.parameters.find("fault");
  if (it == b.parameters.end() || !b.files.empty()) return std::nullopt;
  auto out = it->second.substr(0, fault_bytes_max);
  for (auto& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

std::unique_ptr<tasks> tasks::on(shelf& objects, task_settings s) {
  return std::make_unique<in_jail>(objects, std::move(s));
}

}  // namespace hydra::node
