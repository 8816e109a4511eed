// DescribeLogDirs (key 35): what the data directory holds, and how much room it has.

#include "wire/messages/describe_log_dirs.h"

#include <algorithm>
#include <map>
#include <vector>

#include "broker/api/api.h"
#include "broker/on_owners.h"

namespace mq::broker {
namespace {

struct LogSizeItem : Addressed {
  std::string topic;
  std::int64_t size = 0;
};

awaitable<void> measure(Partition& partition, LogSizeItem& item) {
  item.size = static_cast<std::int64_t>(partition.log().size_bytes());
  co_return;
}

awaitable<wire::DescribeLogDirsResponse> describe_log_dirs(Call& call, const wire::DescribeLogDirsRequest& request) {
  if (!call.may(kCluster)) {
    wire::DescribeLogDirsResponse refused;
    refused.error_code = ErrorCode::kClusterAuthorizationFailed;
    co_return refused;
  }
  ShardServices& home = call.home();
  const auto image = home.image();
  std::vector<LogSizeItem> items;
  const TopicResolver topics(call, *image);
  const auto add = [&](const FoundTopic& found, std::int32_t index) {
    LogSizeItem& item = items.emplace_back();
    address(item, topics, found, index);
    if (found.topic != nullptr) item.topic = found.topic->name;
  };
  if (request.topics) {
    for (const auto& topic : *request.topics) {
      const FoundTopic found = topics.by_name(topic.topic);
      for (const std::int32_t index : topic.partitions) add(found, index);
    }
  } else {
    for (const cluster::TopicPtr& topic : image->topics())
      for (std::int32_t index = 0; index < topic->partition_count(); ++index) add({.topic = topic.get()}, index);
  }
  if (request.topics) refuse_excess(home, items);
  co_await on_each_partition(home, items, measure);

  wire::DescribeLogDirsResponse response;
  auto& row = response.results.emplace_back();
  row.log_dir = home.node().config().data_dir;
  if (home.node().context().disk_health.is_offline()) row.error_code = ErrorCode::kKafkaStorageError;
  if (auto space = home.node().context().log_dir().space()) {
    row.total_bytes = static_cast<std::int64_t>(space->total_bytes);
    row.usable_bytes = static_cast<std::int64_t>(space->free_bytes);
  }
  for (const LogSizeItem& item : items) {
    if (item.error != ErrorCode::kNone) continue;
    if (row.topics.empty() || row.topics.back().name != item.topic) row.topics.emplace_back().name = item.topic;
    auto& partition = row.topics.back().partitions.emplace_back();
    partition.partition_index = item.partition;
    partition.partition_size = item.size;
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kDescribeLogDirsApi{.key = ApiKey::kDescribeLogDirs,
                                          .start = suspending<wire::DescribeLogDirsRequest, describe_log_dirs>,
                                          .needs = {.cluster = AclOperation::describe, .cluster_suffices = true}};

}  // namespace mq::broker
