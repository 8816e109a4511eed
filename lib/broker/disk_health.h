#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/result.h"
#include "env/logger.h"

namespace mq::broker {

/// Whether the disk of the data directory does what it is asked to. One for all shards; every method is safe from every
/// thread.
///
/// A failed write or sync is final (D-1): the directory is offline from then on, and nothing more is acknowledged from
/// it. A failed read is not: that place alone is not served, and whoever meets it tells the operator.
class DiskHealth {
 public:
  /// `go_offline` is called once, with the first failure, on the thread that met it.
  DiskHealth(env::Logger& logger, std::string data_dir, std::function<void(const Error&)> go_offline);

  void disk_failed(const Error& error);
  [[nodiscard]] bool is_offline() const { return offline_.load(std::memory_order_relaxed); }

  /// Counts it, and keeps it for /readyz.
  void read_failed(const Error& error);
  struct FailedReads {
    std::uint64_t count = 0;
    std::string last;  ///< with file and position
  };
  [[nodiscard]] FailedReads failed_reads() const;

 private:
  env::Logger& logger_;
  const std::string data_dir_;
  const std::function<void(const Error&)> go_offline_;
  std::atomic<bool> offline_{false};
  mutable std::mutex failed_reads_mutex_;  ///< guards what follows
  FailedReads failed_reads_;
};

}  // namespace mq::broker
