// DescribeCluster (key 60).

#include "wire/messages/describe_cluster.h"

#include <string>
#include <utility>

#include "broker/api/api.h"
#include "broker/endpoint.h"
#include "broker/services.h"
#include "broker/store_acceptance.h"

namespace mq::broker {
namespace {

awaitable<std::string> store_trouble(NodeServices& node, const StoreContact& contact) {
  if (contact.is_lost()) co_return contact.how_long();
  co_return node.store_acceptance().why_not_followed().value_or("");
}

awaitable<wire::DescribeClusterResponse> describe_cluster(Call& call, const wire::DescribeClusterRequest& request) {
  constexpr std::int8_t kBrokers = 1;
  wire::DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kBrokers) {
    response.error_code = ErrorCode::kMismatchedEndpointType;
    response.error_message = "this is a broker's listener; ask for endpoint type 1 (brokers)";
    co_return response;
  }
  const auto image = call.home().image();
  response.cluster_id = image->cluster_id().to_string();
  response.controller_id = controller_of(*image).value();
  ShardServices& home = call.home();
  response.store_trouble = co_await await_on(home, home.node().first_shard(), [&home] {
    return store_trouble(home.node(), home.context().node.store_contact);
  });
  for (ReachableBroker& broker : reachable_brokers(call.connection(), call.home().node(), *image))
    response.brokers.push_back({.broker_id = broker.id.value(),
                                .host = std::move(broker.endpoint.host),
                                .port = broker.endpoint.port,
                                .rack = std::move(broker.rack),
                                .is_drained = image->is_drained(broker.id)});
  if (!request.include_fenced_brokers) co_return response;
  for (ReachableBroker& broker : fenced_brokers(call.connection(), call.home().node(), *image))
    response.brokers.push_back({.broker_id = broker.id.value(),
                                .host = std::move(broker.endpoint.host),
                                .port = broker.endpoint.port,
                                .rack = std::move(broker.rack),
                                .is_fenced = true});
  co_return response;
}

}  // namespace

extern const ApiEntry kDescribeClusterApi{.key = ApiKey::kDescribeCluster,
                                          .start = suspending<wire::DescribeClusterRequest, describe_cluster>,
                                          .needs = {},
                                          .is_answered_held = true};

}  // namespace mq::broker
