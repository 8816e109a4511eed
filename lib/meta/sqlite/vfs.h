#pragma once

#include <sqlite3.h>

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/random.h"

namespace mq::meta {

/// SQLite's door to the disk: its files are `env::Files`, its time and randomness come from the seams too. Registered
/// with SQLite under `name()` while it lives; every database opened through it must be closed first. One call at a
/// time.
///
/// The first error of the device other than a full disk is kept (`failure`), and no write or sync succeeds after it:
/// what the page cache says from there on proves nothing.
class Vfs {
 public:
  Vfs(env::Files& files, env::Random& random, const env::Clock& clock);
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;
  ~Vfs();

  [[nodiscard]] const char* name() const { return name_.c_str(); }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// Why a file could not be opened last, in the words of `files`; told once. SQLite knows no more than that it could
  /// not.
  [[nodiscard]] std::optional<Error> take_refusal() { return std::exchange(refusal_, std::nullopt); }
  /// From here on nothing reaches the disk: closing a database only frees its memory.
  void cut_off() { cut_off_ = true; }

 private:
  struct OpenFile;
  struct Methods;  // the C functions that SQLite calls

  [[nodiscard]] bool may_change_disk() const { return !cut_off_ && !failure_; }
  /// Remembers `error` if it is final and returns SQLite's code: SQLITE_FULL or `otherwise`.
  int refuse(const Error& error, int otherwise);
  /// A failed sync is final whatever its error says.
  void fail_for_good(const Error& error);

  env::Files& files_;
  env::Random& random_;
  const env::Clock& clock_;
  std::string name_;
  sqlite3_vfs registration_{};
  bool cut_off_ = false;
  std::optional<Error> failure_;
  std::optional<Error> refusal_;
};

}  // namespace mq::meta
