#include "remote.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/errors.h"

namespace mq::mqctl {

awaitable<Result<void>> Remote::connect() {
  cluster_.emplace(console_.shard(), random_, options_);
  co_return co_await cluster_->start(console_.shard().now() + options_.connect_timeout);
}

awaitable<void> Remote::close() {
  if (cluster_) co_await cluster_->close();
}

Instant Remote::deadline() const { return console_.shard().now() + options_.request_timeout; }

awaitable<Result<std::vector<client::Cluster::TopicRef>>> Remote::topics(std::vector<std::string> names) {
  MQ_CO_TRY(const auto answer, co_await cluster_->retry(deadline(), [&] {
    return cluster_->refresh(names, client::Cluster::AutoCreate::no);
  }));
  std::vector<client::Cluster::TopicRef> found;
  for (const std::string& name : names) {
    const auto topic = std::ranges::find(answer.topics, name, [](const auto& ref) { return ref->name; });
    if (topic != answer.topics.end()) {
      found.push_back(*topic);
      continue;
    }
    const auto error = std::ranges::find(answer.errors, name, [](const auto& item) { return item.first; });
    const ErrorCode code = error == answer.errors.end() ? ErrorCode::kUnknownTopicOrPartition : error->second;
    console_.complain(client::broker_error(code, "topic {}", name));
  }
  co_return found;
}

awaitable<Result<std::map<TopicPartition, client::OffsetAnswer>>> Remote::offsets(
    std::vector<TopicPartition> partitions, std::int64_t at) {
  std::map<TopicPartition, client::OffsetAnswer> offsets;
  std::set<std::string> names;
  for (const TopicPartition& where : partitions) names.insert(where.topic);
  if (names.empty()) co_return offsets;
  const std::vector<std::string> asked(names.begin(), names.end());
  MQ_CO_TRY(const auto answer, co_await cluster_->retry(deadline(), [&] {
    return cluster_->refresh(asked, client::Cluster::AutoCreate::no);
  }));
  std::vector<client::OffsetQuery> queries;
  for (const TopicPartition& where : partitions) {
    const auto topic = std::ranges::find(answer.topics, where.topic, [](const auto& ref) { return ref->name; });
    if (topic == answer.topics.end() || where.partition < 0) continue;
    const auto index = static_cast<std::size_t>(where.partition);
    if (index >= (*topic)->partitions.size() || (*topic)->partitions[index].leader == kNoBroker) continue;
    queries.push_back({.where = where, .at = at});
  }
  if (queries.empty()) co_return offsets;
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(*cluster_, std::move(queries),
                                                              client::Isolation::read_uncommitted, deadline()));
  for (const client::OffsetAnswer& one : answers) offsets[one.where] = one;
  co_return offsets;
}

}  // namespace mq::mqctl
