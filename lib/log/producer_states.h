#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "record/batch.h"

namespace mq::log {

/// What DescribeProducers tells.
struct ProducerInfo {
  ProducerId id;
  ProducerEpoch epoch;
  Sequence last_sequence{-1};
  WallMillis last_timestamp = -1;
  std::int32_t coordinator_epoch = -1;
  Offset transaction_start{-1};
};

/// A batch that an idempotent producer wrote, as its duplicate would be recognised.
struct ProducerBatch {
  Sequence first_sequence;
  Sequence last_sequence;
  Offset last_offset;
  WallMillis timestamp = -1;
  std::int32_t offset_delta = 0;  ///< last offset minus base offset
  [[nodiscard]] Offset base_offset() const { return last_offset - OffsetDelta{offset_delta}; }
  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

/// What each idempotent producer wrote last to one log (P-1 ... P-9). Derived from the log's batches and kept in
/// snapshots: Kafka's `.snapshot` with one batch for each producer, and the window of five in a file of our own beside
/// it. No I/O. Not thread-safe.
class ProducerStates {
 public:
  /// How many of a producer's batches are remembered: as many as it may have in flight.
  static constexpr std::size_t kWindow = 5;
  /// Producers remembered: of more, those whose last batch is the longest ago are forgotten, whatever their timestamps
  /// say. As after their expiry, their next batch is taken with any sequence (P-4).
  static constexpr std::size_t kProducersMax = 100'000;
  /// Producers whose first batch was refused; more of them make us forget all.
  static constexpr std::size_t kRefusedMax = 10'000;

  /// Judges a batch with a producer id, changing nothing. The original, when it is a duplicate; nothing, when it may be
  /// appended. invalid_producer_epoch: an older epoch than the last; out_of_order_sequence: a gap.
  [[nodiscard]] Result<std::optional<ProducerBatch>> check(const record::BatchHeader& header) const;
  /// The batch came into the log at `now`. `header` has its final offsets and timestamps. Batches without producer id
  /// count for nothing.
  void apply(const record::BatchHeader& header, WallMillis now);
  /// The first batch of a producer that we do not know was refused: its second must not be taken for its first (P-9).
  void refuse(const record::BatchHeader& header);
  /// Forgets producers silent for longer than `expiration_ms`, but none with an open transaction (P-7). Silent by the
  /// broker's clock: who copies old records is active, whatever their timestamps say.
  void expire(WallMillis now, std::int64_t expiration_ms);
  /// Nobody was silent for longer than since `now`: for states read from files, which do not tell.
  void restart_expiry(WallMillis now);
  /// Forgets those whose last batch is the longest ago until `count` are left, but none with an open transaction.
  void keep_latest(std::size_t count);

  [[nodiscard]] std::vector<ProducerInfo> list() const;
  [[nodiscard]] std::size_t size() const { return producers_.size(); }
  [[nodiscard]] bool empty() const { return producers_.empty(); }
  /// The last offsets of all batches in the windows: compaction keeps these batches, from which the windows are made
  /// anew where the files are lost, and on another replica.
  [[nodiscard]] std::set<Offset> last_offsets() const;
  void clear();

  /// The two files, ordered by producer id, so that equal states give equal bytes.
  [[nodiscard]] std::string encode_snapshot() const;
  [[nodiscard]] std::string encode_window() const;
  /// corrupt: not that format or its CRC; unsupported: another version.
  [[nodiscard]] static Result<ProducerStates> decode_snapshot(BytesView snapshot);
  /// Adds the window to what `decode_snapshot` read. corrupt: also when the two do not belong together; then unchanged.
  [[nodiscard]] Result<void> add_window(BytesView window);
  /// Puts an older batch, met while reading backwards-in-time parts of the log again, into the windows of producers
  /// that the snapshot knows: for a snapshot without a window. Call for batches in log order, below the snapshot.
  void refill(const record::BatchHeader& header);

  friend bool operator==(const ProducerStates&, const ProducerStates&);

 private:
  struct Producer {
    ProducerEpoch epoch;
    std::int8_t count = 0;  ///< of `batches`, oldest first
    std::array<ProducerBatch, kWindow> batches;
    WallMillis last_timestamp = -1;
    WallMillis active_at = 0;  ///< when its last batch came, as far as we know
    std::int32_t coordinator_epoch = -1;
    Offset transaction_start{-1};
    [[nodiscard]] const ProducerBatch& last() const { return batches[static_cast<std::size_t>(count) - 1]; }
    void push(const ProducerBatch& batch);
    friend bool operator==(const Producer& a, const Producer& b) {
      return a.epoch == b.epoch && a.count == b.count && a.last_timestamp == b.last_timestamp &&
             a.coordinator_epoch == b.coordinator_epoch && a.transaction_start == b.transaction_start &&
             std::equal(a.batches.begin(), a.batches.begin() + a.count, b.batches.begin());
    }
  };
  [[nodiscard]] std::vector<std::int64_t> sorted_ids() const;

  std::unordered_map<std::int64_t, Producer> producers_;
  std::unordered_map<std::int64_t, ProducerEpoch> refused_;
};

}  // namespace mq::log
