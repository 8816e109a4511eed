#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace mq::config {

/// A line of a file of settings, `name = value`, without the blanks around it and its parts.
struct SettingLine {
  std::size_t number = 0;  ///< from 1
  std::string_view text;
  std::string_view name;                  ///< what is before the first `=`, or all
  std::optional<std::string_view> value;  ///< what is behind it; none where there is no `=`
};

/// The lines of `text`, and views into it, but for empty ones and comments, which begin with one of `comment_marks`.
[[nodiscard]] std::vector<SettingLine> setting_lines(std::string_view text, std::string_view comment_marks);

}  // namespace mq::config
