#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "cli/record_view.h"
#include "cli/value_error.h"

namespace mq::cli {

/// Longest line that `read_envelope` takes. A record of any size the broker accepts fits, base64 and escapes included.
inline constexpr std::size_t kEnvelopeBytesMax = 512 << 20;

/// Appends the record as one JSON object without a newline, mq-record(5). Bytes that are no UTF-8 become base64, so
/// that reading it back gives the same record, byte for byte.
void write_envelope(const RecordView& record, std::string& out);

/// A record read from an envelope; `record` points into it, so it cannot be copied or moved from.
struct Envelope {
  RecordView record;  ///< what the line did not say is -1, none or empty
  bool has_timestamp = false;

  Envelope() = default;
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

 private:
  friend Parsed<void> read_envelope(std::string_view line, Envelope& envelope);
  std::deque<std::string> held_;  ///< a deque: its strings never move
};

/// Reads one line into `envelope`, replacing what was there. Strict: one object, no unknown and no repeated names, no
/// value of another type, valid base64, valid UTF-8.
[[nodiscard]] Parsed<void> read_envelope(std::string_view line, Envelope& envelope);

}  // namespace mq::cli
