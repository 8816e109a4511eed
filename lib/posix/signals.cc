#include "posix/signals.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdlib>

namespace mq::posix {

struct Signals::Parts {
  explicit Parts(env::Shard& shard) : set(shard.executor()) {}
  boost::asio::signal_set set;
  bool closed = false;
};

Signals::Signals(env::Shard& shard, std::initializer_list<int> signals) : parts_(std::make_unique<Parts>(shard)) {
  for (const int signal : signals) parts_->set.add(signal);
}

Signals::~Signals() = default;

awaitable<Result<int>> Signals::next() {
  if (!parts_->closed) {
    const auto [error, signal] = co_await parts_->set.async_wait(boost::asio::as_tuple(boost::asio::deferred));
    if (!error) co_return signal;
  }
  co_return fail(Errc::cancelled, "no longer waiting for signals");
}

void Signals::close() {
  parts_->closed = true;
  parts_->set.cancel();
}

void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  (void)::raise(signal);
  // The first process of a container does not die of a signal that it does not handle.
  std::_Exit(128 + signal);
}

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace mq::posix
