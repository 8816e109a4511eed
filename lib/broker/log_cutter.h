#pragma once

#include <memory>

#include "base/result.h"
#include "broker/file_work.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "log/log.h"
#include "model/ids.h"

namespace mq::broker {

/// Makes the log of a follower shorter, where its leader has another one, or empties it to begin anew where its leader
/// has nothing any more of what would come next. What a start must not miss is lowered first, durably, then the log is
/// cut: in one step of the shard, and only if it still follows then. Its shard's thread only.
class LogCutter {
 public:
  class Owner {
   public:
    /// False: it leads by now, or is retired, and its log stays.
    [[nodiscard]] virtual bool may_cut() const = 0;
    /// The log is another one from now on.
    virtual void was_cut() = 0;
    /// It stays as it is; what was lowered for it is to be noted again.
    virtual void was_not_cut() = 0;

   protected:
    ~Owner() = default;
  };
  /// All of them outlive it.
  LogCutter(Owner& owner, ShardContext& shard, log::Log& log, FileWork& work)
      : owner_(owner), shard_(shard), log_(log), work_(work) {}

  /// So that it ends at `end`, or before it where a batch holds that. Nothing else is cut meanwhile. `kept` keeps all
  /// that this refers to.
  void cut_at(std::shared_ptr<const void> kept, Offset end) { begin(std::move(kept), {.end = end}); }
  /// So that it is empty and begins at `start`, above its end.
  void restart_at(std::shared_ptr<const void> kept, Offset start) {
    begin(std::move(kept), {.end = start, .restarts = true});
  }
  [[nodiscard]] bool is_cutting() const { return is_cutting_; }

 private:
  struct Cut {
    Offset end;
    bool restarts = false;
  };
  void begin(std::shared_ptr<const void> kept, Cut cut);
  static awaitable<void> run(LogCutter& self, std::shared_ptr<const void> kept, Cut cut);
  /// False: it may not be cut any more.
  awaitable<bool> carry_out(Cut cut);
  /// Tells the data directory what the log will have been all along. Pool.
  [[nodiscard]] Result<void> prepare(const Cut& cut, Offset end) const;
  [[nodiscard]] Result<void> cut_now(const Cut& cut);

  Owner& owner_;
  ShardContext& shard_;
  log::Log& log_;
  FileWork& work_;
  bool is_cutting_ = false;
};

}  // namespace mq::broker
