#include "controller/election_plans.h"

#include <gtest/gtest.h>

#include <vector>

#include "cluster_model.h"
#include "controller/upkeep_plans.h"

namespace mq::controller {
namespace {

using cluster::BrokerEpoch;
using cluster::BrokerState;
using cluster::Partition;

LogEnd log_end(int id, int last_epoch, int end) {
  return {.broker = BrokerId{id}, .last_epoch = LeaderEpoch{last_epoch}, .end = Offset{end}};
}

Brokers candidates(const ClusterModel& model, const Circumstances& circumstances = {}) {
  return candidacy_of(model.store.image(), model.partition(), model.topic_settings, circumstances).candidates;
}

TEST(Care, WhereEverybodyIsThereNothingIsDone) {
  const ClusterModel model;
  EXPECT_TRUE(model.care().empty());
  EXPECT_FALSE(needs_care(model.store.image(), model.partition(), model.topic_settings));
}

TEST(History1x17, WhoIsGoneLeavesTheIsrAtOnceAndTheLeaderStays) {
  ClusterModel model;
  model.lose(2);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().isr, ids({1, 3}));
  EXPECT_TRUE(model.partition().elr.empty());
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{7});
  EXPECT_EQ(model.partition().partition_epoch, 1);
  model.lose(3);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().isr, ids({1}));
  EXPECT_EQ(model.partition().elr, ids({3}));
  EXPECT_TRUE(model.care().empty());
}

TEST(Care, IsTheControllersAlone) {
  ClusterModel model;
  model.lose(2);
  const Plan plan = model.care();
  model.acquire(3);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(Care, ChangesNothingThatAnotherHasChanged) {
  ClusterModel model;
  model.lose(2);
  const Plan plan = model.care();
  ASSERT_TRUE(model.store.commit(model.plan({model.wish({member(1), member(3)})}).batches[0].transaction));
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(Election, WhereTheLeaderIsGoneTheGreatestLogOfThoseInSyncLeads) {
  ClusterModel model;
  model.lose(1);
  EXPECT_EQ(candidates(model), ids({2, 3}));
  ClusterModel silent = model;
  ASSERT_TRUE(silent.store.perform(silent.care()));
  EXPECT_EQ(silent.partition().leader, BrokerId{2});
  EXPECT_EQ(silent.partition().isr, ids({2, 3}));
  EXPECT_EQ(silent.partition().leader_epoch, LeaderEpoch{8});
  EXPECT_EQ(silent.partition().leader_broker_epoch, BrokerEpoch{1});
  EXPECT_EQ(silent.partition().unclean_since, kNoLeaderEpoch);
}

TEST(History1x6, TheGreatestLogLeadsWhateverTheOrderOfReplicas) {
  ClusterModel model;
  model.lose(1);
  ClusterModel longer = model;
  ASSERT_TRUE(longer.store.perform(longer.care({.answers = {log_end(2, 7, 5), log_end(3, 7, 6)}})));
  EXPECT_EQ(longer.partition().leader, BrokerId{3});
  ClusterModel newer = model;
  ASSERT_TRUE(newer.store.perform(newer.care({.answers = {log_end(2, 6, 9), log_end(3, 7, 6)}})));
  EXPECT_EQ(newer.partition().leader, BrokerId{3});
  ClusterModel equal = model;
  ASSERT_TRUE(equal.store.perform(equal.care({.answers = {log_end(3, 7, 6), log_end(2, 7, 6)}})));
  EXPECT_EQ(equal.partition().leader, BrokerId{2});
  ClusterModel one_silent = model;
  ASSERT_TRUE(one_silent.store.perform(one_silent.care({.answers = {log_end(3, 7, 1)}})));
  EXPECT_EQ(one_silent.partition().leader, BrokerId{3});
}

TEST(History1x2, ANewIncarnationOfTheLeaderLeadsInANewEpochOnly) {
  ClusterModel model;
  model.come_back(1);
  EXPECT_FALSE(has_leader(model.store.image(), model.partition()));
  ASSERT_TRUE(model.store.perform(model.care({.answers = {log_end(1, 7, 5), log_end(2, 7, 4), log_end(3, 7, 4)}})));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  EXPECT_EQ(model.partition().leader_broker_epoch, BrokerEpoch{2});
  EXPECT_TRUE(model.care().empty());
}

TEST(History1x2, TheEpochIsAboveTheLastOneInTheLog) {
  ClusterModel model;
  model.lose(1);
  ASSERT_TRUE(model.store.perform(model.care({.answers = {log_end(2, 30, 5), log_end(3, 7, 6)}})));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{31});
}

TEST(History1x3, WhoStartsIsNotElected) {
  ClusterModel model;
  model.restart(2);
  model.lose(1);
  EXPECT_EQ(candidates(model), ids({3}));
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  EXPECT_EQ(model.partition().isr, ids({3}));
  EXPECT_EQ(model.partition().elr, ids({1, 2}));
  model.lose(3);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, kNoBroker) << "nor where it is the only one that is there";
}

