// Objects on the disk: named by their tree, whole or not there, taken up where they were cut.
#include "../../catch.hpp"

#include <hydra/core/random.hpp>
#include <hydra/net/object_files.hpp>
#include <hydra/net/parts.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace hydra;
using namespace hydra::net;
namespace fs = std::filesystem;

namespace {

using bytes = std::vector<std::byte>;

bytes noise(std::uint64_t seed, std::size_t count) {
  bytes out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<std::byte>(mix64(seed * 0x9e3779b97f4a7c15U + i / 8) >> (i % 8 * 8));
  }
  return out;
}

struct shelf {
  fs::path path;
  explicit shelf(char const* name)
      : path{fs::temp_directory_path() /
             ("hydra-" + std::string{name} + std::to_string(::getpid()))} {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~shelf() { fs::remove_all(path); }
  [[nodiscard]] std::string put(char const* name, bytes const& what) const {
    auto const at = (path / name).string();
    std::ofstream{at, std::ios::binary}.write(reinterpret_cast<char const*>(what.data()),
                                              static_cast<std::streamsize>(what.size()));
    return at;
  }
};

bytes chunk_of(bytes const& all, std::uint64_t i) {
  auto const first = all.begin() + static_cast<std::ptrdiff_t>(i * chunk_bytes);
  return {first, first + static_cast<std::ptrdiff_t>(bytes_of_chunk(all.size(), i))};
}
std::vector<leaf_hash> leaves_of(bytes const& all) {
  std::vector<leaf_hash> out;
  for (std::uint64_t i = 0; i < chunks_of(all.size()); ++i) {
    out.push_back(leaf_of(chunk_of(all, i)));
  }
  return out;
}

// RFC 6962 section 2.1 as it is written there.
leaf_hash reference_root(std::span<leaf_hash const> d) {
  if (d.size() == 1) return d[0];
  std::size_t k = 1;
  while (2 * k < d.size()) k *= 2;
  hasher h{1};
  h.add(reference_root(d.first(k)));
  h.add(reference_root(d.subspan(k)));
  return h.finish();
}

// Runs `work` in a process of its own; how it ended.
template <class F>
int in_child(F&& work) {
  auto const child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int how = 0;
  ::waitpid(child, &how, 0);
  return how;
}

}  // namespace

TEST_CASE("the root of a tree is that of RFC 6962, for any number of leaves") {
  CHECK(hex_of({key{}}).size() == 64);
  std::vector<leaf_hash> leaves;
  for (std::uint8_t i = 0; i < 70; ++i) {
    hasher h;
    h.add(i);
    leaves.push_back(h.finish());
    INFO(leaves.size() << " leaves");
    CHECK(root_of(leaves) == reference_root(leaves));
  }
  auto const id = object_named(1, std::vector<leaf_hash>{leaves[0]});
  CHECK(object_of_hex(hex_of(id)) == id);
  CHECK_FALSE(object_of_hex("no name"));
  CHECK_FALSE(proves(id, 2, std::vector<leaf_hash>{leaves[0]}));
  CHECK_FALSE(proves(id, 1, std::vector<leaf_hash>{leaves[1]}));
}

TEST_CASE("what was imported is read back chunk by chunk, in another life too") {
  shelf const here{"import"};
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{chunk_bytes},
                           std::size_t{chunk_bytes} + 1, std::size_t{3} * chunk_bytes + 17}) {
    INFO(size << " bytes");
    auto const all = noise(size, size);
    auto const file = here.put("film", all);
    object_id id;
    {
      object_files store{(here.path / "objects").string()};
      REQUIRE(store.open());
      auto const named = store.import(file);
      REQUIRE(named);
      id = named.value();
      CHECK(store.import(file).value() == id);
      CHECK(id == object_named(size, leaves_of(all)));
    }
    object_files again{(here.path / "objects").string()};
    REQUIRE(again.open());
    REQUIRE(again.holds(id));
    CHECK(again.find(id)->length == size);
    CHECK(again.leaves(id).value() == leaves_of(all));
    bytes buffer;
    for (std::uint64_t i = 0; i < chunks_of(size); ++i) {
      REQUIRE(again.read(id, i, buffer));
      CHECK(buffer == chunk_of(all, i));
    }
    CHECK_FALSE(again.read(id, chunks_of(size), buffer));
    CHECK(again.verify(id));
    CHECK(again.holds(id, {0, size}));
    CHECK_FALSE(again.holds(id, {1, size}));
    CHECK_FALSE(again.holds(id, {~std::uint64_t{0}, 2}));
    // A tree that is lost is built again.
    fs::remove(again.path_of(id) + ".tree");
    CHECK(again.leaves(id));
  }
}

