#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/record.h"

namespace mq::record {

/// Makes record batches, one after another, record by record into one buffer that is kept. Used by the producer, by
/// state kept in internal topics and by compaction. Not thread-safe.
class BatchBuilder {
 public:
  struct Options {
    Codec codec = Codec::none;
    int level = kLevelDefault;
    TimestampType timestamp_type = TimestampType::create_time;
    /// What record timestamps are stored relative to; without it the first record's.
    std::optional<WallMillis> base_timestamp = std::nullopt;
  };
  /// What only the end of a batch knows.
  struct Stamp {
    Offset base_offset{0};
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = kNoProducerEpoch;
    Sequence base_sequence{-1};
    bool transactional = false;
    bool control = false;
    /// Sets the delete-horizon bit; `Options::base_timestamp` must then be that horizon.
    bool delete_horizon = false;
    /// Compaction keeps it when the last record goes; without it the last record's.
    std::optional<std::int32_t> last_offset_delta = std::nullopt;
    /// With log-append time, or of a batch left empty; without it the largest of the records (-1 without records).
    std::optional<WallMillis> max_timestamp = std::nullopt;
  };

  BatchBuilder() : BatchBuilder(Options{}) {}
  explicit BatchBuilder(Options options);

  /// Appends a record after the last one. `key` and `value` may be null; they, and the headers, must each be < 2^31
  /// bytes.
  void add(WallMillis timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
           std::span<const HeaderView> headers = {});
  /// Appends a copy of a record of another batch, at `offset_delta` from this one's base offset: more than the last
  /// one's.
  void add_at(std::int32_t offset_delta, const RecordView& record);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::int32_t record_count() const { return count_; }
  /// What the batch would take now without compression.
  [[nodiscard]] std::size_t size_bytes() const { return raw_.size(); }
  /// Not less than what `add` would append for these.
  [[nodiscard]] static std::size_t record_bytes_max(std::optional<BytesView> key, std::optional<BytesView> value,
                                                    std::span<const HeaderView> headers = {});

  /// The batch as bytes; the builder is empty again. Without records (compaction) `stamp` must hold
  /// `last_offset_delta`. invalid_argument: a level that the codec does not have.
  [[nodiscard]] Result<std::string> finish(const Stamp& stamp);
  [[nodiscard]] Result<std::string> finish() { return finish(Stamp{}); }
  /// Drops what was added.
  void clear();
  /// For the batches after this one.
  void set_options(Options options);

 private:
  /// Counts a record in; returns its timestamp as the batch stores it.
  std::int64_t note(WallMillis timestamp, std::int32_t offset_delta);
  void write_header(std::string& batch, Codec codec, const Stamp& stamp) const;

  Options options_;
  Codecs codecs_;
  std::string raw_;  ///< room for the header, then the records
  WallMillis base_timestamp_ = 0;
  WallMillis max_timestamp_ = -1;
  std::int32_t last_offset_delta_ = -1;
  std::int32_t count_ = 0;
};

}  // namespace mq::record
