#include <fmt/format.h>

#include <algorithm>

#include "metrics/registry.h"

namespace mq::metrics {
namespace {

/// A bucket's upper end: as it was recorded, and as it is shown.
struct Edge {
  std::uint64_t value;
  std::string_view text;
};
constexpr Edge kSecondEdges[] = {{10'000, "1e-05"},      {25'000, "2.5e-05"},    {50'000, "5e-05"},
                                 {100'000, "0.0001"},    {250'000, "0.00025"},   {500'000, "0.0005"},
                                 {1'000'000, "0.001"},   {2'500'000, "0.0025"},  {5'000'000, "0.005"},
                                 {10'000'000, "0.01"},   {25'000'000, "0.025"},  {50'000'000, "0.05"},
                                 {100'000'000, "0.1"},   {250'000'000, "0.25"},  {500'000'000, "0.5"},
                                 {1'000'000'000, "1"},   {2'500'000'000, "2.5"}, {5'000'000'000, "5"},
                                 {10'000'000'000, "10"}, {30'000'000'000, "30"}, {60'000'000'000, "60"}};
constexpr Edge kCountEdges[] = {{1, "1"},
                                {4, "4"},
                                {16, "16"},
                                {64, "64"},
                                {256, "256"},
                                {1024, "1024"},
                                {4096, "4096"},
                                {16384, "16384"},
                                {65536, "65536"},
                                {262144, "262144"},
                                {1048576, "1048576"},
                                {4194304, "4194304"},
                                {16777216, "16777216"},
                                {67108864, "67108864"}};

std::span<const Edge> edges_of(Unit unit) {
  return unit == Unit::seconds ? std::span<const Edge>(kSecondEdges) : std::span<const Edge>(kCountEdges);
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

/// `{label="value",le="1"}`, with what there is of it.
std::string labels(const Sample& sample, std::string_view le = {}) {
  std::string out;
  if (!sample.row->label.empty()) out = fmt::format("{}=\"{}\"", sample.row->label, escaped(sample.label_value, true));
  if (!le.empty()) out += fmt::format("{}le=\"{}\"", out.empty() ? "" : ",", le);
  return out.empty() ? out : fmt::format("{{{}}}", out);
}

std::string shown(std::uint64_t recorded, Unit unit) {
  if (unit != Unit::seconds) return fmt::format("{}", recorded);
  return fmt::format("{}.{:09}", recorded / 1'000'000'000, recorded % 1'000'000'000);
}

void write_histogram(const Sample& sample, std::string& out) {
  const Histogram& histogram = *sample.histogram;
  const std::string_view name = sample.row->name;
  const std::uint64_t count = histogram.count();
  for (const Edge& edge : edges_of(sample.row->unit)) {
    // Recording goes on meanwhile: a bucket must not show more than the count below it.
    const std::uint64_t at_most = std::min(histogram.count_at_most(edge.value), count);
    out += fmt::format("{}_bucket{} {}\n", name, labels(sample, edge.text), at_most);
  }
  out += fmt::format("{}_bucket{} {}\n", name, labels(sample, "+Inf"), count);
  out += fmt::format("{}_sum{} {}\n", name, labels(sample), shown(histogram.sum(), sample.row->unit));
  out += fmt::format("{}_count{} {}\n", name, labels(sample), count);
}

std::string_view type_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
  }
  return "untyped";
}

std::string shown(const Sample& sample) {
  if (sample.row->unit != Unit::seconds) return fmt::format("{}", sample.value);
  return fmt::format("{}{}", sample.value < 0 ? "-" : "",
                     shown(static_cast<std::uint64_t>(sample.value < 0 ? -sample.value : sample.value), Unit::seconds));
}

}  // namespace

std::string prometheus_text(std::span<const Sample> samples) {
  std::string out;
  const MetricRow* last = nullptr;
  for (const Sample& sample : samples) {
    const MetricRow& row = *sample.row;
    if (&row != last) {
      out +=
          fmt::format("# HELP {} {}\n# TYPE {} {}\n", row.name, escaped(row.help, false), row.name, type_of(row.kind));
      last = &row;
    }
    if (sample.histogram) {
      write_histogram(sample, out);
    } else {
      out += fmt::format("{}{} {}\n", row.name, labels(sample), shown(sample));
    }
  }
  return out;
}

}  // namespace mq::metrics
