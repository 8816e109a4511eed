#include "cluster/records.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"

namespace mq::cluster {
namespace {

// Values, after their byte of version. `text` is a length and its bytes, `list of x` a count and that many x; lengths
// and counts are unsigned varints, other numbers zigzag varints.
//
//   cluster      16 bytes of id
//   broker       list of (text listener, text host, port), then 0 or (1, text rack)
//   topic        16 bytes of id, count of partitions, list of (text name, text value) by ascending name
//   partitions   list of (list of replica, list of isr, leader, leader epoch, partition epoch)
//   tombstone    text name
//   config       list of (text name, text value) by ascending name
constexpr std::uint8_t kVersion = 1;

constexpr std::string_view kClusterKey = "cluster";
constexpr std::string_view kBrokerPrefix = "brokers/";
constexpr std::string_view kTopicPrefix = "topics/";
constexpr std::string_view kPartitionsPrefix = "partitions/";
constexpr std::string_view kTombstonePrefix = "tombstones/";
constexpr std::string_view kBrokerConfigPrefix = "configs/brokers/";

constexpr std::size_t kEndpointsMax = 64;
constexpr std::size_t kReplicasMax = 128;
constexpr std::size_t kConfigsMax = 10'000;
constexpr std::size_t kPartitionBytesMin = 5;

// --- writing

std::string new_value() { return std::string(1, static_cast<char>(kVersion)); }

void put_text(Writer& to, std::string_view text) {
  to.uvarint(text.size());
  to.bytes(text);
}

void put_id(Writer& to, const Uuid& id) { to.bytes({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}); }

void put_brokers(Writer& to, const std::vector<BrokerId>& brokers) {
  to.uvarint(brokers.size());
  for (const BrokerId id : brokers) to.varint(id.value());
}

void put_configs(Writer& to, const ConfigMap& configs) {
  to.uvarint(configs.size());
  for (const auto& [name, value] : configs) {
    put_text(to, name);
    put_text(to, value);
  }
}

void put_partition(Writer& to, const Partition& partition) {
  put_brokers(to, partition.replicas);
  put_brokers(to, partition.isr);
  to.varint(partition.leader.value());
  to.varint(partition.leader_epoch.value());
  to.varint(partition.partition_epoch);
}

// --- reading: what goes wrong sets the reader's `failed`, and whoever opened the value reports it

std::string take_text(Reader& from) { return std::string(from.take(from.uvarint())); }

/// A count of things that take at least `bytes_min` each, so that it cannot make us reserve more than was sent.
std::size_t take_count(Reader& from, std::size_t count_max, std::size_t bytes_min) {
  const std::size_t count = from.uvarint();
  if (count > count_max || count * bytes_min > from.remaining()) {
    from.fail();
    return 0;
  }
  return count;
}

Uuid take_id(Reader& from) {
  Uuid id;
  std::ranges::copy(from.take(id.bytes.size()), id.bytes.begin());
  return id;
}

std::vector<BrokerId> take_brokers(Reader& from) {
  std::vector<BrokerId> brokers(take_count(from, kReplicasMax, 1));
  for (BrokerId& id : brokers) id = BrokerId{from.varint()};
  return brokers;
}

ConfigMap take_configs(Reader& from) {
  ConfigMap configs;
  for (std::size_t left = take_count(from, kConfigsMax, 2); left > 0 && !from.failed(); --left) {
    std::string name = take_text(from);
    if (!configs.empty() && name <= configs.rbegin()->first) from.fail();
    std::string value = take_text(from);
    configs.emplace_hint(configs.end(), std::move(name), std::move(value));
  }
  return configs;
}

bool holds(const std::vector<BrokerId>& brokers, BrokerId id) {
  return std::ranges::find(brokers, id) != brokers.end();
}

bool is_consistent(const Partition& p) {
  for (std::size_t i = 0; i < p.replicas.size(); ++i)
    if (std::find(p.replicas.begin(), p.replicas.begin() + static_cast<std::ptrdiff_t>(i), p.replicas[i]) !=
        p.replicas.begin() + static_cast<std::ptrdiff_t>(i))
      return false;
  return std::ranges::all_of(p.isr, [&](BrokerId id) { return holds(p.replicas, id); }) &&
         (p.leader == kNoBroker || holds(p.replicas, p.leader)) && p.leader_epoch.value() >= 0 &&
         p.partition_epoch >= 0;
}

Partition take_partition(Reader& from) {
  Partition partition;
  partition.replicas = take_brokers(from);
  partition.isr = take_brokers(from);
  partition.leader = BrokerId{from.varint()};
  partition.leader_epoch = LeaderEpoch{from.varint()};
  partition.partition_epoch = from.varint();
  if (!is_consistent(partition)) from.fail();
  return partition;
}

std::unexpected<Error> damaged(std::string_view key) {
  return fail(Errc::corrupt, "the metadata store's key \"{}\" is damaged", key);
}

Result<Reader> open_value(std::string_view key, std::string_view value) {
  Reader from(value);
  const auto version = from.be<std::uint8_t>();
  if (from.failed() || version == 0) return damaged(key);
  if (version > kVersion)
    return fail(Errc::unsupported, "the metadata store's key \"{}\" was written by a later version of mqd", key);
  return from;
}

Result<void> close_value(std::string_view key, const Reader& from) {
  if (from.failed() || from.remaining() != 0) return damaged(key);
  return {};
}

Result<BrokerId> broker_of_key(std::string_view key, std::string_view prefix) {
  const std::string_view text = key.substr(prefix.size());
  std::int32_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem != std::errc{} || end != text.data() + text.size()) return damaged(key);
  return BrokerId{id};
}

Result<Uuid> id_of_key(std::string_view key, std::string_view prefix) {
  Uuid id;
  if (!Uuid::parse(key.substr(prefix.size()), id)) return damaged(key);
  return id;
}

/// The listing by key.
using Listing = std::map<std::string_view, std::string_view>;

/// Reads a listing into an image, one kind of key after the other.
class ListingReader {
 public:
  explicit ListingReader(std::span<const KeyValue> records) {
    for (const KeyValue& record : records) listing_.emplace(record.key, record.value);
  }

