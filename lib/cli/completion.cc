#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/help.h"

namespace mq::cli {
namespace {

/// `text` inside single quotes of a POSIX shell.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// `text` inside single quotes of fish, where only ' and \ are special.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string spaced(std::string_view choices) {
  std::string out(choices);
  std::ranges::replace(out, '|', ' ');
  return out;
}

/// Every option word of the rows, with spaces between.
std::string words_of(const std::vector<const OptionRow*>& rows) {
  std::string out;
  for (const OptionRow* row : rows) {
    if (row->short_name != 0) out += fmt::format("-{} ", row->short_name);
    if (!row->long_name.empty()) out += fmt::format("--{} ", row->long_name);
  }
  if (!out.empty()) out.pop_back();
  return out;
}

/// The options of the tool and of all its commands, each once.
std::vector<const OptionRow*> all_options(const ToolRow& tool) {
  auto rows = options_of(tool, nullptr);
  for (const CommandRow* command : tool.commands) {
    for (const OptionRow& row : command->options) rows.push_back(&row);
  }
  return rows;
}

/// What may follow the words `prefix` of a command ("" or "topic"), each once.
std::vector<std::string_view> next_words(const ToolRow& tool, std::string_view prefix) {
  std::vector<std::string_view> words;
  for (const CommandRow* command : tool.commands) {
    std::string_view name = command->name;
    if (!prefix.empty()) {
      if (!name.starts_with(prefix) || name.size() <= prefix.size() || name[prefix.size()] != ' ') continue;
      name.remove_prefix(prefix.size() + 1);
    }
    name = name.substr(0, name.find(' '));
    if (std::ranges::find(words, name) == words.end()) words.push_back(name);
  }
  return words;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) out += fmt::format("{}{}", out.empty() ? "" : " ", word);
  return out;
}

/// The nouns, for tools whose commands have two words.
std::vector<std::string_view> nouns(const ToolRow& tool) {
  std::vector<std::string_view> found;
  for (const std::string_view word : next_words(tool, "")) {
    if (!next_words(tool, word).empty()) found.push_back(word);
  }
  return found;
}

bool names_files(std::string_view text) {
  return text.find("FILE") != std::string_view::npos || text.find("DIR") != std::string_view::npos;
}

bool takes_files(const ToolRow& tool) { return std::ranges::any_of(tool.usage, names_files); }

/// `-o|--output`, each with `prefix` before it.
std::string spellings(const OptionRow& row, std::string_view prefix = "") {
  std::string out;
  if (row.short_name != 0) out += fmt::format("{}-{}", prefix, row.short_name);
  if (!row.long_name.empty()) out += fmt::format("{}{}--{}", out.empty() ? "" : "|", prefix, row.long_name);
  return out;
}

/// The options whose value is the next word, as a pattern of a shell's `case`.
std::string value_options(const ToolRow& tool) {
  std::vector<std::string> patterns;
  for (const OptionRow* row : all_options(tool)) {
    const bool has_next_word = row->kind != ValueKind::flag && !row->value_optional;
    const std::string pattern = spellings(*row);
    if (has_next_word && std::ranges::find(patterns, pattern) == patterns.end()) patterns.push_back(pattern);
  }
  std::string out;
  for (const std::string& pattern : patterns) out += fmt::format("{}{}", out.empty() ? "" : "|", pattern);
  return out;
}

/// The options that are not to be offered beside `row`, as words.
std::string words_excluded_by(const OptionRow& row, OptionRows rows) {
  std::vector<const OptionRow*> others;
  for (const std::string_view name : excluded_by(row, rows))
    others.push_back(*std::ranges::find(rows, name, &OptionRow::long_name));
  return words_of(others);
}

/// What a list of options says of one.
std::string described(const OptionRow& row) {
  std::string out(row.help);
  for (const std::string& relation : own_relations_of(row)) out += "; " + relation;
  return out;
}

/// What is not offered behind an option, as cases of COMMAND:OPTION.
std::string bash_exclusion_cases(OptionRows rows, const std::string& command) {
  std::string out;
  for (const OptionRow* row : rows)
    if (const std::string others = words_excluded_by(*row, rows); !others.empty())
      out += fmt::format("                {}) excluded+=' {}' ;;\n", spellings(*row, command + ":"), others);
  return out;
}

