#include "service.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace hydra::net {
namespace {

namespace fs = std::filesystem;
using std::string;

// A folder of its own, gone with the object.
class scratch_folder {
 public:
  scratch_folder() : path_{(fs::temp_directory_path() / "hydra-task-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~scratch_folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  [[nodiscard]] string const& path() const noexcept { return path_; }

 private:
  string path_;
};

jail_outcome refused(string why) {
  jail_outcome out;
  out.why = std::move(why);
  return out;
}

string prepare(step const& s, string const& output) {
  std::error_code failed;
  fs::create_directories(output, failed);
  for (auto const& port : s.outputs)
    if (port.many && !failed) fs::create_directory(output + "/" + port.name, failed);
  // A job may run as another user: inside, its output is that user's.
  for (auto const& port : s.outputs)
    if (port.many && !failed)
      fs::permissions(output + "/" + port.name, fs::perms{0777}, failed);
  return failed ? output + ": " + failed.message() : "";
}

void feed(detail::sha256& h, std::string_view text) {
  auto const size = std::to_string(text.size()) + ":";  // so that no two lists look alike
  for (char c : size) h.add(static_cast<std::uint8_t>(c));
  for (char c : text) h.add(static_cast<std::uint8_t>(c));
}
void feed(detail::sha256& h, key const& k) {
  for (auto const word : k.words())
    for (unsigned i = 0; i < 8; ++i) h.add(static_cast<std::uint8_t>(word >> (56U - 8U * i)));
}

}  // namespace

jail_outcome perform(performer const& by, std::string_view name, bindings const& filled,
                     std::vector<jail_input> const& inputs, std::string const& output) {
  auto const* s = by.service.find(name);
  if (s == nullptr)
    return refused(fmt::format("{} has no step \"{}\"", by.service.name, name));
  auto run = expand(by.service, *s, filled);
  if (!run) return refused(run.why());
  if (auto wrong = prepare(*s, output); !wrong.empty()) return refused(wrong);
  auto out = run_jailed({std::move(run.value()), inputs, output, s->limits, by.foreign}, by.policy);
  if (!out.ok()) {
    out.why = fmt::format("{} {}: {}", by.service.name, name, out.why);
    return out;
  }
  for (auto const& port : s->outputs) {
    if (fs::exists(output + "/" + port.name)) continue;
    out.end = jail_end::exited;
    out.code = 1;
    out.why = fmt::format("{} {}: it left no {}", by.service.name, name, port.name);
  }
  return out;
}

result<std::string> identify(performer const& by, bindings const& filled) {
  string out;
  scratch_folder const folder;
  for (auto const& each : by.service.tools) {
    jail_job job{{each.name}, {}, folder.path(), {}, by.foreign};
    job.run.insert(job.run.end(), each.version.begin(), each.version.end());
    job.limits.wall = 30s;
    auto const said = run_jailed(job, by.policy);
    if (!said.ok()) return error{each.name + ": " + said.why};
    out += each.name + "\n" + said.said;
  }
  if (by.service.find("fingerprint") == nullptr) return out;
  auto const made = perform(by, "fingerprint", filled, {}, folder.path());
  if (!made.ok()) return error{made.why};
  return out + made.said;
}

result<key> hash_of_file(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return error{path + ": " + std::strerror(errno)};
  detail::sha256 h;
  std::array<char, 65536> part{};
  while (in.read(part.data(), part.size()), in.gcount() > 0)
    for (std::streamsize i = 0; i < in.gcount(); ++i)
      h.add(static_cast<std::uint8_t>(part[static_cast<std::size_t>(i)]));
  if (in.bad()) return error{path + " cannot be read to its end"};
  return key{h.finish()};
}

result<key> task_key(performer const& by, std::string_view name, bindings const& filled,
                     std::string_view tools, std::vector<key> const& inputs) {
  auto const* s = by.service.find(name);
  if (s == nullptr) return error{fmt::format("{} has no step \"{}\"", by.service.name, name)};
  auto const run = expand(by.service, *s, filled);
  if (!run) return error{run.why()};
  detail::sha256 h;
  feed(h, by.service.service());
  feed(h, name);
  feed(h, std::to_string(run.value().size()));
  for (auto const& word : run.value()) feed(h, word);
  feed(h, tools);
  for (auto const& each : inputs) feed(h, each);
  return key{h.finish()};
}

}  // namespace hydra::net
