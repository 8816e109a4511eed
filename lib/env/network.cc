#include "env/network.h"

#include <fmt/format.h>

namespace mq::env {

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace mq::env
