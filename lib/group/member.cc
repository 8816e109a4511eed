#include "group/member.h"

#include <algorithm>

#include "group/memory.h"

namespace mq::group {
namespace {

/// What changes from one generation to the next, such as the partitions that a member says it has, counts as if it were
/// at least so much: groups that are there go on when there is no room for more.
constexpr std::size_t kGenerationBytesMin = 4096;

}  // namespace

ProtocolsSize size_of(const std::vector<Protocol>& protocols) {
  ProtocolsSize size;
  for (const Protocol& protocol : protocols) {
    // The name once more, where the group counts who supports it.
    size.bytes += sizeof(Protocol) + kStringNodeBytes + 2 * protocol.name.size() + protocol.metadata.size();
    size.metadata_bytes_max = std::max(size.metadata_bytes_max, protocol.metadata.size());
  }
  return size;
}

std::string_view Member::metadata_for(std::string_view protocol) const {
  const auto at = std::ranges::find(protocols, protocol, &Protocol::name);
  return at == protocols.end() ? std::string_view{} : std::string_view(at->metadata);
}

std::size_t Member::bytes_with(std::size_t protocols_bytes, std::size_t assignment_bytes) const {
  // Its id is also the key that it is found by, and that of its instance stands beside both once more.
  const std::size_t instance = instance_id ? 2 * kStringNodeBytes + 2 * instance_id->size() + id.size() : 0;
  return sizeof(Member) + kStringNodeBytes + 2 * id.size() + instance + client_id.size() + client_host.size() +
         std::max(protocols_bytes + assignment_bytes, kGenerationBytesMin);
}

}  // namespace mq::group
