#include "cli/value_error.h"

#include <algorithm>

#include "base/utf8.h"
#include "cli/escape.h"

namespace mq::cli {

std::string underline(std::string_view prefix, std::string_view text, const ValueError& error) {
  constexpr std::size_t kContext = 60;  // bytes shown on either side of the part to blame
  const std::size_t at = std::min(error.at, text.size());
  const std::size_t end = std::min(at + error.size, text.size());
  const std::size_t first = at > kContext ? at - kContext : 0;
  const std::size_t blamed_end = std::min(end, at + kContext);
  const std::size_t last = std::min(text.size(), blamed_end + kContext);

  std::string before = first > 0 ? "..." : "";
  append_in_one_line(text.substr(first, at - first), before);
  std::string blamed;
  append_in_one_line(text.substr(at, blamed_end - at), blamed);
  std::string after;
  append_in_one_line(text.substr(blamed_end, last - blamed_end), after);
  if (last < text.size()) after += "...";

  const std::size_t width = std::max<std::size_t>(columns_of(blamed), 1);
  return fmt::format("{}: {}\n  {}{}{}\n  {}^{}", prefix, error.why, before, blamed, after,
                     std::string(columns_of(before), ' '), std::string(width - 1, '~'));
}

}  // namespace mq::cli