/// Takes out of the candidates what does not stand beside the options that are there.
std::string bash_exclusions(const ToolRow& tool) {
  std::string cases = bash_exclusion_cases(options_of(tool, nullptr), "*");
  for (const CommandRow* command : tool.commands)
    cases += bash_exclusion_cases(options_of(tool, command), shell_quoted(command->name) + "*");
  if (cases.empty()) return "";
  return fmt::format(R"(        local excluded=""
        for word in "${{words[@]:1}}"; do
            case "$command:${{word%%=*}}" in
{}            esac
        done
        for word in $excluded; do
            candidates=" $candidates "
            candidates=${{candidates// $word / }}
        done
)",
                     cases);
}

/// What an option's value may be, as cases of COMMAND:OPTION. Nothing to say about most: they get no candidates.
std::string bash_values(std::span<const OptionRow* const> rows, const std::string& command) {
  std::string out;
  for (const OptionRow* row : rows) {
    const std::string pattern = spellings(*row, command + ":");
    if (!row->choices.empty()) {
      out += fmt::format("            {}) candidates={} ;;\n", pattern, shell_quoted(spaced(row->choices)));
    } else if (names_files(row->value_name)) {
      out += fmt::format("            {}) files=yes ;;\n", pattern);
    }
  }
  return out;
}

std::vector<const OptionRow*> own_options(const CommandRow& command) {
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : command.options) rows.push_back(&row);
  return rows;
}

/// The candidates behind the words of a command.
std::string bash_operands(const ToolRow& tool) {
  if (tool.commands.empty()) return takes_files(tool) ? "        files=yes\n" : "        :\n";
  std::string out = "        case \"$command\" in\n";
  out += fmt::format("            '') candidates={} ;;\n", shell_quoted(joined(next_words(tool, ""))));
  for (const std::string_view noun : nouns(tool))
    out += fmt::format("            {}) candidates={} ;;\n", shell_quoted(noun),
                       shell_quoted(joined(next_words(tool, noun))));
  for (const CommandRow* command : tool.commands)
    if (names_files(command->operands_text))
      out += fmt::format("            {}*) files=yes ;;\n", shell_quoted(command->name));
  return out + "        esac\n";
}

std::string bash_completion(const ToolRow& tool) {
  std::string out = fmt::format(R"(# bash completion for {0}
_{0}()
{{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${{COMP_LINE:0:COMP_POINT}}."
    local cur=${{words[-1]%.}}
    unset 'words[-1]'
    for word in "${{words[@]:1}}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            {1}) option=$word ;;
            -*) ;;
            *) command="${{command:+$command }}$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${{cur%%=*}} cur=${{cur#*=}} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
)",
                                tool.name, value_options(tool));
  for (const CommandRow* command : tool.commands)
    out += bash_values(own_options(*command), shell_quoted(command->name) + "*");
  out += bash_values(options_of(tool, nullptr), "*");
  out += "        esac\n    elif [[ $cur == -* ]]; then\n        candidates=";
  out += shell_quoted(words_of(options_of(tool, nullptr))) + "\n";
  if (!tool.commands.empty()) {
    out += "        case \"$command\" in\n";
    for (const CommandRow* command : tool.commands)
      if (!command->options.empty())
        out += fmt::format("            {}*) candidates=\"$candidates {}\" ;;\n", shell_quoted(command->name),
                           words_of(own_options(*command)));
    out += "        esac\n";
  }
  out += bash_exclusions(tool) + "    else\n" + bash_operands(tool) + "    fi\n";
  out += "    COMPREPLY=($(compgen -W \"$candidates\" -- \"$cur\"))\n";
  out += fmt::format("    [ -z \"$files\" ] || compopt -o default\n}}\ncomplete -F _{0} {0}\n", tool.name);
  return out;
}

/// The text of a zsh _arguments spec: brackets and colons are special.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// What zsh does for a value or an operand: files, or only its name.
std::string_view zsh_action(std::string_view what) { return names_files(what) ? "_files" : " "; }

std::string zsh_spec(const OptionRow& row, const std::string& name, bool is_long, const std::string& excluded) {
  std::string out = name;
  const bool takes_value = row.kind != ValueKind::flag;
  if (takes_value && is_long) out += row.value_optional ? "=-" : "=";
  if (takes_value && !is_long) out += "+";
  out += fmt::format("[{}]", zsh_text(described(row)));
  if (takes_value) {
    out += fmt::format("{}:{}:", row.value_optional ? ":" : "", zsh_text(row.value_name));
    out += row.choices.empty() ? std::string(zsh_action(row.value_name)) : fmt::format("({})", spaced(row.choices));
  }
  if (row.repeatable || row.kind == ValueKind::flag) out.insert(0, "*");
  if (!excluded.empty()) out.insert(0, fmt::format("({})", excluded));
  return fmt::format("    {} \\\n", shell_quoted(out));
}

std::string zsh_specs(std::span<const OptionRow* const> rows) {
  std::string out;
  for (const OptionRow* row : rows) {
    const std::string excluded = words_excluded_by(*row, rows);
    if (row->short_name != 0) out += zsh_spec(*row, fmt::format("-{}", row->short_name), false, excluded);
    if (!row->long_name.empty()) out += zsh_spec(*row, fmt::format("--{}", row->long_name), true, excluded);
  }
  return out;
}

std::string zsh_arguments(const std::vector<const OptionRow*>& rows, std::string_view operands) {
  return fmt::format("_arguments -s -S \\\n{}    {}\n", zsh_specs(rows),
                     shell_quoted(fmt::format("*:{}:{}", zsh_text(operands), zsh_action(operands))));
}

