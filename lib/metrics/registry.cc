#include "metrics/registry.h"

#include <algorithm>

#include "base/assert.h"

namespace mq::metrics {
namespace {

std::size_t instances_of(const MetricRow& row) { return row.label.empty() ? 1 : row.label_values.size(); }

bool is_name(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::string_view suffix_of(Unit unit) {
  switch (unit) {
    case Unit::count:
      return "";
    case Unit::bytes:
      return "_bytes";
    case Unit::seconds:
      return "_seconds";
  }
  return "";
}

}  // namespace

const char* problem_of(const MetricRow& row) {
  if (!is_name(row.name)) return "its name is not of a-z, 0-9 and _";
  std::string_view stem = row.name;
  if (row.kind == Kind::counter) {
    if (!stem.ends_with("_total")) return "a counter's name ends with _total";
    stem.remove_suffix(std::string_view("_total").size());
  }
  if (!stem.ends_with(suffix_of(row.unit))) return "its name does not end with its unit";
  if (!row.help.ends_with('.')) return "its help is no sentence";
  if (row.label.empty() != row.label_values.empty()) return "it has a label without values, or values without a label";
  if (!row.label.empty() && (!is_name(row.label) || row.label == "le"))
    return "its label's name is not of a-z, 0-9 and _";
  return nullptr;
}

Metrics::Metrics(std::span<const MetricRow> rows) : rows_(rows) {
  for (const MetricRow& row : rows) {
    const std::size_t more = instances_of(row);
    switch (row.kind) {
      case Kind::counter:
        first_.push_back(counters_.size());
        counters_.resize(counters_.size() + more);
        break;
      case Kind::gauge:
        first_.push_back(gauges_.size());
        gauges_.resize(gauges_.size() + more);
        break;
      case Kind::histogram:
        first_.push_back(histograms_.size());
        for (std::size_t i = 0; i < more; ++i) histograms_.emplace_back(Precision::coarse);
        break;
    }
  }
}

std::size_t Metrics::place(std::size_t row, std::size_t label, Kind kind) const {
  MQ_ASSERT(row < rows_.size() && rows_[row].kind == kind && label < instances_of(rows_[row]));
  return first_[row] + label;
}

Counter& Metrics::counter(std::size_t row, std::size_t label) { return counters_[place(row, label, Kind::counter)]; }
Gauge& Metrics::gauge(std::size_t row, std::size_t label) { return gauges_[place(row, label, Kind::gauge)]; }
Histogram& Metrics::histogram(std::size_t row, std::size_t label) {
  return histograms_[place(row, label, Kind::histogram)];
}

std::vector<Sample> sum(std::span<const Metrics* const> shards) {
  std::vector<Sample> samples;
  if (shards.empty()) return samples;
  const std::span<const MetricRow> rows = shards.front()->rows();
  for (const Metrics* shard : shards)
    MQ_ASSERT(shard->rows().data() == rows.data() && shard->rows().size() == rows.size());
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const MetricRow& row = rows[at];
    for (std::size_t label = 0; label < instances_of(row); ++label) {
      Sample sample{.row = &row, .label_value = row.label.empty() ? std::string_view{} : row.label_values[label]};
      if (row.kind == Kind::histogram) sample.histogram.emplace(Precision::coarse);
      for (const Metrics* shard : shards) {
        const std::size_t place = shard->place(at, label, row.kind);
        switch (row.kind) {
          case Kind::counter:
            sample.value += static_cast<std::int64_t>(shard->counters_[place].value());
            break;
          case Kind::gauge:
            sample.value += shard->gauges_[place].value();
            break;
          case Kind::histogram:
            sample.histogram->merge(shard->histograms_[place]);
            break;
        }
      }
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

}  // namespace mq::metrics
