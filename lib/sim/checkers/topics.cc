#include "sim/checkers/topics.h"

#include <fmt/format.h>

namespace mq::sim {

Verdict judge_topics(const History& history, const KeptDirectories& kept) {
  Verdict verdict;
  for (const auto& [name, partitions] : history.topics)
    for (std::int32_t index = 0; index < partitions; ++index)
      if (const std::string directory = fmt::format("{}-{}", name, index); !kept.durable.contains(directory))
        verdict.push_back(fmt::format("{} is lost", directory));
  for (const std::string& topic : history.deleted_topics)
    for (const std::string& name : kept.listed)
      if (name.starts_with(topic + "-")) verdict.push_back(fmt::format("{} is left of a deleted topic", name));
  return verdict;
}

}  // namespace mq::sim
