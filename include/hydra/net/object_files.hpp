// Objects on this machine's disk: immutable bytes, each in a file under the name of its hash.
//
//   FOLDER/ab/abcd…64 hex digits          the bytes of a whole object
//   FOLDER/ab/abcd….tree                  its leaves, 32 bytes each
//   FOLDER/ab/abcd….part                  bytes that came so far, at their place
//   FOLDER/ab/abcd….have                  length, leaves, then one byte for each chunk: 1 is here
//
// Promise. A file with a whole name holds the object: it got the name after all its chunks had
// proved themselves and were on the disk (fsync, rename). What was cut short goes on where it
// stopped, after kill -9 too: a chunk counts when it was written and proved itself, and is proved
// again when the object is taken up. Parts of an object can be had without the rest. What rots on
// the disk is found out by verify() or by whoever gets it, set aside as .damaged, and said.
// Bounds: bytes_max of whole and half objects together; what was used last stays longest, what is
// pinned stays. Memory: an entry of some 100 bytes for each object; of a half one that was taken
// up in this life also 33 bytes for each chunk.
// Errors: a result that names the path and what failed. Not for two processes at once; all calls
// from one thread at a time.
#pragma once

#include <hydra/core/outcome.hpp>
#include <hydra/net/chunk_tree.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace hydra::net {

[[nodiscard]] inline std::string hex_of(object_id id) {
  static constexpr char const* digits = "0123456789abcdef";
  std::string out;
  for (auto w : id.hash.words()) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      out += digits[w >> static_cast<unsigned>(shift) & 15U];
    }
  }
  return out;
}
[[nodiscard]] inline std::optional<object_id> object_of_hex(std::string_view text) {
  if (text.size() != 64) return std::nullopt;
  digest256 words{};
  for (std::size_t i = 0; i < 64; ++i) {
    auto const c = text[i];
    bool const digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    auto const value = static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    words[i / 16] = words[i / 16] << 4U | value;
  }
  return object_id{key{words}};
}

