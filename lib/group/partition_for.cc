#include "group/partition_for.h"

#include "base/assert.h"
#include "group/utf16.h"

namespace mq::group {
namespace {

std::uint32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  while (!utf8.empty()) {
    const std::uint32_t character = take_character(utf8);
    if (character < 0x10000) {
      hash = hash * 31 + character;
    } else {
      hash = hash * 31 + (0xd800 + ((character - 0x10000) >> 10));
      hash = hash * 31 + (0xdc00 + ((character - 0x10000) & 0x3ff));
    }
  }
  return hash;
}

}  // namespace

std::int32_t partition_for(std::string_view group_id, std::int32_t partition_count) {
  MQ_ASSERT(partition_count > 0);
  return static_cast<std::int32_t>(java_hash(group_id) & 0x7fffffff) % partition_count;
}

}  // namespace mq::group
