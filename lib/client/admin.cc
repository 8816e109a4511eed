#include "client/admin.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/milliseconds.h"
#include "base/parsed_number.h"
#include "client/connection.h"
#include "client/group_offsets.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/consumer_protocol.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/drain_broker.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/unregister_broker.h"

namespace mq::client {
namespace {

using ConnectionResult = Result<Cluster::ConnectionRef>;

/// Sooner than we give the request up, so that what the broker says then arrives.
std::int32_t timeout_ms(const Cluster& cluster) { return to_ms(cluster.options().request_timeout * 9 / 10); }

/// The error of one item, nothing when it has none.
std::optional<Error> item_error(ErrorCode code, const std::optional<std::string>& message, std::string_view what) {
  if (code == ErrorCode::kNone) return std::nullopt;
  Error error = broker_error(code, "{}", what);
  if (message && !message->empty()) error.message += ": " + *message;
  return error;
}

/// Gives the connection of each attempt.
using Connect = std::function<awaitable<ConnectionResult>()>;
/// Makes an error of an answer where its own error code asks for another attempt.
template <class Req>
using Judge = std::function<std::optional<Error>(const Response<typename Req::Response>&)>;

awaitable<Result<void>> attempt(Cluster& cluster, Instant deadline, const Connect& connect,
                                const std::function<awaitable<Result<void>>(Connection&)>& ask_once) {
  co_return co_await cluster.retry(deadline, [&]() -> awaitable<Result<void>> {
    MQ_CO_TRY(const auto connection, co_await connect());
    co_return co_await ask_once(*connection);
  });
}

/// Connects and asks, again and again until it works, fails for good, or the deadline is over.
template <class Req>
awaitable<Result<Response<typename Req::Response>>> ask(Cluster& cluster, Instant deadline, Req request,
                                                        Connect connect, Judge<Req> judge = nullptr) {
  std::optional<Response<typename Req::Response>> response;
  MQ_CO_CHECK(co_await attempt(cluster, deadline, connect, [&](Connection& connection) -> awaitable<Result<void>> {
    MQ_CO_TRY(response, co_await connection.call(request, cluster.options().request_timeout));
    if (auto error = judge ? judge(*response) : std::nullopt) co_return fail(*std::move(error));
    co_return Result<void>{};
  }));
  co_return *std::move(response);
}

/// Puts items in the order of the names asked for; what the broker left out gets an error.
template <class Item>
std::vector<Item> in_order(const std::vector<std::string>& names, std::vector<Item> items) {
  std::vector<Item> ordered;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(items, name, &Item::name);
    if (found != items.end()) {
      ordered.push_back(*found);
    } else {
      Item& missing = ordered.emplace_back();
      missing.name = name;
      missing.error =
          Error{.code = Errc::corrupt, .message = fmt::format("{}: the answer leaves it out", name), .kafka_code = 0};
    }
  }
  return ordered;
}

auto& entry_named(auto& topics, const std::string& name) {
  const auto found =
      std::ranges::find(topics, name, [](const auto& topic) -> const std::string& { return topic.name; });
  if (found != topics.end()) return *found;
  auto& added = topics.emplace_back();
  added.name = name;
  return added;
}

/// The first "not the controller" of an answer: then the whole request goes to the new one.
std::optional<Error> not_controller(const auto& items) {
  for (const auto& item : items)
    if (item.error_code == ErrorCode::kNotController) return broker_error(item.error_code, "controller");
  return std::nullopt;
}

/// The controller of now: asked for again in every attempt after the first.
Connect to_controller(Cluster& cluster) {
  return [&cluster, first = true]() mutable -> awaitable<ConnectionResult> {
    const bool is_first = std::exchange(first, false);
    return [](Cluster& c, bool is_known) -> awaitable<ConnectionResult> {
      if (!is_known) MQ_CO_CHECK(co_await c.refresh({}, Cluster::AutoCreate::no));
      co_return co_await c.controller();
    }(cluster, is_first);
  };
}

/// The leader of a partition, likewise.
Connect to_leader(Cluster& cluster, TopicPartition where) {
  return [&cluster, where = std::move(where)]() -> awaitable<ConnectionResult> {
    MQ_CO_TRY(const auto known, co_await cluster.refresh({where.topic}, Cluster::AutoCreate::no));
    const ErrorCode code = known.errors.empty() ? ErrorCode::kUnknownTopicOrPartition : known.errors[0].second;
    // Kafka calls this one retriable, but a topic does not appear by being asked for.
    if (known.topics.empty() && code == ErrorCode::kUnknownTopicOrPartition)
      co_return fail(Errc::not_found, "there is no topic {}", where.topic);
    if (known.topics.empty()) co_return fail(broker_error(code, "topic {}", where.topic));
    const auto& partitions = known.topics[0]->partitions;
    if (where.partition < 0 || static_cast<std::size_t>(where.partition) >= partitions.size())
      co_return fail(Errc::not_found, "topic {} has no partition {}", where.topic, where.partition);
    const BrokerId leader = partitions[static_cast<std::size_t>(where.partition)].leader;
    if (leader == kNoBroker) co_return fail(broker_error(ErrorCode::kLeaderNotAvailable, "{}", where.to_string()));
    co_return co_await cluster.broker(leader);
  };
}

Connect to_coordinator(Cluster& cluster, const std::string& group) {
  return [&cluster, group]() { return cluster.coordinator(group); };
}
Connect to_broker(Cluster& cluster, BrokerId id) {
  return [&cluster, id]() { return cluster.broker(id); };
}
Connect to_any(Cluster& cluster) {
  return [&cluster]() { return cluster.any_broker(); };
}

/// An error of the coordinator, which is then looked up again.
std::optional<Error> coordinator_error(Cluster& cluster, const std::string& group, ErrorCode code) {
  if (!is_coordinator_error(code)) return std::nullopt;
  cluster.forget_coordinator(group);
  return broker_error(code, "group {}", group);
}

/// The brokers, for what each of them must be asked.
awaitable<Result<std::vector<BrokerInfo>>> all_brokers(Cluster& cluster, Instant deadline) {
  co_return co_await cluster.retry(deadline, [&cluster]() -> awaitable<Result<std::vector<BrokerInfo>>> {
    MQ_CO_CHECK(co_await cluster.refresh({}, Cluster::AutoCreate::no));
    co_return cluster.brokers();
  });
}

}  // namespace

