#include "cluster/format1.h"

#include <fmt/format.h>

#include <utility>

#include "base/cursor.h"
#include "base/parsed_number.h"
#include "cluster/keys.h"
#include "cluster/value_parts.h"

namespace mq::cluster::format1 {
namespace {

constexpr std::string_view kChunks = "partitions/";
constexpr std::size_t kChunkDigits = 6;
constexpr std::size_t kPartitionBytesMin = 5;

template <class Read>
auto read_whole(std::string_view key, std::string_view value, Read read)
    -> Result<decltype(read(std::declval<Reader&>()))> {
  if (!is_value(value)) return damaged_value(key);
  Reader from(value.substr(1));
  auto read_one = read(from);
  if (from.failed() || from.remaining() != 0) return damaged_value(key);
  return read_one;
}

Partition take_partition(Reader& from) {
  Partition partition;
  partition.replicas = take_brokers(from);
  partition.isr = take_brokers(from);
  partition.leader = BrokerId{from.varint()};
  partition.leader_epoch = LeaderEpoch{from.varint()};
  partition.partition_epoch = from.varint();
  if (partition.problem() != nullptr) from.fail();
  return partition;
}

}  // namespace

bool is_value(std::string_view value) { return !value.empty() && value.front() == 1; }

std::string chunk_key(const Uuid& topic, std::int32_t chunk) {
  return fmt::format("{}{}/{:06}", kChunks, topic.to_string(), chunk);
}

std::optional<ChunkPlace> parse_chunk_key(std::string_view key) {
  if (!key.starts_with(kChunks)) return std::nullopt;
  key.remove_prefix(kChunks.size());
  const std::size_t slash = key.find('/');
  ChunkPlace place;
  if (slash == std::string_view::npos || !Uuid::parse(key.substr(0, slash), place.topic)) return std::nullopt;
  const std::string_view digits = key.substr(slash + 1);
  if (digits.size() != kChunkDigits || !digits.starts_with("00")) return std::nullopt;
  const auto chunk = parsed_number<std::int32_t>(digits);
  if (!chunk) return std::nullopt;
  place.chunk = *chunk;
  return place;
}

std::int32_t chunk_count(std::int32_t partitions) {
  return (partitions + kPartitionsPerChunk - 1) / kPartitionsPerChunk;
}

Result<Uuid> read_cluster(std::string_view key, std::string_view value) {
  return read_whole(key, value, [](Reader& from) { return take_id(from); });
}

Result<Broker> read_broker(std::string_view key, std::string_view value, BrokerId id) {
  return read_whole(key, value, [&](Reader& from) {
    Broker broker{.id = id, .endpoints = take_endpoints(from), .rack = std::nullopt};
    const std::uint32_t has_rack = from.uvarint();
    if (has_rack > 1) from.fail();
    if (has_rack == 1) broker.rack = take_text(from);
    return broker;
  });
}

Result<TopicValue> read_topic(std::string_view key, std::string_view value, std::string_view name) {
  return read_whole(key, value, [&](Reader& from) {
    TopicValue read;
    read.topic.name = name;
    read.topic.id = take_id(from);
    const std::uint32_t partitions = from.uvarint();
    read.topic.configs = take_configs(from);
    if (read.topic.id.is_zero() || partitions == 0 || partitions > static_cast<std::uint32_t>(kPartitionsPerTopicMax))
      from.fail();
    read.partitions = static_cast<std::int32_t>(partitions);
    return read;
  });
}

Result<std::vector<Partition>> read_chunk(std::string_view key, std::string_view value) {
  return read_whole(key, value, [](Reader& from) {
    std::vector<Partition> partitions;
    for (std::size_t left = take_count(from, static_cast<std::size_t>(kPartitionsPerChunk), kPartitionBytesMin);
         left > 0 && !from.failed(); --left)
      partitions.push_back(take_partition(from));
    return partitions;
  });
}

Result<std::string> read_tombstone(std::string_view key, std::string_view value) {
  return read_whole(key, value, [](Reader& from) { return take_text(from); });
}

Result<ConfigMap> read_broker_config(std::string_view key, std::string_view value) {
  return read_whole(key, value, [](Reader& from) { return take_configs(from); });
}

std::optional<std::int64_t> read_producer_ids(std::string_view value) {
  // The first byte of a number so large that nobody has come there would be that of a later version.
  if (value.size() != sizeof(std::int64_t) || value.front() != 0) return std::nullopt;
  return load_be<std::int64_t>(value.data());
}

}  // namespace mq::cluster::format1
