#include "config/config_file.h"

#include "config/setting_lines.h"

namespace mq::config {
namespace {

Result<void> take_line(const SettingLine& line, std::span<const OptionRow> table, Overrides& overrides) {
  if (!line.value) return fail(Errc::invalid_argument, "'{}' is not NAME = VALUE", line.text.substr(0, 100));
  MQ_CHECK(parse_option(table, line.name, *line.value));
  if (!overrides.try_emplace(std::string(line.name), *line.value).second)
    return fail(Errc::invalid_argument, "{} was already set above", line.name);
  return {};
}

}  // namespace

Result<Overrides> parse_config_file(std::string_view text, std::string_view file, std::span<const OptionRow> table) {
  if (text.size() > kConfigFileBytesMax)
    return fail(Errc::invalid_argument, "{}: {} bytes; a configuration has at most {}", file, text.size(),
                kConfigFileBytesMax);
  Overrides overrides;
  for (const SettingLine& line : setting_lines(text, "#")) {
    if (auto taken = take_line(line, table, overrides); !taken)
      return fail(taken.error().code, "{}:{}: {}", file, line.number, taken.error().message);
  }
  return overrides;
}

}  // namespace mq::config
