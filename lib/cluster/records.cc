#include "cluster/records.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "cluster/value_parts.h"

namespace mq::cluster {
namespace {

std::string new_value() { return std::string(1, '\1'); }

void put_partition(Writer& to, const Partition& partition) {
  put_brokers(to, partition.replicas);
  put_brokers(to, partition.isr);
  to.varint(partition.leader.value());
  to.varint(partition.leader_epoch.value());
  to.varint(partition.partition_epoch);
}

/// Reads a listing into an image, one kind of key after the other.
class ListingReader {
 public:
  explicit ListingReader(std::span<const KeyValue> records) {
    for (const KeyValue& record : records) listing_.emplace(record.key, &record);
  }

  Result<ClusterImage> read() {
    for (const auto& [key, entry] : listing_) MQ_CHECK(read_entry(*entry));
    auto image = builder_.build();
    if (!image) return fail(Errc::corrupt, "two topics in the metadata store have the same id");
    return *std::move(image);
  }

 private:
  Result<void> read_entry(const KeyValue& entry) {
    const ParsedKey key = parse_key(entry.key);
    const bool is_read_here = key.kind == KeyKind::cluster || key.kind == KeyKind::broker ||
                              key.kind == KeyKind::topic || key.kind == KeyKind::tombstone ||
                              key.kind == KeyKind::broker_config;
    const bool is_chunk = entry.key.starts_with("partitions/");
    if (key.kind == KeyKind::misspelled && !is_chunk) return damaged_value(entry.key);
    if (!is_read_here) return {};  // Chunks of partitions are read with their topic; the rest is not ours.
    MQ_CHECK(check_version(entry));
    if (key.kind == KeyKind::topic) return read_topic(entry, key.name);
    if (key.kind == KeyKind::cluster) {
      MQ_TRY(const Uuid id, format1::read_cluster(entry.key, entry.value));
      builder_.set_cluster_id(id);
    } else if (key.kind == KeyKind::broker) {
      MQ_TRY(Broker broker, format1::read_broker(entry.key, entry.value, key.broker));
      builder_.add_broker(std::move(broker));
    } else if (key.kind == KeyKind::tombstone) {
      MQ_TRY(std::string name, format1::read_tombstone(entry.key, entry.value));
      builder_.add_tombstone(key.id, {.name = std::move(name), .waiting = {}});
    } else {
      MQ_TRY(ConfigMap configs, format1::read_broker_config(entry.key, entry.value));
      builder_.set_broker_config(key.broker, std::move(configs));
    }
    return {};
  }

  static Result<void> check_version(const KeyValue& entry) {
    if (!entry.value.empty() && static_cast<std::uint8_t>(entry.value.front()) > 1)
      return fail(Errc::unsupported, "the metadata store's key \"{}\" was written by a later version of mqd",
                  entry.key);
    return {};
  }

  Result<void> read_topic(const KeyValue& entry, std::string_view name) {
    MQ_TRY(TopicValue read, format1::read_topic(entry.key, entry.value, name));
    std::vector<Partition> partitions;
    for (std::int32_t chunk = 0; chunk < chunk_count(read.partitions); ++chunk) {
      const std::string key = format1::chunk_key(read.topic.id, chunk);
      const auto found = listing_.find(key);
      if (found == listing_.end())
        return fail(Errc::corrupt, "the metadata store lacks the key \"{}\" of topic {}", key, name);
      MQ_CHECK(check_version(*found->second));
      MQ_TRY(std::vector<Partition> some, format1::read_chunk(key, found->second->value));
      const std::int32_t visible = std::min(read.partitions - chunk * kPartitionsPerChunk, kPartitionsPerChunk);
      if (std::cmp_less(some.size(), visible)) return damaged_value(key);
      some.resize(static_cast<std::size_t>(visible));
      std::ranges::move(some, std::back_inserter(partitions));
    }
    read.topic.partitions.append(std::move(partitions));
    builder_.add_topic(std::move(read.topic));
    return {};
  }

