#pragma once

#include <cstdint>
#include <string_view>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct PeerStatusResponse;

/// Of our own: asks a broker which one it is, in which incarnation.
struct PeerStatusRequest {
  using Response = PeerStatusResponse;
  static constexpr std::string_view kName = "PeerStatusRequest";
  static constexpr ApiKey kApi = ApiKey::kPeerStatus;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;
};

struct PeerStatusResponse {
  static constexpr std::string_view kName = "PeerStatusResponse";
  static constexpr ApiKey kApi = ApiKey::kPeerStatus;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t broker_id = -1;
  std::int64_t broker_epoch = -1;
  /// The process has registered more than once: others have taken it for gone before, while it lived.
  bool is_anew = false;
};

}  // namespace mq::wire
