#include "posix/network.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <utility>
#include <vector>

#include "posix/listener.h"
#include "posix/shard.h"
#include "posix/socket_address.h"
#include "posix/stream.h"
#include "posix/system_error.h"
#include "posix/timer.h"

namespace mq::posix {
namespace {

/// A unix socket whose backlog is full says so at once; ask again after this.
constexpr Duration kBacklogPause = 5ms;

/// When a name has several addresses, one that does not answer leaves time for the next.
constexpr Duration kOneOfSeveralMax = 10s;

using Addresses = Result<std::vector<SocketAddress>>;

std::unexpected<Error> connect_failure(int error_number, const env::Address& address) {
  const Errc code = error_number == ETIMEDOUT                          ? Errc::timed_out
                    : error_number == EMFILE || error_number == ENFILE ? Errc::too_many_files
                                                                       : Errc::unreachable;
  return fail(code, "cannot connect to {}: {}", address.to_string(), system_text(error_number));
}

/// Asks the resolver on the pool. At the deadline the answer, which may still take long, finds nobody waiting.
awaitable<Addresses> resolve_name(PosixShard& shard, env::Pool& pool, env::Address address, Instant deadline) {
  struct Question {
    explicit Question(PosixShard& shard) : answered(shard) {}
    PosixTimer answered;
    std::optional<Addresses> answer;
  };
  auto question = std::make_shared<Question>(shard);
  pool.submit([&shard, question, address] {
    shard.post([question, answer = resolve(address, Resolve::names_too)]() mutable {
      question->answer = std::move(answer);
      question->answered.cancel();
    });
  });
  (void)co_await question->answered.wait_until(deadline);
  if (!question->answer) co_return fail(Errc::timed_out, "{}: the name was not resolved in time", address.host);
  co_return std::move(*question->answer);
}

awaitable<Addresses> addresses_of(PosixShard& shard, env::Pool& pool, const env::Address& address, Instant deadline) {
  if (address.is_unix()) {
    MQ_CO_TRY(const SocketAddress one, SocketAddress::of_unix_path(address.path));
    co_return std::vector{one};
  }
  auto literal = resolve(address, Resolve::literals_only);
  if (literal || literal.error().code != Errc::not_found) co_return literal;
  co_return co_await resolve_name(shard, pool, address, deadline);
}

/// Waits until a connect in progress has ended; ETIMEDOUT at the deadline, else the socket's own error.
awaitable<int> connect_outcome(PosixShard& shard, int fd, Instant deadline) {
  using Waiter = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  // Shared with the timer's handler, which may stand in the queue already when the connect ends.
  auto waiter = std::make_shared<Waiter>(shard.loop(), fd);
  SteadyTimer timer(shard.loop());
  if (deadline != Instant::never()) {
    timer.expires_at(std::chrono::steady_clock::time_point(deadline.since_start()));
    timer.async_wait([waiter](const boost::system::error_code& error) {
      boost::system::error_code ignored;
      if (!error) waiter->cancel(ignored);
    });
  }
  const auto [error] = co_await waiter->async_wait(Waiter::wait_write, boost::asio::as_tuple(boost::asio::deferred));
  (void)waiter->release();
  if (error) co_return ETIMEDOUT;
  int outcome = 0;
  socklen_t size = sizeof outcome;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &size);
  co_return outcome;
}

/// What connect(2) says; 0 when `socket` is connected then.
awaitable<int> connect_one(PosixShard& shard, SocketAddress where, Instant deadline, Descriptor& connected) {
  Descriptor socket(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return errno;
  if (where.family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  int error = ::connect(socket.get(), where.get(), where.size) == 0 ? 0 : errno;
  while (error == EAGAIN && shard.now() < deadline) {
    co_await shard.sleep_until(std::min(deadline, shard.now() + kBacklogPause));
    error = ::connect(socket.get(), where.get(), where.size) == 0 ? 0 : errno;
  }
  if (error == EINPROGRESS) error = co_await connect_outcome(shard, socket.get(), deadline);
  if (error == EAGAIN) error = ETIMEDOUT;
  connected = std::move(socket);
  co_return error;
}

}  // namespace

Result<std::unique_ptr<env::Listener>> PosixNetwork::listen(const env::Address& address) {
  const auto inherited = std::ranges::find(inherited_, address, &InheritedSocket::address);
  if (inherited == inherited_.end()) return PosixListener::listen(shard_, address);
  InheritedSocket socket = std::move(*inherited);
  inherited_.erase(inherited);
  return PosixListener::adopt(shard_, std::move(socket));
}

awaitable<Result<std::unique_ptr<env::Stream>>> PosixNetwork::connect(const env::Address& address, Instant deadline) {
  const env::Address to = address;
  MQ_CO_TRY(const auto addresses, co_await addresses_of(shard_, pool_, to, deadline));
  Error last;
  for (const SocketAddress& where : addresses) {
    const bool is_last = &where == &addresses.back();
    const Instant until = is_last ? deadline : std::min(deadline, shard_.now() + kOneOfSeveralMax);
    Descriptor socket;
    const int error = co_await connect_one(shard_, where, until, socket);
    if (error == 0) {
      env::Address here = to.is_unix() ? to : SocketAddress::local_of(socket.get()).to_address();
      env::Address there = to.is_unix() ? to : where.to_address();
      co_return std::make_unique<PosixStream>(shard_, std::move(socket), std::move(here), std::move(there));
    }
    last = connect_failure(error, to).error();
    if (shard_.now() >= deadline) break;
  }
  co_return fail(std::move(last));
}

awaitable<bool> PosixNetwork::refuses(const env::Address& address, Instant deadline) {
  const auto addresses = co_await addresses_of(shard_, pool_, address, deadline);
  if (!addresses) co_return false;
  for (const SocketAddress& where : *addresses) {
    Descriptor socket;
    const int error = co_await connect_one(shard_, where, deadline, socket);
    // The name of a unix socket goes with its process, or stays behind.
    if (error != ECONNREFUSED && (error != ENOENT || !address.is_unix())) co_return false;
  }
  co_return !addresses->empty();
}

}  // namespace mq::posix
