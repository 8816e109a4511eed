#include "broker/group_load.h"

#include <string>
#include <utility>

#include "broker/partition.h"
#include "broker/shard_broker.h"
#include "record/record.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLoadBytes = 1 << 20;

/// The batches from `at` on, found without waiting for the disk on the shard's thread.
awaitable<Result<log::FileRange>> find_batches(Partition& partition, Offset at, Offset end) {
  // Now and then the cache has lost what was brought in.
  constexpr int kTries = 8;
  ShardBroker& shard = partition.shard();
  for (int tries = 1;; ++tries) {
    auto range = partition.log().read(at, kLoadBytes, end, true, tries <= kTries ? log::Wait::no : log::Wait::yes);
    if (range || range.error().code != Errc::would_block) co_return range;
    MQ_CO_TRY(log::LookUp look_up, partition.log().prepare_read(at, kLoadBytes, end));
    co_await shard.node().machine().disk_pool.run(shard.shard(), [job = std::move(look_up)]() mutable { job.run(); });
  }
}

/// Their bytes, once they are checked.
awaitable<Result<std::string>> read_checked(Partition& partition, log::FileRange range) {
  ShardBroker& shard = partition.shard();
  env::Pool& pool = shard.node().machine().disk_pool;
  if (!range.verified) {
    const log::VerifyOutcome outcome = co_await pool.run(shard.shard(), [&range] { return log::verify(range); });
    partition.log().note_verified(range, outcome);
    if (outcome.damage) co_return std::unexpected(*outcome.damage);
  }
  co_return co_await pool.run(shard.shard(), [&range] { return log::read_bytes(range); });
}

Result<void> replay_record(Partition& partition, group::Coordinator& coordinator, const record::RecordView& record) {
  using Replayed = group::Coordinator::Replayed;
  if (!record.key) return {};
  switch (coordinator.replay(*record.key, record.value)) {
    case Replayed::kTaken:
      return {};
    case Replayed::kForeign:
      partition.shard().node().logger().warn("{}: the record at offset {} is not understood and is skipped",
                                             partition.name().to_string(), record.offset.value());
      return {};
    case Replayed::kUnreadable:
      return fail(Errc::corrupt, "{}: the record at offset {} is of a group or an offset, but cannot be read",
                  partition.log().directory(), record.offset.value());
  }
  std::unreachable();
}

/// Returns where the batches go on.
Result<Offset> replay_batches(Partition& partition, group::Coordinator& coordinator, BytesView bytes, Offset at) {
  record::RecordReader reader;
  record::BatchReader batches(bytes);
  while (true) {
    MQ_TRY(const auto batch, batches.next());
    if (!batch) return at;
    at = batch->header().next_offset();
    if (batch->header().is_control()) continue;
    MQ_CHECK(record::for_each_record(reader, *batch, [&](const record::RecordView& record) {
      return replay_record(partition, coordinator, record);
    }));
  }
}

}  // namespace

awaitable<Result<void>> load_groups(Partition& partition, group::Coordinator& coordinator) {
  log::Log& log = partition.log();
  const Offset end = log.log_end();
  for (Offset at = log.log_start(); at < end;) {
    MQ_CO_TRY(log::FileRange range, co_await find_batches(partition, at, end));
    if (range.empty()) {
      // Only compaction leaves offsets without batches at the end, and it remembers how far it came.
      if (end <= log.compacted_end()) break;
      co_return fail(Errc::corrupt_batch, "{}: its batches end at offset {}, but {} were written", log.directory(),
                     at.value(), end.value());
    }
    MQ_CO_TRY(const std::string bytes, co_await read_checked(partition, std::move(range)));
    // A stop need not wait for all of it.
    if (partition.shard().node().is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
    MQ_CO_TRY(at, replay_batches(partition, coordinator, bytes, at));
  }
  co_return Result<void>{};
}

}  // namespace mq::broker
