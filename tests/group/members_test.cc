#include "group/members.h"

#include <gtest/gtest.h>

namespace mq::group {
namespace {

Member named(std::string id, std::vector<Protocol> protocols = {{"range", ""}}) {
  Member member;
  member.id = std::move(id);
  member.protocols = std::move(protocols);
  return member;
}

Member static_member(std::string id, std::string instance_id) {
  Member member = named(std::move(id));
  member.instance_id = std::move(instance_id);
  return member;
}

class MembersTest : public testing::Test {
 protected:
  ~MembersTest() override { members.check_invariants(); }

  Members members;
};

TEST_F(MembersTest, TheFirstOneLeadsAndTheLeadPassesOnWhenItGoes) {
  members.add(named("b"));
  members.add(named("a"));
  EXPECT_EQ(members.leader(), "b");
  members.remove("b");
  EXPECT_EQ(members.leader(), "a");
  members.remove("a");
  EXPECT_EQ(members.leader(), "");
  EXPECT_FALSE(members.is_leader(""));
}

TEST_F(MembersTest, OnlySomebodyWhoHasJoinedIsElected) {
  members.add(named("a"));
  Member& b = members.add(named("b"));
  EXPECT_FALSE(members.elect_joined_leader());
  b.join_token = statelog::RequestToken{1};
  EXPECT_TRUE(members.elect_joined_leader());
  EXPECT_EQ(members.leader(), "b");
}

TEST_F(MembersTest, AProtocolCountsWhileAllSupportIt) {
  members.add(named("a", {{"x", ""}, {"y", ""}}));
  Member& b = members.add(named("b", {{"y", ""}}));
  EXPECT_FALSE(members.all_support_one_of({{"x", ""}}));
  EXPECT_TRUE(members.all_support_one_of({{"x", ""}, {"y", ""}}));
  EXPECT_EQ(members.select_protocol(), "y");
  members.set_protocols(b, {{"x", ""}});
  EXPECT_EQ(members.select_protocol(), "x");
  members.remove("b");
  EXPECT_TRUE(members.all_support_one_of({{"y", ""}}));
}

TEST_F(MembersTest, AStaticMemberIsKnownByItsNewIdAlone) {
  members.add(static_member("old", "one"));
  members.replace_id("old", "new");
  EXPECT_EQ(*members.static_member("one"), "new");
  EXPECT_EQ(members.find("old"), nullptr);
  EXPECT_EQ(members.leader(), "new");
  EXPECT_EQ(members.problem_of("old", "one"), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(members.problem_of("old", std::nullopt), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(members.problem_of("new", "two"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(members.problem_of("new", "one"), std::nullopt);
}

TEST_F(MembersTest, WhoIsPendingHoldsTheRoundUpUntilItJoinsOrItsTimeIsOver) {
  members.add_pending("a", Instant{5s});
  members.add_pending("b", Instant{9s});
  EXPECT_FALSE(members.all_joined());
  EXPECT_EQ(members.first_deadline(), Instant{5s});
  members.expire_pending(Instant{5s});
  EXPECT_FALSE(members.is_pending("a"));
  members.add(named("b")).join_token = statelog::RequestToken{1};
  EXPECT_FALSE(members.is_pending("b"));
  EXPECT_TRUE(members.all_joined());
}

TEST_F(MembersTest, WhoWaitsForAnAnswerDoesNotExpire) {
  Member& a = members.add(named("a"));
  a.session_deadline = Instant{3s};
  EXPECT_EQ(members.first_deadline(), Instant{3s});
  a.sync_token = statelog::RequestToken{1};
  EXPECT_EQ(members.first_deadline(), Instant::never());
  a.is_new = true;
  EXPECT_EQ(members.first_deadline(), Instant{3s});
}

}  // namespace
}  // namespace mq::group
