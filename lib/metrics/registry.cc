#include "metrics/registry.h"

#include <algorithm>

#include "base/assert.h"

namespace mq::metrics {
namespace {

std::size_t values_of(const LabelRow& label) { return label.name.empty() ? 1 : label.values.size(); }
std::size_t instances_of(const MetricRow& row) { return values_of(row.label) * values_of(row.second); }

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

const char* problem_of(const LabelRow& label) {
  if (label.name.empty() != label.values.empty()) return "it has a label without values, or values without a label";
  if (!label.name.empty() && (!is_name(label.name) || label.name == "le"))
    return "its label's name is not of a-z, 0-9 and _";
  return nullptr;
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
  if (row.label.name.empty() && !row.second.name.empty()) return "it has a second label and no first";
  if (const char* problem = problem_of(row.label)) return problem;
  return problem_of(row.second);
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
        for (std::size_t i = 0; i < more; ++i) histograms_.emplace_back(row.unit);
        break;
    }
  }
}

std::size_t Metrics::place(std::size_t row, std::size_t instance, Kind kind) const {
  MQ_ASSERT(row < rows_.size() && rows_[row].kind == kind && instance < instances_of(rows_[row]));
  return first_[row] + instance;
}

Counter& Metrics::counter(std::size_t row, std::size_t label, std::size_t second) {
  MQ_ASSERT(row < rows_.size());
  return counters_[place(row, label * values_of(rows_[row].second) + second, Kind::counter)];
}
Gauge& Metrics::gauge(std::size_t row, std::size_t label) { return gauges_[place(row, label, Kind::gauge)]; }
BucketHistogram& Metrics::histogram(std::size_t row, std::size_t label) {
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
    const std::size_t seconds = values_of(row.second);
    for (std::size_t instance = 0; instance < instances_of(row); ++instance) {
      Sample sample{.row = &row};
      if (!row.label.name.empty()) sample.label_value = row.label.values[instance / seconds];
      if (!row.second.name.empty()) sample.second_value = row.second.values[instance % seconds];
      if (row.kind == Kind::histogram) sample.histogram.emplace();
      for (const Metrics* shard : shards) {
        const std::size_t place = shard->place(at, instance, row.kind);
        switch (row.kind) {
          case Kind::counter:
            sample.value += static_cast<std::int64_t>(shard->counters_[place].value());
            break;
          case Kind::gauge:
            sample.value += shard->gauges_[place].value();
            break;
          case Kind::histogram:
            shard->histograms_[place].add_to(*sample.histogram);
            break;
        }
      }
      const bool is_zero = sample.histogram ? sample.histogram->count() == 0 : sample.value == 0;
      if (!row.sparse || !is_zero) samples.push_back(sample);
    }
  }
  return samples;
}

}  // namespace mq::metrics
