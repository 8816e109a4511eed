#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct ListOffsetsResponse;

/// Asks for the offset at a time.
struct ListOffsetsRequest {
  using Response = ListOffsetsResponse;
  static constexpr std::string_view kName = "ListOffsetsRequest";
  static constexpr ApiKey kApi = ApiKey::kListOffsets;
  static constexpr Versions kVersions{1, 11};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct ListOffsetsPartition {
    std::int32_t partition_index = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t timestamp =
        0;  ///< -1: latest, -2: earliest, -3: of the largest time, -4: earliest local, -5: latest tiered
  };
  struct ListOffsetsTopic {
    std::string name{};
    std::vector<ListOffsetsPartition> partitions{};
  };

  std::int32_t replica_id = 0;      ///< -1: a consumer
  std::int8_t isolation_level = 0;  ///< 0: read uncommitted, 1: read committed
  std::vector<ListOffsetsTopic> topics{};
  std::int32_t timeout_ms = 0;
};

/// The first offset whose time is not before the one asked for.
struct ListOffsetsResponse {
  static constexpr std::string_view kName = "ListOffsetsResponse";
  static constexpr ApiKey kApi = ApiKey::kListOffsets;
  static constexpr Versions kVersions{1, 11};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct ListOffsetsPartitionResponse {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t timestamp = -1;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
  };
  struct ListOffsetsTopicResponse {
    std::string name{};
    std::vector<ListOffsetsPartitionResponse> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<ListOffsetsTopicResponse> topics{};
};

}  // namespace mq::wire
