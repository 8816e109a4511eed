#include "cli/config_file.h"

#include "base/trimmed.h"
#include "config/setting_lines.h"

namespace mq::cli {

Parsed<ConfigFile> parse_config_file(std::string_view text) {
  ConfigFile file;
  ConfigFile::Section* section = &file.everybody;
  for (const config::SettingLine& line : config::setting_lines(text, "#;")) {
    const auto wrong = [&](std::string_view why) {
      return bad_value(static_cast<std::size_t>(line.text.data() - text.data()), line.text.size(), "{}", why);
    };

    if (line.text.starts_with('[')) {
      constexpr std::string_view kProfile = "[profile ";
      if (!line.text.starts_with(kProfile) || !line.text.ends_with(']'))
        return wrong("the only sections are [profile NAME]");
      const std::string_view name = trimmed(line.text.substr(kProfile.size(), line.text.size() - kProfile.size() - 1));
      if (name.empty()) return wrong("the profile has no name");
      section = &file.profiles[std::string(name)];
    } else if (!line.value) {
      return wrong("neither KEY = VALUE nor [profile NAME]");
    } else if (line.name == "current" && section == &file.everybody) {
      file.current = *line.value;
    } else if (!section->emplace(line.name, *line.value).second) {
      return wrong("this key was given before");
    }
  }
  return file;
}

}  // namespace mq::cli
