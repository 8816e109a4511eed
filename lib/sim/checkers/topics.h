#pragma once

#include <set>
#include <string>

#include "sim/checkers/history.h"

namespace mq::sim {

/// What the data directories of a cluster hold.
struct KeptDirectories {
  std::set<std::string> listed;   ///< all names
  std::set<std::string> durable;  ///< of partitions, and would survive a power cut
};

/// Every partition of a topic that an answer said is there has its directory, and of a topic that an answer said is
/// deleted nothing is left.
[[nodiscard]] Verdict judge_topics(const History& history, const KeptDirectories& kept);

}  // namespace mq::sim
