#include "cli/value_check.h"

#include <algorithm>

#include "base/edit_distance.h"
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

}  // namespace

Parsed<void> check_value(const OptionRow& row, std::string_view text) {
  if (row.value_optional && text.empty()) return {};
  switch (row.kind) {
    case ValueKind::text:
    case ValueKind::flag:
      return {};
    case ValueKind::number:
      return forget(parse_number(text, row.number_min, row.number_max));
    case ValueKind::duration:
      return forget(parse_duration(text));
    case ValueKind::size:
      return forget(parse_size(text));
    case ValueKind::choice:
      return check_choice(row.choices, text);
  }
  return {};
}

std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names) {
  constexpr std::size_t kEditsMax = 2;
  constexpr std::size_t kNameBytesMax = 64;  // nobody means an option with a longer text
  if (wrong.empty() || wrong.size() > kNameBytesMax) return {};
  std::string_view best;
  std::size_t best_edits = kEditsMax + 1;
  for (const std::string_view name : names) {
    const std::size_t edits = wrong.size() >= 3 && name.starts_with(wrong) ? 0 : edit_distance(wrong, name);
    if (edits < best_edits && edits < name.size()) {
      best = name;
      best_edits = edits;
    }
  }
  return best;
}

}  // namespace mq::cli
