#include "meta/sqlite/database.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>

#include "base/mark.h"
#include "base/mutant.h"

namespace mq::meta {
namespace {

constexpr std::int64_t kApplicationId = 0x6d716d64;  // "mqmd", in the file's header

// locking_mode comes first: with it, WAL needs no shared memory. 512 KiB of pages hold a small cluster's metadata; a
// big one is read once at start and then lives in the broker's image. The log is folded into the file every 4 MiB.
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-512;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=1000;"
    "PRAGMA journal_size_limit=4194304;";

// How each format is made of the one before it; a file's format, its header's user_version, counts these.
constexpr const char* kFormatSteps[] = {
    "CREATE TABLE entries(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, created INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, write_id BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE newest(id INTEGER PRIMARY KEY CHECK(id=1), revision INTEGER NOT NULL) STRICT;"
    "INSERT INTO newest VALUES(1, 0);",

    // A value that is NULL: the key was erased.
    "CREATE TABLE changes(revision INTEGER NOT NULL, step INTEGER NOT NULL, made_at INTEGER NOT NULL,"
    " key BLOB NOT NULL, value BLOB, created INTEGER NOT NULL, write_id BLOB NOT NULL,"
    " PRIMARY KEY(revision, step)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE leased(key BLOB PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;"
    "ALTER TABLE newest ADD COLUMN changes_after INTEGER NOT NULL DEFAULT 0;"
    "UPDATE newest SET changes_after=revision;",
};
constexpr std::int64_t kFormat = std::size(kFormatSteps);

/// What makes a file of `format` (0: of nothing) one of the newest.
std::string steps_from(std::int64_t format) {
  std::string sql;
  for (std::int64_t step = format; step < kFormat; ++step) sql += kFormatSteps[step];
  return sql + fmt::format("PRAGMA user_version={};", kFormat);
}

// What was changed is kept within these bounds also when few transactions, or none for long, come: a write erases a few
// old ones, so that none waits for many.
constexpr std::int64_t kChangesKeptBytesMax = 16 << 20;
constexpr int kForgottenPerWriteMax = 4;
constexpr std::int64_t kChangesKeptMs = std::chrono::duration_cast<std::chrono::milliseconds>(kChangesKept).count();

// In the header of every SQLite file: who may read and write it; 2 means in WAL mode only.
constexpr std::size_t kReadVersionAt = 18;
constexpr std::size_t kWriteVersionAt = 19;

/// A store without entries, as the bytes of its file.
Result<std::string> empty_store() {
  sqlite3* memory = nullptr;
  int code = sqlite3_open(":memory:", &memory);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> closes(memory, sqlite3_close);
  const std::string tables =
      fmt::format("PRAGMA page_size=4096; PRAGMA application_id={};", kApplicationId) + steps_from(0);
  if (code == SQLITE_OK) code = sqlite3_exec(memory, tables.c_str(), nullptr, nullptr, nullptr);
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> image(
      code == SQLITE_OK ? sqlite3_serialize(memory, "main", &size, 0) : nullptr, sqlite3_free);
  if (!image) return fail(Errc::internal, "cannot make an empty metadata store: {}", sqlite3_errmsg(memory));
  std::string bytes(reinterpret_cast<const char*>(image.get()), static_cast<std::size_t>(size));
  bytes[kReadVersionAt] = bytes[kWriteVersionAt] = 2;
  return bytes;
}

/// The first key after every key that begins with `prefix`; where there is none, what no key can be.
std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return std::string(kKeyBytesMax + 1, '\xff');
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

/// The first key after `key`.
std::string next_key(std::string key) { return std::move(key) + '\0'; }

}  // namespace

/// One execution of a prepared statement: binds, steps, and resets it at the end.
class Database::Use {
 public:
  explicit Use(const Statement& statement) : statement_(statement.get()) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  /// `bytes` must live as long as this. A null pointer would bind NULL, and an empty value is not NULL.
  Use& bind(BytesView bytes) {
    const char* from = bytes.data() == nullptr ? "" : bytes.data();
    return note(sqlite3_bind_blob64(statement_, ++bound_, from, bytes.size(), SQLITE_STATIC));
  }
  Use& bind(std::int64_t number) { return note(sqlite3_bind_int64(statement_, ++bound_, number)); }
  Use& bind(Revision revision) { return bind(revision.value()); }
  Use& bind(const WriteId& id) { return bind(BytesView{reinterpret_cast<const char*>(id.data()), id.size()}); }

