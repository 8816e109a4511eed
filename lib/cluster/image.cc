#include "cluster/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "cluster/keys.h"

namespace mq::cluster {
namespace {

bool holds(const std::vector<BrokerId>& brokers, BrokerId id) {
  return std::ranges::find(brokers, id) != brokers.end();
}

bool has_twice(const std::vector<BrokerId>& brokers) {
  for (auto at = brokers.begin(); at != brokers.end(); ++at)
    if (std::find(brokers.begin(), at, *at) != at) return true;
  return false;
}

bool are_within(const std::vector<BrokerId>& some, const std::vector<BrokerId>& all) {
  return !has_twice(some) && std::ranges::all_of(some, [&](BrokerId id) { return holds(all, id); });
}

bool have_common(const std::vector<BrokerId>& a, const std::vector<BrokerId>& b) {
  return std::ranges::any_of(a, [&](BrokerId id) { return holds(b, id); });
}

}  // namespace

const Endpoint* Broker::find_endpoint(std::string_view listener) const {
  const auto at = std::ranges::find(endpoints, listener, &Endpoint::listener);
  return at == endpoints.end() ? nullptr : &*at;
}

bool Acceptance::is_for(const Uuid& directory) const {
  return is_complete && std::ranges::find(directories, directory) != directories.end();
}

bool Partition::has_replica(BrokerId id) const { return holds(replicas, id); }

const char* Partition::problem() const {
  if (has_twice(replicas)) return "a replica stands twice";
  if (!are_within(isr, replicas)) return "a member of the ISR is no replica";
  if (!are_within(elr, replicas)) return "who is eligible is no replica";
  if (!are_within(adding, replicas)) return "who is added is no replica";
  if (!are_within(removing, replicas)) return "who is removed is no replica";
  if (!are_within(last_in_sync, replicas)) return "who was in sync last is no replica";
  if (have_common(last_in_sync, isr) || have_common(last_in_sync, elr))
    return "who may have lost something is eligible";
  if (have_common(isr, elr)) return "a member of the ISR is in the ELR, too";
  if (have_common(adding, removing)) return "a replica is added and removed";
  if (leader != kNoBroker && !holds(isr, leader)) return "the leader is not in the ISR";
  if (leader_epoch.value() < 0) return "a negative leader epoch";
  if (partition_epoch < 0) return "a negative partition epoch";
  if (unclean_since > leader_epoch) return "unclean since an epoch that is to come";
  return nullptr;
}

const Partition* Topic::find_partition(std::int32_t index) const {
  return index < 0 || index >= partition_count() ? nullptr : &partitions[static_cast<std::size_t>(index)];
}

ClusterImage ClusterImage::with_cluster_id(const Uuid& id) const {
  ClusterImage image = *this;
  image.cluster_id_ = id;
  return image;
}

bool ClusterImage::is_alive(BrokerId id) const {
  const Broker* broker = find_broker(id);
  if (broker == nullptr) return false;
  if (!broker->has_session()) return true;
  const Session* session = sessions_.find(id);
  return session != nullptr && session->epoch == broker->epoch;
}

bool ClusterImage::is_ready(BrokerId id) const { return is_alive(id) && find_broker(id)->state == BrokerState::ready; }

bool ClusterImage::is_drained(BrokerId id) const {
  const Broker* broker = find_broker(id);
  return broker != nullptr && broker->is_drained;
}

ClusterImage ClusterImage::with_broker(Broker broker) const {
  ClusterImage image = *this;
  const BrokerId id = broker.id;
  image.brokers_ = brokers_.with(id, std::move(broker));
  return image;
}

ClusterImage ClusterImage::without_broker(BrokerId id) const {
  ClusterImage image = *this;
  image.brokers_ = brokers_.without(id);
  return image;
}

const Topic* ClusterImage::find_topic(std::string_view name) const {
  const TopicPtr* found = by_name_.find(name);
  return found ? found->get() : nullptr;
}

const Topic* ClusterImage::find_topic(const Uuid& id) const {
  const TopicPtr* found = by_id_.find(id);
  return found ? found->get() : nullptr;
}

TopicPtr ClusterImage::share_topic(std::string_view name) const {
  const TopicPtr* found = by_name_.find(name);
  return found ? *found : nullptr;
}

TopicPtr ClusterImage::share_topic(const Uuid& id) const {
  const TopicPtr* found = by_id_.find(id);
  return found ? *found : nullptr;
}

const Topic* ClusterImage::find_colliding(std::string_view name) const {
  for (const auto& [other, topic] : by_name_)
    if (other != name && topic_names_collide(other, name)) return topic.get();
  return nullptr;
}

ClusterImage ClusterImage::with_topic(Topic topic) const {
  return with_topic(std::make_shared<const Topic>(std::move(topic)));
}

ClusterImage ClusterImage::with_topic(TopicPtr topic) const {
  const Topic* of_id = find_topic(topic->id);
  MQ_ASSERT(of_id == nullptr || of_id->name == topic->name);
  ClusterImage image = *this;
  if (const Topic* old = find_topic(topic->name)) {
    image.partitions_ -= old->partitions.size();
    image.by_id_ = image.by_id_.without(old->id);
  }
  image.partitions_ += topic->partitions.size();
  image.by_name_ = image.by_name_.with(topic->name, topic);
  image.by_id_ = image.by_id_.with(topic->id, topic);
  image.check_invariants();
  return image;
}

ClusterImage ClusterImage::without_topic(std::string_view name) const {
  ClusterImage image = *this;
  const TopicPtr topic = share_topic(name);
  if (!topic) return image;
  image.partitions_ -= topic->partitions.size();
  image.by_name_ = by_name_.without(topic->name);
  image.by_id_ = by_id_.without(topic->id);
  image.tombstones_ = tombstones_.with(topic->id, Tombstone{.name = topic->name, .waiting = {}});
  image.check_invariants();
  return image;
}

ClusterImage ClusterImage::with_config(std::string_view topic, ConfigMap configs) const {
  const Topic* old = find_topic(topic);
  MQ_ASSERT(old != nullptr);
  Topic changed = *old;
  changed.configs = std::move(configs);
  return with_topic(std::move(changed));
}

ClusterImage ClusterImage::without_tombstones(std::span<const Uuid> ids) const {
  ClusterImage image = *this;
  SharedMap<Uuid, Tombstone>::Edits edits;
  for (const Uuid& id : ids) edits.emplace(id, std::nullopt);
  image.tombstones_ = tombstones_.with(std::move(edits));
  return image;
}

const ConfigMap& ClusterImage::broker_config(BrokerId id) const {
  static const ConfigMap kNone;
  const BrokerSettings* settings = broker_configs_.find(id);
  return settings == nullptr ? kNone : settings->configs;
}

ClusterImage ClusterImage::with_broker_config(BrokerId id, ConfigMap configs) const {
  ClusterImage image = *this;
  image.broker_configs_ = configs.empty() ? broker_configs_.without(id)
                                          : broker_configs_.with(id, BrokerSettings{.configs = std::move(configs)});
  return image;
}

bool ClusterImage::is_withheld(std::string_view topic) const {
  return withheld_.contains(topic) || defects_.contains(topic_key(topic));
}

bool ClusterImage::may_be_withheld(const Uuid& topic) const {
  for (const auto& [name, withheld] : withheld_)
    if (withheld.topic->id == topic) return true;
  for (const auto& [key, defect] : defects_)  // a topic's key that cannot be read may name any id
    if (const ParsedKey parsed = parse_key(key); parsed.kind == KeyKind::topic && !withheld_.contains(parsed.name))
      return true;
  return false;
}

bool operator==(const ClusterImage& a, const ClusterImage& b) {
  const auto same_topics = [](const TopicPtr& one, const TopicPtr& other) { return one == other || *one == *other; };
  const auto same_loose = [](const auto& one, const auto& other) {
    return one.first == other.first && (one.second == other.second || *one.second == *other.second);
  };
  return a.revision_ == b.revision_ && a.cluster_id_ == b.cluster_id_ && a.cluster_revision_ == b.cluster_revision_ &&
         a.level_ == b.level_ && a.level_revision_ == b.level_revision_ && a.adoption_ == b.adoption_ &&
         a.acceptance_ == b.acceptance_ && a.controller_ == b.controller_ && a.producer_ids_ == b.producer_ids_ &&
         a.brokers_ == b.brokers_ && a.sessions_ == b.sessions_ && a.unregistered_ == b.unregistered_ &&
         a.tombstones_ == b.tombstones_ && a.creations_ == b.creations_ && a.broker_configs_ == b.broker_configs_ &&
         a.withheld_ == b.withheld_ && a.defects_ == b.defects_ &&
         std::ranges::equal(a.topics(), b.topics(), same_topics) && std::ranges::equal(a.loose_, b.loose_, same_loose);
}

void ClusterImage::check_invariants() const {
  MQ_ASSERT(by_name_.size() == by_id_.size());
  MQ_ASSERT(level_ <= kLevel);
}

void ImageBuilder::add_broker(Broker broker) { image_ = image_.with_broker(std::move(broker)); }

void ImageBuilder::add_topic(Topic topic) { topics_.push_back(std::make_shared<const Topic>(std::move(topic))); }

void ImageBuilder::add_tombstone(const Uuid& id, Tombstone tombstone) {
  image_.tombstones_ = image_.tombstones_.with(id, std::move(tombstone));
}

void ImageBuilder::set_broker_config(BrokerId id, ConfigMap configs) {
  image_ = image_.with_broker_config(id, std::move(configs));
}

std::optional<ClusterImage> ImageBuilder::build() {
  SharedMap<std::string_view, TopicPtr>::Edits by_name;
  SharedMap<Uuid, TopicPtr>::Edits by_id;
  for (const TopicPtr& topic : topics_) {
    if (!by_name.emplace(topic->name, topic).second || !by_id.emplace(topic->id, topic).second) return std::nullopt;
    image_.partitions_ += topic->partitions.size();
  }
  image_.by_name_ = image_.by_name_.with(std::move(by_name));
  image_.by_id_ = image_.by_id_.with(std::move(by_id));
  return std::move(image_);
}

std::vector<std::string> vanished_topics(const ClusterImage& known, const ClusterImage& next, BrokerId broker) {
  std::vector<std::string> vanished;
  for (const TopicPtr& topic : known.topics()) {
    if (next.find_topic(topic->id) != nullptr || next.tombstones().contains(topic->id)) continue;
    if (next.may_be_withheld(topic->id)) continue;
    const bool is_meant =
        broker == kNoBroker || std::ranges::any_of(topic->partitions, [&](const Partition& partition) {
          return partition.has_replica(broker);
        });
    if (is_meant) vanished.push_back(topic->name);
  }
  return vanished;
}

std::optional<std::string> earlier_part(const ClusterImage& known, const ClusterImage& next) {
  if (next.revision() < known.revision())
    return fmt::format("it is at revision {}, and revision {} was seen", next.revision().value(),
                       known.revision().value());
  for (const auto& [id, broker] : known.brokers()) {
    const Broker* now = next.find_broker(id);
    if (now != nullptr && now->epoch < broker.epoch)
      return fmt::format("broker {} has epoch {} in it, and epoch {} was seen", id.value(), now->epoch.value(),
                         broker.epoch.value());
  }
  for (const TopicPtr& topic : known.topics()) {
    const Topic* now = next.find_topic(topic->id);
    for (std::int32_t index = 0; now != nullptr && index < topic->partition_count(); ++index) {
      const Partition* partition = now->find_partition(index);
      if (partition == nullptr) return fmt::format("it has no partition {} of topic {}", index, topic->name);
      const Partition& before = *topic->find_partition(index);
      if (partition->partition_epoch < before.partition_epoch || partition->leader_epoch < before.leader_epoch)
        return fmt::format("{}-{} has leader epoch {} and partition epoch {} in it, and {} and {} were seen",
                           topic->name, index, partition->leader_epoch.value(), partition->partition_epoch,
                           before.leader_epoch.value(), before.partition_epoch);
    }
  }
  return std::nullopt;
}

}  // namespace mq::cluster
