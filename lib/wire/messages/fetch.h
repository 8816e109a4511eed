#pragma once

#include <cstdint>
#include <limits>
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

struct FetchResponse;

/// Asks for record batches. A topic has a name until version 12, an id from 13 on.
struct FetchRequest {
  using Response = FetchResponse;
  static constexpr std::string_view kName = "FetchRequest";
  static constexpr ApiKey kApi = ApiKey::kFetch;
  static constexpr Versions kVersions{4, 18};
  static constexpr ApiVersion kFlexibleSince = 12;

  struct ReplicaState {
    std::int32_t replica_id = -1;  ///< -1: a consumer
    std::int64_t replica_epoch = -1;
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
  };
  struct FetchPartition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;  ///< -1: unknown
    std::int64_t fetch_offset = 0;
    std::int32_t last_fetched_epoch = -1;  ///< -1: do not look for a divergence
    std::int64_t log_start_offset = -1;    ///< of a follower; -1 from a consumer
    std::int32_t partition_max_bytes = 0;
    Uuid replica_directory_id{};
    std::int64_t high_watermark = std::numeric_limits<std::int64_t>::max();  ///< that a follower knows
    std::int64_t synced_end = -1;  ///< of a follower's log; ours, between brokers (docs/formats.md)
  };
  struct FetchTopic {
    std::string topic{};
    Uuid topic_id{};
    std::vector<FetchPartition> partitions{};
  };
  struct ForgottenTopic {
    std::string topic{};
    Uuid topic_id{};
    std::vector<std::int32_t> partitions{};
  };

  std::optional<std::string> cluster_id{};  ///< null: any; set by controllers only
  std::int32_t replica_id = -1;             ///< -1: a consumer
  ReplicaState replica_state{};
  std::int32_t max_wait_ms = 0;  ///< how long to wait for `min_bytes`
  std::int32_t min_bytes = 0;    ///< wait until there is that much
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  std::int8_t isolation_level = 0;  ///< 0: read uncommitted, 1: read committed
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;  ///< -1: no session, 0: a new one
  std::vector<FetchTopic> topics{};
  std::vector<ForgottenTopic> forgotten_topics_data{};
  std::string rack_id{};
};

/// Record batches, the last of each partition possibly cut.
struct FetchResponse {
  static constexpr std::string_view kName = "FetchResponse";
  static constexpr ApiKey kApi = ApiKey::kFetch;
  static constexpr Versions kVersions{4, 18};
  static constexpr ApiVersion kFlexibleSince = 12;

  /// The end of the largest epoch that the leader shares with the one who fetches.
  struct EpochEndOffset {
    std::int32_t epoch = -1;  ///< -1: nothing diverges
    std::int64_t end_offset = -1;
    friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
  };
  /// Who leads now, after NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH.
  struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;
    friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
  };
  /// Of the cluster metadata topic only.
  struct SnapshotId {
    std::int64_t end_offset = -1;
    std::int32_t epoch = -1;
    friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
  };
  struct AbortedTransaction {
    std::int64_t producer_id = 0;
    std::int64_t first_offset = 0;
  };
  struct PartitionData {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t high_watermark = 0;  ///< -1 after an error
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    std::int64_t start_wanted = -1;  ///< where a follower's log is to begin; ours, between brokers (docs/formats.md)
    EpochEndOffset diverging_epoch{};
    LeaderIdAndEpoch current_leader{};
    SnapshotId snapshot_id{};
    std::optional<std::vector<AbortedTransaction>> aborted_transactions{};  ///< null: read uncommitted
    std::int32_t preferred_read_replica = -1;                               ///< -1: go on with this one
    Records records{};
  };
  struct FetchableTopicResponse {
    std::string topic{};
    Uuid topic_id{};
    std::vector<PartitionData> partitions{};
  };
  struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t session_id = 0;
  std::vector<FetchableTopicResponse> responses{};
  std::vector<NodeEndpoint> node_endpoints{};
};

}  // namespace mq::wire
