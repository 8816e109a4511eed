#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/bucket_histogram.h"
#include "metrics/counter.h"
#include "metrics/edges.h"

namespace mq::metrics {

enum class Kind { counter, gauge, histogram };

/// What tells the instances of one metric apart.
struct LabelRow {
  std::string_view name = {};
  std::span<const std::string_view> values = {};  ///< one instance for each
};

/// One metric. Rows stand in an explicit table of their owner; an enumeration beside it gives the places in the table.
/// Labels are bounded because all their values are in the row.
struct MetricRow {
  std::string_view name = {};  ///< as Prometheus wants it; see `problem_of`
  Kind kind = Kind::counter;
  Unit unit = Unit::count;
  std::string_view help = {};
  LabelRow label = {};   ///< without a name: one instance
  LabelRow second = {};  ///< with a name: one instance for each pair of values
  bool sparse = false;   ///< an instance is shown once it is not 0: for pairs of which few ever occur
};

/// What is wrong with the row (name, unit suffix, help, labels), or null. For the tests of those who have tables.
[[nodiscard]] const char* problem_of(const MetricRow& row);

/// The instances that one shard writes to. Made before its thread starts; addresses stay. The shard's thread writes,
/// any thread may read while the object lives. `rows` must outlive it.
class Metrics {
 public:
  explicit Metrics(std::span<const MetricRow> rows);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// `row` is a place in the table and of that kind, `label` and `second` places among its labels' values (0 without).
  [[nodiscard]] Counter& counter(std::size_t row, std::size_t label = 0, std::size_t second = 0);
  [[nodiscard]] Gauge& gauge(std::size_t row, std::size_t label = 0);
  [[nodiscard]] BucketHistogram& histogram(std::size_t row, std::size_t label = 0);
  [[nodiscard]] std::span<const MetricRow> rows() const { return rows_; }

 private:
  friend std::vector<struct Sample> sum(std::span<const Metrics* const> shards);
  [[nodiscard]] std::size_t place(std::size_t row, std::size_t instance, Kind kind) const;

  std::span<const MetricRow> rows_;
  std::vector<std::size_t> first_;  ///< of each row, among the instances of its kind
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<BucketHistogram> histograms_;
};

/// One instance of a metric, over all shards.
struct Sample {
  const MetricRow* row = nullptr;
  std::string_view label_value = {};
  std::string_view second_value = {};
  std::int64_t value = 0;                      ///< of a counter or gauge
  std::optional<BucketCounts> histogram = {};  ///< of a histogram
};

/// Sums the shards, which have the same table, in its order. Each number is read at its own instant. What is sparse
/// and 0 is left out.
[[nodiscard]] std::vector<Sample> sum(std::span<const Metrics* const> shards);

/// Prometheus' text format, version 0.0.4. Several tables may be written one after another.
[[nodiscard]] std::string prometheus_text(std::span<const Sample> samples);

}  // namespace mq::metrics
