#include "replication/replica.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace mq::replication {
namespace {

constexpr Awaited kNobody{};
constexpr Awaited kReader{.readable = true};
constexpr Awaited kFlush{.synced = true};
constexpr bool kUnsynced = true;
constexpr bool kAllSynced = false;
constexpr BrokerId kSelf{1};
constexpr BrokerId kFirst{2};
constexpr BrokerId kSecond{3};
const Instant kNow{};

Ends ends(int synced, int written, int log_end) {
  return {.log_start = Offset{0}, .synced = Offset{synced}, .written = Offset{written}, .log_end = Offset{log_end}};
}
Ends ends(int synced, int written) { return ends(synced, written, written); }

using Ids = std::vector<BrokerId>;

/// The partition's key of three replicas that `kSelf` leads.
cluster::Partition led(Ids isr, int partition_epoch, int leader_epoch = 0) {
  return {.replicas = {kSelf, kFirst, kSecond},
          .isr = std::move(isr),
          .leader = kSelf,
          .leader_epoch = LeaderEpoch{leader_epoch},
          .partition_epoch = partition_epoch};
}

/// The leader of an ISR that is itself alone, its slot in agreement with the setting.
Replica alone(const Ends& ends, FlushClass flush_class) {
  Replica replica(kSelf, ends, {.flush_class = flush_class}, flush_class, Offset{0});
  cluster::Partition key = led({kSelf}, 0);
  key.replicas = {kSelf};
  (void)replica.image_changed(key, {}, kNow);
  return replica;
}

/// Leads with these in the ISR, and knows that they have everything.
Replica leader(const Ends& ends, FlushClass flush_class, Ids isr) {
  Replica replica(kSelf, ends, {.flush_class = flush_class, .lag_max = 30s}, flush_class, Offset{0});
  (void)replica.image_changed(led(isr, 0), {}, kNow);
  for (const BrokerId id : isr)
    (void)replica.fetched_by({.from = id, .log_end = ends.log_end, .synced = ends.synced}, kNow);
  return replica;
}

Effects fetch(Replica& replica, BrokerId from, int log_end, int synced, Instant now = kNow) {
  return replica.fetched_by({.from = from, .log_end = Offset{log_end}, .synced = Offset{synced}}, now);
}

Ids proposed(const Replica& replica) {
  Ids ids;
  for (const Replica::Proposed& one : replica.proposal()) ids.push_back(one.id);
  return ids;
}

TEST(Replica, OnAFlushAckTopicTheDiskIsTheHighWatermark) {
  Replica replica = alone(ends(10, 10), FlushClass::ack);
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  EXPECT_FALSE(replica.written(ends(10, 15), kUnsynced, kNobody).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  replica.sync_began();
  EXPECT_TRUE(replica.sync_ended(ends(15, 15)).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
}

TEST(Replica, OnAnAsyncTopicThePageCacheIs) {
  Replica replica = alone(ends(10, 10), FlushClass::async);
  EXPECT_TRUE(replica.written(ends(10, 15, 20), kUnsynced, kNobody).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
}

TEST(Replica, WhoWaitsHasItSyncedAtOnceAndNobodyWithinTheLazyRound) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kNobody).sync, Sync::soon);
  EXPECT_EQ(replica.written(ends(0, 2), kUnsynced, kNobody).sync, Sync::none) << "the round takes it along";
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::now) << "somebody came to wait before the round";
  replica.sync_began();
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::none) << "the round finds nothing left to do";

  for (const Awaited awaited : {kReader, kFlush}) {
    Replica another = alone(ends(0, 0), FlushClass::ack);
    EXPECT_EQ(another.written(ends(0, 1), kUnsynced, awaited).sync, Sync::now);
  }
}

TEST(Replica, TheLazyRoundSyncsWhatNobodyWaitedFor) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kNobody).sync, Sync::soon);
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::now);
}

TEST(Replica, OneSyncRunsAtATimeAndGathersTheNext) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_EQ(replica.written(ends(0, 2), kUnsynced, kReader).sync, Sync::none);
  EXPECT_EQ(replica.written(ends(0, 3), kUnsynced, kReader).sync, Sync::none);
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::none);
  replica.sync_ended(ends(1, 3));
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kNobody).sync, Sync::now) << "it was promised to what came meanwhile";
  replica.sync_began();
  replica.sync_ended(ends(3, 3));
  EXPECT_EQ(replica.sync_goes_on(kAllSynced, kNobody).sync, Sync::none);
}

TEST(Replica, ASyncThatEndsGoesOnOnlyForWhoWaits) {
  Replica replica = alone(ends(0, 0), FlushClass::async);
  replica.sync_began();
  replica.sync_ended(ends(1, 2));
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kReader).sync, Sync::none) << "on an async topic readers need no disk";
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kFlush).sync, Sync::now);
}

TEST(Replica, AnAsyncTopicIsSyncedByTimeOrWhenAsked) {
  Replica replica = alone(ends(0, 0), FlushClass::async);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::by_time);
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::now);
}

