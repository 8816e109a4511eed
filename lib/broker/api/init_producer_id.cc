// InitProducerId (key 22): a producer id for an idempotent producer.

#include "wire/messages/init_producer_id.h"

#include "base/mark.h"
#include "broker/api/api.h"
#include "broker/errors.h"
#include "broker/producer_ids.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

awaitable<wire::InitProducerIdResponse> init_producer_id(Call& call, const wire::InitProducerIdRequest& request) {
  wire::InitProducerIdResponse response;
  response.producer_id = -1;
  response.producer_epoch = -1;
  const bool is_half_known = (request.producer_id < 0) != (request.producer_epoch < 0);
  if (is_half_known || request.transactional_id == "") {
    response.error_code = ErrorCode::kInvalidRequest;
    co_return response;
  }
  if (request.transactional_id) {
    // Fatal for the client, never retriable: there is no coordinator that another try could find.
    response.error_code = ErrorCode::kTransactionalIdAuthorizationFailed;
    co_return response;
  }
  if (!call.may(kCluster)) {
    response.error_code = ErrorCode::kClusterAuthorizationFailed;
    co_return response;
  }
  ShardServices& home = call.home();
  auto id = co_await await_on(home, home.node().first_shard(), [&home] { return home.node().producer_ids().next(); });
  if (!id) {
    MQ_MARK("broker: no producer id can be given out");
    if (id.error().code == Errc::disk_failed) home.node().context().disk_health.disk_failed(id.error());
    home.peer_log().warn("no producer id was given out, so idempotent producers cannot start: {}", id.error().message);
    response.error_code =
        id.error().code == Errc::disk_failed ? ErrorCode::kKafkaStorageError : ErrorCode::kCoordinatorNotAvailable;
    co_return response;
  }
  response.producer_id = id->value();
  response.producer_epoch = 0;
  co_return response;
}

}  // namespace

extern const ApiEntry kInitProducerIdApi{
    .key = ApiKey::kInitProducerId,
    .start = suspending<wire::InitProducerIdRequest, init_producer_id>,
    .needs = {.cluster = AclOperation::idempotent_write, .transactional_id = AclOperation::write}};

}  // namespace mq::broker
