#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::broker {

inline constexpr ApiVersion kFetchTopicIdsSince = 13;

/// One partition that a client fetches, and what it was told last.
struct FetchedPartition {
  Uuid topic_id;      ///< zero before version 13
  std::string topic;  ///< empty from version 13 on
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t fetch_offset = 0;
  std::int32_t last_fetched_epoch = -1;
  std::int32_t bytes_max = 0;
  std::int64_t known_high_watermark = std::numeric_limits<std::int64_t>::max();  ///< by a follower: it waits for more
  std::int64_t synced_end = -1;                                                  ///< of a follower's log
  std::int64_t log_start = -1;                                                   ///< the same

  std::int64_t told_high_watermark = -1;
  std::int64_t told_log_start = -1;
  bool is_new = true;  ///< not yet in an answer of this session

  /// What it is found by. `topic` is a view of somebody's name.
  struct Key {
    Uuid topic_id;
    std::string_view topic;
    std::int32_t partition;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<Uuid>{}(key.topic_id) ^ std::hash<std::string_view>{}(key.topic) ^
             static_cast<std::size_t>(key.partition) * 0x9e3779b97f4a7c15;
    }
  };
  [[nodiscard]] Key key() const { return {topic_id, topic, partition}; }
};

/// How many sessions the connections of a node may have together (max.incremental.fetch.session.cache.slots). Any
/// thread.
class FetchSessionSlots {
 public:
  explicit FetchSessionSlots(std::size_t slots) : free_(static_cast<std::ptrdiff_t>(slots)) {}
  [[nodiscard]] bool take() {
    if (free_.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
    give_back();
    return false;
  }
  void give_back() { free_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::ptrdiff_t> free_;
};

/// The incremental fetch session of one connection (KIP-227): the client names only what changed, and is answered only
/// what changed. A session belongs to one connection and goes with it.
class FetchSession {
 public:
  /// A client that fetches more than this names all of it each time: a session keeps about 200 bytes for each.
  static constexpr std::size_t kPartitionsMax = 10'000;

  explicit FetchSession(std::shared_ptr<FetchSessionSlots> slots) : slots_(std::move(slots)) {}
  FetchSession(const FetchSession&) = delete;
  FetchSession& operator=(const FetchSession&) = delete;
  ~FetchSession() { close(); }

  /// What a request asks for: which partitions to read, and how to answer.
  struct Asked {
    ErrorCode error = ErrorCode::kNone;
    std::int32_t session_id = 0;  ///< for the response; 0 without a session
    bool incremental = false;     ///< leave out partitions without news
    std::vector<FetchedPartition> partitions;
  };

  /// Applies `request` to the session and says what to read. `new_session_id` is used when it asks for a session and
  /// there is a slot for it.
  [[nodiscard]] Asked apply(const wire::FetchRequest& request, ApiVersion version, std::int32_t new_session_id);

  /// Remembers what the client is told now about `partition`; with records it goes to the back of the line, so that one
  /// busy partition does not starve the others of a full response.
  void told(const FetchedPartition& partition, std::int64_t high_watermark, std::int64_t log_start, bool has_records);

  [[nodiscard]] std::int32_t id() const { return id_; }

  /// Ends the wait of the follower's fetch before this one, which says more: its answers come in order. `end` ends the
  /// wait of this one.
  void replica_fetches(std::move_only_function<void()> end) {
    if (auto before = std::exchange(end_wait_, std::move(end))) before();
  }

 private:
  [[nodiscard]] bool open(std::vector<FetchedPartition> partitions, std::int32_t id);
  void put(FetchedPartition wanted);
  void forget(const wire::FetchRequest& request);
  void close();

  std::shared_ptr<FetchSessionSlots> slots_;
  std::move_only_function<void()> end_wait_;
  std::int32_t id_ = 0;  ///< 0: no session
  std::int32_t next_epoch_ = 0;
  bool by_topic_id_ = false;
  std::list<FetchedPartition> partitions_;  ///< in the order in which they are read
  boost::unordered_flat_map<FetchedPartition::Key, std::list<FetchedPartition>::iterator, FetchedPartition::KeyHash>
      places_;
};

}  // namespace mq::broker
