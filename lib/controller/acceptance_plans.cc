#include "controller/acceptance_plans.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/mark.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/membership.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::BrokerEpoch;
using cluster::ClusterImage;
using cluster::Compare;
using cluster::Op;
using cluster::Partition;
using cluster::PartitionPlace;

/// What those who hold have of one partition.
struct Held {
  LeaderEpoch latest = kNoLeaderEpoch;
  Brokers brokers;
  std::int32_t partition_epoch = -1;
  Brokers latest_brokers;  ///< of these, those who know the latest epoch
};

class AcceptancePlanner {
 public:
  AcceptancePlanner(const ClusterImage& image, const AcceptanceWish& wish) : image_(image), wish_(wish) {
    for (const Holdings& broker : wish.asked) {
      (broker.is_holding ? holding_ : following_).push_back(broker.broker);
      if (!broker.is_holding) continue;
      for (const Holdings::Log& log : broker.logs) {
        Held& held = held_[{.topic = log.topic_id, .index = log.partition}];
        if (log.epoch > held.latest) held.latest_brokers.clear();
        held.latest = std::max(held.latest, log.epoch);
        held.partition_epoch = std::max(held.partition_epoch, log.partition_epoch);
        add(held.brokers, broker.broker);
        if (log.epoch == held.latest) add(held.latest_brokers, broker.broker);
      }
    }
  }

  PlannedAcceptance plan() && {
    if (refuses()) return std::move(planned_);
    find_differences();
    begin();
    for (const Holdings& broker : wish_.asked)
      if (broker.is_holding) know(broker);
    pass_over_producer_ids();
    for (const cluster::TopicPtr& topic : image_.topics())
      for (std::int32_t index = 0; index < topic->partition_count(); ++index)
        raise({.topic = topic->id, .index = index}, *topic->find_partition(index));
    finish();
    return std::move(planned_);
  }

 private:
  /// Whoever names a log twice has it once.
  static void add(Brokers& brokers, BrokerId id) {
    if (!is_among(brokers, id)) brokers.push_back(id);
  }

  bool refuses() {
    const auto refuse = [this](std::string why) {
      planned_.refusal = {.error = ErrorCode::kInvalidRequest, .message = std::move(why)};
      return true;
    };
    std::set<BrokerId> asked;
    for (const Holdings& broker : wish_.asked) {
      const bool is_known =
          broker.broker != kNoBroker && !broker.directory.is_zero() && (!broker.is_holding || !broker.nonce.is_zero());
      if (!is_known || !asked.insert(broker.broker).second)
        return refuse("each broker that was asked is to be named once, with its directory and incarnation");
      for (const Holdings::Log& log : broker.logs)
        if (log.partition < 0 || log.partition >= cluster::kPartitionsPerTopicMax ||
            log.partition_epoch == std::numeric_limits<std::int32_t>::max())
          return refuse(fmt::format("broker {} names a partition that there cannot be", broker.broker.value()));
    }
    if (holding_.empty()) return refuse("every broker that was asked follows the store: there is nothing to accept");
    for (const auto& [id, broker] : image_.brokers())
      if (!asked.contains(id) && !is_among(wish_.left_out, id) && broker.has_session()) planned_.unasked.push_back(id);
    if (planned_.unasked.empty()) return false;
    std::vector<std::int32_t> ids;
    for (const BrokerId id : planned_.unasked) ids.push_back(id.value());
    return refuse(fmt::format("not asked for what they have: {} {}; start them, or leave them out knowingly",
                              ids.size() == 1 ? "broker" : "brokers", fmt::join(ids, ", ")));
  }

  /// Topics that the store does not know, and those that it alone knows.
  void find_differences() {
    std::map<Uuid, PlannedAcceptance::Difference> unknown;
    std::set<PartitionPlace> counted;
    for (const Holdings& broker : wish_.asked) {
      for (const Holdings::Log& log : broker.logs) {
        const PartitionPlace place{.topic = log.topic_id, .index = log.partition};
        const cluster::Topic* topic = image_.find_topic(log.topic_id);
        if (topic != nullptr && topic->find_partition(log.partition) != nullptr) continue;
        if (image_.may_be_withheld(log.topic_id) || image_.tombstones().contains(log.topic_id)) continue;
        auto& difference = unknown.try_emplace(log.topic_id).first->second;
        difference.topic = log.topic;
        difference.id = log.topic_id;
        if (counted.insert(place).second) ++difference.partitions;
      }
    }
    for (auto& [id, difference] : unknown) planned_.differences.push_back(std::move(difference));
    if (!following_.empty()) return;  // those have logs, which they do not name
    for (const cluster::TopicPtr& topic : image_.topics()) {
      PlannedAcceptance::Difference difference{
          .topic = topic->name, .id = topic->id, .partitions = 0, .is_known = true};
      for (std::int32_t index = 0; index < topic->partition_count(); ++index)
        if (!held_.contains({.topic = topic->id, .index = index})) ++difference.partitions;
      if (difference.partitions > 0) planned_.differences.push_back(std::move(difference));
    }
  }