// --- Topics ----------------------------------------------------------------------------------------------------------

awaitable<Result<std::vector<CreatedTopic>>> Admin::create_topics(std::vector<NewTopic> topics, bool validate_only,
                                                                  Instant deadline) {
  wire::CreateTopicsRequest request;
  request.timeout_ms = timeout_ms(cluster_);
  request.validate_only = validate_only;
  std::vector<std::string> names;
  for (NewTopic& topic : topics) {
    names.push_back(topic.name);
    auto& entry = request.topics.emplace_back();
    entry.name = std::move(topic.name);
    entry.num_partitions = topic.partitions;
    entry.replication_factor = topic.replication_factor;
    for (auto& [key, value] : topic.configs) {
      auto& config = entry.configs.emplace_back();
      config.name = std::move(key);
      config.value = std::move(value);
    }
  }
  MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_),
                                              [](const auto& answer) { return not_controller(answer.body.topics); }));
  std::vector<CreatedTopic> created;
  for (const auto& topic : response.body.topics)
    created.push_back({.name = topic.name,
                       .error = item_error(topic.error_code, topic.error_message, topic.name),
                       .id = topic.topic_id,
                       .partitions = topic.num_partitions,
                       .replication_factor = topic.replication_factor});
  co_return in_order(names, std::move(created));
}

