// A file that is there in full or not at all.
//
// Promise: until keep() returns true whoever looks at the path sees what was there before; after it
// the bytes are on the disk under that name. Without it nothing is left behind. Written beside the
// path under a name of this process, which a later writer of the same path removes if this process
// was killed. A link stays a link: what it leads to is replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hydra::sim {

class atomic_file {
 public:
  // What to do when the path is a device or a pipe, which cannot be replaced.
  enum class odd { refuse, write_through };
  explicit atomic_file(std::string path, odd what = odd::refuse);
  atomic_file(atomic_file const&) = delete;
  atomic_file& operator=(atomic_file const&) = delete;
  ~atomic_file();
  // False: see wrong(). What follows a failure is not written.
  bool write(std::string_view bytes);
  bool keep();
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  // The path and what failed; empty: nothing did.
  [[nodiscard]] std::string const& wrong() const noexcept { return wrong_; }

 private:
  bool fail(std::string const& path);
  void sweep() const;
  std::string path_;
  std::string temporary_;  // empty: bytes go to the path itself
  std::string wrong_;
  int file_ = -1;
  std::uint64_t written_ = 0;
};

// Makes the names in a folder durable, where its file system can.
void settle_folder(std::string const& folder);

}  // namespace hydra::sim
