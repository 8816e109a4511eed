#include "cli/config_file.h"

namespace mq::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Parsed<ConfigFile> parse_config_file(std::string_view text) {
  ConfigFile file;
  ConfigFile::Section* section = &file.everybody;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view raw = text.substr(at, end - at);
    const std::string_view line = trimmed(raw);
    const auto wrong = [&](std::string_view why) { return bad_value(at, raw.size(), "{}", why); };

    if (line.starts_with('[')) {
      constexpr std::string_view kProfile = "[profile ";
      if (!line.starts_with(kProfile) || !line.ends_with(']')) return wrong("the only sections are [profile NAME]");
      const std::string_view name = trimmed(line.substr(kProfile.size(), line.size() - kProfile.size() - 1));
      if (name.empty()) return wrong("the profile has no name");
      section = &file.profiles[std::string(name)];
    } else if (!line.empty() && line[0] != '#' && line[0] != ';') {
      const std::size_t equals = line.find('=');
      const std::string_view key = trimmed(line.substr(0, equals));
      if (equals == std::string_view::npos || key.empty()) return wrong("neither KEY = VALUE nor [profile NAME]");
      const std::string_view value = trimmed(line.substr(equals + 1));
      if (key == "current" && section == &file.everybody) {
        file.current = value;
      } else if (!section->emplace(key, value).second) {
        return wrong("this key was given before");
      }
    }
    at = end + 1;
  }
  return file;
}

}  // namespace mq::cli
