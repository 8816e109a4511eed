#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.h"
#include "env/files.h"

namespace mq::log {

/// Space that is kept for what frees space: `mq-reserve`, a file without bytes that has room reserved behind its end.
/// On a full disk it is spent, all at once; it is taken back when twice as much is free, so that whoever appends finds
/// as much again. In between its owner lets nothing grow that is not needed to make room: the file system gives what
/// was spent to whoever comes first.
///
/// Safe from every thread. Destroying it does no I/O.
class DiskReserve {
 public:
  /// Less is not worth a file.
  static constexpr std::uint64_t kBytesMin = std::uint64_t{256} << 10;
  /// At most this part of the disk.
  static constexpr std::uint64_t kDiskShare = 64;

  DiskReserve(env::Files& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  /// Pool. Takes `wanted_bytes`, or less on a small disk, or nothing on a very small one. Where there is no room for it
  /// now, it counts as spent. An error says why there is none and will be none: a file system that cannot reserve, or
  /// that is read-only.
  [[nodiscard]] Result<void> open(std::uint64_t wanted_bytes);
  /// How much is kept, or was before it was spent; 0: nothing is.
  [[nodiscard]] std::uint64_t size_bytes() const { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_spent() const { return spent_.load(std::memory_order_acquire); }
  /// Pool. Gives it to the disk; does nothing when it was spent before, or there is none. `is_spent` comes first, so
  /// that who asks before an append finds no gap.
  void spend();
  /// Pool. Takes it back if there is room; true when it is there, or there is none.
  [[nodiscard]] bool restore();

 private:
  Result<void> take();

  env::Files& files_;
  const std::string directory_;
  std::mutex changing_;  ///< one change at a time
  std::unique_ptr<env::File> file_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<bool> spent_{false};
};

}  // namespace mq::log
