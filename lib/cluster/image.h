#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/shared_list.h"
#include "cluster/shared_map.h"
#include "cluster/transaction.h"
#include "model/ids.h"

namespace mq::cluster {

// What has a `revision` says at which one its key was put last, so that a plan can compare that it still is as the plan
// saw it; kNoRevision where the key is not known to be in a store.

/// Counts the registrations of one broker id.
using BrokerEpoch = Strong<std::int64_t, struct BrokerEpochTag>;
inline constexpr BrokerEpoch kNoBrokerEpoch{-1};

/// Settings by Kafka's names, only those that somebody set. `config` knows the defaults and checks the values.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

/// The format of metadata that this program writes, and the latest that it reads.
inline constexpr std::int32_t kLevel = 2;

/// Where clients of one listener reach a broker.
struct Endpoint {
  std::string listener;  ///< the listener's name; a client is told the endpoints of the listener that it came in on
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class BrokerState : std::uint8_t {
  starting,  ///< reads the image and opens its logs: nobody elects it, nobody adds it to an ISR
  ready,
  draining,  ///< about to stop: gives its leadership away
};

/// A registration.
struct Broker {
  BrokerId id{-1};
  std::vector<Endpoint> endpoints;
  std::optional<std::string> rack;
  Uuid directory{};  ///< the data directory that this id belongs to
  Uuid nonce{};      ///< of the newest incarnation; zero: on a store of its own, where no session has to stand
  BrokerEpoch epoch{1};
  BrokerState state = BrokerState::ready;
  std::string inter_broker_listener;  ///< by which of the endpoints other brokers reach it
  std::vector<std::string> features;
  std::int32_t level = kLevel;  ///< the latest format of metadata that it can
  /// An operator wants it to lead nothing, until this process of it ends or the operator wants it no more. It stays
  /// ready: it follows, may be gone at any moment like all others, and leads where nobody else can.
  bool is_drained = false;
  Revision revision{};

  /// Null when the broker does not have this listener.
  [[nodiscard]] const Endpoint* find_endpoint(std::string_view listener) const;
  /// Whether its session has to stand (a key `alive`) for it to count as alive.
  [[nodiscard]] bool has_session() const { return !nonce.is_zero(); }
  friend bool operator==(const Broker&, const Broker&) = default;
};

/// A session that stands.
struct Session {
  BrokerEpoch epoch{};  ///< of the registration that it belongs to
  Revision revision{};
  friend bool operator==(const Session&, const Session&) = default;
};

/// An id that was a broker's. Nobody is given it again: what metadata or a log says of it is of that broker.
struct Unregistered {
  Uuid directory{};     ///< that it belonged to
  BrokerEpoch epoch{};  ///< the last
  Revision revision{};
  friend bool operator==(const Unregistered&, const Unregistered&) = default;
};

/// What one broker had alone is being moved here, out of its data directory. Nobody joins meanwhile.
struct Adoption {
  Uuid directory{};
  BrokerId broker = kNoBroker;
  Revision revision{};
  friend bool operator==(const Adoption&, const Adoption&) = default;
};

/// An operator wants brokers to go on with this store, which is not as they knew it (C-6).
struct Acceptance {
  Uuid id{};                        ///< another one each time
  bool is_complete = false;         ///< all is raised here above what they have; until then it means nothing
  bool is_in_use = false;           ///< others followed this store then: whoever comes to them copies what they have
  std::vector<Uuid> directories{};  ///< of the brokers that did not follow, and said what they have: it is for these
  Revision revision{};

