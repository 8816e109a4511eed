#include "log/checkpoint_file.h"

#include <fmt/format.h>

#include <optional>

#include "base/parsed_number.h"

namespace mq::log {
namespace {

std::optional<BytesView> take_until(BytesView& text, char end) {
  const std::size_t at = text.find(end);
  if (at == BytesView::npos) return std::nullopt;
  const BytesView taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

template <class Number>
std::optional<Number> take_number_until(BytesView& text, char end) {
  return take_until(text, end).and_then(parsed_number<Number>);
}

}  // namespace

std::string encode_checkpoint(const PartitionOffsets& offsets) {
  std::string text = fmt::format("0\n{}\n", offsets.size());
  for (const auto& [partition, offset] : offsets)
    text += fmt::format("{} {} {}\n", partition.topic, partition.partition, offset.value());
  return text;
}

Result<PartitionOffsets> decode_checkpoint(BytesView text) {
  if (take_number_until<int>(text, '\n') != 0) return fail(Errc::corrupt, "its first line is not version 0");
  const auto count = take_number_until<std::size_t>(text, '\n');
  if (!count) return fail(Errc::corrupt, "its second line is not a number");
  PartitionOffsets offsets;
  while (!text.empty()) {
    const auto topic = take_until(text, ' ');
    const auto partition = take_number_until<std::int32_t>(text, ' ');
    const auto offset = take_number_until<std::int64_t>(text, '\n');
    if (!topic || topic_name_problem(*topic) != nullptr || !partition || *partition < 0 || !offset || *offset < 0)
      return fail(Errc::corrupt, "line {} is not `topic partition offset`", offsets.size() + 3);
    offsets[{std::string(*topic), *partition}] = Offset{*offset};
  }
  if (offsets.size() != *count) return fail(Errc::corrupt, "{} lines, announced were {}", offsets.size(), *count);
  return offsets;
}

}  // namespace mq::log
