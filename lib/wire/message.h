#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

#include "model/api_key.h"

namespace mq::wire {

inline constexpr ApiVersion kVersionMax = std::numeric_limits<ApiVersion>::max();

/// Versions of a message, both ends included.
struct Versions {
  ApiVersion first = 0;
  ApiVersion last = kVersionMax;
  [[nodiscard]] constexpr bool contains(ApiVersion v) const { return first <= v && v <= last; }
  friend constexpr bool operator==(Versions, Versions) = default;
};
constexpr Versions since(ApiVersion first) { return {first, kVersionMax}; }
constexpr Versions until(ApiVersion last) { return {0, last}; }
inline constexpr Versions kAlways{};

/// `kFlexibleSince` of a message that never got compact lengths and tagged fields.
inline constexpr ApiVersion kNeverFlexible = kVersionMax;

/// Something with a `describe` of its own, which `codec.h` can encode, decode and print: a request, a response, a blob
/// of the consumer protocol or a record of an internal topic.
///
/// The structs hold the fields of every version. What a version lacks is not written, and has its default after
/// decoding. Their names are Kafka's, in our spelling; their order is the order on the wire.
template <class M>
concept Message = requires {
  { M::kName } -> std::convertible_to<std::string_view>;
  { M::kVersions } -> std::convertible_to<Versions>;
  { M::kFlexibleSince } -> std::convertible_to<ApiVersion>;
};

/// A request or a response.
template <class M>
concept ApiMessage = Message<M> && requires {
  { M::kApi } -> std::convertible_to<ApiKey>;
};

/// A request; `Response` is the message that answers it.
template <class M>
concept RequestMessage = ApiMessage<M> && requires { typename M::Response; };

}  // namespace mq::wire
