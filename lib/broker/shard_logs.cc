#include "broker/shard_logs.h"

#include <algorithm>
#include <span>

#include "base/mark.h"
#include "broker/leader_wishes.h"
#include "log/log_dir.h"

namespace mq::broker {
namespace {

// At a stop nobody waits for the pool; but each of these may have to open a file.
constexpr std::size_t kClosedTogetherMax = 2000;
// A sync of all waits for what others write to the disk, so a few logs are closed each for itself.
constexpr std::size_t kClosedEachMax = 16;
// Who waits for replicas learns within this that it was too long.
constexpr Duration kWaitersLook = 500ms;
constexpr Duration kStoppingLook = 20ms;

}  // namespace

ShardLogs::ShardLogs(ShardContext& shard)
    : shard_(shard),
      work_ended_(shard.shard),
      open_files_(shard.node.machine.files, *this),
      syncer_(shard),
      slot_syncer_(shard),
      housekeeping_(shard, partitions_),
      producer_limit_(shard.node, partitions_),
      following_(shard, partitions_),
      time_timer_(shard.shard.make_timer()) {
  settings_changed();
}

ShardLogs::~ShardLogs() = default;

void ShardLogs::settings_changed() { open_files_.set_bound(shard_.node.descriptors().files_of_shard); }

std::shared_ptr<Partition> ShardLogs::make(TopicPartition name, Uuid topic_id, const cluster::Partition& key,
                                           const TopicSettings& settings, std::unique_ptr<log::Log> log) {
  PartitionHost& host = *this;
  return std::make_shared<Partition>(shard_, host, std::move(name), topic_id, key, settings, std::move(log));
}

void ShardLogs::put(std::shared_ptr<Partition> partition) {
  Partition& added = *partition;
  partitions_.put(std::move(partition));
  added.log().enter(open_files_);
  added.begin();
}

awaitable<std::vector<std::shared_ptr<Partition>>> ShardLogs::remove(Uuid topic_id) {
  co_return co_await retire(partitions_.take(topic_id));
}

awaitable<std::vector<std::shared_ptr<Partition>>> ShardLogs::remove(Uuid topic_id,
                                                                     std::vector<std::int32_t> partitions) {
  co_return co_await retire(partitions_.take(topic_id, partitions));
}

awaitable<std::vector<std::shared_ptr<Partition>>> ShardLogs::retire(PartitionTable::Topic removed) {
  for (const auto& partition : removed) {
    partition->end_turn();
    following_.leave(*partition);
    partition->retire();
    partition->log().leave_open_files();  // from now on the pool may close the log
    partition->fail_waiters(ErrorCode::kUnknownTopicOrPartition);
  }
  const auto is_worked_on = [](const auto& partition) { return partition->is_worked_on(); };
  if (std::ranges::any_of(removed, is_worked_on)) MQ_MARK("broker: a deletion waits for work on the log");
  while (std::ranges::any_of(removed, is_worked_on)) co_await work_ended_.wait();
  co_return removed;
}

void ShardLogs::sync_soon(log::Log& log) {
  if (Partition* partition = partitions_.find(log.topic_id(), log.partition().partition)) partition->hurry();
}

void ShardLogs::was_synced(log::Log& log, const Result<void>& outcome) {
  if (!outcome && outcome.error().code == Errc::too_many_files) return sync_soon(log);
  if (!outcome) shard_.node.disk_health.disk_failed(outcome.error());
  // Later: another partition is in the middle of something.
  shard_.shard.post([this, topic = log.topic_id(), index = log.partition().partition, is_well = outcome.has_value()] {
    Partition* partition = partitions_.find(topic, index);
    if (partition == nullptr) return;
    if (!is_well) return partition->fail_waiters(ErrorCode::kKafkaStorageError);
    partition->note_synced();
    partition->was_synced();
  });
}

void ShardLogs::start() {
  housekeeping_.start();
  if (!shard_.node.is_member()) return;
  following_.start();
  shard_.log_tasks.spawn(watch_time());
}

void ShardLogs::stop() {
  housekeeping_.stop();
  time_timer_->cancel();
  following_.stop();
}

// --- The keys of led partitions -------------------------------------------------------------------------------------

void ShardLogs::propose(Partition& partition) {
  const replication::Replica& replica = partition.replica();
  const std::int32_t epoch = replica.partition_epoch();
  auto ended = [&shard = shard_.shard, weak = partition.weak_from_this(), epoch](auto outcome) {
    shard.post([weak, epoch, outcome] {
      if (const auto alive = weak.lock()) alive->proposal_ended(epoch, outcome);
    });
  };
  shard_.node.leader_wishes->wish(IsrWish{.place = {partition.topic_id(), partition.name().partition},
                                          .partition_epoch = epoch,
                                          .isr = replica.proposal(),
                                          .lost = replica.lost(),
                                          .ended = std::move(ended)});
}

void ShardLogs::raise_epoch(Partition& partition) {
  shard_.node.leader_wishes->wish(EpochWish{.place = {partition.topic_id(), partition.name().partition},
                                            .latest = partition.replica().ends().last_epoch});
}

awaitable<void> ShardLogs::watch_time() {
  Instant lag_looked_at = shard_.shard.now();
  while (!is_closing_) {
    const bool is_stopping = shard_.node.life.is_stopping();
    const Duration lag_interval = shard_.node.config().replica_lag_max / 2;
    const Duration pause = is_stopping ? kStoppingLook : std::min(kWaitersLook, lag_interval);
    (void)co_await time_timer_->wait_until(shard_.shard.now() + pause);
    if (is_stopping) {
      // No follower gets any more from here, so what is not committed by now is not committed by us.
      fail_waiters(ErrorCode::kNotLeaderOrFollower);
      continue;
    }
    const bool looks_at_lag = shard_.shard.now() - lag_looked_at >= lag_interval;
    if (looks_at_lag) lag_looked_at = shard_.shard.now();
    partitions_.for_each([looks_at_lag](Partition& partition) {
      if (!partition.is_leader()) return;
      if (looks_at_lag) partition.time_passed();
      partition.expire_waiters();
    });
  }
}

awaitable<bool> ShardLogs::close() {
  is_closing_ = true;
  time_timer_->cancel();
  co_await shard_.log_tasks.join();
  syncer_.stop();
  partitions_.for_each([this](Partition& partition) {
    // Nobody waits for the others: closing syncs them, many at once.
    if (partition.log().config().flush_on_ack && !partition.is_syncing() && partition.log().needs_sync())
      syncer_.start(partition);
  });
  co_await syncer_.drain();
  std::vector<Partition*> open;
  partitions_.for_each([&](Partition& partition) {
    if (partition.log().needs_close()) open.push_back(&partition);
  });
  bool is_well = true;
  partitions_.lend_logs(true);
  for (std::span<Partition* const> rest = open; !rest.empty();) {
    const auto some = rest.first(open.size() > kClosedEachMax ? std::min(rest.size(), kClosedTogetherMax) : 1);
    rest = rest.subspan(some.size());
    if (!co_await close_some({some.begin(), some.end()})) is_well = false;
  }
  partitions_.lend_logs(false);
  if (!is_well) co_return false;
  partitions_.for_each([this](Partition& partition) {
    note_ends(shard_.node.log_dir(), partition);
    shard_.node.log_dir().set_log_bytes(partition.name(), partition.log().size_bytes());
  });
  co_return true;
}

awaitable<bool> ShardLogs::close_some(std::vector<Partition*> some) {
  std::vector<log::Log*> logs;
  for (Partition* partition : some) logs.push_back(&partition->log());
  NodeContext& node = shard_.node;
  const auto close = [&node, &logs] {
    return logs.size() == 1 ? logs.front()->close() : log::Log::close_all(logs, node.log_dir().tree());
  };
  const auto closed =
      co_await node.disk_space.with_reserve(shard_.shard, [&] { return node.disk_pool().run(shard_.shard, close); });
  if (closed) co_return true;
  node.logger().error("the log of {}{} did not close well: {}", some.front()->name().to_string(),
                      some.size() == 1 ? "" : fmt::format(", or one of {} others,", some.size() - 1),
                      closed.error().message);
  co_return false;
}

void ShardLogs::fail_waiters(ErrorCode error) {
  partitions_.for_each([error](Partition& partition) { partition.fail_waiters(error); });
}

void ShardLogs::drop_waiters() {
  partitions_.for_each([](Partition& partition) { partition.drop_waiters(); });
}

void ShardLogs::check_invariants() const {
  syncer_.check_invariants();
  slot_syncer_.check_invariants();
  housekeeping_.check_invariants();
}

}  // namespace mq::broker
