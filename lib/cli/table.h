#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "cli/column.h"
#include "cli/value_error.h"

namespace mq::cli {

enum class OutputFormat { table, tsv, json, jsonl };

/// `text` as given to -o; empty: table for a terminal, else tsv.
[[nodiscard]] Parsed<OutputFormat> parse_output_format(std::string_view text, bool stdout_is_terminal);

/// Nothing (`-` in a table, empty in tsv, null in json), a text, a number, a truth, or a list of texts or numbers
/// (joined with commas but in json).
using Cell =
    std::variant<std::monostate, std::string, std::int64_t, bool, std::vector<std::string>, std::vector<std::int64_t>>;

/// Rows in one of the output formats. Collects rows and writes them at the end for `table` and `json`; `tsv` and
/// `jsonl` may be taken row by row.
class TableWriter {
 public:
  /// `columns` must outlive the writer. With `colour` the header of a table is bold.
  TableWriter(std::span<const ColumnRow> columns, OutputFormat format, bool header = true, bool colour = false)
      : columns_(columns), format_(format), header_(header), colour_(colour) {}

  /// One cell for each column.
  void add(std::vector<Cell> cells);
  /// What can be written now: everything for tsv and jsonl, nothing for table and json. Call as often as you like.
  [[nodiscard]] std::string take();
  /// The rest. An empty result is a header alone (table, tsv), `[]` (json) or nothing (jsonl).
  [[nodiscard]] std::string finish();

 private:
  [[nodiscard]] std::string render_table() const;
  void append_tsv_header();
  void append_json_row(const std::vector<Cell>& cells);

  std::span<const ColumnRow> columns_;
  OutputFormat format_;
  bool header_;
  bool colour_;
  bool header_written_ = false;
  std::vector<std::vector<Cell>> rows_;  ///< of a table
  std::string out_;
  std::size_t json_rows_ = 0;
};

/// 1536 -> "1.5K". 1024 steps, as coreutils.
[[nodiscard]] std::string human_bytes(std::int64_t bytes);
/// 90000 -> "1m30s"; the two largest units.
[[nodiscard]] std::string human_milliseconds(std::int64_t ms);
/// Milliseconds since 1970 as `2025-01-31T14:00:05.123Z`; "-" for what is before 1970 or past the year 32000.
[[nodiscard]] std::string iso_time(WallMillis time, bool microseconds = false);

}  // namespace mq::cli
