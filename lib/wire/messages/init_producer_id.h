#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct InitProducerIdResponse;

/// Asks for a producer id, for idempotence or a transactional id.
struct InitProducerIdRequest {
  using Response = InitProducerIdResponse;
  static constexpr std::string_view kName = "InitProducerIdRequest";
  static constexpr ApiKey kApi = ApiKey::kInitProducerId;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 2;

  std::optional<std::string> transactional_id{};  ///< null: idempotent only
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
};

/// The id and the epoch to write with.
struct InitProducerIdResponse {
  static constexpr std::string_view kName = "InitProducerIdResponse";
  static constexpr ApiKey kApi = ApiKey::kInitProducerId;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 2;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;
};

}  // namespace mq::wire
