#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "cli/arguments.h"
#include "cli/escape.h"
#include "cli/exit_code.h"

namespace mq::cli {
namespace {

constexpr std::size_t kColumns = 100;

/// `-d, --delimiter=STR`.
std::string signature(const OptionRow& row) {
  std::string out;
  if (row.short_name != 0) out += fmt::format("-{}", row.short_name);
  if (row.long_name.empty()) return row.kind == ValueKind::flag ? out : fmt::format("{} {}", out, row.value_name);
  out += row.short_name != 0 ? ", " : "    ";
  out += fmt::format("--{}", row.long_name);
  if (row.value_optional) return out + fmt::format("[={}]", row.value_name);
  if (row.kind != ValueKind::flag) out += fmt::format("={}", row.value_name);
  return out;
}

/// `(default 5ms, $MQ_TIMEOUT)`, or nothing.
std::string remark(const OptionRow& row, OptionRows rows) {
  std::string out;
  const auto add = [&out](std::string_view text) { out += fmt::format("{}{}", out.empty() ? "" : "; ", text); };
  if (row.kind == ValueKind::choice && row.value_name != row.choices) {
    std::string choices(row.choices);
    std::ranges::replace(choices, '|', ' ');
    add(choices);
  }
  if (row.repeatable) add("repeatable");
  for (const std::string& relation : relations_of(row, rows)) add(relation);
  if (!row.environment.empty()) add(fmt::format("${}", row.environment));
  const std::string_view fallback = row.fallback_note.empty() ? row.fallback : row.fallback_note;
  if (!fallback.empty()) add(fmt::format("default {}", fallback));
  return out.empty() ? out : fmt::format(" ({})", out);
}

/// Breaks `text` into lines that fit behind an indent; the first line continues the current one.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t width = end - at;
    if (column > indent && column + 1 + width > kColumns) {
      out += '\n';
      out += std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(at, width);
    column += width;
    at = end + 1;
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", at), text.size());
    if (!out.empty()) out += '\n';
    out += wrapped(text.substr(at, end - at), 0) + "\n";
    at = end + 2;
  }
  return out;
}

/// Two columns: what it is called, what it does.
std::string entry(std::string_view name, std::string_view text, std::size_t indent) {
  std::string out = fmt::format("  {}", name);
  if (out.size() + 2 > indent) {
    out += '\n';
    out += std::string(indent, ' ');
  } else {
    out += std::string(indent - out.size(), ' ');
  }
  return out + wrapped(text, indent) + "\n";
}

std::size_t indent_for(const std::vector<const OptionRow*>& rows) {
  constexpr std::size_t kIndentMax = 34;
  std::size_t widest = 0;
  for (const OptionRow* row : rows) widest = std::max(widest, signature(*row).size() + 4);
  return std::min(widest, kIndentMax);
}

std::string usage_lines(const ToolRow& tool, const CommandRow* command) {
  std::string out;
  if (command != nullptr) {
    return fmt::format("Usage: {} {} [OPTION]...{}{}\n", tool.name, command->name,
                       command->operands_text.empty() ? "" : " ", command->operands_text);
  }
  for (const std::string_view line : tool.usage)
    out += fmt::format("{} {} {}\n", out.empty() ? "Usage:" : "      ", tool.name, line);
  return out;
}

std::string command_lines(const ToolRow& tool) {
  std::string out;
  std::size_t indent = 0;
  for (const CommandRow* command : tool.commands) {
    indent = std::max(indent, command->name.size() + command->operands_text.size() + 5);
  }
  indent = std::min<std::size_t>(indent, 40);
  for (const CommandRow* command : tool.commands) {
    out += entry(fmt::format("{} {}", command->name, command->operands_text), command->summary, indent);
  }
  return out;
}

/// Group headings in the order in which they first appear.
std::vector<std::string_view> groups_of(const std::vector<const OptionRow*>& rows) {
  std::vector<std::string_view> groups;
  for (const OptionRow* row : rows) {
    if (std::ranges::find(groups, row->group) == groups.end()) groups.push_back(row->group);
  }
  return groups;
}

std::string example_lines(std::span<const Example> examples) {
  std::string out;
  for (const Example& example : examples) out += fmt::format("  # {}\n  {}\n\n", example.comment, example.command);
  return out;
}

/// What the columns of a command's output are called, and what they hold.
std::string output_lines(const CommandRow& command) {
  constexpr std::size_t kIndent = 24;
  std::string out;
  for (const OutputRow& output : command.outputs) {
    out += output.when.empty() ? "\nOutput:\n" : fmt::format("\nOutput of {}:\n", output.when);
    for (const ColumnRow& column : output.columns) out += entry(column.name, column.help, kIndent);
  }
  return out;
}

std::string exit_status_lines() {
  std::string out;
  for (const ExitCodeRow& row : exit_codes()) out += entry(fmt::format("{:>3}", to_status(row.code)), row.meaning, 8);
  return out;
}

std::string json(std::string_view text) {
  std::string out;
  append_json(text, out);
  return out;
}

std::string_view name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::text:
      return "text";
    case ValueKind::flag:
      return "flag";
    case ValueKind::number:
      return "number";
    case ValueKind::duration:
      return "duration";
    case ValueKind::size:
      return "size";
    case ValueKind::choice:
      return "choice";
  }
  return "";
}