  /// SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return failed_ == SQLITE_OK ? sqlite3_step(statement_) : failed_; }

  [[nodiscard]] BytesView bytes(int column) const {
    const void* from = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return from == nullptr ? BytesView{} : BytesView{static_cast<const char*>(from), size};
  }
  [[nodiscard]] std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Of the columns key, value, created, modified, write_id.
  [[nodiscard]] KeyValue entry() const {
    KeyValue entry{.key = std::string(bytes(0)),
                   .value = std::string(bytes(1)),
                   .created = Revision{number(2)},
                   .modified = Revision{number(3)}};
    const BytesView id = bytes(4);
    if (!id.empty()) std::memcpy(entry.write_id.data(), id.data(), std::min(id.size(), entry.write_id.size()));
    return entry;
  }

 private:
  Use& note(int code) {
    if (failed_ == SQLITE_OK) failed_ = code;
    return *this;
  }
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int failed_ = SQLITE_OK;
};

Result<std::shared_ptr<Database>> Database::open(env::Files& files, env::Random& random, const env::Clock& clock,
                                                 const std::string& path, LastStop last_stop) {
  auto database = std::make_shared<Database>(files, random, clock, path);
  MQ_CHECK(database->make_file_if_missing());
  if (last_stop == LastStop::unclean) MQ_CHECK(database->face_disk());
  MQ_CHECK(database->open_file());
  if (last_stop == LastStop::unclean) MQ_MARK("meta: metadata.db is checked after an unclean stop");
  if (last_stop == LastStop::unclean) MQ_CHECK(database->check_whole());
  MQ_CHECK(database->take_over_format());
  MQ_CHECK(database->prepare_statements());
  MQ_CHECK(database->read_state());
  // The process that put them is gone, and its session with it.
  MQ_CHECK(database->erase_leased());
  MQ_CHECK(database->alive());
  return database;
}

Database::Database(env::Files& files, env::Random& random, const env::Clock& clock, std::string path)
    : files_(files), clock_(clock), path_(std::move(path)), vfs_(files, random, clock) {}

Database::~Database() { vfs_.cut_off(); }

Result<std::optional<KeyValue>> Database::get(std::string_view key) {
  MQ_CHECK(alive());
  Use use(get_);
  const int code = use.bind(key).step();
  if (code == SQLITE_ROW) return use.entry();
  if (code == SQLITE_DONE) return std::nullopt;
  return fail(error(code));
}

Result<std::optional<Listing>> Database::list(std::string_view prefix, const std::optional<NextPage>& page) {
  MQ_CHECK(alive());
  const std::string from = page ? next_key(page->after) : std::string(prefix);
  const std::string end = end_of_prefix(prefix);
  if (page) {
    // What is left is as it was at the first page when nothing in it was changed since.
    if (page->revision < history_.begins_after || page->revision > revision_) return std::nullopt;
    MQ_TRY(const bool has_changed, has_changed_after(page->revision, from, end));
    if (has_changed) return std::nullopt;
  }
  Listing listing{.revision = page ? page->revision : revision_, .entries = {}, .next = {}};
  PageFill fill;
  Use use(list_);
  use.bind(BytesView(from)).bind(BytesView(end));
  int code = use.step();
  for (; code == SQLITE_ROW && !fill.is_full(); code = use.step()) fill.add(listing.entries.emplace_back(use.entry()));
  if (code == SQLITE_ROW) {
    listing.next = NextPage{.revision = listing.revision, .after = listing.entries.back().key};
  } else if (code != SQLITE_DONE) {
    return fail(error(code));
  }
  return listing;
}

Result<bool> Database::has_changed_after(Revision since, std::string_view from, std::string_view end) {
  if (since == revision_) return false;
  Use use(has_changed_);
  const int code = use.bind(since).bind(from).bind(end).step();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return fail(error(code));
  return code == SQLITE_ROW;
}

Result<std::optional<Changes>> Database::changes(Revision since) {
  MQ_CHECK(alive());
  if (since < history_.begins_after || since > revision_) return std::nullopt;
  Changes changes{.revision = revision_, .entries = {}};
  PageFill fill;
  Use use(changes_);
  int code = use.bind(since).step();
  for (; code == SQLITE_ROW; code = use.step()) {
    KeyValue entry = use.entry();
    // Whole transactions only.
    if (fill.is_full() && entry.modified != changes.entries.back().entry.modified) {
      changes.revision = changes.entries.back().entry.modified;
      changes.has_more = true;
      return changes;
    }
    fill.add(entry);
    changes.entries.push_back({.entry = std::move(entry), .is_erased = use.is_null(1)});
  }
  if (code != SQLITE_DONE) return fail(error(code));
  return changes;
}

Result<Revision> Database::transact(const Transaction& transaction) {
  MQ_CHECK(alive());
  const bool changes = !transaction.ops.empty();
  const Revision revision{revision_.value() + (changes ? 1 : 0)};
  if (const int code = Use(begin_).step(); code != SQLITE_DONE) return fail(error(code));
  auto history = compare_and_apply(transaction, revision);
  if (!history) {
    MQ_CHECK(roll_back());
    return fail(std::move(history).error());
  }
  if (const int code = Use(commit_).step(); code != SQLITE_DONE) {
    MQ_MARK("meta: a commit fails");
    Error why = error(code);
    MQ_CHECK(roll_back());
    return fail(std::move(why));
  }
  revision_ = revision;
  history_ = *history;
  // The commit may have been followed by a checkpoint whose sync failed. The transaction is on disk then, but the store
  // is finished, and "it may have taken effect" is what disk_failed means.
  MQ_CHECK(alive());
  return revision;
}

Result<Revision> Database::erase_leased() {
  Transaction erased;
  Use use(leased_);
  int code = use.step();
  for (; code == SQLITE_ROW; code = use.step()) erased.ops.push_back(Op::erase(std::string(use.bytes(0))));
  if (code != SQLITE_DONE) return fail(error(code));
  if (erased.ops.empty()) return revision_;
  return transact(erased);
}

Result<Database::History> Database::compare_and_apply(const Transaction& transaction, Revision revision) {
  for (const Compare& compare : transaction.compares) {
    MQ_TRY(const std::optional<KeyValue> found, get(compare.key));
    if (!compare.holds(found ? &*found : nullptr))
      return fail(Errc::conflict, "metadata key {} was changed by somebody else", compare.key);
  }
  if (transaction.ops.empty()) return history_;
  const WallMillis now = clock_.wall_now();
  History history = history_;
  std::int64_t step = 0;
  for (const Op& op : transaction.ops) {
    MQ_TRY(const bool is_change, apply(op, transaction.write_id, revision));
    if (!is_change) continue;
    Use note(op.value ? note_put_ : note_erased_);
    note.bind(revision).bind(++step).bind(now).bind(BytesView(op.key));
    if (!op.value) note.bind(transaction.write_id);
    MQ_CHECK(run(note));
    history.bytes += static_cast<std::int64_t>(op.key.size() + (op.value ? op.value->size() : 0));
  }
  MQ_TRY(history, forget_old_changes(history, revision, now));
  Use newest(set_newest_);
  MQ_CHECK(run(newest.bind(revision).bind(history.begins_after)));
  return history;
}

Result<bool> Database::apply(const Op& op, const WriteId& write_id, Revision revision) {
  Use use(op.value ? put_ : erase_);
  use.bind(BytesView(op.key));
  if (op.value) use.bind(BytesView(*op.value)).bind(revision).bind(write_id);
  MQ_CHECK(run(use));
  const bool is_change = sqlite3_changes(connection_.get()) > 0;
  Use lease(op.value && op.stay == Stay::leased ? lease_ : free_);
  MQ_CHECK(run(lease.bind(BytesView(op.key))));
  return is_change;
}

Result<Database::History> Database::forget_old_changes(History history, Revision revision, WallMillis now) {
  for (int forgotten = 0; forgotten < kForgottenPerWriteMax; ++forgotten) {
    const Revision oldest{history.begins_after.value() + 1};
    if (oldest == revision) break;
    Use look(oldest_changes_);
    if (const int code = look.bind(oldest).step(); code != SQLITE_ROW) return fail(error(code));
    const std::int64_t made_at = look.number(0);
    const std::int64_t bytes = look.number(1);
    const bool is_too_old = now - made_at >= kChangesKeptMs;
    const bool are_too_many = revision.value() - history.begins_after.value() > kChangesKeptMax;
    if (!is_too_old && !are_too_many && history.bytes <= kChangesKeptBytesMax) break;
    Use forget(forget_changes_);
    MQ_MARK("meta: old changes are forgotten");
    MQ_CHECK(run(forget.bind(oldest)));
    history = {.begins_after = oldest, .bytes = history.bytes - bytes};
  }
  return history;
}

Result<void> Database::roll_back() {
  // A commit that failed may have ended the transaction already.
  if (sqlite3_get_autocommit(connection_.get()) != 0) return alive();
  if (const int code = Use(rollback_).step(); code != SQLITE_DONE) return fail(error(code));
  return alive();
}

Result<void> Database::close() {
  MQ_CHECK(alive());
  int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  MQ_CHECK(alive());
  // Without space for it the log stays as it is, which is as safe.
  if (code != SQLITE_OK && code != SQLITE_FULL) return fail(error(code));
  vfs_.cut_off();
  return {};
}

Result<void> Database::make_file_if_missing() {
  // SQLite would make it in some ten syncs; this takes two, and after a crash there is a whole file or none.
  const auto size = files_.file_size(path_);
  if (size && *size > 0) return {};
  if (!size && size.error().code != Errc::not_found) return fail(size.error());
  const auto log_size = files_.file_size(path_ + "-wal");
  if (log_size && *log_size > 0)
    return fail(Errc::corrupt, "{} is missing, but its log {}-wal is there; restore the file or move the log away",
                path_, path_);
  MQ_MARK("meta: a store is made");
  MQ_TRY(const std::string bytes, empty_store());
  return env::replace_atomically(files_, path_, bytes);
}

Result<void> Database::face_disk() {
  // A sync that failed may have left frames in the page cache that the disk will never get (D-2). Later ones behind
  // them would be answered for, and gone with the power.
  for (const std::string& path : {path_, path_ + "-wal"}) {
    const auto file = files_.open(path, env::OpenMode::read_write);
    if (!file && file.error().code == Errc::not_found) continue;
    if (!file) return fail(file.error());
    MQ_CHECK((*file)->sync());
    (*file)->drop_cache();
  }
  return {};
}

Result<void> Database::open_file() {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path_.c_str(), &opened, flags, vfs_.name());
  connection_.reset(opened);  // also after a failure, of which it knows the reason
  if (code != SQLITE_OK) return fail(error(code));
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, 16 << 20);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Destroying is not closing: nothing is written then.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  MQ_CHECK(execute(kSettings));
  return is_mutant("sqlitenormal") ? execute("PRAGMA synchronous=NORMAL") : Result<void>{};
}