  [[nodiscard]] bool is_for(const Uuid& directory) const;
  friend bool operator==(const Acceptance&, const Acceptance&) = default;
};

/// Who holds the controller's lease.
struct Controller {
  BrokerId broker = kNoBroker;
  BrokerEpoch broker_epoch{};
  Revision revision{};  ///< of the acquisition
  friend bool operator==(const Controller&, const Controller&) = default;
};

struct Partition {
  std::vector<BrokerId> replicas;  ///< in order of preference
  std::vector<BrokerId> isr;
  BrokerId leader = kNoBroker;  ///< kNoBroker: nobody can lead
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;            ///< grows with every change of this partition
  std::vector<BrokerId> adding{};              ///< among the replicas, and not yet in sync
  std::vector<BrokerId> removing{};            ///< among the replicas until those that are added are in sync
  std::vector<BrokerId> elr{};                 ///< eligible to lead though not in sync (KIP-966)
  BrokerEpoch leader_broker_epoch{};           ///< the leader's incarnation; without meaning when there is no leader
  LeaderEpoch unclean_since = kNoLeaderEpoch;  ///< from this epoch on followers may have to cut what was committed
  /// Who left ISR and ELR last, since nobody leads: each may have lost something of its log. When both are empty, the
  /// greatest log among these is the best that there is.
  std::vector<BrokerId> last_in_sync{};
  Revision revision{};

  [[nodiscard]] bool has_replica(BrokerId id) const;
  /// What is wrong with it, or null: each in ISR and ELR is a replica, none is in both, the leader is in the ISR, ...
  [[nodiscard]] const char* problem() const;
  friend bool operator==(const Partition&, const Partition&) = default;
};

using PartitionList = SharedList<Partition>;

struct Topic {
  std::string name;
  Uuid id;
  PartitionList partitions;  ///< by index, without gaps
  ConfigMap configs;
  bool has_default_factor = false;  ///< nobody asked for its number of replicas: it may grow with the cluster
  Revision revision{};              ///< of its own key

  [[nodiscard]] std::int32_t partition_count() const { return static_cast<std::int32_t>(partitions.size()); }
  /// Null when there is no such partition; any number may be asked for.
  [[nodiscard]] const Partition* find_partition(std::int32_t index) const;
  friend bool operator==(const Topic&, const Topic&) = default;
};

using TopicPtr = std::shared_ptr<const Topic>;

/// A deleted topic whose directories may still be somewhere.
struct Tombstone {
  std::string name;
  std::vector<BrokerId> waiting;  ///< who has not said yet that nothing of it is left there
  Revision revision{};
  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

/// Stands while partitions of a topic are written in several transactions, before the last makes them visible.
struct Creation {
  std::string topic;
  BrokerId maker = kNoBroker;
  BrokerEpoch maker_epoch{};
  Revision revision{};
  friend bool operator==(const Creation&, const Creation&) = default;
};

struct BrokerSettings {
  ConfigMap configs;
  Revision revision{};
  friend bool operator==(const BrokerSettings&, const BrokerSettings&) = default;
};

/// The first producer id that nobody has been given.
struct ProducerIdCounter {
  std::int64_t next = 0;
  Revision revision{};
  friend bool operator==(const ProducerIdCounter&, const ProducerIdCounter&) = default;
};

/// Where a partition's key belongs.
struct PartitionPlace {
  Uuid topic;
  std::int32_t index = 0;
  friend auto operator<=>(const PartitionPlace&, const PartitionPlace&) = default;
};

/// Something that is in the store and not in the image.
struct Defect {
  std::string message;  ///< names the key
  std::string topic;    ///< that is not served for it; empty: none, or not known which
  Revision revision{};  ///< of the key; kNoRevision when it is missing
  friend bool operator==(const Defect&, const Defect&) = default;
};

/// Every topic of an image, by name in the order of bytes.
class TopicRange {
 public:
  using Map = SharedMap<std::string_view, TopicPtr>;
  class Iterator {
   public:
    using value_type = TopicPtr;
    using reference = const TopicPtr&;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    explicit Iterator(Map::Iterator at) : at_(at) {}
    reference operator*() const { return at_->second; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    Map::Iterator at_;
  };

  explicit TopicRange(const Map& topics) : topics_(&topics) {}
  [[nodiscard]] Iterator begin() const { return Iterator(topics_->begin()); }
  [[nodiscard]] Iterator end() const { return Iterator(topics_->end()); }
  [[nodiscard]] std::size_t size() const { return topics_->size(); }
  [[nodiscard]] bool empty() const { return topics_->empty(); }

