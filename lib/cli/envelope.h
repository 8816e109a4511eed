#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/stored_record.h"
#include "cli/value_error.h"
#include "record/batch.h"

namespace mq::cli {

/// Longest line that `read_envelope` takes. A record of any size the broker accepts fits, base64 and escapes included.
inline constexpr std::size_t kEnvelopeBytesMax = 512 << 20;

/// Appends the record as one JSON object without a newline, mq-record(5). Bytes that are no UTF-8 become base64, so
/// that reading it back gives the same record, byte for byte.
void write_envelope(const StoredRecord& stored, std::string& out);

/// What an envelope says. What it does not say is -1, none or empty.
struct Envelope {
  struct Header {
    std::string name;
    std::optional<std::string> value;
  };
  TopicPartition where{.topic = {}, .partition = -1};
  Offset offset{-1};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::optional<WallMillis> timestamp;
  record::TimestampType timestamp_type = record::TimestampType::create_time;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;
};

/// Strict: one object, no unknown and no repeated names, no value of another type, valid base64, valid UTF-8.
[[nodiscard]] Parsed<Envelope> read_envelope(std::string_view line);

}  // namespace mq::cli
