#pragma once

#include <string_view>

#include "base/result.h"
#include "config/option.h"

namespace mq::config {

/// Longer files are refused.
inline constexpr std::size_t kConfigFileBytesMax = std::size_t{1} << 20;

/// Reads `name = value` lines; blanks around both do not count, lines that begin with `#` are comments. `file` is only
/// named in errors. invalid_argument, with file and line: no `=`, a name that `table` does not have (the nearest is
/// offered), one that stood there before, a value that its row does not take.
[[nodiscard]] Result<Overrides> parse_config_file(std::string_view text, std::string_view file,
                                                  std::span<const OptionRow> table);

}  // namespace mq::config
