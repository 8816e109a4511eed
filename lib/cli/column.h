#pragma once

#include <span>
#include <string_view>

namespace mq::cli {

/// What a column holds. Tables show human units; tsv and json plain bytes, milliseconds and epoch milliseconds.
enum class Unit { text, number, bytes, milliseconds, wall_time, yes_no };

struct ColumnRow {
  std::string_view name;   ///< in tsv and json, a contract: `size_bytes`, `lag_ms`
  std::string_view title;  ///< in a table; empty: `name` in capitals without its unit
  Unit unit = Unit::text;
  std::string_view help;  ///< one phrase, no final point
};

/// What a command prints: its columns, or the fields of its report. In help and manual as in the output.
struct OutputRow {
  std::string_view when;  ///< the option that asks for it; empty: what the command prints by itself
  std::span<const ColumnRow> columns;
};

}  // namespace mq::cli
