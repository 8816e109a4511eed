#include "controller/reassignment_plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "cluster/value_parts.h"
#include "cluster/values.h"
#include "controller/packer.h"
#include "controller/placement.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Partition;
using cluster::PartitionPlace;

Brokers in_common(const Brokers& some, const Brokers& others) {
  Brokers common;
  std::ranges::copy_if(some, std::back_inserter(common), [&](BrokerId id) { return is_among(others, id); });
  return common;
}

/// Takes `leaving` out of the replicas and whatever they are in. The leader epoch grows, so that no fetch of theirs
/// counts if they should come back (I-10). Who is in sync and ready leads, when the leader leaves; else the controller
/// elects.
void take_out(Partition& next, const ClusterImage& image, const Brokers& leaving, const TopicSettings& settings) {
  if (leaving.empty()) return;
  next.replicas = without(std::move(next.replicas), leaving);
  next.adding = without(std::move(next.adding), leaving);
  next.removing = without(std::move(next.removing), leaving);
  next.elr = without(std::move(next.elr), leaving);
  next.last_in_sync = without(std::move(next.last_in_sync), leaving);
  set_isr(next, without(next.isr, leaving), settings.insync_replicas_min, leaving);
  if (!is_mutant("noremovalepoch")) next.leader_epoch = epoch_after(next.leader_epoch, kNoLeaderEpoch);
  if (!is_among(leaving, next.leader)) return;
  next.leader = kNoBroker;
  Brokers able = in_common(next.replicas, next.isr);
  std::erase_if(able, [&](BrokerId id) { return !image.is_ready(id); });
  if (able.empty()) return;
  next.leader = undrained_if_any(image, std::move(able)).front();
  next.leader_broker_epoch = image.find_broker(next.leader)->epoch;
}

/// Whether somebody who is in sync can lead once `leaving` are out.
bool can_do_without(const ClusterImage& image, const Partition& partition, const Brokers& leaving) {
  if (leaving.empty()) return true;
  const Brokers staying = without(partition.isr, leaving);
  return std::ranges::any_of(staying, [&](BrokerId id) { return image.is_ready(id); });
}

/// Puts `next`, compared with what it rests on.
Group changed(const ClusterImage& image, const PartitionPlace& place, const Partition& known, Partition next,
              const Brokers& named) {
  ++next.partition_epoch;
  std::set<BrokerId> brokers(named.begin(), named.end());
  if (next.leader != known.leader && next.leader != kNoBroker) brokers.insert(next.leader);
  Group group{.compares = as_seen(image, brokers), .ops = {cluster::put_partition(place.topic, place.index, next)}};
  group.compares.push_back(as_known(group.ops.front().key, known.revision));
  return group;
}

AskedPlan granted_change(Group group) {
  AskedPlan planned;
  planned.plan.transactions.push_back(
      {.compares = std::move(group.compares), .ops = std::move(group.ops), .write_id = {}});
  return planned;
}

std::optional<std::string> target_problem(const ClusterImage& image, const Brokers& target) {
  if (target.empty()) return "a partition has to be on a broker";
  if (target.size() > Placement::kBrokersMax) return "more replicas than a partition may have";
  if (std::set(target.begin(), target.end()).size() != target.size()) return "a broker is named twice";
  for (const BrokerId id : target)
    if (image.find_broker(id) == nullptr) return fmt::format("there is no broker {}", id.value());
  return std::nullopt;
}

/// The partition with its way to `target` begun.
Partition begun(const ClusterImage& image, const Partition& known, const Brokers& target,
                const TopicSettings& settings) {
  Partition next = known;
  // Who was on the way and is not wanted any more goes at once.
  take_out(next, image, without(next.adding, target), settings);
  const Brokers settled = without(next.replicas, next.adding);
  next.adding = without(target, settled);
  next.removing = without(settled, target);
  next.replicas = target;
  for (const BrokerId id : next.removing) next.replicas.push_back(id);
  return next;
}

bool is_moving(const Partition& partition) { return !partition.adding.empty() || !partition.removing.empty(); }

/// With those that are added for settled ones, and without those that go.
Partition finished(const ClusterImage& image, const Partition& known, const TopicSettings& settings) {
  Partition next = known;
  next.adding.clear();
  const Brokers leaving = std::exchange(next.removing, {});
  take_out(next, image, leaving, settings);
  return next;
}

}  // namespace

