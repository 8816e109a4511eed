// StoreStatus (key 10003, of our own): how this broker stands to its metadata store, and what it has that must only
// grow.

#include "wire/messages/store_status.h"

#include <utility>

#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/services.h"
#include "broker/store_acceptance.h"

namespace mq::broker {
namespace {

/// The logs of a topic stand one after the other.
wire::StoreHoldings wire_holdings(const controller::Holdings& held) {
  wire::StoreHoldings holdings{.broker_id = held.broker.value(),
                               .directory_id = held.directory,
                               .nonce = held.nonce,
                               .broker_epoch = held.broker_epoch.value(),
                               .is_holding = held.is_holding,
                               .producer_ids_end = held.producer_ids_end,
                               .topics = {}};
  for (const controller::Holdings::Log& log : held.logs) {
    if (holdings.topics.empty() || holdings.topics.back().topic_id != log.topic_id)
      holdings.topics.push_back({.topic_id = log.topic_id, .name = log.topic, .partitions = {}});
    holdings.topics.back().partitions.push_back(
        {.partition = log.partition, .leader_epoch = log.epoch.value(), .partition_epoch = log.partition_epoch});
  }
  return holdings;
}

awaitable<wire::StoreStatusResponse> ask_status(NodeServices& node) {
  wire::StoreStatusResponse response;
  StoreAcceptance& acceptance = node.store_acceptance();
  const auto holdings = co_await acceptance.holdings();
  if (!holdings) {
    response.error_code = to_wire(holdings.error());
    response.message = holdings.error().message;
    co_return response;
  }
  response.message = acceptance.why_not_followed();
  response.holdings = wire_holdings(*holdings);
  co_return response;
}

awaitable<wire::StoreStatusResponse> store_status(Call& call, const wire::StoreStatusRequest& /*request*/) {
  ShardServices& home = call.home();
  if (!call.may(kCluster))
    co_return wire::StoreStatusResponse{.error_code = ErrorCode::kClusterAuthorizationFailed, .message = "not allowed"};
  co_return co_await await_on(home, home.node().first_shard(), [&home] { return ask_status(home.node()); });
}

}  // namespace

extern const ApiEntry kStoreStatusApi{.key = ApiKey::kStoreStatus,
                                      .start = suspending<wire::StoreStatusRequest, store_status>,
                                      .needs = {.cluster = AclOperation::alter},
                                      .is_answered_held = true};

}  // namespace mq::broker