awaitable<Result<std::vector<ItemResult>>> Admin::delete_topics(std::vector<std::string> names, Instant deadline) {
  wire::DeleteTopicsRequest request;
  request.timeout_ms = timeout_ms(cluster_);
  request.topic_names = names;
  for (const std::string& name : names) request.topics.emplace_back().name = name;
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_),
                         [](const auto& answer) { return not_controller(answer.body.responses); }));
  std::vector<ItemResult> results;
  for (const auto& topic : response.body.responses) {
    const std::string name = topic.name.value_or("");
    results.push_back({.name = name, .error = item_error(topic.error_code, topic.error_message, name)});
  }
  co_return in_order(names, std::move(results));
}

awaitable<Result<void>> Admin::create_partitions(const std::string& topic, std::int32_t count, bool validate_only,
                                                 Instant deadline) {
  wire::CreatePartitionsRequest request;
  request.timeout_ms = timeout_ms(cluster_);
  request.validate_only = validate_only;
  auto& entry = request.topics.emplace_back();
  entry.name = topic;
  entry.count = count;
  MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_),
                                              [](const auto& answer) { return not_controller(answer.body.results); }));
  for (const auto& result : response.body.results)
    if (auto error = item_error(result.error_code, result.error_message, result.name))
      co_return fail(*std::move(error));
  co_return Result<void>{};
}

awaitable<Result<std::vector<Cluster::TopicRef>>> Admin::list_topics(Instant deadline) {
  MQ_CO_TRY(auto topics, co_await cluster_.retry(deadline, [this] { return cluster_.all_topics(); }));
  std::ranges::sort(topics, {}, [](const Cluster::TopicRef& topic) -> const std::string& { return topic->name; });
  co_return topics;
}

// --- Configs ---------------------------------------------------------------------------------------------------------

namespace {
/// Settings of one broker are asked of it; all else of any.
awaitable<ConnectionResult> connect_for_configs(Cluster& cluster, ResourceType type, std::string name) {
  const bool is_of_broker = (type == ResourceType::broker || type == ResourceType::broker_logger) && !name.empty();
  if (!is_of_broker) co_return co_await cluster.any_broker();
  const auto id = parsed_number<std::int32_t>(name);
  if (!id) co_return fail(Errc::invalid_argument, "'{}' is not the number of a broker", name);
  const auto is_known = [&] {
    return std::ranges::find(cluster.brokers(), BrokerId{*id}, &BrokerInfo::id) != cluster.brokers().end();
  };
  if (!is_known()) MQ_CO_CHECK(co_await cluster.refresh({}, Cluster::AutoCreate::no));
  if (!is_known()) co_return fail(Errc::not_found, "there is no broker {} in the cluster", *id);
  co_return co_await cluster.broker(BrokerId{*id});
}
}  // namespace

awaitable<Result<ResourceConfigs>> Admin::describe_configs(ResourceType type, std::string name, Instant deadline) {
  wire::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<std::int8_t>(type);
  resource.resource_name = name;
  request.include_documentation = true;
  MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, std::move(request),
                                              [&] { return connect_for_configs(cluster_, type, name); }));
  if (response.body.results.size() != 1)
    co_return fail(Errc::corrupt, "{}: configs of {} resources", name, response.body.results.size());
  const auto& result = response.body.results[0];
  constexpr std::int8_t kDefaultSource = 5;
  ResourceConfigs configs{
      .type = type, .name = name, .error = item_error(result.error_code, result.error_message, name), .entries = {}};
  for (const auto& config : result.configs)
    configs.entries.push_back({.name = config.name,
                               .value = config.value,
                               .read_only = config.read_only,
                               .is_default = config.config_source == kDefaultSource,
                               .source = config.config_source,
                               .sensitive = config.is_sensitive,
                               .type = config.config_type,
                               .documentation = config.documentation.value_or("")});
  co_return configs;
}

