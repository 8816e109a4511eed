#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/time.h"
#include "env/logger.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "metrics/counter.h"

namespace mq::broker {

/// The lines of the broker's log that clients can cause. At most kLinesMax of them in kWindow, so that no client can
/// fill the disk that the log lies on; what is left out is counted, and its number told when the window ends. One for
/// each shard, on its thread only.
class PeerLog {
 public:
  static constexpr int kLinesMax = 10;
  static constexpr Duration kWindow = 5s;

  /// `left_out` counts what is not written.
  PeerLog(env::Shard& shard, env::TaskGroup& tasks, env::Logger& logger, metrics::Counter& left_out);

  template <class... Args>
  void log(env::LogLevel level, fmt::format_string<Args...> text, Args&&... args) {
    if (logger_.enabled(level) && may_write()) logger_.log(level, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) {
    log(env::LogLevel::info, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) {
    log(env::LogLevel::warn, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) {
    log(env::LogLevel::error, text, std::forward<Args>(args)...);
  }
  /// Tells what is left to tell and ends the wait for it.
  void stop();

 private:
  bool may_write();
  awaitable<void> tell_at_the_end_of_the_window();

  env::Shard& shard_;
  env::TaskGroup& tasks_;
  env::Logger& logger_;
  metrics::Counter& left_out_total_;
  std::unique_ptr<env::Timer> timer_;
  Instant window_end_{};
  int lines_ = 0;  ///< written in this window
  std::uint64_t left_out_ = 0;
  bool waiting_ = false;
  bool stopped_ = false;
};

}  // namespace mq::broker
