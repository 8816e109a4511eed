// What groups take in memory, and in a batch of their log, has an end.

#include <gtest/gtest.h>

#include "fixture.h"
#include "wire/codec.h"

namespace mq::group {
namespace {

using Join = wire::JoinGroupResponse;
using Sync = wire::SyncGroupResponse;
using Commit = wire::OffsetCommitResponse;

constexpr ApiVersion kAtOnce = 3;  // joins without asking for an id first

wire::OffsetCommitRequest commit_of(int partitions, std::string text = "", std::string group = "g") {
  wire::OffsetCommitRequest request = Fixture::commit_request(1);
  request.group_id = std::move(group);
  auto& topic = request.topics.front();
  topic.partitions.clear();
  for (int i = 0; i < partitions; ++i)
    topic.partitions.push_back({.partition_index = i, .committed_offset = i, .committed_metadata = text});
  return request;
}

ErrorCode first_error(const Commit& response) { return response.topics.at(0).partitions.at(0).error_code; }

/// Joins at once; the answer may be parked.
wire::JoinGroupRequest join_with(std::size_t metadata_bytes, std::string member_id = "") {
  auto request = Fixture::join_request(std::move(member_id));
  request.protocols[0].metadata = std::string(metadata_bytes, 'm');
  return request;
}

TEST(Memory, WhatWasCountedForAGroupIsGivenBackWhenItGoes) {
  Fixture f;
  const auto joined = f.take<Join>(f.join(join_with(10'000), kAtOnce));
  const std::size_t with_member = f.coordinator->bytes();
  EXPECT_GT(with_member, 10'000u);
  EXPECT_EQ(f.take<Sync>(f.sync(joined.member_id, 1, {{joined.member_id, std::string(20'000, 'a')}})).error_code,
            ErrorCode::kNone);
  EXPECT_GT(f.coordinator->bytes(), with_member + 15'000);
  f.leave(joined.member_id);
  EXPECT_LT(f.coordinator->bytes(), 2000u);
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(100, std::string(1000, 't'))))), ErrorCode::kNone);
  EXPECT_GT(f.coordinator->bytes(), 100'000u);
  EXPECT_EQ(f.delete_group(), ErrorCode::kNone);
  EXPECT_EQ(f.coordinator->bytes(), 0u);
}

TEST(Memory, ARestartCountsTheSame) {
  Fixture f;
  const auto joined = f.take<Join>(f.join(Fixture::join_request(), kAtOnce));
  f.take<Sync>(f.sync(joined.member_id, 1, {{joined.member_id, "all"}}));
  auto request = commit_of(10);
  request.member_id = joined.member_id;
  request.generation_id_or_member_epoch = 1;
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(request))), ErrorCode::kNone);
  const std::size_t before = f.coordinator->bytes();
  f.restart();
  EXPECT_EQ(f.coordinator->bytes(), before);
}

TEST(Memory, CommitsThatAreOnTheirWayCount) {
  Fixture f;
  f.holds_appends = true;
  f.bytes_max = 40'000;
  const auto first = f.commit(commit_of(100));
  const auto second = f.commit(commit_of(100, "", "other"));
  EXPECT_FALSE(f.is_answered(first));
  EXPECT_EQ(first_error(f.take<Commit>(second)), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.coordinator->group_count(), 1u);
  f.finish_held(ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(f.coordinator->bytes(), 0u);
}

TEST(Memory, WithoutRoomNewOffsetsAreRefusedAndTheOthersGoOn) {
  Fixture f;
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(3, "short")))), ErrorCode::kNone);
  f.bytes_max = f.coordinator->bytes();
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(4)))), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(1, "", "another group")))), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(3, "somewhat longer than before")))), ErrorCode::kNone);
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(3, std::string(4000, 't'))))),
            ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.fetch().metadata, "somewhat longer than before");
  EXPECT_EQ(f.delete_group(), ErrorCode::kNone);
  EXPECT_EQ(first_error(f.take<Commit>(f.commit(commit_of(3)))), ErrorCode::kNone) << "there is room again";
}