awaitable<Result<void>> Admin::alter_configs(ResourceType type, std::string name, std::vector<ConfigChange> changes,
                                             bool validate_only, Instant deadline) {
  wire::IncrementalAlterConfigsRequest request;
  request.validate_only = validate_only;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<std::int8_t>(type);
  resource.resource_name = name;
  for (ConfigChange& change : changes) {
    auto& config = resource.configs.emplace_back();
    config.name = std::move(change.name);
    config.config_operation = static_cast<std::int8_t>(change.op);
    config.value = std::move(change.value);
  }
  MQ_CO_TRY(const auto response,
            co_await ask(
                cluster_, deadline, std::move(request), [&] { return connect_for_configs(cluster_, type, name); },
                [](const auto& answer) { return not_controller(answer.body.responses); }));
  const std::string_view what = name.empty() ? "all brokers" : std::string_view(name);
  for (const auto& result : response.body.responses)
    if (auto error = item_error(result.error_code, result.error_message, what)) co_return fail(*std::move(error));
  co_return Result<void>{};
}

// --- Groups ----------------------------------------------------------------------------------------------------------

awaitable<Result<std::vector<GroupListing>>> Admin::list_groups(Instant deadline) {
  MQ_CO_TRY(const auto brokers, co_await all_brokers(cluster_, deadline));
  std::map<std::string, GroupListing> groups;
  for (const BrokerInfo& broker : brokers) {
    MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, wire::ListGroupsRequest{},
                                                to_broker(cluster_, broker.id), [](const auto& answer) {
                                                  return item_error(answer.body.error_code, std::nullopt,
                                                                    "list of groups");
                                                }));
    for (const auto& group : response.body.groups)
      groups[group.group_id] = {.id = group.group_id,
                                .protocol_type = group.protocol_type,
                                .state = group.group_state,
                                .type = group.group_type};
  }
  std::vector<GroupListing> listed;
  for (auto& [id, group] : groups) listed.push_back(std::move(group));
  co_return listed;
}

awaitable<Result<GroupDescription>> Admin::describe_group(const std::string& group, Instant deadline) {
  wire::DescribeGroupsRequest request;
  request.groups.push_back(group);
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_coordinator(cluster_, group),
                         [&](const auto& answer) -> std::optional<Error> {
                           if (answer.body.groups.size() != 1)
                             return Error{.code = Errc::corrupt,
                                          .message = fmt::format("group {}: {} groups in the answer", group,
                                                                 answer.body.groups.size()),
                                          .kafka_code = 0};
                           return coordinator_error(cluster_, group, answer.body.groups[0].error_code);
                         }));
  const auto& found = response.body.groups[0];
  GroupDescription description{.id = group,
                               .error = item_error(found.error_code, found.error_message, "group " + group),
                               .state = found.group_state,
                               .protocol_type = found.protocol_type,
                               .protocol = found.protocol_data,
                               .coordinator = kNoBroker,
                               .members = {}};
  description.coordinator = cluster_.known_coordinator(group);
  for (const auto& member : found.members) {
    GroupMember one{.member_id = member.member_id,
                    .instance_id = member.group_instance_id,
                    .client_id = member.client_id,
                    .client_host = member.client_host,
                    .assignment = {}};
    const auto assignment = wire::decode_versioned<wire::ConsumerProtocolAssignment>(member.member_assignment);
    if (found.protocol_type == "consumer" && assignment)
      for (const auto& topic : assignment->assigned_partitions)
        for (const std::int32_t partition : topic.partitions)
          one.assignment.push_back({.topic = topic.topic, .partition = partition});
    description.members.push_back(std::move(one));
  }
  co_return description;
}

awaitable<Result<std::vector<ItemResult>>> Admin::delete_groups(std::vector<std::string> groups, Instant deadline) {
  std::vector<ItemResult> results;
  for (const std::string& group : groups) {
    wire::DeleteGroupsRequest request;
    request.groups_names.push_back(group);
    const auto response = co_await ask(cluster_, deadline, std::move(request), to_coordinator(cluster_, group),
                                       [&](const auto& answer) -> std::optional<Error> {
                                         if (answer.body.results.empty()) return std::nullopt;
                                         return coordinator_error(cluster_, group, answer.body.results[0].error_code);
                                       });
    ItemResult& result = results.emplace_back();
    result.name = group;
    if (!response) {
      result.error = response.error();
    } else if (!response->body.results.empty()) {
      result.error = item_error(response->body.results[0].error_code, std::nullopt, "group " + group);
    }
  }
  co_return results;
}

