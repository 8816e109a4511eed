#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "broker/api/api.h"
#include "broker/await_on.h"
#include "broker/group_service.h"
#include "broker/services.h"
#include "group/coordinator.h"
#include "group/partition_for.h"
#include "group/refusals.h"

namespace mq::broker {

/// Where the coordinator of a group runs, if it has one (see GroupService).
struct CoordinatorPlace {
  ShardServices* shard = nullptr;
  std::int32_t partition = -1;
};

[[nodiscard]] inline CoordinatorPlace coordinator_of(ShardServices& home, std::string_view group_id) {
  const cluster::Topic* topic = home.image()->find_topic(kOffsetsTopic);
  if (topic == nullptr) return {.shard = &home};
  const std::int32_t partition = group::partition_for(group_id, topic->partition_count());
  return {.shard = &home.node().owner_of(topic->id, partition), .partition = partition};
}

/// Why the caller may not do to this group what his request is for; kNone: he may.
[[nodiscard]] inline ErrorCode group_refusal(const Call& call, std::string_view group_id) {
  return call.refusal({.type = ResourceType::group, .name = group_id});
}

/// What a row starts whose requests concern one group, for `void f(Call, Request)`: it is called for who may.
template <class Request, auto f>
void of_group(Call call) {
  auto request = take_body<Request>(call);
  if (!request) return;
  if (const ErrorCode error = group_refusal(call, request->group_id); error != ErrorCode::kNone)
    return call.answer(group::refuse(*request, error));
  f(std::move(call), std::move(*request));
}

[[nodiscard]] inline group::Client client_of(const Call& call) {
  return {.id = call.request().header.client_id.value_or(""),
          .host = "/" + call.connection().remote_address().host,
          .version = call.version()};
}

/// Takes a request to the coordinator of its group, and its answer back to the connection's shard, where `answer(call,
/// Response)` is called. Requests of a connection come to a coordinator in their order.
template <class Response, class Answer>
void ask_coordinator(Call call, std::string_view group_id, GroupService::Host::Ask ask, Answer answer) {
  ShardServices& home = call.home();
  const CoordinatorPlace place = coordinator_of(home, group_id);
  ask_on(
      home.shard(), place.shard->shard(),
      [place, ask = std::move(ask)](auto told) mutable {
        place.shard->groups().ask(place.partition, std::move(ask), std::move(told));
      },
      [call = std::move(call), answer = std::move(answer)](group::Response response) mutable {
        answer(call, std::get<Response>(std::move(response)));
      });
}

/// The same for a request whose answer goes to the client as it is.
template <class Response>
void ask_coordinator(Call call, std::string_view group_id, GroupService::Host::Ask ask) {
  ask_coordinator<Response>(std::move(call), group_id, std::move(ask),
                            [](Call& c, const Response& response) { c.answer(response); });
}

/// What tells the coordinator of a request, for an event that needs nothing else.
template <class Request>
[[nodiscard]] GroupService::Host::Ask ask_with(group::Effects (group::Coordinator::*event)(group::RequestToken,
                                                                                           const Request&, group::Time),
                                               Request request) {
  return [event, request = std::move(request)](group::Coordinator& coordinator, group::RequestToken token,
                                               group::Time time) { return (coordinator.*event)(token, request, time); };
}

}  // namespace mq::broker
