#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "env/shard.h"
#include "posix/descriptor.h"

namespace mq::posix {

/// Reads and writes a descriptor of any kind without blocking the shard on a pipe, terminal or socket, and without
/// setting O_NONBLOCK on a file description that other processes share.
class PollableFile {
 public:
  enum class Direction { in, out };

  /// `shared_fd` (0, 1) stays open and its mode unchanged.
  PollableFile(env::Shard& shard, int shared_fd, Direction direction);
  /// `file` is of our own and, if it can block for long, in O_NONBLOCK.
  PollableFile(env::Shard& shard, Descriptor file, Direction direction, std::string name);
  ~PollableFile();

  awaitable<Result<std::size_t>> read_some(std::span<char> to);
  awaitable<Result<void>> write(BytesView bytes);
  /// Returns true once nobody reads what is written here any more; false when that cannot be seen, or after `close`.
  awaitable<bool> reader_gone();
  /// Ends a wait in progress: the call that waits returns cancelled.
  void interrupt();
  /// The same, and no call succeeds after it.
  void close();

 private:
  using Waiter = boost::asio::posix::stream_descriptor;
  /// How a call that would wait is kept from doing so.
  enum class Method {
    direct,       ///< it never waits for another process: a regular file
    nonblocking,  ///< an open file description of our own with O_NONBLOCK
    socket,       ///< MSG_DONTWAIT
    poll_first,   ///< none of these could be had: ask poll, then move no more than fits
  };

  [[nodiscard]] int fd() const { return own_ ? own_.get() : shared_fd_; }
  void choose_method_of_shared();
  [[nodiscard]] ssize_t read_now(std::span<char> to) const;
  [[nodiscard]] ssize_t write_now(BytesView bytes) const;
  awaitable<Result<void>> wait();
  [[nodiscard]] Result<void> make_waiter(std::optional<Waiter>& waiter, std::uint32_t events);
  awaitable<void> let_others_run();
  [[nodiscard]] std::unexpected<Error> failure(int error_number, std::string_view what) const;

  env::Shard& shard_;
  const Direction direction_;
  const std::string name_;
  Descriptor own_;
  int shared_fd_ = -1;
  Method method_ = Method::nonblocking;
  bool wait_before_read_ = false;  ///< a named pipe has no end before its first writer
  bool closed_ = false;
  int reads_without_wait_ = 0;
  /// An epoll of our own that holds the descriptor, made by the first wait. Asio would set O_NONBLOCK on the descriptor
  /// itself.
  std::optional<Waiter> waiter_;
  std::optional<Waiter> reader_waiter_;  ///< the same, for nothing but the end of the reader
};

}  // namespace mq::posix