TEST(Replica, AnotherSyncCountsAsWellAndEndsNone) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_TRUE(replica.synced(ends(1, 1)).readers);
  EXPECT_TRUE(replica.is_syncing());
}

TEST(Replica, ASyncThatFoundNoDescriptorIsTriedAgain) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_EQ(replica.sync_refused().sync, Sync::soon);
  EXPECT_EQ(replica.high_watermark(), Offset{0});
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::now);
}

TEST(Replica, WhatWasReadableStaysSoWhenTheTopicBecomesFlushAck) {
  Replica replica = alone(ends(5, 9), FlushClass::async);
  const Effects effects = replica.settings_changed({.flush_class = FlushClass::ack}, kUnsynced);
  EXPECT_EQ(effects.sync, Sync::now);
  EXPECT_FALSE(effects.readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
}

TEST(Replica, TheSlotSaysAckOnceAllThatTheLogHeldIsOnDisk) {
  Replica replica = alone(ends(5, 9, 12), FlushClass::async);
  EXPECT_FALSE(replica.settings_changed({.flush_class = FlushClass::ack}, kUnsynced).save_class);
  EXPECT_EQ(replica.counted_class(), FlushClass::ack) << "from the setting on";
  replica.sync_began();
  EXPECT_FALSE(replica.sync_ended(ends(9, 12)).save_class) << "three records came before the setting, too";
  EXPECT_TRUE(replica.synced(ends(12, 12)).save_class);
  EXPECT_EQ(replica.slot_class(), FlushClass::ack);
  EXPECT_FALSE(replica.synced(ends(12, 12)).save_class) << "once";
  (void)replica.class_saved(FlushClass::ack);
  EXPECT_EQ(replica.slot_class(), FlushClass::ack);
}

TEST(Replica, NothingUnsyncedCountsBeforeTheSlotSaysAsync) {
  Replica replica = alone(ends(5, 5), FlushClass::ack);
  EXPECT_FALSE(replica.written(ends(5, 9), kUnsynced, kNobody).readers);
  const Effects effects = replica.settings_changed({.flush_class = FlushClass::async}, kUnsynced);
  EXPECT_TRUE(effects.save_class);
  EXPECT_FALSE(effects.readers);
  EXPECT_EQ(replica.high_watermark(), Offset{5});
  EXPECT_TRUE(replica.class_saved(FlushClass::async).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
}

TEST(Replica, ASettingThatIsTakenBackWhileTheSlotIsWrittenIsSavedAnew) {
  Replica replica = alone(ends(5, 5), FlushClass::ack);
  EXPECT_TRUE(replica.settings_changed({.flush_class = FlushClass::async}, kAllSynced).save_class);
  EXPECT_FALSE(replica.settings_changed({.flush_class = FlushClass::ack}, kAllSynced).save_class) << "one at a time";
  EXPECT_TRUE(replica.class_saved(FlushClass::async).save_class);
  EXPECT_EQ(replica.slot_class(), FlushClass::ack);
}

TEST(Replica, NothingUnsyncedCountsWhileTheSlotMaySayAckAlready) {
  Replica replica = alone(ends(5, 5), FlushClass::async);
  EXPECT_TRUE(replica.settings_changed({.flush_class = FlushClass::ack}, kAllSynced).save_class);
  EXPECT_FALSE(replica.settings_changed({.flush_class = FlushClass::async}, kAllSynced).save_class) << "one at a time";
  EXPECT_FALSE(replica.written(ends(5, 9), kUnsynced, kNobody).readers) << "a crash may find that it says ack";
  const Effects effects = replica.class_saved(FlushClass::ack);
  EXPECT_TRUE(effects.save_class);
  EXPECT_FALSE(effects.readers);
  EXPECT_EQ(replica.slot_class(), FlushClass::async);
  EXPECT_TRUE(replica.class_saved(FlushClass::async).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
}

TEST(Replica, ItsRoleIsWhatTheKeySays) {
  Replica replica(kSelf, ends(4, 4), {}, FlushClass::ack, Offset{3});
  EXPECT_EQ(replica.role(), Role::none);
  EXPECT_EQ(replica.high_watermark(), Offset{3}) << "a hint, until somebody leads";
  EXPECT_EQ(replica.check_append(false), ErrorCode::kNotLeaderOrFollower);

  cluster::Partition key = led({kSelf, kFirst}, 1, 5);
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).role_changed);
  EXPECT_EQ(replica.role(), Role::leader);
  EXPECT_EQ(replica.leader_epoch(), LeaderEpoch{5});
  EXPECT_EQ(replica.high_watermark(), Offset{3}) << "nobody has said yet what it has";
  EXPECT_FALSE(replica.knows_end()) << "what an earlier epoch committed may lie above";
  EXPECT_TRUE(fetch(replica, kFirst, 4, 4).readers);
  EXPECT_TRUE(replica.knows_end());

  key.leader = kFirst;
  key.leader_epoch = LeaderEpoch{6};
  key.partition_epoch = 2;
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).role_changed);
  EXPECT_EQ(replica.role(), Role::follower);
  EXPECT_EQ(replica.high_watermark(), Offset{4});
  key.leader = kNoBroker;
  key.partition_epoch = 3;
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).role_changed);
  EXPECT_EQ(replica.role(), Role::none);
}

