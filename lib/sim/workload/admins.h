#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/workload/workload.h"

namespace mq::sim {

struct TopicWish {
  std::string name;
  std::int32_t partitions = 1;
  std::int32_t partitions_later = 0;  ///< grows to so many once it is there; 0: it does not
  bool is_deleted = false;            ///< at the end
};

/// Makes topics in one request, then grows and deletes those that want it. An error is a complaint.
[[nodiscard]] ClientProgram make_topics(std::vector<TopicWish> wishes);

/// Makes a topic and deletes it, again and again, whatever comes of it, until the workload is over.
[[nodiscard]] ClientProgram make_and_delete_topics();

struct CommitOptions {
  std::string topic;  ///< its partition 0 is what is committed for
  int groups = 1;
  int commits = 1;  ///< the numbers from 0 on, for one group after the other
  std::size_t metadata_bytes = 0;
};

/// Commits for many groups. An error is a complaint.
[[nodiscard]] ClientProgram commit_for_groups(CommitOptions options);
/// Looks up what each of them has committed.
[[nodiscard]] ClientProgram look_up_commits(CommitOptions options);

}  // namespace mq::sim
