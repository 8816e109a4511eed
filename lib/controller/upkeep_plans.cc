#include "controller/upkeep_plans.h"

#include <algorithm>
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

using cluster::ClusterImage;
using cluster::Op;
using cluster::PartitionPlace;

Plan plan_of(Packer packer) { return {.transactions = std::move(packer).take(), .guard = std::nullopt}; }

}  // namespace

Plan plan_raised_epochs(const ClusterImage& image, std::span<const UncertainLog> logs) {
  std::map<PartitionPlace, LeaderEpoch> next;
  for (const UncertainLog& log : logs) {
    LeaderEpoch& epoch = next.try_emplace({log.topic_id, log.partition}, kNoLeaderEpoch).first->second;
    epoch = std::max(epoch, epoch_after(kNoLeaderEpoch, log.latest_epoch));
  }
  Packer packer;
  for (const auto& [place, epoch] : next) {
    const cluster::Topic* topic = image.find_topic(place.topic);
    const cluster::Partition* known = topic ? topic->find_partition(place.index) : nullptr;
    if (known == nullptr) continue;
    MQ_MARK("controller: a leader epoch is raised");
    cluster::Partition raised = *known;
    raised.leader_epoch = std::max(epoch_after(known->leader_epoch, kNoLeaderEpoch), epoch);
    ++raised.partition_epoch;
    packer.add({.compares = {as_known(cluster::partition_key(place.topic, place.index), known->revision)},
                .ops = {cluster::put_partition(place.topic, place.index, raised)}});
  }
  return plan_of(std::move(packer));
}

namespace {

/// Erases what is left of a deleted topic and last its tombstone, or waits for fewer.
void acknowledge(Packer& packer, const ClusterImage& image, const Uuid& id, std::span<const BrokerId> by,
                 std::vector<cluster::Compare> compares) {
  const cluster::Tombstone& known = image.tombstones().at(id);
  const std::string key = cluster::tombstone_key(id);
  cluster::Tombstone next = known;
  std::erase_if(next.waiting, [&](BrokerId one) { return std::ranges::find(by, one) != by.end(); });
  compares.push_back(as_known(key, known.revision));
  if (!next.waiting.empty()) {
    if (next.waiting != known.waiting)
      packer.add({.compares = std::move(compares), .ops = {cluster::put_tombstone(id, next)}});
    return;
  }
  const auto& loose = image.loose_partitions();
  for (auto at = loose.lower_bound(PartitionPlace{id, 0}); at != loose.end() && at->first.topic == id; ++at)
    packer.add({.compares = {}, .ops = {Op::erase(cluster::partition_key(id, at->first.index))}});
  MQ_MARK("controller: nothing is left of a deleted topic");
  packer.add({.compares = std::move(compares), .ops = {Op::erase(key)}});
}

}  // namespace

Plan plan_acknowledgement(const ClusterImage& image, std::span<const Uuid> deleted, BrokerId self) {
  Packer packer;
  for (const Uuid& id : std::set<Uuid>(deleted.begin(), deleted.end()))
    if (image.tombstones().contains(id)) acknowledge(packer, image, id, std::span(&self, 1), {});
  return plan_of(std::move(packer));
}

Plan plan_acknowledgement_of_unregistered(const ClusterImage& image) {
  Packer packer;
  for (const auto& [id, tombstone] : image.tombstones()) {
    std::vector<BrokerId> unregistered;
    std::vector<cluster::Compare> compares;
    for (const BrokerId broker : tombstone.waiting) {
      const std::string key = cluster::broker_key(broker);
      if (image.find_broker(broker) != nullptr || image.defects().contains(key)) continue;
      unregistered.push_back(broker);
      compares.push_back(cluster::Compare::absent(key));
    }
    if (!unregistered.empty()) acknowledge(packer, image, id, unregistered, std::move(compares));
  }
  return plan_of(std::move(packer));
}

std::vector<Uuid> abandoned_creations(const ClusterImage& image) {
  std::vector<Uuid> abandoned;
  for (const auto& [id, creation] : image.creations()) {
    const bool is_maker_there =
        image.is_alive(creation.maker) && image.find_broker(creation.maker)->epoch == creation.maker_epoch;
    if (!is_maker_there) abandoned.push_back(id);
  }
  return abandoned;
}

Plan plan_sweep(const ClusterImage& image, std::span<const Uuid> abandoned) {
  Packer packer;
  std::set<Uuid> ended;
  for (const Uuid& id : abandoned) {
    const cluster::Creation* creation = image.creations().find(id);
    if (creation == nullptr || !ended.insert(id).second) continue;
    const std::string key = cluster::creating_key(id);
    packer.add({.compares = {as_known(key, creation->revision)}, .ops = {Op::erase(key)}});
  }
  // In transactions of their own: what follows compares that the creations are gone.
  std::vector<cluster::Transaction> transactions = std::move(packer).take();
  Packer orphans;
  for (const auto& [place, partition] : image.loose_partitions()) {
    const Uuid& id = place.topic;
    if (image.creations().contains(id) && !ended.contains(id)) continue;
    if (!image.tombstones().contains(id) && image.find_topic(id) == nullptr && image.may_be_withheld(id)) continue;
    const std::string key = cluster::partition_key(id, place.index);
    orphans.add({.compares = {cluster::Compare::absent(cluster::creating_key(id)), as_known(key, partition->revision)},
                 .ops = {Op::erase(key)}});
  }
  std::ranges::move(std::move(orphans).take(), std::back_inserter(transactions));
  return {.transactions = std::move(transactions), .guard = std::nullopt};
}

}  // namespace mq::controller