TEST(Replica, AnOlderImageIsPassedOver) {
  Replica replica = leader(ends(4, 4), FlushClass::async, {kSelf});
  (void)replica.image_changed(led({kSelf}, 7, 3), {}, kNow);
  cluster::Partition older = led({kSelf}, 6, 3);
  older.leader = kFirst;
  EXPECT_FALSE(replica.image_changed(older, {}, kNow).role_changed);
  older = led({kSelf}, 8, 2);
  older.leader = kFirst;
  EXPECT_FALSE(replica.image_changed(older, {}, kNow).role_changed);
  EXPECT_EQ(replica.role(), Role::leader);
}

TEST(Replica, AnEpochThatIsNotOursIsToldSo) {
  Replica replica = alone(ends(0, 0), FlushClass::ack);
  (void)replica.image_changed(led({kSelf}, 1, 4), {}, kNow);
  EXPECT_EQ(replica.check_epoch(kNoLeaderEpoch), ErrorCode::kNone);
  EXPECT_EQ(replica.check_epoch(LeaderEpoch{4}), ErrorCode::kNone);
  EXPECT_EQ(replica.check_epoch(LeaderEpoch{3}), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(replica.check_epoch(LeaderEpoch{5}), ErrorCode::kUnknownLeaderEpoch);
}

TEST(Replica, AcksAllAsksForTheMinimumButForNoMoreThanThereAreReplicas) {
  Replica replica(kSelf, ends(0, 0), {.insync_replicas_min = 2}, FlushClass::ack, Offset{0});
  cluster::Partition key = led({kSelf}, 0);
  key.replicas = {kSelf};
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_EQ(replica.check_append(true), ErrorCode::kNone) << "one replica can be no more than one";
  key = led({kSelf}, 1);
  key.adding = {kFirst, kSecond};
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_EQ(replica.check_append(true), ErrorCode::kNone) << "who is being added does not count yet";
  (void)replica.image_changed(led({kSelf}, 2), {}, kNow);
  EXPECT_EQ(replica.check_append(true), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(replica.check_append(false), ErrorCode::kNone);
  EXPECT_EQ(replica.check_committed(), ErrorCode::kNotEnoughReplicasAfterAppend);
  (void)replica.image_changed(led({kSelf, kFirst}, 3), {}, kNow);
  EXPECT_EQ(replica.check_append(true), ErrorCode::kNone);
  EXPECT_EQ(replica.check_committed(), ErrorCode::kNone);
}

TEST(Replica, BelowTheMinimumNothingIsCommitted) {
  Replica replica(kSelf, ends(5, 5), {.flush_class = FlushClass::async, .insync_replicas_min = 2}, FlushClass::async,
                  Offset{5});
  (void)replica.image_changed(led({kSelf}, 0), {}, kNow);
  EXPECT_FALSE(replica.written(ends(5, 9), kUnsynced, kReader).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{5});
  EXPECT_TRUE(replica.settings_changed({.flush_class = FlushClass::async}, kUnsynced).readers) << "the minimum fell";
}

TEST(Replica, WithAnElrNothingIsCommittedBeforeTheKeyIsWithoutIt) {
  Replica replica(kSelf, ends(5, 5), {.flush_class = FlushClass::async}, FlushClass::async, Offset{5});
  cluster::Partition key = led({kSelf}, 0);
  key.elr = {kFirst};
  const Effects effects = replica.image_changed(key, {}, kNow);
  EXPECT_TRUE(effects.propose) << "the minimum is one: the ELR may go";
  EXPECT_EQ(proposed(replica), Ids{kSelf});
  EXPECT_FALSE(replica.written(ends(5, 9), kUnsynced, kReader).readers);
  key.elr.clear();
  key.partition_epoch = 1;
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
}

TEST(Replica, TheHighWatermarkIsWhatEveryMemberHas) {
  Replica replica = leader(ends(10, 10), FlushClass::async, {kSelf, kFirst, kSecond});
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  EXPECT_FALSE(replica.written(ends(10, 20), kUnsynced, kNobody).readers);
  EXPECT_FALSE(fetch(replica, kFirst, 20, 0).readers);
  EXPECT_TRUE(fetch(replica, kSecond, 15, 0).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
  (void)replica.written(ends(10, 30), kUnsynced, kNobody);
  (void)fetch(replica, kSecond, 30, 0);
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  EXPECT_TRUE(replica.image_changed(led({kSelf, kSecond}, 1), {}, kNow).readers) << "the slow one left";
  EXPECT_EQ(replica.high_watermark(), Offset{30});
  EXPECT_FALSE(fetch(replica, kFirst, 21, 0).readers) << "no member any more";
}

TEST(Replica, OnAFlushAckTopicAMembersDiskCountsAndNotItsPageCache) {
  Replica replica = leader(ends(10, 10), FlushClass::ack, {kSelf, kFirst});
  (void)replica.written(ends(10, 20), kUnsynced, kReader);
  replica.sync_began();
  EXPECT_FALSE(fetch(replica, kFirst, 20, 12).readers);
  EXPECT_TRUE(replica.sync_ended(ends(20, 20)).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{12});
}

TEST(Replica, WhoHasWhatIsCommittedIsProposedForTheIsrAndCountsFromThenOn) {
  Replica replica = leader(ends(10, 10), FlushClass::async, {kSelf});
  (void)replica.written(ends(10, 20), kUnsynced, kNobody);
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  EXPECT_FALSE(fetch(replica, kFirst, 19, 0).propose) << "one record below the high watermark";
  EXPECT_TRUE(replica.fetched_by({.from = kFirst, .broker_epoch = cluster::BrokerEpoch{7}, .log_end = Offset{20}}, kNow)
                  .propose);
  EXPECT_EQ(proposed(replica), (Ids{kSelf, kFirst}));
  EXPECT_EQ(replica.proposal().back().broker_epoch, cluster::BrokerEpoch{7});
  EXPECT_TRUE(replica.proposal().back().is_new);
  EXPECT_FALSE(replica.written(ends(10, 30), kUnsynced, kNobody).readers) << "it may be in the ISR already (H-4)";
  EXPECT_TRUE(replica.proposal_ended(Replica::Outcome::unknown).propose) << "the same again";
  EXPECT_FALSE(replica.written(ends(10, 31), kUnsynced, kNobody).readers);
  EXPECT_FALSE(replica.proposal_ended(Replica::Outcome::conflict).propose);
  EXPECT_TRUE(replica.image_changed(led({kSelf}, 1), {}, kNow).readers) << "the key became another one";
  EXPECT_EQ(replica.high_watermark(), Offset{31});
}

TEST(Replica, NobodyJoinsWhoHasNotReachedTheBeginOfTheEpoch) {
  Replica replica(kSelf, ends(10, 10), {.flush_class = FlushClass::async}, FlushClass::async, Offset{5});
  (void)replica.image_changed(led({kSelf, kSecond}, 3, 2), {}, kNow);
  EXPECT_EQ(replica.high_watermark(), Offset{5});
  EXPECT_FALSE(fetch(replica, kFirst, 7, 0).propose) << "above the high watermark, below what may be committed";
  EXPECT_TRUE(fetch(replica, kFirst, 10, 0).propose);
}

TEST(Replica, WhoseOldIncarnationFetchesLateIsNotHeard) {
  Replica replica = leader(ends(10, 10), FlushClass::async, {kSelf, kFirst});
  (void)replica.fetched_by({.from = kFirst, .broker_epoch = cluster::BrokerEpoch{2}, .log_end = Offset{10}}, kNow);
  (void)replica.written(ends(10, 20), kUnsynced, kNobody);
  EXPECT_FALSE(
      replica.fetched_by({.from = kFirst, .broker_epoch = cluster::BrokerEpoch{1}, .log_end = Offset{20}}, kNow)
          .readers);
  EXPECT_TRUE(replica.fetched_by({.from = kFirst, .broker_epoch = cluster::BrokerEpoch{2}, .log_end = Offset{20}}, kNow)
                  .readers);
}

TEST(Replica, AMemberThatLagsIsTakenOutAndOneThatIsGoneIsNot) {
  Replica replica = leader(ends(10, 10), FlushClass::async, {kSelf, kFirst, kSecond});
  (void)replica.written(ends(10, 20), kUnsynced, kNobody);
  EXPECT_FALSE(replica.time_passed(kNow + 30s).propose);
  (void)replica.image_changed(led({kSelf, kFirst, kSecond}, 1), std::array{kSecond}, kNow + 30s);
  EXPECT_TRUE(replica.time_passed(kNow + 31s).propose);
  EXPECT_EQ(proposed(replica), (Ids{kSelf, kSecond})) << "the controller sees to who is gone";
  EXPECT_FALSE(replica.written(ends(10, 25), kUnsynced, kNobody).readers) << "until it is committed it counts (H-4)";
}

TEST(Replica, AFollowerThatKeepsUpWithASteadyProducerDoesNotLag) {
  Replica replica = leader(ends(0, 0), FlushClass::async, {kSelf, kFirst});
  for (int second = 1; second <= 100; ++second) {
    (void)replica.written(ends(0, 10 * second), kUnsynced, kNobody);
    // It has what there was at its fetch before, and never all.
    EXPECT_FALSE(fetch(replica, kFirst, 10 * (second - 1), 0, kNow + second * 1s).propose);
    EXPECT_FALSE(replica.time_passed(kNow + second * 1s).propose);
  }
  for (int second = 101; second <= 200; ++second) {
    (void)replica.written(ends(0, 10 * second), kUnsynced, kNobody);
    if (fetch(replica, kFirst, 990 + second - 100, 0, kNow + second * 1s).propose) return;
  }
  FAIL() << "one that takes a tenth of what comes does";
}

TEST(Replica, AMemberThatHasLostWhatItAcknowledgedIsTakenOutAtOnce) {
  for (const FlushClass flush_class : {FlushClass::async, FlushClass::ack}) {
    Replica replica = leader(ends(10, 10), flush_class, {kSelf, kFirst, kSecond});
    EXPECT_TRUE(fetch(replica, kFirst, 8, 8).propose);
    EXPECT_EQ(proposed(replica), (Ids{kSelf, kSecond}));
    EXPECT_EQ(replica.high_watermark(), Offset{10}) << "what was readable stays so";
    (void)replica.image_changed(led({kSelf, kSecond}, 1), {}, kNow);
    EXPECT_TRUE(fetch(replica, kFirst, 10, 10).propose) << "it has it again";
  }
}

TEST(Replica, WhoStaysInTheIsrKeepsWhatIsKnownOfItAndANewEpochForgetsIt) {
  Replica replica = leader(ends(0, 0), FlushClass::async, {kSelf, kFirst});
  (void)replica.written(ends(0, 20), kUnsynced, kNobody);
  (void)fetch(replica, kFirst, 20, 0);
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  (void)replica.image_changed(led({kSelf, kFirst, kSecond}, 1), {}, kNow);
  (void)replica.written(ends(0, 30), kUnsynced, kNobody);
  (void)fetch(replica, kFirst, 30, 0);
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  EXPECT_TRUE(fetch(replica, kSecond, 25, 0).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{25});
  (void)replica.image_changed(led({kSelf, kFirst, kSecond}, 2, 1), {}, kNow);
  EXPECT_FALSE(fetch(replica, kSecond, 30, 0).readers) << "the first has said nothing in this epoch";
  EXPECT_TRUE(fetch(replica, kFirst, 30, 0).readers);
}

TEST(Replica, FollowersAreWokenByRecordsAndByWhatIsCommitted) {
  Replica replica = leader(ends(0, 0), FlushClass::async, {kSelf, kFirst});
  EXPECT_TRUE(replica.written(ends(0, 1), kUnsynced, kNobody).followers);
  EXPECT_TRUE(fetch(replica, kFirst, 1, 0).followers);
  EXPECT_FALSE(alone(ends(0, 0), FlushClass::async).written(ends(0, 1), kUnsynced, kNobody).followers);
}

TEST(Replica, AnOpenTransactionHoldsTheLastStableOffset) {
  Replica replica = alone(ends(10, 10), FlushClass::ack);
  EXPECT_EQ(replica.last_stable_offset(), Offset{10});
  replica.first_unstable_changed(Offset{7});
  EXPECT_EQ(replica.last_stable_offset(), Offset{7});
  replica.first_unstable_changed(Offset{12});
  EXPECT_EQ(replica.last_stable_offset(), Offset{10}) << "it begins above what is committed";
  replica.first_unstable_changed(std::nullopt);
  EXPECT_EQ(replica.last_stable_offset(), Offset{10});
}

/// A follower of `kFirst` in epoch 1.
Replica follower(const Ends& ends, Offset high_watermark, LeaderEpoch unclean_since = kNoLeaderEpoch) {
  Replica replica(kSelf, ends, {.flush_class = FlushClass::async}, FlushClass::async, high_watermark);
  cluster::Partition key = led({kFirst, kSelf}, 1, 1);
  key.leader = kFirst;
  key.unclean_since = unclean_since;
  (void)replica.image_changed(key, {}, kNow);
  return replica;
}

TEST(Replica, AFollowersHighWatermarkIsTheLeadersAndNoMoreThanItHas) {
  Replica replica = follower(ends(10, 10), Offset{3});
  auto effects = replica.answered({.high_watermark = Offset{8}});
  ASSERT_TRUE(effects);
  EXPECT_TRUE(effects->readers);
  EXPECT_EQ(replica.high_watermark(), Offset{8});
  EXPECT_TRUE(replica.answered({.high_watermark = Offset{99}}));
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  EXPECT_TRUE(replica.answered({.high_watermark = Offset{5}}));
  EXPECT_EQ(replica.high_watermark(), Offset{10}) << "a leader that knows less yet takes nothing back (H-5)";
}

TEST(Replica, AFollowerCutsItsLogWhereTheLeadersDiffers) {
  Replica replica = follower(ends(10, 10), Offset{3});
  auto effects = replica.answered({.high_watermark = Offset{4}, .diverges_at = Offset{6}});
  ASSERT_TRUE(effects);
  EXPECT_EQ(effects->truncate, Offset{6});
  (void)replica.truncated(ends(6, 6));
  EXPECT_EQ(replica.ends().log_end, Offset{6});
  EXPECT_EQ(replica.high_watermark(), Offset{3});
}

TEST(Replica, AFollowerNeverCutsWhatIsCommittedUnlessTheKeySaysSo) {
  Replica replica = follower(ends(10, 10), Offset{3});
  ASSERT_TRUE(replica.answered({.high_watermark = Offset{8}}));
  EXPECT_FALSE(replica.answered({.high_watermark = Offset{8}, .diverges_at = Offset{7}}));

  cluster::Partition key = led({kFirst}, 2, 2);
  key.leader = kFirst;
  key.unclean_since = LeaderEpoch{2};
  (void)replica.image_changed(key, {}, kNow);
  const auto effects = replica.answered({.high_watermark = Offset{8}, .diverges_at = Offset{7}});
  ASSERT_TRUE(effects) << "the new leader may have had less";
  EXPECT_EQ(effects->truncate, Offset{7});
  (void)replica.truncated(ends(7, 7));
  EXPECT_EQ(replica.high_watermark(), Offset{7});
}

TEST(Replica, AFollowerThatTheLeaderHasNothingForAnyMoreBeginsAnew) {
  Replica replica = follower(ends(10, 10), Offset{3});
  const auto effects = replica.answered({.high_watermark = Offset{60}, .start_wanted = Offset{50}});
  ASSERT_TRUE(effects);
  EXPECT_EQ(effects->restart_at, Offset{50});
  (void)replica.truncated(
      {.log_start = Offset{50}, .synced = Offset{50}, .written = Offset{50}, .log_end = Offset{50}});
  EXPECT_EQ(replica.high_watermark(), Offset{50});
}

/// A log, a disk and followers that a random life moves forward, and what it knows of them without the Replica.
struct Life {
  explicit Life(std::uint32_t seed) : random(seed) {}
  int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(random); }
  [[nodiscard]] Ends now() const { return ends(synced, written, log_end); }
  [[nodiscard]] bool is_unsynced() const { return synced < written; }

  std::minstd_rand random;
  int synced = 0, written = 0, log_end = 0, covered = 0;
  std::array<int, 2> fetched{}, flushed{};
};

TEST(Replica, RandomLivesNeverShowWhatNotAllHaveAndNeverForgetToSync) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    Life life(seed);
    FlushClass flush_class = life.below(2) == 0 ? FlushClass::ack : FlushClass::async;
    Replica replica = leader(life.now(), flush_class, {kSelf});
    std::array<bool, 2> is_member{};
    int partition_epoch = 0;
    Offset before = replica.high_watermark();
    bool is_waiting = false;
    bool is_promised = false;  // a lazy round
    const auto obey = [&](const Effects& effects) {
      EXPECT_EQ(effects.readers, replica.high_watermark() > before);
      before = replica.high_watermark();
      is_promised = is_promised || effects.sync == Sync::soon;
      if (effects.sync != Sync::now) return;
      ASSERT_FALSE(replica.is_syncing());
      replica.sync_began();
      life.covered = life.written;
    };
    for (int step = 0; step < 300; ++step) {
      switch (life.below(8)) {
        case 0:
        case 1:
          life.log_end += 1 + life.below(3);
          life.written = life.log_end;
          obey(replica.written(life.now(), life.is_unsynced(), {.synced = is_waiting}));
          break;
        case 2:
        case 3:
          if (!replica.is_syncing()) break;
          life.synced = life.covered;
          obey(replica.sync_ended(life.now()));
          if (life.synced == life.written) is_waiting = false;
          obey(replica.sync_goes_on(life.is_unsynced(), {.synced = is_waiting}));
          break;
        case 4:
          is_waiting = life.is_unsynced();
          obey(replica.sync_is_wanted(life.is_unsynced()));
          break;
        case 5: {
          const auto who = static_cast<std::size_t>(life.below(2));
          life.fetched[who] += life.below(life.written - life.fetched[who] + 1);
          life.flushed[who] += life.below(life.fetched[who] - life.flushed[who] + 1);
          obey(fetch(replica, who == 0 ? kFirst : kSecond, life.fetched[who], life.flushed[who]));
          break;
        }
        case 6: {
          const auto who = static_cast<std::size_t>(life.below(2));
          is_member[who] = !is_member[who];
          Ids isr{kSelf};
          if (is_member[0]) isr.push_back(kFirst);
          if (is_member[1]) isr.push_back(kSecond);
          obey(replica.image_changed(led(std::move(isr), ++partition_epoch), {}, kNow));
          break;
        }
        default:
          is_promised = false;
          obey(replica.sync_is_due(life.is_unsynced()));
      }
      // Nothing that somebody waits for, or that a flush=ack topic took, is left without a sync that runs or will.
      if (life.is_unsynced() && (is_waiting || flush_class == FlushClass::ack))
        EXPECT_TRUE(replica.is_syncing() || is_promised) << "seed " << seed << ", step " << step;
      const auto has = [&](int synced, int fetched) { return flush_class == FlushClass::ack ? synced : fetched; };
      if (replica.high_watermark() > Offset{has(life.synced, life.written)}) FAIL() << "seed " << seed;
    }
  }
}

