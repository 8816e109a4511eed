// CreateTopics (19), DeleteTopics (20), CreatePartitions (37): each item by itself, as in Kafka; a name that a request
// has twice is refused, once.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "broker/api/api.h"
#include "broker/services.h"
#include "broker/settings.h"
#include "broker/topic_resolver.h"
#include "broker/topics.h"
#include "config/effective.h"
#include "env/event.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_topics.h"

namespace mq::broker {
namespace {

template <class Names>
std::map<std::string, int> count_names(const Names& names) {
  std::map<std::string, int> counts;
  for (const auto& item : names) ++counts[item.name];
  return counts;
}

bool lacks_value(const wire::CreateTopicsRequest::CreatableTopic& wanted) {
  return std::ranges::any_of(wanted.configs, [](const auto& config) { return !config.value; });
}

/// No setting of `wanted` lacks its value.
NewTopic to_new_topic(const wire::CreateTopicsRequest::CreatableTopic& wanted) {
  NewTopic topic{.name = wanted.name, .partitions = wanted.num_partitions, .replicas = wanted.replication_factor};
  for (const auto& assignment : wanted.assignments)
    topic.assignments.emplace_back(assignment.partition_index, assignment.broker_ids);
  for (const auto& config : wanted.configs) topic.configs[config.name] = *config.value;
  return topic;
}

using CreatedTopic = wire::CreateTopicsResponse::CreatableTopicResult;

void refuse(CreatedTopic& row, ErrorCode error, std::string message) {
  row.error_code = error;
  row.error_message = std::move(message);
  row.configs.emplace();
}

void describe(CreatedTopic& row, const TopicOutcome& outcome, const Call& call) {
  if (outcome.error != ErrorCode::kNone) return refuse(row, outcome.error, outcome.message);
  row.topic_id = outcome.topic->id;
  row.configs.emplace();
  // Who may make a topic need not be one who may see its settings.
  if (!call.may(find_entry(ApiKey::kDescribeConfigs)->needs, {.type = ResourceType::topic, .name = row.name})) {
    row.topic_config_error_code = ErrorCode::kTopicAuthorizationFailed;
    return;
  }
  row.num_partitions = outcome.topic->partition_count();
  row.replication_factor = static_cast<std::int16_t>(outcome.topic->partitions[0].replicas.size());
  for (const config::Effective& effective :
       config::layered_topic(to_overrides(outcome.topic->configs), default_layers(call.home().node().config()))) {
    auto& config = row.configs->emplace_back();
    config.name = effective.row->name;
    config.value = effective.value;
    config.read_only = !effective.row->live;
    config.config_source = static_cast<std::int8_t>(effective.source);
  }
}

/// A topic that a DeleteTopics request names.
struct Deletion {
  std::string name;                                        ///< empty when the id is nobody's
  wire::DeleteTopicsResponse::DeletableTopicResult asked;  ///< what was named, and an error when that means nothing
};

Deletion deletion_of(const wire::DeleteTopicsRequest::DeleteTopicState& wanted, const TopicResolver& topics) {
  Deletion deletion{.name = wanted.name.value_or(""), .asked = {.name = wanted.name, .topic_id = wanted.topic_id}};
  if (wanted.name.has_value() != wanted.topic_id.is_zero()) {
    deletion.asked.error_code = ErrorCode::kInvalidRequest;
    deletion.asked.error_message = "a topic is named by its name or by its id";
    return deletion;
  }
  const FoundTopic found = wanted.name ? topics.by_name(*wanted.name) : topics.by_id(wanted.topic_id);
  if (found.topic != nullptr) {
    deletion.name = found.topic->name;
  } else if (found.error == ErrorCode::kTopicAuthorizationFailed) {
    deletion.asked.error_code = found.error;
    deletion.asked.error_message = "not allowed";
  } else if (!wanted.name) {
    deletion.asked.error_code = found.error;
    deletion.asked.error_message = "there is no topic with this id";
  }
  return deletion;
}

std::vector<Deletion> deletions_of(const wire::DeleteTopicsRequest& request, const TopicResolver& topics) {
  std::vector<Deletion> deletions;
  for (const auto& topic : request.topics) deletions.push_back(deletion_of(topic, topics));
  for (const std::string& name : request.topic_names)
    deletions.push_back(deletion_of({.name = name, .topic_id = {}}, topics));
  return deletions;
}

/// When whoever asked is answered, whatever has become of it. A store of this broker's own answers or has failed.
Instant answer_by(const ShardServices& home, std::int32_t timeout_ms) {
  const bool may_wait = timeout_ms <= 0 || !home.context().node.is_member();
  return may_wait ? Instant::never() : home.shard().now() + timeout_ms * 1ms;
}

/// What the coroutine that `make` returns comes to on the first shard, if it does by `deadline`. It goes on after that.
template <class Make, class T = typename std::invoke_result_t<Make&>::value_type>
awaitable<std::optional<T>> outcome_by(ShardServices& home, Instant deadline, Make make) {
  struct Going {
    explicit Going(env::Shard& at) : ended(at) {}
    std::optional<T> outcome;
    env::Event ended;
  };
  const auto going = std::make_shared<Going>(home.shard());
  home.tasks().spawn([](ShardServices& here, Make job, std::shared_ptr<Going> kept) -> awaitable<void> {
    kept->outcome = co_await await_on(here, here.node().first_shard(), std::move(job));
    kept->ended.notify_all();
  }(home, std::move(make), going));
  while (!going->outcome && home.shard().now() < deadline) (void)co_await going->ended.wait_until(deadline);
  co_return std::exchange(going->outcome, std::nullopt);
}

/// Nobody knows yet what came of it.
TopicOutcome too_late(const ShardServices& home, std::string name) {
  MQ_MARK("broker: a change of topics is not done in time");
  const StoreContact& store = home.context().node.store_contact;
  return {.name = std::move(name),
          .error = ErrorCode::kRequestTimedOut,
          .message = store.is_silent()
                         ? store.how_long() + ": whether it takes effect is open"
                         : std::string("it is not done in time and goes on: look what became of it before it is tried "
                                       "again"),
          .topic = nullptr};
}

awaitable<wire::CreateTopicsResponse> create_topics(Call& call, const wire::CreateTopicsRequest& request) {
  ShardServices& home = call.home();
  const auto counts = count_names(request.topics);
  const auto may = [&](const std::string& name) { return call.may({.type = ResourceType::topic, .name = name}); };
  std::vector<NewTopic> wanted;
  for (const auto& topic : request.topics)
    if (counts.at(topic.name) == 1 && may(topic.name) && !lacks_value(topic)) wanted.push_back(to_new_topic(topic));
  auto outcomes = co_await outcome_by(
      home, answer_by(home, request.timeout_ms),
      [&home, wanted, only = request.validate_only] { return home.node().topics().create(wanted, only); });
  if (!outcomes) {
    outcomes.emplace();
    for (const NewTopic& topic : wanted) outcomes->push_back(too_late(home, topic.name));
  }
  wire::CreateTopicsResponse response;
  auto outcome = outcomes->begin();
  std::set<std::string_view> answered;
  for (const auto& topic : request.topics) {
    if (!answered.insert(topic.name).second) continue;
    auto& row = response.topics.emplace_back();
    row.name = topic.name;
    if (counts.at(topic.name) > 1) {
      refuse(row, ErrorCode::kInvalidRequest, "the request names this topic more than once");
    } else if (!may(topic.name)) {
      refuse(row, ErrorCode::kTopicAuthorizationFailed, "not allowed");
    } else if (lacks_value(topic)) {
      refuse(row, ErrorCode::kInvalidConfig, "a setting has no value; leave it out to have the default");
    } else {
      describe(row, *outcome++, call);
    }
  }
  co_return response;
}

awaitable<wire::DeleteTopicsResponse> delete_topics(Call& call, const wire::DeleteTopicsRequest& request) {
  ShardServices& home = call.home();
  const std::vector<Deletion> wanted = deletions_of(request, TopicResolver(call, *home.image()));
  const Instant deadline = answer_by(home, request.timeout_ms);
  std::map<std::string_view, int> counts;
  for (const Deletion& deletion : wanted) ++counts[deletion.name];
  wire::DeleteTopicsResponse response;
  std::set<std::string_view> answered;
  for (const Deletion& deletion : wanted) {
    const bool is_refused = deletion.asked.error_code != ErrorCode::kNone;
    if (!is_refused && !answered.insert(deletion.name).second) continue;
    auto& row = response.responses.emplace_back(deletion.asked);
    if (is_refused) continue;
    if (counts.at(deletion.name) > 1) {
      row.error_code = ErrorCode::kInvalidRequest;
      row.error_message = "the request names this topic more than once";
      continue;
    }
    auto done = co_await outcome_by(home, deadline, [&home, name = deletion.name, id = row.topic_id] {
      return home.node().topics().remove(name, id);
    });
    const TopicOutcome outcome = done ? *std::move(done) : too_late(home, deletion.name);
    row.name = deletion.name;
    row.error_code = outcome.error;
    if (outcome.error != ErrorCode::kNone) row.error_message = outcome.message;
    if (outcome.topic) row.topic_id = outcome.topic->id;
  }
  co_return response;
}

awaitable<wire::CreatePartitionsResponse> create_partitions(Call& call, const wire::CreatePartitionsRequest& request) {
  ShardServices& home = call.home();
  const auto counts = count_names(request.topics);
  const Instant deadline = answer_by(home, request.timeout_ms);
  wire::CreatePartitionsResponse response;
  std::set<std::string_view> answered;
  for (const auto& topic : request.topics) {
    if (!answered.insert(topic.name).second) continue;
    auto& row = response.results.emplace_back();
    row.name = topic.name;
    if (counts.at(topic.name) > 1) {
      row.error_code = ErrorCode::kInvalidRequest;
      row.error_message = "the request names this topic more than once";
      continue;
    }
    if (!call.may({.type = ResourceType::topic, .name = topic.name})) {
      row.error_code = ErrorCode::kTopicAuthorizationFailed;
      row.error_message = "not allowed";
      continue;
    }
    Topics::Assigned assigned;
    if (topic.assignments) {
      assigned.emplace();
      for (const auto& assignment : *topic.assignments) assigned->push_back(assignment.broker_ids);
    }
    auto done = co_await outcome_by(
        home, deadline, [&home, name = topic.name, count = topic.count, assigned, only = request.validate_only] {
          return home.node().topics().add_partitions(name, count, assigned, only);
        });
    const TopicOutcome outcome = done ? *std::move(done) : too_late(home, topic.name);
    row.error_code = outcome.error;
    if (outcome.error != ErrorCode::kNone) row.error_message = outcome.message;
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kCreateTopicsApi{
    .key = ApiKey::kCreateTopics,
    .start = suspending<wire::CreateTopicsRequest, create_topics>,
    .needs = {.topic = AclOperation::create, .cluster = AclOperation::create, .cluster_suffices = true}};
extern const ApiEntry kDeleteTopicsApi{
    .key = ApiKey::kDeleteTopics,
    .start = suspending<wire::DeleteTopicsRequest, delete_topics>,
    .needs = {.topic = AclOperation::remove, .cluster = AclOperation::remove, .cluster_suffices = true}};
extern const ApiEntry kCreatePartitionsApi{.key = ApiKey::kCreatePartitions,
                                           .start = suspending<wire::CreatePartitionsRequest, create_partitions>,
                                           .needs = {.topic = AclOperation::alter}};

}  // namespace mq::broker
