#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "posix/descriptor.h"

namespace mq::posix {

/// Tells the sockets of one event loop when there is something to read, or room to write: an edge-triggered epoll.
///
/// Asio's reactor is not used for them because it asks a socket, in vain, before each wait: where one request a time is
/// in flight that is every second receive. Here a socket that was read empty is left alone until the kernel says that
/// something came. Asio, which runs everything else, waits for `descriptor`. One thread only.
class SocketEvents {
 public:
  /// A socket, as its loop calls it.
  class Target {
   public:
    /// `events` as epoll_wait gives them. May add, change and remove any target, itself too.
    virtual void on_events(std::uint32_t events) = 0;

   protected:
    ~Target() = default;
  };

  SocketEvents();

  /// Begins to tell `target`, until `remove`, when `fd` has something to read, was ended or has failed: at once when it
  /// has now, later only when that happens again. too_many_files.
  [[nodiscard]] Result<void> add(int fd, Target& target);
  /// Whether it is also told of room to write: at once when there is some.
  void want_writable(int fd, Target& target, bool wanted);
  /// `target` is not called any more.
  void remove(int fd, Target& target);

  /// Asks the kernel, without waiting, what has happened; true when there is something to `dispatch`.
  bool fetch();
  /// Calls whom the last `fetch` found.
  void dispatch();
  /// Readable when `fetch` would find something.
  [[nodiscard]] int descriptor() const { return epoll_.get(); }

 private:
  Descriptor epoll_;
  std::array<epoll_event, 128> fetched_;
  std::size_t next_ = 0;  ///< of `fetched_`
  std::size_t end_ = 0;
};

}  // namespace mq::posix