TEST(History1x2, AnIncarnationDoesNotLeadInTheEpochThatWasGivenToAnother) {
  Replica replica(kSelf, ends(5, 5), {.flush_class = FlushClass::ack}, FlushClass::ack, Offset{0});
  (void)replica.registered(cluster::BrokerEpoch{2});
  cluster::Partition key = led({kSelf, kFirst}, 0, 7);
  key.leader_broker_epoch = cluster::BrokerEpoch{1};
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_EQ(replica.role(), Role::none);
  key.leader_epoch = LeaderEpoch{8};
  key.leader_broker_epoch = cluster::BrokerEpoch{2};
  ++key.partition_epoch;
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).role_changed);
  EXPECT_EQ(replica.role(), Role::leader);
  EXPECT_TRUE(replica.registered(cluster::BrokerEpoch{3}).role_changed);
  EXPECT_EQ(replica.role(), Role::none) << "it has registered anew";
}

TEST(History1x2, WhoseLogHasTheEpochAlreadyLeadsOnlyInALaterOne) {
  Ends kept = ends(5, 5);
  kept.last_epoch = LeaderEpoch{8};
  Replica replica(kSelf, kept, {.flush_class = FlushClass::ack}, FlushClass::ack, Offset{0});
  (void)replica.registered(cluster::BrokerEpoch{2});
  cluster::Partition key = led({kSelf}, 0, 8);
  key.leader_broker_epoch = cluster::BrokerEpoch{2};
  EXPECT_TRUE(replica.image_changed(key, {}, kNow).raise_epoch);
  EXPECT_EQ(replica.role(), Role::none);
  key.leader_epoch = LeaderEpoch{9};
  ++key.partition_epoch;
  EXPECT_FALSE(replica.image_changed(key, {}, kNow).raise_epoch);
  EXPECT_EQ(replica.role(), Role::leader);
  Ends more = ends(6, 6);
  more.last_epoch = LeaderEpoch{9};
  (void)replica.written(more, kAllSynced, kNobody);
  ++key.partition_epoch;
  EXPECT_FALSE(replica.image_changed(key, {}, kNow).raise_epoch) << "that is its own epoch";
  EXPECT_EQ(replica.role(), Role::leader);
}

