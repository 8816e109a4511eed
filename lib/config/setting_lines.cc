#include "config/setting_lines.h"

#include <algorithm>

#include "base/trimmed.h"

namespace mq::config {

std::vector<SettingLine> setting_lines(std::string_view text, std::string_view comment_marks) {
  std::vector<SettingLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || comment_marks.contains(line.front())) continue;
    const std::size_t equals = line.find('=');
    SettingLine& read =
        lines.emplace_back(SettingLine{.number = number, .text = line, .name = trimmed(line.substr(0, equals))});
    if (equals != std::string_view::npos) read.value = trimmed(line.substr(equals + 1));
  }
  return lines;
}

}  // namespace mq::config
