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

struct DescribeConfigsResponse;

/// Asks for the configuration of topics, brokers and groups.
struct DescribeConfigsRequest {
  using Response = DescribeConfigsResponse;
  static constexpr std::string_view kName = "DescribeConfigsRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeConfigs;
  static constexpr Versions kVersions{1, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct DescribeConfigsResource {
    std::int8_t resource_type = 0;  ///< 2: topic, 4: broker, 8: broker logger, 16: client metrics, 32: group
    std::string resource_name{};
    std::optional<std::vector<std::string>> configuration_keys{};  ///< null: all
  };

  std::vector<DescribeConfigsResource> resources{};
  bool include_synonyms = false;
  bool include_documentation = false;
};

/// Values with their sources; sensitive ones are null.
struct DescribeConfigsResponse {
  static constexpr std::string_view kName = "DescribeConfigsResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeConfigs;
  static constexpr Versions kVersions{1, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct DescribeConfigsSynonym {
    std::string name{};
    std::optional<std::string> value{};
    std::int8_t source = 0;
  };
  struct DescribeConfigsResourceResult {
    std::string name{};
    std::optional<std::string> value{};
    bool read_only = false;
    std::int8_t config_source = -1;  ///< 1: topic, 2: broker, 3: default for brokers, 4: static broker, 5: default
    bool is_sensitive = false;
    std::vector<DescribeConfigsSynonym> synonyms{};
    std::int8_t config_type =
        0;  ///< 1: boolean, 2: string, 3: int, 4: short, 5: long, 6: double, 7: list, 8: class, 9: password
    std::optional<std::string> documentation{};
  };
  struct DescribeConfigsResult {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
    std::int8_t resource_type = 0;
    std::string resource_name{};
    std::vector<DescribeConfigsResourceResult> configs{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeConfigsResult> results{};
};

}  // namespace mq::wire
