#include "client/options.h"

#include <charconv>
#include <cstdint>

namespace mq::client {
namespace {

constexpr std::uint16_t kDefaultPort = 9092;

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(Errc::invalid_argument, "broker '{}': '{}' is not a port (1 to 65535)", whole, text);
  return port;
}

Result<env::Address> parse_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    if (text.size() == kUnix.size()) return fail(Errc::invalid_argument, "broker '{}': the path is missing", text);
    return env::Address{.host = {}, .port = 0, .path = std::string(text.substr(kUnix.size()))};
  }
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(Errc::invalid_argument, "broker '{}': ']' is missing", text);
    host = text.substr(1, close - 1);
    const std::string_view after = text.substr(close + 1);
    if (!after.empty() && after[0] != ':')
      return fail(Errc::invalid_argument, "broker '{}': ':PORT' must follow ']'", text);
    port = after.empty() ? after : after.substr(1);
    if (after.size() == 1) return fail(Errc::invalid_argument, "broker '{}': the port is missing", text);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    if (text.find(':') != colon) return fail(Errc::invalid_argument, "broker '{}': write IPv6 as [ADDRESS]:PORT", text);
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return fail(Errc::invalid_argument, "broker '{}': the port is missing", text);
  }
  if (host.empty()) return fail(Errc::invalid_argument, "broker '{}': the host is missing", text);
  env::Address address{.host = std::string(host), .port = kDefaultPort, .path = {}};
  if (!port.empty()) {
    MQ_TRY(address.port, parse_port(port, text));
  }
  return address;
}

}  // namespace

Result<std::vector<env::Address>> parse_bootstrap(std::string_view text) {
  std::vector<env::Address> addresses;
  while (true) {
    const std::size_t comma = text.find(',');
    MQ_TRY(auto address, parse_address(text.substr(0, comma)));
    addresses.push_back(std::move(address));
    if (comma == std::string_view::npos) return addresses;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace mq::client
