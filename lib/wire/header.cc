#include "wire/header.h"

namespace mq::wire {
namespace {

/// Whether the headers of this version have tagged fields.
bool is_flexible(std::int16_t api_key, ApiVersion version) {
  const ApiInfo* api = find_api(api_key);
  return api != nullptr && version >= api->flexible_since;
}

bool is_flexible_response(ApiKey api, ApiVersion version) {
  return api != ApiKey::kApiVersions && is_flexible(static_cast<std::int16_t>(api), version);
}

/// No header has a tagged field that we know.
bool skip_tags(Reader& in) {
  const std::uint32_t count = in.uvarint();
  std::int64_t last = -1;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const std::uint32_t tag = in.uvarint();
    if (tag <= last) return false;
    last = tag;
    in.take(in.uvarint());
  }
  return !in.failed();
}

}  // namespace

Result<RequestHeader> decode_request_header(Reader& in) {
  RequestHeader header;
  header.api_key = in.be<std::int16_t>();
  header.api_version = in.be<std::int16_t>();
  header.correlation_id = in.be<std::int32_t>();
  // The client id has two bytes of length in every version, so that it can be read whatever the API's version is.
  const auto size = in.be<std::int16_t>();
  if (size < -1) return fail(Errc::corrupt, "request header: the client id has a length of {}", size);
  if (size >= 0) header.client_id = in.take(static_cast<std::size_t>(size));
  if (in.failed()) return fail(Errc::corrupt, "request header: the bytes end too early");
  if (is_flexible(header.api_key, header.api_version) && !skip_tags(in))
    return fail(Errc::corrupt, "request header: its tagged fields do not follow their format");
  return header;
}

void encode_request_header(const RequestHeader& header, std::string& out) {
  Writer to(out);
  to.be(header.api_key);
  to.be(header.api_version);
  to.be(header.correlation_id);
  if (header.client_id) {
    const BytesView id = BytesView(*header.client_id).substr(0, kStringBytesMax);
    to.be(static_cast<std::int16_t>(id.size()));
    to.bytes(id);
  } else {
    to.be(std::int16_t{-1});
  }
  if (is_flexible(header.api_key, header.api_version)) to.uvarint(0);
}

void encode_response_header(ApiKey api, ApiVersion version, std::int32_t correlation_id, std::string& out) {
  Writer to(out);
  to.be(correlation_id);
  if (is_flexible_response(api, version)) to.uvarint(0);
}

Result<std::int32_t> decode_response_header(Reader& in, ApiKey api, ApiVersion version) {
  const auto correlation_id = in.be<std::int32_t>();
  if (in.failed()) return fail(Errc::corrupt, "response header: the bytes end too early");
  if (is_flexible_response(api, version) && !skip_tags(in))
    return fail(Errc::corrupt, "response header: its tagged fields do not follow their format");
  return correlation_id;
}

void finish_frame(std::string& out, std::size_t start, std::size_t missing) {
  store_be(out.data() + start, static_cast<std::int32_t>(out.size() - start - kFrameLengthBytes + missing));
}

ApiVersion leading_version(BytesView bytes) {
  return bytes.size() < sizeof(ApiVersion) ? ApiVersion{-1} : load_be<ApiVersion>(bytes.data());
}

}  // namespace mq::wire