Result<void> Database::check_whole() {
  MQ_TRY(const Statement statement, prepare("PRAGMA integrity_check(1)"));
  Use use(statement);
  const int code = use.step();
  if (code != SQLITE_ROW) return fail(error(code));
  if (use.bytes(0) == "ok") return {};
  return fail(Errc::corrupt, "{} is damaged ({}); nothing was changed. Restore it from a copy", path_, use.bytes(0));
}

Result<void> Database::take_over_format() {
  MQ_TRY(const std::int64_t application, number("PRAGMA application_id"));
  if (application != kApplicationId)
    return fail(Errc::corrupt, "{} is a SQLite file, but not a metadata store of ours", path_);
  MQ_TRY(const std::int64_t format, number("PRAGMA user_version"));
  if (format < 1 || format > kFormat)
    return fail(Errc::unsupported, "{} has format {}; this version knows {}", path_, format, kFormat);
  if (format == kFormat) return {};
  return execute(fmt::format("BEGIN IMMEDIATE; {} COMMIT", steps_from(format)).c_str());
}

Result<void> Database::read_state() {
  MQ_TRY(const std::int64_t revision, number("SELECT revision FROM newest"));
  MQ_TRY(const std::int64_t begins_after, number("SELECT changes_after FROM newest"));
  MQ_TRY(const std::int64_t bytes, number("SELECT ifnull(sum(length(key)+ifnull(length(value),0)),0) FROM changes"));
  revision_ = Revision{revision};
  history_ = {.begins_after = Revision{begins_after}, .bytes = bytes};
  return {};
}

