// LogEnds (key 10001, of our own): how far the logs of some partitions go, whoever leads them. For elections.

#include "wire/messages/log_ends.h"

#include <vector>

#include "broker/api/api.h"
#include "broker/api/between_brokers.h"
#include "broker/on_owners.h"

namespace mq::broker {
namespace {

struct LogEndItem : Addressed {
  LeaderEpoch last_epoch = kNoLeaderEpoch;
  Offset end{-1};
};

awaitable<void> look(Partition& partition, LogEndItem& item) {
  const auto last_epoch = partition.log().last_epoch();
  if (!last_epoch || partition.is_cutting() || partition.is_retired()) co_return;
  item.last_epoch = *last_epoch;
  item.end = partition.log().written_end();
}

awaitable<wire::LogEndsResponse> log_ends(Call& call, const wire::LogEndsRequest& request) {
  const ErrorCode refusal = refusal_between_brokers(call);
  if (refusal != ErrorCode::kNone) co_return wire::LogEndsResponse{.error_code = refusal};
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<LogEndItem> items;
  for (const auto& topic : request.topics) {
    const cluster::Topic* found = image->find_topic(topic.topic_id);
    for (const std::int32_t index : topic.partitions) {
      LogEndItem& item = items.emplace_back();
      item.topic_id = topic.topic_id;
      item.partition = index;
      if (found != nullptr) item.owner = &home.node().owner_of(topic.topic_id, index);
    }
  }
  refuse_excess(home, items);
  co_await on_each_partition(home, items, look);

  wire::LogEndsResponse response;
  for (const LogEndItem& item : items) {
    if (response.topics.empty() || response.topics.back().topic_id != item.topic_id)
      response.topics.emplace_back().topic_id = item.topic_id;
    response.topics.back().partitions.push_back(
        {.partition = item.partition, .last_epoch = item.last_epoch.value(), .log_end = item.end.value()});
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kLogEndsApi{.key = ApiKey::kLogEnds,
                                  .start = suspending<wire::LogEndsRequest, log_ends>,
                                  .needs = {.cluster = AclOperation::cluster_action}};

}  // namespace mq::broker
