#pragma once

#include <memory>
#include <vector>

#include "broker/node_config.h"
#include "env/network.h"

namespace mq::broker {

/// A listener and what clients that came in through it are told.
struct BoundListener {
  ListenerConfig config;
  env::Address address;  ///< with the real port
  std::unique_ptr<env::Listener> listener;
};

/// All listeners of a broker. Does not change while somebody is connected.
using Listeners = std::vector<std::unique_ptr<BoundListener>>;

}  // namespace mq::broker
