#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct ApiVersionsResponse;

/// Asks what the broker speaks; the first request of most clients.
struct ApiVersionsRequest {
  using Response = ApiVersionsResponse;
  static constexpr std::string_view kName = "ApiVersionsRequest";
  static constexpr ApiKey kApi = ApiKey::kApiVersions;
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 3;

  std::string client_software_name{};
  std::string client_software_version{};
};

/// To a version that the broker does not speak it answers in version 0, with UNSUPPORTED_VERSION and its list.
struct ApiVersionsResponse {
  static constexpr std::string_view kName = "ApiVersionsResponse";
  static constexpr ApiKey kApi = ApiKey::kApiVersions;
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 3;

  struct ApiVersion {
    std::int16_t api_key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;
  };
  struct SupportedFeatureKey {
    std::string name{};
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;
  };
  struct FinalizedFeatureKey {
    std::string name{};
    std::int16_t max_version_level = 0;
    std::int16_t min_version_level = 0;
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ApiVersion> api_keys{};
  std::int32_t throttle_time_ms = 0;
  std::vector<SupportedFeatureKey> supported_features{};
  std::int64_t finalized_features_epoch = -1;  ///< -1: unknown
  std::vector<FinalizedFeatureKey> finalized_features{};
  bool zk_migration_ready = false;
};

}  // namespace mq::wire
