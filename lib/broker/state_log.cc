#include "broker/state_log.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "broker/errors.h"
#include "broker/partition.h"
#include "broker/partition_reader.h"
#include "broker/shard_context.h"
#include "record/batch_builder.h"
#include "record/record.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLoadBytes = 1 << 20;

}  // namespace

StateLog::StateLog(std::shared_ptr<Partition> partition, std::string_view what)
    : partition_(std::move(partition)), what_(what), epoch_(partition_->leader_epoch()) {}

env::Shard& StateLog::shard() const { return partition_->shard().shard; }

env::Logger& StateLog::logger() const { return partition_->shard().node.logger(); }

void StateLog::set_epoch(LeaderEpoch epoch) {
  MQ_ASSERT(epoch >= epoch_);
  epoch_ = epoch;
}

bool StateLog::is_empty() const { return partition_->log().log_start() == partition_->log().log_end(); }

awaitable<Result<void>> StateLog::replay(Replay replay, std::function<bool()> is_wanted) {
  const log::Log& log = partition_->log();
  PartitionReader reader(*partition_);
  const Offset end = reader.end_of(Bound::log_end);
  for (Offset at = log.log_start(); at < end;) {
    const std::size_t bytes_max = MQ_BUGGIFY("broker: groups are loaded in small steps") ? 1 : kLoadBytes;
    MQ_CO_TRY(const std::string bytes, co_await reader.read_bytes({.from = at, .end = end, .bytes_max = bytes_max}));
    MQ_MARK("broker: groups are loaded");
    if (bytes.empty()) {
      // Only compaction leaves offsets without batches at the end, and it remembers how far it came.
      if (end <= log.compacted_end()) break;
      co_return fail(Errc::corrupt_batch, "{}: its batches end at offset {}, but {} were written", log.directory(),
                     at.value(), end.value());
    }
    if (!is_wanted()) co_return fail(Errc::closed, "nobody waits for it any more");
    MQ_CO_TRY(at, replay_batches(replay, bytes, at));
  }
  co_return Result<void>{};
}

Result<Offset> StateLog::replay_batches(const Replay& replay, BytesView bytes, Offset at) {
  record::RecordReader reader;
  record::BatchReader batches(bytes);
  while (true) {
    MQ_TRY(const auto batch, batches.next());
    if (!batch) return at;
    at = batch->header().next_offset();
    if (batch->header().is_control()) continue;
    MQ_CHECK(record::for_each_record(reader, *batch,
                                     [&](const record::RecordView& record) { return replay_record(replay, record); }));
  }
}

Result<void> StateLog::replay_record(const Replay& replay, const record::RecordView& record) {
  if (!record.key) return {};
  switch (replay(*record.key, record.value)) {
    case statelog::Replayed::kTaken:
      return {};
    case statelog::Replayed::kForeign:
      logger().warn("{}: the record at offset {} is not understood and is skipped", partition_->name().to_string(),
                    record.offset.value());
      return {};
    case statelog::Replayed::kUnreadable:
      return fail(Errc::corrupt, "{}: the record at offset {} is of a known kind, but cannot be read",
                  partition_->log().directory(), record.offset.value());
  }
  std::unreachable();
}

bool StateLog::may_load_again(const Error& error) {
  const std::string name = partition_->name().to_string();
  if (error.code == Errc::corrupt || error.code == Errc::corrupt_batch) {
    logger().error(
        "{}: its {} cannot be loaded and are not served: {}; 'mqctl segment verify {}' names what is damaged; with mqd "
        "stopped, put back a good copy of the directory, or move it away: its {} then begin anew",
        name, what_, error.message, partition_->log().directory(), what_);
    return false;
  }
  MQ_MARK("broker: groups cannot be loaded and it is tried again");
  logger().error("{}: its {} are not served yet, since they cannot be read: {}; it is tried again", name, what_,
                 error.message);
  if (error.code == Errc::disk_failed) partition_->shard().node.disk_health.disk_failed(error);
  return true;
}

void StateLog::append(std::span<const statelog::Record> records, Done done) {
  auto in_its_turn = [&shard = shard(), done = std::move(done)](ErrorCode error) mutable {
    shard.post([done = std::move(done), error]() mutable { done(error); });
  };
  const auto end = write(records);
  if (!end) return in_its_turn(to_wire(end.error()));
  if (is_mutant("commitack1")) return partition_->when_written(*end, std::move(in_its_turn));
  partition_->when_committed(*end, std::move(in_its_turn));
}

Result<Offset> StateLog::write(std::span<const statelog::Record> records) {
  if (partition_->leader_epoch() != epoch_)
    return fail(Errc::not_leader, "{} has another leader epoch by now", partition_->name().to_string());
  record::BatchBuilder builder;
  const WallMillis now = shard().clock().wall_now();
  for (const statelog::Record& record : records)
    builder.add(now, BytesView(record.key), record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
  MQ_TRY(std::string batch, builder.finish());
  if (batch.size() > partition_->log().config().batch_bytes_max)
    return fail(Errc::too_large, "{} bytes are more than a batch may have", batch.size());
  const auto header = record::parse_header(batch);
  MQ_ASSERT(header.has_value());
  MQ_TRY(const auto appended, partition_->append(batch.data(), {.header = *header, .max_timestamp = now}));
  return appended.end;
}

void StateLog::after_appends(std::move_only_function<void()> done) {
  const Offset end = partition_->log().log_end();
  partition_->when_committed(end, [&shard = shard(), done = std::move(done)](ErrorCode) mutable {
    shard.post([done = std::move(done)]() mutable { done(); });
  });
}

}  // namespace mq::broker
