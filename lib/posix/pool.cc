#include "posix/pool.h"

#include <signal.h>

#include <utility>

namespace mq::posix {
namespace {

/// Signals go to the shards: a job must not be interrupted by one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

void PosixPool::submit(std::move_only_function<void()> job) {
  std::unique_lock lock(mutex_);
  if (stopped_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() > idle_ && threads_.size() < threads_max_) {
    SignalsBlocked inherited_by_the_new_thread;
    threads_.emplace_back([this] { run(); });
  }
  lock.unlock();
  job_or_stop_.notify_one();
}

void PosixPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    job_or_stop_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
    --idle_;
    if (stopped_) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

void PosixPool::stop() {
  std::deque<std::move_only_function<void()>> unrun;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    unrun.swap(jobs_);
  }
  job_or_stop_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace mq::posix
