#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "env/pool.h"

namespace mq::posix {

/// Up to `threads_max` threads, each started when a job is submitted and no thread is idle; then they stay.
class PosixPool final : public env::Pool {
 public:
  explicit PosixPool(int threads_max) : threads_max_(static_cast<std::size_t>(threads_max)) {}
  ~PosixPool() override { stop(); }

  void submit(std::move_only_function<void()> job) override;
  /// Waits for the jobs in progress; those that wait for a thread, and all later ones, are destroyed unrun.
  void stop();

 private:
  void run();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable job_or_stop_;
  std::deque<std::move_only_function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace mq::posix
