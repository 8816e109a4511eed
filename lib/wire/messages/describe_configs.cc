#include "wire/messages/describe_configs.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DescribeConfigsRequest::DescribeConfigsResource& m) {
  v.field("resource_type", m.resource_type);
  v.field("resource_name", m.resource_name);
  v.field("configuration_keys", m.configuration_keys);
}

void describe(auto& v, DescribeConfigsRequest& m) {
  v.field("resources", m.resources);
  v.field("include_synonyms", m.include_synonyms);
  v.field("include_documentation", m.include_documentation, since(3));  // KIP-569
}

void describe(auto& v, DescribeConfigsResponse::DescribeConfigsSynonym& m) {
  v.field("name", m.name);
  v.field("value", m.value);
  v.field("source", m.source);
}

void describe(auto& v, DescribeConfigsResponse::DescribeConfigsResourceResult& m) {
  v.field("name", m.name);
  v.field("value", m.value);
  v.field("read_only", m.read_only);
  v.field("config_source", m.config_source);
  v.field("is_sensitive", m.is_sensitive);
  v.field("synonyms", m.synonyms);
  v.field("config_type", m.config_type, since(3));      // KIP-569
  v.field("documentation", m.documentation, since(3));  // KIP-569
}

void describe(auto& v, DescribeConfigsResponse::DescribeConfigsResult& m) {
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("resource_type", m.resource_type);
  v.field("resource_name", m.resource_name);
  v.field("configs", m.configs);
}

void describe(auto& v, DescribeConfigsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("results", m.results);
}

MQ_WIRE_INSTANTIATE(DescribeConfigsRequest)
MQ_WIRE_INSTANTIATE(DescribeConfigsResponse)

}  // namespace mq::wire
