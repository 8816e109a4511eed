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

namespace mq::wire {

/// What a broker has that must only grow.
struct StoreHoldings {
  struct Partition {
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;  ///< the latest that the broker knows; -1: none
    std::int32_t partition_epoch = -1;
  };
  struct Topic {
    Uuid topic_id{};
    std::string name{};
    std::vector<Partition> partitions{};
  };
  std::int32_t broker_id = -1;
  Uuid directory_id{};
  Uuid nonce{};                        ///< of the newest incarnation that the directory knows
  std::int64_t broker_epoch = -1;      ///< -1: the broker does not know
  bool is_holding = false;             ///< it does not follow its metadata store, which is not as the broker knew it
  std::int64_t producer_ids_end = -1;  ///< none from there on was given out; -1: the broker does not know
  std::vector<Topic> topics{};         ///< of one that holds: of what it has logs
};

struct StoreStatusResponse;

/// Of our own: asks a broker how it stands to its metadata store.
struct StoreStatusRequest {
  using Response = StoreStatusResponse;
  static constexpr std::string_view kName = "StoreStatusRequest";
  static constexpr ApiKey kApi = ApiKey::kStoreStatus;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;
};

struct StoreStatusResponse {
  static constexpr std::string_view kName = "StoreStatusResponse";
  static constexpr ApiKey kApi = ApiKey::kStoreStatus;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> message{};  ///< what is wrong, or why the broker does not follow the store
  StoreHoldings holdings{};
};

}  // namespace mq::wire