AskedPlan plan_reassignment(const ClusterImage& image, const PartitionPlace& place, const Brokers& target,
                            const SettingsOf& settings_of) {
  const cluster::Topic* topic = image.find_topic(place.topic);
  const Partition* known = topic ? topic->find_partition(place.index) : nullptr;
  if (known == nullptr) return AskedPlan::refused(ErrorCode::kUnknownTopicOrPartition, "there is no such partition");
  if (auto problem = target_problem(image, target))
    return AskedPlan::refused(ErrorCode::kInvalidReplicaAssignment, *std::move(problem));
  const TopicSettings settings = settings_of(*topic);
  if (!can_do_without(image, *known, without(known->adding, target)))
    return AskedPlan::refused(ErrorCode::kInvalidReplicaAssignment, "nobody that is in sync would be left");
  Partition next = begun(image, *known, target, settings);
  if (next.adding.empty() && can_finish(image, next, settings)) next = finished(image, next, settings);
  if (next == *known) return {};
  return granted_change(changed(image, place, *known, next, next.adding));
}

Plan plan_own_factor(const ClusterImage& image, const Uuid& topic) {
  const cluster::Topic* known = image.find_topic(topic);
  if (known == nullptr || !known->has_default_factor) return {};
  cluster::Topic next = *known;
  next.has_default_factor = false;
  Plan plan;
  plan.transactions.push_back({.compares = {as_known(cluster::topic_key(known->name), known->revision)},
                               .ops = {cluster::put_topic(next)},
                               .write_id = {}});
  return plan;
}

AskedPlan plan_cancellation(const ClusterImage& image, const PartitionPlace& place, const SettingsOf& settings_of) {
  const cluster::Topic* topic = image.find_topic(place.topic);
  const Partition* known = topic ? topic->find_partition(place.index) : nullptr;
  if (known == nullptr) return AskedPlan::refused(ErrorCode::kUnknownTopicOrPartition, "there is no such partition");
  if (!is_moving(*known)) return AskedPlan::refused(ErrorCode::kNoReassignmentInProgress, "no replica is on its way");
  if (!can_do_without(image, *known, known->adding))
    return AskedPlan::refused(ErrorCode::kInvalidReplicaAssignment, "none of the replicas of before is in sync");
  Partition next = *known;
  take_out(next, image, known->adding, settings_of(*topic));
  next.removing.clear();
  return granted_change(changed(image, place, *known, std::move(next), {}));
}

bool can_finish(const ClusterImage& image, const Partition& partition, const TopicSettings& settings) {
  if (!is_moving(partition) || in_common(partition.adding, partition.isr).size() != partition.adding.size())
    return false;
  if (!can_do_without(image, partition, partition.removing)) return false;
  // Producers are not refused for it.
  const std::size_t staying = without(partition.isr, partition.removing).size();
  const std::size_t replicas = partition.replicas.size() - partition.removing.size();
  return staying >= std::min(settings.insync_replicas_min, replicas);
}

Plan plan_finished(const ClusterImage& image, cluster::Revision lease, std::span<const PartitionPlace> places,
                   const SettingsOf& settings_of) {
  Packer packer;
  for (const PartitionPlace& place : places) {
    const cluster::Topic* topic = image.find_topic(place.topic);
    const Partition* known = topic ? topic->find_partition(place.index) : nullptr;
    if (known == nullptr) continue;
    const TopicSettings settings = settings_of(*topic);
    if (!can_finish(image, *known, settings)) continue;
    Group group = changed(image, place, *known, finished(image, *known, settings), {});
    group.compares.push_back(cluster::Compare::modified_at(cluster::controller_key(), lease));
    packer.add(std::move(group));
  }
  return {.transactions = std::move(packer).take(), .guard = std::nullopt};
}

Plan plan_factor_growth(const ClusterImage& image, cluster::Revision lease, std::size_t factor,
                        std::size_t partitions_max) {
  Packer packer;
  std::size_t planned = 0;
  for (const bool internal : {true, false}) {
    for (const cluster::TopicPtr& topic : image.topics()) {
      // Who asked for so many replicas gets no more (I-15).
      const bool may_grow = topic->has_default_factor || is_mutant("factorforgot");
      if (!may_grow || is_internal_topic(topic->name) != internal) continue;
      const Placement placement(image, topic->id);
      const std::size_t wanted = std::min(factor, placement.broker_count());
      for (std::int32_t index = 0; index < topic->partition_count() && planned < partitions_max; ++index) {
        const Partition& known = *topic->find_partition(index);
        if (known.replicas.size() >= wanted || is_moving(known)) continue;
        Partition next = known;
        placement.add_to(next.replicas, index, wanted);
        next.adding.assign(next.replicas.begin() + static_cast<std::ptrdiff_t>(known.replicas.size()),
                           next.replicas.end());
        Group group = changed(image, {.topic = topic->id, .index = index}, known, next, next.adding);
        group.compares.push_back(cluster::Compare::modified_at(cluster::controller_key(), lease));
        packer.add(std::move(group));
        ++planned;
      }
    }
  }
  return {.transactions = std::move(packer).take(), .guard = std::nullopt};
}

}  // namespace mq::controller
