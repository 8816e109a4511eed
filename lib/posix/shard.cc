#include "posix/shard.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "posix/timer.h"

namespace mq::posix {
namespace {

thread_local const PosixShard* current_shard = nullptr;

}  // namespace

PosixShard::PosixShard(int id, const env::Clock& clock, env::Pool& pool)
    : id_(id), clock_(clock), executor_(loop_.get_executor()), network_(*this, pool) {}

void PosixShard::post(std::move_only_function<void()> task) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    if (dropping_) return;
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) schedule_drain();
}

void PosixShard::schedule_drain() {
  boost::asio::post(loop_, [this] { drain(); });
}

void PosixShard::drain() {
  {
    std::lock_guard lock(mutex_);
    draining_.swap(posted_);
  }
  for (auto& task : draining_) {
    task();
    task = nullptr;
    if (loop_.stopped()) break;
  }
  draining_.clear();
}

std::unique_ptr<env::Timer> PosixShard::make_timer() { return std::make_unique<PosixTimer>(*this); }

bool PosixShard::is_current() const { return current_shard == this; }

void PosixShard::prepare() {
  loop_.restart();
  keep_running_.emplace(loop_.get_executor());
}

void PosixShard::run() noexcept {
  current_shard = this;
  loop_.run();
  keep_running_.reset();
  current_shard = nullptr;
}

void PosixShard::drop_tasks() {
  Tasks unrun;
  {
    std::lock_guard lock(mutex_);
    dropping_ = true;
    unrun.swap(posted_);
  }
  unrun.clear();
  while (!endless_waits_.empty()) {
    EndlessWait& first = endless_waits_.front();
    first.unlink();
    // Destroying the coroutine may destroy `first`, so it must not be under way in one of its members.
    const auto coroutine = std::exchange(first.resume, nullptr);
  }
}

}  // namespace mq::posix
