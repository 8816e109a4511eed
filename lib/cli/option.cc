#include "cli/option.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/pieces.h"
#include "cli/arguments.h"
#include "cli/value_check.h"
#include "client/options.h"
#include "config/option.h"

namespace mq::cli {
namespace {

constexpr OptionRow kGeneral[] = {
    {.short_name = 'q',
     .long_name = "quiet",
     .kind = ValueKind::flag,
     .group = "General",
     .help = "no notices and no progress; errors only"},
    {.short_name = 'v',
     .long_name = "verbose",
     .kind = ValueKind::flag,
     .group = "General",
     .help = "say more on stderr: -v what was done in the end, -vv connections too"},
    {.short_name = 'h', .kind = ValueKind::flag, .group = "General", .help = "the options, one line each"},
    {.long_name = "help", .kind = ValueKind::flag, .group = "General", .help = "examples and all options"},
    {.long_name = "help-json", .kind = ValueKind::flag, .group = "General", .help = "the same for programs"},
    {.long_name = "help-man",
     .kind = ValueKind::choice,
     .value_name = "PAGE",
     .fallback_note = "the tool's",
     .choices = "mq.conf|mq-exit",
     .group = "General",
     .help = "a page of the manual, for man -l -",
     .value_optional = true},
    {.long_name = "completion",
     .kind = ValueKind::choice,
     .value_name = "SHELL",
     .choices = "bash|zsh|fish",
     .group = "General",
     .help = "the completion script of a shell, to be sourced"},
    {.short_name = 'V', .long_name = "version", .kind = ValueKind::flag, .group = "General", .help = "the version"},
};

Parsed<std::vector<env::Address>> parse_brokers(std::string_view text) {
  auto brokers = client::parse_bootstrap(text);
  if (!brokers) return bad_value(0, text.size(), "{}", brokers.error().message);
  return *std::move(brokers);
}

constexpr OptionRow kClient[] = {
    {.short_name = 'b',
     .long_name = "brokers",
     .value_name = "HOST[:PORT],...",
     .fallback = "localhost:9092",
     .group = "Connection",
     .help = "where to ask first; IPv6 stands in brackets, unix:PATH is a socket",
     .environment = "MQ_BROKERS",
     .into = parsed_into<parse_brokers, &client::ClientOptions::bootstrap>},
    {.short_name = 'P',
     .long_name = "profile",
     .value_name = "NAME",
     .fallback_note = "current in the configuration file",
     .group = "Connection",
     .help = "section [profile NAME] of the configuration file",
     .environment = "MQ_PROFILE"},
    {.long_name = "config",
     .value_name = "FILE",
     .fallback_note = "~/.config/mq/config, then /etc/mq/config",
     .group = "Connection",
     .help = "configuration file",
     .environment = "MQ_CONFIG"},
    {.short_name = 'X',
     .value_name = "KEY=VALUE",
     .group = "Connection",
     .help = "a setting by name; -X help lists them",
     .repeatable = true},
    {.long_name = "connect-timeout",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "5s",
     .group = "Connection",
     .help = "wait so long for the first contact, then exit 3",
     .into = into<&client::ClientOptions::connect_timeout>},
    {.long_name = "timeout",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "30s",
     .group = "Connection",
     .help = "wait so long for one answer",
     .environment = "MQ_TIMEOUT",
     .into = into<&client::ClientOptions::request_timeout>},
    {.long_name = "client-id",
     .value_name = "ID",
     .fallback_note = "TOOL@HOST:PID",
     .group = "Connection",
     .help = "shows up in the broker's logs and quotas",
     .into = into<&client::ClientOptions::client_id>},
    {.long_name = "color",
     .kind = ValueKind::choice,
     .value_name = "WHEN",
     .fallback = "auto",
     .choices = "auto|always|never",
     .group = "General",
     .help = "a bold line above tables: auto is on for a terminal unless NO_COLOR is set",
     .environment = "MQ_COLOR"},
    {.long_name = "progress",
     .kind = ValueKind::choice,
     .value_name = "HOW",
     .fallback = "auto",
     .choices = "auto|plain|never",
     .group = "General",
     .help = "progress on stderr: auto is one line on a terminal, plain a line each 10 s"},
};

void check_row(const OptionRow& row, std::vector<std::string>& problems) {
  const std::string name = row.long_name.empty() ? std::string(1, row.short_name) : std::string(row.long_name);
  const auto complain = [&](std::string_view what) { problems.push_back(fmt::format("option {}: {}", name, what)); };
  if (row.long_name.empty() && row.short_name == 0) complain("no name");
  if (row.help.empty()) complain("no help");
  if (row.help.ends_with('.')) complain("help ends with a point");
  if (row.group.empty()) complain("no group");
  if (row.value_optional && row.short_name != 0) complain("a value that may be left out, behind a letter");
  const bool is_flag = row.kind == ValueKind::flag;
  if (is_flag != row.value_name.empty()) complain(is_flag ? "a flag with a value name" : "no value name");
  if ((row.kind == ValueKind::choice) == row.choices.empty()) complain("choices belong to a choice, and only there");
  if (!row.fallback.empty()) {
    if (is_flag) complain("a default that cannot be");
    if (auto fine = check_value(row, row.fallback); !fine) complain("the default does not parse: " + fine.error().why);
    if (row.required) complain("a default of what is required");
  }
  if (!row.above.needs_one.empty() && row.kind != ValueKind::number) complain("a rule for numbers, and none");
  if (!row.broker_option.empty() && config::find_option(config::broker_options(), row.broker_option) == nullptr)
    complain("a broker has no such option");
}

/// Does a row have the name, and take the value that is asked for?
bool is_there(const Term& term, OptionRows rows) {
  const auto row = std::ranges::find(rows, term.name, &OptionRow::long_name);
  return row != rows.end() && (!term.value || check_value(**row, *term.value));
}

/// Relations name other options that count in the same place.
void check_relations(const std::vector<const OptionRow*>& rows, std::string_view where,
                     std::vector<std::string>& problems) {
  for (const OptionRow* row : rows) {
    for (const std::string_view one : listed(row->above.needs_one))
      if (!is_there(term_of(one), rows))
        problems.push_back(fmt::format("{}: --{} may need {}, which is not there", where, row->long_name, one));
    auto names = listed(row->needs);
    std::ranges::copy(listed(row->excludes), std::back_inserter(names));
    if (!names.empty() && row->long_name.empty())
      problems.push_back(fmt::format("{}: -{} has relations and no long name", where, row->short_name));
    for (const std::string_view name : names)
      if (name == row->long_name || std::ranges::find(rows, name, &OptionRow::long_name) == rows.end())
        problems.push_back(fmt::format("{}: --{} has a relation to --{}", where, row->long_name, name));
  }
}

/// Operands have the names by which rows call them.
void check_operand_names(const std::vector<const OptionRow*>& rows, std::string_view operands_text,
                         std::string_view where, std::vector<std::string>& problems) {
  for (const OptionRow* row : rows)
    if (!operands_text.contains(row->operands.operand))
      problems.push_back(fmt::format("{}: no operand is called {}", where, row->operands.operand));
}

void check_names(const std::vector<const OptionRow*>& rows, std::string_view where,
                 std::vector<std::string>& problems) {
  std::map<std::string, int> seen;
  for (const OptionRow* row : rows) {
    if (row->short_name != 0) ++seen[std::string("-") + row->short_name];
    if (!row->long_name.empty()) ++seen["--" + std::string(row->long_name)];
  }
  for (const auto& [name, times] : seen) {
    if (times > 1) problems.push_back(fmt::format("{}: {} means {} things", where, name, times));
  }
}

void check_examples(std::span<const Example> examples, std::string_view where, std::vector<std::string>& problems) {
  for (const Example& example : examples) {
    if (example.comment.empty() || example.command.empty())
      problems.push_back(fmt::format("{}: an empty example", where));
  }
}

/// `--group, --topic`; `last` stands before the last of several.
std::string spelled(std::span<const std::string_view> long_names, std::string_view last = ", ") {
  std::string out;
  for (const std::string_view& name : long_names)
    out += fmt::format("{}--{}", out.empty() ? "" : &name == &long_names.back() ? last : ", ", name);
  return out;
}

}  // namespace

std::vector<std::string_view> listed(std::string_view text) { return pieces_of(text, '|'); }

Term term_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {.name = text, .value = std::nullopt};
  return {.name = text.substr(0, equals), .value = text.substr(equals + 1)};
}