std::string_view name_of(Effect effect) {
  switch (effect) {
    case Effect::reads:
      return "reads";
    case Effect::changes:
      return "changes";
    case Effect::destroys:
      return "destroys";
  }
  return "";
}

std::string_view name_of(OperandRelation::Kind kind) {
  switch (kind) {
    case OperandRelation::Kind::none:
      return "none";
    case OperandRelation::Kind::excludes:
      return "excludes";
    case OperandRelation::Kind::enables:
      return "enables";
    case OperandRelation::Kind::substitutes:
      return "substitutes";
  }
  return "";
}

template <class Rows, class F>
std::string json_list(const Rows& rows, F each) {
  std::string out = "[";
  for (const auto& row : rows) {
    if (out.size() > 1) out += ',';
    out += each(row);
  }
  return out + "]";
}

std::string option_json(const OptionRow& row, OptionRows rows) {
  std::string out = fmt::format(R"({{"short":{},"long":{},"kind":{},"value":{},"default":{},"group":{},"help":{})",
                                row.short_name != 0 ? json({&row.short_name, 1}) : "null",
                                row.long_name.empty() ? "null" : json(row.long_name), json(name_of(row.kind)),
                                row.value_name.empty() ? "null" : json(row.value_name),
                                row.fallback.empty() ? "null" : json(row.fallback), json(row.group), json(row.help));
  if (!row.choices.empty()) out += fmt::format(R"(,"choices":{})", json(row.choices));
  if (!row.environment.empty()) out += fmt::format(R"(,"environment":{})", json(row.environment));
  if (row.repeatable) out += R"(,"repeatable":true)";
  if (row.value_optional) out += R"(,"value_optional":true)";
  if (row.required) out += R"(,"required":true)";
  if (!row.above.needs_one.empty())
    out += fmt::format(R"(,"above":{{"number":{},"needs_one":{}}})", row.above.number,
                       json_list(listed(row.above.needs_one), json));
  if (row.operands.kind != OperandRelation::Kind::none)
    out += fmt::format(R"(,"operands":{{"{}":{}}})", name_of(row.operands.kind), json(row.operands.operand));
  if (!row.broker_option.empty()) out += fmt::format(R"(,"broker_option":{})", json(row.broker_option));
  if (!row.needs.empty()) out += fmt::format(R"(,"needs":{})", json_list(listed(row.needs), json));
  if (const auto others = excluded_by(row, rows); !others.empty())
    out += fmt::format(R"(,"excludes":{})", json_list(others, json));
  return out + "}";
}

