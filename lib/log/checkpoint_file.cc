#include "log/checkpoint_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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

std::string encode_checkpoint(std::span<const CheckpointLine> lines) {
  std::string text = fmt::format("0\n{}\n", lines.size());
  for (const CheckpointLine& line : lines)
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", line.topic, line.partition, line.offset.value());
  return text;
}

Result<std::vector<CheckpointLine>> decode_checkpoint(BytesView text) {
  if (take_number_until<int>(text, '\n') != 0) return fail(Errc::corrupt, "its first line is not version 0");
  const auto count = take_number_until<std::size_t>(text, '\n');
  if (!count) return fail(Errc::corrupt, "its second line is not a number");
  std::vector<CheckpointLine> lines;
  while (!text.empty()) {
    const auto topic = take_until(text, ' ');
    const auto partition = take_number_until<std::int32_t>(text, ' ');
    const auto offset = take_number_until<std::int64_t>(text, '\n');
    if (!topic || topic_name_problem(*topic) != nullptr || !partition || *partition < 0 || !offset || *offset < 0)
      return fail(Errc::corrupt, "line {} is not `topic partition offset`", lines.size() + 3);
    lines.push_back({.topic = *topic, .partition = *partition, .offset = Offset{*offset}});
  }
  if (lines.size() != *count) return fail(Errc::corrupt, "{} lines, announced were {}", lines.size(), *count);
  if (!std::ranges::is_sorted(lines)) std::ranges::sort(lines);  // Kafka's may be in any order
  const auto twice = std::ranges::adjacent_find(lines, [](const CheckpointLine& a, const CheckpointLine& b) {
    return a.topic == b.topic && a.partition == b.partition;
  });
  if (twice != lines.end()) return fail(Errc::corrupt, "partition {}-{} stands twice", twice->topic, twice->partition);
  return lines;
}

}  // namespace mq::log
