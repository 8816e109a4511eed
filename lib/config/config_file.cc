#include "config/config_file.h"

#include <algorithm>

namespace mq::config {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Result<void> take_line(std::string_view line, std::span<const OptionRow> table, Overrides& overrides) {
  if (line.empty() || line.front() == '#') return {};
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos)
    return fail(Errc::invalid_argument, "'{}' is not NAME = VALUE", line.substr(0, 100));
  const std::string_view name = trimmed(line.substr(0, equals));
  const std::string_view value = trimmed(line.substr(equals + 1));
  MQ_CHECK(parse_option(table, name, value));
  if (!overrides.try_emplace(std::string(name), value).second)
    return fail(Errc::invalid_argument, "{} was already set above", name);
  return {};
}

}  // namespace

Result<Overrides> parse_config_file(std::string_view text, std::string_view file, std::span<const OptionRow> table) {
  if (text.size() > kConfigFileBytesMax)
    return fail(Errc::invalid_argument, "{}: {} bytes; a configuration has at most {}", file, text.size(),
                kConfigFileBytesMax);
  Overrides overrides;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto taken = take_line(trimmed(text.substr(0, end)), table, overrides); !taken)
      return fail(taken.error().code, "{}:{}: {}", file, line, taken.error().message);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return overrides;
}

}  // namespace mq::config
