#include "posix/process_deadline.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace mq::posix {

ProcessDeadline::ProcessDeadline(Duration patience, int status, std::string last_words)
    : patience_(patience), status_(status), last_words_(std::move(last_words)), watcher_([this] { watch(); }) {}

ProcessDeadline::~ProcessDeadline() {
  {
    const std::lock_guard guard(mutex_);
    in_time_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

void ProcessDeadline::watch() {
  std::unique_lock guard(mutex_);
  if (changed_.wait_for(guard, patience_, [this] { return in_time_; })) return;
  // Not through the logger: whoever is stuck may hold it. A pipe that nobody empties must not hold us either.
  pollfd error_stream{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  const bool takes = ::poll(&error_stream, 1, 0) == 1 && (error_stream.revents & POLLOUT) != 0;
  if (takes) (void)!::write(STDERR_FILENO, last_words_.data(), last_words_.size());
  std::_Exit(status_);
}

}  // namespace mq::posix
