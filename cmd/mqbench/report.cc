#include "report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/escape.h"

namespace mq::mqbench {

void Report::add(std::string_view name, std::string_view text) {
  rows_.push_back({.name = std::string(name), .text = std::string(text), .is_text = true});
}

void Report::add(std::string_view name, std::uint64_t number) {
  rows_.push_back({.name = std::string(name), .text = fmt::to_string(number)});
}

void Report::add(std::string_view name, double number, int decimals) {
  rows_.push_back({.name = std::string(name), .text = fmt::format("{:.{}f}", number, decimals)});
}

void Report::add(std::string_view name, bool yes) {
  rows_.push_back({.name = std::string(name), .text = yes ? "true" : "false"});
}

void Report::add_latencies(std::string_view prefix, const metrics::Histogram& histogram) {
  if (histogram.count() == 0) return;
  const auto add_us = [&](std::string_view name, std::uint64_t nanos) {
    add(fmt::format("{}_{}_us", prefix, name), static_cast<double>(nanos) / 1e3, 1);
  };
  add_us("p50", histogram.quantile(0.5));
  add_us("p90", histogram.quantile(0.9));
  add_us("p99", histogram.quantile(0.99));
  add_us("p999", histogram.quantile(0.999));
  add_us("max", histogram.max());
}

std::string Report::lines() const {
  std::size_t width = 0;
  for (const Row& row : rows_) width = std::max(width, row.name.size());
  std::string out;
  for (const Row& row : rows_) out += fmt::format("{:<{}}  {}\n", row.name, width, row.text);
  return out;
}

std::string Report::json() const {
  std::string out;
  for (const Row& row : rows_) {
    out += out.empty() ? '{' : ',';
    cli::append_json(row.name, out);
    out += ':';
    if (row.is_text) {
      cli::append_json(row.text, out);
    } else {
      out += row.text;
    }
  }
  return (out.empty() ? "{" : out) + "}\n";
}

}  // namespace mq::mqbench
