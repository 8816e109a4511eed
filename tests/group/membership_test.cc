#include <gtest/gtest.h>

#include "fixture.h"

namespace mq::group {
namespace {

using Join = wire::JoinGroupResponse;
using Sync = wire::SyncGroupResponse;

/// Brings a second member into the group of `first`, generation 2; the first leads.
std::string second_member(Fixture& f, const std::string& first) {
  const auto joined = f.join_new();
  EXPECT_FALSE(f.is_answered(joined.token));
  EXPECT_EQ(f.heartbeat(first, 1), ErrorCode::kRebalanceInProgress);
  const auto leader = f.take<Join>(f.join(Fixture::join_request(first)));
  const auto follower = f.take<Join>(joined.token);
  EXPECT_EQ(leader.generation_id, 2);
  EXPECT_EQ(leader.leader, first);
  EXPECT_EQ(leader.members.size(), 2u);
  EXPECT_EQ(follower.generation_id, 2);
  EXPECT_TRUE(follower.members.empty());
  return joined.member_id;
}

TEST(Membership, AClientWithoutAnIdIsGivenOneAndJoinsWithIt) {
  Fixture f;
  const auto first = f.take<Join>(f.join(Fixture::join_request()));
  EXPECT_EQ(first.error_code, ErrorCode::kMemberIdRequired);
  EXPECT_EQ(first.protocol_name, std::nullopt);  // from version 7 on null, before that empty
  EXPECT_TRUE(first.member_id.starts_with("client-"));
  const auto second = f.take<Join>(f.join(Fixture::join_request(first.member_id)));
  EXPECT_EQ(second.error_code, ErrorCode::kNone);
  EXPECT_EQ(second.leader, first.member_id);
  EXPECT_EQ(second.protocol_name, "range");
  EXPECT_EQ(second.protocol_type, "consumer");
}

TEST(Membership, AnOldClientJoinsAtOnce) {
  Fixture f;
  const auto response = f.take<Join>(f.join(Fixture::join_request(), 3));
  EXPECT_EQ(response.error_code, ErrorCode::kNone);
  EXPECT_EQ(response.generation_id, 1);
}

TEST(Membership, AnIdThatIsNotUsedInTimeIsForgotten) {
  Fixture f;
  const auto given = f.take<Join>(f.join(Fixture::join_request()));
  f.pass(10s);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(given.member_id))).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Membership, WhatMakesNoSenseIsRefusedAndLeavesNoGroup) {
  Fixture f;
  auto request = Fixture::join_request();
  request.group_id = "";
  const auto without_group = f.take<Join>(f.join(request));
  EXPECT_EQ(without_group.error_code, ErrorCode::kInvalidGroupId);
  EXPECT_EQ(without_group.protocol_name, std::nullopt);
  request = Fixture::join_request();
  request.session_timeout_ms = 10;
  EXPECT_EQ(f.take<Join>(f.join(request)).error_code, ErrorCode::kInvalidSessionTimeout);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request("nobody"))).error_code, ErrorCode::kUnknownMemberId);
  request = Fixture::join_request();
  request.protocols.clear();
  EXPECT_EQ(f.take<Join>(f.join(request)).error_code, ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(f.coordinator->group_count(), 0u);
}

