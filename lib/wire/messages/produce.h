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
#include "wire/records.h"

namespace mq::wire {

struct ProduceResponse;

/// Brings record batches, one field of them per partition. A topic has a name until version 12, an id from 13 on.
struct ProduceRequest {
  using Response = ProduceResponse;
  static constexpr std::string_view kName = "ProduceRequest";
  static constexpr ApiKey kApi = ApiKey::kProduce;
  static constexpr Versions kVersions{3, 13};
  static constexpr ApiVersion kFlexibleSince = 9;

  struct PartitionProduceData {
    std::int32_t index = 0;
    Records records{};
  };
  struct TopicProduceData {
    std::string name{};
    Uuid topic_id{};
    std::vector<PartitionProduceData> partition_data{};
  };

  std::optional<std::string> transactional_id{};  ///< null: not in a transaction
  std::int16_t acks = 0;                          ///< 0: no answer, 1: the leader has it, -1: all in sync have it
  std::int32_t timeout_ms = 0;                    ///< how long the leader may wait for the others
  std::vector<TopicProduceData> topic_data{};
};

/// Not sent for acks = 0.
struct ProduceResponse {
  static constexpr std::string_view kName = "ProduceResponse";
  static constexpr ApiKey kApi = ApiKey::kProduce;
  static constexpr Versions kVersions{3, 13};
  static constexpr ApiVersion kFlexibleSince = 9;

  struct BatchIndexAndErrorMessage {
    std::int32_t batch_index = 0;  ///< of the record in its batch
    std::optional<std::string> batch_index_error_message{};
  };
  /// Who leads now, after NOT_LEADER_OR_FOLLOWER.
  struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;
    friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
  };
  struct PartitionProduceResponse {
    std::int32_t index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t base_offset = 0;          ///< of the first record; -1 after an error
    std::int64_t log_append_time_ms = -1;  ///< -1: the records keep their own times
    std::int64_t log_start_offset = -1;
    std::vector<BatchIndexAndErrorMessage> record_errors{};
    std::optional<std::string> error_message{};
    LeaderIdAndEpoch current_leader{};
  };
  struct TopicProduceResponse {
    std::string name{};
    Uuid topic_id{};
    std::vector<PartitionProduceResponse> partition_responses{};
  };
  struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};
  };

  std::vector<TopicProduceResponse> responses{};
  std::int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints{};
};

}  // namespace mq::wire
