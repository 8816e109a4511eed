#include "sim/life/replica_witness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <ranges>

#include "broker/shard_broker.h"
#include "log/segment.h"
#include "log/segment_reader.h"

namespace mq::sim {
namespace {

/// Behind all that there are.
constexpr Offset kNoBatch{std::numeric_limits<std::int64_t>::max()};

using Batch = ReplicaWitness::Batch;

/// A replica of which the logs are compared.
struct Copy {
  BrokerId broker;
  Offset begin;
  Offset end;
  std::vector<Batch> batches;  ///< those that can be read
  std::string damage;          ///< why others cannot
  bool is_misdirected = false;
};

Copy copy_of(Broker& broker, const broker::Partition& partition) {
  const log::Log& log = partition.log();
  Copy copy{.broker = broker.config.node_id,
            .begin = log.log_start(),
            .end = partition.high_watermark(),
            .batches = {},
            .damage = {},
            .is_misdirected = broker.machine().disk().has_misdirected()};
  for (const log::SegmentInfo& segment : log.segments()) {
    const std::string path = log.directory() + "/" + log::segment_file_name(segment.base_offset, "log");
    const auto file = broker.machine().files().open(path, env::OpenMode::read);
    if (!file) continue;
    log::SegmentReader batches(**file, path, 0, segment.size_bytes, log::SegmentReader::Mode::wholes);
    while (true) {
      const auto batch = batches.next();
      if (batch && !*batch) break;
      if (!batch) copy.damage = batch.error().message;
      if (!batch && batches.resume(log.log_end()).value_or(false)) continue;
      if (!batch) break;
      const record::BatchHeader& header = (*batch)->header;
      copy.batches.push_back({header.base_offset, header.last_offset(), header.leader_epoch, header.crc});
    }
  }
  return copy;
}

/// Those that are whole in a range that both have.
std::vector<Batch> batches_within(const Copy& copy, Offset begin, Offset end) {
  std::vector<Batch> within;
  std::ranges::copy_if(copy.batches, std::back_inserter(within),
                       [&](const Batch& batch) { return batch.base >= begin && batch.last < end; });
  return within;
}

bool is_compacted(const cluster::Topic& topic) {
  const auto policy = topic.configs.find("cleanup.policy");
  return policy != topic.configs.end() && policy->second.contains("compact");
}

}  // namespace

ReplicaWitness::ReplicaWitness(Cluster& cluster) : cluster_(cluster) {
  // One alone has nobody to differ from.
  if (cluster.size() == 1) return;
  witness_ = cluster.world().scheduler().after_each_task([this] {
    for (int index = 0; index < cluster_.size(); ++index)
      if (cluster_.broker(index).is_made()) look_at(cluster_.broker(index).node());
  });
}

template <class... Args>
void ReplicaWitness::breach(fmt::format_string<Args...> text, Args&&... args) {
  breaches_.push_back(fmt::format(text, std::forward<Args>(args)...));
}

void ReplicaWitness::look_at(const broker::Node& node) {
  for (const auto& shard : node.shards()) {
    if (!shard->shard().is_current() || !shard->image() || shard->logs().table().are_logs_lent()) continue;
    const BrokerId self = node.config().node_id;
    shard->logs().table().for_each(
        [&](const broker::Partition& partition) { look_at(self, partition, *shard->image()); });
  }
}

void ReplicaWitness::look_at(BrokerId broker, const broker::Partition& partition, const cluster::ClusterImage& image) {
  const replication::Replica& replica = partition.replica();
  const Seen seen{.role = replica.role(),
                  .epoch = replica.leader_epoch(),
                  .high_watermark = replica.high_watermark(),
                  .synced = replica.ends().synced};
  Known& known = known_[{partition.topic_id(), partition.id().value()}];
  Seen& before = known.replicas[broker];
  if (seen == before) return;
  const bool has_grown =
      before.epoch == seen.epoch && before.role == seen.role && seen.high_watermark > before.high_watermark;
  before = seen;
  if (seen.role == replication::Role::leader) judge_leader(broker, partition, image, known, has_grown);
}

void ReplicaWitness::judge_leader(BrokerId broker, const broker::Partition& partition,
                                  const cluster::ClusterImage& image, Known& known, bool has_grown) {
  const LeaderEpoch epoch = partition.leader_epoch();
  const auto [leader, is_first] = known.leaders.try_emplace(epoch, broker);
  if (!is_first && leader->second != broker) {
    breach("V3: brokers {} and {} both led {} in leader epoch {}", leader->second.value(), broker.value(),
           partition.name().to_string(), epoch.value());
    leader->second = broker;
  }
  const cluster::Topic* const topic = image.find_topic(partition.topic_id());
  const cluster::Partition* const key = topic != nullptr ? topic->find_partition(partition.id().value()) : nullptr;
  if (key == nullptr || key->leader_epoch != epoch) return;
  judge_end(partition, *key, known);
  if (has_grown) judge_members(partition, *key, known);
}

void ReplicaWitness::judge_end(const broker::Partition& partition, const cluster::Partition& key, Known& known) {
  // A leader that has not heard of the one after it tells what it knew.
  if (!partition.replica().knows_end() || key.leader_epoch < known.end_epoch) return;
  const Offset end = partition.high_watermark();
  // One that is alone may have lost what no other has, and says so with its epoch.
  const bool is_excused = key.replicas.size() == 1 || key.unclean_since > known.end_epoch;
  if (end < known.end && !is_excused)
    breach("V4: the end of {} was {} in leader epoch {}, and is {} in leader epoch {}", partition.name().to_string(),
           known.end.value(), known.end_epoch.value(), end.value(), key.leader_epoch.value());
  known.end = end;
  known.end_epoch = key.leader_epoch;
}

void ReplicaWitness::judge_members(const broker::Partition& partition, const cluster::Partition& key,
                                   const Known& known) {
  // What is only written may go with the power after it was counted.
  if (partition.replica().counted_class() != FlushClass::ack) return;
  for (const BrokerId member : key.isr) {
    const auto found = known.replicas.find(member);
    const Offset has = found == known.replicas.end() ? Offset{0} : found->second.synced;
    if (has >= partition.high_watermark()) continue;
    breach("V5: the high watermark of {} is {}, and broker {} of the ISR has {} on its disk",
           partition.name().to_string(), partition.high_watermark().value(), member.value(), has.value());
  }
}

std::optional<Offset> ReplicaWitness::first_difference(std::span<const Batch> ours, std::span<const Batch> theirs,
                                                       Media media) {
  auto our = ours.begin();
  auto their = theirs.begin();
  while (our != ours.end() || their != theirs.end()) {
    const Offset our_base = our != ours.end() ? our->base : kNoBatch;
    const Offset their_base = their != theirs.end() ? their->base : kNoBatch;
    const bool are_alike = our_base == their_base && *our == *their;
    const bool may_be_lost = our_base != their_base && media == Media::lost;
    if (!are_alike && !may_be_lost) return std::min(our_base, their_base);
    if (our_base <= their_base) ++our;
    if (their_base <= our_base) ++their;
  }
  return std::nullopt;
}

void ReplicaWitness::compare_logs(Media media) {
  if (cluster_.size() == 1) return;
  const auto image = cluster_.broker(0).node().first_shard().image();
  for (const cluster::TopicPtr& topic : image->topics())
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) compare(*topic, index, media);
}