std::string example_json(const Example& example) {
  return fmt::format(R"({{"comment":{},"command":{}}})", json(example.comment), json(example.command));
}

std::string column_json(const ColumnRow& column) {
  return fmt::format(R"({{"name":{},"help":{}}})", json(column.name), json(column.help));
}

std::string output_json(const OutputRow& output) {
  return fmt::format(R"({{"when":{},"columns":{}}})", output.when.empty() ? "null" : json(output.when),
                     json_list(output.columns, column_json));
}

std::string command_json(const ToolRow& tool, const CommandRow* command) {
  const auto rows = options_of(tool, command);
  const auto own_json = [&rows](const OptionRow& row) { return option_json(row, rows); };
  return fmt::format(R"({{"name":{},"operands":{},"summary":{},"effect":{},"options":{},"examples":{},"outputs":{}}})",
                     json(command->name), json(command->operands_text), json(command->summary),
                     json(name_of(command->effect)), json_list(command->options, own_json),
                     json_list(command->examples, example_json), json_list(command->outputs, output_json));
}

}  // namespace

std::string short_help(const ToolRow& tool, const CommandRow* command) {
  std::string out = usage_lines(tool, command);
  out += fmt::format("{}\n\n", command != nullptr ? command->summary : tool.summary);
  if (command == nullptr && !tool.commands.empty()) out += command_lines(tool) + "\n";
  const auto rows = options_of(tool, command);
  const std::size_t indent = indent_for(rows);
  for (const OptionRow* row : rows) out += entry(signature(*row), row->help, indent);
  return out + fmt::format("\nMore: {} --help, man {}\n", tool.name, tool.name);
}

std::string long_help(const ToolRow& tool, const CommandRow* command) {
  std::string out = usage_lines(tool, command);
  out += fmt::format("{}\n", command != nullptr ? command->summary : tool.summary);
  const auto examples = command != nullptr ? command->examples : tool.examples;
  if (!examples.empty()) out += "\nExamples:\n" + example_lines(examples);
  if (command == nullptr) out += (examples.empty() ? "\n" : "") + paragraphs(tool.description);
  if (command == nullptr && !tool.commands.empty()) out += "\nCommands:\n" + command_lines(tool);

  const auto rows = options_of(tool, command);
  const std::size_t indent = indent_for(rows);
  for (const std::string_view group : groups_of(rows)) {
    out += fmt::format("\n{}:\n", group);
    for (const OptionRow* row : rows) {
      if (row->group == group) out += entry(signature(*row), std::string(row->help) + remark(*row, rows), indent);
    }
  }
  if (command != nullptr) out += output_lines(*command);
  return out + "\nExit status:\n" + exit_status_lines();
}

std::string help_json(const ToolRow& tool) {
  MQ_ASSERT(problems_of(tool).empty());  // tests/house asks every tool
  const auto rows = options_of(tool, nullptr);
  const auto row_json = [&rows](const OptionRow* row) { return option_json(*row, rows); };
  const auto one_command = [&tool](const CommandRow* command) { return command_json(tool, command); };
  const auto exit_json = [](const ExitCodeRow& row) {
    return fmt::format(R"({{"code":{},"meaning":{}}})", to_status(row.code), json(row.meaning));
  };
  return fmt::format(
      "{{\"name\":{},\"version\":{},\"summary\":{},\"usage\":{},\"description\":{},\"options\":{},\"commands\":{},"
      "\"examples\":{},"
      "\"exit_status\":{}}}\n",
      json(tool.name), json(version()), json(tool.summary), json_list(tool.usage, json), json(tool.description),
      json_list(rows, row_json), json_list(tool.commands, one_command), json_list(tool.examples, example_json),
      json_list(exit_codes(), exit_json));
}

}  // namespace mq::cli
