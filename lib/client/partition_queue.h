#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "client/batch_stamp.h"
#include "model/ids.h"

namespace mq::client {

/// So many batches of a producer a broker remembers (KIP-98).
inline constexpr int kBatchesRemembered = 5;

/// A sealed batch on its way to the log.
struct ProducerBatch {
  std::shared_ptr<std::string> bytes;
  std::vector<std::uint64_t> tokens;  ///< one for each record
  std::size_t buffered_bytes = 0;     ///< what it counts in the producer's buffer
  Instant due;                        ///< since when it waits to be sent
  ProducerIdentity identity;          ///< stamped into it; kNoProducerId: not yet
  Sequence base_sequence{-1};
  std::uint64_t place = 0;  ///< in the row of all batches, those that were taken out among them
  bool in_flight = false;
  const void* way = nullptr;  ///< by which connection it was sent last
  bool in_doubt = false;      ///< an attempt ended without an answer: it may be in the log

  [[nodiscard]] std::int32_t record_count() const { return static_cast<std::int32_t>(tokens.size()); }
  [[nodiscard]] SharedBytes shared() const { return {bytes, *bytes}; }
};

/// The sealed batches of one partition, oldest first, until each is acknowledged or given up: decides which may be sent
/// next so that the log gets them in order and, with an identity, once.
///
/// With an identity, batches carry consecutive sequences. When one fails, the broker refuses those behind it
/// (OUT_OF_ORDER_SEQUENCE); everything waits until nothing is in flight and is sent again, in order, with the same
/// sequences. While one is still on its way to the broker that led before, none behind it overtakes it on the way to
/// the next one: that could have it already, and would no longer know its number when it comes after five others. For
/// the same reason those behind the first count for its five although they were acknowledged before it. When a batch
/// is lost for good no retry closes the gap: what is left is renumbered under a new epoch
/// (KIP-360; a producer without transactions may raise it on its own). But what may be in the log already would be
/// there twice under another number, so before that it is sent under the old one until the broker has it, or says that
/// it has it not.
class PartitionQueue {
 public:
  using BatchRef = std::unique_ptr<ProducerBatch>;

  [[nodiscard]] bool empty() const { return batches_.empty(); }
  [[nodiscard]] std::size_t size() const { return batches_.size(); }
  [[nodiscard]] int in_flight() const { return in_flight_; }
  /// Of all batches; looks at each.
  [[nodiscard]] std::size_t record_count() const;
  [[nodiscard]] std::size_t buffered_bytes() const;
  [[nodiscard]] const ProducerBatch& front() const { return *batches_.front(); }
  [[nodiscard]] bool is_front(const ProducerBatch& batch) const { return batches_.front().get() == &batch; }

  void push(BatchRef batch) {
    batch->place = next_place_++;
    batches_.push_back(std::move(batch));
  }
  /// The sequence for a batch of `records` that is sealed now, so that it need not be stamped later; -1 when a batch
  /// before it has none yet.
  [[nodiscard]] Sequence claim_sequence(std::int32_t records);
  [[nodiscard]] ProducerIdentity identity() const { return identity_; }

  /// The oldest batch that may go out now by the connection `way`, stamped and marked as in flight; null when none may.
  /// It stays in the queue, at its place in memory, until one of the calls below.
  ProducerBatch* send_next(int inflight_max, const void* way = nullptr);

  /// The broker has it: takes it out.
  BatchRef acknowledged(ProducerBatch& batch);
  /// The attempt failed, another may succeed; nobody knows what the broker did.
  void failed(ProducerBatch& batch);
  /// The attempt failed since the batch does not follow on what the log has: it is not there.
  void refused(ProducerBatch& batch);
  /// It was not sent after all.
  void put_back(ProducerBatch& batch);
  /// It will never be in the log, or nobody knows: takes it out. Later sequences need a new epoch.
  BatchRef given_up(ProducerBatch& batch);
  /// The same, but for the records in `rest`, which take its place and go out anew.
  BatchRef given_up_but_for(ProducerBatch& batch, BatchRef rest);
  /// `given_up` of the oldest one.
  BatchRef give_up_front() { return given_up(*batches_.front()); }
  /// The broker has lost count: the sequences that it saw do not go on with those of the queue. It cannot say any more
  /// what it has.
  void lost_count();
  /// A batch that had a sequence comes no more.
  void left_gap() { needs_identity_ = has_identity(); }
  /// Puts `parts` in the place of `batch`, which was not in flight any more or is now not; together they have its
  /// records and sequences.
  void replace(ProducerBatch& batch, std::vector<BatchRef> parts);

  /// True when nothing may be sent before `renumber`.
  [[nodiscard]] bool needs_identity() const { return needs_identity_ && in_flight_ == 0 && !settles_doubt(); }
  /// Sequences begin at 0 under `identity`. Nothing is in flight.
  void renumber(ProducerIdentity identity);

  /// Looks at every batch.
  void check_invariants() const;

 private:
  /// Until the broker has taken a first batch it accepts any sequence: two in flight could then change places.
  [[nodiscard]] int window(int inflight_max) const { return has_identity() && !acknowledged_any_ ? 1 : inflight_max; }
  [[nodiscard]] bool has_identity() const { return identity_.id != kNoProducerId; }
  /// When the first is not in the log, nothing behind it is.
  [[nodiscard]] bool settles_doubt() const { return !batches_.empty() && batches_.front()->in_doubt; }
  BatchRef take(ProducerBatch& batch);

  std::deque<BatchRef> batches_;
  std::uint64_t next_place_ = 0;
  int in_flight_ = 0;
  ProducerIdentity identity_;
  Sequence next_sequence_{0};
  bool acknowledged_any_ = false;
  bool needs_identity_ = false;
};

}  // namespace mq::client
