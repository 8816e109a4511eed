#include "broker/api/between_brokers.h"

namespace mq::broker {

ErrorCode refusal_between_brokers(const Call& call) {
  const ShardServices& home = call.home();
  const cluster::Broker* self = home.image()->find_broker(home.node().id());
  if (self == nullptr || !self->has_session()) return ErrorCode::kClusterAuthorizationFailed;
  if (call.connection().listener().config.name != self->inter_broker_listener)
    return ErrorCode::kClusterAuthorizationFailed;
  return call.refusal(kCluster);
}

}  // namespace mq::broker
