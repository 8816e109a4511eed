#pragma once

#include <string_view>
#include <vector>

namespace mq {

/// What stands between the separators of `text`, without blanks at either end, and views into it. An empty text has no
/// piece; a separator at an end has an empty one beside it.
[[nodiscard]] std::vector<std::string_view> pieces_of(std::string_view text, char separator);

}  // namespace mq