TEST(Membership, ThreeMembersComeAndGo) {
  Fixture f;
  const std::string a = stable_member(f);
  const std::string b = second_member(f, a);
  const auto waits = f.sync(b, 2);
  EXPECT_FALSE(f.is_answered(waits));
  EXPECT_EQ(f.take<Sync>(f.sync(a, 2, {{a, "left"}, {b, "right"}})).assignment, "left");
  EXPECT_EQ(f.take<Sync>(waits).assignment, "right");

  const auto third = f.join_new();
  const auto b_again = f.join(Fixture::join_request(b));
  const auto a_again = f.join(Fixture::join_request(a));
  EXPECT_EQ(f.take<Join>(a_again).members.size(), 3u);
  EXPECT_EQ(f.take<Join>(b_again).generation_id, 3);
  EXPECT_EQ(f.take<Join>(third.token).generation_id, 3);
  f.sync(a, 3, {{a, "1"}, {b, "2"}, {third.member_id, "3"}});
  EXPECT_EQ(f.state(), State::kStable);

  EXPECT_EQ(f.leave(third.member_id).members.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(f.state(), State::kPreparingRebalance);
  f.leave(b);
  f.leave(a);
  EXPECT_EQ(f.state(), State::kEmpty);
  EXPECT_EQ(f.group()->classic().generation(), 4);
  EXPECT_EQ(f.leave(a).members.at(0).error_code, ErrorCode::kUnknownMemberId);
}

TEST(Membership, AssignmentsAreHandedOutOnlyWhenTheirRecordIsCommitted) {
  Fixture f;
  const auto joined = f.join_new();
  f.holds_appends = true;
  const auto token = f.sync(joined.member_id, 1, {{joined.member_id, "all"}});
  EXPECT_FALSE(f.is_answered(token));
  EXPECT_EQ(f.state(), State::kCompletingRebalance);
  f.finish_held();
  EXPECT_EQ(f.take<Sync>(token).assignment, "all");
}

TEST(Membership, AnAssignmentThatCannotBeWrittenSendsEverybodyBackToJoin) {
  Fixture f;
  const auto joined = f.join_new();
  f.holds_appends = true;
  const auto token = f.sync(joined.member_id, 1, {{joined.member_id, "all"}});
  f.finish_held(ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(f.take<Sync>(token).error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(f.heartbeat(joined.member_id, 1), ErrorCode::kRebalanceInProgress);
}

TEST(Membership, ThatAGroupIsEmptyIsWrittenAgainUntilTheLogHasIt) {
  Fixture f;
  const std::string a = stable_member(f);
  f.holds_appends = true;
  EXPECT_EQ(f.leave(a).members[0].error_code, ErrorCode::kNone);
  f.finish_held(ErrorCode::kNotEnoughReplicas);
  f.pass(1min);
  ASSERT_EQ(f.held.size(), 1u) << "one try at a time";
  f.finish_held(ErrorCode::kNotEnoughReplicas);
  f.holds_appends = false;
  f.pass(1min);
  f.restart();
  EXPECT_EQ(f.state(), State::kEmpty) << "the log still knows the member that left";
}

TEST(Membership, AGroupThatWasDeletedIsNotWrittenAgain) {
  Fixture f;
  const std::string a = stable_member(f);
  f.holds_appends = true;
  f.leave(a);
  f.finish_held(ErrorCode::kNotEnoughReplicas);
  const RequestToken token = f.next_token();
  f.carry_out(f.coordinator->delete_group(token, "g", f.time));
  f.pass(1min);
  EXPECT_EQ(f.held.size(), 1u) << "nothing may come behind the tombstone";
  f.holds_appends = false;
  f.finish_held();
  f.pass(1min);
  f.restart();
  EXPECT_EQ(f.group(), nullptr);
}

TEST(Membership, ALeaderAssignsAgainWhileItsLastAssignmentIsStillBeingWritten) {
  Fixture f;
  const auto a = f.join_new();
  f.holds_appends = true;
  const auto given_up = f.sync(a.member_id, 1, {{a.member_id, "old"}});
  const auto changed = [&] {
    auto request = Fixture::join_request(a.member_id);
    request.protocols[0].metadata = Fixture::subscription({"u"});
    return request;
  }();
  EXPECT_EQ(f.take<Join>(f.join(changed)).generation_id, 2);
  EXPECT_EQ(f.take<Sync>(given_up).error_code, ErrorCode::kRebalanceInProgress);
  const auto token = f.sync(a.member_id, 2, {{a.member_id, "new"}});
  ASSERT_EQ(f.held.size(), 2u);
  const Append old = std::move(f.held.front());
  f.held.pop_front();
  f.finish(old, ErrorCode::kNone);
  EXPECT_FALSE(f.is_answered(token)) << "the record of the new one is not in the log yet";
  f.finish_held();
  EXPECT_EQ(f.take<Sync>(token).assignment, "new");
}

TEST(Membership, TheLeaderLeavesWhileTheOthersWaitForItsAssignment) {
  Fixture f;
  const std::string a = stable_member(f);
  const std::string b = second_member(f, a);
  const auto waits = f.sync(b, 2);
  f.leave(a);
  EXPECT_EQ(f.take<Sync>(waits).error_code, ErrorCode::kRebalanceInProgress);
  const auto again = f.take<Join>(f.join(Fixture::join_request(b)));
  EXPECT_EQ(again.leader, b);
  EXPECT_EQ(again.generation_id, 3);
}

TEST(Membership, AMemberThatStopsItsHeartbeatsIsExpelled) {
  Fixture f;
  const std::string a = stable_member(f);
  for (int beat = 0; beat < 20; ++beat) {
    f.pass(9s);
    ASSERT_EQ(f.heartbeat(a, 1), ErrorCode::kNone);
  }
  f.pass(10s);
  EXPECT_EQ(f.state(), State::kEmpty);
  EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kUnknownMemberId);
}

TEST(Membership, WhoDoesNotJoinAgainInTimeIsOutAndTheOthersGoOn) {
  Fixture f;
  const std::string a = stable_member(f);
  const auto b = f.join_new();
  for (int beat = 0; beat < 6; ++beat) {
    f.pass(9s);
    EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kRebalanceInProgress);
  }
  EXPECT_FALSE(f.is_answered(b.token));
  f.pass(6s);
  const auto joined = f.take<Join>(b.token);
  EXPECT_EQ(joined.leader, b.member_id);
  EXPECT_EQ(joined.members.size(), 1u);
  EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kUnknownMemberId);
}

