#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace mq::config {

/// `NAME=VALUE`, as files and command lines have it.
struct SettingText {
  std::string_view name;   ///< what is before the first `=`; more than blanks
  std::string_view value;  ///< what is behind it, which may be nothing
};

/// Takes `text` apart, blanks and all; none when it has no `=`, or no name before it.
[[nodiscard]] std::optional<SettingText> setting_of(std::string_view text);

/// A line of a file of settings, without the blanks around it and its parts.
struct SettingLine {
  std::size_t number = 0;  ///< from 1
  std::string_view text;
  std::string_view name;                  ///< what is before the first `=`, or all
  std::optional<std::string_view> value;  ///< none where the line is no `name = value`
};

/// The lines of `text`, and views into it, but for empty ones and comments, which begin with one of `comment_marks`.
[[nodiscard]] std::vector<SettingLine> setting_lines(std::string_view text, std::string_view comment_marks);

}  // namespace mq::config
