#include "posix/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <memory>

namespace mq::posix {
namespace {

env::Address ip_address(int family, const void* bytes, in_port_t port) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, bytes, text, sizeof text);
  return {.host = text, .port = ntohs(port), .path = {}};
}

}  // namespace

env::Address SocketAddress::to_address() const {
  if (family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return ip_address(AF_INET, &v4.sin_addr, v4.sin_port);
  }
  if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return ip_address(AF_INET, v6.sin6_addr.s6_addr + 12, v6.sin6_port);
    return ip_address(AF_INET6, &v6.sin6_addr, v6.sin6_port);
  }
  if (family() == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(storage);
    const std::size_t size_max = size - offsetof(sockaddr_un, sun_path);
    return {.host = {}, .port = 0, .path = std::string(local.sun_path, ::strnlen(local.sun_path, size_max))};
  }
  return {};
}

Result<SocketAddress> SocketAddress::of_unix_path(const std::string& path) {
  SocketAddress address;
  auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof local.sun_path) {
    return fail(Errc::invalid_argument, "unix:{}: the path of a unix socket has 1 to {} bytes", path,
                sizeof local.sun_path - 1);
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

SocketAddress SocketAddress::local_of(int fd) {
  SocketAddress address;
  if (::getsockname(fd, address.get(), &address.size) != 0) address.storage.ss_family = AF_UNSPEC;
  return address;
}

SocketAddress SocketAddress::every(int family, std::uint16_t port) {
  SocketAddress address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_addr = in6addr_any;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_addr.s_addr = htonl(INADDR_ANY);
    v4.sin_port = htons(port);
    address.size = sizeof v4;
  }
  return address;
}

Result<std::vector<SocketAddress>> resolve(const env::Address& address, Resolve what) {
  if (address.host.empty()) return fail(Errc::invalid_argument, ":{}: the host is missing", address.port);
  if (address.host == "*") return fail(Errc::invalid_argument, "{} is no place to connect to", address.to_string());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (what == Resolve::literals_only ? AI_NUMERICHOST : 0);
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, [](addrinfo* all) {
    if (all) ::freeaddrinfo(all);
  });
  if (error == EAI_NONAME && what == Resolve::literals_only)
    return fail(Errc::not_found, "{}: not a literal address", address.host);
  if (error != 0) return fail(Errc::unreachable, "{}: {}", address.host, ::gai_strerror(error));

  std::vector<SocketAddress> found;
  for (const addrinfo* each = list; each; each = each->ai_next) {
    if (each->ai_addrlen > sizeof(sockaddr_storage)) continue;
    SocketAddress& one = found.emplace_back();
    std::memcpy(&one.storage, each->ai_addr, each->ai_addrlen);
    one.size = each->ai_addrlen;
  }
  if (found.empty()) return fail(Errc::unreachable, "{}: the name has no address", address.host);
  return found;
}

}  // namespace mq::posix
