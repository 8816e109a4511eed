#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "fault_command.h"
#include "posix/process.h"

namespace mq::mqbench {

/// Runs fault commands, each at its time, also several at once. They write to standard error and read nothing. Bound to
/// one shard.
class Faults {
 public:
  struct Listener {
    std::function<void(const FaultCommand&)> on_begin;
    /// Its exit status, or why it could not be run.
    std::function<void(const FaultCommand&, const Result<int>& status)> on_end;
    /// None runs, and none is to come.
    std::function<void()> on_heal;
  };
  Faults(env::Shard& shard, std::vector<FaultCommand> commands, Listener listener);

  /// Returns when every command has ended. Times count from now.
  awaitable<void> run();
  /// What has not begun by now never does.
  void cancel();
  /// Asks the commands that run to end.
  void interrupt();
  /// Commands that never began.
  [[nodiscard]] std::uint64_t missed() const { return missed_; }

 private:
  struct Fault {
    FaultCommand command;
    std::unique_ptr<env::Timer> timer;
    std::unique_ptr<posix::ChildProcess> child;
  };
  awaitable<void> run(Fault& fault, Instant at);
  awaitable<Result<int>> run_command(Fault& fault);

  env::Shard& shard_;
  std::vector<Fault> faults_;
  Listener listener_;
  std::size_t to_end_;
  std::uint64_t missed_ = 0;
  bool is_cancelled_ = false;
};

}  // namespace mq::mqbench
