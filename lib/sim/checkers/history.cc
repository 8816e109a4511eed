#include "sim/checkers/history.h"

#include <fmt/format.h>

#include <charconv>

namespace mq::sim {

std::string record_value(std::string_view producer, std::int64_t number) {
  return fmt::format("{} {}", producer, number);
}

RecordName name_of(std::string_view value) {
  const std::size_t space = value.rfind(' ');
  RecordName name;
  if (space == std::string_view::npos) return name;
  const char* const end = value.data() + value.size();
  if (std::from_chars(value.data() + space + 1, end, name.number).ptr != end) return {};
  name.producer = value.substr(0, space);
  return name;
}

}  // namespace mq::sim