TEST(History1x3, AnElectionRestsOnWhomItNamesAsReadyAndOnWhoIsGone) {
  for (const int changes : {1, 2}) {
    ClusterModel model;
    model.lose(1);
    const Plan plan = model.care();  // elects broker 2
    model.restart(changes);
    EXPECT_FALSE(model.store.perform(plan)) << "broker " << changes;
  }
  ClusterModel lost;
  lost.lose(1);
  const Plan plan = lost.care();
  lost.lose(2);
  EXPECT_FALSE(lost.store.perform(plan));
}

TEST(Care, TakesNobodyOutWhoIsThereAgain) {
  ClusterModel model;
  model.lose(2);
  const Plan plan = model.care();
  model.come_back(2);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(Draining, WhoDrainsInANewIncarnationLeadsNoMoreAndThatRestsOnItsWord) {
  ClusterModel model;
  model.lose(2);
  model.lose(3);
  model.come_back(1);
  model.set_state(1, BrokerState::draining);
  const Plan plan = model.care();
  ClusterModel anew = model;
  anew.restart(1);
  EXPECT_FALSE(anew.store.perform(plan));
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_EQ(model.partition().leader, kNoBroker);
  EXPECT_EQ(model.partition().isr, ids({1}));
}

TEST(Draining, MovingLeadershipRestsOnWhoHasItToo) {
  ClusterModel model;
  model.set_state(1, BrokerState::draining);
  const Plan plan = model.care();
  model.restart(1);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(History1x8, AfterTheStoreWasAwayNobodyIsTakenForDeadAtOnce) {
  ClusterModel model;
  for (const int id : {1, 2, 3}) model.lose(id);
  EXPECT_TRUE(model.care({.spared = ids({1, 2, 3})}).empty());
  model.come_back(3);
  EXPECT_TRUE(model.care({.spared = ids({1, 2})}).empty()) << "the first that is back takes nothing from the others";
  model.restart(1);
  ASSERT_TRUE(model.store.perform(model.care({.spared = ids({1, 2})})));
  EXPECT_EQ(model.partition().leader, BrokerId{3}) << "another incarnation has lost what was given to the one before";
  EXPECT_EQ(model.partition().isr, ids({2, 3}));
}

TEST(History1x8, WhoWasAboutToEndAndHasNoSessionIsGoneForANewControllerToo) {
  ClusterModel model;
  model.set_state(2, BrokerState::draining);
  EXPECT_TRUE(model.care({.spared = ids({2})}).empty());
  model.lose(2);
  ASSERT_TRUE(model.store.perform(model.care({.spared = ids({2})})));
  EXPECT_EQ(model.partition().isr, ids({1, 3}));
}

TEST(Election, WhoIsEligibleLeadsWhereNobodyInSyncCan) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1});
  known.elr = ids({2, 3});
  model.put(known);
  model.lose(1);
  EXPECT_EQ(candidates(model), ids({2, 3}));
  ASSERT_TRUE(model.store.perform(model.care({.answers = {log_end(2, 7, 5), log_end(3, 7, 6)}})));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  EXPECT_EQ(model.partition().isr, ids({3}));
  EXPECT_EQ(model.partition().elr, ids({1, 2}));
  EXPECT_EQ(model.partition().unclean_since, kNoLeaderEpoch);
}

TEST(Election, WhereNobodyMayLeadNobodyDoesUntilOneOfThemIsBack) {
  ClusterModel model;
  for (const int id : {1, 2, 3}) model.lose(id);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, kNoBroker);
  EXPECT_TRUE(model.partition().isr.empty());
  EXPECT_EQ(model.partition().elr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  EXPECT_TRUE(model.care().empty());
  model.come_back(3);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{9});
}

