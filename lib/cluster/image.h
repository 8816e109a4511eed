#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace mq::cluster {

/// Settings by Kafka's names, only those that somebody set. `config` knows the defaults and checks the values.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

/// Where clients of one listener reach a broker.
struct Endpoint {
  std::string listener;  ///< the listener's name; a client is told the endpoints of the listener that it came in on
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Broker {
  BrokerId id{-1};
  std::vector<Endpoint> endpoints;
  std::optional<std::string> rack;

  /// Null when the broker does not have this listener.
  [[nodiscard]] const Endpoint* find_endpoint(std::string_view listener) const;
  friend bool operator==(const Broker&, const Broker&) = default;
};

struct Partition {
  std::vector<BrokerId> replicas;  ///< in order of preference
  std::vector<BrokerId> isr;
  BrokerId leader = kNoBroker;  ///< kNoBroker: nobody can lead
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;  ///< grows with every change of this partition
  friend bool operator==(const Partition&, const Partition&) = default;
};

struct Topic {
  std::string name;
  Uuid id;
  std::vector<Partition> partitions;  ///< by index, without gaps
  ConfigMap configs;

  [[nodiscard]] std::int32_t partition_count() const { return static_cast<std::int32_t>(partitions.size()); }
  /// Null when there is no such partition; any number may be asked for.
  [[nodiscard]] const Partition* find_partition(std::int32_t index) const;
  friend bool operator==(const Topic&, const Topic&) = default;
};

using TopicPtr = std::shared_ptr<const Topic>;

/// What the cluster is at one moment: brokers, topics, partitions and settings.
///
/// A value that never changes: each `with...` returns a new image, which shares the topics it did not touch. Copying
/// and changing cost a few machine words for each topic, never for each partition. Broker code keeps it as
/// `shared_ptr<const ClusterImage>`, safe to read from every thread; a `Topic*` from it lives as long as the image.
class ClusterImage {
 public:
  ClusterImage() = default;

  /// Zero when it is not known yet.
  [[nodiscard]] const Uuid& cluster_id() const { return cluster_id_; }
  [[nodiscard]] ClusterImage with_cluster_id(const Uuid& id) const;

  [[nodiscard]] const std::map<BrokerId, Broker>& brokers() const { return brokers_; }
  [[nodiscard]] const Broker* find_broker(BrokerId id) const;
  /// Adds the broker or replaces the one with its id.
  [[nodiscard]] ClusterImage with_broker(Broker broker) const;
  [[nodiscard]] ClusterImage without_broker(BrokerId id) const;

  /// Every topic, by name in the order of bytes.
  [[nodiscard]] const std::vector<TopicPtr>& topics() const { return by_name_; }
  [[nodiscard]] std::size_t partition_count() const { return partitions_; }
  /// Null when there is none.
  [[nodiscard]] const Topic* find_topic(std::string_view name) const;
  [[nodiscard]] const Topic* find_topic(const Uuid& id) const;
  /// The same with a share in it, for who outlives the image.
  [[nodiscard]] TopicPtr share_topic(std::string_view name) const;
  [[nodiscard]] TopicPtr share_topic(const Uuid& id) const;
  /// The first topic whose name would collide with `name` in Kafka's metrics (`a.b` and `a_b`) and is not `name`
  /// itself; null when there is none. Looks at every topic.
  [[nodiscard]] const Topic* find_colliding(std::string_view name) const;
  /// Adds the topic, or replaces the one with its name. The id must not belong to a topic of another name.
  [[nodiscard]] ClusterImage with_topic(Topic topic) const;
  [[nodiscard]] ClusterImage with_topic(TopicPtr topic) const;
  /// Takes the topic out and keeps its id as a tombstone. The same image when there is none.
  [[nodiscard]] ClusterImage without_topic(std::string_view name) const;
  /// Replaces the topic's settings; the topic must exist.
  [[nodiscard]] ClusterImage with_config(std::string_view topic, ConfigMap configs) const;

  /// Names by ids of deleted topics whose directories may still be somewhere. Only a directory whose topic id is here
  /// may ever be removed.
  [[nodiscard]] const std::map<Uuid, std::string>& tombstones() const { return tombstones_; }
  /// Those of them that are there; nothing of these topics is left anywhere.
  [[nodiscard]] ClusterImage without_tombstones(std::span<const Uuid> ids) const;

  /// Settings of one broker, or of all when `id` is kNoBroker; empty when nobody set any.
  [[nodiscard]] const ConfigMap& broker_config(BrokerId id) const;
  [[nodiscard]] const std::map<BrokerId, ConfigMap>& broker_configs() const { return broker_configs_; }
  /// Replaces them; an empty map takes them away.
  [[nodiscard]] ClusterImage with_broker_config(BrokerId id, ConfigMap configs) const;

  /// Equal contents, whoever shares them.
  friend bool operator==(const ClusterImage& a, const ClusterImage& b);

 private:
  friend class ImageBuilder;
  void check_invariants() const;

  Uuid cluster_id_;
  std::map<BrokerId, Broker> brokers_;
  std::vector<TopicPtr> by_name_;
  std::vector<TopicPtr> by_id_;
  std::size_t partitions_ = 0;
  std::map<Uuid, std::string> tombstones_;
  std::map<BrokerId, ConfigMap> broker_configs_;
};

/// Makes an image of many topics at once; `with_topic` in a loop would copy the list for each.
class ImageBuilder {
 public:
  void set_cluster_id(const Uuid& id) { image_.cluster_id_ = id; }
  void add_broker(Broker broker);
  void add_topic(Topic topic);
  void add_tombstone(const Uuid& id, std::string name) { image_.tombstones_[id] = std::move(name); }
  void set_broker_config(BrokerId id, ConfigMap configs) { image_.broker_configs_[id] = std::move(configs); }
  /// The image, or nothing when two topics have the same name or the same id. The builder is used up.
  [[nodiscard]] std::optional<ClusterImage> build();

 private:
  ClusterImage image_;
};

}  // namespace mq::cluster
