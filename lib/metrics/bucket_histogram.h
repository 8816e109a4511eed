#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "metrics/edges.h"

namespace mq::metrics {

/// What several histograms of one unit have counted together.
struct BucketCounts {
  std::array<std::uint64_t, kEdgesMax + 1> buckets{};  ///< of each edge, then of what is above the last
  std::uint64_t sum = 0;                               ///< wraps at 2^64

  [[nodiscard]] std::uint64_t count() const;
  /// How many values are at most the edge at place `edge`.
  [[nodiscard]] std::uint64_t count_at_most(std::size_t edge) const;
};

/// A distribution over the fixed buckets that Prometheus shows, in 200 bytes: what a broker keeps for each kind of
/// request on each shard. (`Histogram` tells values apart more closely, for measuring, in 18 KiB and more.)
///
/// One thread records: a look-up, at most three comparisons and two plain stores. Any thread may read, and sees each
/// number of it, not all at one instant.
class BucketHistogram {
 public:
  explicit BucketHistogram(Unit unit);

  void record(std::uint64_t value) {
    std::size_t bucket = first_bucket_[static_cast<std::size_t>(std::bit_width(value))];
    while (value > ends_[bucket]) ++bucket;
    add(buckets_[bucket], 1);
    add(sum_, value);
  }
  /// Nanoseconds; less than none counts as none.
  void record(Duration value) { record(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count())); }

  /// Adds what was recorded so far.
  void add_to(BucketCounts& counts) const;

 private:
  using Cell = std::atomic<std::uint64_t>;
  struct Layout;
  static const Layout& layout_of(Unit unit);
  static void add(Cell& cell, std::uint64_t by) {
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  const std::uint64_t* ends_;         ///< of each bucket; the last one ends nowhere
  const std::uint8_t* first_bucket_;  ///< by bit width: where a value of so many bits may lie at the lowest
  Cell sum_{0};
  std::array<Cell, kEdgesMax + 1> buckets_{};
};

}  // namespace mq::metrics
