#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/letter_case.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/man_pages.h"

namespace mq::cli {
namespace {

std::string option_entry(const OptionRow& row, OptionRows rows) {
  std::string out = ".TP\n";
  if (row.short_name != 0) out += fmt::format("\\fB\\-{}\\fR", row.short_name);
  if (row.long_name.empty() && row.kind != ValueKind::flag) out += fmt::format(" \\fI{}\\fR", roff(row.value_name));
  if (!row.long_name.empty()) {
    if (row.short_name != 0) out += ", ";
    out += fmt::format("\\fB\\-\\-{}\\fR", roff(row.long_name));
    const std::string value = fmt::format("=\\fI{}\\fR", roff(row.value_name));
    if (row.kind != ValueKind::flag) out += row.value_optional ? "[" + value + "]" : value;
  }
  out += fmt::format("\n{}.\n", roff(row.help));
  if (row.kind == ValueKind::choice) {
    std::string choices(row.choices);
    std::ranges::replace(choices, '|', ' ');
    out += fmt::format("One of {}.\n", roff(choices));
  }
  if (row.repeatable) out += "May be given several times.\n";
  for (std::string relation : relations_of(row, rows)) {
    relation.front() = upper(relation.front());
    out += fmt::format("{}.\n", roff(relation));
  }
  const std::string_view fallback = row.fallback_note.empty() ? row.fallback : row.fallback_note;
  if (!fallback.empty()) out += fmt::format("Default: {}.\n", roff(fallback));
  if (!row.environment.empty()) out += fmt::format("Environment: \\fB{}\\fR.\n", roff(row.environment));
  return out;
}

std::string option_sections(const std::vector<const OptionRow*>& rows) {
  std::string out = ".SH OPTIONS\n";
  std::string_view group;
  // Rows of one group stand together in every table; general groups come last.
  for (const OptionRow* row : rows) {
    if (row->group != group) out += fmt::format(".SS {}\n", roff(row->group));
    group = row->group;
    out += option_entry(*row, rows);
  }
  return out;
}

std::string example_entry(const Example& example) {
  const std::string_view colon = example.comment.ends_with('?') ? "" : ":";
  return fmt::format("{}{}\n.PP\n.EX\n{}\n.EE\n", roff(example.comment), colon, roff(example.command));
}

std::string example_section(std::span<const Example> examples) {
  std::string out = ".SH EXAMPLES\n";
  for (const Example& example : examples)
    out += fmt::format("{}{}", &example == examples.data() ? "" : ".PP\n", example_entry(example));
  return out;
}

std::string output_entry(const OutputRow& output) {
  std::string out = output.when.empty() ? ".PP\nOutput:\n" : fmt::format(".PP\nOutput of {}:\n", roff(output.when));
  for (const ColumnRow& column : output.columns)
    out += fmt::format(".TP\n.B {}\n{}.\n", roff(column.name), roff(column.help));
  return out;
}

std::string description_section(std::string_view text) {
  std::string out = ".SH DESCRIPTION\n";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", at), text.size());
    out += fmt::format("{}{}\n", at == 0 ? "" : ".PP\n", roff(text.substr(at, end - at)));
    at = end + 2;
  }
  return out;
}

std::string command_section(const ToolRow& tool) {
  std::string out = ".SH COMMANDS\n";
  for (const CommandRow* command : tool.commands) {
    out +=
        fmt::format(".SS \"{} {}\"\n{}.\n", roff(command->name), roff(command->operands_text), roff(command->summary));
    for (const OptionRow& row : command->options) out += option_entry(row, options_of(tool, command));
    for (const OutputRow& output : command->outputs) out += output_entry(output);
    for (const Example& example : command->examples) out += ".PP\n" + example_entry(example);
  }
  return out;
}

}  // namespace

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool at_line_start = out.empty() || out.back() == '\n';
    if (at_line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string man_page(const ToolRow& tool) {
  std::string out = page_head(tool.name, tool.man_section, tool.summary) + ".SH SYNOPSIS\n";
  for (const std::string_view& line : tool.usage)
    out += fmt::format("{}.B {}\n{}\n", &line == tool.usage.data() ? "" : ".br\n", tool.name, roff(line));
  out += description_section(tool.description);
  if (!tool.commands.empty()) out += command_section(tool);
  out += option_sections(options_of(tool, nullptr));
  out += example_section(tool.examples);
  out += ".SH \"EXIT STATUS\"\n";
  for (const ExitCodeRow& row : exit_codes())
    out += fmt::format(".TP\n.B {}\n{}.\n", to_status(row.code), roff(row.meaning));
  out += tool.connects ? ".SH FILES\n.TP\n~/.config/mq/config, /etc/mq/config\nsettings: "
                         "\\fBmq.conf\\fR(5).\n"
                       : ".SH FILES\n.TP\n/etc/mq/mqd.conf\nsettings: \\fBmq.conf\\fR(5).\n";
  return out + see_also(tool.name);
}

}  // namespace mq::cli
