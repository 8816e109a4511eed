#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"

namespace mq::broker {

class Connection;
class NodeServices;

/// Where a client is told to find this broker.
struct Endpoint {
  std::string host;
  std::int32_t port = 0;
};

/// The listener's advertised address, else the local address of this very connection; on a unix socket the first TCP
/// listener, since Kafka's clients know host and port only. Never a wildcard.
[[nodiscard]] Endpoint endpoint_of(const Connection& connection, const NodeServices& node);

/// broker.rack as the protocol has it: null without one.
[[nodiscard]] std::optional<std::string> rack_of(const NodeServices& node);

[[nodiscard]] std::vector<std::int32_t> ids_of(const std::vector<BrokerId>& brokers);

}  // namespace mq::broker
