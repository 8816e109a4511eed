#include <gtest/gtest.h>

#include "fixture.h"
#include "group/records.h"

namespace mq::group {
namespace {

using Join = wire::JoinGroupResponse;
using Commit = wire::OffsetCommitResponse;

TEST(Offsets, ACommitIsAnsweredAndSeenOnlyWhenItIsInTheLog) {
  Fixture f;
  f.holds_appends = true;
  const auto token = f.commit(Fixture::commit_request(42));
  EXPECT_FALSE(f.is_answered(token));
  EXPECT_EQ(f.committed(), -1);
  EXPECT_EQ(f.fetch(true).error_code, ErrorCode::kUnstableOffsetCommit);
  f.finish_held();
  EXPECT_EQ(f.take<Commit>(token).topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(f.committed(), 42);
  EXPECT_EQ(f.fetch(true).metadata, "note");
}

TEST(Offsets, ACommitThatCannotBeWrittenChangesNothing) {
  Fixture f;
  EXPECT_EQ(f.commit_now(1), ErrorCode::kNone);
  f.holds_appends = true;
  const auto token = f.commit(Fixture::commit_request(2));
  f.finish_held(ErrorCode::kMessageTooLarge);
  EXPECT_EQ(f.take<Commit>(token).topics[0].partitions[0].error_code, ErrorCode::kInvalidCommitOffsetSize);
  EXPECT_EQ(f.committed(), 1);
}

TEST(Offsets, AppendsReportedOutOfOrderAreAppliedInTheOrderOfTheLog) {
  Fixture f;
  f.holds_appends = true;
  f.commit(Fixture::commit_request(1));
  f.commit(Fixture::commit_request(2));
  const Append first = f.held[0], second = f.held[1];
  f.held.clear();
  f.finish(second, ErrorCode::kNone);
  EXPECT_EQ(f.committed(), -1);
  f.finish(first, ErrorCode::kNone);
  EXPECT_EQ(f.committed(), 2);
}

TEST(Offsets, WithoutAGroupOnlyACommitWithoutAGenerationIsTaken) {
  Fixture f;
  EXPECT_EQ(f.commit_now(1, "", 3), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
  EXPECT_EQ(f.commit_now(1), ErrorCode::kNone);
  EXPECT_EQ(f.state(), State::kEmpty);
}

TEST(Offsets, AGroupWithMembersTakesCommitsOfItsMembersOnly) {
  Fixture f;
  const std::string a = stable_member(f);
  EXPECT_EQ(f.commit_now(1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(f.commit_now(1, a, 1), ErrorCode::kNone);
  EXPECT_EQ(f.committed(), 1);
}

TEST(Offsets, AMemberWithoutItsAssignmentIsToldToWait) {
  Fixture f;
  const auto joined = f.join_new();
  EXPECT_EQ(f.commit_now(1, joined.member_id, 1), ErrorCode::kRebalanceInProgress);
}

TEST(Offsets, MembersMayCommitWhileTheOthersJoin) {
  Fixture f;
  const std::string a = stable_member(f);
  f.join_new();
  EXPECT_EQ(f.state(), State::kPreparingRebalance);
  EXPECT_EQ(f.commit_now(9, a, 1), ErrorCode::kNone);
}

TEST(Offsets, CommitsKeepTheSessionAlive) {
  Fixture f;
  const std::string a = stable_member(f);
  for (int i = 0; i < 10; ++i) {
    f.pass(9s);
    ASSERT_EQ(f.commit_now(i, a, 1), ErrorCode::kNone);
  }
}

TEST(Offsets, MetadataIsCountedInCharactersAsJavaDoes) {
  const auto repeated = [](std::string_view character, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += character;
    return text;
  };
  const auto committing = [](std::string text) {
    Fixture f;
    auto request = Fixture::commit_request(1);
    request.topics[0].partitions[0].committed_metadata = std::move(text);
    return f.take<Commit>(f.commit(request)).topics[0].partitions[0].error_code;
  };
  EXPECT_EQ(committing(repeated("\xc3\xa4", 4096)), ErrorCode::kNone);
  EXPECT_EQ(committing(repeated("\xc3\xa4", 4097)), ErrorCode::kOffsetMetadataTooLarge);
  EXPECT_EQ(committing(repeated("\xf0\x9f\x98\x80", 2048)), ErrorCode::kNone);  // two units each
  EXPECT_EQ(committing(repeated("\xf0\x9f\x98\x80", 2049)), ErrorCode::kOffsetMetadataTooLarge);
}

TEST(Offsets, MetadataOverTheLimitIsRefusedForItsPartitionOnly) {
  Fixture f;
  auto request = Fixture::commit_request(1);
  request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
  request.topics[0].partitions[1].partition_index = 1;
  request.topics[0].partitions[1].committed_metadata = std::string(4097, 'x');
  const auto response = f.take<Commit>(f.commit(request));
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics[0].partitions[1].error_code, ErrorCode::kOffsetMetadataTooLarge);
  EXPECT_EQ(f.group()->offsets().committed().size(), 1u);
}

TEST(Offsets, AllOfThemAreFetchedWhenNoTopicIsNamed) {
  Fixture f;
  auto request = Fixture::commit_request(1);
  request.topics.push_back(request.topics[0]);
  request.topics[1].name = "u";
  f.commit(request);
  wire::OffsetFetchRequest::OffsetFetchRequestGroup all;
  all.group_id = "g";
  const auto response = f.coordinator->fetch_offsets(all, false);
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(response.topics[1].name, "u");
  all.group_id = "none";
  EXPECT_TRUE(f.coordinator->fetch_offsets(all, false).topics.empty());
}

TEST(Offsets, OfASubscribedTopicAreNotDeleted) {
  Fixture f;
  const std::string a = stable_member(f);
  f.commit_now(5, a, 1);
  EXPECT_EQ(f.delete_offset("t").topics[0].partitions[0].error_code, ErrorCode::kGroupSubscribedToTopic);
  EXPECT_EQ(f.committed(), 5);
  f.leave(a);
  EXPECT_EQ(f.delete_offset("t").topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(f.committed(), -1);
  EXPECT_EQ(Fixture().delete_offset().error_code, ErrorCode::kGroupIdNotFound);
}

TEST(Offsets, ADeletedGroupIsGoneAlsoAfterARestart) {
  Fixture f;
  const std::string a = stable_member(f);
  f.commit_now(5, a, 1);
  EXPECT_EQ(f.delete_group(), ErrorCode::kNonEmptyGroup);
  f.leave(a);
  EXPECT_EQ(f.delete_group(), ErrorCode::kNone);
  EXPECT_EQ(f.delete_group(), ErrorCode::kGroupIdNotFound);
  f.restart();
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Offsets, ADeletionErasesAlsoTheCommitThatIsStillOnItsWay) {
  Fixture f;
  f.holds_appends = true;
  f.commit(Fixture::commit_request(5));
  const auto token = f.next_token();
  f.carry_out(f.coordinator->delete_group(token, "g", f.time));
  f.finish_held();
  EXPECT_EQ(f.committed(), -1);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Offsets, AGroupThatComesBackWhileItsDeletionIsWrittenStays) {
  Fixture f;
  f.commit_now(5);
  f.holds_appends = true;
  const auto token = f.next_token();
  f.carry_out(f.coordinator->delete_group(token, "g", f.time));
  const auto joined = f.join_new();
  f.finish_held();
  f.holds_appends = false;
  EXPECT_EQ(f.heartbeat(joined.member_id, 1), ErrorCode::kNone);
  f.sync(joined.member_id, 1, {{joined.member_id, "all"}});
  f.restart();
  EXPECT_EQ(f.state(), State::kStable);
  EXPECT_EQ(f.committed(), -1);
}

TEST(Offsets, OfADeletedTopicGoWithIt) {
  Fixture f;
  f.commit_now(5);
  f.carry_out(f.coordinator->on_image_changed({.topics_deleted = {{.id = {}, .name = "t"}}}, f.time));
  EXPECT_EQ(f.committed(), -1);
}

void delete_topic_without_a_tombstone(Fixture& f) {
  f.holds_appends = true;
  f.carry_out(f.coordinator->on_image_changed({.topics_deleted = {{.id = {}, .name = "t"}}}, f.time));
  f.finish_held(ErrorCode::kKafkaStorageError);
  f.holds_appends = false;
}

TEST(Offsets, OfADeletedTopicThatCannotBeErasedNowAreFoundByNobodyAndErasedLater) {
  Fixture f;
  f.commit_now(5);
  delete_topic_without_a_tombstone(f);
  EXPECT_EQ(f.committed(), -1);
  f.pass(11min);
  f.restart();
  EXPECT_EQ(f.committed(), -1) << "its tombstone was never written";
}

TEST(Offsets, CommittedForATopicThatIsMadeAgainStayWhateverBecameOfTheOldOnes) {
  Fixture f;
  f.commit_now(5);
  delete_topic_without_a_tombstone(f);
  f.commit_now(2);
  f.pass(11min);
  EXPECT_EQ(f.committed(), 2);
}

constexpr Uuid kOld{{1}};
constexpr Uuid kNew{{2}};

wire::OffsetCommitRequest commit_for(const Uuid& topic, std::int64_t offset) {
  auto request = Fixture::commit_request(offset);
  request.topics[0].topic_id = topic;
  return request;
}
statelog::ImageChange deletion_of(const Uuid& topic) { return {.topics_deleted = {{.id = topic, .name = "t"}}}; }

TEST(Offsets, OnTheirWayWhenTheirTopicIsDeletedAreFoundByNobodyThoughNoTombstoneCanBeWritten) {
  Fixture f;
  f.holds_appends = true;
  f.commit(commit_for(kOld, 5));
  f.carry_out(f.coordinator->on_image_changed(deletion_of(kOld), f.time));
  ASSERT_EQ(f.held.size(), 2U) << "the commit, and its tombstone behind it";
  const Append commit = std::move(f.held.front());
  f.held.pop_front();
  f.finish(commit, ErrorCode::kNone);
  f.finish_held(ErrorCode::kKafkaStorageError);
  f.holds_appends = false;
  EXPECT_EQ(f.committed(), -1);
  f.commit(commit_for(kNew, 2));
  EXPECT_EQ(f.committed(), 2);
}

TEST(Offsets, OfTheTopicThatWasMadeAgainStayWhenTheDeletionOfTheOldOneIsToldLate) {
  for (const bool holds_appends : {false, true}) {
    Fixture f;
    f.holds_appends = holds_appends;
    f.commit(commit_for(kOld, 5));
    f.commit(commit_for(kNew, 2));
    f.carry_out(f.coordinator->on_image_changed(deletion_of(kOld), f.time));
    f.finish_held();
    EXPECT_EQ(f.committed(), 2);
    f.restart();
    EXPECT_EQ(f.committed(), 2) << "no tombstone stands behind it";
  }
}

TEST(Offsets, OfATopicThatIsKnownToBeDeletedAreNotTaken) {
  Fixture f;
  f.deleted = {kOld};
  EXPECT_EQ(f.take<Commit>(f.commit(commit_for(kOld, 5))).topics[0].partitions[0].error_code,
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(f.take<Commit>(f.commit(commit_for(kNew, 2))).topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(f.committed(), 2);
}

TEST(Offsets, AreWrittenWithTheIdOfTheirTopic) {
  Fixture f;
  f.commit(commit_for(kOld, 5));
  f.restart();
  EXPECT_EQ(f.group()->offsets().committed().begin()->second.topic_id, kOld);
  f.carry_out(f.coordinator->on_image_changed({.topics_deleted = {{.id = kNew, .name = "t"}}}, f.time));
  EXPECT_EQ(f.committed(), 5);
  f.carry_out(f.coordinator->on_image_changed({.topics_deleted = {{.id = kOld, .name = {}}}}, f.time));
  EXPECT_EQ(f.committed(), -1);
}

TEST(Retention, OffsetsOfAnActiveGroupStayForEver) {
  Fixture f;
  const std::string a = stable_member(f);
  f.commit_now(5, a, 1);
  for (int hour = 0; hour < 24 * 9; ++hour) {
    for (int beat = 0; beat < 400; ++beat) {
      f.pass(9s);
      ASSERT_EQ(f.heartbeat(a, 1), ErrorCode::kNone);
    }
  }
  EXPECT_EQ(f.committed(), 5);
}

TEST(Retention, OffsetsOfAnEmptyGroupEndSevenDaysAfterTheLastMemberLeft) {
  Fixture f;
  const std::string a = stable_member(f);
  f.commit_now(5, a, 1);
  f.leave(a);
  f.pass(7 * 24h - 1min);
  EXPECT_EQ(f.committed(), 5);
  f.restart();
  f.pass(20min);
  EXPECT_EQ(f.committed(), -1);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
  f.restart();
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Retention, AGroupStaysWhileACommitIsOnItsWay) {
  Fixture f;
  const std::string a = stable_member(f);
  f.leave(a);
  f.holds_appends = true;
  const auto token = f.commit(Fixture::commit_request(5));
  f.pass(20min);
  EXPECT_EQ(f.held.size(), 1u);
  f.finish_held();
  EXPECT_EQ(f.take<Commit>(token).topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_TRUE(f.group()->classic().is_written());
}

TEST(Retention, ASimpleConsumersOffsetsEndAfterItsLastCommit) {
  Fixture f;
  f.commit_now(5);
  f.pass(4 * 24h);
  f.commit_now(6);
  f.pass(4 * 24h);
  EXPECT_EQ(f.committed(), 6);
  f.pass(4 * 24h);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Retention, AnOldClientsOwnRetentionIsKept) {
  Fixture f;
  auto request = Fixture::commit_request(5);
  request.retention_time_ms = 3'600'000;
  f.commit(request);
  f.restart();
  EXPECT_EQ(f.group()->offsets().committed().begin()->second.expires_at, f.time.wall + 3'600'000);
  f.pass(2h);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

// --- the records

/// Kafka's bytes, written by hand from its schemas.
TEST(Records, AnOffsetIsWrittenInKafkasForm) {
  const Record record = offset_record(
      "g", {"t", 7},
      {.offset = 5, .leader_epoch = 2, .metadata = "m", .committed_at = 9, .expires_at = {}, .topic_id = {{'i', 'd'}}});
  EXPECT_EQ(record.key, std::string("\0\1\0\1g\0\1t\0\0\0\7", 12));
  EXPECT_EQ(*record.value, std::string("\0\4\0\0\0\0\0\0\0\5\0\0\0\2\2m\0\0\0\0\0\0\0\11", 24) +
                               std::string("\1\0\20id\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19));
}

TEST(Records, AGroupsKeyIsKafkas) { EXPECT_EQ(group_tombstone("gg").key, std::string("\0\2\0\2gg", 6)); }

TEST(Records, BothOldKeyVersionsAreOffsets) {
  for (const char version : {'\0', '\1'}) {
    const auto key = decode_key(std::string("\0", 1) + version + std::string("\0\1g\0\1t\0\0\0\7", 10));
    ASSERT_TRUE(key);
    EXPECT_EQ(std::get<OffsetKey>(*key).partition, (TopicPartition{"t", 7}));
  }
}

}  // namespace
}  // namespace mq::group
