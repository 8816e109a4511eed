#pragma once

#include <cstddef>

namespace mq::broker {

/// How the descriptors of the process are shared out.
struct DescriptorShares {
  std::size_t connections = 0;     ///< max.connections, or fewer where there are not enough for them
  std::size_t files_of_shard = 0;  ///< what the logs of one shard may hold open; log::OpenFiles::kUnbounded: whatever
};

/// Of `descriptors` that the process may have open (0: without limit) some are kept for what is not counted, then
/// `connections_max` for connections, the rest for logs; but these get a quarter in any case.
[[nodiscard]] DescriptorShares share_descriptors(std::size_t descriptors, std::size_t connections_max,
                                                 std::size_t shards);

}  // namespace mq::broker