std::string to_text(const NumberAbove& above) {
  return fmt::format("more than {} needs {}", above.number, spelled(listed(above.needs_one), " or "));
}

std::vector<std::string_view> excluded_by(const OptionRow& row, OptionRows rows) {
  auto names = listed(row.excludes);
  for (const OptionRow* other : rows) {
    const auto theirs = listed(other->excludes);
    if (std::ranges::find(theirs, row.long_name) != theirs.end()) names.push_back(other->long_name);
  }
  return names;
}

std::vector<std::string> own_relations_of(const OptionRow& row) {
  using Kind = OperandRelation::Kind;
  const auto& [kind, operand] = row.operands;
  std::vector<std::string> out;
  if (row.required) out.emplace_back("required");
  if (!row.needs.empty()) out.push_back("needs " + spelled(listed(row.needs)));
  if (!row.above.needs_one.empty()) out.push_back(to_text(row.above));
  if (kind == Kind::excludes) out.push_back(fmt::format("not with {}", operand));
  if (kind == Kind::enables) out.push_back(fmt::format("{} needs it", operand));
  if (kind == Kind::substitutes) out.push_back(fmt::format("instead of {}, or beside it", operand));
  return out;
}

std::vector<std::string> relations_of(const OptionRow& row, OptionRows rows) {
  std::vector<std::string> out = own_relations_of(row);
  if (const auto others = excluded_by(row, rows); !others.empty()) out.push_back("not with " + spelled(others));
  if (!row.broker_option.empty()) out.push_back(fmt::format("sets {}", row.broker_option));
  return out;
}

