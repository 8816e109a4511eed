#include "client/partitioner.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace mq::client {
namespace {

std::uint32_t load_le32(const char* from) {
  std::uint32_t v = 0;
  std::memcpy(&v, from, sizeof v);
  if constexpr (std::endian::native == std::endian::big) v = std::byteswap(v);
  return v;
}

/// The reflected polynomial of zlib's and librdkafka's CRC-32.
constexpr std::array<std::uint32_t, 256> kCrc32Table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t v = i;
    for (int bit = 0; bit < 8; ++bit) v = (v >> 1) ^ ((v & 1) != 0 ? 0xedb88320u : 0u);
    table[i] = v;
  }
  return table;
}();

}  // namespace

std::optional<Partitioner> parse_partitioner(std::string_view name) {
  if (name == "murmur2") return Partitioner::murmur2;
  if (name == "crc32") return Partitioner::crc32;
  if (name == "fnv1a") return Partitioner::fnv1a;
  if (name == "random") return Partitioner::random;
  if (name == "rr") return Partitioner::round_robin;
  if (name == "sticky") return Partitioner::sticky;
  return std::nullopt;
}

std::int32_t murmur2(BytesView key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  constexpr std::uint32_t kSeed = 0x9747b28c;
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  while (key.size() >= 4) {
    std::uint32_t word = load_le32(key.data()) * kMultiplier;
    word ^= word >> kShift;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
    key.remove_prefix(4);
  }
  if (!key.empty()) {
    for (std::size_t i = 0; i < key.size(); ++i)
      hash ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(key[i])) << (8 * i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<std::int32_t>(hash);
}

std::uint32_t crc32(BytesView key) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : key) crc = (crc >> 8) ^ kCrc32Table[(crc ^ static_cast<std::uint8_t>(c)) & 0xffu];
  return ~crc;
}

std::uint32_t fnv1a(BytesView key) {
  std::uint32_t hash = 0x811c9dc5u;
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x01000193u;
  return hash;
}

std::int32_t partition_for_key(Partitioner partitioner, BytesView key, std::int32_t partitions) {
  MQ_ASSERT(partitions > 0);
  switch (partitioner) {
    case Partitioner::crc32:
      return static_cast<std::int32_t>(crc32(key) % static_cast<std::uint32_t>(partitions));
    case Partitioner::fnv1a: {
      // As Sarama: the remainder of the signed hash, made positive.
      const std::int64_t remainder = static_cast<std::int32_t>(fnv1a(key)) % partitions;
      return static_cast<std::int32_t>(remainder < 0 ? -remainder : remainder);
    }
    default:
      // As the Java client: the sign bit is dropped, not the sign.
      return (murmur2(key) & 0x7fffffff) % partitions;
  }
}

}  // namespace mq::client