awaitable<Result<std::vector<CommittedOffset>>> Admin::fetch_offsets(const std::string& group,
                                                                     std::vector<TopicPartition> partitions,
                                                                     Instant deadline) {
  std::optional<std::vector<TopicPartition>> asked;
  if (!partitions.empty()) asked = std::move(partitions);
  co_return co_await cluster_.retry(deadline, [&] { return fetch_committed(cluster_, group, asked); });
}

awaitable<Result<std::vector<PartitionResult>>> Admin::commit_offsets(const std::string& group,
                                                                      std::vector<CommittedOffset> offsets,
                                                                      Instant deadline) {
  MQ_CO_TRY(
      const auto answers,
      co_await cluster_.retry(deadline, [&]() -> awaitable<Result<std::vector<std::pair<TopicPartition, ErrorCode>>>> {
        MQ_CO_TRY(auto codes, co_await client::commit_offsets(cluster_, group, {}, offsets));
        for (const auto& [where, code] : codes)
          if (is_coordinator_error(code)) co_return fail(broker_error(code, "group {}", group));
        co_return codes;
      }));
  std::vector<PartitionResult> results;
  for (const CommittedOffset& offset : offsets) {
    const auto answer = std::ranges::find(answers, offset.where, &std::pair<TopicPartition, ErrorCode>::first);
    PartitionResult& result = results.emplace_back();
    result.where = offset.where;
    result.offset = offset.offset;
    const ErrorCode code = answer == answers.end() ? ErrorCode::kUnknownServerError : answer->second;
    result.error = item_error(code, std::nullopt, offset.where.to_string());
  }
  co_return results;
}

awaitable<Result<std::vector<PartitionResult>>> Admin::delete_offsets(const std::string& group,
                                                                      std::vector<TopicPartition> partitions,
                                                                      Instant deadline) {
  wire::OffsetDeleteRequest request;
  request.group_id = group;
  for (const TopicPartition& where : partitions)
    entry_named(request.topics, where.topic).partitions.emplace_back().partition_index = where.partition;
  MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, std::move(request), to_coordinator(cluster_, group),
                                              [&](const auto& answer) {
                                                return coordinator_error(cluster_, group, answer.body.error_code);
                                              }));
  if (auto error = item_error(response.body.error_code, std::nullopt, "group " + group))
    co_return fail(*std::move(error));
  std::vector<PartitionResult> results;
  for (const auto& topic : response.body.topics)
    for (const auto& partition : topic.partitions) {
      PartitionResult& result = results.emplace_back();
      result.where = {.topic = topic.name, .partition = partition.partition_index};
      result.error = item_error(partition.error_code, std::nullopt, result.where.to_string());
    }
  co_return results;
}

// --- Records, brokers ------------------------------------------------------------------------------------------------

awaitable<Result<std::vector<PartitionResult>>> Admin::delete_records(
    std::vector<std::pair<TopicPartition, Offset>> before, Instant deadline) {
  std::vector<PartitionResult> results;
  for (const auto& [where, offset] : before) {
    wire::DeleteRecordsRequest request;
    request.timeout_ms = timeout_ms(cluster_);
    auto& topic = request.topics.emplace_back();
    topic.name = where.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = where.partition;
    partition.offset = offset.value();
    const auto response =
        co_await ask(cluster_, deadline, std::move(request), to_leader(cluster_, where),
                     [&](const auto& answer) -> std::optional<Error> {
                       if (answer.body.topics.size() != 1 || answer.body.topics[0].partitions.size() != 1)
                         return Error{.code = Errc::corrupt,
                                      .message = fmt::format("{}: the answer leaves it out", where.to_string()),
                                      .kafka_code = 0};
                       const ErrorCode code = answer.body.topics[0].partitions[0].error_code;
                       if (!is_retriable(code)) return std::nullopt;
                       return broker_error(code, "{}", where.to_string());
                     });
    PartitionResult& result = results.emplace_back();
    result.where = where;
    if (!response) {
      result.error = response.error();
      continue;
    }
    const auto& answer = response->body.topics[0].partitions[0];
    result.error = item_error(answer.error_code, std::nullopt, where.to_string());
    result.offset = Offset{answer.low_watermark};
  }
  co_return results;
}

