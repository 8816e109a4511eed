#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/codec.h"

namespace mq::record {

/// What a partition accepts from a producer.
struct ValidationRules {
  std::size_t batch_bytes_max = 1'048'588;  ///< max.message.bytes, of the batch as sent
  DecompressLimits decompress = decompress_limits(1'048'588);
  std::int32_t headers_max = 1000;                      ///< in one record
  std::size_t header_bytes_max = std::size_t{1} << 20;  ///< all headers of one record
  bool allow_transactional = false;
  bool keys_required = false;    ///< a compacted topic
  bool log_append_time = false;  ///< the broker's clock replaces the producer's, so that is not judged
  WallMillis now = 0;
  std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
  std::size_t faults_named_max = 10'000;  ///< of the records that are at fault by themselves
};

struct ValidatedBatch {
  BatchHeader header;
  /// The real one, also when the header claims another: then correct it with `set_max_timestamp`. With log-append time
  /// it is `rules.now`.
  WallMillis max_timestamp = -1;
  /// From the base offset to the first record with `max_timestamp`.
  OffsetDelta max_timestamp_delta{};
  std::uint64_t raw_bytes = 0;  ///< of the records, decompressed
};

/// A record that is at fault by itself, in a batch that is well-formed: its producer can fail it alone (KIP-467).
struct RecordFault {
  std::int32_t index = 0;  ///< in its batch, from 0 on
  std::string message;
};

/// Why a batch is not taken. `message` names the first record that is at fault.
struct Refusal : Error {
  Refusal(Error error) : Error(std::move(error)) {}
  /// In order, the first `faults_named_max`. Empty when the batch is wrong as a whole.
  std::vector<RecordFault> records;
};

/// Checks everything that a batch from a producer may not be (and no other has a place in `one_batch`): lengths, CRC,
/// attributes, producer fields, offsets, every record, how far it expands. One pass for the CRC and one over the
/// records' headers; nothing is copied, and a compressed batch is expanded piece by piece, never as a whole (but for
/// raw snappy).
///
/// corrupt_batch: lengths of the batch or its CRC: damage on the way, a retry may help. invalid_record: well-formed but
/// not allowed, or records that lie; a retry is useless. invalid_timestamp, too_large, unsupported (codec): as they
/// say. An error within a record names its index, counted from 0. Records without a key where one is needed, or with a
/// time out of range, are named each; invalid_timestamp then when one of them has such a time.
[[nodiscard]] std::expected<ValidatedBatch, Refusal> validate(BytesView one_batch, const ValidationRules& rules,
                                                              Codecs& codecs);

}  // namespace mq::record
