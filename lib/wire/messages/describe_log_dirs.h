#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct DescribeLogDirsResponse;

/// Asks what is in the data directories.
struct DescribeLogDirsRequest {
  using Response = DescribeLogDirsResponse;
  static constexpr std::string_view kName = "DescribeLogDirsRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeLogDirs;
  static constexpr Versions kVersions{1, 5};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct DescribableLogDirTopic {
    std::string topic{};
    std::vector<std::int32_t> partitions{};
  };

  std::optional<std::vector<DescribableLogDirTopic>> topics{};  ///< null: all
};

/// Directories, partitions and their sizes.
struct DescribeLogDirsResponse {
  static constexpr std::string_view kName = "DescribeLogDirsResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeLogDirs;
  static constexpr Versions kVersions{1, 5};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct DescribeLogDirsPartition {
    std::int32_t partition_index = 0;
    std::int64_t partition_size = 0;
    std::int64_t offset_lag = 0;  ///< of a future replica, to the current one
    bool is_future_key = false;
  };
  struct DescribeLogDirsTopic {
    std::string name{};
    std::vector<DescribeLogDirsPartition> partitions{};
  };
  struct DescribeLogDirsResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::string log_dir{};
    std::vector<DescribeLogDirsTopic> topics{};
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    bool is_cordoned = false;
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<DescribeLogDirsResult> results{};
};

}  // namespace mq::wire
