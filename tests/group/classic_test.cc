#include "group/classic.h"

#include <gtest/gtest.h>

#include "group/records.h"
#include "parts.h"

namespace mq::group {
namespace {

Member written_member(std::string id, std::optional<std::string> instance_id = std::nullopt) {
  Member member;
  member.id = std::move(id);
  member.instance_id = std::move(instance_id);
  member.session_timeout = 10s;
  member.rebalance_timeout = 60s;
  member.protocols.push_back({"range", ""});
  return member;
}

WrittenGroup written_group(std::vector<Member> members) {
  WrittenGroup group;
  group.protocol_type = "connect";
  group.generation = 4;
  group.protocol_name = "range";
  group.leader = members.empty() ? "" : members.back().id;
  group.state_since = 500;
  group.members = std::move(members);
  return group;
}

class ClassicTest : public testing::Test {
 protected:
  ~ClassicTest() override { group_.check_invariants(); }

  void restore(std::vector<Member> members) { group_.restore(steps_.policy, written_group(std::move(members))); }
  /// The last member leaves; what the step wants is that this is written.
  Step leave(std::string id) {
    wire::LeaveGroupRequest request;
    request.members.push_back({std::move(id), std::nullopt, std::nullopt});
    Step step = steps_.at();
    EXPECT_EQ(group_.leave(step, 5, request).members.at(0).error_code, ErrorCode::kNone);
    return step;
  }

  Steps steps_;
  Classic group_{0};
};

TEST_F(ClassicTest, IsStableAsItWasWritten) {
  restore({written_member("a"), written_member("b")});
  EXPECT_EQ(group_.state(), State::kStable);
  EXPECT_EQ(group_.state_since(), 500);
  EXPECT_EQ(group_.generation(), 4);
  EXPECT_EQ(group_.members().leader(), "b");
  EXPECT_TRUE(group_.is_written());
}

TEST_F(ClassicTest, WhatIsWrittenTwiceInARecordIsTakenOnce) {
  restore({written_member("a", "one"), written_member("a"), written_member("b", "one")});
  EXPECT_EQ(group_.members().size(), 1u);
  EXPECT_EQ(*group_.members().static_member("one"), "a");
}

TEST_F(ClassicTest, AfterItsTombstoneNothingIsLeft) {
  restore({written_member("a")});
  group_.restore(steps_.policy, std::nullopt);
  EXPECT_FALSE(group_.is_in_use());
  EXPECT_EQ(group_.generation(), 0);
  EXPECT_EQ(group_.bytes(), 0u);
}

TEST_F(ClassicTest, IsInUseWhileItsTombstoneIsOnItsWayAndForgottenAfterIt) {
  restore({});
  const auto erasure = group_.begin_erasure();
  EXPECT_TRUE(group_.has_appends());
  group_.end_erasure(erasure, ErrorCode::kNone);
  EXPECT_FALSE(group_.is_in_use());
  EXPECT_EQ(group_.generation(), 0);
  EXPECT_EQ(group_.protocol_type(), std::nullopt);
}

TEST_F(ClassicTest, ATombstoneThatCouldNotBeWrittenChangesNothing) {
  restore({});
  group_.end_erasure(group_.begin_erasure(), ErrorCode::kNotEnoughReplicas);
  EXPECT_TRUE(group_.is_written());
  EXPECT_EQ(group_.generation(), 4);
}

TEST_F(ClassicTest, WhoWasWrittenBehindATombstoneIsNotForgottenWithIt) {
  restore({written_member("a")});
  const auto erasure = group_.begin_erasure();
  Step left = leave("a");
  ASSERT_EQ(left.appends.size(), 1u);
  EXPECT_EQ(left.generations_begun, 1u);
  group_.end_erasure(erasure, ErrorCode::kNone);
  EXPECT_EQ(group_.generation(), 5);
  (void)steps_.end(left.appends[0]);
  EXPECT_TRUE(group_.is_written());
  EXPECT_FALSE(group_.has_appends());
}

TEST_F(ClassicTest, IsNotWrittenBehindATombstoneThatIsOnItsWay) {
  restore({written_member("a")});
  Step left = leave("a");
  (void)steps_.end(left.appends.at(0), ErrorCode::kNotEnoughReplicas);
  const auto erasure = group_.begin_erasure();
  Step too_early = steps_.at(5s);
  group_.time_passed(too_early);
  EXPECT_TRUE(too_early.appends.empty());
  group_.end_erasure(erasure, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(group_.deadline(), Instant{10s});
  Step again = steps_.at(10s);
  group_.time_passed(again);
  ASSERT_EQ(again.appends.size(), 1u);
  (void)steps_.end(again.appends[0]);
}

TEST_F(ClassicTest, AHeartbeatMovesOnlyItsOwnMembersDeadline) {
  restore({written_member("a"), written_member("b")});
  Step loaded = steps_.at();
  group_.loaded(loaded);
  EXPECT_EQ(group_.deadline(), Instant{10s});
  wire::HeartbeatRequest request;
  request.member_id = "a";
  request.generation_id = 4;
  EXPECT_EQ(group_.heartbeat(steps_.at(6s), request), ErrorCode::kNone);
  Step late = steps_.at(10s);
  group_.time_passed(late);
  EXPECT_NE(group_.members().find("a"), nullptr);
  EXPECT_EQ(group_.members().find("b"), nullptr);
  EXPECT_EQ(group_.state(), State::kPreparingRebalance);
}

TEST_F(ClassicTest, OffsetsAreNeededWhileSomebodyMayReadThem) {
  EXPECT_EQ(group_.unneeded_since("t", 7), 7) << "nobody was ever a member";
  restore({});
  EXPECT_EQ(group_.unneeded_since("t", 7), 500) << "since the last member left";
  restore({written_member("a")});
  EXPECT_EQ(group_.unneeded_since("t", 7), std::nullopt) << "what it reads is not known";
}

}  // namespace
}  // namespace mq::group
