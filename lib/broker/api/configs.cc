// DescribeConfigs (32), AlterConfigs (33), IncrementalAlterConfigs (44). Of topics all can be changed; of brokers, one
// or all, what does not need a restart.

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/administration.h"
#include "broker/api/api.h"
#include "broker/services.h"
#include "broker/settings.h"
#include "broker/topic_resolver.h"
#include "broker/topics.h"
#include "config/effective.h"
#include "config/live.h"
#include "controller/config_edits.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/incremental_alter_configs.h"

namespace mq::broker {
namespace {

// Kafka's numbers of resource types and of what an incremental change does.
constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;
constexpr std::int8_t kSet = 0;
constexpr std::int8_t kDelete = 1;
constexpr std::int8_t kAppend = 2;
constexpr std::int8_t kSubtract = 3;

using DescribedConfig = wire::DescribeConfigsResponse::DescribeConfigsResourceResult;

DescribedConfig describe(const config::Effective& effective, const wire::DescribeConfigsRequest& request,
                         ApiVersion version) {
  DescribedConfig row;
  row.name = effective.row->name;
  row.value = effective.value;
  row.read_only = !effective.row->live;
  row.config_source = static_cast<std::int8_t>(effective.source);
  row.config_type = static_cast<std::int8_t>(effective.row->type);
  if (request.include_synonyms)
    for (const config::Setting& setting : effective.synonyms)
      row.synonyms.push_back(
          {.name = setting.name, .value = setting.value, .source = static_cast<std::int8_t>(setting.source)});
  if (version >= 3 && request.include_documentation) row.documentation = std::string(effective.row->text);
  return row;
}

bool is_this_broker(const std::string& name, const NodeServices& node) {
  return name.empty() || name == std::to_string(node.id().value());
}

struct Outcome {
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message;
};

Outcome refuse(ErrorCode error, std::string message) { return {.error = error, .message = std::move(message)}; }

using IncrementalChanges = std::vector<wire::IncrementalAlterConfigsRequest::AlterableConfig>;

bool is_value_needed(const wire::IncrementalAlterConfigsRequest::AlterableConfig& change) {
  return change.config_operation != kDelete;
}
bool is_value_needed(const wire::AlterConfigsRequest::AlterableConfig&) { return true; }

using ResourceCounts = std::map<std::pair<std::int8_t, std::string_view>, int>;

template <class Resource>
ResourceCounts count_resources(const std::vector<Resource>& resources) {
  ResourceCounts counts;
  for (const Resource& resource : resources) ++counts[{resource.resource_type, resource.resource_name}];
  return counts;
}

/// What of a request for changes means nothing, whatever the settings are now.
template <class Resource>
std::optional<Outcome> problem_of(const Resource& resource, const ResourceCounts& counts) {
  if (counts.at({resource.resource_type, resource.resource_name}) > 1)
    return refuse(ErrorCode::kInvalidRequest, "the request names this resource more than once");
  std::set<std::string_view> names;
  for (const auto& config : resource.configs) {
    if (!names.insert(config.name).second)
      return refuse(ErrorCode::kInvalidRequest, fmt::format("{} is named more than once", config.name));
    if (!config.value && is_value_needed(config))
      return refuse(ErrorCode::kInvalidRequest, fmt::format("{} needs a value; to unset it, delete it", config.name));
  }
  return std::nullopt;
}

/// Null when there is no such operation.
std::optional<controller::ConfigEdit::Operation> operation_of(std::int8_t number) {
  using Operation = controller::ConfigEdit::Operation;
  switch (number) {
    case kSet:
      return Operation::set;
    case kDelete:
      return Operation::unset;
    case kAppend:
      return Operation::append;
    case kSubtract:
      return Operation::subtract;
    default:
      return std::nullopt;
  }
}

/// `defaults`, by option name, hold what a list of `table` has that is not set. `changes` have the values that they
/// need.
Result<void> apply(const IncrementalChanges& changes, std::span<const config::OptionRow> table,
                   const config::Overrides& defaults, config::Overrides& configs) {
  std::vector<controller::ConfigEdit> edits;
  edits.reserve(changes.size());
  for (const auto& change : changes) {
    const auto operation = operation_of(change.config_operation);
    if (!operation)
      return fail(Errc::invalid_argument, "{}: there is no operation {}", change.name, change.config_operation);
    edits.push_back({.name = change.name, .operation = *operation, .value = change.value.value_or("")});
  }
  return controller::apply_edits(edits, table, defaults, configs);
}

/// The broker of a resource's name, or of all: the empty one. Nothing: there is no such name.
std::optional<BrokerId> broker_of(std::string_view name) {
  if (name.empty()) return kNoBroker;
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size() || id < 0) return std::nullopt;
  return BrokerId{id};
}

awaitable<Outcome> change_broker(Call& call, std::string_view name, Administration::ConfigChange how,
                                 bool validate_only) {
  ShardServices& home = call.home();
  if (!call.may(kCluster)) co_return refuse(ErrorCode::kClusterAuthorizationFailed, "not allowed");
  const auto id = broker_of(name);
  if (!id) co_return refuse(ErrorCode::kInvalidRequest, "a broker's name is its id; without one all brokers are meant");
  auto refusal = co_await await_on(
      home, home.node().first_shard(), [&home, id = *id, how = std::move(how), validate_only]() mutable {
        return home.node().administration().change_config(id, std::move(how), validate_only);
      });
  if (refusal.error != ErrorCode::kNone) co_return refuse(refusal.error, std::move(refusal.message));
  co_return Outcome{};
}

awaitable<Outcome> change(Call& call, std::int8_t type, std::string name, Topics::ConfigChange how,
                          bool validate_only) {
  ShardServices& home = call.home();
  if (type == kBroker) co_return co_await change_broker(call, name, std::move(how), validate_only);
  if (type != kTopic)
    co_return refuse(ErrorCode::kInvalidRequest, "only topics and brokers have settings that can be changed");
  if (!call.may({.type = ResourceType::topic, .name = name}))
    co_return refuse(ErrorCode::kTopicAuthorizationFailed, "not allowed");
  auto outcome = co_await await_on(
      home, home.node().first_shard(), [&home, name = std::move(name), how = std::move(how), validate_only]() mutable {
        return home.node().topics().change_config(std::move(name), std::move(how), validate_only);
      });
  if (outcome.error != ErrorCode::kNone) co_return refuse(outcome.error, std::move(outcome.message));
  co_return Outcome{};
}

const char* why_not_found(ErrorCode error, std::string_view topic) {
  if (error == ErrorCode::kTopicAuthorizationFailed) return "not allowed";
  return error == ErrorCode::kInvalidTopicException ? topic_name_problem(topic) : "there is no such topic";
}

/// What is set for all brokers.
std::vector<config::Effective> settings_of_all(const cluster::ClusterImage& image) {
  const config::Overrides set = config::usable_live(to_overrides(image.broker_config(kNoBroker)), config::LiveOf::all);
  auto all = config::layered_broker({{.source = config::Source::live_default, .options = set}});
  std::erase_if(all, [&](const config::Effective& one) { return !set.contains(std::string(one.row->name)); });
  return all;
}

wire::DescribeConfigsResponse describe_configs(Call& call, const wire::DescribeConfigsRequest& request) {
  const NodeServices& node = call.home().node();
  const TopicResolver topics(call, *call.home().image());
  wire::DescribeConfigsResponse response;
  std::set<std::pair<std::int8_t, std::string_view>> seen;
  for (const auto& resource : request.resources) {
    // As Kafka's client never does: a small request must not make a large answer.
    if (!seen.emplace(resource.resource_type, resource.resource_name).second) continue;
    auto& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    result.error_message = "";  // as in Kafka never null
    std::vector<config::Effective> all;
    if (resource.resource_type == kTopic) {
      const FoundTopic found = topics.by_valid_name(resource.resource_name);
      if (found.topic == nullptr) {
        result.error_code = found.error;
        result.error_message = why_not_found(found.error, resource.resource_name);
        continue;
      }
      all = config::layered_topic(to_overrides(found.topic->configs), default_layers(node.config()));
    } else if (resource.resource_type == kBroker && !call.may(kCluster)) {
      result.error_code = ErrorCode::kClusterAuthorizationFailed;
      result.error_message = "not allowed";
      continue;
    } else if (resource.resource_type == kBroker && is_this_broker(resource.resource_name, node)) {
      all = resource.resource_name.empty() ? settings_of_all(*call.home().image())
                                           : config::layered_broker(option_layers(node.config()));
    } else {
      result.error_code = ErrorCode::kInvalidRequest;
      result.error_message = resource.resource_type == kBroker ? "a broker tells its own settings only"
                                                               : "only topics and brokers have settings";
      continue;
    }
    for (const config::Effective& effective : all)
      if (!resource.configuration_keys || resource.configuration_keys->empty() ||
          std::ranges::find(*resource.configuration_keys, effective.row->name) != resource.configuration_keys->end())
        result.configs.push_back(describe(effective, request, call.version()));
  }
  return response;
}

awaitable<wire::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, const wire::IncrementalAlterConfigsRequest& request) {
  wire::IncrementalAlterConfigsResponse response;
  const ResourceCounts counts = count_resources(request.resources);
  for (const auto& resource : request.resources) {
    const NodeConfig& node = call.home().node().config();
    const bool is_broker = resource.resource_type == kBroker;
    auto answer = problem_of(resource, counts);
    if (!answer)
      answer = co_await change(
          call, resource.resource_type, resource.resource_name,
          [&node, is_broker, changes = resource.configs](config::Overrides& configs) {
            return is_broker ? apply(changes, config::broker_options(), node.broker_options, configs)
                             : apply(changes, config::topic_options(), node.topic_defaults, configs);
          },
          request.validate_only);
    auto& row = response.responses.emplace_back();
    row.error_code = answer->error;
    row.error_message = std::move(answer->message);
    row.resource_type = resource.resource_type;
    row.resource_name = resource.resource_name;
  }
  co_return response;
}

