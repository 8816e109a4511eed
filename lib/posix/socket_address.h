#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "env/network.h"

namespace mq::posix {

/// An address as the kernel wants it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  /// IPv4-mapped IPv6 addresses as IPv4.
  [[nodiscard]] env::Address to_address() const;

  [[nodiscard]] static Result<SocketAddress> of_unix_path(const std::string& path);
  [[nodiscard]] static SocketAddress local_of(int fd);
  /// Every address of this machine; AF_INET6 has those of IPv4 too where the socket allows it.
  [[nodiscard]] static SocketAddress every(int family, std::uint16_t port);
};

/// The socket addresses of a TCP `address`, never empty. A literal answers at once.
/// not_found: literals only and the host is a name. Otherwise a name asks the resolver, which may block for seconds;
/// unreachable when it does not know.
enum class Resolve { literals_only, names_too };
[[nodiscard]] Result<std::vector<SocketAddress>> resolve(const env::Address& address, Resolve what);

}  // namespace mq::posix