TEST(History1x1, AProposalThatWasRefusedCountsNoMoreAndTheNextEventProposesAnew) {
  Replica replica = leader(ends(5, 5), FlushClass::ack, {kSelf});
  EXPECT_TRUE(fetch(replica, kFirst, 5, 5).propose);
  EXPECT_EQ(replica.written(ends(8, 8), kAllSynced, kNobody).readers, false) << "who is proposed counts";
  EXPECT_TRUE(replica.proposal_ended(Replica::Outcome::unknown).propose);
  EXPECT_FALSE(replica.proposal_ended(Replica::Outcome::refused).propose);
  EXPECT_TRUE(replica.proposal().empty());
  EXPECT_TRUE(replica.synced(ends(8, 8)).readers);
  EXPECT_TRUE(fetch(replica, kFirst, 8, 8).propose);
}

// --- H-9: where the log begins --------------------------------------------------------------------------------------

Effects begins(Replica& replica, BrokerId from, int log_start) {
  return replica.fetched_by({.from = from, .log_end = Offset{10}, .synced = Offset{10}, .log_start = Offset{log_start}},
                            kNow);
}
Ends begun(int log_start) {
  Ends there = ends(10, 10);
  there.log_start = Offset{log_start};
  return there;
}

TEST(LogStart, ALeaderMovesItWhenAllThatMayLeadHaveItOnTheirDisks) {
  Replica replica = leader(ends(10, 10), FlushClass::ack, {kSelf, kFirst});
  EXPECT_TRUE(replica.knows_start());
  EXPECT_TRUE(replica.start_saved(Offset{5}).followers) << "they are told";
  EXPECT_TRUE(replica.tell_start(kFirst));
  EXPECT_FALSE(replica.tell_start(kFirst)) << "it knows";
  EXPECT_EQ(begins(replica, kFirst, 3).start, Offset{3}) << "as far as both are";
  (void)replica.log_start_moved(begun(3));
  const Effects all = begins(replica, kFirst, 7);
  EXPECT_EQ(all.start, Offset{5});
  EXPECT_TRUE(all.start_is_known);
  (void)replica.log_start_moved(begun(5));
  EXPECT_TRUE(replica.knows_start());
  EXPECT_TRUE(replica.tell_start(kSecond)) << "that one is to begin there, too, before it joins";
}

