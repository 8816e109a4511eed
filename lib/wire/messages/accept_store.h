#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/message.h"
#include "wire/messages/store_status.h"

namespace mq::wire {

struct AcceptStoreResponse;

/// Of our own: brokers are to go on with their metadata store, which is not as they knew it. To one that does not
/// follow it.
struct AcceptStoreRequest {
  using Response = AcceptStoreResponse;
  static constexpr std::string_view kName = "AcceptStoreRequest";
  static constexpr ApiKey kApi = ApiKey::kAcceptStore;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  bool validate_only = false;
  std::vector<StoreHoldings> asked{};    ///< what the brokers have said
  std::vector<std::int32_t> left_out{};  ///< brokers that were not asked, knowingly
};

struct AcceptStoreResponse {
  static constexpr std::string_view kName = "AcceptStoreResponse";
  static constexpr ApiKey kApi = ApiKey::kAcceptStore;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  /// A topic that the store does not have as the brokers have it.
  struct Topic {
    std::string name{};
    Uuid topic_id{};
    std::int32_t partitions = 0;
    bool is_known = false;  ///< the store has it, and nobody a log of it; else brokers have logs, and the store has not
  };
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
  std::vector<std::int32_t> unasked{};  ///< brokers that were neither asked nor left out
  std::vector<Topic> topics{};
  std::int32_t raised = 0;  ///< partitions that get another leader epoch
};

}  // namespace mq::wire
