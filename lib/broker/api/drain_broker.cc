// DrainBroker (key 10002, of our own): a broker is to lead nothing, or may lead again.

#include "wire/messages/drain_broker.h"

#include <utility>

#include "broker/administration.h"
#include "broker/api/api.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

awaitable<wire::DrainBrokerResponse> drain_broker(Call& call, const wire::DrainBrokerRequest& request) {
  wire::DrainBrokerResponse response;
  controller::Refusal refusal{.error = ErrorCode::kClusterAuthorizationFailed, .message = "not allowed"};
  ShardServices& home = call.home();
  if (call.may(kCluster))
    refusal = co_await await_on(home, home.node().first_shard(),
                                [&home, id = BrokerId{request.broker_id}, is_wanted = request.is_wanted] {
                                  return home.node().administration().drain(id, is_wanted);
                                });
  response.error_code = refusal.error;
  if (refusal.error != ErrorCode::kNone) response.error_message = std::move(refusal.message);
  co_return response;
}

}  // namespace

extern const ApiEntry kDrainBrokerApi{.key = ApiKey::kDrainBroker,
                                      .start = suspending<wire::DrainBrokerRequest, drain_broker>,
                                      .needs = {.cluster = AclOperation::alter}};

}  // namespace mq::broker
