#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/message.h"

namespace mq::wire {

struct LogEndsResponse;

/// Of our own: asks a broker how far its logs of some partitions go, for an election.
struct LogEndsRequest {
  using Response = LogEndsResponse;
  static constexpr std::string_view kName = "LogEndsRequest";
  static constexpr ApiKey kApi = ApiKey::kLogEnds;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct Topic {
    Uuid topic_id{};
    std::vector<std::int32_t> partitions{};
  };
  std::vector<Topic> topics{};
};

struct LogEndsResponse {
  static constexpr std::string_view kName = "LogEndsResponse";
  static constexpr ApiKey kApi = ApiKey::kLogEnds;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t last_epoch = -1;  ///< of the last record; -1: the log is empty
    std::int64_t log_end = -1;     ///< what is written; -1: it has no such log
  };
  struct Topic {
    Uuid topic_id{};
    std::vector<Partition> partitions{};
  };
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Topic> topics{};
};

}  // namespace mq::wire
