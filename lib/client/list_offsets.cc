#include "wire/messages/list_offsets.h"

#include <map>
#include <utility>

#include "base/mark.h"
#include "base/milliseconds.h"
#include "client/connection.h"
#include "client/consumer.h"

namespace mq::client {
namespace {

/// Asks one leader. Answers go to `answers`, by the index of the query.
awaitable<Result<void>> ask_leader(Cluster& cluster, BrokerId leader, const std::vector<OffsetQuery>& queries,
                                   const std::vector<std::size_t>& indexes, Isolation isolation,
                                   std::vector<std::optional<OffsetAnswer>>& answers) {
  wire::ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = static_cast<std::int8_t>(isolation);
  request.timeout_ms = to_ms(cluster.options().request_timeout);
  bool asks_max_timestamp = false;
  for (const std::size_t index : indexes) {
    const OffsetQuery& query = queries[index];
    auto topic =
        std::ranges::find(request.topics, query.where.topic, &wire::ListOffsetsRequest::ListOffsetsTopic::name);
    if (topic == request.topics.end()) {
      topic = request.topics.insert(request.topics.end(), wire::ListOffsetsRequest::ListOffsetsTopic{});
      topic->name = query.where.topic;
    }
    auto& partition = topic->partitions.emplace_back();
    partition.partition_index = query.where.partition;
    partition.timestamp = query.at;
    asks_max_timestamp = asks_max_timestamp || query.at == OffsetQuery::kMaxTimestamp;
  }
  MQ_CO_TRY(auto connection, co_await cluster.broker(leader));
  constexpr ApiVersion kFirstWithMaxTimestamp = 7;
  MQ_CO_TRY(const ApiVersion version, connection->version_for<wire::ListOffsetsRequest>());
  if (asks_max_timestamp && version < kFirstWithMaxTimestamp)
    co_return fail(Errc::unsupported, "{}: it cannot tell the offset of the largest timestamp",
                   connection->address().to_string());
  MQ_CO_TRY(const auto response, co_await connection->call(std::move(request), cluster.options().request_timeout));
  for (const auto& topic : response.body.topics)
    for (const auto& partition : topic.partitions)
      for (const std::size_t index : indexes) {
        const TopicPartition& where = queries[index].where;
        if (answers[index] || where.partition != partition.partition_index || where.topic != topic.name) continue;
        if (partition.error_code != ErrorCode::kNone)
          co_return fail(broker_error(partition.error_code, "offsets of {}", where.to_string()));
        answers[index] = OffsetAnswer{.where = where,
                                      .offset = Offset{partition.offset},
                                      .timestamp = partition.timestamp,
                                      .leader_epoch = LeaderEpoch{partition.leader_epoch}};
        break;
      }
  co_return Result<void>{};
}

/// One round over all leaders that still owe an answer.
awaitable<Result<void>> ask_leaders(Cluster& cluster, const std::vector<OffsetQuery>& queries, Isolation isolation,
                                    Instant deadline, std::vector<std::optional<OffsetAnswer>>& answers) {
  // A request names a partition once, so two questions about one partition go in two requests.
  std::map<std::pair<BrokerId, int>, std::vector<std::size_t>> requests;
  std::map<TopicPartition, int> asked;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (answers[i]) continue;
    const TopicPartition& where = queries[i].where;
    auto found = co_await cluster.topic(where.topic, Cluster::AutoCreate::no, deadline);
    // Kafka calls this one retriable, but a topic does not appear by being asked for.
    if (!found && code_of(found.error()) == ErrorCode::kUnknownTopicOrPartition)
      co_return fail(Errc::not_found, "there is no topic {}", where.topic);
    MQ_CO_TRY(const auto topic, std::move(found));
    if (where.partition < 0 || static_cast<std::size_t>(where.partition) >= topic->partitions.size())
      co_return fail(Errc::not_found, "topic {} has no partition {}", where.topic, where.partition);
    const PartitionInfo& info = topic->partitions[static_cast<std::size_t>(where.partition)];
    if (info.leader == kNoBroker) co_return fail(broker_error(ErrorCode::kLeaderNotAvailable, "{}", where.to_string()));
    requests[{info.leader, asked[where]++}].push_back(i);
  }
  for (const auto& [key, indexes] : requests)
    MQ_CO_CHECK(co_await ask_leader(cluster, key.first, queries, indexes, isolation, answers));
  co_return Result<void>{};
}

}  // namespace

awaitable<Result<std::vector<OffsetAnswer>>> list_offsets(Cluster& cluster, std::vector<OffsetQuery> queries,
                                                          Isolation isolation, Instant deadline) {
  std::vector<std::optional<OffsetAnswer>> answers(queries.size());
  Backoff backoff;
  while (true) {
    auto asked = co_await ask_leaders(cluster, queries, isolation, deadline, answers);
    if (asked && std::ranges::all_of(answers, [](const auto& answer) { return answer.has_value(); })) break;
    Error error = asked ? Error{.code = Errc::corrupt, .message = "an answer leaves a partition out", .kafka_code = 0}
                        : asked.error();
    const Instant again = cluster.shard().now() + backoff.next(cluster.random());
    if (!is_worth_retrying(error) || again >= deadline || cluster.closed()) co_return fail(std::move(error));
    MQ_MARK("client: offsets are asked for again");
    co_await cluster.shard().sleep_until(again);
    std::vector<std::string> names;
    for (const OffsetQuery& query : queries)
      if (std::ranges::find(names, query.where.topic) == names.end()) names.push_back(query.where.topic);
    (void)co_await cluster.refresh(std::move(names), Cluster::AutoCreate::no);
  }
  std::vector<OffsetAnswer> result;
  for (auto& answer : answers) result.push_back(*std::move(answer));
  co_return result;
}

}  // namespace mq::client
