#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/logger.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "sim/machine/disk.h"
#include "sim/machine/fabric.h"
#include "sim/machine/scheduler.h"
#include "sim/machine/shard.h"

namespace mq::sim {

struct MachineOptions {
  int shards = 2;
  int pool_threads = 2;
  DiskOptions disk = {};
  bool prints_log = false;  ///< to stderr as well, to look at a failing seed
};

/// One simulated machine and, while it is running, the process on it: shards, pools, random numbers, a log, all of one
/// thread and one seed. The disk stays when the process goes.
///
/// What the process is made of is given to `make` and `spawn`. When it is killed, first all its coroutines are
/// destroyed where they wait, then the objects of `make`, the last one first. So a coroutine may hold references to
/// these objects, but what its destructors do must not touch another coroutine's locals, and no destructor may do disk
/// I/O (asserted).
class Machine {
 public:
  Machine(Scheduler& scheduler, Fabric& fabric, std::string host, std::uint64_t seed, MachineOptions options);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] Disk& disk() { return disk_; }
  [[nodiscard]] Clock& clock() { return clock_; }

  /// Switches the machine on if need be and starts an empty process.
  void start();
  [[nodiscard]] bool is_running() const { return process_ != nullptr; }
  /// `kill -9`: the process is gone, the disk has all it was told, peers see their connections end.
  void kill();
  /// The process is gone, the disk loses what was not synced, peers hear nothing more.
  void lose_power(PowerLoss how = PowerLoss::any);

  // The seams of the running process.
  [[nodiscard]] int shard_count() const { return options_.shards; }
  [[nodiscard]] env::Shard& shard(int index);
  /// Calls `look` after each task of that shard of this process (`Scheduler::after_each_task`).
  [[nodiscard]] Witness after_each_task_of(int shard, std::function<void()> look);
  [[nodiscard]] std::vector<env::Shard*> shards();
  [[nodiscard]] env::Files& files() { return disk_; }
  [[nodiscard]] env::Pool& pool();
  [[nodiscard]] env::Pool& metadata_pool();  ///< one thread
  [[nodiscard]] env::Random& random();
  [[nodiscard]] env::Logger& logger();

  /// Makes an object of the process.
  template <class T, class... Args>
  T& make(Args&&... args) {
    auto object = std::make_shared<T>(std::forward<Args>(args)...);
    T& made = *object;
    own(std::move(object));
    return made;
  }
  void own(std::shared_ptr<void> object);
  /// Starts a coroutine of the process on `shard`. An exception that leaves it aborts.
  void spawn(awaitable<void> task, int shard = 0);

  /// What it logged since the world began.
  [[nodiscard]] const std::vector<std::string>& log_lines() const;

 private:
  struct Process;
  class CapturedLog;

  void end_process();

  Scheduler& scheduler_;
  Fabric& fabric_;
  std::string host_;
  MachineOptions options_;
  Rng seeds_;
  Clock clock_;
  Disk disk_;
  std::unique_ptr<CapturedLog> log_;
  std::unique_ptr<Process> process_;
  bool has_power_ = true;
  std::vector<std::unique_ptr<Process>> dead_;  // empty, but still named by what outlived them
};

}  // namespace mq::sim
