#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mq::env {

/// Where to listen or connect: a TCP host and port, or a unix socket when `path` is set.
struct Address {
  std::string host;        ///< name or literal, IPv6 without brackets; `*` when listening: every address there is
  std::uint16_t port = 0;  ///< 0 when listening: any free port
  std::string path;        ///< of a unix socket; then host and port mean nothing
  [[nodiscard]] bool is_unix() const { return !path.empty(); }
  /// Every address of the machine that listens; nobody else can be told to connect to it.
  [[nodiscard]] bool is_wildcard() const;
  /// `host:port`, `[v6]:port`, `*:port` or `unix:path`.
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// What people write. IPv6 stands in brackets, as in a URL: without them nobody can tell the last part from a port. The
// errors (invalid_argument) show the spelling that is meant.

/// To listen: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`, where HOST may be `*` or nothing for every address.
[[nodiscard]] Result<Address> parse_listen_address(std::string_view text);
/// To connect: `HOST`, `[IPV6]`, each with a `:PORT` or without, or `unix:PATH`. A port of 0 may be written only when
/// it is the fallback, which means something to the caller then.
[[nodiscard]] Result<Address> parse_peer_address(std::string_view text, std::uint16_t fallback_port);
/// `ADDRESS[,ADDRESS]...` to connect; blanks round the commas do not count. Never empty.
[[nodiscard]] Result<std::vector<Address>> parse_peer_addresses(std::string_view text, std::uint16_t fallback_port);

}  // namespace mq::env
