#include "posix/shard.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "posix/timer.h"

namespace mq::posix {
namespace {

thread_local const PosixShard* current_shard = nullptr;

/// So long a loop looks for the next event before it sleeps, when events are near. Falling asleep and being woken costs
/// a virtual machine about 20 us of processor time and 30 us of latency on each side, more than looking around: with
/// one request in flight a round trip took 70 us, and takes 12 when both sides look. A loop with rarer events, or none,
/// sleeps at once. A look in vain makes looking rarer: where whoever we wait for needs this very processor, it only
/// takes time from them.
constexpr Duration kLookMax = 50us;
constexpr Duration kNearMax = 100us;
constexpr int kLooksLeftOutMax = 1023;
constexpr int kDrainsBetweenLooks = 4;

}  // namespace

PosixShard::PosixShard(int id, const env::Clock& clock, env::Pool& pool)
    : id_(id),
      clock_(clock),
      executor_(loop_.get_executor()),
      sockets_waiter_(loop_, sockets_.descriptor()),
      network_(*this, pool) {}

PosixShard::~PosixShard() { (void)sockets_waiter_.release(); }

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
  // Tasks that post tasks may go on for long, and the loop asks for sockets only when nothing else is ready.
  if (++drains_ < kDrainsBetweenLooks) return;
  drains_ = 0;
  if (sockets_.fetch()) boost::asio::post(loop_, [this] { sockets_.dispatch(); });
}

std::unique_ptr<env::Timer> PosixShard::make_timer() { return std::make_unique<PosixTimer>(*this); }

bool PosixShard::is_current() const { return current_shard == this; }

void PosixShard::prepare() {
  loop_.restart();
  keep_running_.emplace(loop_.get_executor());
}

void PosixShard::run() noexcept {
  current_shard = this;
  while (!loop_.stopped()) run_turn();
  keep_running_.reset();
  current_shard = nullptr;
}

void PosixShard::run_turn() {
  if (run_ready()) return;
  if (events_are_near_ && looks_pay() && look_again()) return;
  const Instant asleep = clock_.now();
  sleep();
  events_are_near_ = clock_.now() - asleep < kNearMax;
}

bool PosixShard::run_ready() {
  drains_ = 0;
  // As a task of the loop: what Asio does for its own coroutines, like keeping their memory, it does for these too.
  if (sockets_.fetch()) boost::asio::post(loop_, [this] { sockets_.dispatch(); });
  return loop_.poll() > 0;
}

void PosixShard::sleep() {
  if (!std::exchange(waits_for_sockets_, true))
    sockets_waiter_.async_wait(Waiter::wait_read, [this](boost::system::error_code) { waits_for_sockets_ = false; });
  loop_.run_one();
}

bool PosixShard::looks_pay() {
  if (looks_to_leave_out_ == 0) return true;
  --looks_to_leave_out_;
  return false;
}

bool PosixShard::look_again() {
  const Instant end = clock_.now() + kLookMax;
  while (clock_.now() < end && !loop_.stopped()) {
    if (!run_ready()) continue;
    looks_left_out_ = 0;
    return true;
  }
  looks_left_out_ = std::min(2 * looks_left_out_ + 1, kLooksLeftOutMax);
  looks_to_leave_out_ = looks_left_out_;
  return false;
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
