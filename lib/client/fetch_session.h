#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::client {

/// What one partition of a fetch request asks for.
struct FetchTarget {
  TopicPartition where;
  Uuid topic_id;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Offset offset;
  std::int32_t bytes_max = 0;
  friend bool operator==(const FetchTarget&, const FetchTarget&) = default;
};

/// One incremental fetch session (KIP-227): the broker remembers what was asked for, so a request names only what
/// changed since the last, and an answer only partitions with news.
class FetchSession {
 public:
  /// Fills session, topics and forgotten topics of `request`, so that the broker then fetches exactly `targets`.
  void prepare(const std::vector<FetchTarget>& targets, wire::FetchRequest& request);
  /// The broker took the last request. 0: it gave no session; every request is a full one then.
  void accepted(std::int32_t session_id);
  /// The broker does not know the session (any more), or nobody knows whether it took the last request.
  void reset();

  [[nodiscard]] bool is_full() const { return epoch_ == 0; }

 private:
  std::int32_t id_ = 0;
  std::int32_t epoch_ = 0;  ///< of the next request; 0: a full one that asks for a session
  std::map<TopicPartition, FetchTarget> known_;
};

}  // namespace mq::client
