#include "state.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <mutex>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hydra::node {
namespace {

constexpr int layout = 3;  // of the tables; a later one is refused
constexpr char const* tables = R"(
create table if not exists meta(name text primary key, value text not null) without rowid;
create table if not exists records(type integer, name integer, bytes blob not null,
  primary key(type, name)) without rowid;
create table if not exists peers(key text primary key, owner text not null, name text not null,
  address text not null, last_contact_ms integer not null) without rowid;
create table if not exists ring(owner text primary key, name text not null) without rowid;
create table if not exists services(name text primary key, path text not null) without rowid;
create table if not exists jobs(nonce integer primary key, service text not null,
  state text not null, input text not null, input_bytes integer not null,
  output_bytes_max integer not null, output text not null, output_bytes integer not null,
  by text not null, detail text not null, submitted_ms integer not null,
  ended_ms integer not null, work_ms integer not null, patience_ms integer not null,
  holder text not null default '', how text not null default '',
  how_bytes integer not null default 0, memory_mb integer not null default 0,
  price_max integer not null default 4294967295, minor_min integer not null default 0,
  minor_max integer not null default 65535, within_km integer not null default 0,
  near_x integer not null default 0, near_y integer not null default 0,
  near_z integer not null default 0, regions integer not null default 255);
create table if not exists kept(object text primary key) without rowid;
create table if not exists notes(job integer, at_ms integer, text text not null);
create index if not exists notes_of on notes(job);
)";
constexpr char const* from_1_to_2 = R"(
alter table jobs add column holder text not null default '';
alter table jobs add column how text not null default '';
alter table jobs add column how_bytes integer not null default 0;
)";
constexpr char const* from_2_to_3 = R"(
alter table jobs add column memory_mb integer not null default 0;
alter table jobs add column price_max integer not null default 4294967295;
alter table jobs add column minor_min integer not null default 0;
alter table jobs add column minor_max integer not null default 65535;
alter table jobs add column within_km integer not null default 0;
alter table jobs add column near_x integer not null default 0;
alter table jobs add column near_y integer not null default 0;
alter table jobs add column near_z integer not null default 0;
alter table jobs add column regions integer not null default 255;
)";

[[nodiscard]] std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct closed {
  void operator()(sqlite3* d) const noexcept { sqlite3_close_v2(d); }
  void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
};
using database = std::unique_ptr<sqlite3, closed>;

