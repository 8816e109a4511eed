#include "group/partition_for.h"

#include "base/assert.h"
#include "group/utf16.h"

namespace mq::group {
namespace {

std::uint32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  for (const char16_t unit : to_utf16(utf8)) hash = hash * 31 + unit;
  return hash;
}

}  // namespace

std::int32_t partition_for(std::string_view group_id, std::int32_t partition_count) {
  MQ_ASSERT(partition_count > 0);
  return static_cast<std::int32_t>(java_hash(group_id) & 0x7fffffff) % partition_count;
}

}  // namespace mq::group
