// OffsetForLeaderEpoch (key 23): where an epoch ended, so that a client notices when a log was shortened (KIP-320).

#include "wire/messages/offset_for_leader_epoch.h"

#include <vector>

#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/on_owners.h"
#include "broker/partition_reader.h"

namespace mq::broker {
namespace {

struct EpochEndItem : Addressed {
  std::int32_t current_leader_epoch = -1;
  LeaderEpoch asked;
  log::EpochEnd end;
};

awaitable<void> find_epoch_end(Partition& partition, EpochEndItem& item) {
  item.error = partition.check_leader(LeaderEpoch{item.current_leader_epoch});
  if (item.error != ErrorCode::kNone) co_return;
  PartitionReader reader(partition);
  if (const auto end = co_await reader.end_of_epoch(item.asked)) {
    item.end = *end;
  } else {
    item.error = to_wire(end.error());
  }
}

awaitable<wire::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    Call& call, const wire::OffsetForLeaderEpochRequest& request) {
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<EpochEndItem> items;
  const TopicResolver topics(call, *image);
  for (const auto& topic : request.topics) {
    const FoundTopic found = topics.by_name(topic.topic);
    for (const auto& partition : topic.partitions) {
      EpochEndItem& item = items.emplace_back();
      address(item, topics, found, partition.partition);
      item.current_leader_epoch = partition.current_leader_epoch;
      item.asked = LeaderEpoch{partition.leader_epoch};
    }
  }
  refuse_excess(home, items);
  co_await on_each_partition(home, items, find_epoch_end);

  wire::OffsetForLeaderEpochResponse response;
  auto item = items.begin();
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.topic = topic.topic;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i, ++item) {
      auto& row = answer.partitions.emplace_back();
      row.partition = item->partition;
      row.error_code = item->error;
      if (item->error != ErrorCode::kNone) continue;
      row.leader_epoch = item->end.epoch.value();
      row.end_offset = item->end.end_offset.value();
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kOffsetForLeaderEpochApi{
    .key = ApiKey::kOffsetForLeaderEpoch,
    .start = suspending<wire::OffsetForLeaderEpochRequest, offset_for_leader_epoch>,
    .needs = {.topic = AclOperation::describe, .cluster = AclOperation::cluster_action, .cluster_suffices = true}};

}  // namespace mq::broker
