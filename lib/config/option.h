#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace mq::config {

/// What a value is, with the numbers of DescribeConfigs.
enum class OptionType : std::int8_t {
  boolean = 1,
  string = 2,
  integer = 3,
  short_integer = 4,
  long_integer = 5,
  real = 6,
  list = 7
};

/// What a number counts; `none` only where there is no number.
enum class Unit { none, bytes, milliseconds, minutes, hours, records, ratio, count, id };

/// Whose option it is.
enum class Scope {
  topic,   ///< set for each topic, at any time
  broker,  ///< in its file or command line, and what is live of them in the cluster's metadata
};

/// Where a value in force comes from, with the numbers of DescribeConfigs.
enum class Source : std::int8_t {
  topic = 1,
  live_broker = 2,   ///< of one broker, in the cluster's metadata
  live_default = 3,  ///< of all brokers, there
  static_broker = 4,
  fallback = 5
};

/// One option: what parser, DescribeConfigs, help and documentation need.
struct OptionRow {
  std::string_view name = {};
  OptionType type = OptionType::string;
  Unit unit = Unit::none;
  std::string_view fallback = {};  ///< the default, as it would be written
  /// A number, boolean or enumeration without a default: the option is unset until somebody sets it.
  bool may_be_unset = false;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  ///< of numbers, inclusive
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  /// The only values of a string, or of a list's items, separated by `|`. Empty: any.
  std::string_view choices = {};
  Scope scope = Scope::topic;
  bool dynamic = false;  ///< of a broker's options: one that runs takes it over on SIGHUP, others at its next start
  std::string_view text = {};  ///< one sentence, or two

  /// Whether it can be set in the metadata, for one topic or broker or for all brokers, while they run.
  bool live = true;
  /// Of a live option of brokers: only for all of them, since who leads and who elects may be two.
  bool same_everywhere = false;
};

/// Options by name as somebody wrote them: of a topic, or of a broker's file and command line.
using Overrides = std::map<std::string, std::string>;
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// Every option of a topic and of a broker, sorted by name. The broker's include the defaults of topics under Kafka's
/// names for them (`log.retention.ms`).
[[nodiscard]] std::span<const OptionRow> topic_options();
[[nodiscard]] std::span<const OptionRow> broker_options();

/// A broker option that is the default of a topic option, in units of `factor`.
struct SynonymRow {
  std::string_view topic_option;
  std::string_view broker_option;
  std::int64_t factor = 1;
};
/// For each topic option its broker options; where there are several, the first that is set counts.
[[nodiscard]] std::span<const SynonymRow> synonyms();

/// Null when there is none.
[[nodiscard]] const OptionRow* find_option(std::span<const OptionRow> table, std::string_view name);
/// The name most like `name`, or empty when none is near.
[[nodiscard]] std::string_view nearest_option(std::span<const OptionRow> table, std::string_view name);

/// Reads `text`, to its last byte but for blanks around it, as Kafka does: numbers may have a plus, booleans capitals,
/// lists blanks around their items, and what a list has twice counts once. invalid_argument: not of the row's type,
/// range or choices; the message names option and value and says what would do.
[[nodiscard]] Result<Value> parse(const OptionRow& row, std::string_view text);
/// `value` as Kafka shows it: `true`, `1000`, `0.5`, `1.0E-7`, `compact,delete`.
[[nodiscard]] std::string to_text(const Value& value);
/// `parse` of the option `name`; invalid_argument, with the nearest name, when there is none.
[[nodiscard]] Result<Value> parse_option(std::span<const OptionRow> table, std::string_view name,
                                         std::string_view text);
/// The same options with the same values, each as `to_text` spells it. invalid_argument as `parse_option`.
[[nodiscard]] Result<Overrides> normalised(std::span<const OptionRow> table, const Overrides& overrides);

/// `ms`, `bytes`, ...; empty for `none`.
[[nodiscard]] std::string_view name_of(Unit unit);
/// The values that the row takes, for people: `a whole number from 1 to 5`, `one of a, b`.
[[nodiscard]] std::string describe_values(const OptionRow& row);

}  // namespace mq::config
