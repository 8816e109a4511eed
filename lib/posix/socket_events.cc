#include "posix/socket_events.h"

#include <cerrno>

#include "base/assert.h"
#include "posix/system_error.h"

namespace mq::posix {
namespace {

constexpr std::uint32_t kToRead = EPOLLIN | EPOLLRDHUP | EPOLLET;

epoll_event event_of(SocketEvents::Target& target, std::uint32_t events) {
  return {.events = events, .data = {.ptr = &target}};
}

}  // namespace

SocketEvents::SocketEvents() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { MQ_ASSERT(epoll_); }

Result<void> SocketEvents::add(int fd, Target& target) {
  epoll_event event = event_of(target, kToRead);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return fail(Errc::too_many_files, "cannot wait for a connection: {}", system_text(errno));
}

void SocketEvents::want_writable(int fd, Target& target, bool wanted) {
  epoll_event event = event_of(target, wanted ? kToRead | EPOLLOUT : kToRead);
  const int changed = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  MQ_ASSERT(changed == 0);
}

void SocketEvents::remove(int fd, Target& target) {
  epoll_event ignored{};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
  for (std::size_t i = next_; i < end_; ++i)
    if (fetched_[i].data.ptr == &target) fetched_[i].data.ptr = nullptr;
}

bool SocketEvents::fetch() {
  if (next_ < end_) return true;
  const int count = ::epoll_wait(epoll_.get(), fetched_.data(), static_cast<int>(fetched_.size()), 0);
  next_ = 0;
  end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  return end_ > 0;
}

void SocketEvents::dispatch() {
  while (next_ < end_) {
    const epoll_event event = fetched_[next_++];
    if (event.data.ptr != nullptr) static_cast<Target*>(event.data.ptr)->on_events(event.events);
  }
}

}  // namespace mq::posix
