#include "broker/endpoint.h"

#include "broker/connection.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

/// As `endpoint_of` has it, of the broker that the connection came to.
Endpoint own_endpoint(const Connection& connection, const NodeServices& node) {
  if (!connection.listener().address.is_unix())
    return advertised(connection.listener(), connection.local_address().host);
  for (const auto& other : node.listeners()) {
    if (other->address.is_unix()) continue;
    // Whoever came through a unix socket is on this machine.
    return advertised(*other, other->address.is_wildcard() ? "127.0.0.1" : other->address.host);
  }
  return {.host = "localhost", .port = 0};
}

std::vector<ReachableBroker> brokers_where(bool is_alive, const Connection& connection, const NodeServices& node,
                                           const cluster::ClusterImage& image) {
  std::vector<ReachableBroker> found;
  for (const auto& [id, broker] : image.brokers()) {
    if (image.is_alive(id) != is_alive) continue;
    if (auto endpoint = endpoint_of(connection, node, broker))
      found.push_back({.id = id, .endpoint = *std::move(endpoint), .rack = broker.rack});
  }
  return found;
}

}  // namespace

Endpoint advertised(const BoundListener& listener, const std::string& host) {
  const ListenerConfig& config = listener.config;
  return {.host = !config.advertised_host.empty() ? config.advertised_host : host,
          .port = config.advertised_port != 0 ? config.advertised_port : listener.address.port};
}

std::optional<Endpoint> endpoint_of(const Connection& connection, const NodeServices& node,
                                    const cluster::Broker& broker) {
  if (broker.id == node.id()) return own_endpoint(connection, node);
  const cluster::Endpoint* registered = broker.find_endpoint(connection.listener().config.name);
  if (registered == nullptr) return std::nullopt;
  return Endpoint{.host = registered->host, .port = registered->port};
}

std::vector<ReachableBroker> reachable_brokers(const Connection& connection, const NodeServices& node,
                                               const cluster::ClusterImage& image) {
  return brokers_where(true, connection, node, image);
}

std::vector<ReachableBroker> fenced_brokers(const Connection& connection, const NodeServices& node,
                                            const cluster::ClusterImage& image) {
  return brokers_where(false, connection, node, image);
}

BrokerId controller_of(const cluster::ClusterImage& image) {
  if (image.controller()) return image.controller()->broker;
  for (const auto& [id, broker] : image.brokers())
    if (image.is_ready(id)) return id;
  return kNoBroker;
}

std::vector<BrokerId> gone_among(const cluster::ClusterImage& image, const std::vector<BrokerId>& brokers) {
  std::vector<BrokerId> gone;
  for (const BrokerId id : brokers)
    if (!image.is_alive(id)) gone.push_back(id);
  return gone;
}

std::vector<std::int32_t> ids_of(const std::vector<BrokerId>& brokers) {
  std::vector<std::int32_t> ids;
  ids.reserve(brokers.size());
  for (BrokerId id : brokers) ids.push_back(id.value());
  return ids;
}

}  // namespace mq::broker
