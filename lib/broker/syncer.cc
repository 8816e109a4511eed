#include "broker/syncer.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"

namespace mq::broker {

Syncer::Syncer(ShardBroker& shard)
    : shard_(shard), timer_(shard.shard().make_timer()), idle_(std::make_unique<env::Event>(shard.shard())) {}

Syncer::~Syncer() = default;

void Syncer::mark_dirty(Partition& partition) {
  // An asynchronous topic is left to the kernel; its bytes reach the disk with the next roll or stop.
  if (!partition.log().config().flush_on_ack || partition.sync.queued) return;
  if (!partition.sync.running && partition.sync_is_urgent()) return start(partition);
  partition.sync.queued = true;
  if (partition.sync.running) return;  // its next sync starts when this one ends
  lazy_.push_back(partition.shared_from_this());
  if (!lazy_running_ && !stopping_) {
    lazy_running_ = true;
    shard_.tasks().spawn(run_lazily());
  }
}

void Syncer::hurry(Partition& partition) {
  if (partition.sync.running || !partition.log().needs_sync()) return;
  partition.sync.queued = false;
  start(partition);
}

void Syncer::start(Partition& partition) {
  auto job = partition.log().begin_sync();
  if (!job) return;
  partition.sync.running = true;
  ++running_;
  env::Shard& home = shard_.shard();
  shard_.node().machine().disk_pool.submit(
      [this, &home, kept = partition.shared_from_this(), sync = std::move(*job)]() mutable {
        const Instant begun = home.now();
        auto outcome = sync.run();
        home.post([this, kept = std::move(kept), sync = std::move(sync), outcome = std::move(outcome),
                   took = home.now() - begun]() mutable { finish(*kept, sync, outcome, took); });
      });
}

void Syncer::finish(Partition& partition, const log::SyncJob& job, const Result<void>& outcome, Duration took) {
  shard_.metrics().sync_duration.record(took);
  partition.log().end_sync(job, outcome);
  partition.sync.running = false;
  --running_;
  if (outcome) {
    shard_.note_synced(partition);
    partition.synced();
  } else {
    shard_.node().disk_failed(outcome.error());
    partition.fail_waiters(ErrorCode::kKafkaStorageError);
  }
  if (outcome && partition.log().needs_sync() &&
      (std::exchange(partition.sync.queued, false) || partition.sync_is_urgent()))
    start(partition);
  if (running_ == 0) idle_->notify_all();
}

awaitable<void> Syncer::run_lazily() {
  while (!lazy_.empty() && !stopping_) {
    (void)co_await timer_->wait_until(shard_.shard().now() + kLazySync);
    for (const auto& partition : std::exchange(lazy_, {}))
      if (std::exchange(partition->sync.queued, false) && !partition->sync.running) start(*partition);
  }
  lazy_running_ = false;
}

awaitable<void> Syncer::drain() {
  stopping_ = true;
  timer_->cancel();
  shard_.for_each_partition([this](Partition& partition) {
    if (!partition.sync.running && partition.log().needs_sync()) start(partition);
  });
  while (running_ > 0) co_await idle_->wait();
}

}  // namespace mq::broker
