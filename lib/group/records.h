#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "group/committed_offsets.h"
#include "group/member.h"
#include "model/ids.h"
#include "statelog/effects.h"

namespace mq::group {

class Classic;
using statelog::Record;

// The records of __consumer_offsets, byte for byte Kafka's: offsets under (group, topic, partition), groups under their
// id.

struct OffsetKey {
  std::string group_id;
  TopicPartition partition;
};
struct GroupKey {
  std::string group_id;
};
using RecordKey = std::variant<OffsetKey, GroupKey>;

/// What a group's record says.
struct WrittenGroup {
  std::optional<std::string> protocol_type;
  std::int32_t generation = 0;
  std::optional<std::string> protocol_name;
  std::string leader;
  WallMillis state_since = -1;  ///< -1: written before there was this field
  std::vector<Member> members;
};

/// Of a kind that classic groups have, as its version says; it may still be damaged.
[[nodiscard]] bool is_known_key(BytesView key);
/// Nothing: not a known kind, or damaged.
[[nodiscard]] std::optional<RecordKey> decode_key(BytesView key);
[[nodiscard]] std::optional<CommittedOffset> decode_offset(BytesView value);
[[nodiscard]] std::optional<WrittenGroup> decode_group(BytesView value);

[[nodiscard]] Record offset_record(const std::string& group_id, const TopicPartition& partition,
                                   const CommittedOffset& offset);
[[nodiscard]] Record offset_tombstone(const std::string& group_id, const TopicPartition& partition);
/// The group as it is now, each member with its assignment.
[[nodiscard]] Record group_record(const std::string& group_id, const Classic& group);
[[nodiscard]] Record group_tombstone(const std::string& group_id);

// Not less than what these take of a batch, so that what would not fit can be refused beforehand.

/// The next generation of `group`, but for `left_out` and for what will be assigned.
[[nodiscard]] std::size_t record_bytes_max(const std::string& group_id, const Classic& group,
                                           const Member* left_out = nullptr);
/// A member's part of its group's record, without its assignment.
[[nodiscard]] std::size_t record_bytes_max(const Member& member);
[[nodiscard]] std::size_t tombstone_bytes_max(const std::string& group_id, const TopicPartition& partition);

}  // namespace mq::group