std::span<const OptionRow> general_options() { return kGeneral; }
std::span<const OptionRow> client_options() { return kClient; }

bool is_setting(const OptionRow& row) {
  constexpr std::string_view kNames[] = {"brokers", "connect-timeout", "timeout", "client-id", "color", "progress"};
  return std::ranges::find(kNames, row.long_name) != std::end(kNames);
}

std::vector<const OptionRow*> options_of(const ToolRow& tool, const CommandRow* command) {
  std::vector<const OptionRow*> rows;
  const auto add = [&rows](std::span<const OptionRow> more) {
    for (const OptionRow& row : more) rows.push_back(&row);
  };
  if (command != nullptr) add(command->options);
  add(tool.options);
  if (tool.connects) add(kClient);
  add(kGeneral);
  return rows;
}

std::vector<std::string> problems_of(const ToolRow& tool) {
  std::vector<std::string> problems;
  if (tool.name.empty() || tool.summary.empty() || tool.description.empty())
    problems.emplace_back("the tool lacks a text");
  if (tool.usage.empty()) problems.emplace_back("the tool has no usage line");
  if (tool.examples.empty()) problems.emplace_back("the tool has no example");
  check_examples(tool.examples, tool.name, problems);
  for (const OptionRow* row : options_of(tool, nullptr)) check_row(*row, problems);
  check_names(options_of(tool, nullptr), tool.name, problems);
  check_relations(options_of(tool, nullptr), tool.name, problems);
  std::string usage;
  for (const std::string_view line : tool.usage) usage += line;
  check_operand_names(options_of(tool, nullptr), usage, tool.name, problems);
  for (const CommandRow* command : tool.commands) {
    if (command->name.empty() || command->summary.empty())
      problems.push_back(fmt::format("command '{}' lacks a text", command->name));
    if ((command->operands.max > 0) == command->operands_text.empty()) {
      problems.push_back(fmt::format("{}: operands and their text do not agree", command->name));
    }
    for (const OptionRow& row : command->options) check_row(row, problems);
    check_names(options_of(tool, command), command->name, problems);
    check_relations(options_of(tool, command), command->name, problems);
    check_operand_names(options_of(tool, command), command->operands_text, command->name, problems);
    check_examples(command->examples, command->name, problems);
    for (const OutputRow& output : command->outputs)
      for (const ColumnRow& column : output.columns)
        if (column.help.empty())
          problems.push_back(fmt::format("{}: column {} lacks a text", command->name, column.name));
  }
  return problems;
}

}  // namespace mq::cli
