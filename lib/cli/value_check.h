#pragma once

#include <string_view>

#include "cli/option.h"
#include "cli/value_error.h"

namespace mq::cli {

/// Is `text` a value of the row's kind, and one that its destination takes?
[[nodiscard]] Parsed<void> check_value(const OptionRow& row, std::string_view text);

}  // namespace mq::cli