// --- The cluster -----------------------------------------------------------------------------------------------------

namespace {

std::vector<BrokerId> brokers_of(const std::vector<std::int32_t>& ids) {
  std::vector<BrokerId> brokers;
  brokers.reserve(ids.size());
  for (const std::int32_t id : ids) brokers.emplace_back(id);
  return brokers;
}

/// One for each of `asked`, in that order.
template <class Asked, class Where>
std::vector<PartitionResult> results_of(const std::map<TopicPartition, std::optional<Error>>& answered,
                                        const std::vector<Asked>& asked, Where where) {
  std::vector<PartitionResult> results;
  for (const Asked& one : asked) {
    PartitionResult& result = results.emplace_back();
    result.where = where(one);
    const auto found = answered.find(result.where);
    if (found != answered.end()) {
      result.error = found->second;
    } else {
      result.error = Error{.code = Errc::corrupt,
                           .message = fmt::format("{}: the answer leaves it out", result.where.to_string()),
                           .kafka_code = 0};
    }
  }
  return results;
}

}  // namespace

awaitable<Result<ClusterDescription>> Admin::describe_cluster(Instant deadline) {
  wire::DescribeClusterRequest request;
  request.include_fenced_brokers = true;
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_any(cluster_), [](const auto& answer) {
              return item_error(answer.body.error_code, answer.body.error_message, "cluster");
            }));
  ClusterDescription description{.cluster_id = response.body.cluster_id,
                                 .controller = BrokerId{response.body.controller_id},
                                 .brokers = {},
                                 .fenced = {},
                                 .drained = {},
                                 .store_trouble = response.body.store_trouble};
  for (const auto& broker : response.body.brokers)
    if (broker.is_drained) description.drained.emplace_back(broker.broker_id);
  for (const auto& broker : response.body.brokers)
    (broker.is_fenced ? description.fenced : description.brokers)
        .push_back({.id = BrokerId{broker.broker_id},
                    .address = {.host = broker.host, .port = static_cast<std::uint16_t>(broker.port), .path = {}},
                    .rack = broker.rack.value_or("")});
  co_return description;
}

awaitable<Result<std::vector<PartitionState>>> Admin::describe_partitions(std::vector<std::string> topics,
                                                                          Instant deadline) {
  wire::DescribeTopicPartitionsRequest request;
  for (std::string& name : topics) request.topics.push_back({.name = std::move(name)});
  std::vector<PartitionState> states;
  do {
    MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, request, to_any(cluster_)));
    for (const auto& topic : response.body.topics)
      for (const auto& row : topic.partitions)
        states.push_back({.where = {.topic = topic.name.value_or(""), .partition = row.partition_index},
                          .leader = BrokerId{row.leader_id},
                          .leader_epoch = LeaderEpoch{row.leader_epoch},
                          .replicas = brokers_of(row.replica_nodes),
                          .in_sync = brokers_of(row.isr_nodes),
                          .eligible = brokers_of(row.eligible_leader_replicas.value_or(std::vector<std::int32_t>{})),
                          .last_in_sync = brokers_of(row.last_known_elr.value_or(std::vector<std::int32_t>{})),
                          .offline = brokers_of(row.offline_replicas)});
    request.cursor = response.body.next_cursor;
    // A page without a partition would be asked for again and again.
    if (request.cursor && response.body.topics.empty())
      co_return fail(Errc::corrupt, "a page of partitions is empty, and not the last one");
  } while (request.cursor);
  co_return states;
}

