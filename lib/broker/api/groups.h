#pragma once

#include <memory>
#include <string>
#include <utility>

#include "broker/api/api.h"
#include "broker/group_service.h"
#include "broker/shard_broker.h"
#include "group/coordinator.h"
#include "group/partition_for.h"

namespace mq::broker {

/// Where the coordinator of a group runs.
struct CoordinatorPlace {
  ShardBroker* shard = nullptr;  ///< null: there is no __consumer_offsets yet
  std::int32_t partition = 0;
};

[[nodiscard]] inline CoordinatorPlace coordinator_of(const ShardBroker& home, std::string_view group_id) {
  const cluster::Topic* topic = home.image()->find_topic(kOffsetsTopic);
  if (topic == nullptr) return {};
  const std::int32_t partition = group::partition_for(group_id, topic->partition_count());
  return {.shard = &home.node().owner_of(topic->id, partition), .partition = partition};
}

[[nodiscard]] inline group::Client client_of(const Call& call) {
  return {.id = call.request().header.client_id.value_or(""),
          .host = "/" + call.connection().remote_address().host,
          .version = call.version()};
}

/// Takes a request to the coordinator of its group, and its answer back to the connection's shard, where `answer(call,
/// Response)` is called. `refuse(call)` answers with NOT_COORDINATOR when there is no coordinator.
template <class Response, class Answer, class Refuse>
void ask_coordinator(Call call, std::string_view group_id, GroupService::Ask ask, Answer answer, Refuse refuse) {
  ShardBroker& home = call.broker();
  const CoordinatorPlace place = coordinator_of(home, group_id);
  if (place.shard == nullptr) return refuse(call);
  auto shared = std::make_shared<Call>(std::move(call));
  auto go = [&home, place, shared = std::move(shared), ask = std::move(ask), answer = std::move(answer),
             refuse = std::move(refuse)]() mutable {
    const auto back = [&home, place](auto task) { place.shard == &home ? task() : home.shard().post(std::move(task)); };
    const bool asked =
        place.shard->groups().ask(place.partition, std::move(ask), [back, shared, answer](group::Response response) {
          back([shared, answer, response = std::move(response)]() mutable {
            answer(*shared, std::move(std::get<Response>(response)));
          });
        });
    if (!asked) back([shared, refuse] { refuse(*shared); });
  };
  place.shard == &home ? go() : place.shard->shard().post(std::move(go));
}

}  // namespace mq::broker
