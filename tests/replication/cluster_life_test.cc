// Three replicas of one partition, a store that keeps its key, and a controller, as small as can be: logs are vectors,
// a fetch is a call. From a seed they append, fetch, sync, propose, die, lose their power and are elected, and what was
// committed once must be what everybody reads there ever after.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "replication/divergence.h"
#include "replication/replica.h"

namespace mq::replication {
namespace {

constexpr std::size_t kBrokers = 3;
constexpr std::size_t kInsyncMin = 2;
constexpr Duration kLagMax = 10s;

struct Record {
  LeaderEpoch epoch;
  int value = 0;
  friend bool operator==(const Record&, const Record&) = default;
};

struct Broker {
  BrokerId id;
  cluster::BrokerEpoch incarnation{0};
  bool is_up = false;
  std::vector<Record> log;
  std::size_t synced = 0;
  Offset checkpoint{0};  ///< of the high watermark
  std::optional<Replica> replica;

  [[nodiscard]] Ends ends() const {
    const auto end = Offset{static_cast<std::int64_t>(log.size())};
    return {.synced = Offset{static_cast<std::int64_t>(synced)}, .written = end, .log_end = end};
  }
  [[nodiscard]] LeaderEpoch last_epoch() const { return log.empty() ? kNoLeaderEpoch : log.back().epoch; }
  /// the newest epoch here that is not above `asked`, and where it ends.
  [[nodiscard]] EpochEnd end_of(LeaderEpoch asked) const {
    const auto above = std::ranges::find_if(log, [&](const Record& record) { return record.epoch > asked; });
    const auto end = static_cast<std::size_t>(above - log.begin());
    return {.epoch = end == 0 ? kNoLeaderEpoch : log[end - 1].epoch, .end = Offset{static_cast<std::int64_t>(end)}};
  }
  [[nodiscard]] bool leads() const { return is_up && replica->role() == Role::leader; }
};

/// An ISR on its way to the store. It may arrive late, also after its sender was told that nobody knows.
struct Proposal {
  std::int32_t partition_epoch = 0;  ///< that the key must have
  std::vector<Replica::Proposed> isr;
  std::size_t sender = 0;
  cluster::BrokerEpoch sender_incarnation;
};

class ReplicasLife {
 public:
  ReplicasLife(std::uint32_t seed, FlushClass flush_class)
      : random_(seed), flush_class_(flush_class), stops_one_in_(1 + below(20)), starts_one_in_(1 + below(6)) {
    for (std::size_t i = 0; i < kBrokers; ++i) brokers_[i].id = BrokerId{static_cast<std::int32_t>(i) + 1};
    key_.replicas = {BrokerId{1}, BrokerId{2}, BrokerId{3}};
    key_.isr = key_.replicas;
    key_.leader = BrokerId{1};
    for (std::size_t i = 0; i < kBrokers; ++i) start(i);
  }

  void step() {
    now_ = now_ + static_cast<int>(below(100)) * 10ms;
    const std::size_t who = below(kBrokers);
    const std::size_t what = below(24);
    if (what < 4) return append(who);
    if (what < 10) return fetch(who, below(kBrokers));
    if (what < 12) return sync(who);
    if (what < 15) return learn(who);
    if (what < 17) return deliver();
    if (what < 18) return elect();
    if (what < 20) return time_passes(who);
    if (what < 21) return forget();
    if (what < 22) return below(stops_one_in_) == 0 ? stop(who) : sync(who);
    if (!brokers_[who].is_up && below(starts_one_in_) == 0) start(who);
  }

  /// No more faults: everybody comes to the same log, all of it committed.
  void heal() {
    for (std::size_t i = 0; i < kBrokers; ++i)
      if (!brokers_[i].is_up) start(i);
    for (int round = 0; round < 60; ++round) {
      now_ = now_ + 1s;
      elect();
      for (std::size_t i = 0; i < kBrokers; ++i) learn(i);
      for (std::size_t i = 0; i < kBrokers; ++i) {
        sync(i);
        time_passes(i);
        for (std::size_t j = 0; j < kBrokers; ++j) fetch(i, j);
      }
      while (!proposals_.empty()) deliver();
      while (std::ranges::any_of(brokers_, [](const Broker& b) { return b.replica->role() == Role::none; })) {
        elect();
        for (std::size_t i = 0; i < kBrokers; ++i) learn(i);
      }
    }
    for (const Broker& broker : brokers_) {
      ASSERT_EQ(broker.log, brokers_[0].log);
      ASSERT_EQ(broker.replica->high_watermark(), broker.ends().log_end) << "broker " << broker.id.value();
    }
    ASSERT_EQ(key_.isr.size(), kBrokers);
    ASSERT_TRUE(key_.elr.empty());
  }