awaitable<Result<std::vector<Reassignment>>> Admin::list_reassignments(Instant deadline) {
  wire::ListPartitionReassignmentsRequest request;
  request.timeout_ms = timeout_ms(cluster_);
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_), [](const auto& answer) {
              return item_error(answer.body.error_code, answer.body.error_message, "reassignments");
            }));
  std::vector<Reassignment> ongoing;
  for (const auto& topic : response.body.topics)
    for (const auto& row : topic.partitions)
      ongoing.push_back({.where = {.topic = topic.name, .partition = row.partition_index},
                         .replicas = brokers_of(row.replicas),
                         .adding = brokers_of(row.adding_replicas),
                         .removing = brokers_of(row.removing_replicas)});
  std::ranges::sort(ongoing, {}, &Reassignment::where);
  co_return ongoing;
}

awaitable<Result<std::vector<PartitionResult>>> Admin::alter_reassignments(std::vector<PartitionMove> moves,
                                                                           Instant deadline) {
  wire::AlterPartitionReassignmentsRequest request;
  request.timeout_ms = timeout_ms(cluster_);
  for (const PartitionMove& move : moves) {
    auto& row = entry_named(request.topics, move.where.topic).partitions.emplace_back();
    row.partition_index = move.where.partition;
    if (!move.replicas) continue;
    row.replicas.emplace();
    for (const BrokerId id : *move.replicas) row.replicas->push_back(id.value());
  }
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_), [](const auto& answer) {
              return item_error(answer.body.error_code, answer.body.error_message, "reassignments");
            }));
  std::map<TopicPartition, std::optional<Error>> answered;
  for (const auto& topic : response.body.responses)
    for (const auto& row : topic.partitions) {
      TopicPartition where{topic.name, row.partition_index};
      auto error = item_error(row.error_code, row.error_message, where.to_string());
      answered.emplace(std::move(where), std::move(error));
    }
  co_return results_of(answered, moves, [](const PartitionMove& move) { return move.where; });
}

awaitable<Result<std::vector<PartitionResult>>> Admin::elect_leaders(Election election,
                                                                     std::vector<TopicPartition> partitions,
                                                                     Instant deadline) {
  wire::ElectLeadersRequest request;
  request.election_type = static_cast<std::int8_t>(election);
  request.timeout_ms = timeout_ms(cluster_);
  auto& topics = request.topic_partitions.emplace();
  for (const TopicPartition& where : partitions) {
    if (topics.empty() || topics.back().topic != where.topic) topics.emplace_back().topic = where.topic;
    topics.back().partitions.push_back(where.partition);
  }
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_), [](const auto& answer) {
              return item_error(answer.body.error_code, std::nullopt, "elections");
            }));
  std::map<TopicPartition, std::optional<Error>> answered;
  for (const auto& topic : response.body.replica_election_results)
    for (const auto& row : topic.partition_result) {
      TopicPartition where{topic.topic, row.partition_id};
      auto error = item_error(row.error_code, row.error_message, where.to_string());
      answered.emplace(std::move(where), std::move(error));
    }
  co_return results_of(answered, partitions, [](const TopicPartition& where) { return where; });
}

awaitable<Result<void>> Admin::unregister_broker(BrokerId id, Instant deadline) {
  wire::UnregisterBrokerRequest request;
  request.broker_id = id.value();
  const std::string what = fmt::format("broker {}", id.value());
  MQ_CO_CHECK(co_await ask(cluster_, deadline, std::move(request), to_controller(cluster_), [&](const auto& answer) {
    return item_error(answer.body.error_code, answer.body.error_message, what);
  }));
  co_return Result<void>{};
}

