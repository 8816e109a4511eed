#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/message.h"

namespace mq::wire {

struct OffsetCommitResponse;

/// Stores how far a group has read.
struct OffsetCommitRequest {
  using Response = OffsetCommitResponse;
  static constexpr std::string_view kName = "OffsetCommitRequest";
  static constexpr ApiKey kApi = ApiKey::kOffsetCommit;
  static constexpr Versions kVersions{2, 10};
  static constexpr ApiVersion kFlexibleSince = 8;

  struct OffsetCommitRequestPartition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata{};
  };
  struct OffsetCommitRequestTopic {
    std::string name{};
    Uuid topic_id{};
    std::vector<OffsetCommitRequestPartition> partitions{};
  };

  std::string group_id{};
  std::int32_t generation_id_or_member_epoch = -1;  ///< -1: no member of the group
  std::string member_id{};
  std::optional<std::string> group_instance_id{};
  std::int64_t retention_time_ms = -1;
  std::vector<OffsetCommitRequestTopic> topics{};
};

/// An error per partition.
struct OffsetCommitResponse {
  static constexpr std::string_view kName = "OffsetCommitResponse";
  static constexpr ApiKey kApi = ApiKey::kOffsetCommit;
  static constexpr Versions kVersions{2, 10};
  static constexpr ApiVersion kFlexibleSince = 8;

  struct OffsetCommitResponsePartition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
  };
  struct OffsetCommitResponseTopic {
    std::string name{};
    Uuid topic_id{};
    std::vector<OffsetCommitResponsePartition> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetCommitResponseTopic> topics{};
};

}  // namespace mq::wire
