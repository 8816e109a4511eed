#include "posix/inherited_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "base/parsed_number.h"
#include "posix/process.h"
#include "posix/socket_address.h"

namespace mq::posix {
namespace {

constexpr int kFirst = 3;
constexpr int kSocketsMax = 64;

int number_of(const std::string& name) { return parsed_number<int>(environment(name).value_or("")).value_or(0); }

bool is_listening_stream(int fd) {
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return false;
  size = sizeof listens;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 1;
}

void set_up(int fd, bool is_unix) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  if (is_unix) return;
  // As for a socket of our own: every connection accepted from it inherits these.
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Result<std::vector<InheritedSocket>> take_inherited_sockets() {
  const int count = number_of("LISTEN_PID") == process_id() ? number_of("LISTEN_FDS") : 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (count > kSocketsMax)
    return fail(Errc::invalid_argument, "{} sockets were passed; at most {} are taken", count, kSocketsMax);
  std::vector<InheritedSocket> sockets;
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    env::Address address = SocketAddress::local_of(fd).to_address();
    if (!is_listening_stream(fd) || (address.port == 0 && !address.is_unix()))
      return fail(Errc::invalid_argument, "descriptor {} was passed as a socket to listen on, but is none", fd);
    set_up(fd, address.is_unix());
    sockets.push_back({.socket = Descriptor(fd), .address = std::move(address)});
  }
  return sockets;
}

}  // namespace mq::posix
