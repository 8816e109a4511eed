#include "posix/stream.h"

#include <limits.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "posix/system_error.h"

namespace mq::posix {
namespace {

/// So many reads in a row may be answered without a turn of the event loop; then the other connections get theirs.
constexpr int kReadsWithoutWaitMax = 16;

/// Pieces of one sendmsg. The vector lives on the stack: 4 KiB.
constexpr std::size_t kPiecesPerSend = 256;
static_assert(kPiecesPerSend <= IOV_MAX);

/// Of an open file, for the words of an error.
std::string path_of(int fd) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "a file to be sent";
}

/// What remains to be sent of a list of pieces.
class Unsent {
 public:
  explicit Unsent(std::span<const BytesView> pieces) : pieces_(pieces) { skip_empty(); }

  [[nodiscard]] bool empty() const { return pieces_.empty(); }

  /// One system call; -1 and errno as sendmsg.
  ssize_t send(int fd) const {
    if (pieces_.size() == 1)
      return ::send(fd, pieces_[0].data() + sent_of_first_, pieces_[0].size() - sent_of_first_,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    iovec vector[kPiecesPerSend];
    const std::size_t count = std::min(pieces_.size(), kPiecesPerSend);
    for (std::size_t i = 0; i < count; ++i) {
      vector[i] = {.iov_base = const_cast<char*>(pieces_[i].data()), .iov_len = pieces_[i].size()};
    }
    vector[0].iov_base = static_cast<char*>(vector[0].iov_base) + sent_of_first_;
    vector[0].iov_len -= sent_of_first_;
    msghdr message{};
    message.msg_iov = vector;
    message.msg_iovlen = count;
    const int more = count < pieces_.size() ? MSG_MORE : 0;
    return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | more);
  }

  void advance(std::size_t sent) {
    sent += sent_of_first_;
    while (!pieces_.empty() && sent >= pieces_.front().size()) {
      sent -= pieces_.front().size();
      pieces_ = pieces_.subspan(1);
    }
    sent_of_first_ = sent;
  }

 private:
  void skip_empty() { advance(0); }

  std::span<const BytesView> pieces_;
  std::size_t sent_of_first_ = 0;
};

}  // namespace

PosixStream::PosixStream(PosixShard& shard, Descriptor socket, env::Address local, env::Address remote)
    : shard_(&shard), socket_(std::move(socket)), local_(std::move(local)), remote_(std::move(remote)) {}

awaitable<Result<std::size_t>> PosixStream::read_some(std::span<char> to) {
  MQ_ASSERT(!to.empty());
  if (readable_ && ++reads_without_wait_ > kReadsWithoutWaitMax) {
    reads_without_wait_ = 0;
    co_await shard_->after_others();
  }
  while (true) {
    if (!socket_) co_return closed_here();
    if (readable_) {
      auto got = try_read(to);
      if (!got || *got > 0) co_return got;
    }
    MQ_CO_CHECK(co_await wait_readable());
  }
}