  std::map<std::string_view, const KeyValue*> listing_;
  ImageBuilder builder_;
};

}  // namespace

KeyValue cluster_record(const Uuid& cluster_id) {
  KeyValue record{cluster_key(), new_value()};
  Writer to(record.value);
  put_id(to, cluster_id);
  return record;
}

KeyValue broker_record(const Broker& broker) {
  KeyValue record{broker_key(broker.id), new_value()};
  Writer to(record.value);
  put_endpoints(to, broker.endpoints);
  to.uvarint(broker.rack ? 1 : 0);
  if (broker.rack) put_text(to, *broker.rack);
  return record;
}

KeyValue topic_record(const Topic& topic) {
  KeyValue record{topic_key(topic.name), new_value()};
  Writer to(record.value);
  put_id(to, topic.id);
  to.uvarint(topic.partitions.size());
  put_configs(to, topic.configs);
  return record;
}

KeyValue partitions_record(const Topic& topic, std::int32_t chunk) {
  MQ_ASSERT(chunk >= 0 && chunk < chunk_count(topic.partition_count()));
  const std::int32_t first = chunk * kPartitionsPerChunk;
  const std::int32_t end = std::min(first + kPartitionsPerChunk, topic.partition_count());
  KeyValue record{format1::chunk_key(topic.id, chunk), new_value()};
  Writer to(record.value);
  to.uvarint(static_cast<std::uint64_t>(end - first));
  for (std::int32_t index = first; index < end; ++index)
    put_partition(to, topic.partitions[static_cast<std::size_t>(index)]);
  return record;
}

std::vector<KeyValue> to_records(const Topic& topic) {
  std::vector<KeyValue> records;
  for (std::int32_t chunk = 0; chunk < chunk_count(topic.partition_count()); ++chunk)
    records.push_back(partitions_record(topic, chunk));
  records.push_back(topic_record(topic));
  return records;
}

std::vector<std::string> keys_of(const Topic& topic) {
  std::vector<std::string> keys{topic_key(topic.name)};
  for (std::int32_t chunk = 0; chunk < chunk_count(topic.partition_count()); ++chunk)
    keys.push_back(format1::chunk_key(topic.id, chunk));
  return keys;
}

KeyValue tombstone_record(const Uuid& topic, std::string_view name) {
  KeyValue record{tombstone_key(topic), new_value()};
  Writer to(record.value);
  put_text(to, name);
  return record;
}

KeyValue broker_config_record(BrokerId id, const ConfigMap& configs) {
  KeyValue record{broker_config_key(id), new_value()};
  Writer to(record.value);
  put_configs(to, configs);
  return record;
}

std::vector<KeyValue> to_records(const ClusterImage& image) {
  std::vector<KeyValue> records;
  if (!image.cluster_id().is_zero()) records.push_back(cluster_record(image.cluster_id()));
  for (const auto& [id, broker] : image.brokers()) records.push_back(broker_record(broker));
  for (const auto& [id, settings] : image.broker_configs())
    records.push_back(broker_config_record(id, settings.configs));
  for (const auto& [id, tombstone] : image.tombstones()) records.push_back(tombstone_record(id, tombstone.name));
  for (const TopicPtr& topic : image.topics())
    for (KeyValue& record : to_records(*topic)) records.push_back(std::move(record));
  return records;
}

Result<ClusterImage> from_records(std::span<const KeyValue> records) { return ListingReader(records).read(); }

std::vector<std::string> orphan_keys(std::span<const KeyValue> records, const ClusterImage& image) {
  std::vector<std::string> orphans;
  for (const KeyValue& record : records) {
    const auto place = format1::parse_chunk_key(record.key);
    if (place && image.find_topic(place->topic) == nullptr) orphans.push_back(record.key);
  }
  return orphans;
}

}  // namespace mq::cluster
