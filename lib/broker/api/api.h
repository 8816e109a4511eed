#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "broker/call.h"
#include "env/async.h"
#include "env/task_group.h"
#include "model/api_key.h"
#include "wire/codec.h"

namespace mq::broker {

// One API is one file: its handler, and at the end its row. A handler has one of three forms:
//   Response f(Call&, const Request&)             answers at once
//   awaitable<Response> f(Call&, const Request&)  waits; later requests of the connection start meanwhile
//   void f(Call, Request)                         answers by itself (the hot path, and what parks)

/// One API that we serve. Dispatch, ApiVersions and rights are made from the rows; the version range stands in
/// `model/api_key`.
struct ApiEntry {
  ApiKey key;
  /// Starts the request. Called in arrival order; whatever it has to wait for, it waits for after it returned.
  void (*start)(Call call);
  Needs needs;
  /// Also by a broker that waits for the right metadata store and serves nothing.
  bool is_answered_held = false;
};

/// Every API, in the order of the keys.
[[nodiscard]] std::span<const ApiEntry* const> api_table();
/// Null: it is not served.
[[nodiscard]] const ApiEntry* find_entry(ApiKey key);

/// The isolation level of who reads committed records only; 0 reads all.
inline constexpr std::int8_t kReadCommitted = 1;

// --- What a row starts ----------------------------------------------------------------------------------------------

template <class Request>
using Decode = Result<Request> (*)(BytesView body, ApiVersion version);

/// A body that does not follow its format ends the connection, as in Kafka: where its fields end is not known, so no
/// answer could be trusted. Nothing then.
template <class Request, Decode<Request> decode = wire::decode<Request>>
[[nodiscard]] std::optional<Request> decode_body(Call& call) {
  auto message = decode(call.request().body, call.version());
  if (message) return std::move(*message);
  call.responder().close("a request that cannot be decoded: " + message.error().message);
  return std::nullopt;
}

/// The same for a request of which nothing is a view of its frame: one that waits need not keep its bytes.
template <class Request, Decode<Request> decode = wire::decode<Request>>
[[nodiscard]] std::optional<Request> take_body(Call& call) {
  auto message = decode_body<Request, decode>(call);
  if (!message) return std::nullopt;
  call.responder().hold(call.request().body.size());
  call.release_frame();
  return message;
}

/// For `Response f(Call&, const Request&)`.
template <class Request, auto f>
void answering(Call call) {
  if (const auto message = take_body<Request>(call)) call.answer(f(call, *message));
}

/// For `awaitable<Response> f(Call&, const Request&)`.
template <class Request, auto f>
void suspending(Call call) {
  auto message = take_body<Request>(call);
  if (!message) return;
  env::TaskGroup& tasks = call.home().tasks();
  tasks.spawn([](Call c, Request request) -> awaitable<void> { c.answer(co_await f(c, request)); }(
                                              std::move(call), std::move(*message)));
}

/// The same, but later requests of the connection start after it: what they find depends on what it does.
template <class Request, auto f, Decode<Request> decode = wire::decode<Request>>
void holding(Call call) {
  auto message = take_body<Request, decode>(call);
  if (!message) return;
  env::TaskGroup& tasks = call.home().tasks();
  // Taken now: the coroutine may begin after the next frame was looked at.
  Connection::Hold hold(call.connection().shared_from_this());
  tasks.spawn([](Connection::Hold, Call c, Request request) -> awaitable<void> { c.answer(co_await f(c, request)); }(
                                                                std::move(hold), std::move(call), std::move(*message)));
}

/// For `void f(Call, Request)`.
template <class Request, auto f>
void free_form(Call call) {
  if (auto message = take_body<Request>(call)) f(std::move(call), std::move(*message));
}

}  // namespace mq::broker