/// All three have lost their power, and come back one after the other.
ClusterModel all_lost_power() {
  ClusterModel model;
  for (const int id : {1, 2, 3}) model.lose(id);
  EXPECT_TRUE(model.store.perform(model.care()));
  for (const int id : {2, 3, 1}) {
    model.restart(id);
    EXPECT_TRUE(model.store.perform(model.step_out(id)));
  }
  EXPECT_TRUE(model.partition().isr.empty());
  EXPECT_TRUE(model.partition().elr.empty());
  EXPECT_EQ(model.partition().last_in_sync, ids({2, 3, 1}));
  return model;
}

TEST(History1x6, WhereEverybodyHasLostSomethingTheLastInSyncLeadOnceAllAreReady) {
  ClusterModel model = all_lost_power();
  model.set_state(3, BrokerState::ready);
  model.set_state(2, BrokerState::ready);
  EXPECT_TRUE(model.care().empty()) << "the third may have more";
  model.set_state(1, BrokerState::ready);
  ASSERT_TRUE(model.store.perform(model.care({.answers = {log_end(1, 7, 5), log_end(2, 7, 6), log_end(3, 7, 4)}})));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().isr, ids({2}));
  EXPECT_TRUE(model.partition().last_in_sync.empty());
  EXPECT_EQ(model.partition().unclean_since, model.partition().leader_epoch);
}

TEST(History1x6, OrOnceTheSessionTimeoutHasPassed) {
  ClusterModel model = all_lost_power();
  model.set_state(3, BrokerState::ready);
  EXPECT_TRUE(model.care().empty());
  ASSERT_TRUE(model.store.perform(model.care({.has_waited = true})));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  EXPECT_EQ(model.partition().unclean_since, model.partition().leader_epoch);
}

TEST(History1x6, OnlyThoseAreLastInSyncWhoLeftWhileNobodyLed) {
  ClusterModel model;
  model.restart(2);
  ASSERT_TRUE(model.store.perform(model.step_out(2)));  // the leader goes on without it
  model.set_state(2, BrokerState::ready);
  model.lose(3);
  model.lose(1);
  ASSERT_TRUE(model.store.perform(model.care()));
  for (const int id : {3, 1}) {
    model.restart(id);
    ASSERT_TRUE(model.store.perform(model.step_out(id)));
  }
  EXPECT_EQ(model.partition().last_in_sync, ids({3, 1}));
  EXPECT_TRUE(model.care().empty());
}

TEST(UncleanElection, OnlyWhereTheTopicAllowsItAndNobodyBetterIsOnTheWay) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1});
  model.put(known);
  model.lose(1);
  ClusterModel forbidden = model;
  ASSERT_TRUE(forbidden.store.perform(forbidden.care()));
  EXPECT_EQ(forbidden.partition().leader, kNoBroker);
  EXPECT_EQ(forbidden.partition().elr, ids({1}));

  model.topic_settings.unclean_leader_election = true;
  ClusterModel hopeful = model;
  hopeful.restart(1);
  EXPECT_TRUE(candidates(hopeful).empty());
  ClusterModel forbidden_meanwhile = model;
  const Plan plan = model.care();
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().isr, ids({2}));
  EXPECT_TRUE(model.partition().elr.empty());
  EXPECT_EQ(model.partition().unclean_since, LeaderEpoch{8});
  forbidden_meanwhile.store.put(cluster::put_topic(*forbidden_meanwhile.store.image().find_topic("t")));
  EXPECT_FALSE(forbidden_meanwhile.store.perform(plan));
}

TEST(UncleanElection, OrAnOperatorSaysSo) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1});
  model.put(known);
  model.lose(1);
  ASSERT_TRUE(model.store.perform(model.care({.is_unclean_wanted = true})));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().unclean_since, LeaderEpoch{8});
  EXPECT_TRUE(model.care({.is_unclean_wanted = true}).empty()) << "somebody leads";
}

TEST(Draining, LeadershipMovesAwayAndTheMemberStays) {
  ClusterModel model;
  model.set_state(1, BrokerState::draining);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  model.set_state(2, BrokerState::draining);
  model.set_state(3, BrokerState::draining);
  EXPECT_TRUE(model.care().empty()) << "nobody else can";
}

