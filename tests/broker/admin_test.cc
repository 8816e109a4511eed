// What administrators ask for, and what nobody means: answered as Kafka answers it.

#include <optional>
#include <string>
#include <vector>

#include "broker_fixture.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;
using testing::Peer;

class Admin : public BrokerTest {
 protected:
  void start() {
    BrokerTest::start();
    peer_ = run(Peer::connect(*client_));
  }
  template <class Request>
  typename Request::Response ask(const Request& request, ApiVersion version) {
    return run([](Peer& peer, const Request& wanted, ApiVersion in) -> awaitable<typename Request::Response> {
      co_return co_await peer.call(wanted, in);
    }(*peer_, request, version));
  }
  [[nodiscard]] const cluster::Topic* find(std::string_view topic) {
    return node_->first_shard().image()->find_topic(topic);
  }

  ErrorCode grow(std::string topic, std::int32_t count, std::optional<std::size_t> assigned = std::nullopt) {
    wire::CreatePartitionsRequest request;
    auto& wanted = request.topics.emplace_back();
    wanted.name = std::move(topic);
    wanted.count = count;
    if (assigned) wanted.assignments.emplace(*assigned).assign(*assigned, {.broker_ids = {node_->id().value()}});
    return ask(request, 3).results.at(0).error_code;
  }
  std::vector<ErrorCode> remove(std::vector<wire::DeleteTopicsRequest::DeleteTopicState> topics) {
    wire::DeleteTopicsRequest request;
    request.topics = std::move(topics);
    std::vector<ErrorCode> errors;
    for (const auto& row : ask(request, 6).responses) errors.push_back(row.error_code);
    return errors;
  }
  using Errors = std::vector<ErrorCode>;

  std::unique_ptr<Peer> peer_;
};

