#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/column.h"
#include "cli/value_error.h"

namespace mq::cli {

// A tool declares itself as rows, once. The parser, -h, --help, --help-json, the man page and the completions are made
// from them. All texts are literals and live as long as the program.
//
//   constexpr cli::OptionRow kOptions[] = {
//       {.short_name = 'd', .long_name = "delimiter", .value_name = "STR", .fallback = "\\n", .group = "Input",
//        .help = "record delimiter; it is removed"},
//       {.short_name = '0', .long_name = "null", .kind = cli::ValueKind::flag, .group = "Input", .help = "same as -d
//       '\\0'"},
//       {.long_name = "linger", .kind = cli::ValueKind::duration, .value_name = "DUR", .fallback = "5ms",
//        .group = "Delivery", .help = "wait so long for a batch to fill"},
//   };
//   constexpr std::string_view kUsage[] = {"[OPTION]... TOPIC [FILE]..."};
//   constexpr cli::Example kExamples[] = {{"send a log", "mqprod web < access.log"}};
//   constexpr cli::ToolRow kTool{.name = "mqprod", .summary = "write records to a topic", .usage = kUsage,
//                                .description = "...", .options = kOptions, .examples = kExamples,
//                                .operands = {.min = 1}};
//
//   auto args = cli::parse(kTool, words, environment);       // words without argv[0]
//   if (!args) return write_out(args.error());                // help, version or a usage error: texts and exit code
//   args->flag("null"); args->duration("linger"); args->operands();
//   args->fill(options);                                      // what rows place with .into =
//   cli::into<&Options::linger> or cli::parsed_into<parse_rate, &Options::rate>

enum class ValueKind {
  text,
  flag,      ///< no value; may be given several times (-vv)
  number,    ///< a whole number in [number_min, number_max]
  duration,  ///< 5ms, 1h; the unit is required
  size,      ///< bytes in [number_min, number_max]: 100, 4K, 10MB
  choice,    ///< one of `choices`
};

class Arguments;
struct TimeContext;

/// Where the value of an option goes: a member of the tool's own struct, see `into` in arguments.h.
struct Destination {
  const void* type = nullptr;  ///< stands for the type of the struct
  void (*store)(void* options, const Arguments& args, std::string_view name) = nullptr;
  /// Is `text` a value, and of a time, one in this context? Null: the kind of the option says all.
  Parsed<void> (*check)(std::string_view text, const TimeContext* now) = nullptr;
};

/// What an option has to do with the operands that follow the ones which have to be there.
struct OperandRelation {
  enum class Kind {
    none,
    excludes,    ///< it never stands beside them
    enables,     ///< they need it
    substitutes  ///< one of them may be left out beside it
  };
  Kind kind = Kind::none;
  std::string_view operand;  ///< what the text of the operands calls them: "TOPIC"
};

/// A number above `number` needs one of the options of `needs_one`: "no-idempotent|acks=0" names them, and the values
/// that they have to have, given or by default.
struct NumberAbove {
  std::int64_t number = 0;
  std::string_view needs_one;  ///< empty: there is no such rule
};

struct OptionRow {
  char short_name = 0;         ///< 0: none
  std::string_view long_name;  ///< without dashes; empty: it has its letter only
  ValueKind kind = ValueKind::text;
  std::string_view value_name;                 ///< "DUR"; empty for flags
  std::string_view fallback;                   ///< the value when nobody gives one; empty: none
  std::string_view fallback_note;              ///< what help prints as the default instead of `fallback`
  std::string_view choices;                    ///< "all|1|0" for ValueKind::choice
  std::string_view group;                      ///< heading in help
  std::string_view help;                       ///< one or two phrases, no final point
  std::string_view environment;                ///< variable that gives the value when no option does
  bool repeatable = false;                     ///< every value counts; otherwise the last one given
  bool value_optional = false;                 ///< --name or --name=VALUE; the bare form has the value ""
  std::string_view (*value_help)() = nullptr;  ///< what the value "help" prints: the grammar of all others
  std::int64_t number_min = 0;
  std::int64_t number_max = std::numeric_limits<std::int64_t>::max();
  std::string_view needs;     ///< "group|topic": long names; on a command line it stands beside each of these only
  std::string_view excludes;  ///< the same: it never stands beside any of these. One of two rows says so
  bool required = false;      ///< there has to be a value
  NumberAbove above;
  OperandRelation operands;
  std::string_view broker_option;  ///< the option of a broker that it sets, by Kafka's name
  Destination into;                ///< cli::into<&Options::count>; none: the tool makes of the value what it likes
};

/// What a program calls the option: the long name, or the letter of one that has none.
[[nodiscard]] constexpr std::string_view name_of(const OptionRow& row) {
  return row.long_name.empty() ? std::string_view(&row.short_name, 1) : row.long_name;
}

/// The parts of `a|b`, as rows list choices and names.
[[nodiscard]] std::vector<std::string_view> listed(std::string_view text);

/// An option, or a value of it, as `above` has them.
struct Term {
  std::string_view name;
  std::optional<std::string_view> value;
};
[[nodiscard]] Term term_of(std::string_view text);

/// `more than 5 needs --no-idempotent or --acks=0`.
[[nodiscard]] std::string to_text(const NumberAbove& above);

/// The rows among which an option is meant.
using OptionRows = std::span<const OptionRow* const>;

/// The long names of the options that do not stand beside `row`, whichever row says so.
[[nodiscard]] std::vector<std::string_view> excluded_by(const OptionRow& row, OptionRows rows);
/// `required`, `needs --group`, `not with TOPIC`: what the row says of itself and completions enforce only in part.
[[nodiscard]] std::vector<std::string> own_relations_of(const OptionRow& row);
/// The same with `not with --offset, --tail`, whichever row says so: what help and manual say of the row.
[[nodiscard]] std::vector<std::string> relations_of(const OptionRow& row, OptionRows rows);

struct Example {
  std::string_view comment;
  std::string_view command;
};

/// How many operands a tool or command takes.
struct OperandCount {
  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
  std::size_t min = 0;
  std::size_t max = kAny;
  std::size_t topics = 0;  ///< so many of them, from the first on, are names of topics
};

/// What a command does to the cluster.
enum class Effect { reads, changes, destroys };

/// `mqctl topic create NAME...`: one row, one file of the tool.
struct CommandRow {
  std::string_view name;           ///< "topic create" or "produce"
  std::string_view operands_text;  ///< "NAME..."
  std::string_view summary;        ///< one line, no final point
  OperandCount operands = {.min = 0, .max = 0};
  Effect effect = Effect::reads;
  std::span<const OptionRow> options = {};  ///< on top of the tool's own
  std::span<const Example> examples = {};
  std::span<const OutputRow> outputs = {};  ///< what has columns or fields
};

struct ToolRow {
  std::string_view name;
  int man_section = 1;
  std::string_view summary;                      ///< one line, no final point
  std::span<const std::string_view> usage = {};  ///< lines after the tool's name
  std::string_view description;                  ///< paragraphs, an empty line between them
  std::span<const OptionRow> options = {};
  /// A tool with commands takes its operands from the command's row. In table order. Pointers, so that each command's
  /// row stands in the command's own file.
  std::span<const CommandRow* const> commands = {};
  std::span<const Example> examples = {};
  OperandCount operands = {};
  bool connects = true;  ///< has the options of a client (-b, -P, -X, ...)
};

/// -h, --help, -q, -v, ...: every tool has them.
[[nodiscard]] std::span<const OptionRow> general_options();
/// -b, -P, -X, --timeout, --color, ...: every tool that talks to a broker. They fill client::ClientOptions.
[[nodiscard]] std::span<const OptionRow> client_options();

/// May -X and a configuration file set it? How a tool connects and looks, never what it does.
[[nodiscard]] bool is_setting(const OptionRow& row);

/// The options that count for `command` of `tool` (null: for the tool alone), the most specific first.
[[nodiscard]] std::vector<const OptionRow*> options_of(const ToolRow& tool, const CommandRow* command);

/// What is wrong with the rows: a missing text, a name used twice, a default that does not parse. Empty when all is
/// well; each tool's test asserts that.
[[nodiscard]] std::vector<std::string> problems_of(const ToolRow& tool);

}  // namespace mq::cli
