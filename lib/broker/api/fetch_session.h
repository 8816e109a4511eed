#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::broker {

/// One partition that a client fetches, and what it was told last.
struct FetchedPartition {
  Uuid topic_id;      ///< zero before version 13
  std::string topic;  ///< empty from version 13 on
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t fetch_offset = 0;
  std::int32_t last_fetched_epoch = -1;
  std::int32_t bytes_max = 0;

  std::int64_t told_high_watermark = -1;
  std::int64_t told_log_start = -1;
  bool is_new = true;  ///< not yet in an answer of this session

  [[nodiscard]] bool same_partition(const FetchedPartition& other) const {
    return partition == other.partition && topic_id == other.topic_id && topic == other.topic;
  }
};

/// The incremental fetch session of one connection (KIP-227): the client names only what changed, and is answered only
/// what changed. A session belongs to one connection and goes with it.
class FetchSession {
 public:
  /// What a request means: which partitions to read, and how to answer.
  struct Turn {
    ErrorCode error = ErrorCode::kNone;
    std::int32_t session_id = 0;  ///< for the response; 0 without a session
    bool incremental = false;     ///< leave out partitions without news
    std::vector<FetchedPartition> partitions;
  };

  /// Applies `request` to the session and says what to read. `new_session_id` is used when it asks for a session.
  [[nodiscard]] Turn take_turn(const wire::FetchRequest& request, ApiVersion version, std::int32_t new_session_id);

  /// Remembers what the client is told now about `partition`; with records it goes to the back of the line, so that one
  /// busy partition does not starve the others of a full response.
  void told(const FetchedPartition& partition, std::int64_t high_watermark, std::int64_t log_start, bool has_records);

  [[nodiscard]] std::int32_t id() const { return id_; }

 private:
  void close();

  std::int32_t id_ = 0;  ///< 0: no session
  std::int32_t next_epoch_ = 0;
  bool by_topic_id_ = false;
  std::vector<FetchedPartition> partitions_;
};

}  // namespace mq::broker
