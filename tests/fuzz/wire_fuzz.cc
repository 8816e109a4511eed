// Any bytes as any message: the first two choose which message and which version, the rest is its body. What decodes
// must also encode, and decode again to the same bytes.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "wire/every_message.h"
#include "wire/header.h"

namespace mq::wire {
namespace {

template <class M>
void try_as(ApiVersion version, BytesView bytes) {
  const auto message = decode_any<M>(bytes, version);
  if (!message) return;
  static_cast<void>(print(*message, version));
  const ApiVersion written = kBeginsWithVersion<M> ? std::min(leading_version(bytes), M::kVersions.last) : version;
  const std::string once = encode_any(*message, written);
  const auto again = decode_any<M>(once, written);
  MQ_ASSERT(again.has_value());
  MQ_ASSERT(encode_any(*again, written) == once);
}

void try_as_header(BytesView bytes) {
  Reader in(bytes);
  static_cast<void>(decode_request_header(in));
}

}  // namespace
}  // namespace mq::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mq::wire;
  constexpr std::size_t kChoiceBytes = 2;
  if (size < kChoiceBytes) return 0;
  const mq::BytesView bytes(reinterpret_cast<const char*>(data) + kChoiceBytes, size - kChoiceBytes);
  try_as_header(bytes);
  int which = 0;
  for_every_message([&]<class M> {
    if (which++ == data[0]) try_as<M>(static_cast<mq::ApiVersion>(M::kVersions.first + data[1] % 32), bytes);
  });
  return 0;
}
