#include "wire/messages/alter_configs.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, AlterConfigsRequest::AlterableConfig& m) {
  v.field("name", m.name);
  v.field("value", m.value);
}

void describe(auto& v, AlterConfigsRequest::AlterConfigsResource& m) {
  v.field("resource_type", m.resource_type);
  v.field("resource_name", m.resource_name);
  v.field("configs", m.configs);
}

void describe(auto& v, AlterConfigsRequest& m) {
  v.field("resources", m.resources);
  v.field("validate_only", m.validate_only);
}

void describe(auto& v, AlterConfigsResponse::AlterConfigsResourceResponse& m) {
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("resource_type", m.resource_type);
  v.field("resource_name", m.resource_name);
}

void describe(auto& v, AlterConfigsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("responses", m.responses);
}

MQ_WIRE_INSTANTIATE(AlterConfigsRequest)
MQ_WIRE_INSTANTIATE(AlterConfigsResponse)

}  // namespace mq::wire
