#include "selection.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/parsed_number.h"
#include "cli/units.h"

namespace mq::mqctl {

bool Selection::has(const TopicPartition& where) const {
  if (topics.empty()) return true;
  if (std::ranges::find(topics, where.topic) == topics.end()) return false;
  const bool is_whole = std::ranges::find(partitions, where.topic, &TopicPartition::topic) == partitions.end();
  return is_whole || std::ranges::find(partitions, where) != partitions.end();
}

std::optional<Selection> select(Console& console, std::span<const std::string> operands) {
  Selection selection;
  std::vector<std::string> whole;
  for (const std::string& operand : operands) {
    const std::size_t slash = operand.find('/');
    const std::string topic = operand.substr(0, slash);
    if (std::ranges::find(selection.topics, topic) == selection.topics.end()) selection.topics.push_back(topic);
    if (slash == std::string::npos) {
      whole.push_back(topic);
      continue;
    }
    const auto partition = cli::parse_number(operand.substr(slash + 1), 0, std::numeric_limits<std::int32_t>::max());
    if (!partition) {
      console.usage(console.args().usage_error(
          "TOPIC/PARTITION", operand,
          {.at = slash + 1, .size = operand.size() - slash - 1, .why = "a partition is a number from 0 on"}));
      return std::nullopt;
    }
    selection.partitions.push_back({topic, static_cast<std::int32_t>(*partition)});
  }
  const auto is_whole = [&](const TopicPartition& where) {
    return std::ranges::find(whole, where.topic) != whole.end();
  };
  std::erase_if(selection.partitions, is_whole);
  return selection;
}

std::optional<std::vector<BrokerId>> broker_ids(Console& console, std::string_view name,
                                                std::span<const std::string> texts) {
  std::vector<BrokerId> ids;
  for (const std::string& text : texts) {
    const auto id = parsed_number<std::int32_t>(text);
    if (!id || *id < 0) {
      console.usage(console.args().usage_error(
          name, text, {.at = 0, .size = text.size(), .why = "a broker is named by its number"}));
      return std::nullopt;
    }
    ids.emplace_back(*id);
  }
  return ids;
}

}  // namespace mq::mqctl
