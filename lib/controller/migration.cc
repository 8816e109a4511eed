#include "controller/migration.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/format1.h"
#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

namespace format1 = cluster::format1;
using cluster::Compare;
using cluster::KeyKind;
using cluster::KeyValue;
using cluster::Op;

/// Of the registration that the broker makes when everything is moved.
constexpr cluster::BrokerEpoch kFirstBrokerEpoch{1};

class Migration {
 public:
  Migration(std::span<const KeyValue> entries, BrokerId self) : self_(self) {
    for (const KeyValue& entry : entries) entries_.emplace(entry.key, &entry);
  }

  Result<Plan> plan() {
    const KeyValue* const cluster = find(cluster::cluster_key());
    MQ_TRY(const Uuid id, format1::is_value(cluster->value) ? format1::read_cluster(cluster->key, cluster->value)
                                                            : cluster::read_cluster(cluster->key, cluster->value));
    replace(*cluster, cluster::put_cluster(id));
    for (const auto& [key, entry] : entries_) move_entry(*entry);
    for (const auto& [key, entry] : entries_) drop_orphan(*entry);
    packer_.add({.compares = {}, .ops = {cluster::put_level(cluster::kLevel)}});
    return Plan{.transactions = std::move(packer_).take(), .guard = cluster::cluster_key()};
  }

 private:
  [[nodiscard]] const KeyValue* find(std::string_view key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second;
  }
  [[nodiscard]] Compare as_found(const std::string& key) const {
    const KeyValue* entry = find(key);
    return as_known(key, entry ? entry->modified : cluster::kNoRevision);
  }
  void replace(const KeyValue& old, Op op) { packer_.add({.compares = {as_found(old.key)}, .ops = {std::move(op)}}); }

  void move_entry(const KeyValue& entry) {
    const cluster::ParsedKey key = cluster::parse_key(entry.key);
    if (key.kind == KeyKind::producer_ids) {
      if (const auto next = format1::read_producer_ids(entry.value)) replace(entry, cluster::put_producer_ids(*next));
    } else if (key.kind == KeyKind::topic) {
      move_topic(entry, key.name);
    } else if (!format1::is_value(entry.value)) {
      return;
    } else if (key.kind == KeyKind::broker) {
      if (const auto broker = format1::read_broker(entry.key, entry.value, key.broker))
        replace(entry, cluster::put_broker(*broker));
    } else if (key.kind == KeyKind::tombstone) {
      if (const auto name = format1::read_tombstone(entry.key, entry.value))
        replace(entry, cluster::put_tombstone(key.id, {.name = *name, .waiting = {self_}}));
    } else if (key.kind == KeyKind::broker_config) {
      if (const auto configs = format1::read_broker_config(entry.key, entry.value))
        replace(entry, configs->empty() ? Op::erase(entry.key) : cluster::put_broker_config(key.broker, *configs));
    }
  }

  void move_topic(const KeyValue& entry, std::string_view name) {
    if (!format1::is_value(entry.value)) {
      const auto moved = cluster::read_topic(entry.key, entry.value, name);
      if (!moved) has_unreadable_ = true;
      return;
    }
    auto head = format1::read_topic(entry.key, entry.value, name);
    if (!head) {
      has_unreadable_ = true;
      return;
    }
    cluster::Topic topic = std::move(head->topic);
    auto partitions = read_partitions(topic.id, head->partitions);
    if (!partitions) {
      kept_.insert(topic.id);
      return;
    }
    topic.partitions.append(*std::move(partitions));
    for (std::int32_t index = 0; index < topic.partition_count(); ++index) {
      Op op = cluster::put_partition(topic.id, index, topic.partitions[static_cast<std::size_t>(index)]);
      const KeyValue* moved = find(op.key);  // by a start that was cut off
      if (moved != nullptr && moved->value == op.value) continue;
      packer_.add({.compares = {as_found(op.key)}, .ops = {std::move(op)}});
    }
    replace(entry, cluster::put_topic(topic));
  }

  /// Nothing when one is missing or damaged.
  std::optional<std::vector<cluster::Partition>> read_partitions(const Uuid& topic, std::int32_t count) const {
    std::vector<cluster::Partition> partitions;
    for (std::int32_t chunk = 0; chunk < format1::chunk_count(count); ++chunk) {
      const KeyValue* entry = find(format1::chunk_key(topic, chunk));
      if (entry == nullptr) return std::nullopt;
      auto some = format1::read_chunk(entry->key, entry->value);
      if (!some) return std::nullopt;
      if (some->size() < std::size_t{format1::kPartitionsPerChunk} && chunk + 1 < format1::chunk_count(count))
        return std::nullopt;
      for (cluster::Partition& partition : *some) {
        if (partition.leader != kNoBroker) partition.leader_broker_epoch = kFirstBrokerEpoch;
        partitions.push_back(std::move(partition));
      }
    }
    if (std::cmp_less(partitions.size(), count)) return std::nullopt;
    partitions.resize(static_cast<std::size_t>(count));  // a growth that was cut off left more
    return partitions;
  }

  /// Chunks are erased after the topic's key in its new form, which does without them; so are those of no topic.
  void drop_orphan(const KeyValue& entry) {
    const auto place = format1::parse_chunk_key(entry.key);
    if (!place || kept_.contains(place->topic)) return;
    if (has_unreadable_ && !is_known(place->topic)) return;  // it may be that topic's
    replace(entry, Op::erase(entry.key));
  }

  /// Whether a topic or a tombstone with this id can be read.
  [[nodiscard]] bool is_known(const Uuid& id) {
    if (!ids_) {
      ids_.emplace();
      for (const auto& [key, entry] : entries_) {
        const cluster::ParsedKey parsed = cluster::parse_key(key);
        if (parsed.kind == KeyKind::tombstone) ids_->insert(parsed.id);
        if (parsed.kind != KeyKind::topic) continue;
        const auto head = format1::is_value(entry->value) ? format1::read_topic(key, entry->value, parsed.name)
                                                          : cluster::read_topic(key, entry->value, parsed.name);
        if (head) ids_->insert(head->topic.id);
      }
    }
    return ids_->contains(id);
  }

  const BrokerId self_;
  std::map<std::string_view, const KeyValue*> entries_;
  Packer packer_{1};     // each transaction compares the guard
  std::set<Uuid> kept_;  // topics that lack some of their chunks
  bool has_unreadable_ = false;
  std::optional<std::set<Uuid>> ids_;
};

}  // namespace

Result<Plan> plan_migration(std::span<const KeyValue> entries, BrokerId self) {
  const auto has = [&](std::string_view key) {
    return std::ranges::find(entries, key, &KeyValue::key) != entries.end();
  };
  // A store without a cluster is empty, or has lost what says whose it is. Each start asks this of all that there is.
  if (!has(cluster::cluster_key()) || has(cluster::level_key())) return Plan{};
  return Migration(entries, self).plan();
}

}  // namespace mq::controller
