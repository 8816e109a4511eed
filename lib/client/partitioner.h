#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace mq::client {

/// How a record's partition is chosen when the caller does not name one.
enum class Partitioner {
  murmur2,      ///< by key as the Java client does; records without a key as `sticky`
  crc32,        ///< by key as librdkafka's consistent_random; without a key as `sticky`
  fnv1a,        ///< by key as Sarama; without a key as `sticky`
  random,       ///< each record anywhere, key or not
  round_robin,  ///< the next one, key or not
  sticky,       ///< one partition until its batch is full, then another; key or not
};

/// Reads murmur2, crc32, fnv1a, random, rr and sticky.
[[nodiscard]] std::optional<Partitioner> parse_partitioner(std::string_view name);

/// MurmurHash2 with Kafka's seed, the value of `Utils.murmur2`.
[[nodiscard]] std::int32_t murmur2(BytesView key);
[[nodiscard]] std::uint32_t crc32(BytesView key);
[[nodiscard]] std::uint32_t fnv1a(BytesView key);

/// The partition for `key` under a partitioner that looks at keys. `partitions` is above 0.
[[nodiscard]] std::int32_t partition_for_key(Partitioner partitioner, BytesView key, std::int32_t partitions);

}  // namespace mq::client
