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

/// Cases of a shell's `case`: the words that each option with choices takes.
std::string choice_cases(const ToolRow& tool, std::string_view line) {
  std::string out;
  for (const OptionRow* row : all_options(tool)) {
    if (row->choices.empty()) continue;
    std::string pattern = fmt::format("--{}", row->long_name);
    if (row->short_name != 0) pattern += fmt::format("|-{}", row->short_name);
    out += fmt::format(fmt::runtime(line), fmt::arg("pattern", pattern), fmt::arg("words", spaced(row->choices)));
  }
  return out;
}

std::string bash_completion(const ToolRow& tool) {
  std::string out = fmt::format(R"(# bash completion for {0}
_{0}()
{{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} word command="" words=""
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev=${{COMP_WORDS[COMP_CWORD-2]}}
    case "$prev" in
)",
                                tool.name);
  out += choice_cases(tool, "        {pattern}) COMPREPLY=($(compgen -W '{words}' -- \"$cur\")); return ;;\n");
  out += "    esac\n";
  if (!tool.commands.empty()) {
    out +=
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "        case \"$word\" in -*) ;; *) command=\"${command:+$command }$word\" ;; esac\n"
        "    done\n";
  }
  out += "    case \"$command\" in\n";
  if (!tool.commands.empty())
    out += fmt::format("        '') words={} ;;\n", shell_quoted(joined(next_words(tool, ""))));
  for (const std::string_view noun : nouns(tool)) {
    out += fmt::format("        {}) words={} ;;\n", shell_quoted(noun), shell_quoted(joined(next_words(tool, noun))));
  }
  out += "    esac\n    if [[ $cur == -* ]]; then\n        words=" + shell_quoted(words_of(options_of(tool, nullptr))) +
         "\n";
  out += "        case \"$command\" in\n";
  for (const CommandRow* command : tool.commands) {
    std::vector<const OptionRow*> rows;
    for (const OptionRow& row : command->options) rows.push_back(&row);
    if (!rows.empty())
      out += fmt::format("            {}*) words=\"$words {}\" ;;\n", shell_quoted(command->name), words_of(rows));
  }
  out += "        esac\n    fi\n";
  out += "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n";
  out += fmt::format("    [ -n \"$words\" ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}}\ncomplete -F _{0} {0}\n",
                     tool.name);
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

std::string zsh_spec(const OptionRow& row, const std::string& name, bool is_long) {
  std::string out = name;
  const bool takes_value = row.kind != ValueKind::flag;
  if (takes_value && is_long) out += row.value_optional ? "=-" : "=";
  if (takes_value && !is_long) out += "+";
  out += fmt::format("[{}]", zsh_text(row.help));
  if (takes_value) {
    out += fmt::format("{}:{}:", row.value_optional ? ":" : "", zsh_text(row.value_name));
    out += row.choices.empty() ? "_files" : fmt::format("({})", spaced(row.choices));
  }
  return fmt::format("    {} \\\n",
                     shell_quoted(std::string(row.repeatable || row.kind == ValueKind::flag ? "*" : "") + out));
}

std::string zsh_specs(std::span<const OptionRow* const> rows) {
  std::string out;
  for (const OptionRow* row : rows) {
    if (row->short_name != 0) out += zsh_spec(*row, fmt::format("-{}", row->short_name), false);
    if (!row->long_name.empty()) out += zsh_spec(*row, fmt::format("--{}", row->long_name), true);
  }
  return out;
}

std::string zsh_completion(const ToolRow& tool) {
  std::string out =
      fmt::format("#compdef {0}\n# zsh completion for {0}\n_{0}() {{\n  local -a command rest\n", tool.name);
  if (!tool.commands.empty()) {
    out += "  command=(${${words[2,CURRENT-1]}:#-*})\n  case \"$command\" in\n";
    out += fmt::format("    '') rest=({}) ;;\n", joined(next_words(tool, "")));
    for (const std::string_view noun : nouns(tool))
      out += fmt::format("    {}) rest=({}) ;;\n", shell_quoted(noun), joined(next_words(tool, noun)));
    out +=
        "  esac\n  if (( $#rest )) && [[ $PREFIX != -* ]]; then\n    compadd -a rest\n    return\n  fi\n  case "
        "\"$command\" in\n";
    for (const CommandRow* command : tool.commands) {
      if (command->options.empty()) continue;
      out += fmt::format("  {}*)\n  _arguments -s -S \\\n{}    '*:file:_files'\n    return ;;\n",
                         shell_quoted(command->name), zsh_specs(options_of(tool, command)));
    }
    out += "  esac\n";
  }
  out += fmt::format("  _arguments -s -S \\\n{}    '*:file:_files'\n}}\n_{} \"$@\"\n",
                     zsh_specs(options_of(tool, nullptr)), tool.name);
  return out;
}

std::string fish_option(const ToolRow& tool, const OptionRow& row, std::string_view condition) {
  std::string out = fmt::format("complete -c {}", tool.name);
  if (!condition.empty()) out += fmt::format(" -n {}", fish_quoted(condition));
  if (row.short_name != 0) out += fmt::format(" -s {}", row.short_name);
  if (!row.long_name.empty()) out += fmt::format(" -l {}", row.long_name);
  if (row.kind != ValueKind::flag && !row.value_optional) out += " -r";
  if (!row.choices.empty()) out += fmt::format(" -f -a {}", fish_quoted(spaced(row.choices)));
  return out + fmt::format(" -d {}\n", fish_quoted(row.help));
}

std::string fish_completion(const ToolRow& tool) {
  std::string out = fmt::format("# fish completion for {}\n", tool.name);
  for (const std::string_view word : next_words(tool, "")) {
    out += fmt::format("complete -c {} -f -n '__fish_use_subcommand' -a {}\n", tool.name, word);
  }
  for (const std::string_view noun : nouns(tool)) {
    const auto verbs = joined(next_words(tool, noun));
    for (const std::string_view verb : next_words(tool, noun)) {
      out += fmt::format(
          "complete -c {} -f -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' -a {}\n",
          tool.name, noun, verbs, verb);
    }
  }
  for (const OptionRow* row : options_of(tool, nullptr)) out += fish_option(tool, *row, "");
  for (const CommandRow* command : tool.commands) {
    const std::size_t space = command->name.find(' ');
    std::string condition = fmt::format("__fish_seen_subcommand_from {}", command->name.substr(0, space));
    if (space != std::string_view::npos)
      condition += fmt::format("; and __fish_seen_subcommand_from {}", command->name.substr(space + 1));
    for (const OptionRow& row : command->options) out += fish_option(tool, row, condition);
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
