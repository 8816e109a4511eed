#include "client/batch_stamp.h"

#include <cstdint>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "record/batch.h"

namespace mq::client {
namespace {

// Places in a batch header of format 2; the CRC covers everything from the attributes on.
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;

}  // namespace

void stamp_producer(std::string& batch, ProducerIdentity identity, Sequence base_sequence) {
  MQ_ASSERT(batch.size() >= record::kBatchHeaderBytes);
  store_be<std::int64_t>(batch.data() + kProducerIdAt, identity.id.value());
  store_be<std::int16_t>(batch.data() + kProducerEpochAt, identity.epoch.value());
  store_be<std::int32_t>(batch.data() + kBaseSequenceAt, base_sequence.value());
  store_be<std::uint32_t>(batch.data() + kCrcAt, crc32c(BytesView(batch).substr(kAttributesAt)));
}

}  // namespace mq::client