TEST(Membership, WhoNeverSyncsIsOutAfterTheRebalanceTimeout) {
  Fixture f;
  const std::string a = stable_member(f);
  const std::string b = second_member(f, a);
  const auto waits = f.sync(b, 2);
  for (int beat = 0; beat < 7; ++beat) {
    f.pass(9s);
    (void)f.heartbeat(a, 2);
  }
  EXPECT_EQ(f.take<Sync>(waits).error_code, ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(f.heartbeat(a, 2), ErrorCode::kUnknownMemberId);
}

TEST(Membership, AZombieOfAnOldGenerationIsRefusedEverywhere) {
  Fixture f;
  const std::string a = stable_member(f);
  const std::string b = second_member(f, a);
  f.sync(b, 2);
  f.sync(a, 2, {{a, "x"}, {b, "y"}});
  EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(f.take<Sync>(f.sync(a, 1)).error_code, ErrorCode::kIllegalGeneration);
  EXPECT_EQ(f.commit_now(5, a, 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(f.commit_now(5, "stranger", 2), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(f.committed(), -1);
}

TEST(Membership, AFollowerThatMissedItsAnswerGetsTheSameGenerationAgain) {
  Fixture f;
  const std::string a = stable_member(f);
  const std::string b = second_member(f, a);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(b))).generation_id, 2);
  f.sync(b, 2);
  f.sync(a, 2, {{a, "x"}, {b, "y"}});
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(b))).generation_id, 2);
  EXPECT_EQ(f.take<Sync>(f.sync(b, 2)).assignment, "y");
  EXPECT_EQ(f.state(), State::kStable);
}

TEST(Membership, AChangedSubscriptionAndAStableLeaderThatJoinsAgainBeginARebalance) {
  Fixture f;
  const std::string a = stable_member(f);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request(a))).generation_id, 2);
  auto changed = Fixture::join_request(a);
  changed.protocols[0].metadata = Fixture::subscription({"u"});
  EXPECT_EQ(f.take<Join>(f.join(changed)).generation_id, 3);
}

TEST(Membership, TheProtocolIsTheOneThatAllSupportAndMostWant) {
  Fixture f;
  auto request = Fixture::join_request();
  request.protocols = {{"x", ""}, {"range", ""}, {"y", ""}};
  auto id = [&](wire::JoinGroupRequest asked) {
    asked.member_id = f.take<Join>(f.join(asked)).member_id;
    return asked;
  };
  const auto a = id(request);
  f.take<Join>(f.join(a));
  request.protocols = {{"y", ""}, {"range", ""}};
  const auto b = id(request);
  const auto b_joined = f.join(b);
  request.protocols = {{"range", ""}, {"y", ""}};
  const auto c = id(request);
  const auto c_joined = f.join(c);
  f.join(a);
  EXPECT_EQ(f.take<Join>(b_joined).protocol_name, "range");
  EXPECT_EQ(f.take<Join>(c_joined).protocol_name, "range");
  request.protocols = {{"x", ""}};
  EXPECT_EQ(f.take<Join>(f.join(request)).error_code, ErrorCode::kInconsistentGroupProtocol);
}

