// DeleteRecords (key 21): moves the start of logs. Durable before it is answered.

#include "wire/messages/delete_records.h"

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

awaitable<void> take_start(Partition& partition, DeleteRecordsItem& item) {
  if (auto moved = partition.log().advance_start(item.start, partition.high_watermark()); !moved) {
    item.error = to_wire(moved.error());
    co_return;
  }
  partition.log_start_moved();
  item.low_watermark = partition.log().log_start().value();
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
  if (written) co_await on_each_partition(home, items, take_start);
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
