#pragma once

#include <string>
#include <string_view>

namespace mq::posix {

/// `text` as one line that is safe to show: control bytes (C0, DEL, C1) and bytes that are not UTF-8 become \xNN.
[[nodiscard]] std::string escape_for_line(std::string_view text);

/// The same as the contents of a JSON string, without the quotes.
[[nodiscard]] std::string escape_for_json(std::string_view text);

}  // namespace mq::posix
