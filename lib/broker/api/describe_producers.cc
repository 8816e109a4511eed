// DescribeProducers (key 61): the idempotent producers that a partition remembers (KIP-664).

#include "wire/messages/describe_producers.h"

#include <vector>

#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/on_owners.h"

namespace mq::broker {
namespace {

struct ProducersItem : Addressed {
  std::vector<log::ProducerInfo> producers;
};

awaitable<void> list_producers(Partition& partition, ProducersItem& item) {
  item.error = partition.check_leader();
  if (item.error != ErrorCode::kNone) co_return;
  co_await partition.until_warm();
  if (auto producers = partition.log().producers(partition.shard().shard.clock().wall_now())) {
    item.producers = std::move(*producers);
    partition.count_producers();
  } else {
    partition.tell_damage(producers.error());
    item.error = to_wire(producers.error());
  }
}

awaitable<wire::DescribeProducersResponse> describe_producers(Call& call,
                                                              const wire::DescribeProducersRequest& request) {
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<ProducersItem> items;
  const TopicResolver topics(call, *image);
  for (const auto& topic : request.topics) {
    const FoundTopic found = topics.by_name(topic.name);
    for (const std::int32_t index : topic.partition_indexes) address(items.emplace_back(), topics, found, index);
  }
  refuse_excess(home, items);
  co_await on_each_partition(home, items, list_producers);

  wire::DescribeProducersResponse response;
  auto item = items.begin();
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (std::size_t i = 0; i < topic.partition_indexes.size(); ++i, ++item) {
      auto& row = answer.partitions.emplace_back();
      row.partition_index = item->partition;
      row.error_code = item->error;
      for (const log::ProducerInfo& producer : item->producers) {
        auto& state = row.active_producers.emplace_back();
        state.producer_id = producer.id.value();
        state.producer_epoch = producer.epoch.value();
        state.last_sequence = producer.last_sequence.value();
        state.last_timestamp = producer.last_timestamp;
        state.coordinator_epoch = producer.coordinator_epoch;
        state.current_txn_start_offset = producer.transaction_start.value();
      }
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kDescribeProducersApi{.key = ApiKey::kDescribeProducers,
                                            .start = suspending<wire::DescribeProducersRequest, describe_producers>,
                                            .needs = {.topic = AclOperation::read}};

}  // namespace mq::broker
