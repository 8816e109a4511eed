#include "broker/shard_broker.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/assert.h"
#include "broker/front_door.h"
#include "broker/group_service.h"
#include "broker/partition_reader.h"
#include "log/segment_reader.h"

namespace mq::broker {
namespace {

// How often a shard looks for connections that overstay, while they do anything. When all are idle nothing ticks.
constexpr Duration kSweepInterval = 5s;

// How many logs one job of the pool opens or saves: others want their turn.
constexpr std::size_t kLogsPerJob = 256;
// The first look at a log after a start reads its times from its files. Requests come between so many of these.
constexpr std::size_t kLogsPerTurn = 8;
// Up to so many logs are synced one by one, more with a sync of the whole data directory.
constexpr std::size_t kSyncEachMax = 16;
// At a stop nobody waits for the pool; but each of these may have to open a file.
constexpr std::size_t kClosedTogetherMax = 2000;

}  // namespace

ShardBroker::ShardBroker(Node& node, env::Shard& shard)
    : ConnectionHost(context_, room_, large_reads_),
      node_(node),
      shard_(shard),
      context_(node.context(), shard),
      connection_or_requests_ended_(shard),
      work_ended_(shard),
      syncer_(context_),
      slot_syncer_(context_),
      room_(context_, connections_, node.config().queued_request_bytes_max / node.machine().shards.size(),
            node.extra_frame()),
      large_reads_(context_, room_),
      open_files_(node.machine().files, *this),
      groups_(std::make_unique<GroupService>(
          context_, [this](const Uuid& topic_id, std::int32_t index) { return find(topic_id, index); })),
      cluster_(context_.node.configs, shard),
      services_(node.services(), {.context = context_,
                                  .cluster = cluster_,
                                  .partitions = partitions_,
                                  .groups = *groups_,
                                  .connections = *this}),
      look_timer_(shard.make_timer()),
      sweep_timer_(shard.make_timer()) {
  open_files_.set_bound(node.descriptors().files_of_shard);
}

ShardBroker::~ShardBroker() = default;

void ShardBroker::drop_requests() {
  partitions_.for_each([](Partition& partition) { partition.drop_waiters(); });
  groups_.reset();
}

void ShardBroker::put(std::shared_ptr<Partition> partition) {
  Partition& added = *partition;
  partitions_.put(std::move(partition));
  added.log().enter(open_files_);
  added.begin();
}

awaitable<std::vector<std::shared_ptr<Partition>>> ShardBroker::remove(Uuid topic_id) {
  auto removed = partitions_.take(topic_id);
  for (const auto& partition : removed) {
    partition->end_turn();
    partition->retire();
    partition->log().leave_open_files();  // from now on the pool may close the log
    partition->fail_waiters(ErrorCode::kUnknownTopicOrPartition);
  }
  const auto is_worked_on = [](const auto& partition) { return partition->is_worked_on(); };
  while (std::ranges::any_of(removed, is_worked_on)) co_await work_ended_.wait();
  co_return removed;
}

void ShardBroker::install(std::shared_ptr<const cluster::ClusterImage> image) {
  wake_sweep();  // the limits may be others now
  open_files_.set_bound(node_.descriptors().files_of_shard);
  std::vector<Uuid> topics;
  partitions_.for_each_topic([&](const Uuid& id) { topics.push_back(id); });
  for (const cluster::Topic* topic : cluster_.install(std::move(image), topics)) {
    const auto now = cluster_.settings(*topic);
    partitions_.for_each_of(topic->id, [&](Partition& partition) {
      partition.set_settings(*now);
      partition.image_changed(*topic->find_partition(partition.name().partition));
    });
  }
  // __consumer_offsets may just have come to be.
  if (started_) groups_->host_partitions(*cluster_.image());
}

Result<ShardBroker::OpenedLog> ShardBroker::open_log(const WantedLog& wanted) {
  const cluster::Topic& topic = *wanted.topic;
  const TopicPartition name{topic.name, wanted.index};
  const cluster::Partition& key = *topic.find_partition(wanted.index);
  log::OpenContext context = node_.log_dir().context_of(name, topic.id, shard_.clock().wall_now());
  // Metadata that has gone back does not know how far the epochs have come.
  context.leader_epoch = node_.accepts_store() ? kNoLeaderEpoch : key.leader_epoch;
  const std::string directory = node_.log_dir().directory_of(name);
  OpenedLog opened;
  auto log = log::Log::open(open_files_, directory, name, wanted.settings->log, context, opened.report);
  if (!log && log.error().code == Errc::not_found) {
    // Somebody took it away. Offsets that were acknowledged are never given to other records.
    const Offset start = context.synced_end.value_or(Offset{0});
    if (start > Offset{0})
      node_.logger().error("{}: the log of {} is gone; it goes on at offset {} with a new leader epoch", directory,
                           name.to_string(), start.value());
    opened.report.end_uncertain = true;
    opened.is_new = true;
    log = log::Log::create(open_files_, directory, name, topic.id, wanted.settings->log, start);
  }
  if (!log) return std::unexpected(log.error());
  for (const std::string& note : opened.report.notes) node_.logger().info("{}: {}", name.to_string(), note);
  for (const log::Damage& damage : opened.report.damage)
    node_.logger().error("{}: offsets {} to {} are damaged on disk and will not be served: {}", name.to_string(),
                         damage.first_offset.value(), damage.end_offset.value(), damage.place);
  if (!opened.report.clean || opened.report.has_cut_files) {
    auto cuts = log::tidy_cut_files(open_files_, directory);
    if (!cuts)
      node_.logger().warn("{}: what recovery has cut off earlier is not tidied: {}", name.to_string(),
                          cuts.error().message);
    if (cuts) opened.cuts = *std::move(cuts);
    for (const std::string& note : opened.cuts.removed) node_.logger().info("{}: {}", name.to_string(), note);
  }
  if (node_.accepts_store()) {
    opened.report.end_uncertain = true;
    MQ_TRY(opened.latest_epoch, (*log)->latest_epoch());
  }
  opened.partition = make_partition(name, topic.id, key, *wanted.settings, std::move(*log));
  return opened;
}

awaitable<Result<std::vector<UncertainLog>>> ShardBroker::open_logs() {
  std::vector<WantedLog> wanted;
  const auto image = cluster_.image();
  for (const cluster::TopicPtr& topic : image->topics())
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      if (&node_.owner_of(topic->id, index) == this) wanted.push_back({topic.get(), index, cluster_.settings(*topic)});

  std::vector<UncertainLog> uncertain;
  std::vector<std::shared_ptr<Partition>> made;
  env::Pool& pool = node_.machine().disk_pool;
  const bool clean = node_.log_dir().was_clean();
  for (std::span<const WantedLog> rest = wanted; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kLogsPerJob));
    rest = rest.subspan(some.size());
    const auto open = [this, some] {
      std::vector<Result<OpenedLog>> opened;
      for (const WantedLog& log : some) opened.push_back(open_log(log));
      return opened;
    };
    // After a clean stop opening reads nothing and is cheaper than the hop to the pool.
    auto opened = clean ? open() : co_await pool.run(shard_, open);
    for (Result<OpenedLog>& log : opened) {
      if (!log) co_return std::unexpected(std::move(log).error());
      const log::RecoveryReport& report = log->report;
      if (log->is_new) made.push_back(log->partition);
      if (report.end_uncertain)
        uncertain.push_back({.topic_id = log->partition->topic_id(),
                             .partition = log->partition->name().partition,
                             .latest_epoch = log->latest_epoch});
      context_.metrics.gauge(Metric::recovery_checked_bytes).add(static_cast<std::int64_t>(report.bytes_checked));
      context_.metrics.gauge(Metric::recovery_cut_bytes).add(static_cast<std::int64_t>(report.bytes_cut));
      context_.metrics.gauge(Metric::cut_files).add(static_cast<std::int64_t>(log->cuts.files));
      context_.metrics.gauge(Metric::cut_files_bytes).add(static_cast<std::int64_t>(log->cuts.bytes));
      put(std::move(log->partition));
    }
  }
  if (!made.empty()) {
    MQ_CO_CHECK(co_await pool.run(shard_, [&]() -> Result<void> {
      std::vector<TopicPartition> names;
      for (const auto& partition : made) names.push_back(partition->name());
      MQ_CHECK(node_.log_dir().sync_new(names));
      // Else the next start would take what is missing before it for damage.
      for (const auto& partition : made) node_.log_dir().set_log_start(partition->name(), partition->log().log_start());
      return node_.log_dir().write_checkpoints();
    }));
  }
  co_return uncertain;
}

