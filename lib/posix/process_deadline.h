#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"

namespace mq::posix {

/// Ends the process when something takes too long, whatever its other threads are stuck in: a disk that does not answer
/// holds up the thread of an event loop too, and every timer on it. Has a thread of its own.
class ProcessDeadline {
 public:
  /// After `patience` writes `last_words`, a line with its end, to standard error if that takes it at once, and ends
  /// the process with `status`. Nothing is destroyed, no buffer is written.
  ProcessDeadline(Duration patience, int status, std::string last_words);
  /// In time: nothing happens.
  ~ProcessDeadline();
  ProcessDeadline(const ProcessDeadline&) = delete;
  ProcessDeadline& operator=(const ProcessDeadline&) = delete;

 private:
  void watch();

  const Duration patience_;
  const int status_;
  const std::string last_words_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool in_time_ = false;  ///< guarded by `mutex_`
  std::thread watcher_;   // last: it uses all of the above
};

}  // namespace mq::posix
