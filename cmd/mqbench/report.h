#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/histogram.h"

namespace mq::mqbench {

/// What a run found, in order: lines for people, or one JSON object. Names are a contract and say their unit at the
/// end: `latency_p99_us`.
class Report {
 public:
  void add(std::string_view name, std::string_view text);
  void add(std::string_view name, std::uint64_t number);
  void add(std::string_view name, double number, int decimals);
  void add(std::string_view name, bool yes);
  /// PREFIX_p50_us, p90, p99, p999, max; nothing when nothing was recorded. The histogram holds nanoseconds.
  void add_latencies(std::string_view prefix, const metrics::Histogram& histogram);

  /// Both end with a newline.
  [[nodiscard]] std::string lines() const;
  [[nodiscard]] std::string json() const;

 private:
  struct Row {
    std::string name;
    std::string text;
    bool is_text = false;
  };
  std::vector<Row> rows_;
};

}  // namespace mq::mqbench
