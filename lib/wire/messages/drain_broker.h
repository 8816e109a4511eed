#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct DrainBrokerResponse;

/// Of our own: a broker is to lead nothing, or may lead again. Any broker takes it.
struct DrainBrokerRequest {
  using Response = DrainBrokerResponse;
  static constexpr std::string_view kName = "DrainBrokerRequest";
  static constexpr ApiKey kApi = ApiKey::kDrainBroker;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  std::int32_t broker_id = -1;
  bool is_wanted = true;  ///< false: it may lead again
};

/// The broker is marked; others lead as soon as the controller has seen to it.
struct DrainBrokerResponse {
  static constexpr std::string_view kName = "DrainBrokerResponse";
  static constexpr ApiKey kApi = ApiKey::kDrainBroker;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
};

}  // namespace mq::wire