void ShardBroker::start() {
  started_ = true;
  groups_->host_partitions(*cluster_.image());
  context_.log_tasks.spawn(look_after_logs());
}

void ShardBroker::stop_serving() {
  for (const auto& connection : connections_) connection->finish();
  for (env::Timer* timer : services_.parked_fetches()) timer->cancel();
  look_timer_->cancel();
  groups_->stop();
}

awaitable<bool> ShardBroker::end_requests(Instant patience) {
  while (!connections_.empty() && co_await connection_or_requests_ended_.wait_until(patience)) {
  }
  for (const auto& connection : connections_) connection->close(CloseReason::stop);
  while (!connections_.empty() || requests_ > 0) co_await connection_or_requests_ended_.wait();
  co_return true;
}

awaitable<bool> ShardBroker::end_tasks() {
  context_.peer_log.stop();
  co_await context_.tasks.join();
  co_return true;
}

awaitable<bool> ShardBroker::close_logs() {
  co_await context_.log_tasks.join();
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
  bool well = true;
  env::Pool& pool = node_.machine().disk_pool;
  logs_are_lent_ = true;
  for (std::span<Partition* const> rest = open; !rest.empty();) {
    // A sync of all waits for what others write to the disk, so a few logs are closed each for itself.
    const auto some = rest.first(open.size() > kSyncEachMax ? std::min(rest.size(), kClosedTogetherMax) : 1);
    rest = rest.subspan(some.size());
    std::vector<log::Log*> logs;
    for (Partition* partition : some) logs.push_back(&partition->log());
    const auto close = [this, &logs] {
      return logs.size() == 1 ? logs.front()->close() : log::Log::close_all(logs, node_.log_dir().tree());
    };
    const auto closed = co_await node_.disk_space().with_reserve(shard_, [&] { return pool.run(shard_, close); });
    if (closed) continue;
    node_.logger().error("the log of {}{} did not close well: {}", some.front()->name().to_string(),
                         some.size() == 1 ? "" : fmt::format(", or one of {} others,", some.size() - 1),
                         closed.error().message);
    well = false;
  }
  logs_are_lent_ = false;
  if (well)
    partitions_.for_each([&](Partition& partition) {
      note_ends(partition);
      node_.log_dir().set_log_bytes(partition.name(), partition.log().size_bytes());
    });
  co_return well;
}

