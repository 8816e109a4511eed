#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "assignment/assignor.h"
#include "base/time.h"
#include "sim/workload/workload.h"

namespace mq::sim {

struct ReadOptions {
  std::string topic;
  std::int32_t partitions = 1;
  std::size_t records = 0;  ///< it ends when it saw so many
};

/// Reads all partitions of a topic from their starts; what it saw stands under the name of its machine. An error is a
/// complaint.
[[nodiscard]] ClientProgram read(ReadOptions options);

struct JoinOptions {
  std::string topic;
  std::string group;
  std::size_t records = 0;  ///< it ends when the group saw so many different ones; 0: when the workload is over
  /// Errors of polls and commits are not complaints: the broker may be away.
  bool is_patient = false;
  std::vector<assignment::Assignor> assignors{assignment::Assignor::range};
};

/// Sees to it that the topic is there, reads it as a member of a group and commits what it read. What it saw stands
/// under the name of the group.
[[nodiscard]] ClientProgram join(JoinOptions options);

}  // namespace mq::sim
