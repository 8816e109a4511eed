#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cursor.h"
#include "base/result.h"
#include "wire/codec.h"
#include "wire/message.h"
#include "wire/records.h"

namespace mq::wire {

/// A frame on a connection is its length (four bytes, not counting themselves), a header, a body.
inline constexpr std::size_t kFrameLengthBytes = 4;

struct RequestHeader {
  std::int16_t api_key = 0;  ///< may be one that we do not know
  ApiVersion api_version = 0;
  std::int32_t correlation_id = 0;  ///< the answer repeats it
  std::optional<std::string> client_id{};
};

/// Reads the header at the front of a frame (without its length) and leaves `in` at the body. Version 2 of the header
/// when this version of the API is flexible, known to us or not; version 1 otherwise and for an unknown API, which the
/// caller answers. corrupt: the bytes are no header.
[[nodiscard]] Result<RequestHeader> decode_request_header(Reader& in);
/// Appends it.
void encode_request_header(const RequestHeader& header, std::string& out);

/// Appends the header of a response: version 1 when flexible, but always 0 for ApiVersions, which clients send before
/// they know what the broker speaks.
void encode_response_header(ApiKey api, ApiVersion version, std::int32_t correlation_id, std::string& out);
/// Reads it and returns the correlation id; leaves `in` at the body.
[[nodiscard]] Result<std::int32_t> decode_response_header(Reader& in, ApiKey api, ApiVersion version);

/// Writes the length of the frame that began at `start` of `out`, `missing` bytes not counted there.
void finish_frame(std::string& out, std::size_t start, std::size_t missing = 0);

/// An empty frame: room for the length, and memory for what most answers take, so that they grow it no more.
[[nodiscard]] inline std::string begin_frame() {
  std::string frame;
  frame.reserve(256);
  frame.resize(kFrameLengthBytes);
  return frame;
}

/// A whole request frame. `header.api_key` is ignored: the message knows its own.
template <RequestMessage M>
[[nodiscard]] std::string encode_request(RequestHeader header, const M& message) {
  header.api_key = static_cast<std::int16_t>(M::kApi);
  std::string frame = begin_frame();
  encode_request_header(header, frame);
  encode(message, header.api_version, frame);
  finish_frame(frame, 0);
  return frame;
}

/// A whole response frame but for the external records, which go into the gaps.
struct FrameWithGaps {
  std::string bytes;
  std::vector<Gap> gaps;  ///< positions in `bytes`
};

/// The answer to the request of `header`, in its version. `errors` as in `encode`.
template <ApiMessage M>
[[nodiscard]] FrameWithGaps encode_response_with_gaps(const RequestHeader& header, const M& message,
                                                      std::vector<ErrorCode>* errors = nullptr) {
  FrameWithGaps frame{.bytes = begin_frame(), .gaps = {}};
  encode_response_header(M::kApi, header.api_version, header.correlation_id, frame.bytes);
  frame.gaps = encode_with_gaps(message, header.api_version, frame.bytes, errors);
  std::size_t missing = 0;
  for (const Gap& gap : frame.gaps) missing += gap.size;
  finish_frame(frame.bytes, 0, missing);
  return frame;
}

/// The same for a message without external records.
template <ApiMessage M>
[[nodiscard]] std::string encode_response(const RequestHeader& header, const M& message,
                                          std::vector<ErrorCode>* errors = nullptr) {
  std::string frame = begin_frame();
  encode_response_header(M::kApi, header.api_version, header.correlation_id, frame);
  encode(message, header.api_version, frame, errors);
  finish_frame(frame, 0);
  return frame;
}

}  // namespace mq::wire
