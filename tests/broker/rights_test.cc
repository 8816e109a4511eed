// Every right that an API declares is asked, and who does not have it is told nothing but that.

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/api/api.h"
#include "broker_fixture.h"
#include "cluster/image.h"
#include "wire/messages/accept_store.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/drain_broker.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/log_ends.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/offset_for_leader_epoch.h"
#include "wire/messages/peer_status.h"
#include "wire/messages/store_status.h"
#include "wire/messages/sync_group.h"
#include "wire/messages/unregister_broker.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::Peer;
using testing::produce_request;
using enum ResourceType;

// A topic and a group that are there, and ones that are not. Equally long, so that answers about them can be compared.
const std::string kHere = "is-here";
const std::string kGone = "is-gone";

constexpr ErrorCode kNoTopic = ErrorCode::kTopicAuthorizationFailed;
constexpr ErrorCode kNoGroup = ErrorCode::kGroupAuthorizationFailed;
constexpr ErrorCode kNoCluster = ErrorCode::kClusterAuthorizationFailed;
constexpr ErrorCode kNoTransactionalId = ErrorCode::kTransactionalIdAuthorizationFailed;

/// An answer, and what it says went wrong.
struct Heard {
  std::string body;
  std::set<ErrorCode> errors;
};

class DeclaredRights : public testing::BrokerTest {
 public:
  void SetUp() override {
    start();
    create_topic(kHere, 1);
    wire::FindCoordinatorRequest find;
    find.key = kHere;
    EXPECT_EQ(ask(find, 3).error_code, ErrorCode::kNone);
    EXPECT_EQ(ask(commit(kHere, kHere), 8).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  }

  /// The body of the answer to one request.
  template <class Request>
  std::string ask_for_body(const Request& request, ApiVersion version) {
    return run([](sim::Machine& client, const Request& asked, ApiVersion in) -> awaitable<std::string> {
      auto peer = co_await Peer::connect(client);
      co_await peer->send(asked, in);
      const auto frame = co_await peer->read_frame();
      EXPECT_TRUE(frame) << "the connection was closed";
      Reader reader(*frame);
      EXPECT_TRUE(wire::decode_response_header(reader, Request::kApi, in));
      co_return std::string(reader.rest());
    }(*client_, request, version));
  }
  template <class Request>
  typename Request::Response ask(const Request& request, ApiVersion version) {
    return wire::decode<typename Request::Response>(ask_for_body(request, version), version).value();
  }
  template <class Request>
  Heard hear(const Request& request, ApiVersion version) {
    Heard heard{.body = ask_for_body(request, version), .errors = {}};
    std::vector<ErrorCode> errors;
    std::string again;
    wire::encode(wire::decode<typename Request::Response>(heard.body, version).value(), version, again, &errors);
    heard.errors.insert(errors.begin(), errors.end());
    std::string asked;
    wire::encode(request, version, asked);
    EXPECT_TRUE(asked.contains(kHere) || !heard.body.contains(kHere)) << "nobody had said that name";
    return heard;
  }

  /// From now on nobody may do what `refused` says, and what is asked is noted.
  template <class F>
  void refuse(F refused) {
    node_->services().set_authorizer([this, refused](const Principal& who, AclOperation what, const Resource& to) {
      EXPECT_EQ(who, anonymous());
      asked_.emplace(what, to.type, std::string(to.name));
      return !refused(what, to);
    });
  }
  void allow_everything() { node_->services().set_authorizer({}); }

  static wire::OffsetCommitRequest commit(const std::string& group, const std::string& topic) {
    wire::OffsetCommitRequest request;
    request.group_id = group;
    auto& of = request.topics.emplace_back();
    of.name = topic;
    of.partitions.push_back({.partition_index = 0, .committed_offset = 7});
    return request;
  }
  /// In both of its forms.
  static wire::OffsetFetchRequest fetch_offsets(const std::string& group, const std::vector<std::string>& topics) {
    wire::OffsetFetchRequest request;
    request.group_id = group;
    request.topics.emplace();
    auto& of = request.groups.emplace_back();
    of.group_id = group;
    of.topics.emplace();
    for (const std::string& topic : topics) {
      request.topics->push_back({.name = topic, .partition_indexes = {0}});
      of.topics->push_back({.name = topic, .topic_id = {}, .partition_indexes = {0}});
    }
    return request;
  }
  [[nodiscard]] std::set<std::string> topics() const {
    std::set<std::string> names;
    for (const cluster::TopicPtr& topic : node_->first_shard().image()->topics()) names.insert(topic->name);
    return names;
  }
  std::set<std::string> groups() {
    std::set<std::string> ids;
    for (const auto& group : ask(wire::ListGroupsRequest{}, 4).groups) ids.insert(group.group_id);
    return ids;
  }

  std::set<std::tuple<AclOperation, ResourceType, std::string>> asked_;
};

constexpr ApiVersion kAnyVersion = 32767;

/// A request that a right concerns. It says `name` where it names what the right is for.
struct Situation {
  ApiKey key;
  ResourceType type;
  ErrorCode error;  ///< kNone: the answer leaves out what may not be seen
  Heard (*ask)(DeclaredRights& test, const std::string& name, ApiVersion version);
  // Those versions in which it concerns it.
  ApiVersion from = 0;
  ApiVersion to = kAnyVersion;
  /// Who has another right that the API declares needs not this one.
  bool another_suffices = false;
  /// Nobody has it, so it is not asked.
  bool is_for_nobody = false;
};

const Situation kSituations[] = {
    {.key = ApiKey::kProduce,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           const std::string batch = make_batch({});
           return test.hear(produce_request(name, 0, batch), version);
         },
     .from = 3,
     .to = testing::kProduceVersion},
    {.key = ApiKey::kProduce,
     .type = transactional_id,
     .error = kNoTransactionalId,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           const std::string batch = make_batch({});
           auto request = produce_request(kHere, 0, batch);
           request.transactional_id = name;
           return test.hear(request, version);
         },
     .from = 3,
     .to = testing::kProduceVersion,
     .is_for_nobody = true},
    {.key = ApiKey::kFetch,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::FetchRequest request;
           request.max_bytes = 1000;
           auto& of = request.topics.emplace_back();
           of.topic = name;
           of.partitions.emplace_back().partition_max_bytes = 1000;
           return test.hear(request, version);
         },
     .to = 12},
    {.key = ApiKey::kFetch,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::FetchRequest request;
           request.replica_id = 1;
           request.replica_state.replica_id = 1;
           return test.hear(request, version);
         },
     .from = 7,
     .is_for_nobody = true},
    {.key = ApiKey::kListOffsets,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::ListOffsetsRequest request;
           auto& of = request.topics.emplace_back();
           of.name = name;
           of.partitions.emplace_back().timestamp = -1;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kMetadata,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::MetadataRequest request;
           request.topics.emplace().emplace_back().name = name;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kOffsetCommit,
     .type = topic,
     .error = kNoTopic,
     .ask = [](auto& test, auto& name, ApiVersion version) { return test.hear(test.commit(kHere, name), version); },
     .to = 9},
    {.key = ApiKey::kOffsetCommit,
     .type = group,
     .error = kNoGroup,
     .ask = [](auto& test, auto& name, ApiVersion version) { return test.hear(test.commit(name, kHere), version); }},
    {.key = ApiKey::kOffsetFetch,
     .type = topic,
     .error = kNoTopic,
     .ask = [](auto& test, auto& name,
               ApiVersion version) { return test.hear(test.fetch_offsets(kHere, {name}), version); },
     .to = 9},
    {.key = ApiKey::kOffsetFetch,
     .type = group,
     .error = kNoGroup,
     .ask = [](auto& test, auto& name,
               ApiVersion version) { return test.hear(test.fetch_offsets(name, {kHere}), version); }},
    {.key = ApiKey::kFindCoordinator,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::FindCoordinatorRequest request;
           request.key = name;
           request.coordinator_keys = {name};
           return test.hear(request, version);
         }},
    {.key = ApiKey::kFindCoordinator,
     .type = transactional_id,
     .error = kNoTransactionalId,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::FindCoordinatorRequest request;
           request.key = name;
           request.key_type = 1;
           request.coordinator_keys = {name};
           return test.hear(request, version);
         },
     .from = 1},
    {.key = ApiKey::kJoinGroup,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::JoinGroupRequest request;
           request.group_id = name;
           request.session_timeout_ms = 10'000;
           request.protocol_type = "consumer";
           request.protocols.push_back({.name = "range", .metadata = ""});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kHeartbeat,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::HeartbeatRequest request;
           request.group_id = name;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kLeaveGroup,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::LeaveGroupRequest request;
           request.group_id = name;
           request.members.emplace_back().member_id = "m";
           return test.hear(request, version);
         }},
    {.key = ApiKey::kSyncGroup,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::SyncGroupRequest request;
           request.group_id = name;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kDescribeGroups,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DescribeGroupsRequest request;
           request.groups = {name};
           return test.hear(request, version);
         }},
    {.key = ApiKey::kListGroups,
     .type = group,
     .error = ErrorCode::kNone,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::ListGroupsRequest{}, version); },
     .another_suffices = true},
    {.key = ApiKey::kListGroups,
     .type = ResourceType::cluster,
     .error = ErrorCode::kNone,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::ListGroupsRequest{}, version); },
     .another_suffices = true},
    {.key = ApiKey::kCreateTopics,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::CreateTopicsRequest request;
           request.topics.push_back({.name = name, .num_partitions = 1, .replication_factor = 1});
           return test.hear(request, version);
         },
     .another_suffices = true},
    {.key = ApiKey::kDeleteTopics,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DeleteTopicsRequest request;
           request.topics.emplace_back().name = name;
           request.topic_names = {name};
           return test.hear(request, version);
         },
     .another_suffices = true},
    {.key = ApiKey::kDeleteRecords,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DeleteRecordsRequest request;
           auto& of = request.topics.emplace_back();
           of.name = name;
           of.partitions.emplace_back();
           return test.hear(request, version);
         }},
    {.key = ApiKey::kInitProducerId,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::InitProducerIdRequest{}, version); }},
    {.key = ApiKey::kInitProducerId,
     .type = transactional_id,
     .error = kNoTransactionalId,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::InitProducerIdRequest request;
           request.transactional_id = name;
           return test.hear(request, version);
         },
     .is_for_nobody = true},
    {.key = ApiKey::kOffsetForLeaderEpoch,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::OffsetForLeaderEpochRequest request;
           auto& of = request.topics.emplace_back();
           of.topic = name;
           of.partitions.emplace_back();
           return test.hear(request, version);
         },
     .another_suffices = true},
    {.key = ApiKey::kDescribeConfigs,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DescribeConfigsRequest request;
           request.resources.push_back({.resource_type = 2, .resource_name = name});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kDescribeConfigs,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::DescribeConfigsRequest request;
           request.resources.push_back({.resource_type = 4, .resource_name = "1"});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kAlterConfigs,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::AlterConfigsRequest request;
           request.resources.push_back({.resource_type = 2, .resource_name = name});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kAlterConfigs,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::AlterConfigsRequest request;
           request.resources.push_back({.resource_type = 4, .resource_name = "1"});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kIncrementalAlterConfigs,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::IncrementalAlterConfigsRequest request;
           request.resources.push_back({.resource_type = 2, .resource_name = name});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kIncrementalAlterConfigs,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::IncrementalAlterConfigsRequest request;
           request.resources.push_back({.resource_type = 4, .resource_name = "1"});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kDescribeLogDirs,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::DescribeLogDirsRequest{}, version); },
     .from = 3},
    {.key = ApiKey::kCreatePartitions,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::CreatePartitionsRequest request;
           request.topics.push_back({.name = name, .count = 2});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kDeleteGroups,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DeleteGroupsRequest request;
           request.groups_names = {name};
           return test.hear(request, version);
         }},
    {.key = ApiKey::kElectLeaders,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::ElectLeadersRequest request;
           request.topic_partitions.emplace().push_back({.topic = kHere, .partitions = {0}});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kAlterPartitionReassignments,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask =
         [](auto& test, auto&, ApiVersion version) {
           wire::AlterPartitionReassignmentsRequest request;
           auto& of = request.topics.emplace_back();
           of.name = kHere;
           of.partitions.emplace_back();
           return test.hear(request, version);
         }},
    {.key = ApiKey::kListPartitionReassignments,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&,
               ApiVersion version) { return test.hear(wire::ListPartitionReassignmentsRequest{}, version); }},
    {.key = ApiKey::kOffsetDelete,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::OffsetDeleteRequest request;
           request.group_id = kHere;
           auto& of = request.topics.emplace_back();
           of.name = name;
           of.partitions.emplace_back();
           return test.hear(request, version);
         }},
    {.key = ApiKey::kOffsetDelete,
     .type = group,
     .error = kNoGroup,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::OffsetDeleteRequest request;
           request.group_id = name;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kDescribeProducers,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DescribeProducersRequest request;
           request.topics.push_back({.name = name, .partition_indexes = {0}});
           return test.hear(request, version);
         }},
    {.key = ApiKey::kUnregisterBroker,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::UnregisterBrokerRequest{}, version); }},
    {.key = ApiKey::kDescribeTopicPartitions,
     .type = topic,
     .error = kNoTopic,
     .ask =
         [](auto& test, auto& name, ApiVersion version) {
           wire::DescribeTopicPartitionsRequest request;
           request.topics.emplace_back().name = name;
           return test.hear(request, version);
         }},
    {.key = ApiKey::kPeerStatus,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::PeerStatusRequest{}, version); },
     .is_for_nobody = true},
    {.key = ApiKey::kLogEnds,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::LogEndsRequest{}, version); },
     .is_for_nobody = true},
    {.key = ApiKey::kDrainBroker,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::DrainBrokerRequest{}, version); }},
    {.key = ApiKey::kStoreStatus,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::StoreStatusRequest{}, version); }},
    {.key = ApiKey::kAcceptStore,
     .type = ResourceType::cluster,
     .error = kNoCluster,
     .ask = [](auto& test, auto&, ApiVersion version) { return test.hear(wire::AcceptStoreRequest{}, version); }},
};

