#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/ids.h"
#include "wire/codec.h"

namespace mq::wire {

/// The key of a committed offset. Its version is the kind of the record; 0 and 1 look the same.
struct OffsetCommitKey {
  static constexpr std::string_view kName = "OffsetCommitKey";
  static constexpr Versions kVersions{0, 1};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;

  std::string group{};
  std::string topic{};
  std::int32_t partition = 0;
};

/// A committed offset; no value at all when it was deleted.
struct OffsetCommitValue {
  static constexpr std::string_view kName = "OffsetCommitValue";
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  std::int64_t offset = 0;
  std::int32_t leader_epoch = -1;
  std::string metadata{};
  std::int64_t commit_timestamp = 0;
  std::int64_t expire_timestamp = -1;  ///< -1: when the group is idle for long enough
  Uuid topic_id{};
};

/// The key of the state of a classic group.
struct GroupMetadataKey {
  static constexpr std::string_view kName = "GroupMetadataKey";
  static constexpr Versions kVersions{2, 2};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;

  std::string group{};
};

/// The state of a classic group; no value at all when it is gone.
struct GroupMetadataValue {
  static constexpr std::string_view kName = "GroupMetadataValue";
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct MemberMetadata {
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::string client_id{};
    std::string client_host{};
    std::int32_t rebalance_timeout = -1;
    std::int32_t session_timeout = 0;
    std::string subscription{};
    std::string assignment{};
  };

  std::string protocol_type{};
  std::int32_t generation = 0;
  std::optional<std::string> protocol{};  ///< null: no member, or rebalancing
  std::optional<std::string> leader{};    ///< null: no member
  std::int64_t current_state_timestamp = -1;
  std::vector<MemberMetadata> members{};
};

}  // namespace mq::wire
