#include "cluster/image.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::cluster {
namespace {

constexpr auto kName = [](const TopicPtr& topic) -> std::string_view { return topic->name; };
constexpr auto kId = [](const TopicPtr& topic) -> const Uuid& { return topic->id; };

template <class Key, class Projection>
const TopicPtr* find_in(const std::vector<TopicPtr>& sorted, const Key& key, Projection of) {
  const auto at = std::ranges::lower_bound(sorted, key, {}, of);
  return at != sorted.end() && of(*at) == key ? &*at : nullptr;
}

/// Puts `topic` in place of the one with its key, or where it belongs.
template <class Projection>
void put_into(std::vector<TopicPtr>& sorted, const TopicPtr& topic, Projection of) {
  const auto at = std::ranges::lower_bound(sorted, of(topic), {}, of);
  if (at != sorted.end() && of(*at) == of(topic)) {
    *at = topic;
  } else {
    sorted.insert(at, topic);
  }
}

template <class Key, class Projection>
void take_out(std::vector<TopicPtr>& sorted, const Key& key, Projection of) {
  const auto at = std::ranges::lower_bound(sorted, key, {}, of);
  if (at != sorted.end() && of(*at) == key) sorted.erase(at);
}

}  // namespace

const Endpoint* Broker::find_endpoint(std::string_view listener) const {
  const auto at = std::ranges::find(endpoints, listener, &Endpoint::listener);
  return at == endpoints.end() ? nullptr : &*at;
}

const Partition* Topic::find_partition(std::int32_t index) const {
  return index < 0 || index >= partition_count() ? nullptr : &partitions[static_cast<std::size_t>(index)];
}

ClusterImage ClusterImage::with_cluster_id(const Uuid& id) const {
  ClusterImage image = *this;
  image.cluster_id_ = id;
  return image;
}

const Broker* ClusterImage::find_broker(BrokerId id) const {
  const auto at = brokers_.find(id);
  return at == brokers_.end() ? nullptr : &at->second;
}

ClusterImage ClusterImage::with_broker(Broker broker) const {
  ClusterImage image = *this;
  const BrokerId id = broker.id;
  image.brokers_.insert_or_assign(id, std::move(broker));
  return image;
}

ClusterImage ClusterImage::without_broker(BrokerId id) const {
  ClusterImage image = *this;
  image.brokers_.erase(id);
  return image;
}

const Topic* ClusterImage::find_topic(std::string_view name) const {
  const TopicPtr* found = find_in(by_name_, name, kName);
  return found ? found->get() : nullptr;
}

const Topic* ClusterImage::find_topic(const Uuid& id) const {
  const TopicPtr* found = find_in(by_id_, id, kId);
  return found ? found->get() : nullptr;
}

TopicPtr ClusterImage::share_topic(std::string_view name) const {
  const TopicPtr* found = find_in(by_name_, name, kName);
  return found ? *found : nullptr;
}

TopicPtr ClusterImage::share_topic(const Uuid& id) const {
  const TopicPtr* found = find_in(by_id_, id, kId);
  return found ? *found : nullptr;
}

const Topic* ClusterImage::find_colliding(std::string_view name) const {
  const auto at = std::ranges::find_if(
      by_name_, [&](const TopicPtr& topic) { return topic->name != name && topic_names_collide(topic->name, name); });
  return at == by_name_.end() ? nullptr : at->get();
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
    take_out(image.by_id_, old->id, kId);
  }
  image.partitions_ += topic->partitions.size();
  put_into(image.by_name_, topic, kName);
  put_into(image.by_id_, topic, kId);
  image.check_invariants();
  return image;
}

ClusterImage ClusterImage::without_topic(std::string_view name) const {
  ClusterImage image = *this;
  const TopicPtr topic = share_topic(name);
  if (!topic) return image;
  image.partitions_ -= topic->partitions.size();
  take_out(image.by_name_, std::string_view(topic->name), kName);
  take_out(image.by_id_, topic->id, kId);
  image.tombstones_[topic->id] = topic->name;
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
  for (const Uuid& id : ids) image.tombstones_.erase(id);
  return image;
}

const ConfigMap& ClusterImage::broker_config(BrokerId id) const {
  static const ConfigMap kNone;
  const auto at = broker_configs_.find(id);
  return at == broker_configs_.end() ? kNone : at->second;
}

ClusterImage ClusterImage::with_broker_config(BrokerId id, ConfigMap configs) const {
  ClusterImage image = *this;
  if (configs.empty()) {
    image.broker_configs_.erase(id);
  } else {
    image.broker_configs_.insert_or_assign(id, std::move(configs));
  }
  return image;
}

bool operator==(const ClusterImage& a, const ClusterImage& b) {
  const auto same_topic = [](const TopicPtr& x, const TopicPtr& y) { return x == y || *x == *y; };
  return a.cluster_id_ == b.cluster_id_ && a.brokers_ == b.brokers_ && a.tombstones_ == b.tombstones_ &&
         a.broker_configs_ == b.broker_configs_ && std::ranges::equal(a.by_name_, b.by_name_, same_topic);
}

void ClusterImage::check_invariants() const { MQ_ASSERT(by_name_.size() == by_id_.size()); }

void ImageBuilder::add_broker(Broker broker) {
  const BrokerId id = broker.id;
  image_.brokers_.insert_or_assign(id, std::move(broker));
}

void ImageBuilder::add_topic(Topic topic) {
  image_.partitions_ += topic.partitions.size();
  image_.by_name_.push_back(std::make_shared<const Topic>(std::move(topic)));
}

std::optional<ClusterImage> ImageBuilder::build() {
  image_.by_id_ = image_.by_name_;
  std::ranges::sort(image_.by_name_, {}, kName);
  std::ranges::sort(image_.by_id_, {}, kId);
  if (std::ranges::adjacent_find(image_.by_name_, {}, kName) != image_.by_name_.end()) return std::nullopt;
  if (std::ranges::adjacent_find(image_.by_id_, {}, kId) != image_.by_id_.end()) return std::nullopt;
  return std::move(image_);
}

}  // namespace mq::cluster