/// What `situation` has to do with: the topic or group of that name, or the cluster.
std::string resource_name(const Situation& situation, const std::string& name) {
  return situation.type == ResourceType::cluster ? std::string(kCluster.name) : name;
}

std::string renamed(std::string text) {
  for (std::size_t at = text.find(kHere); at != std::string::npos; at = text.find(kHere))
    text.replace(at, kHere.size(), kGone);
  return text;
}

template <class F>
void for_each_version(const Situation& situation, F f) {
  const ApiInfo& info = api_info(situation.key);
  for (ApiVersion version = std::max(info.version_min, situation.from);
       version <= std::min(info.version_max, situation.to); ++version) {
    SCOPED_TRACE(fmt::format("{} {}, right to type {}", info.name, version, static_cast<int>(situation.type)));
    f(version);
  }
}

std::set<ErrorCode> errors_of(const Situation& situation) {
  if (situation.error == ErrorCode::kNone) return {};
  return {situation.error};
}

TEST_F(DeclaredRights, EachHasItsSituation) {
  for (const ApiEntry* entry : api_table())
    for (const ResourceType type : {topic, group, ResourceType::cluster, transactional_id}) {
      const bool is_declared = entry->needs.of(type).has_value();
      // Where the cluster suffices it is asked beside the topic.
      const bool is_beside = type == ResourceType::cluster && entry->needs.topic && entry->needs.cluster_suffices;
      const auto situations = std::ranges::count_if(
          kSituations, [&](const Situation& known) { return known.key == entry->key && known.type == type; });
      EXPECT_EQ(situations, is_declared && !is_beside ? 1 : 0)
          << api_info(entry->key).name << ", right to type " << static_cast<int>(type);
    }
}

