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

struct OffsetFetchResponse;

/// Asks how far groups have read: one group until version 7, several from 8 on.
struct OffsetFetchRequest {
  using Response = OffsetFetchResponse;
  static constexpr std::string_view kName = "OffsetFetchRequest";
  static constexpr ApiKey kApi = ApiKey::kOffsetFetch;
  static constexpr Versions kVersions{1, 10};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct OffsetFetchRequestTopic {
    std::string name{};
    std::vector<std::int32_t> partition_indexes{};
  };
  struct OffsetFetchRequestTopics {
    std::string name{};
    Uuid topic_id{};
    std::vector<std::int32_t> partition_indexes{};
  };
  struct OffsetFetchRequestGroup {
    std::string group_id{};
    std::optional<std::string> member_id{};
    std::int32_t member_epoch = -1;
    std::optional<std::vector<OffsetFetchRequestTopics>> topics{};  ///< null: all
  };

  std::string group_id{};
  std::optional<std::vector<OffsetFetchRequestTopic>> topics{};  ///< null: all
  std::vector<OffsetFetchRequestGroup> groups{};
  bool require_stable = false;
};

/// In the shape of the request.
struct OffsetFetchResponse {
  static constexpr std::string_view kName = "OffsetFetchResponse";
  static constexpr ApiKey kApi = ApiKey::kOffsetFetch;
  static constexpr Versions kVersions{1, 10};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct OffsetFetchResponsePartition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;  ///< -1: none
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata{};
    ErrorCode error_code = ErrorCode::kNone;
  };
  struct OffsetFetchResponseTopic {
    std::string name{};
    std::vector<OffsetFetchResponsePartition> partitions{};
  };
  struct OffsetFetchResponsePartitions {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;  ///< -1: none
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata{};
    ErrorCode error_code = ErrorCode::kNone;
  };
  struct OffsetFetchResponseTopics {
    std::string name{};
    Uuid topic_id{};
    std::vector<OffsetFetchResponsePartitions> partitions{};
  };
  struct OffsetFetchResponseGroup {
    std::string group_id{};
    std::vector<OffsetFetchResponseTopics> topics{};
    ErrorCode error_code = ErrorCode::kNone;
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetFetchResponseTopic> topics{};
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<OffsetFetchResponseGroup> groups{};
};

}  // namespace mq::wire
