#include "cli/value_check.h"

#include <algorithm>

#include "cli/table.h"
#include "cli/units.h"

namespace mq::cli {
namespace {

Parsed<void> check_choice(std::string_view choices, std::string_view text) {
  if (const auto known = listed(choices); std::ranges::find(known, text) != known.end()) return {};
  return bad_value(0, text.size(), "must be one of {}", choices);
}

template <class T>
Parsed<void> forget(const Parsed<T>& parsed) {
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

Parsed<void> check_size(const OptionRow& row, std::string_view text) {
  const auto size = parse_size(text);
  if (!size) return std::unexpected(size.error());
  if (*size < static_cast<std::uint64_t>(row.number_min))
    return bad_value(0, text.size(), "must be at least {}", human_bytes(row.number_min));
  if (*size > static_cast<std::uint64_t>(row.number_max))
    return bad_value(0, text.size(), "must be at most {}", human_bytes(row.number_max));
  return {};
}

Parsed<void> check_kind(const OptionRow& row, std::string_view text) {
  switch (row.kind) {
    case ValueKind::text:
    case ValueKind::flag:
      return {};
    case ValueKind::number:
      return forget(parse_number(text, row.number_min, row.number_max));
    case ValueKind::duration:
      return forget(parse_duration(text));
    case ValueKind::size:
      return check_size(row, text);
    case ValueKind::choice:
      return check_choice(row.choices, text);
  }
  return {};
}

}  // namespace

Parsed<void> check_value(const OptionRow& row, std::string_view text, const TimeContext* now) {
  if (row.value_optional && text.empty()) return {};
  if (auto fine = check_kind(row, text); !fine || row.into.check == nullptr) return fine;
  return row.into.check(text, now);
}

}  // namespace mq::cli
