#include "broker/group_load.h"

#include <string>
#include <utility>

#include "broker/partition.h"
#include "broker/partition_reader.h"
#include "broker/shard_broker.h"
#include "record/record.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLoadBytes = 1 << 20;

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
  PartitionReader reader(partition.shard().reads(), partition);
  const Offset end = reader.end_of(Bound::log_end);
  for (Offset at = log.log_start(); at < end;) {
    MQ_CO_TRY(const std::string bytes, co_await reader.read_bytes({.from = at, .end = end, .bytes_max = kLoadBytes}));
    if (bytes.empty()) {
      // Only compaction leaves offsets without batches at the end, and it remembers how far it came.
      if (end <= log.compacted_end()) break;
      co_return fail(Errc::corrupt_batch, "{}: its batches end at offset {}, but {} were written", log.directory(),
                     at.value(), end.value());
    }
    // A stop need not wait for all of it.
    if (partition.shard().node().is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
    MQ_CO_TRY(at, replay_batches(partition, coordinator, bytes, at));
  }
  co_return Result<void>{};
}

}  // namespace mq::broker
