#pragma once

#include <cstdint>
#include <string_view>

namespace mq::group {

/// The partition of __consumer_offsets, of `partition_count`, that a group's state lives in: Java's String.hashCode
/// without the sign, so that Kafka's tools look in the same place. `group_id` is UTF-8; the hash is over its UTF-16
/// form. Bytes that are no UTF-8 count as U+FFFD each.
[[nodiscard]] std::int32_t partition_for(std::string_view group_id, std::int32_t partition_count);

}  // namespace mq::group
