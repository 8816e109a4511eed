#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "cli/value_error.h"

namespace mq::cli {

/// A key and its value.
using Setting = std::pair<std::string, std::string>;

/// Reads `KEY=VALUE`, as options and operands set something. The value may be empty, the key not.
[[nodiscard]] Parsed<Setting> parse_setting(std::string_view text);

}  // namespace mq::cli