TEST(Memory, WithoutRoomNewMembersAreRefusedAndTheGroupGoesOn) {
  Fixture f;
  const auto joined = f.take<Join>(f.join(Fixture::join_request(), kAtOnce));
  f.take<Sync>(f.sync(joined.member_id, 1, {{joined.member_id, "all"}}));
  f.bytes_max = f.coordinator->bytes();
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request())).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(), kAtOnce)).error_code, ErrorCode::kGroupMaxSizeReached);
  // It says more than before, as who names the partitions that it has.
  const auto again = f.take<Join>(f.join(join_with(1000, joined.member_id)));
  EXPECT_EQ(again.error_code, ErrorCode::kNone);
  EXPECT_EQ(again.generation_id, 2);
  EXPECT_EQ(f.take<Sync>(f.sync(joined.member_id, 2, {{joined.member_id, std::string(500, 'a')}})).error_code,
            ErrorCode::kNone);
  EXPECT_EQ(f.take<Join>(f.join(join_with(100'000, joined.member_id))).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.heartbeat(joined.member_id, 2), ErrorCode::kNone);
}

TEST(Memory, AnAssignmentForWhichThereIsNoRoomIsRefusedAndASmallerOneTaken) {
  Fixture f;
  const auto joined = f.take<Join>(f.join(Fixture::join_request(), kAtOnce));
  f.bytes_max = f.coordinator->bytes() + 1000;
  const std::string& id = joined.member_id;
  EXPECT_EQ(f.take<Sync>(f.sync(id, 1, {{id, std::string(50'000, 'a')}})).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.take<Sync>(f.sync(id, 1, {{id, "all"}})).assignment, "all");
}

TEST(Memory, ManySmallProtocolsCountAsWhatTheyTake) {
  Fixture f;
  f.bytes_max = 1'000'000;
  auto request = Fixture::join_request();
  request.protocols.clear();
  for (int i = 0; i < 10'000; ++i) request.protocols.push_back({std::to_string(i), ""});
  EXPECT_EQ(f.take<Join>(f.join(request, kAtOnce)).error_code, ErrorCode::kGroupMaxSizeReached);
}

TEST(Memory, TheTopicsOfASubscriptionAreForgottenWhenThereIsNoRoomForThem) {
  Fixture f;
  std::vector<std::string> topics;
  for (int i = 0; i < 1000; ++i) topics.push_back(std::to_string(i));
  auto request = Fixture::join_request();
  request.protocols[0].metadata = Fixture::subscription(topics);
  f.bytes_max = 20'000;
  const auto joined = f.take<Join>(f.join(request, kAtOnce));
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_LE(f.coordinator->bytes(), f.bytes_max);
  EXPECT_TRUE(f.group()->classic().is_subscribed_to("1"));
  EXPECT_TRUE(f.group()->classic().is_subscribed_to("any other, for all we know"));
}

TEST(GroupRecord, MemberWhoseGroupWouldNotFitInABatchIsRefusedAndTheGroupGoesOn) {
  Fixture f;
  f.batch_bytes = 10'000;
  const auto joined = f.take<Join>(f.join(join_with(6000), kAtOnce));
  EXPECT_EQ(f.take<Join>(f.join(join_with(6000), kAtOnce)).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.take<Join>(f.join(join_with(9990))).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.take<Sync>(f.sync(joined.member_id, 1, {{joined.member_id, "all"}})).assignment, "all");
}

TEST(GroupRecord, AnAssignmentThatWouldNotFitInABatchIsRefusedAsInKafka) {
  Fixture f;
  f.batch_bytes = 10'000;
  const auto joined = f.take<Join>(f.join(join_with(6000), kAtOnce));
  const std::string& id = joined.member_id;
  EXPECT_EQ(f.take<Sync>(f.sync(id, 1, {{id, std::string(6000, 'a')}})).error_code, ErrorCode::kUnknownServerError);
  EXPECT_EQ(f.take<Sync>(f.sync(id, 1, {{id, std::string(3000, 'a')}})).error_code, ErrorCode::kNone);
  for (const Record& record : f.log) EXPECT_LT(record.key.size() + record.value->size(), f.batch_bytes);
}

TEST(GroupRecord, GroupThatHasBecomeTooLargeLosesTheLastToComeBack) {
  Fixture f;
  const auto first = f.take<Join>(f.join(join_with(6000), kAtOnce));
  f.take<Sync>(f.sync(first.member_id, 1, {{first.member_id, "all"}}));
  const auto parked = f.join(join_with(6000), kAtOnce);
  f.batch_bytes = 10'000;  // somebody lowers max.message.bytes
  const auto refused = f.take<Join>(f.join(join_with(6000, first.member_id)));
  EXPECT_EQ(refused.error_code, ErrorCode::kGroupMaxSizeReached);
  f.pass(2min);
  EXPECT_EQ(f.take<Join>(parked).error_code, ErrorCode::kNone);
}

TEST(GroupRecord, TombstonesOfAGroupWithALongNameFitInTheirBatches) {
  Fixture f;
  const std::string name(20'000, 'g');
  for (int i = 0; i < 100; ++i) {
    auto request = commit_of(1, "", name);
    request.topics[0].partitions[0].partition_index = i;
    f.take<Commit>(f.commit(request));
  }
  f.batch_bytes = 100'000;
  f.holds_appends = true;
  const RequestToken token = f.next_token();
  f.carry_out(f.coordinator->delete_group(token, name, f.time));
  EXPECT_GT(f.held.size(), 20u);
  for (const Append& append : f.held) {
    std::size_t bytes = 0;
    for (const Record& record : append.records) bytes += record.key.size();
    EXPECT_LT(bytes, f.batch_bytes);
  }
  f.finish_held();
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Membership, TheLongestClientIdLeavesRoomForWhatMakesItsMemberIdUnique) {
  Fixture f;
  const RequestToken token = f.next_token();
  const Client client{.id = std::string(wire::kStringBytesMax, 'c'), .host = "/127.0.0.1", .version = 9};
  f.carry_out(f.coordinator->join(token, client, Fixture::join_request(), f.time));
  const auto given = f.take<Join>(token);
  ASSERT_EQ(given.error_code, ErrorCode::kMemberIdRequired);
  EXPECT_LE(given.member_id.size(), wire::kStringBytesMax);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(given.member_id))).error_code, ErrorCode::kNone);
  f.restart();
}

}  // namespace
}  // namespace mq::group
