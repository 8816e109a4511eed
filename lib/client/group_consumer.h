#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assignment/assignor.h"
#include "base/result.h"
#include "base/time.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "model/ids.h"

namespace mq::client {

struct CommittedOffset {
  TopicPartition where;
  Offset offset{-1};  ///< of the next record to read; -1: nothing committed
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata;
};

struct GroupOptions {
  std::string group;
  std::optional<std::string>
      instance_id;  ///< static membership: comes back to its partitions within the session timeout
  /// In order of preference; members must share one.
  std::vector<assignment::Assignor> assignors{assignment::Assignor::cooperative_sticky};
  Duration session_timeout = 45s;
  Duration rebalance_timeout = 5min;
  Duration heartbeat_interval = 3s;
  /// `reset` also applies to partitions without a committed offset. But in a topic of which the group has read other
  /// partitions, `fail` begins at the start of one that has none: it was added since.
  ConsumerOptions consumer;
  /// Called inside `poll`, on the client's shard, revoked before assigned. Partitions lost (the group went on without
  /// us) are revoked too, with `lost` true: a commit for them will fail.
  std::function<awaitable<void>(const std::vector<TopicPartition>&, bool lost)> on_revoked;
  std::function<void(const std::vector<TopicPartition>&)> on_assigned;
};

/// A member of a consumer group (classic protocol): partitions are shared out among the members, positions are kept by
/// the broker.
///
/// Heartbeats run in the background; joining and everything a rebalance needs happen inside `poll`, which must be
/// called at least every `rebalance_timeout`. Nothing is committed unless `commit` is called. Bound to the cluster's
/// shard; not thread-safe. `close` before destroying it.
class GroupConsumer {
 public:
  GroupConsumer(Cluster& cluster, std::vector<std::string> topics, GroupOptions options);
  ~GroupConsumer();
  GroupConsumer(const GroupConsumer&) = delete;
  GroupConsumer& operator=(const GroupConsumer&) = delete;

  /// Joins when needed, then as Consumer::poll. Errors that stay: a fenced instance, an unknown group protocol, no
  /// authorisation. A topic without a committed offset under OffsetReset::fail is a PartitionError (not_found) of each
  /// of its partitions.
  awaitable<Result<Polled>> poll(Duration wait);
  void wake();

  /// Commits positions and waits for the answer; tries again until `deadline`. Errc::broker with ILLEGAL_GENERATION,
  /// UNKNOWN_MEMBER_ID or REBALANCE_IN_PROGRESS when the group went on: the records may come to another member again.
  awaitable<Result<void>> commit(std::vector<CommittedOffset> offsets, Instant deadline);
  /// Commits what `poll` has given out.
  awaitable<Result<void>> commit_polled(Instant deadline);

  /// False until the first assignment, and while a rebalance goes on: `assignment` may not be the last word then.
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] std::vector<TopicPartition> assignment() const;
  [[nodiscard]] std::optional<Offset> position(const TopicPartition& where) const;
  /// Of the record before the position, when known: committed with it, a cut of the log below it is noticed later.
  [[nodiscard]] LeaderEpoch position_epoch(const TopicPartition& where) const;
  [[nodiscard]] std::optional<Offset> known_end(const TopicPartition& where) const;
  /// Empty before the first join.
  [[nodiscard]] const std::string& member_id() const;
  [[nodiscard]] std::int32_t generation() const;
  /// The one in which the member was given `assignment`: during a rebalance not yet the one it is to be in. -1: none.
  [[nodiscard]] std::int32_t assignment_generation() const;

  /// Leaves the group (a static member does not) and stops. Does not commit.
  awaitable<Result<void>> close(Instant deadline);

  /// Holds between any two tasks of the shard.
  void check_invariants() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mq::client
