// Produce versions 0 to 2. They are advertised because librdkafka stops compressing when they are not, and answered
// with UNSUPPORTED_VERSION as Kafka 4 does: their record formats are gone.

#include "broker/api/produce_old.h"

#include <utility>

#include "base/cursor.h"

namespace mq::broker {
namespace {

constexpr std::size_t kNameBytesMax = 249;

/// Copies a string with a 16-bit length from the request to the answer. False when it is none.
bool copy_string(Reader& in, Writer& out) {
  const auto size = in.be<std::int16_t>();
  if (size < 0 || static_cast<std::size_t>(size) > kNameBytesMax) return false;
  out.be(size);
  out.bytes(in.take(static_cast<std::size_t>(size)));
  return !in.failed();
}

/// One partition of the answer for one of the request.
bool refuse_partition(Reader& in, Writer& out, ApiVersion version) {
  out.be(in.be<std::int32_t>());
  const auto records = in.be<std::int32_t>();
  if (records > 0) (void)in.take(static_cast<std::size_t>(records));
  out.be(static_cast<std::int16_t>(ErrorCode::kUnsupportedVersion));
  out.be(std::int64_t{-1});
  if (version >= 2) out.be(std::int64_t{-1});
  return !in.failed();
}

}  // namespace

void produce_old(Call call) {
  const wire::RequestHeader& header = call.request().header;
  Reader in(call.request().body);
  const auto acks = in.be<std::int16_t>();
  (void)in.be<std::int32_t>();  // timeout
  std::string frame(wire::kFrameLengthBytes, '\0');
  wire::encode_response_header(ApiKey::kProduce, header.api_version, header.correlation_id, frame);
  Writer out(frame);
  // Counts are bounded by what is there: every pass reads some of it, and the first lie ends the loop.
  const auto topics = in.be<std::int32_t>();
  out.be(topics);
  bool good = topics >= 0;
  for (std::int32_t t = 0; good && t < topics; ++t) {
    good = copy_string(in, out);
    const auto partitions = in.be<std::int32_t>();
    out.be(partitions);
    good = good && partitions >= 0;
    for (std::int32_t p = 0; good && p < partitions; ++p) good = refuse_partition(in, out, header.api_version);
  }
  if (!good || in.failed() || acks == 0)
    return call.responder().close("a produce request of a version before 3; use a client that speaks record format 2");
  if (header.api_version >= 1) out.be(std::int32_t{0});
  wire::finish_frame(frame, 0);
  call.responder().send({.head = std::move(frame), .files = {}});
}

}  // namespace mq::broker
