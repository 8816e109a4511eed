#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "cluster/keys.h"

namespace mq::cluster {

/// Makes the next image out of the keys that were changed. Used once. For `ClusterImage` alone.
///
/// What stands for itself (brokers, settings, tombstones, ...) is read as it comes. Keys of topics and of partitions
/// are kept aside and put together in the end, for every topic id that one of them may be about:
/// - The topic's own key, where several name one id that of the topic that is visible already, says how many partitions
///   there have to be.
/// - Those that the old image has, those that lay there loose and those that were changed are put together. When all
///   are there the topic is visible. Else its key is withheld, and its partitions lie loose until the rest comes.
/// - Without a topic key they lie loose, too.
class ImageChange {
 public:
  explicit ImageChange(const ClusterImage& image) : old_(image), next_(image) {}

  /// `key` was put or, without a value, erased at `revision`. Each key once. The bytes stay until `finish` is done.
  void add(std::string_view key, std::optional<std::string_view> value, Revision revision);
  /// A tombstone with this id stood for a while, even when it is gone in the end.
  void note_tombstone(const Uuid& topic) { buried_.insert(topic); }
  [[nodiscard]] Result<ClusterImage> finish(Revision revision) &&;

 private:
  /// A changed key of a partition: its new contents, or none when it is gone or cannot be read.
  struct Part {
    std::int32_t index = 0;
    std::optional<Partition> partition;
  };
  using Parts = std::vector<Part>;
  /// A topic's own key.
  struct Head {
    TopicPtr topic;  // whatever partitions it has do not count
    std::int32_t partitions = 0;
  };
  /// A changed one: none when it is gone or cannot be read.
  struct ChangedHead {
    std::optional<Head> head;
    bool is_erased = false;
  };
  using PartitionPtr = std::shared_ptr<const Partition>;

  template <class K, class V, class Read>
  void take(std::map<K, std::optional<V>, std::less<>>& edits, K id, std::string_view key,
            std::optional<std::string_view> value, Revision revision, Read read);
  void take_cluster(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_level(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_adoption(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_acceptance(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_controller(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_producer_ids(std::string_view key, std::optional<std::string_view> value, Revision revision);
  void take_topic(std::string_view name, std::string_view key, std::optional<std::string_view> value,
                  Revision revision);
  void take_partition(const ParsedKey& place, std::string_view key, std::optional<std::string_view> value,
                      Revision revision);
  void note_defect(std::string_view key, std::string message, Revision revision, std::string_view topic = {});
  void mend(std::string_view key);
  void set_error(Error error);

  /// The ids of all topics that a changed key may be about.
  [[nodiscard]] std::set<Uuid> touched_ids();
  /// The topic's own key as it is in the end.
  [[nodiscard]] std::optional<Head> head_of(std::string_view name) const;
  [[nodiscard]] std::optional<Head> old_head_of(std::string_view name) const;
  [[nodiscard]] std::set<std::string_view> names_of(const Uuid& id) const;
  void put_together(const Uuid& id);
  [[nodiscard]] TopicPtr make_visible(const Head& head, const TopicPtr& old, Parts& parts);
  void scatter(const Uuid& id, const TopicPtr& old, Parts& parts);
  void show(const TopicPtr& topic);
  void withhold(std::string_view name, const Head& head, std::string message);
  [[nodiscard]] std::string why_not_whole(const Head& head) const;
  void check_vanished(const Uuid& id);

  const ClusterImage& old_;
  ClusterImage next_;
  std::optional<Error> error_;

  SharedMap<BrokerId, Broker>::Edits brokers_;
  SharedMap<BrokerId, Session>::Edits sessions_;
  SharedMap<BrokerId, Unregistered>::Edits unregistered_;
  SharedMap<Uuid, Tombstone>::Edits tombstones_;
  SharedMap<Uuid, Creation>::Edits creations_;
  SharedMap<BrokerId, BrokerSettings>::Edits broker_configs_;
  SharedMap<std::string, Defect>::Edits defects_;

  std::map<std::string_view, ChangedHead> heads_;
  std::multimap<Uuid, std::string_view> names_by_id_;  // of changed heads, and of those withheld in the old image
  std::map<Uuid, Parts> parts_;
  std::set<Uuid> buried_;

  SharedMap<std::string_view, TopicPtr>::Edits by_name_;
  SharedMap<Uuid, TopicPtr>::Edits by_id_;
  SharedMap<std::string, ClusterImage::Withheld>::Edits withheld_;
  SharedMap<PartitionPlace, PartitionPtr>::Edits loose_;
};

}  // namespace mq::cluster