TEST(Membership, ASyncForAnotherProtocolIsRefused) {
  Fixture f;
  const std::string a = stable_member(f);
  wire::SyncGroupRequest request;
  request.group_id = "g";
  request.member_id = a;
  request.generation_id = 1;
  request.protocol_name = "another";
  const auto token = f.next_token();
  f.carry_out(f.coordinator->sync(token, request, f.time));
  EXPECT_EQ(f.take<Sync>(token).error_code, ErrorCode::kInconsistentGroupProtocol);
}

TEST(Membership, TheGroupIsFullAtItsLimit) {
  Fixture f({.members_max = 1});
  const std::string a = stable_member(f);
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request())).error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kNone);
}

TEST(Membership, AnEmptyGroupWaitsForMoreMembersWhenToldTo) {
  Fixture f({.initial_rebalance_delay = 3s});
  const auto a = f.join_new();
  f.pass(2s);
  const auto b = f.join_new();
  f.pass(2s);
  EXPECT_FALSE(f.is_answered(a.token));
  f.pass(2s);
  EXPECT_EQ(f.take<Join>(a.token).members.size(), 2u);
  EXPECT_EQ(f.take<Join>(b.token).generation_id, 1);
}

TEST(Membership, ASecondJoinOfTheSameMemberEndsTheFirst) {
  Fixture f;
  const std::string a = stable_member(f);
  const auto b = f.join_new();
  const auto b_again = f.join(Fixture::join_request(b.member_id));
  EXPECT_EQ(f.take<Join>(b.token).error_code, ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(f.is_answered(b_again));
}

TEST(Membership, ANewMembersJoinIsGivenUpAfterFiveMinutes) {
  Fixture f;
  auto patient = Fixture::join_request();
  patient.rebalance_timeout_ms = 3'600'000;
  patient.member_id = f.take<Join>(f.join(patient)).member_id;
  const std::string a = patient.member_id;
  f.join(patient);
  f.sync(a, 1, {});
  const auto b = f.join_new();
  for (int beat = 0; beat < 34; ++beat) {
    f.pass(9s);
    (void)f.heartbeat(a, 1);
  }
  EXPECT_EQ(f.take<Join>(b.token).error_code, ErrorCode::kUnknownMemberId);
}

// --- static members

struct StaticPair {
  Fixture f;
  std::string a, b;

  StaticPair() {
    a = f.take<Join>(f.join(Fixture::join_request("", "one"))).member_id;
    EXPECT_TRUE(a.starts_with("one-"));
    f.sync(a, 1, {{a, "x"}});
    const auto joining = f.join(Fixture::join_request("", "two"));
    f.join(Fixture::join_request(a, "one"));
    b = f.take<Join>(joining).member_id;
    f.sync(b, 2, {}, "two");
    f.sync(a, 2, {{a, "x"}, {b, "y"}}, "one");
    EXPECT_EQ(f.state(), State::kStable);
  }
};

TEST(StaticMembership, AMemberThatRestartsKeepsItsAssignmentWithoutARebalance) {
  StaticPair p;
  const auto joined = p.f.take<Join>(p.f.join(Fixture::join_request("", "two")));
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_EQ(joined.generation_id, 2);
  EXPECT_NE(joined.member_id, p.b);
  EXPECT_FALSE(joined.skip_assignment);
  EXPECT_EQ(p.f.take<Sync>(p.f.sync(joined.member_id, 2, {}, "two")).assignment, "y");
  EXPECT_EQ(p.f.heartbeat(p.a, 2, "one"), ErrorCode::kNone);
  EXPECT_EQ(p.f.state(), State::kStable);
}

TEST(StaticMembership, TheOneThatWasReplacedIsFenced) {
  StaticPair p;
  p.f.join(Fixture::join_request("", "two"));
  EXPECT_EQ(p.f.heartbeat(p.b, 2, "two"), ErrorCode::kFencedInstanceId);
  auto commit = Fixture::commit_request(1, p.b, 2);
  commit.group_instance_id = "two";
  EXPECT_EQ(p.f.take<wire::OffsetCommitResponse>(p.f.commit(commit)).topics[0].partitions[0].error_code,
            ErrorCode::kFencedInstanceId);
  EXPECT_EQ(p.f.take<Join>(p.f.join(Fixture::join_request(p.b, "two"))).error_code, ErrorCode::kFencedInstanceId);
  EXPECT_EQ(p.f.leave(p.b, "two").members[0].error_code, ErrorCode::kFencedInstanceId);
}

TEST(StaticMembership, TheOneThatIsReplacedWhileItWaitsIsToldSo) {
  StaticPair p;
  auto changed = Fixture::join_request(p.a, "one");
  changed.rebalance_timeout_ms = 5000;
  const auto waiting = p.f.join(changed);
  EXPECT_FALSE(p.f.is_answered(waiting));
  p.f.join(Fixture::join_request("", "one"));
  EXPECT_EQ(p.f.take<Join>(waiting).error_code, ErrorCode::kFencedInstanceId);
}

TEST(StaticMembership, ARestartedLeaderIsToldToSkipTheAssignmentOrNotThatItLeads) {
  StaticPair p;
  const auto modern = p.f.take<Join>(p.f.join(Fixture::join_request("", "one"), 9));
  EXPECT_TRUE(modern.skip_assignment);
  EXPECT_EQ(modern.leader, modern.member_id);
  EXPECT_EQ(modern.members.size(), 2u);
  const auto old = p.f.take<Join>(p.f.join(Fixture::join_request("", "one"), 8));
  EXPECT_FALSE(old.skip_assignment);
  EXPECT_EQ(old.leader, modern.member_id);
  EXPECT_NE(old.leader, old.member_id);
  EXPECT_TRUE(old.members.empty());
}

TEST(StaticMembership, AReplacementThatCannotBeWrittenIsTakenBack) {
  StaticPair p;
  p.f.holds_appends = true;
  const auto token = p.f.join(Fixture::join_request("", "two"));
  p.f.finish_held(ErrorCode::kRequestTimedOut);
  EXPECT_EQ(p.f.take<Join>(token).error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(p.f.heartbeat(p.b, 2, "two"), ErrorCode::kNone);
}

TEST(StaticMembership, ARestartWhileOthersWaitForTheAssignmentBeginsAnew) {
  Fixture f;
  const auto a = f.take<Join>(f.join(Fixture::join_request("", "one"))).member_id;
  const auto again = f.take<Join>(f.join(Fixture::join_request("", "one")));
  EXPECT_EQ(again.generation_id, 2);
  EXPECT_NE(again.member_id, a);
}

TEST(StaticMembership, AnAdministratorRemovesAMemberByItsInstanceId) {
  StaticPair p;
  EXPECT_EQ(p.f.leave("", "two").members[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(p.f.heartbeat(p.b, 2, "two"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(p.f.leave("", "two").members[0].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(p.f.heartbeat(p.a, 2, "one"), ErrorCode::kRebalanceInProgress);
}

TEST(StaticMembership, AMemberThatIsAwayForARebalanceKeepsItsPlaceUntilItsSessionEnds) {
  StaticPair p;
  auto changed = Fixture::join_request(p.a, "one");
  changed.rebalance_timeout_ms = 5000;
  changed.session_timeout_ms = 60'000;
  const auto token = p.f.join(changed);
  EXPECT_FALSE(p.f.is_answered(token));
  p.f.pass(9s);
  EXPECT_FALSE(p.f.is_answered(token));
  p.f.pass(1s);
  EXPECT_EQ(p.f.take<Join>(token).members.size(), 1u);
}

// --- what people ask

TEST(Administration, AStableGroupIsDescribedWithItsAssignments) {
  Fixture f;
  const std::string a = stable_member(f);
  const auto described = f.coordinator->describe("g", 5);
  EXPECT_EQ(described.group_state, "Stable");
  EXPECT_EQ(described.protocol_type, "consumer");
  EXPECT_EQ(described.protocol_data, "range");
  ASSERT_EQ(described.members.size(), 1u);
  EXPECT_EQ(described.members[0].member_id, a);
  EXPECT_EQ(described.members[0].client_host, "/127.0.0.1");
  EXPECT_EQ(described.members[0].member_assignment, "all");
}

TEST(Administration, AMissingGroupIsDeadAndFromVersion6OnAnError) {
  Fixture f;
  EXPECT_EQ(f.coordinator->describe("none", 5).group_state, "Dead");
  EXPECT_EQ(f.coordinator->describe("none", 5).error_code, ErrorCode::kNone);
  EXPECT_EQ(f.coordinator->describe("none", 6).error_code, ErrorCode::kGroupIdNotFound);
}

TEST(Administration, GroupsAreListedByStateAndTypeWhateverTheCase) {
  Fixture f;
  stable_member(f);
  const auto count = [&](std::vector<std::string> states, std::vector<std::string> types) {
    wire::ListGroupsRequest request;
    request.states_filter = std::move(states);
    request.types_filter = std::move(types);
    std::vector<wire::ListGroupsResponse::ListedGroup> groups;
    EXPECT_EQ(f.coordinator->list(request, groups), ErrorCode::kNone);
    for (const auto& group : groups) EXPECT_EQ(group.group_type, "classic") << "clients compare it as Kafka writes it";
    return groups.size();
  };
  EXPECT_EQ(count({}, {}), 1u);
  EXPECT_EQ(count({"stable", "Empty"}, {"classic"}), 1u);
  EXPECT_EQ(count({"Empty"}, {}), 0u);
  EXPECT_EQ(count({}, {"consumer"}), 0u);
}

// --- loading and unloading

TEST(Loading, RequestsBeforeItEndedAreToldToWait) {
  Fixture f;
  f.coordinator = f.fresh_coordinator();
  EXPECT_EQ(f.take<Join>(f.join(Fixture::join_request())).error_code, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(f.heartbeat("a", 1), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(f.commit_now(1), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(f.coordinator->describe("g", 5).error_code, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(f.coordinator->next_deadline(), Instant::never());
}

TEST(Loading, ARestartRestoresTheGroupAndExpelsNobody) {
  StaticPair p;
  EXPECT_EQ(p.f.commit_now(7, p.a, 2), ErrorCode::kNone);
  p.f.pass(9s);
  p.f.restart();
  p.f.pass(9s);
  EXPECT_EQ(p.f.state(), State::kStable);
  EXPECT_EQ(p.f.heartbeat(p.a, 2, "one"), ErrorCode::kNone);
  EXPECT_EQ(p.f.take<Sync>(p.f.sync(p.b, 2, {}, "two")).assignment, "y");
  EXPECT_EQ(p.f.committed(), 7);
  EXPECT_EQ(p.f.group()->classic().members().leader(), p.a);
}

TEST(Loading, RecordsOfOtherKindsAndUnreadableOnesAreToldApartAndNotTaken) {
  using Replayed = Coordinator::Replayed;
  Fixture f;
  const auto coordinator = f.fresh_coordinator();
  EXPECT_EQ(coordinator->replay("", "x"), Replayed::kForeign);
  EXPECT_EQ(coordinator->replay(std::string("\0\x09xx", 4), "x"), Replayed::kForeign);
  EXPECT_EQ(coordinator->replay(std::string("\0\x02\0\x05g", 5), "x"), Replayed::kUnreadable);
  EXPECT_EQ(coordinator->replay(std::string("\0\x02\0\x01g", 5), std::string("\x7f\x7f", 2)), Replayed::kUnreadable);
  (void)coordinator->finish_loading(f.time);
  EXPECT_EQ(coordinator->group_count(), 0u);
}

TEST(Unloading, EverybodyWhoWaitsIsSentElsewhere) {
  Fixture f;
  const std::string a = stable_member(f);
  f.holds_appends = true;
  const auto commit = f.commit(Fixture::commit_request(1, a, 1));
  const auto b = f.join_new();
  f.carry_out(f.coordinator->unload());
  EXPECT_EQ(f.take<Join>(b.token).error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(f.take<wire::OffsetCommitResponse>(commit).topics[0].partitions[0].error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(f.heartbeat(a, 1), ErrorCode::kNotCoordinator);
  EXPECT_EQ(f.coordinator->next_deadline(), Instant::never());
}

}  // namespace
}  // namespace mq::group
