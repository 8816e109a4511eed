#include "controller/isr_plans.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Partition;
using cluster::PartitionPlace;

/// Of changes that have conflicted once. What made one of them conflict does so for few others then.
constexpr std::size_t kCautiousBatch = 8;

const Partition* partition_at(const ClusterImage& image, const PartitionPlace& place) {
  const cluster::Topic* topic = image.find_topic(place.topic);
  return topic ? topic->find_partition(place.index) : nullptr;
}

bool may_be_added(const ClusterImage& image, const IsrChange::Member& member) {
  if (is_mutant("brokerepoch")) return image.find_broker(member.id) != nullptr;
  return image.is_ready(member.id) && image.find_broker(member.id)->epoch == member.broker_epoch;
}

std::set<BrokerId> compared_with(const Partition& known, const Partition& next, BrokerId self) {
  std::set<BrokerId> brokers;
  if (!is_mutant("deadleader")) brokers.insert(self);
  for (const BrokerId id : next.isr)
    if (!is_among(known.isr, id) && !is_mutant("brokerepoch")) brokers.insert(id);
  return brokers;
}

/// What the change makes of the key, without who cannot be added; nothing when that is nothing new.
std::optional<Partition> changed_isr(const ClusterImage& image, const Partition& known, const IsrChange& change,
                                     std::size_t insync_replicas_min) {
  Brokers isr;
  for (const IsrChange::Member& member : change.isr) {
    if (!known.has_replica(member.id)) continue;
    if (is_among(known.isr, member.id) || may_be_added(image, member)) isr.push_back(member.id);
  }
  Partition next = known;
  set_isr(next, std::move(isr), insync_replicas_min, change.lost);
  next.last_in_sync.clear();  // somebody leads, and may have committed what they lack
  ++next.partition_epoch;
  const bool is_new = std::set(next.isr.begin(), next.isr.end()) != std::set(known.isr.begin(), known.isr.end()) ||
                      next.elr != known.elr;
  return is_new ? std::optional(std::move(next)) : std::nullopt;
}

std::size_t batch_max(int conflicts) {
  if (conflicts == 0 || is_mutant("batchagain")) return cluster::kTransactionKeysMax;
  return conflicts == 1 ? kCautiousBatch : 1;
}

}  // namespace

IsrPlan plan_isr_changes(const ClusterImage& image, BrokerId self, std::span<const IsrChange> changes,
                         const SettingsOf& settings_of) {
  IsrPlan plan;
  struct Planned {
    std::size_t change;
    Group group;
  };
  std::map<std::size_t, std::vector<Planned>> by_batch_max;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const IsrChange& change = changes[i];
    const Partition* known = partition_at(image, change.place);
    const bool leads = known != nullptr && known->leader == self && has_leader(image, *known);
    if (!leads || (known->partition_epoch != change.partition_epoch && !is_mutant("isrblind"))) {
      plan.outdated.push_back(i);
      continue;
    }
    MQ_ASSERT(!change.isr.empty() && change.isr.front().id == self);
    const std::size_t least = settings_of(*image.find_topic(change.place.topic)).insync_replicas_min;
    const std::optional<Partition> next = changed_isr(image, *known, change, least);
    if (!next) {
      plan.refused.push_back(i);
      continue;
    }
    Group group{.compares = as_seen(image, compared_with(*known, *next, self)),
                .ops = {cluster::put_partition(change.place.topic, change.place.index, *next)}};
    if (!is_mutant("isrblind")) group.compares.push_back(as_known(group.ops.front().key, known->revision));
    by_batch_max[batch_max(change.conflicts)].push_back({.change = i, .group = std::move(group)});
  }
  for (auto& [most, planned] : by_batch_max) {
    for (std::size_t first = 0; first < planned.size();) {
      Packer packer;
      std::vector<std::vector<std::size_t>> packed;
      for (const std::size_t end = std::min(planned.size(), first + most); first < end; ++first) {
        const std::size_t transaction = packer.add(std::move(planned[first].group));
        packed.resize(transaction + 1);
        packed[transaction].push_back(planned[first].change);
      }
      std::vector<cluster::Transaction> transactions = std::move(packer).take();
      for (std::size_t i = 0; i < transactions.size(); ++i)
        plan.batches.push_back({.transaction = std::move(transactions[i]), .changes = std::move(packed[i])});
    }
  }
  return plan;
}

