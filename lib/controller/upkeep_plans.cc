#include "controller/upkeep_plans.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/mark.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Op;
using cluster::PartitionPlace;

/// No log comes so far. An epoch beyond it is rot: no CRC covers a batch's epoch.
constexpr LeaderEpoch kLeaderEpochsEnd{1 << 30};

Plan plan_of(Packer packer) { return {.transactions = std::move(packer).take(), .guard = std::nullopt}; }

}  // namespace

Plan plan_raised_epochs(const ClusterImage& image, std::span<const UncertainLog> logs) {
  std::map<PartitionPlace, LeaderEpoch> latest;
  for (const UncertainLog& log : logs) {
    const LeaderEpoch believed = log.latest_epoch < kLeaderEpochsEnd ? log.latest_epoch : kNoLeaderEpoch;
    LeaderEpoch& known = latest.try_emplace({log.topic_id, log.partition}, kNoLeaderEpoch).first->second;
    known = std::max(known, believed);
  }
  Packer packer;
  for (const auto& [place, epoch] : latest) {
    const cluster::Topic* topic = image.find_topic(place.topic);
    const cluster::Partition* known = topic ? topic->find_partition(place.index) : nullptr;
    if (known == nullptr) continue;
    MQ_MARK("controller: a leader epoch is raised");
    cluster::Partition raised = *known;
    raised.leader_epoch = LeaderEpoch{std::max(known->leader_epoch, epoch).value() + 1};
    ++raised.partition_epoch;
    packer.add({.compares = {as_known(cluster::partition_key(place.topic, place.index), known->revision)},
                .ops = {cluster::put_partition(place.topic, place.index, raised)}});
  }
  return plan_of(std::move(packer));
}

Plan plan_acknowledgement(const ClusterImage& image, std::span<const Uuid> deleted, BrokerId self) {
  Packer packer;
  for (const Uuid& id : std::set<Uuid>(deleted.begin(), deleted.end())) {
    const cluster::Tombstone* known = image.tombstones().find(id);
    if (known == nullptr) continue;
    const std::string key = cluster::tombstone_key(id);
    cluster::Tombstone next = *known;
    std::erase(next.waiting, self);
    if (!next.waiting.empty()) {
      if (next.waiting != known->waiting)
        packer.add({.compares = {as_known(key, known->revision)}, .ops = {cluster::put_tombstone(id, next)}});
      continue;
    }
    const auto& loose = image.loose_partitions();
    for (auto at = loose.lower_bound(PartitionPlace{id, 0}); at != loose.end() && at->first.topic == id; ++at)
      packer.add({.compares = {}, .ops = {Op::erase(cluster::partition_key(id, at->first.index))}});
    MQ_MARK("controller: nothing is left of a deleted topic");
    packer.add({.compares = {as_known(key, known->revision)}, .ops = {Op::erase(key)}});
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