// One statement; bind in order, then run() or row().
class statement {
 public:
  statement(sqlite3* in, char const* text) : in_{in} {
    sqlite3_stmt* made = nullptr;
    code_ = sqlite3_prepare_v2(in, text, -1, &made, nullptr);
    s_.reset(made);
  }
  statement& operator<<(std::string const& text) {
    sqlite3_bind_text(s_.get(), ++n_, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  statement& operator<<(std::int64_t number) {
    sqlite3_bind_int64(s_.get(), ++n_, number);
    return *this;
  }
  statement& operator<<(std::span<std::byte const> bytes) {
    auto const* at = bytes.empty() ? reinterpret_cast<std::byte const*>("") : bytes.data();
    sqlite3_bind_blob(s_.get(), ++n_, at, static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
    return *this;
  }
  [[nodiscard]] bool row() {
    if (s_) code_ = sqlite3_step(s_.get());
    return code_ == SQLITE_ROW;
  }
  [[nodiscard]] bool run() {
    while (row()) {}
    return code_ == SQLITE_DONE;
  }
  [[nodiscard]] bool ended() const noexcept { return code_ == SQLITE_DONE; }
  [[nodiscard]] std::string text(int column) const {
    auto const* at = reinterpret_cast<char const*>(sqlite3_column_text(s_.get(), column));
    return at == nullptr ? "" : std::string{at};
  }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(s_.get(), column);
  }
  [[nodiscard]] std::span<std::byte const> bytes(int column) const {
    auto const* at = static_cast<std::byte const*>(sqlite3_column_blob(s_.get(), column));
    return {at, static_cast<std::size_t>(sqlite3_column_bytes(s_.get(), column))};
  }

 private:
  sqlite3* in_;
  std::unique_ptr<sqlite3_stmt, closed> s_;
  int code_ = SQLITE_OK;
  int n_ = 0;
};

class in_sqlite final : public state {
 public:
  in_sqlite(std::string path, database db)
      : path_{std::move(path)}, db_{std::move(db)}, records_{*this} {}

  [[nodiscard]] net::record_store& records() override { return records_; }

  [[nodiscard]] std::vector<std::int64_t> records_of(std::uint32_t type) override {
    return all<std::int64_t>("select name from records where type = ?",
                             [](statement const& s) { return s.number(0); },
                             static_cast<std::int64_t>(type));
  }

  [[nodiscard]] std::string value(std::string const& name) override {
    std::lock_guard const lock{mutex_};
    statement s{db_.get(), "select value from meta where name = ?"};
    s << name;
    return s.row() ? s.text(0) : "";
  }
  result<bool> set_value(std::string const& name, std::string const& value) override {
    return change("insert or replace into meta values(?, ?)", name, value);
  }

  result<bool> put(known_peer const& p) override {
    return change("insert or replace into peers values(?, ?, ?, ?, ?)", p.key, p.owner, p.name,
                  p.address, p.last_contact_ms);
  }
  result<bool> remove_peer(std::string const& key) override {
    return change("delete from peers where key = ?", key);
  }
  [[nodiscard]] std::vector<known_peer> peers() override {
    return all<known_peer>("select key, owner, name, address, last_contact_ms from peers",
                           [](statement const& s) {
                             return known_peer{s.text(0), s.text(1), s.text(2), s.text(3),
                                               s.number(4)};
                           });
  }

  result<bool> put(ring_member const& m) override {
    return change("insert or replace into ring values(?, ?)", m.owner, m.name);
  }
  result<bool> remove_member(std::string const& owner) override {
    return change("delete from ring where owner = ?", owner);
  }
  [[nodiscard]] std::vector<ring_member> ring() override {
    return all<ring_member>("select owner, name from ring", [](statement const& s) {
      return ring_member{s.text(0), s.text(1)};
    });
  }

  result<bool> put(added_service const& v) override {
    return change("insert or replace into services values(?, ?)", v.name, v.path);
  }
  result<bool> remove_service(std::string const& name) override {
    return change("delete from services where name = ?", name);
  }
  [[nodiscard]] std::vector<added_service> services() override {
    return all<added_service>("select name, path from services", [](statement const& s) {
      return added_service{s.text(0), s.text(1)};
    });
  }

  [[nodiscard]] result<std::int64_t> next_nonce() override {
    std::lock_guard const lock{mutex_};
    statement s{db_.get(), "insert into meta values('nonce', 1) on conflict(name) do update "
                           "set value = value + 1 returning value"};
    if (!s.row()) return wrong();
    auto const nonce = s.number(0);
    return s.run() ? result<std::int64_t>{nonce} : wrong();
  }
  result<bool> put(job_row const& j) override {
    auto const& d = j.of_provider;
    return change(
        "insert or replace into jobs values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?)",
        j.nonce,
        j.service, j.state, j.input, j.input_bytes, j.output_bytes_max, j.output, j.output_bytes,
        j.by, j.detail, j.submitted_ms, j.ended_ms, j.work_ms, j.patience_ms, j.holder, j.how,
        j.how_bytes, std::int64_t{d.memory_mb}, std::int64_t{d.price_max},
        std::int64_t{d.minor_min}, std::int64_t{d.minor_max}, std::int64_t{d.within_km},
        std::int64_t{d.near.x}, std::int64_t{d.near.y}, std::int64_t{d.near.z},
        std::int64_t{d.regions});
  }
  [[nodiscard]] std::optional<job_row> job(std::int64_t nonce) override {
    auto rows = all<job_row>("select * from jobs where nonce = ?", job_of, nonce);
    return rows.empty() ? std::nullopt : std::optional{std::move(rows.front())};
  }
  [[nodiscard]] std::vector<job_row> jobs(std::size_t most) override {
    return all<job_row>("select * from jobs order by nonce desc limit ?", job_of,
                        static_cast<std::int64_t>(most));
  }

  result<bool> keep(std::string const& object) override {
    return change("insert or replace into kept values(?)", object);
  }
  result<bool> drop(std::string const& object) override {
    return change("delete from kept where object = ?", object);
  }
  [[nodiscard]] std::vector<std::string> kept() override {
    return all<std::string>("select object from kept", [](statement const& s) {
      return s.text(0);
    });
  }

  result<bool> note(std::int64_t job, std::string const& text) override {
    return change("insert into notes values(?, ?, ?)", job, now_ms(), text);
  }
  [[nodiscard]] std::vector<note_row> notes(std::int64_t job) override {
    return all<note_row>("select at_ms, text from notes where job = ? order by rowid limit 10000",
                         [](statement const& s) { return note_row{s.number(0), s.text(1)}; }, job);
  }

 private:
  // Receipts, bans, jobs of the Hydra: what the seam's keep and erase say.
  class of_head final : public net::record_store {
   public:
    explicit of_head(in_sqlite& in) : in_{&in} {}
    [[nodiscard]] result<bool> open() override {
      std::lock_guard const lock{in_->mutex_};
      records_.clear();
      statement s{in_->db_.get(), "select type, name, bytes from records"};
      while (s.row()) {
        auto const bytes = s.bytes(2);
        records_[{static_cast<std::uint32_t>(s.number(0)),
                  static_cast<std::uint64_t>(s.number(1))}]
            .assign(bytes.begin(), bytes.end());
      }
      if (!s.ended()) return in_->wrong();
      statement l{in_->db_.get(), "select value from meta where name = 'lives'"};
      lives_ = l.row() ? static_cast<std::uint64_t>(l.number(0)) : 0;
      return true;
    }
    [[nodiscard]] net::record_map const& records() const noexcept override { return records_; }
    [[nodiscard]] std::uint64_t lives() const noexcept override { return lives_; }
    [[nodiscard]] result<bool> commit(std::vector<std::byte> const& group) override {
      std::lock_guard const lock{in_->mutex_};
      if (!in_->say("begin immediate")) return in_->wrong();
      bool good = true;
      auto const done = each_entry(group, [&](what op, net::record_name of, auto bytes) {
        good = good && apply(op, of, bytes);
      });
      if (good && done == group.size() && in_->say("commit")) return true;
      auto const why = in_->wrong();
      in_->say("rollback");
      return why;
    }
    void close() noexcept override { records_.clear(); }

   private:
    bool apply(what op, net::record_name of, std::span<std::byte const> bytes) {
      auto* const db = in_->db_.get();
      auto const type = static_cast<std::int64_t>(of.type);
      auto const name = static_cast<std::int64_t>(of.name);
      if (op == what::keep) {
        statement s{db, "insert or replace into records values(?, ?, ?)"};
        s << type << name << bytes;
        return s.run();
      }
      if (op == what::erase) {
        statement s{db, "delete from records where type = ? and name = ?"};
        s << type << name;
        return s.run();
      }
      statement s{db, "insert or replace into meta values('lives', ?)"};
      s << name;
      return s.run();
    }
    in_sqlite* in_;
    net::record_map records_;
    std::uint64_t lives_ = 0;
  };

  [[nodiscard]] error wrong() const { return {path_ + ": " + sqlite3_errmsg(db_.get())}; }
  bool say(char const* text) {
    return sqlite3_exec(db_.get(), text, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  template <class... A>
  result<bool> change(char const* text, A const&... values) {
    std::lock_guard const lock{mutex_};
    statement s{db_.get(), text};
    static_cast<void>((s << ... << values));
    return s.run() ? result<bool>{true} : wrong();
  }
  template <class T, class F, class... A>
  std::vector<T> all(char const* text, F&& of, A const&... values) {
    std::lock_guard const lock{mutex_};
    statement s{db_.get(), text};
    static_cast<void>((s << ... << values));
    std::vector<T> out;
    while (s.row()) out.push_back(of(s));
    return out;
  }
  static job_row job_of(statement const& s) {
    return {s.number(0), s.text(1),   s.text(2),    s.text(3),    s.number(4),
            s.number(5), s.text(6),   s.number(7),  s.text(8),    s.text(9),
            s.number(10), s.number(11), s.number(12), s.number(13), s.text(14), s.text(15),
            s.number(16), demands_of(s, 17)};
  }
  static demands demands_of(statement const& s, int first) {
    demands d;
    auto const next = [&](auto& to) {
      to = static_cast<std::remove_reference_t<decltype(to)>>(s.number(first++));
    };
    next(d.memory_mb);
    next(d.price_max);
    next(d.minor_min);
    next(d.minor_max);
    next(d.within_km);
    next(d.near.x);
    next(d.near.y);
    next(d.near.z);
    next(d.regions);
    return d;
  }

  std::string path_;
  database db_;
  std::mutex mutex_;
  of_head records_;
};

}  // namespace

result<std::unique_ptr<state>> state::open(std::string const& path) {
  sqlite3* raw = nullptr;
  auto const how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  auto const opened = sqlite3_open_v2(path.c_str(), &raw, how, nullptr);
  database db{raw};
  auto const wrong = [&] { return error{path + ": " + sqlite3_errmsg(db.get())}; };
  auto const say = [&](char const* text) {
    return sqlite3_exec(db.get(), text, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  if (opened != SQLITE_OK) return wrong();
  ::chmod(path.c_str(), 0600);
  // Exclusive: two nodes on one state would each undo what the other says.
  bool const ready = say("pragma locking_mode = exclusive") && say("pragma journal_mode = wal") &&
                     say("pragma synchronous = full") && say("begin immediate; commit");
  if (!ready) {
    return sqlite3_errcode(db.get()) == SQLITE_BUSY
               ? error{path + ": is in use: another node runs here (hydra status)"}
               : wrong();
  }
  std::int64_t written = 0;
  {
    statement s{db.get(), "pragma quick_check(1)"};
    if (!s.row() || s.text(0) != "ok") {
      return error{path + ": is damaged: " + s.text(0) + "; it is left as it is"};
    }
    statement v{db.get(), "pragma user_version"};
    written = v.row() ? v.number(0) : 0;
    if (written > layout) {
      return error{path + ": was written by a later version of this program"};
    }
  }
  bool const older = written == 1 || written == 2;
  auto const all = std::string{"begin;"} + (written == 1 ? from_1_to_2 : "") +
                   (older ? from_2_to_3 : "") + tables +
                   "pragma user_version = " + std::to_string(layout) + "; commit";
  if (!say(all.c_str())) return wrong();
  return std::unique_ptr<state>{std::make_unique<in_sqlite>(path, std::move(db))};
}

}  // namespace hydra::node