  Result<ClusterImage> read() {
    for (const auto& [key, value] : listing_) MQ_CHECK(read_entry(key, value));
    auto image = builder_.build();
    if (!image) return fail(Errc::corrupt, "two topics in the metadata store have the same id");
    return *std::move(image);
  }

 private:
  Result<void> read_entry(std::string_view key, std::string_view value) {
    if (key == kClusterKey) return read_cluster(key, value);
    if (key.starts_with(kBrokerPrefix)) return read_broker(key, value);
    if (key.starts_with(kTopicPrefix)) return read_topic(key, value);
    if (key.starts_with(kTombstonePrefix)) return read_tombstone(key, value);
    if (key.starts_with(kBrokerConfigPrefix)) return read_broker_config(key, value);
    return {};  // Chunks of partitions are read with their topic; the rest is not ours.
  }

  Result<void> read_cluster(std::string_view key, std::string_view value) {
    MQ_TRY(Reader from, open_value(key, value));
    builder_.set_cluster_id(take_id(from));
    return close_value(key, from);
  }

  Result<void> read_broker(std::string_view key, std::string_view value) {
    Broker broker;
    MQ_TRY(broker.id, broker_of_key(key, kBrokerPrefix));
    MQ_TRY(Reader from, open_value(key, value));
    broker.endpoints.resize(take_count(from, kEndpointsMax, 3));
    for (Endpoint& endpoint : broker.endpoints) {
      endpoint.listener = take_text(from);
      endpoint.host = take_text(from);
      const std::uint32_t port = from.uvarint();
      if (port > 65535) from.fail();
      endpoint.port = static_cast<std::uint16_t>(port);
    }
    const std::uint32_t has_rack = from.uvarint();
    if (has_rack > 1) from.fail();
    if (has_rack == 1) broker.rack = take_text(from);
    MQ_CHECK(close_value(key, from));
    builder_.add_broker(std::move(broker));
    return {};
  }

  Result<void> read_topic(std::string_view key, std::string_view value) {
    Topic topic;
    topic.name = key.substr(kTopicPrefix.size());
    if (topic_name_problem(topic.name) != nullptr) return damaged(key);
    MQ_TRY(Reader from, open_value(key, value));
    topic.id = take_id(from);
    const std::uint32_t partitions = from.uvarint();
    topic.configs = take_configs(from);
    MQ_CHECK(close_value(key, from));
    if (topic.id.is_zero() || partitions == 0 || partitions > static_cast<std::uint32_t>(kPartitionsPerTopicMax))
      return damaged(key);
    MQ_CHECK(read_partitions(topic, static_cast<std::int32_t>(partitions)));
    builder_.add_topic(std::move(topic));
    return {};
  }