TEST(Drained, OthersLeadAndItStaysInSync) {
  ClusterModel model;
  model.drain(1);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  EXPECT_TRUE(model.care().empty());
}

TEST(Drained, MovingLeadershipRestsOnTheMarkAndOnWhoHasIt) {
  ClusterModel model;
  model.drain(1);
  const Plan plan = model.care();
  ClusterModel undone = model;
  undone.drain(1, false);
  EXPECT_FALSE(undone.store.perform(plan));
  model.drain(2);
  EXPECT_FALSE(model.store.perform(plan));
}

TEST(Drained, ItLeadsOnWhereNobodyElseIsInSyncAndNobodyIsTakenFromTheElr) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1});
  known.elr = ids({2});
  model.put(known);
  model.drain(1);
  EXPECT_TRUE(model.care().empty());
}

TEST(Drained, WhoIsDrainedTooIsNotBetter) {
  ClusterModel model;
  model.drain(1);
  model.drain(2);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
  model.lose(3);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(model.partition().leader, BrokerId{1}) << "that somebody leads comes first";
  EXPECT_TRUE(model.care().empty()) << "and it is not handed round";
}

TEST(Drained, IsElectedLastOfThoseWhoHaveEverything) {
  ClusterModel model;
  model.drain(2);
  model.lose(1);
  EXPECT_EQ(candidates(model), ids({3}));
  ASSERT_TRUE(model.store.perform(model.care({.answers = {log_end(2, 7, 9), log_end(3, 7, 5)}})));
  EXPECT_EQ(model.partition().leader, BrokerId{3});
}

TEST(Drained, LeadsWithTheGreatestLogWhereRecordsMayBeLost) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = {};
  known.leader = kNoBroker;
  known.last_in_sync = ids({2, 3});
  model.put(known);
  model.drain(2);
  EXPECT_EQ(candidates(model), ids({2, 3}));
}

TEST(Drained, AStopHandsOverToOneThatIsDrainedRatherThanToNobody) {
  ClusterModel model;
  model.drain(2);
  model.set_state(1, BrokerState::draining);
  EXPECT_EQ(candidates(model), ids({3}));
  model.lose(3);
  EXPECT_EQ(candidates(model), ids({2}));
}

TEST(Drained, IsNotThePreferredLeader) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.leader = BrokerId{2};
  model.put(known);
  model.drain(1);
  EXPECT_TRUE(model.care({.is_preferred_wanted = true}).empty());
  const AskedPlan refused =
      plan_election(model.store.image(), ClusterModel::place(), Election::preferred, model.settings());
  EXPECT_EQ(refused.refusal.error, ErrorCode::kPreferredLeaderNotAvailable);
  EXPECT_NE(refused.refusal.message.find("is drained"), std::string::npos) << refused.refusal.message;
  model.drain(1, false);
  ASSERT_TRUE(model.store.perform(model.care({.is_preferred_wanted = true})));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
}

TEST(Drained, MayBeTakenForGoneLikeAllOthers) {
  ClusterModel model;
  model.drain(1);
  EXPECT_TRUE(model.store.image().is_ready(BrokerId{1}));
  ASSERT_TRUE(model.store.perform(plan_dead(model.store.image(), BrokerId{1}, cluster::BrokerEpoch{1})));
  EXPECT_FALSE(model.store.image().is_alive(BrokerId{1}));
  EXPECT_FALSE(model.store.image().controller());
}

TEST(Drained, IsRefusedWhereItMeansNothing) {
  const auto error_of = [](const ClusterModel& model, int id) {
    return plan_drain(model.store.image(), BrokerId{id}, true).refusal.error;
  };
  ClusterModel model;
  EXPECT_EQ(error_of(model, 7), ErrorCode::kBrokerIdNotRegistered);
  model.lose(3);
  EXPECT_EQ(error_of(model, 3), ErrorCode::kInvalidRequest) << "it is gone";
  model.drain(2);
  EXPECT_TRUE(plan_drain(model.store.image(), BrokerId{2}, true).plan.empty()) << "it is already";
  EXPECT_EQ(error_of(model, 1), ErrorCode::kInvalidRequest) << "nobody else may lead";
  model.drain(2, false);
  model.lose(2);
  EXPECT_EQ(error_of(model, 1), ErrorCode::kInvalidRequest) << "nobody else is there";
}

