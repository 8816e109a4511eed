// PeerStatus (key 10000, of our own): which broker this is, and in which incarnation.

#include "wire/messages/peer_status.h"

#include "broker/api/api.h"
#include "broker/api/between_brokers.h"

namespace mq::broker {
namespace {

wire::PeerStatusResponse peer_status(Call& call, const wire::PeerStatusRequest& /*request*/) {
  const ErrorCode refusal = refusal_between_brokers(call);
  if (refusal != ErrorCode::kNone) return {.error_code = refusal};
  const NodeServices& node = call.home().node();
  return {.broker_id = node.id().value(),
          .broker_epoch = node.context().broker_epoch.load().value(),
          .is_anew = node.context().has_registered_anew.load()};
}

}  // namespace

extern const ApiEntry kPeerStatusApi{.key = ApiKey::kPeerStatus,
                                     .start = answering<wire::PeerStatusRequest, peer_status>,
                                     .needs = {.cluster = AclOperation::cluster_action}};

}  // namespace mq::broker