TEST_CASE("a chunk counts only if it is the right one; the object is there when all are") {
  shelf const here{"receive"};
  auto const all = noise(7, 2 * chunk_bytes + 5);
  auto const leaves = leaves_of(all);
  auto const id = object_named(all.size(), leaves);
  object_files store{here.path.string()};
  REQUIRE(store.open());
  auto forged = leaves;
  forged[1] = forged[0];
  CHECK_FALSE(store.begin(id, all.size(), forged));
  CHECK_FALSE(store.begin(id, all.size() + 1, leaves));
  REQUIRE(store.begin(id, all.size(), leaves));
  CHECK(store.add(id, 0, chunk_of(all, 1)).value() == false);
  CHECK(store.add(id, 9, chunk_of(all, 1)).value() == false);
  CHECK(store.add(id, 2, chunk_of(all, 0)).value() == false);
  CHECK(store.missing(id) == 3);
  bytes buffer;
  for (std::uint64_t i : {2U, 0U, 0U}) {
    CHECK(store.add(id, i, chunk_of(all, i)).value());
    CHECK_FALSE(store.holds(id));
  }
  // Parts can be had without the rest.
  CHECK(store.holds(id, {10, chunk_bytes - 10}));
  CHECK_FALSE(store.holds(id, {10, chunk_bytes}));
  REQUIRE(store.read(id, 2, buffer));
  CHECK(buffer == chunk_of(all, 2));
  CHECK_FALSE(store.read(id, 1, buffer));
  CHECK(store.add(id, 1, chunk_of(all, 1)).value());
  CHECK(store.holds(id));
  CHECK(store.verify(id));
  CHECK(store.leaves(id).value() == leaves);
  CHECK(store.bytes() == all.size());
  CHECK(store.begin(id, all.size(), leaves));  // it is here
  CHECK(store.add(id, 1, chunk_of(all, 1)).value());
}

TEST_CASE("killed anywhere while it receives, it goes on with what had proved itself") {
  shelf const here{"kill"};
  auto const all = noise(11, 12 * chunk_bytes + 1);
  auto const leaves = leaves_of(all);
  auto const id = object_named(all.size(), leaves);
  for (std::uint64_t life = 0; life < 6; ++life) {
    auto const how = in_child([&] {
      object_files store{here.path.string()};
      auto const opened = store.open();
      auto const begun = store.begin(id, all.size(), leaves);
      if (!opened || !begun || store.missing(id) != 13 - 2 * life) return false;
      for (auto i = 2 * life; i < 2 * life + 2; ++i) {
        if (!store.add(id, i, chunk_of(all, i))) return false;
      }
      return std::raise(SIGKILL) == 0;
    });
    REQUIRE(WIFSIGNALED(how));
  }
  object_files store{here.path.string()};
  REQUIRE(store.open());
  CHECK(store.bytes() == all.size());
  CHECK_FALSE(store.holds(id));
  {  // what the disk lost is fetched again
    auto* file = std::fopen((store.path_of(id) + ".part").c_str(), "r+b");
    REQUIRE(file != nullptr);
    std::fseek(file, 3 * chunk_bytes + 9, SEEK_SET);
    std::fputs("rotten", file);
    std::fclose(file);
  }
  REQUIRE(store.begin(id, all.size(), leaves));
  CHECK(store.missing(id) == 2);
  CHECK_FALSE(store.holds(id, {3 * chunk_bytes, 1}));
  CHECK_FALSE(store.holds(id, {12 * chunk_bytes, 1}));
  for (std::uint64_t i : {3U, 12U}) REQUIRE(store.add(id, i, chunk_of(all, i)).value());
  CHECK(store.holds(id));
  CHECK(store.verify(id));
}

TEST_CASE("what rots on the disk is set aside and said, the others stay") {
  shelf const here{"rot"};
  object_files store{(here.path / "o").string()};
  REQUIRE(store.open());
  auto const good = store.import(here.put("good", noise(1, 1000))).value();
  auto const bad = store.import(here.put("bad", noise(2, 1000))).value();
  std::ofstream{store.path_of(bad), std::ios::in | std::ios::out} << "rotten";
  auto const got = store.verify(bad);
  REQUIRE_FALSE(got);
  CHECK(got.why().find("set aside as .damaged") != std::string::npos);
  CHECK(fs::exists(store.path_of(bad) + ".damaged"));
  CHECK_FALSE(store.holds(bad));
  CHECK(store.verify(good));
  CHECK(store.bytes() == 1000);
}

