#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct OffsetDeleteResponse;

/// Forgets how far a group has read.
struct OffsetDeleteRequest {
  using Response = OffsetDeleteResponse;
  static constexpr std::string_view kName = "OffsetDeleteRequest";
  static constexpr ApiKey kApi = ApiKey::kOffsetDelete;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;

  struct OffsetDeleteRequestPartition {
    std::int32_t partition_index = 0;
  };
  struct OffsetDeleteRequestTopic {
    std::string name{};
    std::vector<OffsetDeleteRequestPartition> partitions{};
  };

  std::string group_id{};
  std::vector<OffsetDeleteRequestTopic> topics{};
};

/// An error per partition.
struct OffsetDeleteResponse {
  static constexpr std::string_view kName = "OffsetDeleteResponse";
  static constexpr ApiKey kApi = ApiKey::kOffsetDelete;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;

  struct OffsetDeleteResponsePartition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
  };
  struct OffsetDeleteResponseTopic {
    std::string name{};
    std::vector<OffsetDeleteResponsePartition> partitions{};
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetDeleteResponseTopic> topics{};
};

}  // namespace mq::wire