TEST(LogStart, OneThatIsAloneMovesItAtOnce) {
  Replica replica = alone(ends(10, 10), FlushClass::ack);
  EXPECT_EQ(replica.start_saved(Offset{5}).start, Offset{5});
  (void)replica.log_start_moved(begun(5));
  EXPECT_TRUE(replica.knows_start());
  (void)replica.log_start_moved(begun(8));
  EXPECT_TRUE(replica.knows_start()) << "retention moved it";
}

TEST(LogStart, WhoIsEligibleMayLeadToo) {
  Replica replica(kSelf, ends(10, 10), {.insync_replicas_min = 2}, FlushClass::ack, Offset{10});
  cluster::Partition key = led({kSelf}, 0);
  key.elr = {kFirst};
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_FALSE(replica.start_saved(Offset{5}).start);
  EXPECT_EQ(begins(replica, kFirst, 5).start, Offset{5});
}

TEST(LogStart, WhoBeginsEarlierDoesNotJoin) {
  Replica replica = leader(begun(5), FlushClass::ack, {kSelf});
  EXPECT_FALSE(begins(replica, kFirst, 4).propose);
  EXPECT_TRUE(begins(replica, kFirst, 5).propose);
}

TEST(LogStart, WhoIsProposedCounts) {
  Replica replica = leader(begun(5), FlushClass::ack, {kSelf});
  ASSERT_TRUE(begins(replica, kFirst, 5).propose);
  EXPECT_FALSE(replica.start_saved(Offset{8}).start);
  EXPECT_EQ(begins(replica, kFirst, 9).start, Offset{8});
}

