#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "cluster/values.h"

namespace mq::cluster::format1 {

// Reads what mqd wrote before format 2, so that it can be moved. Keys that are spelled otherwise than in `keys.h`:
//
//   partitions/UUID/CHUNK    partitions [256 * CHUNK, 256 * CHUNK + 256) of the topic with this id
//
// CHUNK has six decimal digits, two leading zeros at least. Values begin with a byte of version, 1, but for the
// counter's. Nothing may follow their last field:
//
//   cluster      16 bytes of id
//   broker       list of endpoint, then 0 or (1, text rack)
//   topic        16 bytes of id, count of partitions, list of config
//   partitions   list of (list of replica, list of ISR, leader, leader epoch, partition epoch)
//   tombstone    text name
//   config       list of config
//   producer ids 8 bytes, big-endian
//
// What a topic's creation left when it was cut off is chunks without a topic's key, and partitions above its number.

inline constexpr std::int32_t kPartitionsPerChunk = 256;

/// Whether this value, not the counter's, is of format 1.
[[nodiscard]] bool is_value(std::string_view value);

struct ChunkPlace {
  Uuid topic;
  std::int32_t chunk = 0;
};
[[nodiscard]] std::string chunk_key(const Uuid& topic, std::int32_t chunk);
[[nodiscard]] std::optional<ChunkPlace> parse_chunk_key(std::string_view key);
/// How many chunk keys a topic of so many partitions has.
[[nodiscard]] std::int32_t chunk_count(std::int32_t partitions);

// corrupt: the value does not follow its format, or is of another one.

[[nodiscard]] Result<Uuid> read_cluster(std::string_view key, std::string_view value);
[[nodiscard]] Result<Broker> read_broker(std::string_view key, std::string_view value, BrokerId id);
[[nodiscard]] Result<TopicValue> read_topic(std::string_view key, std::string_view value, std::string_view name);
[[nodiscard]] Result<std::vector<Partition>> read_chunk(std::string_view key, std::string_view value);
[[nodiscard]] Result<std::string> read_tombstone(std::string_view key, std::string_view value);
[[nodiscard]] Result<ConfigMap> read_broker_config(std::string_view key, std::string_view value);
/// None when it is of another format.
[[nodiscard]] std::optional<std::int64_t> read_producer_ids(std::string_view value);

}  // namespace mq::cluster::format1
