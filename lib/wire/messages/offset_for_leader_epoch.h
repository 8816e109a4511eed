#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct OffsetForLeaderEpochResponse;

/// Asks where leader epochs ended, to find where a log diverged.
struct OffsetForLeaderEpochRequest {
  using Response = OffsetForLeaderEpochResponse;
  static constexpr std::string_view kName = "OffsetForLeaderEpochRequest";
  static constexpr ApiKey kApi = ApiKey::kOffsetForLeaderEpoch;
  static constexpr Versions kVersions{2, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct OffsetForLeaderPartition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int32_t leader_epoch = 0;
  };
  struct OffsetForLeaderTopic {
    std::string topic{};
    std::vector<OffsetForLeaderPartition> partitions{};
  };

  std::int32_t replica_id = -2;  ///< -1: a consumer, -2: a debugging one
  std::vector<OffsetForLeaderTopic> topics{};
};

/// The end of the largest epoch not above the one asked for.
struct OffsetForLeaderEpochResponse {
  static constexpr std::string_view kName = "OffsetForLeaderEpochResponse";
  static constexpr ApiKey kApi = ApiKey::kOffsetForLeaderEpoch;
  static constexpr Versions kVersions{2, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct EpochEndOffset {
    ErrorCode error_code = ErrorCode::kNone;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t end_offset = -1;
  };
  struct OffsetForLeaderTopicResult {
    std::string topic{};
    std::vector<EpochEndOffset> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetForLeaderTopicResult> topics{};
};

}  // namespace mq::wire
