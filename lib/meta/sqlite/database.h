#pragma once

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meta/metadata_store.h"
#include "meta/sqlite/sqlite_store.h"
#include "meta/sqlite/vfs.h"

namespace mq::meta {

/// The tables of the embedded store and what is done to them. Synchronous and blocking: every call is a job of the
/// metadata pool, one at a time. Destroying it frees memory and leaves the disk as it is; `close` also shortens the
/// log.
class Database {
 public:
  static Result<std::shared_ptr<Database>> open(env::Files& files, env::Random& random, const env::Clock& clock,
                                                const std::string& path, LastStop last_stop);
  explicit Database(env::Files& files, env::Random& random, const env::Clock& clock, std::string path);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  [[nodiscard]] Revision revision() const { return revision_; }
  Result<std::optional<KeyValue>> get(std::string_view key);
  Result<std::optional<Listing>> list(std::string_view prefix, const std::optional<NextPage>& page);
  Result<std::optional<Changes>> changes(Revision since);
  /// The limits are the caller's to check.
  Result<Revision> transact(const Transaction& transaction);
  /// Erases all leased keys. Returns the newest revision.
  Result<Revision> erase_leased();
  Result<void> close();

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
  class Use;
  /// The changes that are kept: those of all transactions after a revision.
  struct History {
    Revision begins_after;
    std::int64_t bytes = 0;  ///< keys and values
  };

  Result<void> make_file_if_missing();
  /// After an unclean stop: what is believed from now on is what the disk has.
  Result<void> face_disk();
  Result<void> open_file();
  Result<void> check_whole();
  Result<void> take_over_format();
  Result<void> prepare_statements();
  Result<void> read_state();
  Result<History> compare_and_apply(const Transaction& transaction, Revision revision);
  /// False: it changed nothing, since what it erases was not there.
  Result<bool> apply(const Op& op, const WriteId& write_id, Revision revision);
  /// Erases what need not be kept any more, a few transactions of it, and returns what is left.
  Result<History> forget_old_changes(History history, Revision revision, WallMillis now);
  /// Something in [from, end) was changed after `since`.
  Result<bool> has_changed_after(Revision since, std::string_view from, std::string_view end);
  Result<void> roll_back();

  Result<void> execute(const char* sql);
  /// Runs a statement that returns no rows to its end.
  Result<void> run(Use& use);
  Result<std::int64_t> number(const char* sql);
  Result<Statement> prepare(const char* sql);
  /// What the last failed call of SQLite means in our terms.
  [[nodiscard]] Error error(int code);
  /// Errors of the device end the store, also when SQLite itself could go on.
  [[nodiscard]] Result<void> alive() const;

  env::Files& files_;
  const env::Clock& clock_;
  std::string path_;
  Vfs vfs_;
  std::unique_ptr<sqlite3, Close> connection_;  // outlives its statements
  Statement begin_, commit_, rollback_, get_, list_, put_, erase_, set_newest_;
  Statement note_put_, note_erased_, changes_, has_changed_, oldest_changes_, forget_changes_, lease_, free_, leased_;
  Revision revision_;
  History history_;
};

}  // namespace mq::meta
