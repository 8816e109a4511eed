#include "cli/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "base/letter_case.h"
#include "base/utf8.h"
#include "cli/escape.h"

namespace mq::cli {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string human(std::int64_t value, Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return human_bytes(value);
    case Unit::milliseconds:
      return human_milliseconds(value);
    case Unit::wall_time:
      return iso_time(value);
    case Unit::yes_no:
    case Unit::text:
    case Unit::number:
      return fmt::format("{}", value);
  }
  return {};
}

std::string table_cell(const Cell& cell, Unit unit) {
  std::string text = std::visit(
      Overloaded{[](std::monostate) { return std::string("-"); },
                 [](const std::string& s) {
                   std::string out;
                   append_in_one_line(s, out);
                   return out;
                 },
                 [&](std::int64_t n) { return human(n, unit); }, [](bool b) { return std::string(b ? "yes" : "no"); },
                 [](const auto& list) {
                   std::string out;
                   append_in_one_line(fmt::format("{}", fmt::join(list, ",")), out);
                   return out;
                 }},
      cell);
  return text.empty() ? "-" : text;
}

std::string tsv_cell(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) { return std::string(); },
                               [](const std::string& s) {
                                 std::string out;
                                 append_tsv(s, out);
                                 return out;
                               },
                               [](std::int64_t n) { return fmt::format("{}", n); },
                               [](bool b) { return std::string(b ? "true" : "false"); },
                               [](const auto& list) {
                                 std::string out;
                                 append_tsv(fmt::format("{}", fmt::join(list, ",")), out);
                                 return out;
                               }},
                    cell);
}

void append_json_cell(const Cell& cell, std::string& out) {
  std::visit(Overloaded{[&](std::monostate) { out += "null"; }, [&](const std::string& s) { append_json(s, out); },
                        [&](std::int64_t n) { fmt::format_to(std::back_inserter(out), "{}", n); },
                        [&](bool b) { out += b ? "true" : "false"; },
                        [&](const std::vector<std::string>& list) {
                          out += '[';
                          for (const std::string& s : list) {
                            if (&s != list.data()) out += ',';
                            append_json(s, out);
                          }
                          out += ']';
                        },
                        [&](const std::vector<std::int64_t>& list) {
                          fmt::format_to(std::back_inserter(out), "[{}]", fmt::join(list, ","));
                        }},
             cell);
}

std::string title_of(const ColumnRow& column) {
  if (!column.title.empty()) return std::string(column.title);
  std::string_view name = column.name;
  for (const std::string_view unit : {"_bytes", "_ms"}) {
    if (name.ends_with(unit)) name.remove_suffix(unit.size());
  }
  std::string title;
  for (const char c : name) title += c == '_' ? ' ' : upper(c);
  return title;
}

}  // namespace

Parsed<OutputFormat> parse_output_format(std::string_view text, bool stdout_is_terminal) {
  if (text.empty()) return stdout_is_terminal ? OutputFormat::table : OutputFormat::tsv;
  if (text == "table") return OutputFormat::table;
  if (text == "tsv") return OutputFormat::tsv;
  if (text == "json") return OutputFormat::json;
  if (text == "jsonl") return OutputFormat::jsonl;
  return bad_value(0, text.size(), "must be one of table|tsv|json|jsonl");
}

void TableWriter::add(std::vector<Cell> cells) {
  MQ_ASSERT(cells.size() == columns_.size());
  switch (format_) {
    case OutputFormat::table:
      rows_.push_back(std::move(cells));
      break;
    case OutputFormat::json:
    case OutputFormat::jsonl:
      append_json_row(cells);
      break;
    case OutputFormat::tsv:
      append_tsv_header();
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) out_ += '\t';
        out_ += tsv_cell(cells[i]);
      }
      out_ += '\n';
      break;
  }
}

void TableWriter::append_tsv_header() {
  if (header_written_ || !header_) return;
  header_written_ = true;
  for (const ColumnRow& column : columns_) {
    if (&column != columns_.data()) out_ += '\t';
    out_ += column.name;
  }
  out_ += '\n';
}

void TableWriter::append_json_row(const std::vector<Cell>& cells) {
  if (format_ == OutputFormat::json) out_ += json_rows_ == 0 ? "[\n" : ",\n";
  ++json_rows_;
  out_ += '{';
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out_ += ',';
    append_json(columns_[i].name, out_);
    out_ += ':';
    append_json_cell(cells[i], out_);
  }
  out_ += '}';
  if (format_ == OutputFormat::jsonl) out_ += '\n';
}

std::string TableWriter::take() {
  const bool by_row = format_ == OutputFormat::tsv || format_ == OutputFormat::jsonl;
  return by_row ? std::exchange(out_, {}) : std::string();
}

std::string TableWriter::finish() {
  switch (format_) {
    case OutputFormat::table:
      return render_table();
    case OutputFormat::tsv:
      append_tsv_header();
      break;
    case OutputFormat::json:
      out_ += json_rows_ == 0 ? "[]\n" : "\n]\n";
      break;
    case OutputFormat::jsonl:
      break;
  }
  return std::exchange(out_, {});
}

std::string TableWriter::render_table() const {
  std::vector<std::vector<std::string>> lines;
  if (header_) {
    auto& titles = lines.emplace_back();
    for (const ColumnRow& column : columns_) titles.push_back(title_of(column));
  }
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) line.push_back(table_cell(row[i], columns_[i].unit));
  }
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns_of(line[i]));
  }

  std::string out;
  for (const auto& line : lines) {
    const bool is_bold = colour_ && header_ && &line == lines.data();
    if (is_bold) out += "\x1b[1m";
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool is_right =
          columns_[i].unit == Unit::number || columns_[i].unit == Unit::bytes || columns_[i].unit == Unit::milliseconds;
      const bool is_last = i + 1 == line.size();
      const std::string padding(widths[i] - columns_of(line[i]), ' ');
      if (i > 0) out += "  ";
      if (is_right) out += padding;
      out += line[i];
      if (!is_right && !is_last) out += padding;
    }
    out += is_bold ? "\x1b[0m\n" : "\n";
  }
  return out;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes > -1024 && bytes < 1024) return fmt::format("{}", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1024; std::abs(value) >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return std::abs(value) < 9.95 ? fmt::format("{:.1f}{}", value, kUnits[unit])
                                : fmt::format("{:.0f}{}", value, kUnits[unit]);
}

std::string human_milliseconds(std::int64_t ms) {
  struct Step {
    std::int64_t ms;
    std::string_view name;
  };
  constexpr Step kSteps[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  if (ms < 0) return fmt::format("{}ms", ms);
  for (std::size_t i = 0; i < std::size(kSteps); ++i) {
    if (ms < kSteps[i].ms) continue;
    std::string out = fmt::format("{}{}", ms / kSteps[i].ms, kSteps[i].name);
    const std::int64_t rest = i + 1 < std::size(kSteps) ? ms % kSteps[i].ms / kSteps[i + 1].ms : 0;
    if (rest > 0) out += fmt::format("{}{}", rest, kSteps[i + 1].name);
    return out;
  }
  return "0ms";
}

std::string iso_time(WallMillis time, bool microseconds) {
  constexpr std::int64_t kDay = 86'400'000;
  constexpr std::int64_t kDaysMax = 11'000'000;  // std::chrono's calendar ends in the year 32767
  if (time < 0 || time / kDay > kDaysMax) return "-";
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{time / kDay}}};
  const std::int64_t in_day = time % kDay;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), in_day / 3'600'000,
                     in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000, microseconds ? "000" : "");
}

}  // namespace mq::cli