void ShardBroker::sync_soon(log::Log& log) {
  if (Partition* partition = find(log.topic_id(), log.partition().partition)) partition->hurry();
}

void ShardBroker::was_synced(log::Log& log, const Result<void>& outcome) {
  if (!outcome && outcome.error().code == Errc::too_many_files) return sync_soon(log);
  if (!outcome) node_.disk_health().disk_failed(outcome.error());
  // Later: another partition is in the middle of something.
  shard_.post([this, topic = log.topic_id(), index = log.partition().partition, is_well = outcome.has_value()] {
    Partition* partition = find(topic, index);
    if (partition == nullptr) return;
    if (!is_well) return partition->fail_waiters(ErrorCode::kKafkaStorageError);
    partition->note_synced();
    partition->was_synced();
  });
}

void ShardBroker::note_ends(Partition& partition) {
  if (partition.is_retired()) return;  // its name may be another's already
  log::LogDir& dir = node_.log_dir();
  dir.note_synced(partition.topic_id(), PartitionId{partition.name().partition}, partition.log().synced_end());
  dir.set_log_start(partition.name(), partition.log().log_start());
  dir.set_recovery_point(partition.name(), partition.log().recovery_point());
  dir.set_compacted_end(partition.name(), partition.log().compacted_end());
  dir.set_high_watermark(partition.name(), partition.high_watermark());
}

