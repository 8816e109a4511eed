#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/authorized_operations.h"
#include "wire/message.h"

namespace mq::wire {

struct DescribeClusterResponse;

/// Asks for the brokers, or the controllers.
struct DescribeClusterRequest {
  using Response = DescribeClusterResponse;
  static constexpr std::string_view kName = "DescribeClusterRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeCluster;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 0;

  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;  ///< 1: brokers, 2: controllers
  bool include_fenced_brokers = false;
};

/// The nodes of the cluster.
struct DescribeClusterResponse {
  static constexpr std::string_view kName = "DescribeClusterResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeCluster;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct DescribeClusterBroker {
    std::int32_t broker_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};
    bool is_fenced = false;
    bool is_drained = false;  ///< ours: an operator wants it to lead nothing
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
  std::int8_t endpoint_type = 1;
  std::string cluster_id{};
  std::int32_t controller_id = -1;
  std::vector<DescribeClusterBroker> brokers{};
  std::int32_t cluster_authorized_operations = kNoOperations;
  std::string store_trouble{};  ///< ours: why this broker does not follow the metadata store; empty: it does
};

}  // namespace mq::wire
