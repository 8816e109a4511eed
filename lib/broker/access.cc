#include "broker/access.h"

namespace mq::broker {

const Principal& anonymous() {
  static const Principal kAnonymous{.name = "ANONYMOUS"};
  return kAnonymous;
}

bool may(const Authorizer& authorizer, const Principal& principal, const Needs& needs, const Resource& resource) {
  if (!authorizer) return true;
  const auto operation = needs.of(resource.type);
  if (operation && authorizer(principal, *operation, resource)) return true;
  return resource.type == ResourceType::topic && needs.cluster_suffices && needs.cluster &&
         authorizer(principal, *needs.cluster, kCluster);
}

ErrorCode denial(ResourceType type) {
  switch (type) {
    case ResourceType::topic:
      return ErrorCode::kTopicAuthorizationFailed;
    case ResourceType::group:
      return ErrorCode::kGroupAuthorizationFailed;
    case ResourceType::cluster:
      return ErrorCode::kClusterAuthorizationFailed;
    case ResourceType::transactional_id:
      return ErrorCode::kTransactionalIdAuthorizationFailed;
  }
  return ErrorCode::kUnknownServerError;
}

}  // namespace mq::broker
