#include "posix/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <cerrno>
#include <utility>

#include "posix/descriptor.h"
#include "posix/shard.h"
#include "posix/stream.h"
#include "posix/system_error.h"

namespace mq::posix {
namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn

/// So many connections in a row may be accepted without a turn of the event loop.
constexpr int kAcceptsWithoutWaitMax = 16;

std::unexpected<Error> listen_failure(int error_number, const env::Address& address) {
  const Errc code = error_number == EADDRINUSE || error_number == EACCES || error_number == EPERM ? Errc::refused
                    : error_number == EMFILE || error_number == ENFILE                            ? Errc::too_many_files
                                                                       : Errc::invalid_argument;
  return fail(code, "cannot listen on {}: {}", address.to_string(), system_text(error_number));
}

void set_option(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

bool is_socket(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool has_ipv6() { return static_cast<bool>(Descriptor(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0))); }

/// Nobody answers at a socket whose process has died.
bool nobody_answers(const SocketAddress& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

Result<Descriptor> listen_on(const SocketAddress& where, const env::Address& address) {
  Descriptor socket(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return listen_failure(errno, address);
  if (!address.is_unix()) {
    // What is set here is inherited by every connection accepted from it.
    set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    // What is bound to every IPv6 address serves IPv4 too.
    if (where.family() == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
  int error = ::bind(socket.get(), where.get(), where.size) == 0 ? 0 : errno;
  if (error == EADDRINUSE && address.is_unix() && is_socket(address.path) && nobody_answers(where)) {
    ::unlink(address.path.c_str());
    error = ::bind(socket.get(), where.get(), where.size) == 0 ? 0 : errno;
  }
  if (error == 0 && ::listen(socket.get(), kBacklog) != 0) error = errno;
  if (error != 0) return listen_failure(error, address);
  return socket;
}

Result<SocketAddress> address_to_bind(const env::Address& address) {
  if (address.is_unix()) return SocketAddress::of_unix_path(address.path);
  if (address.host == "*") return SocketAddress::every(has_ipv6() ? AF_INET6 : AF_INET, address.port);
  MQ_TRY(const auto found, resolve(address, Resolve::names_too));
  return found.front();
}

/// Errors of the connection that was waiting, not of the listener (accept(2), "Error handling").
bool concerns_one_peer_only(int error_number) {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<env::Listener>> PosixListener::listen(PosixShard& shard, const env::Address& address) {
  MQ_TRY(const SocketAddress where, address_to_bind(address));
  MQ_TRY(Descriptor socket, listen_on(where, address));
  env::Address local = address.is_unix() ? address : SocketAddress::local_of(socket.get()).to_address();
  const FileId file = local.is_unix() ? file_id(local.path) : FileId{};
  return std::unique_ptr<env::Listener>(new PosixListener(shard, std::move(socket), std::move(local), file));
}

std::unique_ptr<env::Listener> PosixListener::adopt(PosixShard& shard, InheritedSocket socket) {
  return std::unique_ptr<env::Listener>(
      new PosixListener(shard, std::move(socket.socket), std::move(socket.address), FileId{}));
}

PosixListener::PosixListener(PosixShard& shard, Descriptor socket, env::Address local, FileId socket_file)
    : shard_(shard), socket_(shard.loop(), socket.get()), local_(std::move(local)), socket_file_(socket_file) {
  (void)socket.release();
}

PosixListener::~PosixListener() { close(); }

awaitable<Result<std::unique_ptr<env::Stream>>> PosixListener::accept() {
  while (socket_.is_open()) {
    SocketAddress peer;
    Descriptor accepted;
    int error = EAGAIN;
    if (++accepts_without_wait_ <= kAcceptsWithoutWaitMax) {
      accepted = Descriptor(::accept4(socket_.native_handle(), peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
      error = errno;
    }
    if (accepted) co_return make_stream(std::move(accepted), peer);
    if (error == EAGAIN) {
      accepts_without_wait_ = 0;
      co_await socket_.async_wait(Waiter::wait_read, boost::asio::as_tuple(boost::asio::deferred));
    } else if (!concerns_one_peer_only(error)) {
      co_return fail(stream_errc(error), "cannot accept on {}: {}", local_.to_string(), system_text(error));
    }
  }
  co_return fail(Errc::cancelled, "{}: the listener was closed here", local_.to_string());
}

std::unique_ptr<env::Stream> PosixListener::make_stream(Descriptor socket, const SocketAddress& peer) {
  // The peer of a unix socket has no name of its own; it came through ours.
  if (local_.is_unix()) return std::make_unique<PosixStream>(shard_, std::move(socket), local_, local_);
  env::Address here = SocketAddress::local_of(socket.get()).to_address();
  return std::make_unique<PosixStream>(shard_, std::move(socket), std::move(here), peer.to_address());
}

void PosixListener::close() {
  if (!socket_.is_open()) return;
  if (local_.is_unix() && file_id(local_.path) == socket_file_) ::unlink(local_.path.c_str());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

PosixListener::FileId PosixListener::file_id(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return {.device = info.st_dev, .inode = info.st_ino};
}

}  // namespace mq::posix
