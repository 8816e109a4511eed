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
  Result<Listing> list(std::string_view prefix);
  /// The limits are the caller's to check. A key may be erased and put in one transaction: a new key.
  Result<Revision> transact(const Transaction& transaction);
  Result<void> close();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
  class Use;

  Result<void> make_file_if_missing();
  Result<void> open_file();
  Result<void> check_whole();
  Result<void> check_format();
  Result<void> prepare_statements();
  Result<void> compare_and_apply(const Transaction& transaction, Revision revision);
  Result<void> apply(const Op& op, const WriteId& write_id, Revision revision);
  Result<void> roll_back();

  Result<void> execute(const char* sql);
  Result<std::int64_t> number(const char* sql);
  Result<Statement> prepare(const char* sql);
  /// What the last failed call of SQLite means in our terms.
  [[nodiscard]] Error error(int code);
  /// Errors of the device end the store, also when SQLite itself could go on.
  [[nodiscard]] Result<void> alive() const;

  env::Files& files_;
  std::string path_;
  Vfs vfs_;
  sqlite3* connection_ = nullptr;
  Statement begin_, commit_, rollback_, get_, list_from_, list_range_, put_, erase_, set_revision_;
  Revision revision_;
};

}  // namespace mq::meta
