#include "sim/life/topic_partitions.h"

#include "client/errors.h"

namespace mq::sim {

awaitable<std::vector<TopicPartition>> partitions_of(client::Cluster& cluster, std::vector<std::string> topics) {
  std::vector<TopicPartition> all;
  const auto refreshed = co_await cluster.refresh(std::move(topics), client::Cluster::AutoCreate::no);
  if (!refreshed) co_return all;
  for (const auto& topic : refreshed->topics)
    for (std::size_t index = 0; index < topic->partitions.size(); ++index)
      all.push_back({topic->name, static_cast<std::int32_t>(index)});
  co_return all;
}

std::string error_name(const Error& error) {
  return error.code == Errc::broker ? "broker error " + std::to_string(error.kafka_code) : to_string(error.code);
}

}  // namespace mq::sim