TEST(Drained, EndsWithTheProcessAndNotWithItsSession) {
  ClusterModel model;
  const cluster::Broker known = *model.store.image().find_broker(BrokerId{2});
  Registration registration{.id = known.id, .directory = known.directory, .nonce = known.nonce, .endpoints = {}};
  registration.replaces_session = true;
  model.drain(2);
  model.lose(2);
  ASSERT_TRUE(model.store.perform(*plan_registration(model.store.image(), registration)));
  EXPECT_TRUE(model.store.image().is_drained(BrokerId{2}));
  registration.nonce = id_of(99);
  ASSERT_TRUE(model.store.perform(*plan_registration(model.store.image(), registration)));
  EXPECT_FALSE(model.store.image().is_drained(BrokerId{2}));
}

TEST(PreferredElection, OnRequestAndOnlyOfWhoIsInSync) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.leader = BrokerId{2};
  model.put(known);
  EXPECT_TRUE(model.care().empty());
  ClusterModel behind = model;
  known.isr = ids({2, 3});
  behind.put(known);
  EXPECT_TRUE(behind.care({.is_preferred_wanted = true}).empty());
  ASSERT_TRUE(model.store.perform(model.care({.is_preferred_wanted = true})));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
}

AskedPlan asked(const ClusterModel& model, Election election, std::int32_t index = 0) {
  return plan_election(model.store.image(), ClusterModel::place(index), election, model.settings());
}

TEST(ElectionOnRequest, ThePreferredReplicaLeadsIfItCan) {
  ClusterModel model;
  EXPECT_EQ(asked(model, Election::preferred).refusal.error, ErrorCode::kElectionNotNeeded);
  Partition known = ClusterModel::in_sync();
  known.leader = BrokerId{2};
  model.put(known);
  ClusterModel behind = model;
  known.isr = ids({2, 3});
  behind.put(known);
  EXPECT_EQ(asked(behind, Election::preferred).refusal.error, ErrorCode::kPreferredLeaderNotAvailable);
  ClusterModel draining = model;
  draining.set_state(1, BrokerState::draining);
  EXPECT_EQ(asked(draining, Election::preferred).refusal.error, ErrorCode::kPreferredLeaderNotAvailable);
  const AskedPlan planned = asked(model, Election::preferred);
  ASSERT_EQ(planned.refusal.error, ErrorCode::kNone) << planned.refusal.message;
  ClusterModel restarted = model;
  restarted.restart(1);
  EXPECT_FALSE(restarted.store.perform(planned.plan)) << "it rests on who comes to lead";
  ClusterModel changed = model;
  changed.put(known);
  EXPECT_FALSE(changed.store.perform(planned.plan)) << "it rests on the partition";
  ASSERT_TRUE(model.store.perform(planned.plan));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3}));
  EXPECT_EQ(model.partition().leader_epoch, LeaderEpoch{8});
  EXPECT_EQ(asked(model, Election::preferred, 7).refusal.error, ErrorCode::kUnknownTopicOrPartition);
}

TEST(ElectionOnRequest, OfThoseWhoLackRecordsTheGreatestLogLeads) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.leader = kNoBroker;
  known.isr.clear();
  known.elr.clear();
  model.put(known);
  const auto candidates =
      candidates_of_election(model.store.image(), ClusterModel::place(), Election::unclean, model.settings());
  EXPECT_EQ(candidates, ids({1, 2, 3}));
  const AskedPlan planned =
      plan_election(model.store.image(), ClusterModel::place(), Election::unclean, model.settings(),
                    {{BrokerId{1}, LeaderEpoch{6}, Offset{90}},
                     {BrokerId{2}, LeaderEpoch{7}, Offset{80}},
                     {BrokerId{3}, LeaderEpoch{7}, Offset{70}}});
  ASSERT_TRUE(model.store.perform(planned.plan));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_TRUE(
      candidates_of_election(model.store.image(), ClusterModel::place(), Election::unclean, model.settings()).empty());
}

TEST(ElectionOnRequest, TakesNobodyForDeadWhoOnlyHasNoSession) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.leader = BrokerId{2};
  model.put(known);
  model.lose(3);
  ASSERT_TRUE(model.store.perform(asked(model, Election::preferred).plan));
  EXPECT_EQ(model.partition().leader, BrokerId{1});
  EXPECT_EQ(model.partition().isr, ids({1, 2, 3})) << "that is for the controller to say";
}