awaitable<void> ShardBroker::look_after_logs() {
  while (!node_.is_stopping()) {
    if (!looks_soon_) (void)co_await look_timer_->wait_until(shard_.now() + node_.config().housekeeping_interval);
    if (node_.is_stopping()) break;
    looks_soon_ = false;
    std::vector<std::shared_ptr<Partition>> all;
    partitions_.for_each([&](Partition& partition) { all.push_back(partition.shared_from_this()); });
    ToSave to_save;
    std::size_t looked_at = 0;
    for (const auto& partition : all) {
      if (node_.disk_health().is_offline()) co_return;
      if (++looked_at % kLogsPerTurn == 0) co_await shard_.sleep_until(shard_.now());
      if (!partition->is_retired() && !node_.is_stopping()) co_await look_after(*partition, to_save);
      if (std::max(to_save.jobs.size(), to_save.removals.size()) == kLogsPerJob || node_.is_stopping() ||
          partition == all.back())
        co_await save(std::exchange(to_save, {}));
      if (node_.is_stopping()) co_return;
    }
    auto written =
        co_await node_.machine().disk_pool.run(shard_, [this] { return node_.log_dir().write_checkpoints(); });
    if (!written) note_failure("the checkpoint files were not written", written.error());
  }
}

awaitable<void> ShardBroker::look_after(Partition& partition, ToSave& to_save) {
  log::Log& log = partition.log();
  const WallMillis wall_now = shard_.clock().wall_now();
  const std::string name = partition.name().to_string();
  const bool keeps_all =
      log.config().retention_ms < 0 && log.config().retention_bytes < 0 && !log.config().cleanup_compact;
  if (log.release_if_idle() && keeps_all && log.next_removal() == Instant::never()) co_return;
  PartitionReader reader(partition);
  const auto rolled = co_await reader.look_at_times(0, [&](log::Wait wait) { return log.roll_if_old(wall_now, wait); });
  if (partition.is_retired()) co_return;
  if (!rolled) note_failure(name, rolled.error());
  const auto deleted = co_await node_.disk_space().with_reserve(shard_, [&] {
    return reader.look_at_times(0, [&](log::Wait wait) {
      return log.delete_old_segments(wall_now, shard_.now(), partition.high_watermark(), wait);
    });
  });
  if (partition.is_retired()) co_return;
  if (!deleted) {
    note_failure(name, deleted.error());
  } else {
    context_.metrics.counter(Metric::retention_deleted_segments).add(*deleted);
  }
  // Whoever reads them has them open, so on a full disk nothing is gained by waiting.
  if (auto removal = log.due_removals(node_.disk_space().is_full() ? Instant::never() : shard_.now()))
    to_save.removals.emplace_back(partition.shared_from_this(), std::move(*removal));
  // Both need room before they give any, or none, and what is left is for deletions.
  if (node_.disk_space().is_reserve_spent()) co_return note_ends(partition);
  if (node_.config().compaction) {
    // It asks for the producers, whose last batches are kept.
    if (log.config().cleanup_compact) co_await partition.until_warm();
    if (partition.is_retired()) co_return;
    auto compaction = co_await reader.look_at_times(
        0, [&](log::Wait wait) { return log.begin_compaction(wall_now, partition.high_watermark(), wait); });
    if (partition.is_retired()) co_return;
    if (!compaction) note_failure(name, compaction.error());
    if (compaction && *compaction) {
      partition.begin_work();
      co_await compact(partition, **compaction);
      partition.end_work();
      if (partition.is_retired()) co_return;
    }
  }
  auto job = log.begin_checkpoint();
  if (!job) co_return note_failure(name, job.error(), log.failed());
  if (!*job) co_return note_ends(partition);
  to_save.partitions.push_back(partition.shared_from_this());
  to_save.jobs.push_back(**std::move(job));
}

awaitable<void> ShardBroker::save(ToSave begun) {
  co_await remove(std::move(begun.removals));
  ToSave to_save;
  for (std::size_t i = 0; i < begun.jobs.size(); ++i) {
    // A job works by path, and the directory of a deleted partition is not its own any more.
    if (begun.partitions[i]->is_retired()) continue;
    begun.partitions[i]->begin_work();
    to_save.partitions.push_back(std::move(begun.partitions[i]));
    to_save.jobs.push_back(std::move(begun.jobs[i]));
  }
  if (to_save.jobs.empty()) co_return;
  const auto saved = co_await node_.machine().disk_pool.run(shard_, [&]() -> Result<void> {
    if (to_save.jobs.size() > kSyncEachMax)
      return log::CheckpointJob::run_together(to_save.jobs, node_.log_dir().tree());
    for (log::CheckpointJob& job : to_save.jobs) MQ_CHECK(job.run());
    return {};
  });
  for (std::size_t i = 0; i < to_save.jobs.size(); ++i) {
    to_save.partitions[i]->end_checkpoint(to_save.jobs[i], saved);
    note_ends(*to_save.partitions[i]);
    to_save.partitions[i]->end_work();
  }
  const bool failed = std::ranges::any_of(to_save.partitions, [](const auto& p) { return p->log().failed(); });
  if (!saved) note_failure("saving indexes and producer states", saved.error(), failed);
}

