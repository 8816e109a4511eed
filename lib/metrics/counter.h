#pragma once

#include <atomic>
#include <cstdint>

namespace mq::metrics {

/// Counts what only ever grows. One thread writes, any thread reads: an increment is a plain load and store, no locked
/// instruction.
class Counter {
 public:
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  /// For what is counted elsewhere: `total` is never less than before.
  void raise_to(std::uint64_t total) { value_.store(total, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A level that goes up and down. One thread writes, any thread reads.
class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { set(value() + by); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

}  // namespace mq::metrics
