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

struct AlterConfigsResponse;

/// Replaces the whole configuration of a resource; what it does not name goes back to its default.
struct AlterConfigsRequest {
  using Response = AlterConfigsResponse;
  static constexpr std::string_view kName = "AlterConfigsRequest";
  static constexpr ApiKey kApi = ApiKey::kAlterConfigs;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct AlterableConfig {
    std::string name{};
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
struct AlterConfigsResponse {
  static constexpr std::string_view kName = "AlterConfigsResponse";
  static constexpr ApiKey kApi = ApiKey::kAlterConfigs;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

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
