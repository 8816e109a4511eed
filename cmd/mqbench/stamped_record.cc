#include "stamped_record.h"

#include <cstring>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"

namespace mq::mqbench {
namespace {

constexpr std::uint64_t kMagic = 0x6d7162656e636831;  // "mqbench1"
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kCoveredAt = 12;

}  // namespace

void write_stamp(const Stamp& stamp, BytesView filler, std::string& value) {
  MQ_ASSERT(value.size() >= kStampBytes && filler.size() >= value.size());
  char* const to = value.data();
  store_be(to, kMagic);
  store_be(to + kCoveredAt, stamp.producer);
  store_be(to + 16, stamp.run);
  store_be(to + 24, stamp.sequence);
  store_be(to + 32, stamp.intended);
  store_be(to + 40, stamp.sent);
  std::memcpy(to + kStampBytes, filler.data() + kStampBytes, value.size() - kStampBytes);
  store_be(to + kCrcAt, crc32c(BytesView(value).substr(kCoveredAt)));
}

std::expected<Stamp, StampProblem> read_stamp(BytesView value) {
  if (value.size() < kStampBytes || load_be<std::uint64_t>(value.data()) != kMagic)
    return std::unexpected(StampProblem::foreign);
  if (load_be<std::uint32_t>(value.data() + kCrcAt) != crc32c(value.substr(kCoveredAt)))
    return std::unexpected(StampProblem::corrupt);
  return Stamp{.run = load_be<std::uint64_t>(value.data() + 16),
               .producer = load_be<std::uint32_t>(value.data() + kCoveredAt),
               .sequence = load_be<std::uint64_t>(value.data() + 24),
               .intended = load_be<std::int64_t>(value.data() + 32),
               .sent = load_be<std::int64_t>(value.data() + 40)};
}

}  // namespace mq::mqbench