TEST(LogStart, ANewLeaderThatBeginsLaterThanWasCommittedTellsNoBegin) {
  Replica replica(kSelf, begun(5), {.flush_class = FlushClass::ack}, FlushClass::ack, Offset{10});
  (void)replica.image_changed(led({kSelf, kFirst}, 1, 1), {}, kNow);
  EXPECT_FALSE(replica.knows_start());
  EXPECT_FALSE(begins(replica, kFirst, 4).start_is_known && replica.knows_start());
  (void)begins(replica, kFirst, 5);
  EXPECT_TRUE(replica.knows_start());
}

TEST(LogStart, ANewLeaderTellsWhatTheOneBeforeSaidIsCommitted) {
  Replica replica(kSelf, begun(5), {.flush_class = FlushClass::ack}, FlushClass::ack, Offset{10});
  cluster::Partition key = led({kSelf, kFirst}, 1, 1);
  key.leader = kFirst;
  (void)replica.image_changed(key, {}, kNow);
  ASSERT_TRUE(replica.answered({.high_watermark = Offset{10}, .log_start = Offset{5}, .start_wanted = Offset{6}}));
  (void)replica.image_changed(led({kSelf, kFirst}, 2, 2), {}, kNow);
  EXPECT_TRUE(replica.knows_start());
}