TEST_F(Admin, AnInternalTopicKeepsItsNumberOfPartitions) {
  // A group is found by that number: with another all committed offsets would seem to be gone.
  start();
  create_topic("__consumer_offsets", 1);
  EXPECT_EQ(grow("__consumer_offsets", 5), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(find("__consumer_offsets")->partition_count(), 2);
}

TEST_F(Admin, AnAssignmentNamesBrokersForJustTheNewPartitions) {
  start();
  create_topic("t", 2);
  EXPECT_EQ(grow("t", 4, 1), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(grow("t", 4, 0), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(find("t")->partition_count(), 2);
  EXPECT_EQ(grow("t", 4, 2), ErrorCode::kNone);
  EXPECT_EQ(find("t")->partition_count(), 4);
}

TEST_F(Admin, ATopicIsDeletedByItsNameOrItsIdButNotByBoth) {
  start();
  create_topic("a", 1);
  create_topic("b", 1);
  const Uuid a = find("a")->id;
  EXPECT_EQ(remove({{.name = "b", .topic_id = a}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_EQ(remove({{}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_NE(find("a"), nullptr);
  EXPECT_NE(find("b"), nullptr);
  EXPECT_EQ(remove({{.name = std::nullopt, .topic_id = a}}), Errors{ErrorCode::kNone});
  EXPECT_EQ(find("a"), nullptr);
}

TEST_F(Admin, ATopicThatADeletionNamesTwiceIsKept) {
  start();
  create_topic("a", 1);
  const Uuid a = find("a")->id;
  EXPECT_EQ(remove({{.name = "a"}, {.name = "a"}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_EQ(remove({{.name = "a"}, {.name = std::nullopt, .topic_id = a}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_NE(find("a"), nullptr);
}

TEST_F(Admin, ATopicThatACreationNamesTwiceIsAnsweredOnceAndNotMade) {
  start();
  wire::CreateTopicsRequest request;
  for (const char* name : {"twice", "once", "twice", "twice"}) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
  }
  const auto answer = ask(request, 7);
  ASSERT_EQ(answer.topics.size(), 2u);
  EXPECT_EQ(answer.topics[0].name, "twice");
  EXPECT_EQ(answer.topics[0].error_code, ErrorCode::kInvalidRequest);
  ASSERT_TRUE(answer.topics[0].configs) << "beside an error there are none, which is not null";
  EXPECT_TRUE(answer.topics[0].configs->empty());
  EXPECT_EQ(answer.topics[1].name, "once");
  EXPECT_EQ(answer.topics[1].error_code, ErrorCode::kNone);
  EXPECT_EQ(find("twice"), nullptr);
  EXPECT_NE(find("once"), nullptr);
}

TEST_F(Admin, ATopicThatAGrowthNamesTwiceIsAnsweredOnceAndKeepsItsPartitions) {
  start();
  create_topic("t", 1);
  wire::CreatePartitionsRequest request;
  for (const std::int32_t count : {2, 3}) {
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.count = count;
  }
  const auto answer = ask(request, 3);
  ASSERT_EQ(answer.results.size(), 1u);
  EXPECT_EQ(answer.results[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(find("t")->partition_count(), 1);
}

TEST_F(Admin, ADeletionByIdDoesNotTakeATopicThatHasTheNameMeanwhile) {
  start();
  create_topic("a", 1);
  const Uuid before = find("a")->id;
  ASSERT_EQ(world_->run(*machine_, node_->topics().remove("a"), 1min).error, ErrorCode::kNone);
  create_topic("a", 1);
  EXPECT_EQ(world_->run(*machine_, node_->topics().remove("a", before), 1min).error, ErrorCode::kUnknownTopicId);
  EXPECT_NE(find("a"), nullptr);
}

TEST_F(Admin, ASettingWithoutAValueMakesNoTopic) {
  start();
  wire::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  topic.configs.push_back({.name = "retention.ms", .value = std::nullopt});
  EXPECT_EQ(ask(request, 7).topics.at(0).error_code, ErrorCode::kInvalidConfig);
  EXPECT_EQ(find("t"), nullptr);
}

constexpr std::int8_t kTopic = 2;

TEST_F(Admin, AChangeOfSettingsThatMeansNothingKeepsWhatIsSet) {
  start();
  create_topic("t", 1, {{"retention.ms", "5000"}});
  const auto alter = [this](std::vector<wire::AlterConfigsRequest::AlterableConfig> configs, int times = 1) {
    wire::AlterConfigsRequest request;
    request.resources.assign(static_cast<std::size_t>(times),
                             {.resource_type = kTopic, .resource_name = "t", .configs = std::move(configs)});
    return ask(request, 2).responses.at(0).error_code;
  };
  const auto change = [this](std::vector<wire::IncrementalAlterConfigsRequest::AlterableConfig> configs) {
    wire::IncrementalAlterConfigsRequest request;
    request.resources.push_back({.resource_type = kTopic, .resource_name = "t", .configs = std::move(configs)});
    return ask(request, 1).responses.at(0).error_code;
  };
  EXPECT_EQ(alter({{.name = "retention.ms", .value = std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter({{.name = "retention.ms", .value = "1"}, {.name = "retention.ms", .value = "2"}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter({{.name = "retention.ms", .value = "1"}}, 2), ErrorCode::kInvalidRequest);
  EXPECT_EQ(change({{.name = "retention.ms", .config_operation = 0, .value = std::nullopt}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(change({{.name = "retention.ms", .config_operation = 0, .value = "1"},
                    {.name = "retention.ms", .config_operation = 1, .value = std::nullopt}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(change({{.name = "cleanup.policy", .config_operation = 2, .value = std::nullopt}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(find("t")->configs, (cluster::ConfigMap{{"retention.ms", "5000"}}));
  EXPECT_EQ(change({{.name = "retention.ms", .config_operation = 1, .value = std::nullopt}}), ErrorCode::kNone);
  EXPECT_EQ(find("t")->configs, cluster::ConfigMap{});
}

TEST_F(Admin, SettingsAreKeptAsKafkaSpellsThemWhicheverWayTheyCome) {
  start();
  create_topic("t", 1, {{"cleanup.policy", "compact, delete"}, {"preallocate", " TRUE"}});
  EXPECT_EQ(find("t")->configs, (cluster::ConfigMap{{"cleanup.policy", "compact,delete"}, {"preallocate", "true"}}));
  wire::AlterConfigsRequest all;
  all.resources.push_back(
      {.resource_type = kTopic,
       .resource_name = "t",
       .configs = {{.name = "retention.ms", .value = " +1000"}, {.name = "min.cleanable.dirty.ratio", .value = ".5"}}});
  EXPECT_EQ(ask(all, 2).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(find("t")->configs, (cluster::ConfigMap{{"min.cleanable.dirty.ratio", "0.5"}, {"retention.ms", "1000"}}));
  wire::IncrementalAlterConfigsRequest one;
  one.resources.push_back(
      {.resource_type = kTopic,
       .resource_name = "t",
       .configs = {{.name = "cleanup.policy", .config_operation = 0, .value = "delete , compact"}}});
  EXPECT_EQ(ask(one, 1).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(find("t")->configs.find("cleanup.policy")->second, "delete,compact");
}

TEST_F(Admin, AListChangesByItsItemsHoweverItIsSpelled) {
  constexpr std::int8_t kAppend = 2;
  constexpr std::int8_t kSubtract = 3;
  struct Change {
    const char* before;
    std::int8_t operation;
    const char* items;
    ErrorCode error;
    const char* after;
  };
  start();
  int number = 0;
  for (const Change& change : {Change{"compact, delete", kSubtract, "delete", ErrorCode::kNone, "compact"},
                               Change{"compact, delete", kSubtract, " compact", ErrorCode::kNone, "delete"},
                               Change{"compact, delete", kAppend, "delete", ErrorCode::kNone, "compact,delete"},
                               Change{"delete", kAppend, "compact, delete", ErrorCode::kNone, "delete,compact"},
                               Change{"delete", kSubtract, "delete", ErrorCode::kNone, ""},
                               Change{"delete", kSubtract, "purge", ErrorCode::kNone, "delete"},
                               Change{"delete", kSubtract, "", ErrorCode::kNone, "delete"},
                               Change{"delete", kAppend, "purge", ErrorCode::kInvalidConfig, "delete"},
                               Change{"delete", kAppend, "", ErrorCode::kInvalidConfig, "delete"}}) {
    const std::string name = fmt::format("t{}", number++);
    create_topic(name, 1, {{"cleanup.policy", change.before}});
    wire::IncrementalAlterConfigsRequest request;
    request.resources.push_back(
        {.resource_type = kTopic,
         .resource_name = name,
         .configs = {{.name = "cleanup.policy", .config_operation = change.operation, .value = change.items}}});
    const std::string what = fmt::format("{} {} {}", change.before, change.operation, change.items);
    EXPECT_EQ(ask(request, 1).responses.at(0).error_code, change.error) << what;
    EXPECT_EQ(find(name)->configs.find("cleanup.policy")->second, change.after) << what;
  }
}

/// Settings of brokers: of the one that is asked, or of all.
class BrokerSettings : public Admin {
 protected:
  wire::IncrementalAlterConfigsResponse::AlterConfigsResourceResponse change(const std::string& broker,
                                                                             const std::string& name,
                                                                             std::optional<std::string> value,
                                                                             bool validate_only = false) {
    wire::IncrementalAlterConfigsRequest request;
    request.validate_only = validate_only;
    const std::int8_t operation = value ? 0 : 1;
    request.resources.push_back(
        {.resource_type = kBroker,
         .resource_name = broker,
         .configs = {{.name = name, .config_operation = operation, .value = std::move(value)}}});
    return ask(request, 1).responses.at(0);
  }
  /// The setting's value and source; empty when it is not told.
  std::string told(std::int8_t type, const std::string& resource, const std::string& name) {
    wire::DescribeConfigsRequest request;
    auto& wanted = request.resources.emplace_back();
    wanted.resource_type = type;
    wanted.resource_name = resource;
    for (const auto& config : ask(request, 4).results.at(0).configs)
      if (config.name == name)
        return fmt::format("{} from {}{}", config.value.value_or("nothing"), config.config_source,
                           config.read_only ? ", read-only" : "");
    return "";
  }
  static constexpr std::int8_t kBroker = 4;
};

TEST_F(BrokerSettings, CountAtOnceTheOwnBeforeThoseOfAllAndBothBeforeTheFile) {
  start();
  EXPECT_EQ(told(kBroker, "1", "num.partitions"), "1 from 5");
  EXPECT_EQ(change("", "num.partitions", "3").error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 3);
  EXPECT_EQ(told(kBroker, "1", "num.partitions"), "3 from 3");
  EXPECT_EQ(told(kBroker, "", "num.partitions"), "3 from 3");
  EXPECT_EQ(change("1", "num.partitions", "5").error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 5);
  EXPECT_EQ(told(kBroker, "1", "num.partitions"), "5 from 2");
  EXPECT_EQ(told(kBroker, "", "num.partitions"), "3 from 3");
  restart();
  peer_ = run(Peer::connect(*client_));
  EXPECT_EQ(node_->config().partitions_default, 5) << "a restart reads them";
  EXPECT_EQ(change("1", "num.partitions", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 3);
  EXPECT_EQ(change("", "num.partitions", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 1);
  EXPECT_EQ(told(kBroker, "1", "num.partitions"), "1 from 5");
  EXPECT_TRUE(node_->first_shard().image()->broker_configs().empty());
}

TEST_F(BrokerSettings, DefaultsOfTopicsChangeForThoseThatDoNotSay) {
  start();
  create_topic("t", 1);
  create_topic("own", 1, {{"retention.ms", "7"}});
  EXPECT_EQ(change("", "log.retention.ms", "1234").error_code, ErrorCode::kNone);
  EXPECT_EQ(told(kTopic, "t", "retention.ms"), "1234 from 3");
  EXPECT_EQ(told(kTopic, "own", "retention.ms"), "7 from 1");
  EXPECT_EQ(partition("t", 0).log().config().retention_ms, 1234);
  EXPECT_EQ(partition("own", 0).log().config().retention_ms, 7);
}

TEST_F(BrokerSettings, WhatNeedsARestartIsRefusedAndNothingIsKept) {
  start();
  const auto refused = [&](const char* broker, const char* name, const char* value) {
    const auto answer = change(broker, name, value);
    EXPECT_NE(answer.error_code, ErrorCode::kNone) << name;
    return answer.error_message.value_or("");
  };
  EXPECT_TRUE(refused("1", "log.dirs", "/elsewhere").contains("read when a broker starts"));
  EXPECT_TRUE(refused("1", "min.insync.replicas", "2").contains("for all of them"));
  EXPECT_TRUE(refused("", "log.retention.hours", "2").contains("log.retention.ms"));
  EXPECT_TRUE(refused("", "num.partitons", "2").contains("num.partitions"));
  EXPECT_TRUE(refused("", "num.partitions", "0").contains("num.partitions"));
  // Each alone is well.
  EXPECT_TRUE(refused("", "socket.request.max.bytes", "536870912").contains("queued.max.request.bytes"));
  EXPECT_TRUE(refused("7", "num.partitions", "2").contains("there is no broker 7"));
  EXPECT_TRUE(refused("one", "num.partitions", "2").contains("is its id"));
  EXPECT_TRUE(refused("1", "leader.replication.throttled.rate", "1000").contains("leave the throttle out"));
  EXPECT_EQ(change("1", "num.partitions", "9", true).error_code, ErrorCode::kNone) << "would be taken";
  EXPECT_TRUE(node_->first_shard().image()->broker_configs().empty());
  EXPECT_EQ(told(kBroker, "1", "log.dirs").contains("read-only"), true);
  EXPECT_EQ(told(kBroker, "1", "num.partitions").contains("read-only"), false);
  // As Kafka's tools do when a reassignment is over, whether it was held back or not.
  EXPECT_EQ(change("1", "leader.replication.throttled.rate", std::nullopt).error_code, ErrorCode::kNone);
}

TEST_F(BrokerSettings, TheOldRequestReplacesAllThatWasSet) {
  start();
  EXPECT_EQ(change("1", "num.partitions", "5").error_code, ErrorCode::kNone);
  wire::AlterConfigsRequest request;
  request.resources.push_back(
      {.resource_type = kBroker, .resource_name = "1", .configs = {{.name = "mq.log.level", .value = "warn"}}});
  EXPECT_EQ(ask(request, 2).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 1);
  EXPECT_EQ(node_->config().log_level, "warn");
}

TEST_F(BrokerSettings, AReloadOfTheFileKeepsThem) {
  start();
  EXPECT_EQ(change("", "num.partitions", "3").error_code, ErrorCode::kNone);
  NodeConfig file = node_->config();
  ASSERT_TRUE(apply_options({{"num.partitions", "4"}, {"delete.topic.enable", "false"}}, file));
  world_->run(
      *machine_,
      [](Node& node, NodeConfig wanted) -> awaitable<bool> {
        co_await node.reconfigure(std::move(wanted));
        co_return true;
      }(*node_, std::move(file)),
      1min);
  EXPECT_EQ(node_->config().partitions_default, 3);
  EXPECT_FALSE(node_->config().delete_topics);
  EXPECT_EQ(change("", "num.partitions", std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(node_->config().partitions_default, 4);
  EXPECT_FALSE(node_->config().delete_topics);
}

TEST_F(Admin, AnEmptyListOfSettingsAsksForAll) {
  start();
  create_topic("t", 1);
  wire::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kTopic;
  resource.resource_name = "t";
  const std::size_t all = ask(request, 4).results.at(0).configs.size();
  EXPECT_GT(all, 20U);
  resource.configuration_keys.emplace();
  EXPECT_EQ(ask(request, 4).results.at(0).configs.size(), all);
}

TEST_F(Admin, ANameThatNoTopicCanHaveIsToldFromOneThatNoneHas) {
  start();
  create_topic("t", 1);
  const auto describe = [this](std::string topic) {
    wire::DescribeConfigsRequest request;
    request.resources.push_back({.resource_type = kTopic, .resource_name = std::move(topic)});
    return ask(request, 4).results.at(0);
  };
  EXPECT_EQ(describe("t").error_message, "");
  EXPECT_EQ(describe("nobody").error_code, ErrorCode::kUnknownTopicOrPartition);
  for (const char* bad : {"", ".", "two words"})
    EXPECT_EQ(describe(bad).error_code, ErrorCode::kInvalidTopicException) << bad;
}

TEST_F(Admin, RecordsOfACompactedTopicAndOffsetsBelowNothingAreNotDeleted) {
  start();
  create_topic("compact", 1, {{"cleanup.policy", "compact"}});
  create_topic("both", 1, {{"cleanup.policy", "compact,delete"}});
  const auto delete_before = [this](std::string topic, std::int64_t offset) {
    wire::DeleteRecordsRequest request;
    request.topics.push_back({.name = std::move(topic), .partitions = {{.partition_index = 0, .offset = offset}}});
    return ask(request, 2).topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(delete_before("compact", -1), ErrorCode::kPolicyViolation);
  EXPECT_EQ(delete_before("both", -1), ErrorCode::kNone);
  EXPECT_EQ(delete_before("both", -2), ErrorCode::kOffsetOutOfRange);
}

TEST_F(Admin, SpecialTimestampsMeanNothingBeforeTheirVersion) {
  start();
  create_topic("t", 1);
  const auto look_up = [this](std::int64_t timestamp, ApiVersion version, std::string topic = "t") {
    wire::ListOffsetsRequest request;
    request.topics.push_back(
        {.name = std::move(topic), .partitions = {{.partition_index = 0, .timestamp = timestamp}}});
    return ask(request, version).topics.at(0).partitions.at(0).error_code;
  };
  for (const auto& [timestamp, since] :
       std::vector<std::pair<std::int64_t, ApiVersion>>{{-3, 7}, {-4, 8}, {-5, 9}, {-6, 11}}) {
    EXPECT_EQ(look_up(timestamp, static_cast<ApiVersion>(since - 1)), ErrorCode::kUnsupportedVersion) << timestamp;
    EXPECT_EQ(look_up(timestamp, since), ErrorCode::kNone) << timestamp;
  }
  EXPECT_EQ(look_up(-7, 11), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(look_up(-3, 6, "nobody"), ErrorCode::kUnsupportedVersion) << "whatever is asked about";
  EXPECT_EQ(look_up(-3, 7, "nobody"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(look_up(-2, 1), ErrorCode::kNone);
}

TEST_F(Admin, ATopicsIdSaysMoreThanItsName) {
  start();
  create_topic("a", 1);
  create_topic("b", 1);
  const auto describe = [this](std::optional<std::string> name, Uuid id, ApiVersion version) {
    wire::MetadataRequest request;
    request.topics.emplace().push_back({.topic_id = id, .name = std::move(name)});
    request.allow_auto_topic_creation = true;
    return ask(request, version).topics.at(0);
  };
  EXPECT_EQ(describe("b", find("a")->id, 12).name, "a");
  Uuid unknown;
  unknown.bytes.fill(7);
  EXPECT_EQ(describe("new", unknown, 12).error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(find("new"), nullptr);
  EXPECT_EQ(describe("a", find("a")->id, 11).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(describe(std::nullopt, {}, 10).error_code, ErrorCode::kInvalidRequest);
}

TEST_F(Admin, APageGoesOnWithATopicThatIsAskedFor) {
  start();
  create_topic("a", 3);
  const auto page = [this](std::string topic, std::int32_t partition) {
    wire::DescribeTopicPartitionsRequest request;
    request.topics.push_back({.name = "a"});
    request.response_partition_limit = 10;
    request.cursor.emplace();
    request.cursor->topic_name = std::move(topic);
    request.cursor->partition_index = partition;
    return ask(request, 0).topics.at(0);
  };
  EXPECT_EQ(page("a", 1).partitions.size(), 2U);
  EXPECT_EQ(page("b", 0).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(page("a", -1).error_code, ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace mq::broker