void ReplicaWitness::compare(const cluster::Topic& topic, std::int32_t index, Media media) {
  const cluster::Partition& key = *topic.find_partition(index);
  std::vector<Copy> copies;
  for (int broker = 0; broker < cluster_.size(); ++broker)
    for (const auto& shard : cluster_.broker(broker).node().shards())
      if (const broker::Partition* const partition = shard->find(topic.id, index))
        copies.push_back(copy_of(cluster_.broker(broker), *partition));
  if (media == Media::whole)
    for (const Copy& copy : copies)
      if (!copy.damage.empty())
        breach("V2: {}-{} is damaged on broker {}, which nothing did: {}", topic.name, index, copy.broker.value(),
               copy.damage);
  // Nobody can copy what its leader cannot read.
  const bool may_lack = std::ranges::any_of(copies, [](const Copy& copy) { return !copy.damage.empty(); });
  if (!may_lack && (key.isr.size() != key.replicas.size() || key.leader == kNoBroker))
    breach("V2: of the replicas {} of {}-{} only {} are in sync when all is healed, and {} leads",
           fmt::join(key.replicas | std::views::transform(&BrokerId::value), ","), topic.name, index,
           fmt::join(key.isr | std::views::transform(&BrokerId::value), ","), key.leader.value());
  if (is_compacted(topic)) return;
  // What such a disk acknowledged was never there, and may be something else when it is read again.
  std::erase_if(copies, [](const Copy& copy) { return copy.is_misdirected; });
  for (std::size_t other = 1; other < copies.size(); ++other) {
    const Offset begin = std::max(copies[0].begin, copies[other].begin);
    const Offset end = std::min(copies[0].end, copies[other].end);
    const auto where =
        first_difference(batches_within(copies[0], begin, end), batches_within(copies[other], begin, end), media);
    if (!where) continue;
    breach("V2: from offset {} on {}-{} is not the same on brokers {} and {}, both of which count it as committed",
           where->value(), topic.name, index, copies[0].broker.value(), copies[other].broker.value());
  }
}

}  // namespace mq::sim