namespace {

/// What becomes of the key when `self`, which starts, may have lost something of its log; nothing when it is done.
std::optional<Partition> stepped_out(const ClusterImage& image, const Partition& known, const cluster::Broker& self,
                                     LeaderEpoch latest, std::size_t insync_replicas_min) {
  Partition next = known;
  next.leader_epoch = epoch_after(known.leader_epoch, latest);
  ++next.partition_epoch;
  if (known.replicas == Brokers{self.id} && !is_mutant("onlyleaves")) {
    // Nobody else has its records. An election begins a new epoch anyway, but above the log's only if that is known.
    const bool leads_anew = known.leader == self.id && known.leader_broker_epoch == self.epoch;
    const bool is_above = known.leader_epoch >= epoch_after(kNoLeaderEpoch, latest);
    if (leads_anew || (known.leader == kNoBroker && is_above)) return std::nullopt;
    next.leader_broker_epoch = self.epoch;
    return next;
  }
  if (!is_among(known.isr, self.id) && !is_among(known.elr, self.id)) return std::nullopt;
  if (is_mutant("laststanding")) return std::nullopt;
  const bool is_led = known.leader != self.id && has_leader(image, known);
  set_isr(next, without(known.isr, {self.id}), insync_replicas_min, {self.id});
  if (known.leader == self.id) next.leader = kNoBroker;
  // A leader may commit more without it, and then it is not one of those that were in sync last.
  if (!is_led) next.last_in_sync.push_back(self.id);
  return next;
}

}  // namespace

Plan plan_stepping_out(const ClusterImage& image, BrokerId self, std::span<const UncertainLog> logs,
                       const SettingsOf& settings_of) {
  const cluster::Broker* broker = image.find_broker(self);
  MQ_ASSERT(broker != nullptr);
  std::map<PartitionPlace, LeaderEpoch> latest;
  for (const UncertainLog& log : logs) {
    LeaderEpoch& epoch = latest.try_emplace({log.topic_id, log.partition}, kNoLeaderEpoch).first->second;
    epoch = std::max(epoch, log.latest_epoch);
  }
  Packer packer;
  for (const auto& [place, epoch] : latest) {
    const Partition* known = partition_at(image, place);
    if (known == nullptr) continue;
    const std::size_t least = settings_of(*image.find_topic(place.topic)).insync_replicas_min;
    const std::optional<Partition> next = stepped_out(image, *known, *broker, epoch, least);
    if (!next) continue;
    Group group{.compares = as_seen(image, {self}), .ops = {cluster::put_partition(place.topic, place.index, *next)}};
    group.compares.push_back(as_known(group.ops.front().key, known->revision));
    packer.add(std::move(group));
  }
  return {.transactions = std::move(packer).take(), .guard = std::nullopt};
}

namespace {

/// What becomes of the key when all that `id` had is lost; nothing when that changes nothing.
std::optional<Partition> without_disk(const Partition& known, BrokerId id, std::size_t insync_replicas_min) {
  if (!counts_on(known, id) || is_mutant("diskcounts")) return std::nullopt;
  Partition next = known;
  next.leader_epoch = epoch_after(known.leader_epoch, kNoLeaderEpoch);
  ++next.partition_epoch;
  if (known.leader == id) next.leader = kNoBroker;
  if (known.replicas == Brokers{id}) return next;
  set_isr(next, without(known.isr, {id}), insync_replicas_min, {id});
  if (!is_mutant("disklast")) {
    next.last_in_sync = without(std::move(next.last_in_sync), {id});
  } else if (next.isr.empty() && next.elr.empty()) {
    next.last_in_sync = {id};
  }
  return next;
}

}  // namespace

Result<Plan> plan_lost_disk(const ClusterImage& image, BrokerId id, const Uuid& directory,
                            const SettingsOf& settings_of) {
  const std::string key = cluster::broker_key(id);
  if (const cluster::Defect* defect = image.defects().find(key)) return fail(Errc::corrupt, "{}", defect->message);
  const cluster::Broker* known = image.find_broker(id);
  if (known == nullptr && image.unregistered().contains(id))
    return fail(Errc::refused,
                "broker {} was unregistered, and its id is never given again: leave --disk-replaced and --node-id out",
                id.value());
  if (known == nullptr)
    return fail(Errc::refused, "there is no broker {} whose disk could have been replaced: leave --disk-replaced out",
                id.value());
  if (known->directory == directory) return Plan{};
  if (image.sessions().contains(id)) return fail(Errc::conflict, "a session of broker {} still stands", id.value());
  Packer packer;
  const auto give_up = [&](const PartitionPlace& place, const Partition& partition, std::size_t insync_replicas_min) {
    const std::optional<Partition> next = without_disk(partition, id, insync_replicas_min);
    if (!next) return;
    Group group{.compares = {as_known(key, known->revision), cluster::Compare::absent(cluster::alive_key(id))},
                .ops = {cluster::put_partition(place.topic, place.index, *next)}};
    group.compares.push_back(as_known(group.ops.front().key, partition.revision));
    packer.add(std::move(group));
  };
  for (const cluster::TopicPtr& topic : image.topics()) {
    const std::size_t least = settings_of(*topic).insync_replicas_min;
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      give_up({.topic = topic->id, .index = index}, *topic->find_partition(index), least);
  }
  // Of topics that cannot be read, which may be put right. Whoever was eligible there stays so.
  for (const auto& [place, partition] : image.loose_partitions())
    give_up(place, *partition, partition->replicas.size());
  return Plan{.transactions = std::move(packer).take(), .guard = std::nullopt};
}

}  // namespace mq::controller
