#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cli/value_error.h"

namespace mq::cli {

/// A configuration file of the tools: `key = value` lines, those before any section for everybody, those under
/// `[profile NAME]` for who asks for it. `#` and `;` begin a comment line.
struct ConfigFile {
  using Section = std::map<std::string, std::string, std::less<>>;
  Section everybody;
  std::map<std::string, Section, std::less<>> profiles;
  std::string current;  ///< the profile when nobody names one; may be empty
};

/// Strict: a line that is none of the above, an unknown kind of section and a key given twice are errors.
[[nodiscard]] Parsed<ConfigFile> parse_config_file(std::string_view text);

}  // namespace mq::cli