 private:
  const Map* topics_;
};

/// What the cluster is at one moment: brokers, topics, partitions and settings.
///
/// A value that never changes. The next one comes from `apply`, or from one of the `with...`, and shares what did not
/// change: a change costs what it touches and, for every hundred topics that there are, a few machine words. Broker
/// code keeps it as `shared_ptr<const ClusterImage>`, safe to read from every thread; a `Topic*` from it lives as long
/// as the image.
///
/// A key of the store that cannot be read takes its topic out of the image, or whatever else it stands for, and leaves
/// a `Defect`; when the key is put right, the topic is back.
class ClusterImage {
 public:
  ClusterImage() = default;

  /// The image of a listing of the whole store at `revision`. unsupported: the cluster is at a later level; corrupt:
  /// the cluster's own key cannot be read.
  [[nodiscard]] static Result<ClusterImage> of_listing(std::span<const KeyValue> entries, Revision revision);
  /// The image after `changes`: all that were made since this image's revision, those of one transaction never apart.
  /// What this image has already is passed over. `revision` is where the store stands after them. corrupt: a topic, or
  /// the cluster's key, is gone without a tombstone: the store is damaged, and this image is to be kept as the last one
  /// known; unsupported as `of_listing`.
  [[nodiscard]] Result<ClusterImage> apply(std::span<const Change> changes, Revision revision) const;

  /// That of the last change in it; kNoRevision when it does not come from a store.
  [[nodiscard]] Revision revision() const { return revision_; }

  /// Zero when it is not known yet.
  [[nodiscard]] const Uuid& cluster_id() const { return cluster_id_; }
  [[nodiscard]] Revision cluster_revision() const { return cluster_revision_; }
  [[nodiscard]] ClusterImage with_cluster_id(const Uuid& id) const;
  /// The format that all brokers write; 0 when none stands in the store.
  [[nodiscard]] std::int32_t level() const { return level_; }
  [[nodiscard]] Revision level_revision() const { return level_revision_; }
  [[nodiscard]] const std::optional<Adoption>& adoption() const { return adoption_; }
  /// The last one.
  [[nodiscard]] const std::optional<Acceptance>& acceptance() const { return acceptance_; }
  [[nodiscard]] const std::optional<Controller>& controller() const { return controller_; }
  [[nodiscard]] const ProducerIdCounter& producer_ids() const { return producer_ids_; }

  [[nodiscard]] const SharedMap<BrokerId, Broker>& brokers() const { return brokers_; }
  [[nodiscard]] const Broker* find_broker(BrokerId id) const { return brokers_.find(id); }
  [[nodiscard]] const SharedMap<BrokerId, Session>& sessions() const { return sessions_; }
  [[nodiscard]] const SharedMap<BrokerId, Unregistered>& unregistered() const { return unregistered_; }
  /// Whether it is registered and its session, where it has to have one, stands.
  [[nodiscard]] bool is_alive(BrokerId id) const;
  /// Alive, and neither starting nor about to stop.
  [[nodiscard]] bool is_ready(BrokerId id) const;
  /// Whether it is registered, and an operator wants it to lead nothing.
  [[nodiscard]] bool is_drained(BrokerId id) const;
  /// Adds the broker or replaces the one with its id.
  [[nodiscard]] ClusterImage with_broker(Broker broker) const;
  [[nodiscard]] ClusterImage without_broker(BrokerId id) const;

  [[nodiscard]] TopicRange topics() const { return TopicRange(by_name_); }
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

  /// Deleted topics by id. Only a directory whose topic id is here may be removed as one of a deleted topic.
  [[nodiscard]] const SharedMap<Uuid, Tombstone>& tombstones() const { return tombstones_; }
  /// Without those of them that are there; nothing of these topics is left anywhere.
  [[nodiscard]] ClusterImage without_tombstones(std::span<const Uuid> ids) const;
  [[nodiscard]] const SharedMap<Uuid, Creation>& creations() const { return creations_; }
  /// Partitions whose topic has no key, or has fewer: those of a creation that is going on, and what one that was cut
  /// off, or a deletion, has left. With the revision of each.
  [[nodiscard]] const SharedMap<PartitionPlace, std::shared_ptr<const Partition>>& loose_partitions() const {
    return loose_;
  }

