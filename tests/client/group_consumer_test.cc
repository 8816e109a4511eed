#include "client/group_consumer.h"

#include <gtest/gtest.h>

#include "fake_broker.h"
#include "record/batch_builder.h"
#include "wire/messages/consumer_protocol.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/sync_group.h"

namespace mq::client {
namespace {

using Partitions = std::vector<TopicPartition>;

/// A coordinator with one member, who leads. Tests take partitions away from it and forget it.
class FakeGroup {
 public:
  explicit FakeGroup(FakeBroker& broker) {
    const auto add = [&]<class Req>(Req) { broker.other_versions[Req::kApi] = Req::kVersions; };
    add(wire::FindCoordinatorRequest{});
    add(wire::JoinGroupRequest{});
    add(wire::SyncGroupRequest{});
    add(wire::HeartbeatRequest{});
    add(wire::LeaveGroupRequest{});
    add(wire::OffsetFetchRequest{});
    add(wire::OffsetCommitRequest{});
    broker.answer_others = [this](const wire::RequestHeader& header, const Reader& in) { return answer(header, in); };
  }

  /// The member hears of it with its next heartbeat.
  void rebalance() { is_rebalancing_ = true; }
  void forget_member() { member_.clear(); }

  std::set<TopicPartition> taken;  ///< by others; not given to the member
  std::map<TopicPartition, std::int64_t> committed;
  Partitions owned_at_join;
  ErrorCode join_error = ErrorCode::kNone;
  ErrorCode sync_error = ErrorCode::kNone;
  ErrorCode commit_error = ErrorCode::kNone;
  int joins = 0;
  int leaves = 0;

 private:
  std::string answer(const wire::RequestHeader& header, const Reader& in) {
    switch (static_cast<ApiKey>(header.api_key)) {
      case ApiKey::kFindCoordinator:
        return coordinator(header, FakeBroker::decode<wire::FindCoordinatorRequest>(header, in));
      case ApiKey::kJoinGroup:
        return join(header, FakeBroker::decode<wire::JoinGroupRequest>(header, in));
      case ApiKey::kSyncGroup:
        return sync(header, FakeBroker::decode<wire::SyncGroupRequest>(header, in));
      case ApiKey::kHeartbeat:
        return heartbeat(header, FakeBroker::decode<wire::HeartbeatRequest>(header, in));
      case ApiKey::kLeaveGroup:
        return ++leaves, wire::encode_response(header, wire::LeaveGroupResponse{});
      case ApiKey::kOffsetFetch:
        return fetch(header, FakeBroker::decode<wire::OffsetFetchRequest>(header, in));
      default:
        return commit(header, FakeBroker::decode<wire::OffsetCommitRequest>(header, in));
    }
  }

  std::string coordinator(const wire::RequestHeader& header, const wire::FindCoordinatorRequest& request) {
    wire::FindCoordinatorResponse response;
    auto& one = response.coordinators.emplace_back();
    one.key = request.coordinator_keys.at(0);
    one.node_id = 1;
    one.host = "broker";
    one.port = FakeBroker::kPort;
    return wire::encode_response(header, response);
  }

  std::string join(const wire::RequestHeader& header, const wire::JoinGroupRequest& request) {
    wire::JoinGroupResponse response;
    response.error_code = join_error;
    if (join_error != ErrorCode::kNone) return wire::encode_response(header, response);
    if (request.member_id.empty() && !request.group_instance_id) {
      response.error_code = ErrorCode::kMemberIdRequired;
      response.member_id = member_ = "member-" + std::to_string(++members_);
      return wire::encode_response(header, response);
    }
    if (request.member_id != member_ && !request.group_instance_id) {
      response.error_code = ErrorCode::kUnknownMemberId;
      return wire::encode_response(header, response);
    }
    if (request.group_instance_id) member_ = "static";
    ++joins;
    is_rebalancing_ = false;
    const auto subscription =
        wire::decode_versioned<wire::ConsumerProtocolSubscription>(request.protocols.at(0).metadata);
    owned_at_join.clear();
    for (const auto& topic : subscription->owned_partitions)
      for (const std::int32_t partition : topic.partitions)
        owned_at_join.push_back({.topic = topic.topic, .partition = partition});
    response.generation_id = ++generation_;
    response.protocol_type = "consumer";
    response.protocol_name = request.protocols.at(0).name;
    response.leader = response.member_id = member_;
    response.members.push_back(
        {.member_id = member_, .group_instance_id = {}, .metadata = request.protocols.at(0).metadata});
    return wire::encode_response(header, response);
  }

