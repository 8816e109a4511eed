#pragma once
// The bodies of codec.h. Included only by messages/*.cc, each of which compiles them for its own messages.

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "wire/codec.h"
#include "wire/decoder.h"
#include "wire/encoder.h"
#include "wire/printer.h"

namespace mq::wire {

template <Message M>
std::vector<Gap> encode_with_gaps(const M& message, ApiVersion version, std::string& out,
                                  std::vector<ErrorCode>* errors) {
  MQ_ASSERT(M::kVersions.contains(version));
  Encoder encoder(out, version, version >= M::kFlexibleSince, errors);
  encoder.structure(message);
  return std::move(encoder.gaps());
}

template <Message M>
void encode(const M& message, ApiVersion version, std::string& out, std::vector<ErrorCode>* errors) {
  const std::vector<Gap> gaps = encode_with_gaps(message, version, out, errors);
  MQ_ASSERT(gaps.empty());
}

namespace detail {

template <Message M>
Result<M> decode(BytesView bytes, ApiVersion version, bool whole) {
  constexpr auto kElementsMax = RequestMessage<M> ? kRequestElementsMax : std::numeric_limits<std::size_t>::max();
  Decoder decoder(bytes, version, version >= M::kFlexibleSince, kElementsMax);
  Result<M> message(std::in_place);
  decoder.structure(*message);
  if (decoder.failed()) return fail(decoder.error(M::kName));
  if (whole && !decoder.rest().empty())
    return fail(Errc::corrupt, "{} v{}: {} bytes after its end", M::kName, version, decoder.rest().size());
  return message;
}

}  // namespace detail

template <Message M>
Result<M> decode(BytesView body, ApiVersion version) {
  if (!M::kVersions.contains(version))
    return fail(Errc::unsupported, "{} v{}: the versions are {} to {}", M::kName, version, M::kVersions.first,
                M::kVersions.last);
  return detail::decode<M>(body, version, true);
}

template <Message M>
Result<M> decode_versioned(BytesView bytes) {
  constexpr std::size_t kVersionBytes = 2;
  if (bytes.size() < kVersionBytes) return fail(Errc::corrupt, "{}: the version is missing", M::kName);
  const ApiVersion version = leading_version(bytes);
  bytes.remove_prefix(kVersionBytes);
  if constexpr (requires { M::kReadsNewer; })
    if (version >= M::kVersions.first) return detail::decode<M>(bytes, std::min(version, M::kVersions.last), false);
  return decode<M>(bytes, version);
}

template <Message M>
std::string print(const M& message, ApiVersion version) {
  Printer printer(version);
  printer.structure(message);
  return std::move(printer).line();
}

}  // namespace mq::wire

#define MQ_WIRE_INSTANTIATE(M)                                                                                \
  template void encode<M>(const M&, ApiVersion, std::string&, std::vector<ErrorCode>*);                       \
  template std::vector<Gap> encode_with_gaps<M>(const M&, ApiVersion, std::string&, std::vector<ErrorCode>*); \
  template Result<M> decode<M>(BytesView, ApiVersion);                                                        \
  template std::string print<M>(const M&, ApiVersion);

/// Also for messages that begin with their version.
#define MQ_WIRE_INSTANTIATE_VERSIONED(M) \
  MQ_WIRE_INSTANTIATE(M)                 \
  template Result<M> decode_versioned<M>(BytesView);