TEST_F(DeclaredRights, WhoLacksOneIsToldOnlyThat) {
  for (const Situation& situation : kSituations) {
    const Needs& needs = find_entry(situation.key)->needs;
    refuse([&](AclOperation, const Resource& to) { return situation.another_suffices || to.type == situation.type; });
    for_each_version(situation, [&](ApiVersion version) {
      Heard heard[2];
      for (const bool is_here : {false, true}) {
        const std::string& name = is_here ? kHere : kGone;
        asked_.clear();
        heard[is_here] = situation.ask(*this, name, version);
        EXPECT_EQ(heard[is_here].errors, errors_of(situation)) << name;
        if (situation.is_for_nobody) continue;
        // Of all groups only those that are there can be asked for.
        if (situation.key != ApiKey::kListGroups || situation.type != group || is_here)
          EXPECT_TRUE(asked_.contains({*needs.of(situation.type), situation.type, resource_name(situation, name)}))
              << name;
        if (needs.topic && needs.cluster_suffices)
          EXPECT_TRUE(asked_.contains({*needs.cluster, ResourceType::cluster, std::string(kCluster.name)}));
      }
      EXPECT_EQ(renamed(heard[true].body), renamed(heard[false].body)) << "what is there is told from what is not";
    });
  }
  allow_everything();
  EXPECT_EQ(topics(), (std::set<std::string>{kHere, std::string(kOffsetsTopic)}));
  EXPECT_EQ(groups(), std::set<std::string>{kHere});
  EXPECT_EQ(log_end(kHere), 0);
}

