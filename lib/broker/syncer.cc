#include "broker/syncer.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"

namespace mq::broker {

Syncer::Syncer(ShardContext& shard)
    : shard_(shard),
      timer_(shard.shard.make_timer()),
      flush_timer_(shard.shard.make_timer()),
      idle_(std::make_unique<env::Event>(shard.shard)) {}

Syncer::~Syncer() = default;

void Syncer::put_off(Partition& partition) {
  lazy_.push_back(partition.shared_from_this());
  MQ_MARK("broker: nobody waits for a sync so it may come late");
  if (!lazy_running_ && !stopping_) {
    lazy_running_ = true;
    shard_.tasks.spawn(run_lazily());
  }
}

void Syncer::start(Partition& partition) {
  auto job = partition.begin_sync();
  if (!job) return;
  ++running_;
  env::Shard& home = shard_.shard;
  shard_.node.disk_pool().submit([this, &home, kept = partition.shared_from_this(), sync = std::move(*job)]() mutable {
    const Instant begun = home.now();
    auto outcome = sync.run();
    home.post([this, kept = std::move(kept), sync = std::move(sync), outcome = std::move(outcome),
               took = home.now() - begun]() mutable { finish(*kept, sync, outcome, took); });
  });
}

void Syncer::finish(Partition& partition, const log::SyncJob& job, const Result<void>& outcome, Duration took) {
  shard_.metrics.sync_duration.record(took);
  --running_;
  partition.end_sync(job, outcome);
  if (running_ == 0) idle_->notify_all();
}

awaitable<void> Syncer::run_lazily() {
  while (!lazy_.empty() && !stopping_) {
    const Duration wait = MQ_BUGGIFY("broker: a sync that may wait does not") ? Duration::zero() : kLazySync;
    (void)co_await timer_->wait_until(shard_.shard.now() + wait);
    for (const auto& partition : std::exchange(lazy_, {})) partition->sync_is_due();
  }
  lazy_running_ = false;
}

void Syncer::begin_timing(Partition& partition) {
  const Duration interval = partition.log().config().flush_interval;
  if (interval == Duration::max() || stopping_ || !partition.begin_timing()) return;
  const int sooner = MQ_BUGGIFY("broker: unsynced records are synced before their time") ? 4 : 1;
  const auto place = timed_.emplace(shard_.shard.now() + interval / sooner, partition.weak_from_this());
  if (!timed_running_) {
    timed_running_ = true;
    shard_.tasks.spawn(run_timed());
  } else if (place == timed_.begin()) {
    MQ_MARK("broker: a partition has to be synced before all others");
    flush_timer_->cancel();
  }
}

awaitable<void> Syncer::run_timed() {
  while (!timed_.empty() && !stopping_) {
    const auto next = timed_.begin();
    if (shard_.shard.now() < next->first) {
      (void)co_await flush_timer_->wait_until(next->first);
      continue;
    }
    const auto partition = next->second.lock();
    timed_.erase(next);
    if (partition != nullptr) MQ_MARK("broker: unsynced records are old enough to be synced");
    if (partition) partition->sync_is_overdue();
  }
  timed_running_ = false;
}

void Syncer::stop() {
  stopping_ = true;
  timer_->cancel();
  flush_timer_->cancel();
}

awaitable<void> Syncer::drain() {
  while (running_ > 0) co_await idle_->wait();
}

void Syncer::check_invariants() const {
  MQ_ASSERT(lazy_.empty() || lazy_running_ || stopping_);
  MQ_ASSERT(timed_.empty() || timed_running_ || stopping_);
}

}  // namespace mq::broker
