#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/image.h"
#include "model/ids.h"

namespace mq::broker {

class Connection;
class NodeServices;
struct BoundListener;

/// Where a client is told to find a broker.
struct Endpoint {
  std::string host;
  std::int32_t port = 0;
};

/// The listener's advertised address; `host` where none is set.
[[nodiscard]] Endpoint advertised(const BoundListener& listener, const std::string& host);

/// Of `node`, which the connection came to: the listener's advertised address, else the local address of this very
/// connection; on a unix socket the first TCP listener, since Kafka's clients know host and port only. Never a
/// wildcard. Of another one: as it has registered the listener of the same name, or nothing.
[[nodiscard]] std::optional<Endpoint> endpoint_of(const Connection& connection, const NodeServices& node,
                                                  const cluster::Broker& broker);

struct ReachableBroker {
  BrokerId id;
  Endpoint endpoint;
  std::optional<std::string> rack;
};
/// Those that are alive and that a client of this connection can be told of.
[[nodiscard]] std::vector<ReachableBroker> reachable_brokers(const Connection& connection, const NodeServices& node,
                                                             const cluster::ClusterImage& image);

/// Those that are registered and not alive, likewise: where they were.
[[nodiscard]] std::vector<ReachableBroker> fenced_brokers(const Connection& connection, const NodeServices& node,
                                                          const cluster::ClusterImage& image);

/// Whom clients are told to ask for changes; each broker carries them out. A store of its own knows no controller: one
/// that is ready.
[[nodiscard]] BrokerId controller_of(const cluster::ClusterImage& image);

/// Those of `brokers` that are not alive.
[[nodiscard]] std::vector<BrokerId> gone_among(const cluster::ClusterImage& image,
                                               const std::vector<BrokerId>& brokers);

[[nodiscard]] std::vector<std::int32_t> ids_of(const std::vector<BrokerId>& brokers);

}  // namespace mq::broker
