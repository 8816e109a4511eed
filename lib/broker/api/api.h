#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/connection.h"
#include "env/async.h"
#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/header.h"
#include "wire/messages/api_versions.h"

namespace mq::broker {

class ShardServices;

/// One request on its way through a handler. Lives on the shard of its connection; movable into callbacks and
/// coroutines.
class Call {
 public:
  Call(ShardServices& home, Request request, Responder responder)
      : home_(&home), request_(std::move(request)), responder_(std::move(responder)) {}

  /// The shard of the connection.
  [[nodiscard]] ShardServices& home() const { return *home_; }
  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] ApiVersion version() const { return request_.header.api_version; }
  [[nodiscard]] Connection& connection() const { return responder_.connection(); }
  [[nodiscard]] Responder& responder() { return responder_; }

  /// Encodes `response` in the version of the request and answers with it. Once.
  template <wire::ApiMessage Response>
  void answer(const Response& response) {
    std::vector<ErrorCode> errors;
    std::string frame = wire::encode_response(request_.header, response, &errors);
    count_errors(Response::kApi, errors);
    responder_.send({.head = std::move(frame), .files = {}});
  }
  /// From now on the request has no bytes but those of its header.
  void release_frame() {
    request_.body = {};
    request_.frame = {};
  }
  /// What an answer that a handler encodes by itself says went wrong.
  void count_errors(ApiKey api, std::span<const ErrorCode> errors) {
    if (!errors.empty()) [[unlikely]]
      count_some_errors(api, errors);
  }

 private:
  void count_some_errors(ApiKey api, std::span<const ErrorCode> errors);

  ShardServices* home_;
  Request request_;
  Responder responder_;
};

/// One API that we serve. Dispatch and ApiVersions are made from the rows; the version range stands in `model/api_key`.
struct ApiEntry {
  ApiKey key;
  /// Starts the request. Called in arrival order; whatever it has to wait for, it waits for after it returned.
  void (*start)(Call call);
};

/// The isolation level of who reads committed records only; 0 reads all.
inline constexpr std::int8_t kReadCommitted = 1;

/// Every API, in the order of the keys.
[[nodiscard]] std::span<const ApiEntry> api_table();

/// The answer to ApiVersions in `version`.
[[nodiscard]] wire::ApiVersionsResponse all_api_versions(ApiVersion version);

/// Finds the API of `request` and starts it; answers unknown versions as Kafka does.
void serve(ShardServices& home, Request request, Responder responder);

}  // namespace mq::broker
