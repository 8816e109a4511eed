#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "client/cluster.h"
#include "client/partitioner.h"
#include "client/retry.h"
#include "model/ids.h"
#include "record/codec.h"
#include "record/record.h"

namespace mq::client {

enum class Acks : std::int16_t { none = 0, leader = 1, all = -1 };

struct ProducerOptions {
  Acks acks = Acks::all;
  bool idempotent = true;  ///< off with acks other than all
  record::Codec codec = record::Codec::none;
  int level = record::kLevelDefault;
  Duration linger =
      5ms;  ///< a batch that is not full waits so long for more; 0: until the current task of the shard ends
  std::size_t batch_bytes = 256u << 10;  ///< before compression; a larger record is a batch of its own
  std::size_t request_bytes_max = 1u << 20;
  int inflight_max = 5;  ///< requests to one broker without an answer; idempotence holds up to 5
  std::size_t buffer_bytes_max = 64u << 20;
  /// Of one batch, from when it was due to go out or its partition got on last, whichever is later; nothing is given up
  /// before an attempt failed. A batch that was not acknowledged in time is reported with an error; it may still be in
  /// the log.
  RetryPolicy delivery = RetryPolicy::forever();
  Duration ack_timeout = 30s;  ///< how long the broker waits for replicas
  Partitioner partitioner = Partitioner::murmur2;
  Cluster::AutoCreate auto_create = Cluster::AutoCreate::yes;
};

/// A record to send. The bytes are copied by `try_send`.
struct OutgoingRecord {
  std::optional<std::int32_t> partition;  ///< else chosen by the partitioner
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::span<const record::HeaderView> headers;
  WallMillis timestamp = -1;  ///< -1: now
  std::uint64_t token = 0;    ///< given back in the report
};

/// The end of one batch, or of some of its records: acknowledged (`error` is null), or given up. A record that the
/// broker names as at fault is given up alone; the rest of its batch is sent again.
struct Delivery {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t base_offset = -1;          ///< -1: unknown (acks=0, or an error)
  std::span<const std::uint64_t> tokens;  ///< of the records, in offset order; their number is the record count
  const Error* error = nullptr;
};
/// Called on the producer's shard, once for every record that `try_send` took. May call `try_send`.
using DeliverySink = std::function<void(const Delivery&)>;

/// Sends records in batches to the leaders of their partitions.
///
/// Order: the records of one partition arrive in the order of `try_send`, also across retries and up to 5 requests in
/// flight when idempotent; without idempotence a retried batch may arrive after a later one, and more than once.
/// Memory is bounded by `buffer_bytes_max` of records not yet reported. Bound to the cluster's shard; not thread-safe.
/// The cluster must outlive it. `close` before destroying it.
class Producer {
 public:
  class Topic;  ///< a topic that `topic` opened; lives as long as the producer

  Producer(Cluster& cluster, ProducerOptions options, DeliverySink delivered);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Learns (and creates, where allowed) the topic; cheap when it is known. Waits until `deadline`.
  awaitable<Result<Topic*>> topic(const std::string& name, Instant deadline);
  [[nodiscard]] static std::int32_t partition_count(const Topic& topic);

  /// Copies the record into the open batch of its partition; never suspends. False: the buffer is full, wait with
  /// `wait_for_room` and call again. not_found: no such partition; closed: the producer is closed; or the error
  /// that stopped it for good.
  [[nodiscard]] Result<bool> try_send(Topic& topic, const OutgoingRecord& record);
  /// Returns when `try_send` may succeed again.
  awaitable<void> wait_for_room();
  /// Both of them: suspends while the buffer is full.
  awaitable<Result<void>> send(Topic& topic, const OutgoingRecord& record);

  /// Sends open batches at once and waits until every record taken so far was reported, or timed_out at `deadline`.
  awaitable<Result<void>> flush(Instant deadline);
  /// `flush`, then reports what is left as failed (timed_out) and stops.
  awaitable<Result<void>> close(Instant deadline);

  /// Records taken and not reported yet.
  [[nodiscard]] std::uint64_t pending_records() const;
  [[nodiscard]] std::size_t buffered_bytes() const;

  /// Holds between any two tasks of the shard. Looks at every batch.
  void check_invariants() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mq::client
