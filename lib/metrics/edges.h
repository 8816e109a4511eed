#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mq::metrics {

/// What a metric counts. `seconds` are recorded as nanoseconds and shown as seconds.
enum class Unit { count, bytes, seconds };

/// A bucket's upper end, which belongs to it: as it is recorded, and as it is shown.
struct Edge {
  std::uint64_t value;
  std::string_view text;
};

inline constexpr std::size_t kEdgesMax = 21;

/// The buckets of every histogram of a unit, ascending, each edge at least twice the one before it. What is above the
/// last one has a bucket without an end.
[[nodiscard]] std::span<const Edge> edges_of(Unit unit);

}  // namespace mq::metrics
