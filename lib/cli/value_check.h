#pragma once

#include <string_view>

#include "cli/option.h"
#include "cli/value_error.h"

namespace mq::cli {

/// Is `text` a value of the row's kind?
[[nodiscard]] Parsed<void> check_value(const OptionRow& row, std::string_view text);

/// The name that `wrong` was probably meant to be, or "" when none is near: a name that begins with it, else one at
/// most two edits away.
[[nodiscard]] std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names);

}  // namespace mq::cli
