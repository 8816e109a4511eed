#include "env/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/parsed_number.h"
#include "base/pieces.h"

namespace mq::env {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kEvery = "*";
constexpr std::size_t kHostSizeMax = 255;

/// The IPv6 literal that `text` is, in the form that everybody writes; a zone (`%eth0`) stays behind it.
std::optional<std::string> ipv6_of(std::string_view text) {
  const std::size_t percent = std::min(text.find('%'), text.size());
  const std::string_view zone = text.substr(percent);
  in6_addr bytes{};
  if (zone.size() == 1 || ::inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &bytes) != 1)
    return std::nullopt;
  char written[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, &bytes, written, sizeof written);
  return written + std::string(zone);
}

bool is_host_name(std::string_view text) {
  return text.size() <= kHostSizeMax && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_';
         });
}

Result<std::uint16_t> parse_port(std::string_view port, std::uint16_t least, std::string_view text) {
  if (port.empty()) return fail(Errc::invalid_argument, "'{}': the port is missing behind the colon", text);
  const auto number = parsed_number<std::uint16_t>(port);
  if (!number || *number < least)
    return fail(Errc::invalid_argument, "'{}': '{}' is not a port ({} to 65535)", text, port, least);
  return *number;
}

/// `a:b:c`, which is no HOST:PORT; the message says what it could be.
std::unexpected<Error> too_many_colons(std::string_view text) {
  const std::size_t last = text.rfind(':');
  const bool is_whole = ipv6_of(text).has_value();
  const bool has_port = ipv6_of(text.substr(0, last)) && parse_port(text.substr(last + 1), 0, text);
  const std::string without = fmt::format("[{}]:PORT", text);
  const std::string with = fmt::format("[{}]:{}", text.substr(0, last), text.substr(last + 1));
  if (is_whole && has_port)
    return fail(Errc::invalid_argument, "'{}': IPv6 stands in brackets; write {}, or {} if that is the port", text,
                without, with);
  if (is_whole || has_port)
    return fail(Errc::invalid_argument, "'{}': IPv6 stands in brackets; write {}", text, is_whole ? without : with);
  return fail(Errc::invalid_argument, "'{}' has too many colons; write HOST:PORT, or [IPV6]:PORT", text);
}

/// A text cut into host and port; the latter is none when the text has no colon for it.
struct Parts {
  std::string host;
  std::optional<std::string_view> port;
};

Result<Parts> bracketed_parts(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return fail(Errc::invalid_argument, "'{}': the ] is missing", text);
  const std::string_view inside = text.substr(1, close - 1);
  const std::string_view behind = text.substr(close + 1);
  auto host = ipv6_of(inside);
  if (!host)
    return fail(Errc::invalid_argument, "'{}': {} is no IPv6 address, and nothing else stands in brackets", text,
                inside.empty() ? "nothing" : inside);
  if (behind.empty()) return Parts{.host = *std::move(host), .port = {}};
  if (behind[0] != ':') return fail(Errc::invalid_argument, "'{}': only :PORT may follow the ]", text);
  return Parts{.host = *std::move(host), .port = behind.substr(1)};
}

Result<Parts> parts_of(std::string_view text) {
  if (text.starts_with('[')) return bracketed_parts(text);
  const std::size_t colon = text.find(':');
  if (colon != text.rfind(':')) return too_many_colons(text);
  Parts parts{.host = std::string(text.substr(0, colon)), .port = {}};
  if (colon != std::string_view::npos) parts.port = text.substr(colon + 1);
  if (parts.host != kEvery && !is_host_name(parts.host))
    return fail(Errc::invalid_argument, "'{}': '{}' is not the name or address of a host", text, parts.host);
  return parts;
}

Result<Address> unix_address(std::string_view text) {
  if (text.size() == kUnix.size()) return fail(Errc::invalid_argument, "'{}': the path is missing", text);
  return Address{.host = {}, .port = 0, .path = std::string(text.substr(kUnix.size()))};
}

}  // namespace

Result<Address> parse_listen_address(std::string_view text) {
  if (text.starts_with(kUnix)) return unix_address(text);
  MQ_TRY(Parts parts, parts_of(text));
  if (!parts.port) return fail(Errc::invalid_argument, "'{0}' has no port; write {0}:PORT", text);
  if (parts.host.empty()) parts.host = kEvery;
  MQ_TRY(const std::uint16_t port, parse_port(*parts.port, 0, text));
  return Address{.host = std::move(parts.host), .port = port, .path = {}};
}

Result<Address> parse_peer_address(std::string_view text, std::uint16_t fallback_port) {
  if (text.starts_with(kUnix)) return unix_address(text);
  MQ_TRY(Parts parts, parts_of(text));
  if (parts.host.empty()) return fail(Errc::invalid_argument, "'{}': the host is missing", text);
  if (parts.host == kEvery)
    return fail(Errc::invalid_argument, "'{}': * is for listening only; name the host to connect to", text);
  Address address{.host = std::move(parts.host), .port = fallback_port, .path = {}};
  if (parts.port) {
    MQ_TRY(address.port, parse_port(*parts.port, fallback_port == 0 ? 0 : 1, text));
  }
  return address;
}

Result<std::vector<Address>> parse_peer_addresses(std::string_view text, std::uint16_t fallback_port) {
  std::vector<std::string_view> pieces = pieces_of(text, ',');
  if (pieces.empty()) pieces.emplace_back();  // an empty text names no host, and that is told
  std::vector<Address> addresses;
  for (const std::string_view one : pieces) {
    MQ_TRY(auto address, parse_peer_address(one, fallback_port));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

bool Address::is_wildcard() const { return !is_unix() && (host == kEvery || host == "0.0.0.0" || host == "::"); }

std::string Address::to_string() const {
  if (is_unix()) return fmt::format("{}{}", kUnix, path);
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace mq::env