std::string zsh_commands(const ToolRow& tool) {
  std::string out = fmt::format(R"(  local -a command next
  local word
  integer is_value=0
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    if (( is_value )); then is_value=0; continue; fi
    case $word in
      ({}) is_value=1 ;;
      (-*) ;;
      (*) command+=("$word") ;;
    esac
  done
  case "$command" in
    '') next=({}) ;;
)",
                                value_options(tool), joined(next_words(tool, "")));
  for (const std::string_view noun : nouns(tool))
    out += fmt::format("    {}) next=({}) ;;\n", shell_quoted(noun), joined(next_words(tool, noun)));
  out +=
      "  esac\n  if (( $#next && ! is_value )) && [[ $PREFIX != -* ]]; then\n    compadd -a next\n    return\n  fi\n"
      "  case \"$command\" in\n";
  for (const CommandRow* command : tool.commands)
    out += fmt::format("  {}*)\n  {}    return ;;\n", shell_quoted(command->name),
                       zsh_arguments(options_of(tool, command), command->operands_text));
  return out + "  esac\n";
}

std::string zsh_completion(const ToolRow& tool) {
  std::string out = fmt::format("#compdef {0}\n# zsh completion for {0}\n_{0}() {{\n", tool.name);
  if (!tool.commands.empty()) out += zsh_commands(tool);
  out += "  " + zsh_arguments(options_of(tool, nullptr), takes_files(tool) ? "FILE" : "operand");
  return out + fmt::format("}}\n_{} \"$@\"\n", tool.name);
}

/// Holds while none of the options is there that `row` does not stand beside.
std::string fish_exclusion(const OptionRow& row, OptionRows rows) {
  std::string out;
  for (const std::string_view name : excluded_by(row, rows)) {
    const char letter = (*std::ranges::find(rows, name, &OptionRow::long_name))->short_name;
    out += letter != 0 ? fmt::format(" -s {} {}", letter, name) : fmt::format(" {}", name);
  }
  return out.empty() ? out : "not __fish_contains_opt" + out;
}

std::string fish_option(const ToolRow& tool, const OptionRow& row, OptionRows rows, std::string condition) {
  std::string out = fmt::format("complete -c {}", tool.name);
  if (const std::string alone = fish_exclusion(row, rows); !alone.empty())
    condition += (condition.empty() ? "" : "; and ") + alone;
  if (!condition.empty()) out += fmt::format(" -n {}", fish_quoted(condition));
  if (row.short_name != 0) out += fmt::format(" -s {}", row.short_name);
  if (!row.long_name.empty()) out += fmt::format(" -l {}", row.long_name);
  const bool needs_value = row.kind != ValueKind::flag && !row.value_optional;
  if (needs_value) out += names_files(row.value_name) ? " -r -F" : " -x";
  if (!row.choices.empty()) out += fmt::format(" -a {}", fish_quoted(spaced(row.choices)));
  return out + fmt::format(" -d {}\n", fish_quoted(described(row)));
}

/// Holds when the words of `command` are there.
std::string fish_condition(const CommandRow& command) {
  const std::size_t space = command.name.find(' ');
  std::string condition = fmt::format("__fish_seen_subcommand_from {}", command.name.substr(0, space));
  if (space != std::string_view::npos)
    condition += fmt::format("; and __fish_seen_subcommand_from {}", command.name.substr(space + 1));
  return condition;
}

std::string fish_completion(const ToolRow& tool) {
  std::string out = fmt::format("# fish completion for {}\n", tool.name);
  if (!takes_files(tool)) out += fmt::format("complete -c {} -f\n", tool.name);
  // Not __fish_use_subcommand: that takes the value of an option for a command.
  const std::string first = joined(next_words(tool, ""));
  for (const std::string_view word : next_words(tool, ""))
    out += fmt::format("complete -c {} -n 'not __fish_seen_subcommand_from {}' -a {}\n", tool.name, first, word);
  for (const std::string_view noun : nouns(tool)) {
    const auto verbs = joined(next_words(tool, noun));
    for (const std::string_view verb : next_words(tool, noun)) {
      out += fmt::format(
          "complete -c {} -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' -a {}\n",
          tool.name, noun, verbs, verb);
    }
  }
  const auto rows = options_of(tool, nullptr);
  for (const OptionRow* row : rows) out += fish_option(tool, *row, rows, "");
  for (const CommandRow* command : tool.commands) {
    const std::string condition = fish_condition(*command);
    if (names_files(command->operands_text))
      out += fmt::format("complete -c {} -n {} -F\n", tool.name, fish_quoted(condition));
    for (const OptionRow& row : command->options) out += fish_option(tool, row, options_of(tool, command), condition);
  }
  return out;
}

}  // namespace

std::string completion(const ToolRow& tool, Shell shell) {
  switch (shell) {
    case Shell::bash:
      return bash_completion(tool);
    case Shell::zsh:
      return zsh_completion(tool);
    case Shell::fish:
      return fish_completion(tool);
  }
  return {};
}

}  // namespace mq::cli
