#include "config/setting_lines.h"

#include "base/pieces.h"
#include "base/trimmed.h"

namespace mq::config {

std::optional<SettingText> setting_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || trimmed(text.substr(0, equals)).empty()) return std::nullopt;
  return SettingText{.name = text.substr(0, equals), .value = text.substr(equals + 1)};
}

std::vector<SettingLine> setting_lines(std::string_view text, std::string_view comment_marks) {
  std::vector<SettingLine> lines;
  std::size_t number = 0;
  for (const std::string_view line : pieces_of(text, '\n')) {
    ++number;
    if (line.empty() || comment_marks.contains(line.front())) continue;
    SettingLine& read = lines.emplace_back(
        SettingLine{.number = number, .text = line, .name = trimmed(line.substr(0, line.find('=')))});
    if (const auto setting = setting_of(line)) read.value = trimmed(setting->value);
  }
  return lines;
}

}  // namespace mq::config