  Result<void> read_partitions(Topic& topic, std::int32_t count) {
    for (std::int32_t chunk = 0; chunk < chunk_count(count); ++chunk) {
      const std::string key = partitions_key(topic.id, chunk);
      const auto found = listing_.find(key);
      if (found == listing_.end())
        return fail(Errc::corrupt, "the metadata store lacks the key \"{}\" of topic {}", key, topic.name);
      MQ_TRY(Reader from, open_value(key, found->second));
      const auto visible = static_cast<std::size_t>(std::min(count - chunk * kPartitionsPerChunk, kPartitionsPerChunk));
      const std::size_t written = take_count(from, static_cast<std::size_t>(kPartitionsPerChunk), kPartitionBytesMin);
      if (written < visible) return damaged(key);
      for (std::size_t i = 0; i < written && !from.failed(); ++i) {
        Partition partition = take_partition(from);
        if (i < visible) topic.partitions.push_back(std::move(partition));
      }
      MQ_CHECK(close_value(key, from));
    }
    topic.partitions.shrink_to_fit();
    return {};
  }

  Result<void> read_tombstone(std::string_view key, std::string_view value) {
    MQ_TRY(const Uuid id, id_of_key(key, kTombstonePrefix));
    MQ_TRY(Reader from, open_value(key, value));
    std::string name = take_text(from);
    MQ_CHECK(close_value(key, from));
    builder_.add_tombstone(id, std::move(name));
    return {};
  }

  Result<void> read_broker_config(std::string_view key, std::string_view value) {
    MQ_TRY(const BrokerId id, broker_of_key(key, kBrokerConfigPrefix));
    MQ_TRY(Reader from, open_value(key, value));
    ConfigMap configs = take_configs(from);
    MQ_CHECK(close_value(key, from));
    if (!configs.empty()) builder_.set_broker_config(id, std::move(configs));
    return {};
  }

  Listing listing_;
  ImageBuilder builder_;
};

}  // namespace

std::string cluster_key() { return std::string(kClusterKey); }
std::string broker_key(BrokerId id) { return fmt::format("{}{}", kBrokerPrefix, id.value()); }
std::string topic_key(std::string_view name) { return fmt::format("{}{}", kTopicPrefix, name); }
std::string partitions_key(const Uuid& topic, std::int32_t chunk) {
  return fmt::format("{}{}/{:06}", kPartitionsPrefix, topic.to_string(), chunk);
}
std::string tombstone_key(const Uuid& topic) { return fmt::format("{}{}", kTombstonePrefix, topic.to_string()); }
std::string broker_config_key(BrokerId id) { return fmt::format("{}{}", kBrokerConfigPrefix, id.value()); }

std::int32_t chunk_count(std::int32_t partitions) {
  return (partitions + kPartitionsPerChunk - 1) / kPartitionsPerChunk;
}

KeyValue cluster_record(const Uuid& cluster_id) {
  KeyValue record{cluster_key(), new_value()};
  Writer to(record.value);
  put_id(to, cluster_id);
  return record;
}

KeyValue broker_record(const Broker& broker) {
  KeyValue record{broker_key(broker.id), new_value()};
  Writer to(record.value);
  to.uvarint(broker.endpoints.size());
  for (const Endpoint& endpoint : broker.endpoints) {
    put_text(to, endpoint.listener);
    put_text(to, endpoint.host);
    to.uvarint(endpoint.port);
  }
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
  KeyValue record{partitions_key(topic.id, chunk), new_value()};
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
    keys.push_back(partitions_key(topic.id, chunk));
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
  for (const auto& [id, configs] : image.broker_configs()) records.push_back(broker_config_record(id, configs));
  for (const auto& [id, name] : image.tombstones()) records.push_back(tombstone_record(id, name));
  for (const TopicPtr& topic : image.topics())
    for (KeyValue& record : to_records(*topic)) records.push_back(std::move(record));
  return records;
}

Result<ClusterImage> from_records(std::span<const KeyValue> records) { return ListingReader(records).read(); }

std::vector<std::string> orphan_keys(std::span<const KeyValue> records, const ClusterImage& image) {
  std::vector<std::string> orphans;
  for (const KeyValue& record : records) {
    if (!record.key.starts_with(kPartitionsPrefix)) continue;
    const std::string_view rest = std::string_view(record.key).substr(kPartitionsPrefix.size());
    Uuid id;
    const bool known = Uuid::parse(rest.substr(0, rest.find('/')), id) && image.find_topic(id) != nullptr;
    if (!known) orphans.push_back(record.key);
  }
  return orphans;
}

}  // namespace mq::cluster