  std::string sync(const wire::RequestHeader& header, const wire::SyncGroupRequest& request) {
    wire::SyncGroupResponse response;
    response.error_code = sync_error;
    if (sync_error != ErrorCode::kNone) return wire::encode_response(header, response);
    auto assignment = *wire::decode_versioned<wire::ConsumerProtocolAssignment>(request.assignments.at(0).assignment);
    for (auto& topic : assignment.assigned_partitions)
      std::erase_if(topic.partitions, [&](std::int32_t partition) {
        return taken.contains({.topic = topic.topic, .partition = partition});
      });
    response.assignment = wire::encode_versioned(assignment, 0);
    return wire::encode_response(header, response);
  }

  std::string heartbeat(const wire::RequestHeader& header, const wire::HeartbeatRequest& request) {
    wire::HeartbeatResponse response;
    if (request.member_id != member_) {
      response.error_code = ErrorCode::kUnknownMemberId;
    } else if (is_rebalancing_) {
      response.error_code = ErrorCode::kRebalanceInProgress;
    }
    return wire::encode_response(header, response);
  }

  std::string fetch(const wire::RequestHeader& header, const wire::OffsetFetchRequest& request) {
    wire::OffsetFetchResponse response;
    auto& group = response.groups.emplace_back();
    group.group_id = request.groups.at(0).group_id;
    for (const auto& topic : request.groups.at(0).topics.value_or(everything())) {
      auto& answered = group.topics.emplace_back();
      answered.name = topic.name;
      for (const std::int32_t index : topic.partition_indexes) {
        auto& partition = answered.partitions.emplace_back();
        partition.partition_index = index;
        const auto known = committed.find({.topic = topic.name, .partition = index});
        partition.committed_offset = known == committed.end() ? -1 : known->second;
      }
    }
    return wire::encode_response(header, response);
  }

  /// What a request without a list asks for.
  [[nodiscard]] std::vector<wire::OffsetFetchRequest::OffsetFetchRequestTopics> everything() const {
    std::vector<wire::OffsetFetchRequest::OffsetFetchRequestTopics> topics;
    for (const auto& [where, offset] : committed) {
      topics.emplace_back().name = where.topic;
      topics.back().partition_indexes.push_back(where.partition);
    }
    return topics;
  }

  std::string commit(const wire::RequestHeader& header, const wire::OffsetCommitRequest& request) {
    wire::OffsetCommitResponse response;
    for (const auto& topic : request.topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      for (const auto& partition : topic.partitions) {
        auto& result = answered.partitions.emplace_back();
        result.partition_index = partition.partition_index;
        if (commit_error != ErrorCode::kNone) {
          result.error_code = commit_error;
        } else if (request.generation_id_or_member_epoch != generation_ || request.member_id != member_) {
          result.error_code = ErrorCode::kUnknownMemberId;
        } else {
          committed[{.topic = topic.name, .partition = partition.partition_index}] = partition.committed_offset;
        }
      }
    }
    return wire::encode_response(header, response);
  }

  std::string member_;
  int members_ = 0;
  std::int32_t generation_ = 0;
  bool is_rebalancing_ = false;
};

struct GroupFixture : ::testing::Test {
  GroupFixture() : group(w.broker) {
    w.broker.add_topic("t", 3);
    options.group = "g";
    options.consumer.reset = OffsetReset::start;
    options.on_assigned = [this](const Partitions& partitions) { note("+", partitions); };
    options.on_revoked = [this](const Partitions& partitions, bool lost) -> awaitable<void> {
      note(lost ? "lost " : "-", partitions);
      co_return;
    };
  }
  ~GroupFixture() override { w.client.kill(); }

  void note(const std::string& what, const Partitions& partitions) {
    std::string text = what;
    for (const TopicPartition& where : partitions) text += std::to_string(where.partition);
    happened.push_back(text);
  }
  void append(int partition, int records) {
    FakeBroker::Log& log = w.broker.topics["t"][static_cast<std::size_t>(partition)];
    record::BatchBuilder builder;
    for (int i = 0; i < records; ++i) builder.add(0, std::nullopt, "v");
    log.batches.push_back(*builder.finish({.base_offset = Offset{log.end}, .leader_epoch = LeaderEpoch{1}}));
    log.end += records;
  }
  GroupConsumer& consumer() { return w.make<GroupConsumer>(w.cluster(), std::vector<std::string>{"t"}, options); }
  /// Polls for `time`; the number of records.
  int poll(GroupConsumer& from, Duration time = 5s) {
    return w.run([](GroupFixture* self, GroupConsumer* c, Instant end) -> awaitable<int> {
      int records = 0;
      while (self->w.world.now() < end) {
        const auto polled = co_await c->poll(500ms);
        if (!polled) {
          self->error = polled.error();
          break;
        }
        for (const auto& batch : polled->batches)
          records += static_cast<int>(batch.next_offset.value() - batch.first_offset.value());
        for (const auto& one : polled->errors) self->error = one.error;
      }
      co_return records;
    }(this, &from, w.in(time)));
  }