awaitable<wire::AlterConfigsResponse> alter_configs(Call& call, const wire::AlterConfigsRequest& request) {
  wire::AlterConfigsResponse response;
  const ResourceCounts counts = count_resources(request.resources);
  for (const auto& resource : request.resources) {
    auto answer = problem_of(resource, counts);
    if (!answer)
      answer = co_await change(
          call, resource.resource_type, resource.resource_name,
          [wanted = resource.configs](config::Overrides& configs) -> Result<void> {
            // The old call replaces everything that was set.
            configs.clear();
            for (const auto& config : wanted) configs[config.name] = *config.value;
            return {};
          },
          request.validate_only);
    auto& row = response.responses.emplace_back();
    row.error_code = answer->error;
    row.error_message = std::move(answer->message);
    row.resource_type = resource.resource_type;
    row.resource_name = resource.resource_name;
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kDescribeConfigsApi{
    .key = ApiKey::kDescribeConfigs,
    .start = answering<wire::DescribeConfigsRequest, describe_configs>,
    .needs = {.topic = AclOperation::describe_configs, .cluster = AclOperation::describe_configs}};
extern const ApiEntry kAlterConfigsApi{
    .key = ApiKey::kAlterConfigs,
    .start = suspending<wire::AlterConfigsRequest, alter_configs>,
    .needs = {.topic = AclOperation::alter_configs, .cluster = AclOperation::alter_configs}};
extern const ApiEntry kIncrementalAlterConfigsApi{
    .key = ApiKey::kIncrementalAlterConfigs,
    .start = suspending<wire::IncrementalAlterConfigsRequest, incremental_alter_configs>,
    .needs = {.topic = AclOperation::alter_configs, .cluster = AclOperation::alter_configs}};

}  // namespace mq::broker
