// ListOffsets (key 2): the ends of a log, and offsets by time.

#include <vector>

#include "broker/addressed.h"
#include "broker/api/handlers.h"
#include "broker/errors.h"

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

using Found = Result<std::optional<log::TimestampOffset>>;

/// The first record at or after `timestamp`, or the one with the largest, below `end`.
awaitable<Found> find_by_time(Partition& partition, std::int64_t timestamp, Offset end) {
  ShardBroker& shard = partition.shard();
  log::Log& log = partition.log();
  for (Offset from{0};;) {
    auto search = co_await shard.look_at_times(partition, timestamp, [&](log::Wait wait) {
      return timestamp == kMaxTimestamp ? log.find_max_timestamp(end, wait)
                                        : log.find_timestamp(timestamp, end, from, wait);
    });
    if (!search) co_return std::unexpected(std::move(search).error());
    if (!*search) co_return std::nullopt;
    const auto goes_on_at = (*search)->goes_on_at();
    Found found = co_await shard.node().machine().disk_pool.run(
        shard.shard(), [job = *std::move(*search)]() mutable { return job.run(); });
    if (!found || *found || !goes_on_at) co_return found;
    from = *goes_on_at;
  }
}

awaitable<void> find_offset(Partition& partition, ListOffsetsItem& item) {
  item.error = partition.check_epoch(item.current_leader_epoch);
  if (item.error != ErrorCode::kNone) co_return;
  const Offset end = item.read_committed ? partition.last_stable_offset() : partition.high_watermark();
  switch (item.timestamp) {
    case kLatest:
      item.found.offset = end;
      item.found.leader_epoch = partition.leader_epoch();
      co_return;
    case kEarliest:
    case kEarliestLocal: {
      co_await partition.until_warm();
      item.found.offset = partition.log().log_start();
      // As in Kafka a leader's epoch begins when it comes to lead, be anything written in it or not.
      if (auto begun = partition.log().begin_epoch(partition.leader_epoch()); !begun) {
        partition.tell_damage(begun.error());
        item.error = to_wire(begun.error());
        co_return;
      }
      auto epoch = partition.log().epoch_at(item.found.offset);
      item.found.leader_epoch = epoch ? *epoch : kNoLeaderEpoch;
      co_return;
    }
    case kLatestTiered:
    case kEarliestPendingUpload:
      co_return;
    default:
      break;
  }
  const Found found = co_await find_by_time(partition, item.timestamp, end);
  if (!found) {
    partition.tell_damage(found.error());
    item.error = to_wire(found.error());
  } else if (*found) {
    item.found = **found;
  }
}

}  // namespace

awaitable<wire::ListOffsetsResponse> list_offsets(Call& call, const wire::ListOffsetsRequest& request) {
  ShardBroker& home = call.broker();
  const auto image = home.image();
  std::vector<ListOffsetsItem> items;
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      ListOffsetsItem& item = items.emplace_back();
      address(item, home, image->find_topic(std::string_view(topic.name)), partition.partition_index);
      item.timestamp = partition.timestamp;
      if (call.version() < known_since(item.timestamp))
        item.error = ErrorCode::kUnsupportedVersion, item.owner = nullptr;
      item.current_leader_epoch = partition.current_leader_epoch;
      item.read_committed = request.isolation_level == kReadCommitted;
    }
  refuse_excess(home, items);
  co_await await_readable(home, items, asks_about_end);
  (void)co_await on_each_partition(home, items, find_offset);

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

}  // namespace mq::broker