TEST(ElectionOnRequest, AnUncleanOneIsForWhatNobodyLeads) {
  ClusterModel model;
  EXPECT_EQ(asked(model, Election::unclean).refusal.error, ErrorCode::kElectionNotNeeded);
  Partition known = ClusterModel::in_sync();
  known.isr = ids({1});
  model.put(known);
  model.lose(1);
  ASSERT_TRUE(model.store.perform(model.care()));
  ASSERT_EQ(model.partition().leader, kNoBroker);
  EXPECT_TRUE(model.care().empty()) << "broker 1 alone has all records";
  ClusterModel alone = model;
  alone.lose(2);
  alone.lose(3);
  EXPECT_EQ(asked(alone, Election::unclean).refusal.error, ErrorCode::kEligibleLeadersNotAvailable);
  ASSERT_TRUE(model.store.perform(asked(model, Election::unclean).plan));
  EXPECT_EQ(model.partition().leader, BrokerId{2});
  EXPECT_EQ(model.partition().isr, ids({2}));
  EXPECT_TRUE(model.partition().elr.empty());
  EXPECT_NE(model.partition().unclean_since, kNoLeaderEpoch);
}

/// Broker 3 is gone, and in sync nowhere.
ClusterModel without_the_third() {
  ClusterModel model;
  model.lose(3);
  EXPECT_TRUE(model.store.perform(model.care()));
  return model;
}

