#pragma once

#include <csignal>
#include <initializer_list>
#include <memory>

#include "base/result.h"
#include "env/shard.h"

namespace mq::posix {

/// The signals that a program wants to answer itself, one after the other. Lives on one shard; from its construction to
/// its end these signals no longer have their default effect. One at a time in a process.
class Signals {
 public:
  explicit Signals(env::Shard& shard, std::initializer_list<int> signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1});
  ~Signals();

  /// The number of the next signal; those that came while nobody waited are not lost. cancelled after `close`.
  awaitable<Result<int>> next();
  /// Ends a `next` in progress.
  void close();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Ends this process at once, of `signal` as if nobody answered it, so that whoever waits for us sees why. Nothing is
/// destroyed, no buffer is written.
[[noreturn]] void die_of(int signal);

/// Whoever started us had this signal ignored.
[[nodiscard]] bool is_ignored(int signal);

}  // namespace mq::posix
