#pragma once

#include <optional>

#include "cluster/image.h"
#include "env/address.h"

namespace mq::broker {

/// Where other brokers reach this one, by its registration. Nothing: it is not registered, or without such a listener.
[[nodiscard]] inline std::optional<env::Address> inter_broker_address(const cluster::ClusterImage& image,
                                                                      BrokerId broker) {
  const cluster::Broker* known = image.find_broker(broker);
  if (known == nullptr) return std::nullopt;
  const cluster::Endpoint* endpoint = known->find_endpoint(known->inter_broker_listener);
  if (endpoint == nullptr) return std::nullopt;
  return env::Address{.host = endpoint->host, .port = endpoint->port, .path = {}};
}

}  // namespace mq::broker
