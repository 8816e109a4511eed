#pragma once

#include <string_view>

#include "cli/option.h"
#include "cli/value_error.h"

namespace mq::cli {

/// Is `text` a value of the row's kind, and one that its destination takes? `now` is only needed for rows that take
/// times.
[[nodiscard]] Parsed<void> check_value(const OptionRow& row, std::string_view text, const TimeContext* now = nullptr);

}  // namespace mq::cli
