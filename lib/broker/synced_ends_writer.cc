#include "broker/synced_ends_writer.h"

#include <utility>

#include "base/buggify.h"
#include "base/mark.h"

namespace mq::broker {
namespace {

// The synced ends are written at most this often. They only tell rot from a torn tail after a crash, so being late by
// this much costs nothing but a little of that; each write costs the disk a sync.
constexpr Duration kSyncedEndsInterval = 100ms;

}  // namespace

SyncedEndsWriter::SyncedEndsWriter(const NodeEnv& machine, const Life& life, DiskHealth& health,
                                   const std::unique_ptr<log::LogDir>& dir)
    : machine_(machine),
      life_(life),
      health_(health),
      dir_(dir),
      tasks_(*machine.shards.front()),
      timer_(machine.shards.front()->make_timer()) {}

void SyncedEndsWriter::note() {
  if (noted_.exchange(true, std::memory_order_acq_rel)) return;
  machine_.shards.front()->post([this] {
    if (!life_.is_stopping() && !std::exchange(writes_, true)) tasks_.spawn(write());
  });
}

awaitable<void> SyncedEndsWriter::write() {
  env::Shard& home = *machine_.shards.front();
  bool may_be_more = true;
  while (may_be_more && !life_.is_stopping()) {
    const int sooner = MQ_BUGGIFY("broker: synced ends are written early") ? 20 : 1;
    (void)co_await timer_->wait_until(home.now() + kSyncedEndsInterval / sooner);
    // What is noted before this is written by the job; what is noted after it asks for another.
    noted_.store(false, std::memory_order_release);
    auto written = co_await machine_.disk_pool.run(home, [this] { return dir_->write_synced_ends(); });
    if (!written) MQ_MARK("broker: synced ends cannot be written");
    if (!written && written.error().code == Errc::disk_failed) health_.disk_failed(written.error());
    may_be_more = (written && *written) || noted_.load(std::memory_order_acquire);
  }
  writes_ = false;
}

awaitable<void> SyncedEndsWriter::stop() {
  timer_->cancel();
  return tasks_.join();
}

}  // namespace mq::broker
