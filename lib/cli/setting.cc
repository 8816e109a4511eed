#include "cli/setting.h"

#include "config/setting_lines.h"

namespace mq::cli {

Parsed<Setting> parse_setting(std::string_view text) {
  const auto setting = config::setting_of(text);
  if (setting) return Setting(setting->name, setting->value);
  if (text.contains('=')) return bad_value(0, 0, "there is no key; write KEY=VALUE");
  return bad_value(text.size(), 0, "there is no value; write KEY=VALUE");
}

}  // namespace mq::cli
