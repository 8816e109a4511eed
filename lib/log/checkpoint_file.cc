#include "log/checkpoint_file.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace mq::log {
namespace {

std::optional<BytesView> take_until(BytesView& text, char end) {
  const std::size_t at = text.find(end);
  if (at == BytesView::npos) return std::nullopt;
  const BytesView taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

template <class Int>
std::optional<Int> parse(std::optional<BytesView> text) {
  Int value{};
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

std::string encode_checkpoint(const PartitionOffsets& offsets) {
  std::string text = fmt::format("0\n{}\n", offsets.size());
  for (const auto& [partition, offset] : offsets)
    text += fmt::format("{} {} {}\n", partition.topic, partition.partition, offset.value());
  return text;
}

Result<PartitionOffsets> decode_checkpoint(BytesView text) {
  if (parse<int>(take_until(text, '\n')) != 0) return fail(Errc::corrupt, "its first line is not version 0");
  const auto count = parse<std::size_t>(take_until(text, '\n'));
  if (!count) return fail(Errc::corrupt, "its second line is not a number");
  PartitionOffsets offsets;
  while (!text.empty()) {
    const auto topic = take_until(text, ' ');
    const auto partition = parse<std::int32_t>(take_until(text, ' '));
    const auto offset = parse<std::int64_t>(take_until(text, '\n'));
    if (!topic || topic_name_problem(*topic) != nullptr || !partition || *partition < 0 || !offset || *offset < 0)
      return fail(Errc::corrupt, "line {} is not `topic partition offset`", offsets.size() + 3);
    offsets[{std::string(*topic), *partition}] = Offset{*offset};
  }
  if (offsets.size() != *count) return fail(Errc::corrupt, "{} lines, announced were {}", offsets.size(), *count);
  return offsets;
}

}  // namespace mq::log