TEST_CASE("a range is written to a file, if every chunk of it proves itself") {
  shelf const at{"ranges"};
  object_files files{(at.path / "objects").string()};
  REQUIRE(files.open());
  auto const all = noise(5, 3 * chunk_bytes + 1000);
  auto const id = files.import(at.put("film", all));
  REQUIRE(id);
  auto const to = (at.path / "out").string();
  for (byte_range const r : {byte_range{0, 1}, byte_range{chunk_bytes - 1, 2},
                             byte_range{10, 3 * chunk_bytes}, byte_range{0, all.size()},
                             byte_range{all.size() - 1, 1}, byte_range{5, 0}}) {
    fs::remove(to);
    REQUIRE(files.copy_out(id.value(), r, to));
    std::ifstream in{to, std::ios::binary};
    std::string const got{std::istreambuf_iterator<char>{in}, {}};
    REQUIRE(got.size() == r.count);
    CHECK(std::memcmp(got.data(), all.data() + r.first, r.count) == 0);
    CHECK(!files.copy_out(id.value(), r, to));  // what is there stays
  }
  fs::remove(to);
  CHECK(!files.copy_out(id.value(), {all.size(), 1}, to));
  CHECK(!files.copy_out(id.value(), {1, ~std::uint64_t{0}}, to));
  std::ofstream{files.path_of(id.value()), std::ios::in | std::ios::binary}.put('x');
  CHECK(!files.copy_out(id.value(), {0, 10}, to));  // it has rotted: found out before it is used
  CHECK(!files.holds(id.value()));
}

TEST_CASE("a table of parts is believed only as far as it lies within its file") {
  shelf const at{"parts"};
  auto const body = noise(6, 100);
  auto const made = [&](std::vector<byte_range> const& ranges) {
    auto all = parts_table(ranges);
    all.insert(all.end(), body.begin(), body.end());
    return parts_in(at.put("parts", all));
  };
  auto const head = parts_table_bytes(1);
  auto const good = made({{head, 60}, {head + 60, 40}});
  REQUIRE(good);
  REQUIRE(good.value().size() == 2);
  CHECK(good.value()[1].first == head + 60);
  CHECK(good.value()[1].count == 40);
  CHECK(!made({{head, 60}, {head + 60, 41}}));
  CHECK(!made({{head - 1, 60}, {head + 60, 40}}));
  CHECK(!made({{head, ~std::uint64_t{0}}, {head, 1}}));
  CHECK(!made({{head, 1}}));  // of no part
  CHECK(!made(std::vector<byte_range>(parts_max + 2, byte_range{2000, 0})));
  CHECK(!parts_in(at.put("text", body)));
  CHECK(!parts_in(at.put("empty", {})));
  CHECK(!parts_in((at.path / "nothing").string()));
}

TEST_CASE("the quota gives up what was used longest ago, never what is pinned") {
  shelf const here{"quota"};
  object_files store{(here.path / "o").string(), {.bytes_max = 3000}};
  REQUIRE(store.open());
  std::vector<object_id> ids;
  for (std::uint64_t i = 0; i < 3; ++i) {
    ids.push_back(store.import(here.put("x", noise(i, 1000))).value());
  }
  store.pin(ids[0]);
  auto const more = store.import(here.put("x", noise(9, 1500)));
  REQUIRE(more);
  CHECK(store.holds(ids[0]));
  CHECK_FALSE(store.holds(ids[1]));
  CHECK_FALSE(store.holds(ids[2]));
  auto const much = store.import(here.put("x", noise(10, 3001)));
  REQUIRE_FALSE(much);
  CHECK(much.why().find("3001 bytes do not fit: the quota of") != std::string::npos);
  store.pin(more.value());
  CHECK_FALSE(store.import(here.put("x", noise(11, 2500))));
  CHECK(store.bytes() == 2500);
  CHECK_FALSE(store.remove(ids[0]));
  store.unpin(ids[0]);
  CHECK(store.remove(ids[0]));
}

TEST_CASE("a full disk is said, and nothing else is lost") {
  shelf const here{"full"};
  auto const file = here.put("film", noise(4, 2 * chunk_bytes));
  auto const how = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    object_files store{(here.path / "o").string()};
    bool const opened = static_cast<bool>(store.open());
    auto const before = store.import(here.put("small", noise(5, 100)));
    rlimit const few{chunk_bytes, chunk_bytes};
    ::setrlimit(RLIMIT_FSIZE, &few);
    auto const after = store.import(file);
    bool const said = !after && after.why().find("File too large") != std::string::npos;
    return opened && before && said && store.holds(before.value()) && store.bytes() == 100;
  });
  CHECK(how == 0);
  object_files again{(here.path / "o").string()};
  REQUIRE(again.open());
  CHECK(again.count() == 1);
}
