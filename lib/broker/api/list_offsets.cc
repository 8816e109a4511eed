// ListOffsets (key 2): the ends of a log, and offsets by time.

#include "wire/messages/list_offsets.h"

#include <vector>

#include "base/mark.h"
#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/on_owners.h"
#include "broker/partition_reader.h"

namespace mq::broker {
namespace {

constexpr ApiVersion kNever = 32767;

// Timestamps with a meaning of their own.
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kEarliestLocal = -4;  // without tiered storage: the earliest
constexpr std::int64_t kLatestTiered = -5;   // without tiered storage: none
constexpr std::int64_t kEarliestPendingUpload = -6;

/// The first version in which `timestamp` means what it means.
ApiVersion known_since(std::int64_t timestamp) {
  switch (timestamp) {
    case kMaxTimestamp:
      return 7;
    case kEarliestLocal:
      return 8;
    case kLatestTiered:
      return 9;
    case kEarliestPendingUpload:
      return 11;
    default:
      return timestamp >= kEarliest ? 0 : kNever;
  }
}

struct ListOffsetsItem : Addressed {
  std::int64_t timestamp = 0;
  std::int32_t current_leader_epoch = -1;
  bool read_committed = false;
  log::TimestampOffset found;
};

bool asks_about_end(const ListOffsetsItem& item) {
  return item.timestamp == kLatest || item.timestamp == kMaxTimestamp || item.timestamp >= 0;
}

awaitable<void> find_offset(Partition& partition, ListOffsetsItem& item) {
  item.error = partition.check_leader(LeaderEpoch{item.current_leader_epoch});
  if (item.error != ErrorCode::kNone) co_return;
  PartitionReader reader(partition);
  const Offset end = reader.end_of(item.read_committed ? Bound::stable : Bound::readable);
  switch (item.timestamp) {
    case kLatest:
      // Records of earlier epochs may be committed above, and who was told so must not be told less (H-6).
      if (!partition.replica().knows_end()) {
        item.error = ErrorCode::kOffsetNotAvailable;
        co_return;
      }
      item.found.offset = end;
      item.found.leader_epoch = partition.leader_epoch();
      co_return;
    case kEarliest:
    case kEarliestLocal: {
      // One that may lead next may begin earlier, and who was told so must not be told less (H-9).
      if (!partition.replica().knows_start()) {
        MQ_MARK("broker: where a log begins is not known yet");
        item.error = ErrorCode::kOffsetNotAvailable;
        co_return;
      }
      if (const auto start = co_await reader.start()) {
        item.found.offset = start->offset;
        item.found.leader_epoch = start->leader_epoch;
      } else {
        item.error = to_wire(start.error());
      }
      co_return;
    }
    case kLatestTiered:
    case kEarliestPendingUpload:
      co_return;
    default:
      break;
  }
  const auto found =
      co_await (item.timestamp == kMaxTimestamp ? reader.find_latest_time(end) : reader.find_time(item.timestamp, end));
  if (!found) {
    item.error = to_wire(found.error());
  } else if (*found) {
    item.found = **found;
  }
}

awaitable<wire::ListOffsetsResponse> list_offsets(Call& call, const wire::ListOffsetsRequest& request) {
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<ListOffsetsItem> items;
  const TopicResolver topics(call, *image);
  for (const auto& topic : request.topics) {
    const FoundTopic found = topics.by_name(topic.name);
    for (const auto& partition : topic.partitions) {
      ListOffsetsItem& item = items.emplace_back();
      address(item, topics, found, partition.partition_index);
      item.timestamp = partition.timestamp;
      if (call.version() < known_since(item.timestamp)) item.refuse(ErrorCode::kUnsupportedVersion);
      item.current_leader_epoch = partition.current_leader_epoch;
      item.read_committed = request.isolation_level == kReadCommitted;
    }
  }
  refuse_excess(home, items);
  co_await await_readable(home, items, asks_about_end);
  co_await on_each_partition(home, items, find_offset);

  wire::ListOffsetsResponse response;
  auto item = items.begin();
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i, ++item) {
      auto& row = answer.partitions.emplace_back();
      row.partition_index = item->partition;
      row.error_code = item->error;
      if (item->error != ErrorCode::kNone) continue;
      row.timestamp = item->found.timestamp;
      row.offset = item->found.offset.value();
      row.leader_epoch = item->found.leader_epoch.value();
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kListOffsetsApi{.key = ApiKey::kListOffsets,
                                      .start = suspending<wire::ListOffsetsRequest, list_offsets>,
                                      .needs = {.topic = AclOperation::describe}};

}  // namespace mq::broker