Result<void> Database::prepare_statements() {
  const struct {
    Statement& to;
    const char* sql;
  } rows[] = {
      {begin_, "BEGIN IMMEDIATE"},
      {commit_, "COMMIT"},
      {rollback_, "ROLLBACK"},
      {get_, "SELECT key, value, created, modified, write_id FROM entries WHERE key=?1"},
      {list_, "SELECT key, value, created, modified, write_id FROM entries WHERE key>=?1 AND key<?2 ORDER BY key"},
      {put_,
       "INSERT INTO entries VALUES(?1, ?2, ?3, ?3, ?4) ON CONFLICT(key) DO UPDATE SET value=excluded.value,"
       " modified=excluded.modified, write_id=excluded.write_id"},
      {erase_, "DELETE FROM entries WHERE key=?1"},
      {set_newest_, "UPDATE newest SET revision=?1, changes_after=?2"},
      {note_put_, "INSERT INTO changes SELECT ?1, ?2, ?3, key, value, created, write_id FROM entries WHERE key=?4"},
      {note_erased_, "INSERT INTO changes VALUES(?1, ?2, ?3, ?4, NULL, 0, ?5)"},
      {changes_,
       "SELECT key, value, created, revision, write_id FROM changes WHERE revision>?1 ORDER BY revision, step"},
      {has_changed_, "SELECT 1 FROM changes WHERE revision>?1 AND key>=?2 AND key<?3"},
      {oldest_changes_, "SELECT max(made_at), sum(length(key)+ifnull(length(value),0)) FROM changes WHERE revision=?1"},
      {forget_changes_, "DELETE FROM changes WHERE revision=?1"},
      {lease_, "INSERT OR IGNORE INTO leased VALUES(?1)"},
      {free_, "DELETE FROM leased WHERE key=?1"},
      {leased_, "SELECT key FROM leased"},
  };
  for (const auto& row : rows) {
    MQ_TRY(row.to, prepare(row.sql));
  }
  return {};
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return alive();
}

