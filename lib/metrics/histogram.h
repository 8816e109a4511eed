#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.h"

namespace mq::metrics {

/// How closely a histogram tells values apart: bits of each value that it keeps.
enum class Precision : int {
  coarse = 7,  ///< within 1.6 %, 18 KiB: for a broker's many
  fine = 11,   ///< three significant digits (within 0.1 %), 264 KiB: for measuring
};

/// A distribution of whole numbers (nanoseconds, bytes) from 0 to 2^42 - 1, which is 73 minutes in nanoseconds; what is
/// larger counts as the largest bucket, though `max` and `sum` tell it exactly. Buckets are linear within each power of
/// two. One thread records, without allocating; any thread may read, and sees each number of it, not all at one
/// instant.
class Histogram {
 public:
  explicit Histogram(Precision precision = Precision::fine);
  Histogram(Histogram&&) noexcept = default;
  Histogram& operator=(Histogram&&) noexcept = default;

  void record(std::uint64_t value) { record_many(value, 1); }
  /// Nanoseconds; less than none counts as none.
  void record(Duration value) { record(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count())); }
  void record_many(std::uint64_t value, std::uint64_t times);
  /// Adds what `other`, of the same precision, has recorded.
  void merge(const Histogram& other);
  void reset();

  [[nodiscard]] std::uint64_t count() const { return count_cell().load(std::memory_order_relaxed); }
  /// Wraps at 2^64.
  [[nodiscard]] std::uint64_t sum() const { return sum_cell().load(std::memory_order_relaxed); }
  /// Exact; 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t min() const;
  [[nodiscard]] std::uint64_t max() const { return max_cell().load(std::memory_order_relaxed); }
  [[nodiscard]] double mean() const;
  /// The value that the share `p` (0 to 1) of all values does not exceed, rounded up to its bucket's end, at most
  /// `max`. 0 when nothing was recorded.
  [[nodiscard]] std::uint64_t quantile(double p) const;
  /// How many values are at most `value`, rounded up to its bucket's end.
  [[nodiscard]] std::uint64_t count_at_most(std::uint64_t value) const;
  [[nodiscard]] Precision precision() const { return static_cast<Precision>(bits_); }

 private:
  using Cell = std::atomic<std::uint64_t>;
  [[nodiscard]] std::size_t index_of(std::uint64_t value) const;
  [[nodiscard]] std::uint64_t end_of(std::size_t index) const;
  // The four totals stand before the buckets, in the one allocation that moving hands over.
  [[nodiscard]] Cell& count_cell() const { return cells_[0]; }
  [[nodiscard]] Cell& sum_cell() const { return cells_[1]; }
  [[nodiscard]] Cell& min_cell() const { return cells_[2]; }
  [[nodiscard]] Cell& max_cell() const { return cells_[3]; }
  [[nodiscard]] Cell& bucket(std::size_t index) const { return cells_[4 + index]; }

  int bits_;
  std::size_t buckets_;
  std::unique_ptr<Cell[]> cells_;
};

}  // namespace mq::metrics
