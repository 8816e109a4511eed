#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/authorized_operations.h"
#include "wire/message.h"

namespace mq::wire {

struct DescribeTopicPartitionsResponse;

/// A place in the list of all partitions, topics by name.
struct TopicPartitionsCursor {
  std::string topic_name{};
  std::int32_t partition_index = 0;
};

/// Asks for topics page by page, KIP-966.
struct DescribeTopicPartitionsRequest {
  using Response = DescribeTopicPartitionsResponse;
  static constexpr std::string_view kName = "DescribeTopicPartitionsRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeTopicPartitions;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct TopicRequest {
    std::string name{};
  };
  using Cursor = TopicPartitionsCursor;

  std::vector<TopicRequest> topics{};
  std::int32_t response_partition_limit = 2000;
  std::optional<Cursor> cursor{};  ///< null: from the first topic
};

/// One page, and where the next one begins.
struct DescribeTopicPartitionsResponse {
  static constexpr std::string_view kName = "DescribeTopicPartitionsResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeTopicPartitions;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct DescribeTopicPartitionsResponsePartition {
    ErrorCode error_code = ErrorCode::kNone;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes{};
    std::vector<std::int32_t> isr_nodes{};
    std::optional<std::vector<std::int32_t>> eligible_leader_replicas{};
    std::optional<std::vector<std::int32_t>> last_known_elr{};
    std::vector<std::int32_t> offline_replicas{};
  };
  struct DescribeTopicPartitionsResponseTopic {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> name{};
    Uuid topic_id{};
    bool is_internal = false;
    std::vector<DescribeTopicPartitionsResponsePartition> partitions{};
    std::int32_t topic_authorized_operations = kNoOperations;
  };
  using Cursor = TopicPartitionsCursor;

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeTopicPartitionsResponseTopic> topics{};
  std::optional<Cursor> next_cursor{};  ///< null: that was all
};

}  // namespace mq::wire