TEST(Unregistration, OfABrokerThatIsGone) {
  ClusterModel model = without_the_third();
  const AskedPlan planned = plan_unregistration(model.store.image(), BrokerId{3});
  ASSERT_EQ(planned.refusal.error, ErrorCode::kNone) << planned.refusal.message;
  ClusterModel back = model;
  back.come_back(3);
  EXPECT_FALSE(back.store.perform(planned.plan));
  ASSERT_TRUE(model.store.perform(planned.plan));
  EXPECT_EQ(model.store.image().find_broker(BrokerId{3}), nullptr);
  EXPECT_TRUE(model.store.image().unregistered().contains(BrokerId{3}));
  EXPECT_TRUE(model.care().empty()) << "its partitions go on without it";
  EXPECT_EQ(plan_unregistration(model.store.image(), BrokerId{3}).refusal.error, ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(plan_unregistration(model.store.image(), BrokerId{9}).refusal.error, ErrorCode::kBrokerIdNotRegistered);
}

TEST(Unregistration, AnIdIsNeverGivenAgain) {
  ClusterModel model = without_the_third();
  const Registration registration{.id = BrokerId{3}, .directory = id_of(77), .nonce = id_of(78)};
  ClusterModel never_there;
  never_there.store.put(cluster::Op::erase(cluster::broker_key(BrokerId{3})));
  never_there.store.put(cluster::Op::erase(cluster::alive_key(BrokerId{3})));
  const Plan plan = *plan_registration(never_there.store.image(), registration);
  ASSERT_TRUE(model.store.perform(plan_unregistration(model.store.image(), BrokerId{3}).plan));
  EXPECT_EQ(plan_registration(model.store.image(), registration).error().code, Errc::refused);
  EXPECT_FALSE(model.store.perform(plan)) << "nor to who was faster";
}

TEST(Unregistration, OfWhoIsAliveIsRefused) {
  ClusterModel model;
  EXPECT_EQ(plan_unregistration(model.store.image(), BrokerId{3}).refusal.error, ErrorCode::kInvalidRequest);
  ModelStore alone;
  add_broker(alone, 1, false);
  EXPECT_EQ(plan_unregistration(alone.image(), BrokerId{1}).refusal.error, ErrorCode::kInvalidRequest);
}

TEST(Unregistration, OfWhoAloneHasAllRecordsIsRefused) {
  ClusterModel model;
  Partition known = ClusterModel::in_sync();
  known.isr = ids({3});
  known.leader = BrokerId{3};
  model.put(known);
  model.lose(3);
  const auto error = [&] { return plan_unregistration(model.store.image(), BrokerId{3}).refusal.error; };
  EXPECT_EQ(error(), ErrorCode::kInvalidRequest);
  ASSERT_TRUE(model.store.perform(model.care()));
  EXPECT_EQ(error(), ErrorCode::kInvalidRequest) << "it is the only one in the ELR";
  ASSERT_TRUE(model.store.perform(asked(model, Election::unclean).plan));
  EXPECT_EQ(error(), ErrorCode::kNone) << "its records were given up";
}

TEST(History1x8, OnlyAReadyIncarnationIsTakenForDeadBeforeItsLeaseEnds) {
  ClusterModel model;
  EXPECT_TRUE(plan_dead(model.store.image(), BrokerId{2}, BrokerEpoch{2}).empty());
  const Plan plan = plan_dead(model.store.image(), BrokerId{2}, BrokerEpoch{1});
  ClusterModel anew = model;
  anew.come_back(2);
  EXPECT_FALSE(anew.store.perform(plan));
  EXPECT_TRUE(plan_dead(anew.store.image(), BrokerId{2}, BrokerEpoch{1}).empty());
  ClusterModel stopping = model;
  stopping.set_state(2, BrokerState::draining);
  EXPECT_FALSE(stopping.store.perform(plan));
  EXPECT_TRUE(plan_dead(stopping.store.image(), BrokerId{2}, BrokerEpoch{1}).empty());
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_FALSE(model.store.image().is_alive(BrokerId{2}));
  EXPECT_TRUE(model.store.image().controller());
  ASSERT_TRUE(model.store.perform(plan_dead(model.store.image(), BrokerId{1}, BrokerEpoch{1})));
  EXPECT_FALSE(model.store.image().controller()) << "it had the lease";
}

TEST(ControllersLease, OfTwoThatReachForItOneGetsItAndLetsGoOnlyOfItsOwn) {
  ClusterModel model;
  EXPECT_TRUE(plan_controller(model.store.image(), BrokerId{2}, id_of(31)).empty()) << "there is one";
  const cluster::Revision former = model.lease;
  ASSERT_TRUE(model.store.perform(plan_abdication(former)));
  const Plan one = plan_controller(model.store.image(), BrokerId{2}, id_of(31));
  const Plan other = plan_controller(model.store.image(), BrokerId{3}, id_of(32));
  ASSERT_TRUE(model.store.perform(one));
  EXPECT_FALSE(model.store.perform(other));
  EXPECT_EQ(model.store.image().controller()->broker, BrokerId{2});
  EXPECT_TRUE(model.store.has(cluster::acquisition_key(id_of(31))));
  EXPECT_FALSE(model.store.perform(plan_abdication(former)));
}

TEST(ControllersLease, IsForWhoIsReadyInThisIncarnation) {
  ClusterModel model;
  ASSERT_TRUE(model.store.perform(plan_abdication(model.lease)));
  const Plan plan = plan_controller(model.store.image(), BrokerId{2}, id_of(31));
  ClusterModel lost = model;
  lost.lose(2);
  EXPECT_FALSE(lost.store.perform(plan));
  EXPECT_TRUE(plan_controller(lost.store.image(), BrokerId{2}, id_of(31)).empty());
  model.restart(2);
  EXPECT_FALSE(model.store.perform(plan));
  EXPECT_TRUE(plan_controller(model.store.image(), BrokerId{2}, id_of(31)).empty());
}

TEST(History1x12, AnIdThatIsNotRegisteredAnyMoreIsNotWaitedFor) {
  ClusterModel model;
  model.store.put(cluster::put_tombstone(id_of(9), {.name = "gone", .waiting = ids({2, 7})}));
  const Plan plan = plan_acknowledgement_of_unregistered(model.store.image());
  ClusterModel registered = model;
  add_broker(registered.store, 7);
  EXPECT_FALSE(registered.store.perform(plan));
  EXPECT_TRUE(plan_acknowledgement_of_unregistered(registered.store.image()).empty());
  ClusterModel unreadable = model;
  unreadable.store.put(cluster::Op::put(cluster::broker_key(BrokerId{7}), "\2"));
  EXPECT_TRUE(plan_acknowledgement_of_unregistered(unreadable.store.image()).empty());
  ASSERT_TRUE(model.store.perform(plan));
  EXPECT_EQ(model.store.image().tombstones().at(id_of(9)).waiting, ids({2}));
}

}  // namespace
}  // namespace mq::controller