  void begin() {
    const std::string key = cluster::accepted_key();
    cluster::Revision known;
    if (image_.acceptance()) known = image_.acceptance()->revision;
    if (const cluster::Defect* defect = image_.defects().find(key)) known = defect->revision;
    planned_.plan.transactions.push_back(
        {.compares = {as_known(key, known)}, .ops = {cluster::put_acceptance(acceptance(false))}, .write_id = {}});
    planned_.plan.guard = key;
  }

  void finish() {
    std::ranges::move(std::move(packer_).take(), std::back_inserter(planned_.plan.transactions));
    planned_.plan.transactions.push_back(
        {.compares = {}, .ops = {cluster::put_acceptance(acceptance(true))}, .write_id = {}});
  }

  [[nodiscard]] cluster::Acceptance acceptance(bool is_complete) const {
    cluster::Acceptance next{.id = wish_.id, .is_complete = is_complete, .is_in_use = !following_.empty()};
    for (const Holdings& broker : wish_.asked)
      if (broker.is_holding) next.directories.push_back(broker.directory);
    return next;
  }

  /// The store has the broker as it is: its next registration is above all that it had.
  void know(const Holdings& said) {
    if (image_.unregistered().contains(said.broker)) return;  // it is not let in, and its start says so
    const std::string key = cluster::broker_key(said.broker);
    const cluster::Broker* known = image_.find_broker(said.broker);
    cluster::Broker broker = known != nullptr ? *known : cluster::Broker{.id = said.broker};
    broker.directory = said.directory;
    broker.nonce = said.nonce;
    broker.epoch = BrokerEpoch{std::max(broker.epoch, said.broker_epoch).value() + kEpochsPassedOver};
    broker.state = cluster::BrokerState::starting;
    cluster::Revision revision = known != nullptr ? known->revision : cluster::kNoRevision;
    if (const cluster::Defect* defect = image_.defects().find(key)) revision = defect->revision;
    Group group{.compares = {as_known(key, revision)}, .ops = {cluster::put_broker(broker)}};
    // What stands of an earlier session is of a time that is over.
    if (const cluster::Session* session = image_.sessions().find(said.broker)) {
      group.compares.push_back(as_known(cluster::alive_key(said.broker), session->revision));
      group.ops.push_back(Op::erase(cluster::alive_key(said.broker)));
    }
    if (const auto& controller = image_.controller(); controller && controller->broker == said.broker) {
      group.compares.push_back(as_known(cluster::controller_key(), controller->revision));
      group.ops.push_back(Op::erase(cluster::controller_key()));
    }
    packer_.add(std::move(group));
  }

  void pass_over_producer_ids() {
    std::int64_t next = image_.producer_ids().next;
    for (const Holdings& broker : wish_.asked) next = std::max(next, broker.producer_ids_end);
    if (next > std::numeric_limits<std::int64_t>::max() - kProducerIdsPassedOver)
      return;  // nobody is given one any more
    const std::string key = cluster::producer_ids_key();
    cluster::Revision revision = image_.producer_ids().revision;
    if (const cluster::Defect* defect = image_.defects().find(key)) revision = defect->revision;
    packer_.add(
        {.compares = {as_known(key, revision)}, .ops = {cluster::put_producer_ids(next + kProducerIdsPassedOver)}});
  }

  void raise(const PartitionPlace& place, const Partition& known) {
    const auto held = held_.find(place);
    if (held == held_.end()) return;
    Partition next = known;
    const Brokers others = without(known.isr, holding_);
    if (!following_.empty() && !others.empty()) {
      next.isr = others;
      next.elr = without(known.elr, holding_);
      if (is_among(holding_, known.leader)) next.leader = kNoBroker;
      if (next == known) return;
    } else {
      set_open(next, held->second);
    }
    MQ_MARK("controller: a partition is accepted as a store has it");
    next.leader_epoch = LeaderEpoch{epoch_after(known.leader_epoch, held->second.latest).value() + kEpochsPassedOver};
    next.partition_epoch = std::max(known.partition_epoch, held->second.partition_epoch) + 1;
    ++planned_.raised;
    packer_.add({.compares = {as_known(cluster::partition_key(place.topic, place.index), known.revision)},
                 .ops = {cluster::put_partition(place.topic, place.index, next)}});
  }

  /// Nobody leads, and the greatest log of these shall.
  static void set_open(Partition& next, const Held& held) {
    // It may have been moved since, and what was acknowledged with it.
    const Brokers& latest = held.latest_brokers;
    if (std::ranges::none_of(latest, [&](BrokerId id) { return next.has_replica(id); }))
      next.replicas.insert(next.replicas.end(), latest.begin(), latest.end());
    next.leader = kNoBroker;
    next.isr.clear();
    next.elr.clear();
    next.last_in_sync.clear();
    for (const BrokerId id : next.replicas)
      if (is_among(held.brokers, id)) next.last_in_sync.push_back(id);
  }

  const ClusterImage& image_;
  const AcceptanceWish& wish_;
  Brokers holding_;
  Brokers following_;
  std::map<PartitionPlace, Held> held_;
  Packer packer_{1};  // each compares the guard
  PlannedAcceptance planned_;
};

}  // namespace

PlannedAcceptance plan_acceptance(const ClusterImage& image, const AcceptanceWish& wish) {
  return AcceptancePlanner(image, wish).plan();
}

}  // namespace mq::controller
