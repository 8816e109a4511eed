#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/stored_record.h"
#include "cli/value_error.h"

namespace mq::cli {

/// A compiled format string of mq-format(7).
///
///   %s value   %S its length   %k key   %K its length   %t topic   %p partition   %o offset   %T timestamp in ms
///   %h headers as name=value,...   %R length of the value, 32 bits big-endian   %% a percent sign
///   %{FIELD} or %{FIELD:MOD}   FIELD: value key topic partition offset ts ts_type epoch headers header.NAME
///                              MOD: hex base64 json str len iso iso_us
///   \n \t \r \0 \\ \e \xNN
class RecordFormat {
 public:
  [[nodiscard]] static Parsed<RecordFormat> compile(std::string_view text);

  /// Appends the record to `out`. `null_text` stands for a null key, value or header; lengths of null are -1.
  void write(const StoredRecord& stored, std::string& out, std::string_view null_text = {}) const;

  enum class Field : std::uint8_t {
    literal,
    value,
    key,
    topic,
    partition,
    offset,
    ts,
    ts_type,
    epoch,
    headers,
    header
  };
  enum class Mod : std::uint8_t { none, hex, base64, json, length, length_be32, iso, iso_us };
  struct Piece {
    Field field = Field::literal;
    Mod mod = Mod::none;
    std::string text;  ///< the literal, or the header's name
  };
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  std::vector<Piece> pieces_;
};

/// What `-F help` prints.
[[nodiscard]] std::string_view record_format_help();

}  // namespace mq::cli
