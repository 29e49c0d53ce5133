// The tables as an SQLite database, where SQLite was there when this was built.
#include "report_facts.hpp"

#include <stdexcept>

#ifdef HYDRA_HAS_SQLITE
#include <sqlite3.h>

#include <memory>
#endif

namespace hydra::sim {

#ifdef HYDRA_HAS_SQLITE

namespace {

// In memory, so that the file is written like every other: in full or not at all.
class database final : public table_sink {
 public:
  database() {
    sqlite3* opened = nullptr;
    if (sqlite3_open(":memory:", &opened) != SQLITE_OK) throw std::bad_alloc{};
    base_.reset(opened);
    run("BEGIN");
  }
  void begin(char const* table, std::vector<char const*> const& columns) override {
    std::string names, places;
    for (auto const* c : columns) {
      names += (names.empty() ? "" : ", ") + std::string{"\""} + c + "\"";
      places += places.empty() ? "?" : ", ?";
    }
    run(("CREATE TABLE " + std::string{table} + " (" + names + ")").c_str());
    auto const insert = "INSERT INTO " + std::string{table} + " VALUES (" + places + ")";
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v2(base_.get(), insert.c_str(), -1, &made, nullptr));
    insert_.reset(made);
  }
  void row(std::vector<table_cell> const& cells) override {
    auto* s = insert_.get();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      int const at = static_cast<int>(i) + 1;
      auto const& c = cells[i];
      switch (c.what) {
        case table_cell::kind::nothing: check(sqlite3_bind_null(s, at)); break;
        case table_cell::kind::number: check(sqlite3_bind_int64(s, at, c.number)); break;
        case table_cell::kind::text:
          check(sqlite3_bind_text(s, at, c.text.data(), static_cast<int>(c.text.size()),
                                  SQLITE_TRANSIENT));
          break;
      }
    }
    if (sqlite3_step(s) != SQLITE_DONE) check(SQLITE_ERROR);
    check(sqlite3_reset(s));
  }
  [[nodiscard]] std::string bytes() {
    insert_.reset();
    run("COMMIT");
    sqlite3_int64 size = 0;
    std::unique_ptr<unsigned char, free_bytes> const all{
        sqlite3_serialize(base_.get(), "main", &size, 0)};
    if (!all) throw std::bad_alloc{};
    return {reinterpret_cast<char const*>(all.get()), static_cast<std::size_t>(size)};
  }

 private:
  struct close_base {
    void operator()(sqlite3* b) const noexcept { sqlite3_close(b); }
  };
  struct end_statement {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  struct free_bytes {
    void operator()(unsigned char* b) const noexcept { sqlite3_free(b); }
  };
  void check(int code) {
    if (code != SQLITE_OK) {
      throw std::runtime_error{std::string{"run.sqlite: "} + sqlite3_errmsg(base_.get())};
    }
  }
  void run(char const* what) { check(sqlite3_exec(base_.get(), what, nullptr, nullptr, nullptr)); }

  std::unique_ptr<sqlite3, close_base> base_;
  std::unique_ptr<sqlite3_stmt, end_statement> insert_;
};

}  // namespace

bool sqlite_is_built_in() noexcept { return true; }

std::string database_of(report_facts const& f) {
  database out;
  tell_jobs(f, out);
  tell_hydras(f, out);
  tell_timeline(f, out);
  return out.bytes();
}

#else

bool sqlite_is_built_in() noexcept { return false; }
std::string database_of(report_facts const&) {
  throw std::runtime_error{"run.sqlite: SQLite was not there when this was built"};
}

#endif

}  // namespace hydra::sim
