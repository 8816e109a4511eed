// AcceptStore (key 10004, of our own): brokers are to go on with a metadata store that is not as they knew it.

#include "wire/messages/accept_store.h"

#include <utility>

#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/services.h"
#include "broker/store_acceptance.h"

namespace mq::broker {
namespace {

controller::Holdings holdings_of(const wire::StoreHoldings& said) {
  controller::Holdings holdings{.broker = BrokerId{said.broker_id},
                                .directory = said.directory_id,
                                .nonce = said.nonce,
                                .broker_epoch = cluster::BrokerEpoch{said.broker_epoch},
                                .is_holding = said.is_holding,
                                .producer_ids_end = said.producer_ids_end};
  for (const wire::StoreHoldings::Topic& topic : said.topics)
    for (const wire::StoreHoldings::Partition& partition : topic.partitions)
      holdings.logs.push_back({.topic_id = topic.topic_id,
                               .topic = topic.name,
                               .partition = partition.partition,
                               .epoch = LeaderEpoch{partition.leader_epoch},
                               .partition_epoch = partition.partition_epoch});
  return holdings;
}

wire::AcceptStoreResponse response_of(const Result<controller::PlannedAcceptance>& planned) {
  wire::AcceptStoreResponse response;
  if (!planned) {
    response.error_code = to_wire(planned.error());
    response.error_message = planned.error().message + "; what was done of it means nothing: try again";
    return response;
  }
  response.error_code = planned->refusal.error;
  if (planned->refusal.error != ErrorCode::kNone) response.error_message = planned->refusal.message;
  for (const BrokerId id : planned->unasked) response.unasked.push_back(id.value());
  for (const controller::PlannedAcceptance::Difference& one : planned->differences)
    response.topics.push_back({.name = one.topic,
                               .topic_id = one.id,
                               .partitions = static_cast<std::int32_t>(one.partitions),
                               .is_known = one.is_known});
  response.raised = static_cast<std::int32_t>(planned->raised);
  return response;
}

awaitable<wire::AcceptStoreResponse> accept(NodeServices& node, controller::AcceptanceWish wish, bool validate_only) {
  co_return response_of(co_await node.store_acceptance().accept(std::move(wish), validate_only));
}

awaitable<wire::AcceptStoreResponse> accept_store(Call& call, const wire::AcceptStoreRequest& request) {
  ShardServices& home = call.home();
  if (!call.may(kCluster))
    co_return wire::AcceptStoreResponse{.error_code = ErrorCode::kClusterAuthorizationFailed,
                                        .error_message = "not allowed"};
  controller::AcceptanceWish wish;
  for (const wire::StoreHoldings& said : request.asked) wish.asked.push_back(holdings_of(said));
  for (const std::int32_t id : request.left_out) wish.left_out.emplace_back(id);
  co_return co_await await_on(home, home.node().first_shard(), [&home, &wish, validate_only = request.validate_only] {
    return accept(home.node(), std::move(wish), validate_only);
  });
}

}  // namespace

extern const ApiEntry kAcceptStoreApi{.key = ApiKey::kAcceptStore,
                                      .start = suspending<wire::AcceptStoreRequest, accept_store>,
                                      .needs = {.cluster = AclOperation::alter},
                                      .is_answered_held = true};

}  // namespace mq::broker
