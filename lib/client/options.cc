#include "client/options.h"

namespace mq::client {

Result<std::vector<env::Address>> parse_bootstrap(std::string_view text) {
  constexpr std::uint16_t kDefaultPort = 9092;
  return env::parse_peer_addresses(text, kDefaultPort);
}

}  // namespace mq::client
