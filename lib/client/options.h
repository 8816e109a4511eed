#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "client/retry.h"
#include "env/network.h"

namespace mq::client {

/// What every part of a client needs to know.
struct ClientOptions {
  std::vector<env::Address> bootstrap;  ///< at least one; tried one after another
  std::string client_id = "mq";
  Duration connect_timeout = 5s;     ///< one attempt: connect and version negotiation
  Duration request_timeout = 30s;    ///< one request; a connection whose oldest request is older is given up
  Duration metadata_age_max = 5min;  ///< after that, producers and group leaders look for new partitions
  std::size_t response_bytes_max = 100u << 20;
  NoticeSink notice;  ///< may be empty; called on the client's shard
};

/// Reads a list of `HOST[:PORT]`, `[IPV6][:PORT]` and `unix:PATH`; the port is 9092 when it is missing.
/// invalid_argument names the part that makes no sense.
[[nodiscard]] Result<std::vector<env::Address>> parse_bootstrap(std::string_view text);

}  // namespace mq::client
