#include "posix/line_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "env/task_group.h"
#include "posix/descriptor.h"

namespace mq::posix {
namespace {

constexpr Duration kPatienceOfAnAbort = 200ms;

std::uint64_t lines_in(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

bool takes_some(int fd) {
  pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
}

/// Where a text goes, and how a write is kept from waiting.
class Sink {
 public:
  // A pipe or a terminal is opened once more through /proc: the same file, but a description whose flags are ours
  // alone.
  Sink(int fd, bool files_at_once) : fd_(fd) {
    struct stat info{};
    const mode_t mode = ::fstat(fd, &info) == 0 ? info.st_mode : 0;
    if (S_ISSOCK(mode)) {
      method_ = Method::socket;
    } else if (S_ISFIFO(mode) || S_ISCHR(mode)) {
      const std::string same_file = "/proc/self/fd/" + std::to_string(fd);
      own_ = Descriptor(::open(same_file.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
      if (own_) method_ = Method::nonblocking;
    } else if (files_at_once) {
      method_ = Method::file;
    }
  }

  [[nodiscard]] int fd() const { return own_ ? own_.get() : fd_; }
  [[nodiscard]] bool never_waits() const { return method_ != Method::waits; }
  /// As write(2); may wait unless `never_waits`.
  ssize_t write(std::string_view text) const {
    if (method_ == Method::socket) return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // No more than a pipe takes whole once it is ready.
    if (method_ == Method::waits) text = text.substr(0, PIPE_BUF);
    return ::write(fd(), text.data(), text.size());
  }

 private:
  enum class Method {
    nonblocking,  ///< an open file description of our own with O_NONBLOCK
    socket,       ///< MSG_DONTWAIT
    file,         ///< a regular file, for whose disk the caller waits
    waits,        ///< none of these: only the thread writes
  };
  int fd_;
  Descriptor own_;
  Method method_ = Method::waits;
};

}  // namespace

struct LineWriter::Parts {
  Parts(int fd, Files files, TellDropped tell) : sink(fd, files == Files::at_once), tell_dropped(std::move(tell)) {}

  const Sink sink;
  const TellDropped tell_dropped;
  const Descriptor stop_event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::timed_mutex mutex;
  std::condition_variable_any changed;
  // What follows is guarded by `mutex`.
  std::deque<std::string> queue;  ///< the front one may be on its way
  std::size_t queued_bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t untold = 0;  ///< of those
  bool stopping = false;
  std::thread thread;

  /// Writes what goes without waiting and returns the rest; what fails is lost.
  [[nodiscard]] std::string_view write_now(std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = sink.write(text);
      if (put > 0) {
        text.remove_prefix(static_cast<std::size_t>(put));
      } else if (put < 0 && errno == EAGAIN) {
        return text;
      } else if (put == 0 || errno != EINTR) {
        return {};
      }
    }
    return {};
  }

  /// The same, waiting until `stopping`.
  void write_all(std::string_view text) {
    while (!text.empty()) {
      pollfd both[] = {{.fd = sink.fd(), .events = POLLOUT, .revents = 0},
                       {.fd = stop_event.get(), .events = POLLIN, .revents = 0}};
      if (::poll(both, 2, -1) < 0) continue;
      if (both[1].revents != 0) return;
      text = write_now(text);
    }
  }
};

namespace {

/// For an abort: all that live.
std::timed_mutex writers_mutex;
std::vector<LineWriter*>& writers() {
  static std::vector<LineWriter*> all;
  return all;
}

void say_last_words(std::string_view line) {
  if (std::unique_lock lock(writers_mutex, kPatienceOfAnAbort); lock.owns_lock())
    for (LineWriter* writer : writers()) writer->flush(kPatienceOfAnAbort);
  if (takes_some(STDERR_FILENO))
    (void)!::write(STDERR_FILENO, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
}

}  // namespace

void tell_last_words_without_waiting() {
  set_last_words(say_last_words);
  std::set_terminate([] {
    if (const auto escaped = std::current_exception()) env::abort_with(escaped);
    assert_failed("nothing may end here");
  });
}

LineWriter::LineWriter(int fd, Files files, TellDropped tell_dropped)
    : parts_(std::make_shared<Parts>(fd, files, std::move(tell_dropped))) {
  const std::lock_guard lock(writers_mutex);
  writers().push_back(this);
}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(writers_mutex);
    std::erase(writers(), this);
  }
  flush(kPatience);
  std::unique_lock lock(parts_->mutex);
  parts_->stopping = true;
  (void)::eventfd_write(parts_->stop_event.get(), 1);
  parts_->changed.notify_all();
  if (!parts_->thread.joinable()) return;
  // A write that hangs is left behind: it ends with the process.
  const bool hangs = !parts_->queue.empty() && !parts_->sink.never_waits();
  std::thread thread = std::move(parts_->thread);
  lock.unlock();
  hangs ? thread.detach() : thread.join();
}

void LineWriter::write(std::string_view text) {
  Parts& parts = *parts_;
  const std::lock_guard lock(parts.mutex);
  if (parts.queue.empty() && parts.sink.never_waits()) text = parts.write_now(text);
  if (text.empty()) return;
  // The rest of a line that has begun belongs to it.
  if (!parts.queue.empty() && parts.queued_bytes + text.size() > kQueuedBytesMax) {
    parts.dropped += lines_in(text);
    parts.untold += lines_in(text);
    return;
  }
  parts.queue.emplace_back(text);
  parts.queued_bytes += text.size();
  if (!parts.thread.joinable()) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited: signals are not for this thread
    parts.thread = std::thread([shared = parts_] { run(shared); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  parts.changed.notify_all();
}

void LineWriter::run(const std::shared_ptr<Parts>& shared) {
  Parts& parts = *shared;
  std::unique_lock lock(parts.mutex);
  while (true) {
    parts.changed.wait(lock, [&] { return parts.stopping || !parts.queue.empty(); });
    if (parts.stopping) return;
    const std::string& front = parts.queue.front();  // stays where it is: only this thread takes from the queue
    lock.unlock();
    parts.write_all(front);
    lock.lock();
    parts.queued_bytes -= front.size();
    parts.queue.pop_front();
    if (!parts.queue.empty()) continue;
    if (parts.untold > 0) {
      parts.queue.push_back(parts.tell_dropped(std::exchange(parts.untold, 0)));
      parts.queued_bytes += parts.queue.back().size();
    }
    parts.changed.notify_all();
  }
}

bool LineWriter::flush(Duration patience) {
  std::unique_lock lock(parts_->mutex, std::defer_lock);
  const auto until = std::chrono::steady_clock::now() + patience;
  return lock.try_lock_until(until) &&
         parts_->changed.wait_until(lock, until, [this] { return parts_->queue.empty(); });
}

std::uint64_t LineWriter::dropped() const {
  const std::lock_guard lock(parts_->mutex);
  return parts_->dropped;
}

}  // namespace mq::posix
