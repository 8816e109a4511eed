#pragma once

#include <string>

#include "cli/option.h"

namespace mq::cli {

/// -h: usage and one line for each option. `command` null: of the tool, with its commands.
[[nodiscard]] std::string short_help(const ToolRow& tool, const CommandRow* command = nullptr);
/// --help: examples first, then options in groups, then exit status.
[[nodiscard]] std::string long_help(const ToolRow& tool, const CommandRow* command = nullptr);
/// --help-json: everything the rows say, one JSON object.
[[nodiscard]] std::string help_json(const ToolRow& tool);

enum class Shell { bash, zsh, fish };
/// The completion script of the tool.
[[nodiscard]] std::string completion(const ToolRow& tool, Shell shell);

}  // namespace mq::cli
