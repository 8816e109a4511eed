#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "console.h"
#include "model/ids.h"

namespace mq::mqctl {

/// What operands such as TOPIC and TOPIC/PARTITION name.
struct Selection {
  std::vector<std::string> topics;         ///< each once
  std::vector<TopicPartition> partitions;  ///< of topics that are not named as a whole

  /// Nothing was named, or this partition was, or its topic.
  [[nodiscard]] bool has(const TopicPartition& where) const;
};

/// Nothing where an operand is none; then that was said.
[[nodiscard]] std::optional<Selection> select(Console& console, std::span<const std::string> operands);

/// The brokers that these texts name; `name` is what the command line calls them. Nothing where one is no number; then
/// that was said.
[[nodiscard]] std::optional<std::vector<BrokerId>> broker_ids(Console& console, std::string_view name,
                                                              std::span<const std::string> texts);

}  // namespace mq::mqctl
