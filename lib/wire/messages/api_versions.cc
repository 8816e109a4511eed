#include "wire/messages/api_versions.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ApiVersionsRequest& m) {
  v.field("client_software_name", m.client_software_name, since(3));        // KIP-511
  v.field("client_software_version", m.client_software_version, since(3));  // KIP-511
}

void describe(auto& v, ApiVersionsResponse::ApiVersion& m) {
  v.field("api_key", m.api_key);
  v.field("min_version", m.min_version);
  v.field("max_version", m.max_version);
}

void describe(auto& v, ApiVersionsResponse::SupportedFeatureKey& m) {
  v.field("name", m.name);
  v.field("min_version", m.min_version);
  v.field("max_version", m.max_version);
}

void describe(auto& v, ApiVersionsResponse::FinalizedFeatureKey& m) {
  v.field("name", m.name);
  v.field("max_version_level", m.max_version_level);
  v.field("min_version_level", m.min_version_level);
}

void describe(auto& v, ApiVersionsResponse& m) {
  v.field("error_code", m.error_code);
  v.field("api_keys", m.api_keys);
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.tagged(0, "supported_features", m.supported_features, since(3));                                // KIP-584
  v.tagged(1, "finalized_features_epoch", m.finalized_features_epoch, since(3), std::int64_t{-1});  // KIP-584
  v.tagged(2, "finalized_features", m.finalized_features, since(3));                                // KIP-584
  v.tagged(3, "zk_migration_ready", m.zk_migration_ready, since(3));                                // KIP-866
}

MQ_WIRE_INSTANTIATE(ApiVersionsRequest)
MQ_WIRE_INSTANTIATE(ApiVersionsResponse)

}  // namespace mq::wire
