#include <fmt/format.h>

#include "metrics/registry.h"

namespace mq::metrics {
namespace {

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
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!name.empty()) out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value, true));
  };
  add(sample.row->label.name, sample.label_value);
  add(sample.row->second.name, sample.second_value);
  if (!le.empty()) add("le", le);
  return out.empty() ? out : fmt::format("{{{}}}", out);
}

std::string shown(std::uint64_t recorded, Unit unit) {
  if (unit != Unit::seconds) return fmt::format("{}", recorded);
  return fmt::format("{}.{:09}", recorded / 1'000'000'000, recorded % 1'000'000'000);
}

void write_histogram(const Sample& sample, std::string& out) {
  const BucketCounts& histogram = *sample.histogram;
  const std::string_view name = sample.row->name;
  const std::uint64_t count = histogram.count();
  const std::span<const Edge> edges = edges_of(sample.row->unit);
  for (std::size_t i = 0; i < edges.size(); ++i)
    out += fmt::format("{}_bucket{} {}\n", name, labels(sample, edges[i].text), histogram.count_at_most(i));
  out += fmt::format("{}_bucket{} {}\n", name, labels(sample, "+Inf"), count);
  out += fmt::format("{}_sum{} {}\n", name, labels(sample), shown(histogram.sum, sample.row->unit));
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
