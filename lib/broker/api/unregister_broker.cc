// UnregisterBroker (key 64).

#include "wire/messages/unregister_broker.h"

#include <utility>

#include "broker/administration.h"
#include "broker/api/api.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

awaitable<wire::UnregisterBrokerResponse> unregister_broker(Call& call, const wire::UnregisterBrokerRequest& request) {
  wire::UnregisterBrokerResponse response;
  controller::Refusal refusal{.error = ErrorCode::kClusterAuthorizationFailed, .message = "not allowed"};
  ShardServices& home = call.home();
  if (call.may(kCluster))
    refusal = co_await await_on(home, home.node().first_shard(), [&home, id = BrokerId{request.broker_id}] {
      return home.node().administration().unregister(id);
    });
  response.error_code = refusal.error;
  if (refusal.error != ErrorCode::kNone) response.error_message = std::move(refusal.message);
  co_return response;
}

}  // namespace

extern const ApiEntry kUnregisterBrokerApi{.key = ApiKey::kUnregisterBroker,
                                           .start = suspending<wire::UnregisterBrokerRequest, unregister_broker>,
                                           .needs = {.cluster = AclOperation::alter}};

}  // namespace mq::broker