TEST(LogStart, WhoLeadsNoMoreTakesTheStartThatIsOnItsDisk) {
  Replica replica = leader(ends(10, 10), FlushClass::ack, {kSelf, kFirst});
  (void)replica.start_saved(Offset{5});
  cluster::Partition key = led({kSelf, kFirst}, 1, 1);
  key.leader = kFirst;
  EXPECT_EQ(replica.image_changed(key, {}, kNow).start, Offset{5});
}

TEST(History1x7, WhoIsEligibleAndHasLessThanItAcknowledgedLeavesTheElr) {
  Replica replica(kSelf, ends(5, 5), {.flush_class = FlushClass::ack, .insync_replicas_min = 2}, FlushClass::ack,
                  Offset{5});
  cluster::Partition key = led({kSelf}, 0);
  key.elr = {kFirst};
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_TRUE(fetch(replica, kFirst, 3, 3).propose);
  EXPECT_EQ(proposed(replica), Ids{kSelf});
  EXPECT_EQ(replica.lost(), Ids{kFirst});
  key.elr = {};
  ++key.partition_epoch;
  (void)replica.image_changed(key, {}, kNow);
  EXPECT_TRUE(replica.lost().empty());
  EXPECT_EQ(replica.high_watermark(), Offset{5});
}

/// History 1.9.
TEST(Replica, ALeaderHasHeardAllWhenEverybodyWhoCouldBeElectedHasFetched) {
  Replica replica = leader(ends(10, 10), FlushClass::ack, {kSelf, kFirst});
  EXPECT_TRUE(replica.has_heard_all_since(kNow));
  EXPECT_FALSE(replica.has_heard_all_since(kNow + 1s)) << "a member is silent";
  (void)fetch(replica, kFirst, 10, 10, kNow + 2s);
  EXPECT_TRUE(replica.has_heard_all_since(kNow + 2s)) << "who is in neither ISR nor ELR cannot lead";

  cluster::Partition key = led({kSelf}, 1);
  key.elr = {kSecond};
  (void)replica.image_changed(key, {}, kNow + 2s);
  EXPECT_FALSE(replica.has_heard_all_since(kNow + 2s)) << "one that is eligible is silent";
  (void)fetch(replica, kSecond, 10, 10, kNow + 3s);
  EXPECT_EQ(proposed(replica), (Ids{kSelf, kFirst}));
  EXPECT_FALSE(replica.has_heard_all_since(kNow + 3s)) << "one that may be a member by now is silent";
  (void)fetch(replica, kFirst, 10, 10, kNow + 3s);
  EXPECT_TRUE(replica.has_heard_all_since(kNow + 3s));

  (void)replica.image_changed(led({kSelf, kFirst, kSecond}, 2, 1), {}, kNow + 3s);
  EXPECT_FALSE(replica.has_heard_all_since(kNow)) << "what was heard in an earlier epoch says nothing of this one";
  EXPECT_TRUE(alone(ends(10, 10), FlushClass::ack).has_heard_all_since(kNow + 1min)) << "nobody else could lead";
}

}  // namespace
}  // namespace mq::replication