Result<void> Database::run(Use& use) {
  if (const int code = use.step(); code != SQLITE_DONE) return fail(error(code));
  return {};
}

Result<std::int64_t> Database::number(const char* sql) {
  MQ_TRY(const Statement statement, prepare(sql));
  Use use(statement);
  const int code = use.step();
  if (code == SQLITE_ROW) return use.number(0);
  if (code == SQLITE_DONE) return fail(Errc::corrupt, "{}: no answer to {}", path_, sql);
  return fail(error(code));
}

Result<Database::Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return Statement(statement);
}

Error Database::error(int code) {
  if (vfs_.failure()) return *vfs_.failure();
  if ((code & 0xff) == SQLITE_CANTOPEN) {
    if (auto refusal = vfs_.take_refusal()) return *std::move(refusal);
  }
  const auto named = [&](Errc what) {
    return Error{.code = what,
                 .message = fmt::format("{}: {}", path_,
                                        connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code))};
  };
  switch (code & 0xff) {
    case SQLITE_FULL:
      MQ_MARK("meta: a transaction finds the disk full");
      return named(Errc::disk_full);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return named(Errc::corrupt);
    case SQLITE_IOERR:
      return named(Errc::disk_failed);
    case SQLITE_CANTOPEN:
      return named(Errc::not_found);
    case SQLITE_TOOBIG:
      return named(Errc::too_large);
    default:
      return named(Errc::internal);
  }
}

Result<void> Database::alive() const {
  if (vfs_.failure()) return fail(*vfs_.failure());
  return {};
}

}  // namespace mq::meta