awaitable<void> ShardBroker::remove(Removals removals) {
  std::erase_if(removals,
                [](const auto& removal) { return removal.first->is_retired(); });  // they go with the directory
  if (removals.empty()) co_return;
  for (const auto& [partition, removal] : removals) {
    partition->begin_work();
    node_.log_dir().set_log_start(partition->name(), partition->log().log_start());
  }
  const auto removed = co_await node_.machine().disk_pool.run(shard_, [&]() -> Result<void> {
    auto outcome = node_.log_dir().write_log_starts();
    if (!outcome && outcome.error().code != Errc::disk_full) return outcome;
    outcome = {};  // a full disk has more of files that are gone
    for (auto& [partition, removal] : removals)
      if (auto gone = removal.run(); !gone) outcome = std::move(gone);
    return outcome;
  });
  for (const auto& [partition, removal] : removals) partition->end_work();
  if (!removed) note_failure("removing old segments", removed.error());
}

awaitable<void> ShardBroker::checkpoint(Partition& partition) {
  if (partition.is_retired()) co_return;
  log::Log& log = partition.log();
  auto job = log.begin_checkpoint();
  if (!job) co_return note_failure(partition.name().to_string(), job.error(), log.failed());
  if (*job) {
    partition.begin_work();
    auto saved = co_await node_.machine().disk_pool.run(shard_, [&] { return (**job).run(); });
    partition.end_checkpoint(**job, saved);
    partition.end_work();
    if (!saved) note_failure(partition.name().to_string(), saved.error(), log.failed());
  }
  note_ends(partition);
}

void ShardBroker::checkpoint_soon(std::shared_ptr<Partition> partition) {
  context_.log_tasks.spawn([](ShardBroker& self, std::shared_ptr<Partition> kept) -> awaitable<void> {
    co_await self.checkpoint(*kept);
    kept->checkpoint_done();
  }(*this, std::move(partition)));
}

awaitable<void> ShardBroker::compact(Partition& partition, log::CompactionJob& job) {
  // In steps, so that a sync waiting for the same pool gets its turn.
  while (!job.done()) {
    auto step = co_await node_.machine().disk_pool.run(shard_, [&] { return job.step(); });
    if (step && !node_.is_stopping() && !partition.is_retired()) continue;
    partition.log().abandon_compaction(job);
    if (!step && log::is_damage(step.error())) {
      partition.log().stop_compacting();
      partition.tell_damage(step.error());
      node_.logger().error("{} is not compacted until the next start: what is damaged is left as it is",
                           partition.name().to_string());
    } else if (!step) {
      // Nothing rests on what it wrote.
      note_failure(partition.name().to_string(), step.error(), partition.log().failed());
    }
    co_return;
  }
  if (auto done = partition.log().finish_compaction(job, shard_.now()); !done)
    co_return note_failure(partition.name().to_string(), done.error(), partition.log().failed());
  context_.metrics.counter(Metric::compactions).add();
}

void ShardBroker::note_failure(std::string_view what, const Error& error) {
  note_failure(what, error, error.code == Errc::disk_failed);
}

void ShardBroker::note_failure(std::string_view what, const Error& error, bool is_final) {
  if (is_final) return node_.disk_health().disk_failed(error);
  if (error.code == Errc::read_failed) node_.disk_health().read_failed(error);
  node_.logger().warn("{}: {}; it is tried again when the logs are looked at next", what, error.message);
}

void ShardBroker::adopt(std::unique_ptr<env::Stream> stream, const BoundListener& listener) {
  ConnectionHost& host = *this;
  serve(std::make_shared<Connection>(host, std::move(stream), listener, node_.fetch_session_slots()));
}

void ShardBroker::adopt(std::shared_ptr<Connection> connection) {
  assign_connection();
  shard_.post([this, connection = std::move(connection)]() mutable { serve(std::move(connection)); });
}

