#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct DeleteRecordsResponse;

/// Moves the start of logs forward.
struct DeleteRecordsRequest {
  using Response = DeleteRecordsResponse;
  static constexpr std::string_view kName = "DeleteRecordsRequest";
  static constexpr ApiKey kApi = ApiKey::kDeleteRecords;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct DeleteRecordsPartition {
    std::int32_t partition_index = 0;
    std::int64_t offset = 0;  ///< the new start of the log; -1: the high watermark
  };
  struct DeleteRecordsTopic {
    std::string name{};
    std::vector<DeleteRecordsPartition> partitions{};
  };

  std::vector<DeleteRecordsTopic> topics{};
  std::int32_t timeout_ms = 0;
};

/// The new starts.
struct DeleteRecordsResponse {
  static constexpr std::string_view kName = "DeleteRecordsResponse";
  static constexpr ApiKey kApi = ApiKey::kDeleteRecords;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct DeleteRecordsPartitionResult {
    std::int32_t partition_index = 0;
    std::int64_t low_watermark = 0;
    ErrorCode error_code = ErrorCode::kNone;
  };
  struct DeleteRecordsTopicResult {
    std::string name{};
    std::vector<DeleteRecordsPartitionResult> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteRecordsTopicResult> topics{};
};

}  // namespace mq::wire
