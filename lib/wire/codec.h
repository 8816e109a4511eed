#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/error_code.h"
#include "wire/message.h"
#include "wire/records.h"

namespace mq::wire {

/// All functions are pure, and defined for every message of `messages/`, each compiled once in its own file.

/// The longest string that the protocol has, in every version.
inline constexpr std::size_t kStringBytesMax = 32767;
/// The most elements that all arrays of a request may have together; it bounds what answering it costs, too (N-19).
inline constexpr std::size_t kRequestElementsMax = 200'000;
/// What `print` returns at most.
inline constexpr std::size_t kPrintBytesMax = 4096;

/// Appends the body of `message` in `version`, which is one of `M::kVersions`. Fields that the version lacks are left
/// out, whatever they hold; null becomes empty where the version has no null; strings are cut at kStringBytesMax.
/// The message holds no external records. `errors`, when given, gets every error code of the message but kNone, in
/// order.
template <Message M>
void encode(const M& message, ApiVersion version, std::string& out, std::vector<ErrorCode>* errors = nullptr);

/// The same for a message that may hold external records; returns a gap for each.
template <Message M>
[[nodiscard]] std::vector<Gap> encode_with_gaps(const M& message, ApiVersion version, std::string& out,
                                                std::vector<ErrorCode>* errors = nullptr);

/// Reads a body, all of it. `Records` in the result are views into `body`; everything else is copied. Unknown tagged
/// fields are skipped. Allocates at most 16 times the size of `body` plus 1 MiB.
/// unsupported: not one of `M::kVersions`; corrupt: the bytes do not follow the format, the text names the field;
/// too_large: more small elements than the bound on memory allows, or a request with more than kRequestElementsMax.
template <Message M>
[[nodiscard]] Result<M> decode(BytesView body, ApiVersion version);

/// What a person wants to see of `message` in `version`: one line like JSON, long lists and texts cut, bytes only
/// counted.
template <Message M>
[[nodiscard]] std::string print(const M& message, ApiVersion version);

/// For what names its version in its first two bytes: consumer-protocol blobs, keys and values of internal topics.
template <Message M>
[[nodiscard]] std::string encode_versioned(const M& message, ApiVersion version) {
  std::string out{static_cast<char>(version >> 8), static_cast<char>(version & 0xff)};
  encode(message, version, out);
  return out;
}

/// Reads that. Errors as `decode`. A message with `kReadsNewer` is also read from newer versions and from longer bytes,
/// whose ends mean nothing to us, as its protocol asks.
template <Message M>
[[nodiscard]] Result<M> decode_versioned(BytesView bytes);

/// The version in the first two bytes, or -1 when there are none.
[[nodiscard]] ApiVersion leading_version(BytesView bytes);

}  // namespace mq::wire