void ShardBroker::serve(std::shared_ptr<Connection> connection) {
  connections_.push_back(connection);
  room_.connection_came();
  context_.tasks.spawn(run_connection(std::move(connection)));
  wake_sweep();
  if (!sweeping_) {
    sweeping_ = true;
    context_.tasks.spawn(sweep_connections());
  }
}

awaitable<void> ShardBroker::run_connection(std::shared_ptr<Connection> connection) {
  if (node_.is_stopping()) connection->close(CloseReason::stop);
  co_await connection->run();
  std::erase(connections_, connection);
  room_.connection_went();
  if (connections_.empty()) sweep_timer_->cancel();
  connection_or_requests_ended_.notify_all();
  if (ConnectionHost* target = connection->move_target(); target != nullptr && !connection->is_closing()) {
    connections_assigned_.fetch_sub(1, std::memory_order_relaxed);
    context_.metrics.counter(Metric::connection_moves).add();
    connection->move_to(*target);
    target->adopt(std::move(connection));
  } else {
    connections_assigned_.fetch_sub(1, std::memory_order_relaxed);
    context_.metrics.connection_closed(connection->close_reason());
    node_.release_connection(connection->remote_address());
  }
}

awaitable<void> ShardBroker::sweep_connections() {
  while (!connections_.empty()) {
    const Instant now = shard_.now();
    Instant next = Instant::never();
    for (const auto& connection : connections_) {
      if (const char* why = connection->overdue(now)) connection->close_because(why);
      next = std::min(next, connection->idle_deadline());
    }
    return_memory();
    next = std::max(next, now + kSweepInterval);
    sweep_sleeps_ = next > now + kSweepInterval;
    (void)co_await sweep_timer_->wait_until(next);
    sweep_sleeps_ = false;
  }
  sweeping_ = false;
  return_memory();
}

void ShardBroker::return_memory() {
  const std::function<void()>& return_it = node_.machine().return_memory;
  if (return_it && room_.has_emptied()) node_.machine().disk_pool.submit(return_it);
}

void ShardBroker::start_request(Request request, Responder responder) {
  ++requests_;
  broker::serve(services_, std::move(request), std::move(responder));
}

void ShardBroker::request_ended() {
  if (--requests_ == 0) connection_or_requests_ended_.notify_all();
}

void ShardBroker::producers_came(std::size_t count) {
  const std::size_t most = node_.config().producers_max / node_.machine().shards.size();
  producers_ += count;
  if (producers_ <= most) return;
  std::vector<std::size_t> counts;
  partitions_.for_each([&](const Partition& partition) { counts.push_back(partition.log().producer_count()); });
  producers_ = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  if (producers_ <= most) return;
  // Many at once, so that each new producer costs the same on average; down to the same height everywhere, so that who
  // floods one partition with producers is forgotten first.
  std::size_t room = most - most / 8;
  std::ranges::sort(counts);
  auto place = counts.begin();
  for (; *place * static_cast<std::size_t>(counts.end() - place) <= room; ++place) room -= *place;
  const std::size_t height = room / static_cast<std::size_t>(counts.end() - place);
  producers_ = 0;
  partitions_.for_each([&](Partition& partition) {
    partition.log().keep_latest_producers(height);
    producers_ += partition.log().producer_count();
  });
}

void ShardBroker::refresh_metrics() {
  const auto set = [this](Metric row, std::size_t value) {
    context_.metrics.gauge(row).set(static_cast<std::int64_t>(value));
  };
  std::size_t request_bytes = 0;
  for (const auto& connection : connections_)
    request_bytes += connection->held_bytes() - std::min(connection->held_bytes(), RequestRoom::kOwnBytes);
  set(Metric::connections_open, connections_.size());
  set(Metric::requests_in_progress_bytes, request_bytes);
  set(Metric::fetches_parked, services_.parked_fetches().size());
  groups_->refresh_metrics();
  if (logs_are_lent_) return;
  std::size_t partitions = 0;
  std::size_t log_bytes = 0;
  std::size_t damaged = 0;
  std::size_t producers = 0;
  partitions_.for_each([&](const Partition& partition) {
    producers += partition.log().producer_count();
    ++partitions;
    log_bytes += partition.log().size_bytes();
    damaged += partition.log().damage().size();
  });
  set(Metric::partitions, partitions);
  set(Metric::log_bytes, log_bytes);
  set(Metric::damaged_ranges, damaged);
  set(Metric::producers, producers);
}

}  // namespace mq::broker
