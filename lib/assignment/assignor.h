#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace mq::assignment {

enum class Assignor { range, round_robin, cooperative_sticky };
/// Reads range, roundrobin and cooperative-sticky.
[[nodiscard]] std::optional<Assignor> parse_assignor(std::string_view name);
[[nodiscard]] std::string_view name_of(Assignor assignor);

/// A member as the leader of its group sees it.
struct AssignedMember {
  std::string id;
  std::vector<std::string> topics;
  std::vector<TopicPartition> owned;  ///< what it says it has; sticky only
  std::int32_t generation = -1;       ///< of `owned`; -1 when it does not say
  std::optional<std::string> rack{};  ///< reported, not used yet by any assignor here
};

/// Who reads what, from now on. Every member has an entry, perhaps an empty one.
using Assignment = std::map<std::string, std::vector<TopicPartition>>;

/// Distributes the partitions of `partition_counts` (topics that exist) among the members that want them. A function of
/// its arguments alone: the order of the members does not matter.
///
/// - range: each topic by itself, in runs of neighbours, as even as it goes.
/// - round robin: all partitions of all topics dealt out one by one.
/// - cooperative sticky: as even as it goes with as few moves as it takes. A partition that is to move is given to
///   nobody as long as another member owns it: that member sees that it is gone, gives it up and joins again, and the
///   next round hands it over. So nobody stops reading what it keeps.
[[nodiscard]] Assignment assign(Assignor assignor, const std::vector<AssignedMember>& members,
                                const std::map<std::string, std::int32_t>& partition_counts);

}  // namespace mq::assignment