  ClientWorld w;
  FakeGroup group;
  GroupOptions options;
  std::vector<std::string> happened;
  std::optional<Error> error;
};

TEST_F(GroupFixture, LoneMemberReadsEverythingFromTheStartCommitsAndLeaves) {
  for (int partition = 0; partition < 3; ++partition) append(partition, 10);
  GroupConsumer& c = consumer();
  EXPECT_EQ(poll(c), 30);
  EXPECT_EQ(happened, std::vector<std::string>{"+012"});
  EXPECT_TRUE(group.committed.empty());
  EXPECT_TRUE(w.run(c.commit_polled(w.in(5s))).has_value());
  EXPECT_EQ((group.committed[{.topic = "t", .partition = 1}]), 10);
  EXPECT_TRUE(w.run(c.close(w.in(5s))).has_value());
  EXPECT_EQ(group.leaves, 1);
}

TEST_F(GroupFixture, ReadingGoesOnAtTheCommittedOffset) {
  append(0, 10);
  append(0, 10);
  group.committed[{.topic = "t", .partition = 0}] = 15;
  EXPECT_EQ(poll(consumer()), 5);
}

TEST_F(GroupFixture, PartitionTakenAwayIsRevokedWhileTheOthersAreKept) {
  GroupConsumer& c = consumer();
  poll(c);
  group.taken = {{.topic = "t", .partition = 1}};
  group.rebalance();
  poll(c, 10s);
  EXPECT_EQ(happened, (std::vector<std::string>{"+012", "-1"}));
  // The partition given up goes to its new owner in a second round.
  EXPECT_EQ(group.joins, 3);
  EXPECT_EQ(group.owned_at_join.size(), 2u);
  EXPECT_EQ(c.assignment().size(), 2u);
}

TEST_F(GroupFixture, EagerMemberGivesUpEverythingBeforeItJoinsAgain) {
  options.assignors = {assignment::Assignor::range};
  GroupConsumer& c = consumer();
  poll(c);
  group.rebalance();
  poll(c, 10s);
  EXPECT_EQ(happened, (std::vector<std::string>{"+012", "-012", "+012"}));
  EXPECT_TRUE(group.owned_at_join.empty());
}

TEST_F(GroupFixture, MemberThatWasForgottenLosesItsPartitionsAndJoinsAsANewOne) {
  GroupConsumer& c = consumer();
  poll(c);
  const std::string before = c.member_id();
  group.forget_member();
  poll(c, 10s);
  EXPECT_EQ(happened, (std::vector<std::string>{"+012", "lost 012", "+012"}));
  EXPECT_NE(c.member_id(), before);
}

TEST_F(GroupFixture, MemberThatIsForgottenWhileItJoinsReadsNothingMore) {
  GroupConsumer& c = consumer();
  poll(c);
  group.sync_error = ErrorCode::kUnknownMemberId;
  group.rebalance();
  poll(c);
  EXPECT_EQ(happened, (std::vector<std::string>{"+012", "lost 012"}));
  append(0, 10);
  EXPECT_EQ(poll(c), 0) << "they may be somebody else's";
  group.sync_error = ErrorCode::kNone;
  EXPECT_EQ(poll(c, 10s), 10);
}

TEST_F(GroupFixture, PartitionWithoutCommittedOffsetIsAnErrorUnderPolicyFail) {
  options.consumer.reset = OffsetReset::fail;
  poll(consumer());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, Errc::not_found);
}

TEST_F(GroupFixture, PolicyFailBeginsAtTheStartOfAPartitionOfATopicThatTheGroupHasRead) {
  append(0, 10);
  append(1, 10);
  options.consumer.reset = OffsetReset::fail;
  group.committed[{.topic = "t", .partition = 0}] = 8;
  EXPECT_EQ(poll(consumer()), 2 + 10);
  EXPECT_FALSE(error.has_value());
}

TEST_F(GroupFixture, MemberOfAGenerationWithoutAnAssignmentIsNotSettled) {
  group.sync_error = ErrorCode::kCoordinatorNotAvailable;
  GroupConsumer& c = consumer();
  EXPECT_FALSE(c.is_settled());
  poll(c);
  EXPECT_GT(c.generation(), 0);
  EXPECT_TRUE(c.assignment().empty());
  EXPECT_FALSE(c.is_settled());
  group.sync_error = ErrorCode::kNone;
  poll(c);
  EXPECT_EQ(c.assignment().size(), 3u);
  EXPECT_TRUE(c.is_settled());
}

TEST_F(GroupFixture, EpochOfWhatWasReadIsKnownForItsCommit) {
  append(0, 10);
  GroupConsumer& c = consumer();
  poll(c);
  EXPECT_EQ(c.position_epoch({.topic = "t", .partition = 0}), LeaderEpoch{1});
  EXPECT_EQ(c.position_epoch({.topic = "t", .partition = 1}), kNoLeaderEpoch);
}

TEST_F(GroupFixture, TopicThatComesLaterIsReadWhenItIsThere) {
  GroupConsumer& c = w.make<GroupConsumer>(w.cluster(), std::vector<std::string>{"later"}, options);
  poll(c);
  EXPECT_TRUE(c.assignment().empty());
  w.broker.add_topic("later", 2);
  poll(c, 6min);
  EXPECT_EQ(happened, std::vector<std::string>{"+01"});
}

TEST_F(GroupFixture, StaticMemberDoesNotLeave) {
  options.instance_id = "one";
  GroupConsumer& c = consumer();
  poll(c);
  EXPECT_EQ(happened, std::vector<std::string>{"+012"});
  EXPECT_TRUE(w.run(c.close(w.in(5s))).has_value());
  EXPECT_EQ(group.leaves, 0);
}

TEST_F(GroupFixture, FencedInstanceEndsThePoll) {
  group.join_error = ErrorCode::kFencedInstanceId;
  poll(consumer());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(code_of(*error), ErrorCode::kFencedInstanceId);
}

TEST_F(GroupFixture, CommitOfAForgottenMemberFails) {
  append(0, 10);
  GroupConsumer& c = consumer();
  poll(c);
  group.forget_member();
  const auto committed = w.run(c.commit_polled(w.in(5s)));
  ASSERT_FALSE(committed.has_value());
  EXPECT_EQ(code_of(committed.error()), ErrorCode::kUnknownMemberId);
}

TEST_F(GroupFixture, RefusalOfACommitOfAnOlderGenerationSaysNothingOfTheNextOne) {
  append(0, 10);
  GroupConsumer& c = consumer();
  poll(c);
  group.rebalance();
  ASSERT_TRUE(w.world.run_until([&] { return !c.is_settled(); }, 10s));
  // Answered when the member has long joined anew.
  w.broker.delays[ApiKey::kOffsetCommit] = 3s;
  group.commit_error = ErrorCode::kIllegalGeneration;
  bool refused = false;
  w.client.spawn([](GroupConsumer* from, Instant deadline, bool* told) -> awaitable<void> {
    *told = !co_await from->commit_polled(deadline);
  }(&c, w.in(10s), &refused));
  poll(c, 10s);
  EXPECT_TRUE(refused);
  EXPECT_EQ(group.joins, 2);
  EXPECT_EQ(happened, (std::vector<std::string>{"+012"}));
}

/// Others may have committed more by then.
TEST_F(GroupFixture, CommitIsNotTriedAgainInTheNextGeneration) {
  append(0, 10);
  GroupConsumer& c = consumer();
  EXPECT_EQ(poll(c), 10);
  group.rebalance();
  ASSERT_TRUE(w.world.run_until([&] { return !c.is_settled(); }, 10s));
  // The first attempt is answered when the member has long joined anew; the second one would succeed.
  w.broker.delays[ApiKey::kOffsetCommit] = 3s;
  group.commit_error = ErrorCode::kCoordinatorNotAvailable;
  std::optional<Result<void>> done;
  w.client.spawn([](GroupConsumer* from, Instant deadline, std::optional<Result<void>>* to) -> awaitable<void> {
    to->emplace(co_await from->commit_polled(deadline));
  }(&c, w.in(20s), &done));
  poll(c, 2s);
  EXPECT_EQ(group.joins, 2);
  group.commit_error = ErrorCode::kNone;
  poll(c, 15s);
  ASSERT_TRUE(done.has_value());
  ASSERT_FALSE(done->has_value());
  EXPECT_EQ(code_of(done->error()), ErrorCode::kIllegalGeneration) << done->error().message;
  EXPECT_EQ(group.committed, (std::map<TopicPartition, std::int64_t>{}));
}

TEST_F(GroupFixture, CoordinatorThatRestartsIsFoundAgain) {
  append(0, 10);
  GroupConsumer& c = consumer();
  EXPECT_EQ(poll(c), 10);
  w.broker.stop();
  w.world.run_for(20s);
  w.broker.start();
  append(0, 5);
  EXPECT_EQ(poll(c, 10s), 5);
  EXPECT_TRUE(w.run(c.commit_polled(w.in(5s))).has_value());
  EXPECT_EQ((group.committed[{.topic = "t", .partition = 0}]), 15);
}

TEST_F(GroupFixture, OwnerThatDoesNotPollIsSilent) {
  options.rebalance_timeout = 10s;
  GroupConsumer& c = consumer();
  poll(c);
  w.world.run_for(20s);
  const int heartbeats = w.broker.requests[ApiKey::kHeartbeat];
  w.world.run_for(1min);
  EXPECT_EQ(w.broker.requests[ApiKey::kHeartbeat], heartbeats);
}

}  // namespace
}  // namespace mq::client
