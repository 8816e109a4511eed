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

struct IncrementalAlterConfigsResponse;

/// Changes the named options and no others.
struct IncrementalAlterConfigsRequest {
  using Response = IncrementalAlterConfigsResponse;
  static constexpr std::string_view kName = "IncrementalAlterConfigsRequest";
  static constexpr ApiKey kApi = ApiKey::kIncrementalAlterConfigs;
  static constexpr Versions kVersions{0, 1};
  static constexpr ApiVersion kFlexibleSince = 1;

  struct AlterableConfig {
    std::string name{};
    std::int8_t config_operation = 0;  ///< 0: set, 1: delete, 2: append, 3: subtract
    std::optional<std::string> value{};
  };
  struct AlterConfigsResource {
    std::int8_t resource_type = 0;  ///< as in DescribeConfigs
    std::string resource_name{};
    std::vector<AlterableConfig> configs{};
  };

  std::vector<AlterConfigsResource> resources{};
  bool validate_only = false;
};

/// An error per resource.
struct IncrementalAlterConfigsResponse {
  static constexpr std::string_view kName = "IncrementalAlterConfigsResponse";
  static constexpr ApiKey kApi = ApiKey::kIncrementalAlterConfigs;
  static constexpr Versions kVersions{0, 1};
  static constexpr ApiVersion kFlexibleSince = 1;

  struct AlterConfigsResourceResponse {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
    std::int8_t resource_type = 0;
    std::string resource_name{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResourceResponse> responses{};
};

}  // namespace mq::wire
