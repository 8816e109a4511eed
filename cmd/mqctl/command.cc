#include "command.h"

namespace mq::mqctl {

std::optional<std::pair<std::string, std::string>> parse_setting(Console& console, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    console.usage(console.args().usage_error("KEY=VALUE", text,
                                             {.at = 0, .size = text.size(), .why = "a setting is written KEY=VALUE"}));
    return std::nullopt;
  }
  return std::pair{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace mq::mqctl
