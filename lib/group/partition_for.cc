#include "group/partition_for.h"

#include "base/assert.h"

namespace mq::group {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

/// Takes one character off the front of `text`, which is not empty.
std::uint32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  std::uint32_t character = length == 1 ? first : first & (0x7fu >> length);
  bool whole = length != 0 && length <= text.size();
  for (std::size_t i = 1; whole && i < length; ++i) {
    whole = (byte(i) & 0xc0) == 0x80;
    character = character << 6 | (byte(i) & 0x3f);
  }
  text.remove_prefix(whole ? length : 1);
  return whole ? character : kReplacement;
}

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