namespace detail {

// A open_file that closes itself.
class open_file {
 public:
  explicit open_file(int file = -1) noexcept : file_{file} {}
  open_file(open_file&& other) noexcept : file_{std::exchange(other.file_, -1)} {}
  open_file& operator=(open_file&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~open_file() {
    if (file_ >= 0) ::close(file_);
  }
  [[nodiscard]] int get() const noexcept { return file_; }
  [[nodiscard]] explicit operator bool() const noexcept { return file_ >= 0; }

 private:
  int file_;
};

[[nodiscard]] inline bool write_at(int file, std::span<std::byte const> bytes,
                                   std::uint64_t at) noexcept {
  while (!bytes.empty()) {
    auto const n = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return true;
}
// Less than asked for: the end of the file, or an error.
[[nodiscard]] inline std::size_t read_at(int file, std::span<std::byte> to,
                                         std::uint64_t at) noexcept {
  std::size_t done = 0;
  while (done < to.size()) {
    auto const n = ::pread(file, to.data() + done, to.size() - done,
                           static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}
inline void sync_folder(std::string const& path) noexcept {
  open_file const dir{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir) ::fsync(dir.get());
}

}  // namespace detail

struct object_files_limits {
  std::uint64_t bytes_max = std::uint64_t{16} << 30U;  // of all objects, half ones included
  std::size_t objects_max = 1U << 20U;
};

// What is known of an object here.
struct object_entry {
  std::uint64_t length = 0;
  std::uint64_t used = 0;  // a count of uses, not a time
  std::uint32_t pins = 0;
  bool whole = false;
};

// What happened since it was asked last: an object is whole here, or is no more.
struct object_change {
  object_id what{};
  std::uint64_t length = 0;
  bool here = false;
};

class object_files {
 public:
  using limits = object_files_limits;
  explicit object_files(std::string folder, limits l = {})
      : folder_{std::move(folder)}, limits_{l} {}

  // Makes the folder, or finds what is in it. Files that are none of ours stay and count nothing.
  [[nodiscard]] result<bool> open() {
    std::error_code wrong;
    std::filesystem::create_directories(folder_, wrong);
    if (wrong) return error{folder_ + ": " + wrong.message()};
    std::vector<std::pair<std::int64_t, object_id>> by_age;
    for (auto const& shelf : std::filesystem::directory_iterator{folder_, wrong}) {
      std::error_code inner;
      auto const name = shelf.path().filename().string();
      if (name.starts_with("import.")) ::unlink(shelf.path().c_str());  // of a life that ended
      if (!shelf.is_directory(inner)) continue;
      for (auto const& file : std::filesystem::directory_iterator{shelf.path(), inner}) {
        find_again(file.path(), by_age);
      }
    }
    if (wrong) return error{folder_ + ": " + wrong.message()};
    std::sort(by_age.begin(), by_age.end());
    for (auto const& [age, id] : by_age) all_[id].used = ++uses_;
    changes_.clear();
    for (auto const& [id, e] : all_) {
      if (e.whole) changes_.push_back({id, e.length, true});
    }
    return true;
  }

  [[nodiscard]] object_entry const* find(object_id id) const {
    auto const it = all_.find(id);
    return it == all_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] bool holds(object_id id) const {
    auto const* e = find(id);
    return e != nullptr && e->whole;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t count() const noexcept { return all_.size(); }
  [[nodiscard]] std::string path_of(object_id id) const { return base(id); }
  template <class F>
  void each(F&& visit) const {
    for (auto const& [id, e] : all_) visit(id, e);
  }
  [[nodiscard]] std::vector<object_change> take_changes() { return std::exchange(changes_, {}); }
  void pin(object_id id) {
    if (auto const it = all_.find(id); it != all_.end()) ++it->second.pins;
  }
  void unpin(object_id id) {
    auto const it = all_.find(id);
    if (it != all_.end() && it->second.pins > 0) --it->second.pins;
  }

  // Copies a file in and names it. Memory: one chunk and the leaves.
  [[nodiscard]] result<object_id> import(std::string const& path) {
    detail::open_file const in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat about {};
    if (!in || ::fstat(in.get(), &about) != 0) return failed(path);
    if (!S_ISREG(about.st_mode)) return error{path + ": is no regular file"};
    auto const length = static_cast<std::uint64_t>(about.st_size);
    if (auto const no = no_room(length, path)) return *no;
    auto const fresh = folder_ + "/import." + std::to_string(::getpid()) + "." +
                       std::to_string(++imports_);
    auto done = copy_in(in.get(), length, path, fresh);
    if (!done) ::unlink(fresh.c_str());
    return done;
  }

  // ---- giving away

  // Whether these bytes are here; those of a half object once it was taken up.
  [[nodiscard]] bool holds(object_id id, byte_range which) const {
    auto const* e = find(id);
    if (e == nullptr || which.first > e->length || which.count > e->length - which.first) {
      return false;
    }
    if (e->whole || which.count == 0) return true;
    auto const half = halves_.find(id);
    if (half == halves_.end()) return false;
    auto const last = (which.first + which.count - 1) / chunk_bytes;
    for (auto i = which.first / chunk_bytes; i <= last; ++i) {
      if (half->second.have[i] == 0) return false;
    }
    return true;
  }
  // The leaves of an object, proved against its name.
  [[nodiscard]] result<std::vector<leaf_hash>> leaves(object_id id) {
    if (auto const half = halves_.find(id); half != halves_.end()) return half->second.leaves;
    auto const* e = find(id);
    if (e == nullptr || !e->whole) return error{hex_of(id) + ": is not here"};
    auto const path = base(id) + ".tree";
    detail::open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::vector<leaf_hash> out(chunks_of(e->length));
    auto const bytes = std::as_writable_bytes(std::span{out});
    bool const read = file && detail::read_at(file.get(), bytes, 0) == bytes.size();
    if (read && proves(id, e->length, out)) return out;
    return rebuilt(id, e->length);
  }
  // The bytes of one chunk as they lie there; whoever needs to know that they hold asks verify().
  [[nodiscard]] result<bool> read(object_id id, std::uint64_t chunk, std::vector<std::byte>& to) {
    auto const it = all_.find(id);
    if (it == all_.end() || chunk >= chunks_of(it->second.length)) {
      return error{hex_of(id) + ": chunk " + std::to_string(chunk) + " is not here"};
    }
    auto& e = it->second;
    e.used = ++uses_;
    to.resize(bytes_of_chunk(e.length, chunk));
    if (!holds(id, {chunk * chunk_bytes, to.size()})) {
      return error{hex_of(id) + ": chunk " + std::to_string(chunk) + " is not here"};
    }
    auto const path = e.whole ? base(id) : base(id) + ".part";
    detail::open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file && detail::read_at(file.get(), to, chunk * chunk_bytes) == to.size()) return true;
    return set_aside(id, chunk);
  }
  // Writes a range of an object to a new file; every chunk of it proves itself on the way.
  [[nodiscard]] result<bool> copy_out(object_id id, byte_range which, std::string const& to) {
    auto const proved = leaves(id);
    if (!proved) return error{proved.why()};
    if (!holds(id, which)) return error{hex_of(id) + ": these bytes are not here"};
    detail::open_file const out{::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!out) return failed(to);
    std::vector<std::byte> chunk;
    auto const end = which.first + which.count;
    for (auto at = which.first; at < end;) {
      auto const i = at / chunk_bytes;
      auto const there = read(id, i, chunk);
      if (!there) return there;
      if (leaf_of(chunk) != proved.value()[i]) return set_aside(id, i);
      auto const from = at - i * chunk_bytes;
      auto const n = std::min<std::uint64_t>(chunk.size() - from, end - at);
      auto const part = std::span{chunk}.subspan(from, n);
      if (!detail::write_at(out.get(), part, at - which.first)) return failed(to);
      at += n;
    }
    return true;
  }
  // Reads all that is here of an object. What does not hold is set aside, and said.
  [[nodiscard]] result<bool> verify(object_id id) {
    auto const proved = leaves(id);
    if (!proved) return error{proved.why()};
    std::vector<std::byte> chunk;
    for (std::uint64_t i = 0; i < proved.value().size(); ++i) {
      if (!holds(id, {i * chunk_bytes, bytes_of_chunk(find(id)->length, i)})) continue;
      auto const there = read(id, i, chunk);
      if (!there) return there;
      if (leaf_of(chunk) != proved.value()[i]) return set_aside(id, i);
    }
    return true;
  }

  // ---- receiving

  // Takes up an object that was begun, or begins it. Its leaves must prove themselves.
  [[nodiscard]] result<bool> begin(object_id id, std::uint64_t length,
                                   std::vector<leaf_hash> leaves) {
    if (!proves(id, length, leaves)) {
      return error{hex_of(id) + ": its tree does not hold for " + std::to_string(length) +
                   " bytes"};
    }
    auto const* e = find(id);
    if (e != nullptr && (e->whole || halves_.contains(id))) return true;
    if (e == nullptr) {
      if (auto const no = no_room(length, hex_of(id))) return *no;
    }
    half_object in;
    in.leaves = std::move(leaves);
    in.have.assign(chunks_of(length), 0);
    in.missing = in.have.size();
    if (auto const wrong = open_half(id, length, in)) return *wrong;
    if (e == nullptr) count_in(id, {length, ++uses_, 0, false});
    halves_.emplace(id, std::move(in));
    return halves_.at(id).missing == 0 ? finish(id) : result<bool>{true};
  }
  // False as a value: the chunk does not hold, and nothing was written. An error: the disk.
  // With the last chunk the object is whole, durably.
  [[nodiscard]] result<bool> add(object_id id, std::uint64_t chunk,
                                 std::span<std::byte const> bytes) {
    auto const it = halves_.find(id);
    if (it == halves_.end()) return holds(id);  // it is whole, or nobody began it
    auto& to = it->second;
    bool const fits = chunk < to.have.size() &&
                      bytes.size() == bytes_of_chunk(all_[id].length, chunk);
    if (!fits || leaf_of(bytes) != to.leaves[chunk]) return false;
    if (to.have[chunk] != 0) return true;
    if (!detail::write_at(to.part.get(), bytes, chunk * chunk_bytes)) {
      return failed(base(id) + ".part");
    }
    auto const one = std::byte{1};
    if (!detail::write_at(to.map.get(), {&one, 1}, map_head(to.leaves.size()) + chunk)) {
      return failed(base(id) + ".have");
    }
    to.have[chunk] = 1;
    return --to.missing == 0 ? finish(id) : result<bool>{true};
  }
  [[nodiscard]] std::uint64_t missing(object_id id) const {  // chunks
    auto const it = halves_.find(id);
    return it == halves_.end() ? 0 : it->second.missing;
  }

  // Gives it up. False: it is pinned, or not here.
  bool remove(object_id id) {
    auto const it = all_.find(id);
    if (it == all_.end() || it->second.pins > 0) return false;
    auto const path = base(id);
    for (auto const* end : {"", ".tree", ".part", ".have"}) ::unlink((path + end).c_str());
    forget(it);
    return true;
  }

 private:
  struct half_object {
    std::uint64_t missing = 0;  // chunks
    std::vector<leaf_hash> leaves;
    std::vector<std::uint8_t> have;
    detail::open_file part;
    detail::open_file map;
  };
  static error failed(std::string const& path) { return {path + ": " + std::strerror(errno)}; }
  [[nodiscard]] std::string shelf(object_id id) const {
    return folder_ + "/" + hex_of(id).substr(0, 2);
  }
  [[nodiscard]] std::string base(object_id id) const { return shelf(id) + "/" + hex_of(id); }
  static constexpr std::uint64_t map_head(std::size_t leaves) { return 8 + 32 * leaves; }

  void forget(std::map<object_id, object_entry>::iterator it) {
    if (it->second.whole) changes_.push_back({it->first, it->second.length, false});
    bytes_ -= it->second.length;
    halves_.erase(it->first);
    all_.erase(it);
  }
  void count_in(object_id id, object_entry e) {
    bytes_ += e.length;
    all_[id] = e;
  }
  // Gives up what was used longest ago until so much more fits; else why it does not.
  [[nodiscard]] std::optional<error> no_room(std::uint64_t length, std::string const& what) {
    auto const no = [&](std::string const& bound) {
      return error{what + ": " + std::to_string(length) + " bytes do not fit: " + bound};
    };
    if (length > object_bytes_max) {
      return no("an object has at most " + std::to_string(object_bytes_max));
    }
    auto const quota = "the quota of " + folder_ + " is " + std::to_string(limits_.bytes_max) +
                       " bytes";
    if (length > limits_.bytes_max) return no(quota);
    while (bytes_ + length > limits_.bytes_max || all_.size() >= limits_.objects_max) {
      auto oldest = all_.end();
      for (auto it = all_.begin(); it != all_.end(); ++it) {
        if (it->second.pins > 0) continue;
        if (oldest == all_.end() || it->second.used < oldest->second.used) oldest = it;
      }
      if (oldest == all_.end()) return no(quota + ", and what is there is in use");
      remove(oldest->first);
    }
    return std::nullopt;
  }
  void find_again(std::filesystem::path const& path,
                  std::vector<std::pair<std::int64_t, object_id>>& by_age) {
    auto const name = path.filename().string();
    bool const half = name.ends_with(".part");
    auto const id = object_of_hex(half ? name.substr(0, name.size() - 5) : name);
    struct stat about {};
    if (!id || ::stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return;
    if (half && holds(*id)) return;
    auto length = static_cast<std::uint64_t>(about.st_size);
    if (half) {
      auto const said = length_of_map(base(*id) + ".have");
      if (!said) {  // nothing can be done with it
        ::unlink(path.c_str());
        return;
      }
      length = *said;
    } else if (auto const* before = find(*id)) {
      bytes_ -= before->length;
    }
    count_in(*id, {length, 0, 0, !half});
    by_age.emplace_back(std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec,
                        *id);
  }
  static std::optional<std::uint64_t> length_of_map(std::string const& path) {
    detail::open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<std::byte, 8> head;
    if (!file || detail::read_at(file.get(), head, 0) != head.size()) return std::nullopt;
    std::uint64_t length = 0;
    for (std::size_t i = 8; i > 0; --i) {
      length = length << 8U | std::to_integer<std::uint64_t>(head[i - 1]);
    }
    return length <= object_bytes_max ? std::optional{length} : std::nullopt;
  }

  [[nodiscard]] result<object_id> copy_in(int in, std::uint64_t length, std::string const& from,
                                          std::string const& fresh) {
    detail::open_file out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!out) return failed(fresh);
    std::vector<leaf_hash> leaves;
    std::vector<std::byte> chunk;
    for (std::uint64_t i = 0; i < chunks_of(length); ++i) {
      chunk.resize(bytes_of_chunk(length, i));
      if (detail::read_at(in, chunk, i * chunk_bytes) != chunk.size()) {
        return error{from + ": became shorter while it was read"};
      }
      leaves.push_back(leaf_of(chunk));
      if (!detail::write_at(out.get(), chunk, i * chunk_bytes)) return failed(fresh);
    }
    if (::fsync(out.get()) != 0) return failed(fresh);
    auto const id = object_named(length, leaves);
    if (holds(id)) {
      ::unlink(fresh.c_str());
      all_[id].used = ++uses_;
      return id;
    }
    auto const path = base(id);
    if (::mkdir(shelf(id).c_str(), 0700) != 0 && errno != EEXIST) return failed(shelf(id));
    if (auto const wrong = write_tree(path, leaves)) return *wrong;
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path);
    detail::sync_folder(shelf(id));
    if (auto const it = all_.find(id); it != all_.end()) forget(it);  // a half one
    for (auto const* end : {".part", ".have"}) ::unlink((path + end).c_str());
    count_in(id, {length, ++uses_, 0, true});
    changes_.push_back({id, length, true});
    return id;
  }
  // Not a promise: a tree that is torn is built again from the bytes.
  [[nodiscard]] static std::optional<error> write_tree(std::string const& path,
                                                       std::vector<leaf_hash> const& leaves) {
    detail::open_file const file{::open((path + ".tree").c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    bool const good = file && detail::write_at(file.get(), std::as_bytes(std::span{leaves}), 0);
    return good ? std::nullopt : std::optional{failed(path + ".tree")};
  }
  [[nodiscard]] result<std::vector<leaf_hash>> rebuilt(object_id id, std::uint64_t length) {
    detail::open_file const file{::open(base(id).c_str(), O_RDONLY | O_CLOEXEC)};
    std::vector<leaf_hash> out;
    std::vector<std::byte> chunk;
    for (std::uint64_t i = 0; file && i < chunks_of(length); ++i) {
      chunk.resize(bytes_of_chunk(length, i));
      if (detail::read_at(file.get(), chunk, i * chunk_bytes) != chunk.size()) break;
      out.push_back(leaf_of(chunk));
    }
    if (!proves(id, length, out)) return set_aside(id, out.size());
    static_cast<void>(write_tree(base(id), out));
    return out;
  }
  error set_aside(object_id id, std::uint64_t chunk) {
    auto const path = base(id);
    ::rename(path.c_str(), (path + ".damaged").c_str());
    for (auto const* end : {".tree", ".part", ".have"}) ::unlink((path + end).c_str());
    forget(all_.find(id));
    return {path + ": chunk " + std::to_string(chunk) +
            " does not hold; the file is set aside as .damaged"};
  }
  // Opens, or takes up, the files of a half object.
  [[nodiscard]] std::optional<error> open_half(object_id id, std::uint64_t length,
                                               half_object& in) {
    auto const path = base(id);
    if (::mkdir(shelf(id).c_str(), 0700) != 0 && errno != EEXIST) return failed(shelf(id));
    constexpr int how = O_RDWR | O_CREAT | O_CLOEXEC;
    in.part = detail::open_file{::open((path + ".part").c_str(), how, 0600)};
    if (!in.part) return failed(path + ".part");
    in.map = detail::open_file{::open((path + ".have").c_str(), how, 0600)};
    if (!in.map) return failed(path + ".have");
    if (length_of_map(path + ".have") == length) take_up(length, in);
    auto const head = map_head(in.leaves.size());
    std::vector<std::byte> map(head + in.have.size());
    for (std::size_t i = 0; i < 8; ++i) map[i] = static_cast<std::byte>(length >> (8 * i));
    if (!in.leaves.empty()) std::memcpy(map.data() + 8, in.leaves.data(), 32 * in.leaves.size());
    if (!in.have.empty()) std::memcpy(map.data() + head, in.have.data(), in.have.size());
    if (!detail::write_at(in.map.get(), map, 0)) return failed(path + ".have");
    return std::nullopt;
  }
  // Chunks that are said to be there prove themselves again: the disk may have lost them.
  static void take_up(std::uint64_t length, half_object& in) {
    std::vector<std::byte> said(in.have.size());
    auto const n = detail::read_at(in.map.get(), said, map_head(in.leaves.size()));
    std::vector<std::byte> chunk;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (said[i] != std::byte{1}) continue;
      chunk.resize(bytes_of_chunk(length, i));
      bool const there = detail::read_at(in.part.get(), chunk, i * chunk_bytes) == chunk.size();
      if (!there || leaf_of(chunk) != in.leaves[i]) continue;
      in.have[i] = 1;
      --in.missing;
    }
  }
  // All chunks are there: it gets its name.
  [[nodiscard]] result<bool> finish(object_id id) {
    auto const path = base(id);
    auto const& in = halves_.at(id);
    if (::fsync(in.part.get()) != 0) return failed(path + ".part");
    if (auto const wrong = write_tree(path, in.leaves)) return *wrong;
    if (::rename((path + ".part").c_str(), path.c_str()) != 0) return failed(path);
    detail::sync_folder(shelf(id));
    ::unlink((path + ".have").c_str());
    halves_.erase(id);
    auto& e = all_[id];
    e.whole = true;
    e.used = ++uses_;
    changes_.push_back({id, e.length, true});
    return true;
  }

  std::string folder_;
  limits limits_;
  std::map<object_id, object_entry> all_;
  std::map<object_id, half_object> halves_;  // that were taken up
  std::vector<object_change> changes_;
  std::uint64_t bytes_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t imports_ = 0;
};

}  // namespace hydra::net
