#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace mq::sim {

/// What every record of a life holds: a value that no other record has, where it was sent, and a check sum, so that a
/// reader sees damage and misrouting. A tombstone has it in the header `kBodyHeader`.
struct RecordBody {
  std::int64_t value = 0;
  TopicPartition sent_to;
};
inline constexpr std::string_view kBodyHeader = "body";

/// `filler_bytes` more make it longer.
[[nodiscard]] std::string encode(const RecordBody& body, std::size_t filler_bytes);
/// Nothing when it is not what was encoded.
[[nodiscard]] std::optional<RecordBody> decode_body(std::string_view text);

}  // namespace mq::sim
