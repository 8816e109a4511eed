#include "sim/machine/pool.h"

#include <utility>

namespace mq::sim {
namespace {

constexpr Duration kWakeMin = 5us;  // from submit to the start of a job on an idle thread
constexpr Duration kWakeMean = 20us;

}  // namespace

Pool::Pool(Scheduler& scheduler, int threads) : scheduler_(scheduler) {
  for (int i = 0; i < threads; ++i) {
    auto thread = std::make_unique<Thread>();
    thread->id = scheduler.new_id();
    thread->counts_work = true;
    threads_.push_back(std::move(thread));
  }
}

void Pool::submit(Task job) {
  jobs_.push_back(std::move(job));
  if (is_dead_) return die();
  start_idle();
}

void Pool::die() {
  is_dead_ = true;
  for (auto& thread : threads_) thread->is_dead = true;
  // Destroying a job may submit another.
  while (!jobs_.empty()) {
    const Task job = std::move(jobs_.front());
    jobs_.pop_front();
  }
}

void Pool::start_idle() {
  std::size_t waiting = jobs_.size();
  for (auto& thread : threads_) {
    if (waiting == 0) return;
    if (thread->is_busy) continue;
    thread->is_busy = true;
    --waiting;
    scheduler_.at(scheduler_.now() + scheduler_.rng().delay(kWakeMin, kWakeMean), *thread,
                  [this, place = thread.get()] { run_next(*place); });
  }
}

void Pool::run_next(Thread& thread) {
  if (jobs_.empty()) {
    thread.is_busy = false;
    return;
  }
  Task job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  job = nullptr;
  scheduler_.at(scheduler_.now() + scheduler_.charged(), thread, [this, &thread] { run_next(thread); });
}

}  // namespace mq::sim
