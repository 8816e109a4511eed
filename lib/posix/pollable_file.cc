#include "posix/pollable_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "posix/system_error.h"

namespace mq::posix {
namespace {

/// So many reads in a row may be answered without a turn of the event loop.
constexpr int kReadsWithoutWaitMax = 64;

mode_t mode_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? info.st_mode : 0;
}

bool is_ready(int fd, short events) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace

PollableFile::PollableFile(env::Shard& shard, int shared_fd, Direction direction)
    : shard_(shard),
      direction_(direction),
      name_(direction == Direction::in ? "standard input" : "standard output"),
      shared_fd_(shared_fd) {
  choose_method_of_shared();
}

PollableFile::PollableFile(env::Shard& shard, Descriptor file, Direction direction, std::string name)
    : shard_(shard),
      direction_(direction),
      name_(std::move(name)),
      own_(std::move(file)),
      wait_before_read_(S_ISFIFO(mode_of(own_.get()))) {}

PollableFile::~PollableFile() { close(); }

// A pipe or a terminal can be opened once more through /proc: same file, but a description whose flags are ours alone.
void PollableFile::choose_method_of_shared() {
  const mode_t mode = mode_of(shared_fd_);
  method_ = S_ISSOCK(mode) ? Method::socket : Method::direct;
  if (!S_ISFIFO(mode) && !S_ISCHR(mode)) return;
  const std::string same_file = "/proc/self/fd/" + std::to_string(shared_fd_);
  const int access = direction_ == Direction::in ? O_RDONLY : O_WRONLY;
  own_ = Descriptor(::open(same_file.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  method_ = own_ ? Method::nonblocking : Method::poll_first;
}

ssize_t PollableFile::read_now(std::span<char> to) const {
  if (method_ == Method::socket) return ::recv(fd(), to.data(), to.size(), MSG_DONTWAIT);
  if (method_ == Method::poll_first && !is_ready(fd(), POLLIN)) return errno = EAGAIN, -1;
  return ::read(fd(), to.data(), to.size());
}

ssize_t PollableFile::write_now(BytesView bytes) const {
  if (method_ == Method::socket) return ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (method_ != Method::poll_first) return ::write(fd(), bytes.data(), bytes.size());
  if (!is_ready(fd(), POLLOUT)) return errno = EAGAIN, -1;
  const BytesView fitting = bytes.substr(0, PIPE_BUF);  // a pipe that is ready takes that much at once
  return ::write(fd(), fitting.data(), fitting.size());
}

awaitable<Result<std::size_t>> PollableFile::read_some(std::span<char> to) {
  if (std::exchange(wait_before_read_, false) && !closed_) MQ_CO_CHECK(co_await wait());
  if (++reads_without_wait_ > kReadsWithoutWaitMax) co_await let_others_run();
  while (!closed_) {
    const ssize_t got = read_now(to);
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      MQ_CO_CHECK(co_await wait());
    } else if (errno != EINTR) {
      co_return failure(errno, "read");
    }
  }
  co_return fail(Errc::cancelled, "{}: reading was ended here", name_);
}

awaitable<Result<void>> PollableFile::write(BytesView bytes) {
  while (!bytes.empty()) {
    if (closed_) co_return fail(Errc::cancelled, "{}: writing was ended here", name_);
    const ssize_t put = write_now(bytes);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      MQ_CO_CHECK(co_await wait());
    } else if (errno != EINTR) {
      co_return failure(errno, "write");
    }
  }
  co_return Result<void>{};
}

awaitable<Result<void>> PollableFile::wait() {
  reads_without_wait_ = 0;
  if (!waiter_) MQ_CO_CHECK(make_waiter(waiter_, direction_ == Direction::in ? EPOLLIN : EPOLLOUT));
  const auto [error] = co_await waiter_->async_wait(Waiter::wait_read, boost::asio::as_tuple(boost::asio::deferred));
  if (error == boost::asio::error::operation_aborted)
    co_return fail(Errc::cancelled, "{}: it was not waited for", name_);
  if (error) co_return failure(error.value(), "wait");
  co_return Result<void>{};
}

Result<void> PollableFile::make_waiter(std::optional<Waiter>& waiter, std::uint32_t events) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = events, .data = {}};
  if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd(), &event) != 0) return failure(errno, "wait");
  waiter.emplace(shard_.executor(), epoll.release());
  return {};
}

awaitable<bool> PollableFile::reader_gone() {
  constexpr std::uint32_t kErrorsOnly = 0;
  if (closed_ || !make_waiter(reader_waiter_, kErrorsOnly)) co_return false;  // a regular file has no reader to lose
  const auto [error] =
      co_await reader_waiter_->async_wait(Waiter::wait_read, boost::asio::as_tuple(boost::asio::deferred));
  co_return !error;
}

awaitable<void> PollableFile::let_others_run() {
  reads_without_wait_ = 0;
  co_await boost::asio::post(shard_.executor(), boost::asio::deferred);
}

void PollableFile::interrupt() {
  if (waiter_ && waiter_->is_open()) waiter_->cancel();
}

void PollableFile::close() {
  closed_ = true;
  if (waiter_ && waiter_->is_open()) waiter_->close();
  if (reader_waiter_ && reader_waiter_->is_open()) reader_waiter_->close();
}

std::unexpected<Error> PollableFile::failure(int error_number, std::string_view what) const {
  if (error_number == EPIPE || error_number == ECONNRESET) return fail(Errc::closed, "{}: its reader is gone", name_);
  return file_failure(error_number, what, name_);
}

}  // namespace mq::posix