  [[nodiscard]] const std::vector<Record>& committed() const { return committed_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  int elections = 0, joins = 0, cuts = 0;

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
  Broker& of(BrokerId id) { return brokers_[static_cast<std::size_t>(id.value()) - 1]; }

  // --- A broker -----------------------------------------------------------------------------------------------------

  void start(std::size_t who) {
    Broker& broker = brokers_[who];
    broker.is_up = true;
    broker.incarnation = cluster::BrokerEpoch{broker.incarnation.value() + 1};
    if (key_.leader == broker.id && broker.incarnation.value() > 1) {
      // It leads on, in an epoch of this incarnation.
      key_.leader_epoch = LeaderEpoch{key_.leader_epoch.value() + 1};
      ++key_.partition_epoch;
    }
    // Whatever the checkpoint says, it is a hint.
    const Offset hint = std::min(broker.checkpoint, broker.ends().log_end);
    broker.replica.emplace(broker.id, broker.ends(),
                           Settings{.flush_class = flush_class_, .insync_replicas_min = kInsyncMin, .lag_max = kLagMax},
                           flush_class_, hint);
    learn(who);
  }

  /// A log of class `async` is killed only, and its pages stay; one of class `ack` may lose its power.
  void stop(std::size_t who) {
    Broker& broker = brokers_[who];
    if (!broker.is_up) return;
    broker.is_up = false;
    broker.checkpoint = below(2) == 0 ? broker.replica->high_watermark() : Offset{0};
    if (flush_class_ == FlushClass::ack && below(2) == 0) {
      broker.log.resize(broker.synced);
      broker.checkpoint = std::min(broker.checkpoint, broker.ends().log_end);
    }
    broker.replica.reset();
  }

  void append(std::size_t who) {
    Broker& broker = brokers_[who];
    if (!broker.leads() || broker.replica->check_append(true) != ErrorCode::kNone) return;
    for (std::size_t count = 1 + below(3); count > 0; --count)
      broker.log.push_back({.epoch = broker.replica->leader_epoch(), .value = ++values_});
    obey(who, broker.replica->written(broker.ends(), broker.synced < broker.log.size(), {.readable = true}));
  }

  void sync(std::size_t who) {
    Broker& broker = brokers_[who];
    if (!broker.is_up || broker.replica->is_syncing()) return;
    broker.replica->sync_began();
    broker.synced = broker.log.size();
    obey(who, broker.replica->sync_ended(broker.ends()));
  }

  void learn(std::size_t who) {
    Broker& broker = brokers_[who];
    if (!broker.is_up) return;
    std::vector<BrokerId> gone;
    for (const Broker& other : brokers_)
      if (!other.is_up) gone.push_back(other.id);
    obey(who, broker.replica->image_changed(key_, gone, now_));
  }

  void time_passes(std::size_t who) {
    if (brokers_[who].leads()) obey(who, brokers_[who].replica->time_passed(now_));
  }

  void fetch(std::size_t from, std::size_t at) {
    Broker& follower = brokers_[from];
    Broker& leader = brokers_[at];
    if (from == at || !follower.is_up || !leader.leads() || follower.replica->role() != Role::follower) return;
    if (follower.replica->leader_epoch() != leader.replica->leader_epoch()) return;
    // a follower whose last epoch ends elsewhere has another log, and says nothing of what it has of this one.
    const auto diverging =
        divergence(leader.end_of(follower.last_epoch()), follower.last_epoch(), follower.ends().log_end);
    LeaderAnswer answer{.high_watermark = leader.replica->high_watermark()};
    if (diverging && !follower.log.empty()) {
      answer.diverges_at = cut_at(*diverging, follower.end_of(diverging->epoch));
    } else {
      obey(at, leader.replica->fetched_by({.from = follower.id,
                                           .broker_epoch = follower.incarnation,
                                           .log_end = follower.ends().log_end,
                                           .synced = follower.ends().synced},
                                          now_));
      answer.high_watermark = leader.replica->high_watermark();
      const std::size_t count = std::min(leader.log.size() - follower.log.size(), 1 + below(4));
      const auto first = leader.log.begin() + static_cast<std::ptrdiff_t>(follower.log.size());
      follower.log.insert(follower.log.end(), first, first + static_cast<std::ptrdiff_t>(count));
      obey(from, follower.replica->written(follower.ends(), true, {}));
    }
    auto effects = follower.replica->answered(answer);
    if (!effects) {
      problem_ = effects.error().message;
      return;
    }
    obey(from, *effects);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void obey(std::size_t who, const Effects& effects) {
    Broker& broker = brokers_[who];
    if (effects.truncate) {
      ++cuts;
      broker.log.resize(static_cast<std::size_t>(effects.truncate->value()));
      broker.synced = std::min(broker.synced, broker.log.size());
      obey(who, broker.replica->truncated(broker.ends()));
    }
    if (effects.propose)
      proposals_.push_back({.partition_epoch = broker.replica->partition_epoch(),
                            .isr = broker.replica->proposal(),
                            .sender = who,
                            .sender_incarnation = broker.incarnation});
    judge(broker);
  }

  // --- The store ----------------------------------------------------------------------------------------------------

  void deliver() {
    if (proposals_.empty()) return;
    const auto at = proposals_.begin() + static_cast<std::ptrdiff_t>(below(proposals_.size()));
    const Proposal proposal = *at;
    proposals_.erase(at);
    const Broker& sender = brokers_[proposal.sender];
    const bool is_heard = sender.is_up && sender.incarnation == proposal.sender_incarnation;
    const bool holds = key_.partition_epoch == proposal.partition_epoch &&
                       std::ranges::all_of(proposal.isr, [&](const Replica::Proposed& one) {
                         return !one.is_new || (of(one.id).is_up && of(one.id).incarnation == one.broker_epoch);
                       });
    if (!holds) {
      if (is_heard)
        obey(proposal.sender, brokers_[proposal.sender].replica->proposal_ended(Replica::Outcome::conflict));
      // Nothing but a changed key ends a proposal; one that failed for a member's sake is ended by a key of its own.
      if (key_.partition_epoch == proposal.partition_epoch) ++key_.partition_epoch;
      return;
    }
    std::vector<BrokerId> isr;
    for (const Replica::Proposed& one : proposal.isr) isr.push_back(one.id);
    joins += isr.size() > key_.isr.size() ? 1 : 0;
    put_isr(std::move(isr));
  }

  /// The sender of one on its way gives up waiting: nobody can say whether it will arrive.
  void forget() {
    if (proposals_.empty()) return;
    const Proposal& proposal = proposals_[below(proposals_.size())];
    const Broker& sender = brokers_[proposal.sender];
    if (!sender.is_up || sender.incarnation != proposal.sender_incarnation || proposals_.size() > 4) return;
    if (sender.replica->partition_epoch() != proposal.partition_epoch) return;
    obey(proposal.sender, brokers_[proposal.sender].replica->proposal_ended(Replica::Outcome::unknown));
  }

  /// Who was in the ISR or the ELR and is in the ISR no more stays eligible while the ISR is below the minimum
  /// (KIP-966).
  void put_isr(std::vector<BrokerId> isr) {
    std::vector<BrokerId> elr;
    if (isr.size() < kInsyncMin) {
      for (const std::vector<BrokerId>& were : {key_.isr, key_.elr})
        for (const BrokerId id : were)
          if (!std::ranges::count(isr, id) && !std::ranges::count(elr, id)) elr.push_back(id);
    }
    key_.isr = std::move(isr);
    key_.elr = std::move(elr);
    ++key_.partition_epoch;
  }

  /// Who is gone leaves the ISR; where the leader is, the greatest log among those eligible leads.
  void elect() {
    std::vector<BrokerId> isr = key_.isr;
    std::erase_if(isr, [&](BrokerId id) { return !of(id).is_up; });
    if (isr != key_.isr) put_isr(isr);
    if (key_.leader != kNoBroker && of(key_.leader).is_up) return;
    const BrokerId before = std::exchange(key_.leader, kNoBroker);
    const std::vector<BrokerId>& eligible = key_.isr.empty() ? key_.elr : key_.isr;
    for (const BrokerId id : eligible) {
      const Broker& candidate = of(id);
      if (!candidate.is_up) continue;
      const auto has = [](const Broker& b) { return std::pair(b.last_epoch(), b.log.size()); };
      if (key_.leader == kNoBroker || has(candidate) > has(of(key_.leader))) key_.leader = id;
    }
    if (key_.leader != kNoBroker) {
      ++elections;
      key_.leader_epoch = LeaderEpoch{key_.leader_epoch.value() + 1};
      if (!std::ranges::count(key_.isr, key_.leader)) {
        std::erase(key_.elr, key_.leader);
        key_.isr.push_back(key_.leader);
      }
    }
    if (key_.leader != before) ++key_.partition_epoch;
  }

  // --- The judge ----------------------------------------------------------------------------------------------------

  /// Whatever is readable anywhere is what was committed there first.
  void judge(const Broker& broker) {
    if (!broker.is_up) return;
    const auto readable = static_cast<std::size_t>(broker.replica->high_watermark().value());
    for (std::size_t i = 0; i < readable; ++i) {
      if (i < committed_.size() && committed_[i] != broker.log[i])
        problem_ = "broker " + std::to_string(broker.id.value()) + " shows another record at " + std::to_string(i);
      if (i == committed_.size()) committed_.push_back(broker.log[i]);
    }
    if (broker.leads() && broker.replica->knows_end() && is_current(broker) && readable < committed_.size())
      problem_ = "the leader tells an end that leaves out what was committed";
    judge_members();
  }
  [[nodiscard]] bool is_current(const Broker& broker) const {
    return key_.leader == broker.id && key_.leader_epoch == broker.replica->leader_epoch();
  }
  /// Whoever may be elected has all that was committed, where its class lets nothing be lost; dead or alive.
  void judge_members() {
    for (const std::vector<BrokerId>& members : {key_.isr, key_.elr})
      for (const BrokerId id : members) {
        const Broker& member = of(id);
        const std::size_t kept = flush_class_ == FlushClass::ack ? member.synced : member.log.size();
        if (kept < committed_.size() || !std::equal(committed_.begin(), committed_.end(), member.log.begin()))
          problem_ = "broker " + std::to_string(id.value()) + " may be elected and lacks what was committed";
      }
  }

  std::minstd_rand random_;
  FlushClass flush_class_;
  std::size_t stops_one_in_;  ///< chances, drawn for each life
  std::size_t starts_one_in_;
  Instant now_;
  std::array<Broker, kBrokers> brokers_;
  cluster::Partition key_;
  std::vector<Proposal> proposals_;
  std::vector<Record> committed_;
  std::string problem_;
  int values_ = 0;
};

class ClusterLife : public testing::TestWithParam<FlushClass> {};

TEST_P(ClusterLife, WhatWasCommittedIsReadByEverybodyEverAfter) {
  std::size_t committed = 0;
  int elections = 0, joins = 0, cuts = 0;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ReplicasLife life(seed, GetParam());
    for (int step = 0; step < 1000 && life.problem().empty(); ++step) life.step();
    ASSERT_EQ(life.problem(), "");
    life.heal();
    ASSERT_EQ(life.problem(), "");
    if (HasFatalFailure()) return;
    committed += life.committed().size();
    elections += life.elections;
    joins += life.joins;
    cuts += life.cuts;
  }
  // The lives are worth something.
  EXPECT_GT(committed, 1500U);
  EXPECT_GT(elections, 300);
  EXPECT_GT(joins, 300);
  EXPECT_GT(cuts, 100);
}

INSTANTIATE_TEST_SUITE_P(Replica, ClusterLife, testing::Values(FlushClass::async, FlushClass::ack),
                         [](const auto& param) { return param.param == FlushClass::ack ? "ack" : "async"; });

}  // namespace
}  // namespace mq::replication
