#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/access.h"
#include "broker/connection.h"
#include "broker/services.h"
#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/header.h"

namespace mq::broker {

/// One request on its way through a handler. Lives on the shard of its connection; movable into callbacks and
/// coroutines.
class Call {
 public:
  /// `needs` are those of its API, and outlive it.
  Call(ShardServices& home, const Needs& needs, Request request, Responder responder)
      : home_(&home), needs_(&needs), request_(std::move(request)), responder_(std::move(responder)) {}

  /// The shard of the connection.
  [[nodiscard]] ShardServices& home() const { return *home_; }
  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] ApiVersion version() const { return request_.header.api_version; }
  [[nodiscard]] Connection& connection() const { return responder_.connection(); }
  [[nodiscard]] Responder& responder() { return responder_; }

  /// Who calls.
  [[nodiscard]] const Principal& principal() const { return anonymous(); }
  /// Whether he may do to `resource` what his request is for.
  [[nodiscard]] bool may(const Resource& resource) const { return may(*needs_, resource); }
  /// The same for what another API does.
  [[nodiscard]] bool may(const Needs& needs, const Resource& resource) const {
    return broker::may(home_->node().authorizer(), principal(), needs, resource);
  }

  /// Why he may not; kNone: he may.
  [[nodiscard]] ErrorCode refusal(const Resource& resource) const {
    return may(resource) ? ErrorCode::kNone : denial(resource.type);
  }

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
      home_->metrics().count_errors(api, errors);
  }

 private:
  ShardServices* home_;
  const Needs* needs_;
  Request request_;
  Responder responder_;
};

}  // namespace mq::broker
