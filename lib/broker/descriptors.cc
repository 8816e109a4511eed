#include "broker/descriptors.h"

#include <algorithm>

#include "log/open_files.h"

namespace mq::broker {
namespace {

// Standard streams, listeners, the metadata store, metrics and health, the pool with what it opens in passing.
constexpr std::size_t kOthers = 64;
constexpr std::size_t kOthersOfShard = 8;
constexpr std::size_t kFilesMin = 4;

}  // namespace

DescriptorShares share_descriptors(std::size_t descriptors, std::size_t connections_max, std::size_t shards) {
  if (descriptors == 0) return {.connections = connections_max, .files_of_shard = log::OpenFiles::kUnbounded};
  const std::size_t others = kOthers + kOthersOfShard * shards;
  const std::size_t left = descriptors - std::min(descriptors, others);
  const std::size_t connections = std::clamp<std::size_t>(left - left / 4, 1, connections_max);
  return {.connections = connections,
          .files_of_shard = std::max(kFilesMin, (left - std::min(left, connections)) / shards)};
}

}  // namespace mq::broker
