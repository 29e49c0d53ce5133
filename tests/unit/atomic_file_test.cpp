// Files that are there in full or not at all.
#include "catch.hpp"
#include "folder.hpp"

#include <hydra/sim/atomic_file.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using hydra::sim::atomic_file;
namespace fs = std::filesystem;

namespace {

std::string text_of(std::string const& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("what is not kept leaves the old file and nothing else") {
  folder const here;
  std::ofstream{here.file("a")} << "old";
  {
    atomic_file file{here.file("a")};
    CHECK(file.write("new"));
    CHECK(text_of(here.file("a")) == "old");
  }
  CHECK(text_of(here.file("a")) == "old");
  CHECK(here.files() == 1);
  atomic_file again{here.file("a")};
  CHECK((again.write("ne") && again.write("w") && again.keep()));
  CHECK(again.written() == 3);
  CHECK(text_of(here.file("a")) == "new");
  CHECK(here.files() == 1);
}

TEST_CASE("what a killed writer left is swept by the next, what a living one writes is not") {
  folder const here;
  auto const child = ::fork();
  if (child == 0) {
    atomic_file file{here.file("a")};
    file.write("half");
    ::_exit(0);  // as if killed: nothing is cleaned up
  }
  ::waitpid(child, nullptr, 0);
  CHECK(here.files() == 1);
  atomic_file living{here.file("b")};
  std::ofstream{here.file("a.1.tmp")} << "of another process";
  std::ofstream{here.file("a.x.tmp")} << "of somebody else";
  atomic_file file{here.file("a")};
  CHECK((file.write("whole") && file.keep()));
  CHECK(text_of(here.file("a")) == "whole");
  CHECK(fs::exists(here.file("a.1.tmp")));
  CHECK(fs::exists(here.file("a.x.tmp")));
  CHECK(here.files() == 4);
}

TEST_CASE("a full device is said, a device is written through only where that is meant") {
  atomic_file refused{"/dev/full"};
  CHECK(refused.wrong() == "/dev/full: is there and is no regular file");
  CHECK_FALSE(refused.write("x"));
  atomic_file full{"/dev/full", atomic_file::odd::write_through};
  CHECK_FALSE(full.write("x"));
  CHECK(full.wrong() == "/dev/full: No space left on device");
  atomic_file nothing{"/dev/null", atomic_file::odd::write_through};
  CHECK((nothing.write("x") && nothing.keep()));
  atomic_file nowhere{"/nowhere/at/all"};
  CHECK_FALSE(nowhere.keep());
  CHECK(nowhere.wrong().find("/nowhere/at/all") == 0);
}