awaitable<Result<void>> Admin::drain_broker(BrokerId id, bool is_wanted, Instant deadline) {
  wire::DrainBrokerRequest request;
  request.broker_id = id.value();
  request.is_wanted = is_wanted;
  const std::string what = fmt::format("broker {}", id.value());
  MQ_CO_CHECK(co_await ask(cluster_, deadline, std::move(request), to_any(cluster_), [&](const auto& answer) {
    return item_error(answer.body.error_code, answer.body.error_message, what);
  }));
  co_return Result<void>{};
}

namespace {

/// Asks once, over a connection of its own.
template <class Req>
awaitable<Result<typename Req::Response>> ask_at(Cluster& cluster, env::Address broker, Req request) {
  MQ_CO_TRY(const Cluster::ConnectionRef connection, co_await cluster.at(std::move(broker)));
  auto response = co_await connection->call(std::move(request), cluster.options().request_timeout);
  connection->close();
  if (!response) co_return std::unexpected(std::move(response).error());
  co_return std::move(response->body);
}

}  // namespace

awaitable<Result<wire::StoreStatusResponse>> Admin::store_status(env::Address broker) {
  return ask_at(cluster_, std::move(broker), wire::StoreStatusRequest{});
}

awaitable<Result<wire::AcceptStoreResponse>> Admin::accept_store(env::Address broker,
                                                                 wire::AcceptStoreRequest request) {
  return ask_at(cluster_, std::move(broker), std::move(request));
}

awaitable<Result<std::vector<LogDir>>> Admin::describe_log_dirs(Instant deadline) {
  MQ_CO_TRY(const auto brokers, co_await all_brokers(cluster_, deadline));
  std::vector<LogDir> dirs;
  for (const BrokerInfo& broker : brokers) {
    MQ_CO_TRY(const auto response, co_await ask(cluster_, deadline, wire::DescribeLogDirsRequest{},
                                                to_broker(cluster_, broker.id), [](const auto& answer) {
                                                  return item_error(answer.body.error_code, std::nullopt,
                                                                    "log directories");
                                                }));
    for (const auto& result : response.body.results) {
      LogDir& dir = dirs.emplace_back();
      dir.broker = broker.id;
      dir.path = result.log_dir;
      dir.error = item_error(result.error_code, std::nullopt, result.log_dir);
      dir.total_bytes = result.total_bytes;
      dir.usable_bytes = result.usable_bytes;
      for (const auto& topic : result.topics)
        for (const auto& partition : topic.partitions)
          dir.replicas.push_back({.where = {.topic = topic.name, .partition = partition.partition_index},
                                  .size_bytes = partition.partition_size,
                                  .offset_lag = partition.offset_lag,
                                  .is_future = partition.is_future_key});
    }
  }
  co_return dirs;
}

awaitable<Result<std::vector<ProducerState>>> Admin::describe_producers(const TopicPartition& where, Instant deadline) {
  wire::DescribeProducersRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = where.topic;
  topic.partition_indexes.push_back(where.partition);
  MQ_CO_TRY(const auto response,
            co_await ask(cluster_, deadline, std::move(request), to_leader(cluster_, where),
                         [&](const auto& answer) -> std::optional<Error> {
                           if (answer.body.topics.size() != 1 || answer.body.topics[0].partitions.size() != 1)
                             return Error{.code = Errc::corrupt,
                                          .message = fmt::format("{}: the answer leaves it out", where.to_string()),
                                          .kafka_code = 0};
                           const auto& partition = answer.body.topics[0].partitions[0];
                           return item_error(partition.error_code, partition.error_message, where.to_string());
                         }));
  std::vector<ProducerState> states;
  for (const auto& state : response.body.topics[0].partitions[0].active_producers)
    states.push_back({.producer_id = ProducerId{state.producer_id},
                      .producer_epoch = state.producer_epoch,
                      .last_sequence = state.last_sequence,
                      .last_timestamp = state.last_timestamp,
                      .coordinator_epoch = state.coordinator_epoch,
                      .transaction_start_offset = state.current_txn_start_offset});
  co_return states;
}

}  // namespace mq::client