TEST_F(DeclaredRights, WhoLacksThemAllIsToldOnlyThat) {
  refuse([](AclOperation, const Resource&) { return true; });
  for (const Situation& situation : kSituations)
    for_each_version(situation, [&](ApiVersion version) {
      const Heard here = situation.ask(*this, kHere, version);
      EXPECT_EQ(renamed(here.body), renamed(situation.ask(*this, kGone, version).body));
      for (const ErrorCode error : here.errors)
        EXPECT_TRUE(error == kNoTopic || error == kNoGroup || error == kNoCluster || error == kNoTransactionalId);
    });
}

TEST_F(DeclaredRights, WhatNobodyHasIsRefusedWithoutAnAuthorizerToo) {
  for (const Situation& situation : kSituations)
    if (situation.is_for_nobody)
      for_each_version(situation, [&](ApiVersion version) {
        EXPECT_EQ(situation.ask(*this, kHere, version).errors, errors_of(situation));
      });
}

TEST_F(DeclaredRights, AllGroupsAreListedForWhoMayDescribeTheClusterElseHisOwn) {
  EXPECT_EQ(ask(commit("mine", kHere), 8).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  refuse([](AclOperation, const Resource& to) { return to.type == group; });
  EXPECT_EQ(groups(), (std::set<std::string>{kHere, "mine"}));
  refuse([](AclOperation, const Resource& to) { return to.type == ResourceType::cluster || to.name == kHere; });
  EXPECT_EQ(groups(), std::set<std::string>{"mine"});
}

TEST_F(DeclaredRights, OneOfSeveralGroupsIsRefusedByItself) {
  refuse([](AclOperation, const Resource& to) { return to.name == kHere && to.type == group; });
  wire::DescribeGroupsRequest describe;
  describe.groups = {kHere, "mine"};
  const auto described = ask(describe, 5).groups;
  ASSERT_EQ(described.size(), 2u);
  EXPECT_EQ(described[0].error_code, kNoGroup);
  EXPECT_EQ(described[1].error_code, ErrorCode::kNone);

  wire::DeleteGroupsRequest remove;
  remove.groups_names = {kHere, "mine"};
  const auto removed = ask(remove, 2).results;
  ASSERT_EQ(removed.size(), 2u);
  EXPECT_EQ(removed[0].error_code, kNoGroup);
  EXPECT_EQ(removed[1].error_code, ErrorCode::kGroupIdNotFound);

  wire::FindCoordinatorRequest find;
  find.coordinator_keys = {kHere, "mine"};
  const auto found = ask(find, 4).coordinators;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].error_code, kNoGroup);
  EXPECT_EQ(found[0].node_id, -1);
  EXPECT_EQ(found[1].error_code, ErrorCode::kNone);

  auto fetch = fetch_offsets(kHere, {kHere});
  fetch.groups.emplace_back(fetch.groups.front()).group_id = "mine";
  const auto fetched = ask(fetch, 9).groups;
  ASSERT_EQ(fetched.size(), 2u);
  EXPECT_EQ(fetched[0].error_code, kNoGroup);
  EXPECT_TRUE(fetched[0].topics.empty());
  EXPECT_EQ(fetched[1].error_code, ErrorCode::kNone);
  EXPECT_EQ(fetched[1].topics.size(), 1u);
}

