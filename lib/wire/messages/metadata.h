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

struct MetadataResponse;

/// Asks for brokers, topics and leaders.
struct MetadataRequest {
  using Response = MetadataResponse;
  static constexpr std::string_view kName = "MetadataRequest";
  static constexpr ApiKey kApi = ApiKey::kMetadata;
  static constexpr Versions kVersions{0, 13};
  static constexpr ApiVersion kFlexibleSince = 9;

  struct MetadataRequestTopic {
    Uuid topic_id{};
    std::optional<std::string> name{};
  };

  std::optional<std::vector<MetadataRequestTopic>> topics{};  ///< null: all; in version 0 empty means all
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;
};

/// Brokers, topics and leaders.
struct MetadataResponse {
  static constexpr std::string_view kName = "MetadataResponse";
  static constexpr ApiKey kApi = ApiKey::kMetadata;
  static constexpr Versions kVersions{0, 13};
  static constexpr ApiVersion kFlexibleSince = 9;

  struct MetadataResponseBroker {
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};
  };
  struct MetadataResponsePartition {
    ErrorCode error_code = ErrorCode::kNone;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;  ///< -1: none
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes{};
    std::vector<std::int32_t> isr_nodes{};
    std::vector<std::int32_t> offline_replicas{};
  };
  struct MetadataResponseTopic {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> name{};
    Uuid topic_id{};
    bool is_internal = false;
    std::vector<MetadataResponsePartition> partitions{};
    std::int32_t topic_authorized_operations = kNoOperations;
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<MetadataResponseBroker> brokers{};
  std::optional<std::string> cluster_id{};
  std::int32_t controller_id = -1;
  std::vector<MetadataResponseTopic> topics{};
  std::int32_t cluster_authorized_operations = kNoOperations;
  ErrorCode error_code = ErrorCode::kNone;
};

}  // namespace mq::wire
