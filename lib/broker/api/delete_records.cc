// DeleteRecords (key 21): moves the start of logs. Durable before it is answered, wherever somebody may lead next
// (H-9).

#include "wire/messages/delete_records.h"

#include <algorithm>
#include <vector>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/on_owners.h"
#include "broker/partition_reader.h"

namespace mq::broker {
namespace {

constexpr std::int64_t kToHighWatermark = -1;
/// Who wants to wait longer for the replicas asks again.
constexpr Duration kDeletionWaitMax = 60s;

struct DeleteRecordsItem : Addressed {
  std::int64_t offset = 0;
  Offset start{0};  ///< what becomes of it
  std::int64_t low_watermark = -1;
};

/// Finds the new start and has it said with the next checkpoints. Nobody hears of it before it is on disk: after a
/// crash the log would begin where it began before.
awaitable<void> plan_start(Partition& partition, DeleteRecordsItem& item) {
  item.error = partition.check_leader();
  if (item.error != ErrorCode::kNone) co_return;
  if (item.offset < kToHighWatermark) {
    item.error = ErrorCode::kOffsetOutOfRange;
    co_return;
  }
  // What a topic keeps for each key is not deleted by its place.
  const log::LogConfig& config = partition.log().config();
  if (config.cleanup_compact && !config.cleanup_delete) {
    MQ_MARK("broker: records of a compacted topic cannot be deleted");
    item.error = ErrorCode::kPolicyViolation;
    co_return;
  }
  if (auto warm = co_await PartitionReader(partition).until_warm(); !warm) {
    item.error = to_wire(warm.error());
    co_return;
  }
  const Offset end = partition.high_watermark();
  const Offset to = item.offset == kToHighWatermark ? end : Offset{item.offset};
  const auto start = partition.log().start_after_advance(to, end);
  if (!start) {
    MQ_MARK("broker: records past the readable end cannot be deleted");
    item.error = to_wire(start.error());
    co_return;
  }
  item.start = *start;
  partition.shard().node.log_dir().set_log_start(partition.name(), *start);
}

/// The start is on our disk.
awaitable<void> take_start(Partition& partition, DeleteRecordsItem& item) {
  if (item.error == ErrorCode::kNone) item.error = partition.check_leader();
  if (item.error == ErrorCode::kNone) partition.start_saved(item.start);
  co_return;
}

/// Until it is on the disks of all that may lead.
awaitable<void> await_start(Partition& partition, DeleteRecordsItem& item, Instant deadline) {
  if (item.error != ErrorCode::kNone) co_return;
  item.error = co_await partition.until_start(item.start, deadline);
  // Why it could not be moved is told in the log.
  if (item.error == ErrorCode::kNone && partition.log().log_start() < item.start)
    item.error = ErrorCode::kKafkaStorageError;
  if (item.error == ErrorCode::kNone) item.low_watermark = partition.log().log_start().value();
}

awaitable<wire::DeleteRecordsResponse> delete_records(Call& call, const wire::DeleteRecordsRequest& request) {
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<DeleteRecordsItem> items;
  const TopicResolver topics(call, *image);
  for (const auto& topic : request.topics) {
    const FoundTopic found = topics.by_name(topic.name);
    for (const auto& partition : topic.partitions) {
      DeleteRecordsItem& item = items.emplace_back();
      address(item, topics, found, partition.partition_index);
      item.offset = partition.offset;
      if (found.topic != nullptr && is_internal_topic(found.topic->name))
        item.refuse(ErrorCode::kInvalidTopicException);
    }
  }
  refuse_excess(home, items);
  // Nothing beyond what is readable can be deleted.
  co_await await_readable(home, items, [](const DeleteRecordsItem&) { return true; });
  co_await on_each_partition(home, items, plan_start);
  const auto write = [&home] {
    return home.node().context().disk_pool().run(
        home.shard(), [&home] { return home.node().context().log_dir().write_checkpoints(); });
  };
  const auto written = is_mutant("deletedback")
                           ? Result<void>{}
                           : co_await home.node().context().disk_space.with_reserve(home.shard(), write);
  const Instant deadline =
      call.request().arrived + std::clamp<Duration>(request.timeout_ms * 1ms, 0s, kDeletionWaitMax);
  if (written) {
    co_await on_each_partition(home, items, take_start);
    co_await on_each_partition(home, items, [deadline](Partition& partition, DeleteRecordsItem& item) {
      return await_start(partition, item, deadline);
    });
  }
  home.node().context().disk_space.look_for_space();
  if (!written && written.error().code == Errc::disk_failed)
    home.node().context().disk_health.disk_failed(written.error());
  if (!written) MQ_MARK("broker: the new start of a log cannot be saved");
  if (!written) home.peer_log().error("the start offsets of logs were not saved: {}", written.error().message);

  wire::DeleteRecordsResponse response;
  auto item = items.begin();
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i, ++item) {
      if (!written && item->error == ErrorCode::kNone) item->error = ErrorCode::kKafkaStorageError;
      auto& row = answer.partitions.emplace_back();
      row.partition_index = item->partition;
      row.error_code = item->error;
      row.low_watermark = item->error == ErrorCode::kNone ? item->low_watermark : -1;
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kDeleteRecordsApi{.key = ApiKey::kDeleteRecords,
                                        .start = suspending<wire::DeleteRecordsRequest, delete_records>,
                                        .needs = {.topic = AclOperation::remove}};

}  // namespace mq::broker
