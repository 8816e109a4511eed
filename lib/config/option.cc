#include "config/option.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/assert.h"
#include "base/edit_distance.h"
#include "base/letter_case.h"
#include "base/parsed_number.h"
#include "base/pieces.h"
#include "base/trimmed.h"

namespace mq::config {
namespace {

/// A list with more items is refused.
constexpr std::size_t kListItemsMax = 1000;

template <class Item>
bool has(const std::vector<Item>& items, std::string_view item) {
  return std::ranges::find(items, item) != items.end();
}

std::string joined(const std::vector<std::string_view>& pieces) { return fmt::format("{}", fmt::join(pieces, ", ")); }

std::unexpected<Error> not_taken(const OptionRow& row, std::string_view text) {
  constexpr std::size_t kShownMax = 100;
  return fail(Errc::invalid_argument, "{} cannot be '{}'; it takes {}", row.name, text.substr(0, kShownMax),
              describe_values(row));
}

bool is_choice(const OptionRow& row, std::string_view text) {
  return row.choices.empty() || has(pieces_of(row.choices, '|'), text);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return parsed_number<Number>(text);
}

Result<Value> parse_list(const OptionRow& row, std::string_view text) {
  const auto pieces = pieces_of(text, ',');
  std::vector<std::string> items;
  for (const std::string_view piece : pieces) {
    if (piece.empty() || !is_choice(row, piece)) return not_taken(row, text);
    if (!has(items, piece)) items.emplace_back(piece);
    if (items.size() > kListItemsMax) return not_taken(row, text);
  }
  return Value(std::move(items));
}

/// As Java's Double.toString: at least one digit after the point, and an exponent below a thousandth and from ten
/// million on.
std::string java_text(double value) {
  char digits[32];
  const double size = std::abs(value);
  const bool is_plain = size == 0 || (size >= 1e-3 && size < 1e7);
  const auto format = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value, format);
  MQ_ASSERT(end.ec == std::errc{});
  std::string text(digits, end.ptr);
  if (is_plain) return text.contains('.') ? text : text + ".0";
  const std::size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (!mantissa.contains('.')) mantissa += ".0";
  return fmt::format("{}E{}", mantissa, number<int>(std::string_view(text).substr(e + 1)).value());
}

}  // namespace

const OptionRow* find_option(std::span<const OptionRow> table, std::string_view name) {
  const auto found = std::ranges::lower_bound(table, name, {}, &OptionRow::name);
  return found != table.end() && found->name == name ? &*found : nullptr;
}

std::string_view nearest_option(std::span<const OptionRow> table, std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : table) names.push_back(row.name);
  return nearest_name(name, names);
}

Result<Value> parse(const OptionRow& row, std::string_view text) {
  text = trimmed(text);
  switch (row.type) {
    case OptionType::boolean:
      if (equal_ignoring_case(text, "true")) return Value(true);
      if (equal_ignoring_case(text, "false")) return Value(false);
      return not_taken(row, text);
    case OptionType::short_integer:
    case OptionType::integer:
    case OptionType::long_integer:
      if (const auto value = number<std::int64_t>(text); value && *value >= row.min && *value <= row.max)
        return Value(*value);
      return not_taken(row, text);
    case OptionType::real:
      if (const auto value = number<double>(text); value && std::isfinite(*value) &&
                                                   *value >= static_cast<double>(row.min) &&
                                                   *value <= static_cast<double>(row.max))
        return Value(*value);
      return not_taken(row, text);
    case OptionType::list:
      return parse_list(row, text);
    case OptionType::string:
      if (!is_choice(row, text)) return not_taken(row, text);
      return Value(std::string(text));
  }
  return fail(Errc::internal, "option {} has no type", row.name);
}

Result<Value> parse_option(std::span<const OptionRow> table, std::string_view name, std::string_view text) {
  if (const OptionRow* row = find_option(table, name)) return parse(*row, text);
  // What Kafka's tools set for a while when they move replicas.
  if (name.contains(".replication.throttled."))
    return fail(Errc::invalid_argument,
                "{}: what is copied to new replicas is held back by mq.reassignment.rate, of all brokers or of one; "
                "leave the throttle out",
                name.substr(0, 100));
  const std::string_view nearest = nearest_option(table, name);
  if (nearest.empty()) return fail(Errc::invalid_argument, "no option is named '{}'", name.substr(0, 100));
  return fail(Errc::invalid_argument, "no option is named '{}'; did you mean {}?", name, nearest);
}

std::string to_text(const Value& value) {
  struct Spell {
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return java_text(number); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<std::string>& items) const {
      return fmt::format("{}", fmt::join(items, ","));
    }
  };
  return std::visit(Spell{}, value);
}

Result<Overrides> normalised(std::span<const OptionRow> table, const Overrides& overrides) {
  Overrides same;
  for (const auto& [name, text] : overrides) {
    MQ_TRY(const Value value, parse_option(table, name, text));
    same.emplace(name, to_text(value));
  }
  return same;
}

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::none:
      return "";
    case Unit::bytes:
      return "bytes";
    case Unit::milliseconds:
      return "ms";
    case Unit::minutes:
      return "minutes";
    case Unit::hours:
      return "hours";
    case Unit::records:
      return "records";
    case Unit::ratio:
      return "ratio";
    case Unit::count:
      return "count";
    case Unit::id:
      return "id";
  }
  return "";
}

std::string describe_values(const OptionRow& row) {
  const auto range = [&](std::string_view kind) {
    if (row.max == std::numeric_limits<std::int64_t>::max()) {
      if (row.min == std::numeric_limits<std::int64_t>::min()) return std::string(kind);
      return fmt::format("{} from {} on", kind, row.min);
    }
    return fmt::format("{} from {} to {}", kind, row.min, row.max);
  };
  switch (row.type) {
    case OptionType::boolean:
      return "true or false";
    case OptionType::short_integer:
    case OptionType::integer:
    case OptionType::long_integer:
      return range("a whole number");
    case OptionType::real:
      return range("a number");
    case OptionType::list:
      if (row.choices.empty()) return "a list with commas between its items";
      return fmt::format("any of {}, with commas between them", joined(pieces_of(row.choices, '|')));
    case OptionType::string:
      if (row.choices.empty()) return "any text";
      if (!row.choices.contains('|')) return fmt::format("only {}", row.choices);
      return fmt::format("one of {}", joined(pieces_of(row.choices, '|')));
  }
  return "";
}

}  // namespace mq::config
