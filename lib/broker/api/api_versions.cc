// ApiVersions (key 18): what we speak. Advertised is what works, with Kafka's minima and maxima: librdkafka switches
// groups, idempotence or compression off when an old minimum is missing.

#include "wire/messages/api_versions.h"

#include <algorithm>
#include <string_view>

#include "broker/api/api.h"

namespace mq::broker {
namespace {

constexpr ApiVersion kClientNamedSince = 3;

/// What a client may call itself, and its version (KIP-511): letters and digits, dots and dashes inside.
bool is_software_name(std::string_view text) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

wire::ApiVersionsResponse all_api_versions(ApiVersion version) {
  wire::ApiVersionsResponse response;
  for (const ApiEntry* entry : api_table()) {
    if (is_our_own(entry->key)) continue;
    const ApiInfo& info = api_info(entry->key);
    response.api_keys.push_back({.api_key = static_cast<std::int16_t>(info.key),
                                 .min_version = info.version_min,
                                 .max_version = info.version_max});
  }
  if (version >= 3) {
    // What a client may ask for, and the level that is on: 0 means that transactions of the second kind, the new group
    // protocol and share groups do not run here.
    for (const char* feature : {"group.version", "transaction.version", "share.version"})
      response.supported_features.push_back({.name = feature, .min_version = 0, .max_version = 0});
    response.finalized_features_epoch = 0;
  }
  return response;
}

wire::ApiVersionsResponse api_versions(Call& call, const wire::ApiVersionsRequest& request) {
  const bool is_named = call.version() >= kClientNamedSince;
  if (is_named &&
      !(is_software_name(request.client_software_name) && is_software_name(request.client_software_version))) {
    wire::ApiVersionsResponse response;
    response.error_code = ErrorCode::kInvalidRequest;
    return response;
  }
  return all_api_versions(call.version());
}

void start_api_versions(Call call) {
  const ApiInfo& info = api_info(ApiKey::kApiVersions);
  if (call.version() >= info.version_min && call.version() <= info.version_max)
    return answering<wire::ApiVersionsRequest, api_versions>(std::move(call));
  // Kafka answers a version that it does not know in version 0, so that any client can read what we speak.
  wire::RequestHeader header = call.request().header;
  header.api_version = 0;
  wire::ApiVersionsResponse response = all_api_versions(0);
  response.error_code = ErrorCode::kUnsupportedVersion;
  call.responder().send({.head = wire::encode_response(header, response), .files = {}});
}

}  // namespace

extern const ApiEntry kApiVersionsApi{
    .key = ApiKey::kApiVersions, .start = start_api_versions, .needs = {}, .is_answered_held = true};

}  // namespace mq::broker
