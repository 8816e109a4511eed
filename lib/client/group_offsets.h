#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/cluster.h"
#include "client/group_consumer.h"

namespace mq::client {

/// As whom offsets are committed: a member, or an administrator of a group without members.
struct Committer {
  std::string member_id;
  std::int32_t generation = -1;
  std::optional<std::string> instance_id;
};

/// Offsets that a group committed: of `partitions` (-1 where there is none), or all that it has. One attempt; on an
/// error of the coordinator it is asked for anew next time.
awaitable<Result<std::vector<CommittedOffset>>> fetch_committed(Cluster& cluster, std::string group,
                                                                std::optional<std::vector<TopicPartition>> partitions);

/// Commits, and returns each partition's own error. One attempt, as above.
awaitable<Result<std::vector<std::pair<TopicPartition, ErrorCode>>>> commit_offsets(
    Cluster& cluster, std::string group, Committer committer, std::vector<CommittedOffset> offsets);

/// True for the errors that another coordinator, or the same one later, may not give.
[[nodiscard]] bool is_coordinator_error(ErrorCode code);

}  // namespace mq::client