TEST_F(DeclaredRights, OffsetsOfATopicAreToldToWhoMayDescribeIt) {
  create_topic("secret", 1);
  EXPECT_EQ(ask(commit(kHere, "secret"), 8).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  refuse([](AclOperation, const Resource& to) { return to.name == "secret"; });

  const auto named = ask(fetch_offsets(kHere, {"secret", kHere}), 9).groups.at(0);
  ASSERT_EQ(named.topics.size(), 2u);
  for (const auto& of : named.topics) {
    EXPECT_EQ(of.partitions.at(0).committed_offset, of.name == kHere ? 7 : -1);
    EXPECT_EQ(of.partitions.at(0).error_code, of.name == kHere ? ErrorCode::kNone : kNoTopic);
  }

  auto all = fetch_offsets(kHere, {});
  all.topics.reset();
  all.groups.at(0).topics.reset();
  const auto by_name = ask(all, 7);
  ASSERT_EQ(by_name.topics.size(), 1u);
  EXPECT_EQ(by_name.topics.front().name, kHere);
  const auto by_id = ask(all, 10).groups.at(0);
  ASSERT_EQ(by_id.topics.size(), 1u);
  EXPECT_EQ(by_id.topics.front().topic_id, node_->first_shard().image()->find_topic(std::string_view(kHere))->id);
}

TEST_F(DeclaredRights, AnErrorOfAGroupStandsAtItsPartitionsWhereTheVersionHasNoOtherPlace) {
  refuse([](AclOperation, const Resource& to) { return to.type == group; });
  const auto answer = ask(fetch_offsets(kHere, {kHere}), 1);
  ASSERT_EQ(answer.topics.size(), 1u);
  EXPECT_EQ(answer.topics.front().name, kHere);
  const auto& row = answer.topics.front().partitions.at(0);
  EXPECT_EQ(row.error_code, kNoGroup);
  EXPECT_EQ(row.committed_offset, -1);
  EXPECT_TRUE(ask(fetch_offsets(kHere, {kHere}), 2).topics.empty());
}

TEST_F(DeclaredRights, WhoMayMakeATopicNeedNotSeeItsSettings) {
  wire::CreateTopicsRequest request;
  request.topics.push_back({.name = "new", .num_partitions = 1, .replication_factor = 1});
  request.validate_only = true;
  EXPECT_FALSE(ask(request, 7).topics.at(0).configs->empty());
  refuse([](AclOperation what, const Resource&) { return what == AclOperation::describe_configs; });
  const auto made = ask(request, 7).topics.at(0);
  EXPECT_EQ(made.error_code, ErrorCode::kNone);
  EXPECT_EQ(made.topic_config_error_code, kNoTopic);
  EXPECT_EQ(made.num_partitions, -1);
  EXPECT_EQ(made.replication_factor, -1);
  EXPECT_TRUE(made.configs->empty());
}

class FirstGroup : public DeclaredRights {
 public:
  void SetUp() override { start(); }
};

TEST_F(FirstGroup, HasItsTopicMadeOnlyByWhoMayKnowOfIt) {
  refuse([](AclOperation, const Resource& to) { return to.type == group && to.name != "mine"; });
  wire::FindCoordinatorRequest request;
  for (const ApiVersion version : {3, 4}) {
    request.key = kHere;
    request.coordinator_keys = {kHere, kGone};
    (void)ask(request, version);
    EXPECT_TRUE(topics().empty()) << version;
  }
  request.coordinator_keys = {kHere, "mine"};
  const auto found = ask(request, 4).coordinators;
  EXPECT_EQ(found.at(0).error_code, kNoGroup);
  EXPECT_EQ(found.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(topics(), std::set<std::string>{std::string(kOffsetsTopic)});
}

TEST_F(FirstGroup, AnErrorOfAGroupComesWithoutItsTopics) {
  refuse([](AclOperation, const Resource& to) { return to.type == topic; });
  const auto answer = ask(fetch_offsets(kHere, {kHere}), 9).groups.at(0);
  EXPECT_EQ(answer.error_code, ErrorCode::kNotCoordinator);
  EXPECT_TRUE(answer.topics.empty());
}

}  // namespace
}  // namespace mq::broker
