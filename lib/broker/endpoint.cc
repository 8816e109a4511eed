#include "broker/endpoint.h"

#include "broker/connection.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

Endpoint endpoint_of(const BoundListener& listener, const env::Address& local) {
  const ListenerConfig& config = listener.config;
  return {.host = !config.advertised_host.empty() ? config.advertised_host : local.host,
          .port = config.advertised_port != 0 ? config.advertised_port : listener.address.port};
}

}  // namespace

Endpoint endpoint_of(const Connection& connection, const NodeServices& node) {
  if (!connection.listener().address.is_unix()) return endpoint_of(connection.listener(), connection.local_address());
  for (const auto& other : node.listeners()) {
    if (other->address.is_unix()) continue;
    env::Address local = other->address;
    if (local.is_wildcard()) local.host = "127.0.0.1";  // whoever came through a unix socket is on this machine
    return endpoint_of(*other, local);
  }
  return {.host = "localhost", .port = 0};
}

std::optional<std::string> rack_of(const NodeServices& node) {
  return node.config().rack.empty() ? std::nullopt : std::optional(node.config().rack);
}

std::vector<std::int32_t> ids_of(const std::vector<BrokerId>& brokers) {
  std::vector<std::int32_t> ids;
  ids.reserve(brokers.size());
  for (BrokerId id : brokers) ids.push_back(id.value());
  return ids;
}

}  // namespace mq::broker
