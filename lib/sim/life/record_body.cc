#include "sim/life/record_body.h"

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/parsed_number.h"

namespace mq::sim {
namespace {

/// Cuts off and returns what stands before the next space, or everything.
std::string_view next_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

}  // namespace

std::string encode(const RecordBody& body, std::size_t filler_bytes) {
  const std::string checked = fmt::format("{} {} {} {}", body.value, body.sent_to.partition, body.sent_to.topic,
                                          std::string(filler_bytes, '.'));
  return fmt::format("{} {}", crc32c(checked), checked);
}

std::optional<RecordBody> decode_body(std::string_view text) {
  const auto sum = parsed_number<std::uint32_t>(next_word(text));
  if (!sum || *sum != crc32c(text)) return std::nullopt;
  const auto value = parsed_number<std::int64_t>(next_word(text));
  const auto partition = parsed_number<std::int32_t>(next_word(text));
  if (!value || !partition) return std::nullopt;
  return RecordBody{.value = *value, .sent_to = {std::string(next_word(text)), *partition}};
}

}  // namespace mq::sim
