#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/strong.h"

namespace mq {

using Offset = Strong<std::int64_t, struct OffsetTag>;            ///< a place in a log
using OffsetDelta = Strong<std::int64_t, struct OffsetDeltaTag>;  ///< a distance between two places
constexpr Offset operator+(Offset o, OffsetDelta d) { return Offset{o.value() + d.value()}; }
constexpr Offset operator-(Offset o, OffsetDelta d) { return Offset{o.value() - d.value()}; }
constexpr OffsetDelta operator-(Offset a, Offset b) { return OffsetDelta{a.value() - b.value()}; }
constexpr Offset next(Offset o) { return Offset{o.value() + 1}; }

using PartitionId = Strong<std::int32_t, struct PartitionIdTag>;
using BrokerId = Strong<std::int32_t, struct BrokerIdTag>;
using LeaderEpoch = Strong<std::int32_t, struct LeaderEpochTag>;  ///< -1: unknown
using ProducerId = Strong<std::int64_t, struct ProducerIdTag>;    ///< -1: not idempotent
using ProducerEpoch = Strong<std::int16_t, struct ProducerEpochTag>;
using Sequence = Strong<std::int32_t, struct SequenceTag>;  ///< of the first record of a batch; wraps to 0 after 2^31-1
using Generation = Strong<std::int32_t, struct GenerationTag>;

inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr BrokerId kNoBroker{-1};

/// 128 bits as Kafka sends them: big-endian, all zero meaning "none". Topic ids and cluster ids.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  [[nodiscard]] bool is_zero() const { return *this == Uuid{}; }
  /// URL-safe base64 without padding, 22 characters: the spelling of Kafka's own tools and of `partition.metadata`.
  [[nodiscard]] std::string to_string() const;
  /// Reads what `to_string` writes. False, and `out` untouched, on anything else.
  static bool parse(std::string_view text, Uuid& out);
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  /// `topic-partition`, as the directory of its log is named.
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

inline constexpr std::size_t kTopicNameBytesMax = 249;
/// Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], and neither "." nor "..". Null when the name is fine, else why it is not.
[[nodiscard]] const char* topic_name_problem(std::string_view name);
/// `a.b` and `a_b` collide in Kafka's metric names, so Kafka refuses the second; so do we.
[[nodiscard]] bool topic_names_collide(std::string_view a, std::string_view b);
[[nodiscard]] bool is_internal_topic(std::string_view name);
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionsTopic = "__transaction_state";

}  // namespace mq

template <>
struct std::hash<mq::Uuid> {
  std::size_t operator()(const mq::Uuid& id) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
  }
};
template <>
struct std::hash<mq::TopicPartition> {
  std::size_t operator()(const mq::TopicPartition& tp) const {
    return std::hash<std::string>{}(tp.topic) * 31 + static_cast<std::size_t>(tp.partition);
  }
};