  /// Settings of one broker, or of all when `id` is kNoBroker; empty when nobody set any.
  [[nodiscard]] const ConfigMap& broker_config(BrokerId id) const;
  [[nodiscard]] const SharedMap<BrokerId, BrokerSettings>& broker_configs() const { return broker_configs_; }
  /// Replaces them; an empty map takes them away.
  [[nodiscard]] ClusterImage with_broker_config(BrokerId id, ConfigMap configs) const;

  /// What of the store is not in the image, by key: to be told.
  [[nodiscard]] const SharedMap<std::string, Defect>& defects() const { return defects_; }
  /// Whether a key of this topic is there that is not served: the name is taken.
  [[nodiscard]] bool is_withheld(std::string_view topic) const;
  /// Whether partitions with this topic id may belong to a topic that is not served.
  [[nodiscard]] bool may_be_withheld(const Uuid& topic) const;

  /// Equal contents, whoever shares them.
  friend bool operator==(const ClusterImage& a, const ClusterImage& b);

 private:
  friend class ImageBuilder;
  friend class ImageChange;
  void check_invariants() const;

  /// A topic's own key where its partitions are not all there.
  struct Withheld {
    TopicPtr topic;  // without partitions
    std::int32_t partitions = 0;
    friend bool operator==(const Withheld& a, const Withheld& b) {
      return *a.topic == *b.topic && a.partitions == b.partitions;
    }
  };

  Revision revision_;
  Uuid cluster_id_;
  Revision cluster_revision_;
  std::int32_t level_ = 0;
  Revision level_revision_;
  std::optional<Adoption> adoption_;
  std::optional<Acceptance> acceptance_;
  std::optional<Controller> controller_;
  ProducerIdCounter producer_ids_;
  SharedMap<BrokerId, Broker> brokers_;
  SharedMap<BrokerId, Session> sessions_;
  SharedMap<BrokerId, Unregistered> unregistered_;
  SharedMap<std::string_view, TopicPtr> by_name_;  // a key is the name in its value
  SharedMap<Uuid, TopicPtr> by_id_;
  std::size_t partitions_ = 0;
  SharedMap<std::string, Withheld> withheld_;
  SharedMap<PartitionPlace, std::shared_ptr<const Partition>> loose_;
  SharedMap<Uuid, Tombstone> tombstones_;
  SharedMap<Uuid, Creation> creations_;
  SharedMap<BrokerId, BrokerSettings> broker_configs_;
  SharedMap<std::string, Defect> defects_;
};

/// Makes an image of many topics at once, which are not in a store.
class ImageBuilder {
 public:
  void set_cluster_id(const Uuid& id) { image_.cluster_id_ = id; }
  void add_broker(Broker broker);
  void add_topic(Topic topic);
  void add_tombstone(const Uuid& id, Tombstone tombstone);
  void set_broker_config(BrokerId id, ConfigMap configs);
  /// The image, or nothing when two topics have the same name or the same id. The builder is used up.
  [[nodiscard]] std::optional<ClusterImage> build();

 private:
  ClusterImage image_;
  std::vector<TopicPtr> topics_;
};

/// The topics that `known` has and `next`, a newer image from a listing, has not, without a tombstone: the store is
/// damaged, and `known` is to be kept. Looks at those with a replica on `broker`, since the tombstone of another one
/// may have come and gone between the two; kNoBroker: at all.
[[nodiscard]] std::vector<std::string> vanished_topics(const ClusterImage& known, const ClusterImage& next,
                                                       BrokerId broker);

/// What says that `next`, a listing that was read after `known`, is of an earlier time: a revision, an epoch or a
/// counter that only grows is less than it was. The store has gone back, and `known` is to be kept (C-6). Nothing: all
/// that is known of both may follow from each other.
[[nodiscard]] std::optional<std::string> earlier_part(const ClusterImage& known, const ClusterImage& next);

}  // namespace mq::cluster