// What comes up short has read the socket empty (epoll(7), "Questions and answers", the ninth), unless the peer has
// ended the stream: then that is still to be read.
Result<std::size_t> PosixStream::try_read(std::span<char> to) {
  MQ_ASSERT(!to.empty());
  if (!socket_) return closed_here();
  ssize_t got;
  do {
    got = ::recv(socket_.get(), to.data(), to.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  const bool would_wait = got < 0 && errno == EAGAIN;
  const bool came_up_short = got > 0 && static_cast<std::size_t>(got) < to.size();
  readable_ = !would_wait && (!came_up_short || has_ended_);
  if (got > 0) return static_cast<std::size_t>(got);
  if (would_wait) return 0;
  if (got == 0) return fail(Errc::closed, "{}: the peer closed the connection", remote_.to_string());
  return failure(errno);
}

Result<std::size_t> PosixStream::try_write(std::span<const BytesView> pieces) {
  std::size_t total = 0;
  for (Unsent unsent(pieces); !unsent.empty();) {
    if (!socket_) return closed_here();
    const ssize_t sent = unsent.send(socket_.get());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return failure(errno);
    unsent.advance(static_cast<std::size_t>(sent));
    total += static_cast<std::size_t>(sent);
  }
  return total;
}

awaitable<Result<void>> PosixStream::write(std::span<const BytesView> pieces) {
  Unsent unsent(pieces);
  while (!unsent.empty()) {
    if (!socket_) co_return closed_here();
    const ssize_t sent = unsent.send(socket_.get());
    if (sent >= 0) {
      unsent.advance(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      MQ_CO_CHECK(co_await wait_writable());
    } else if (errno != EINTR) {
      co_return failure(errno);
    }
  }
  co_return Result<void>{};
}

awaitable<Result<void>> PosixStream::send_file(env::File& file, std::uint64_t position, std::size_t size) {
  const int from = file.descriptor();
  MQ_ASSERT(from >= 0);
  auto at = static_cast<off_t>(position);
  while (size > 0) {
    if (!socket_) co_return closed_here();
    const ssize_t sent = ::sendfile(socket_.get(), from, &at, size);
    if (sent > 0) {
      size -= static_cast<std::size_t>(sent);
    } else if (sent == 0) {
      co_return fail(Errc::internal, "{}: a file to be sent ends {} bytes early", remote_.to_string(), size);
    } else if (errno == EAGAIN) {
      MQ_CO_CHECK(co_await wait_writable());
    } else if (errno == EIO) {
      co_return fail(Errc::read_failed, "{}:{}: cannot read: {}", path_of(from), at, system_text(EIO));
    } else if (errno != EINTR) {
      co_return failure(errno);
    }
  }
  co_return Result<void>{};
}

awaitable<Result<void>> PosixStream::wait_readable() {
  MQ_CO_CHECK(watch());
  reads_without_wait_ = 0;
  co_await shard_->until_resumed(reader_);
  co_return Result<void>{};
}

awaitable<Result<void>> PosixStream::wait_writable() {
  MQ_CO_CHECK(watch());
  // Only while we wait: a unix socket tells of room whenever its peer has read something.
  shard_->sockets().want_writable(socket_.get(), *this, true);
  co_await shard_->until_resumed(writer_);
  if (!socket_) co_return closed_here();
  shard_->sockets().want_writable(socket_.get(), *this, false);
  co_return Result<void>{};
}

void PosixStream::on_events(std::uint32_t events) {
  constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & kEnd) != 0) has_ended_ = true;
  if ((events & (EPOLLIN | kEnd)) != 0) readable_ = true;
  // Who is resumed may close the stream and wake the other, but not destroy the stream while the other is under way.
  const bool wakes_writer = (events & (EPOLLOUT | kEnd)) != 0 && writer_.resume;
  if (readable_ && reader_.resume) wakes_writer ? reader_.resume_later(*shard_) : reader_.resume_now();
  if (wakes_writer) writer_.resume_now();
}

bool PosixStream::has_peer_left() const {
  if (!socket_ || has_ended_) return true;
  pollfd asked{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

Result<void> PosixStream::watch() {
  if (!watched_) MQ_CHECK(shard_->sockets().add(socket_.get(), *this));
  watched_ = true;
  return {};
}

void PosixStream::unwatch() {
  if (std::exchange(watched_, false)) shard_->sockets().remove(socket_.get(), *this);
}

void PosixStream::close() {
  if (!socket_) return;
  unwatch();
  socket_ = Descriptor();
  for (EndlessWait* wait : {&reader_, &writer_})
    if (wait->resume) wait->resume_later(*shard_);
}

void PosixStream::move_to(env::Shard& to) {
  if (!socket_) return;
  unwatch();
  shard_ = &static_cast<PosixShard&>(to);
  readable_ = true;
}

std::unexpected<Error> PosixStream::failure(int error_number) const {
  return fail(stream_errc(error_number), "{}: {}", remote_.to_string(), system_text(error_number));
}

std::unexpected<Error> PosixStream::closed_here() const {
  return fail(Errc::cancelled, "{}: the connection was closed here", remote_.to_string());
}

}  // namespace mq::posix
