#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct UnregisterBrokerResponse;

/// Takes a broker that does not come back out of the cluster.
struct UnregisterBrokerRequest {
  using Response = UnregisterBrokerResponse;
  static constexpr std::string_view kName = "UnregisterBrokerRequest";
  static constexpr ApiKey kApi = ApiKey::kUnregisterBroker;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  std::int32_t broker_id = 0;
};

struct UnregisterBrokerResponse {
  static constexpr std::string_view kName = "UnregisterBrokerResponse";
  static constexpr ApiKey kApi = ApiKey::kUnregisterBroker;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
};

}  // namespace mq::wire
