#include "env/task_group.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/assert.h"

namespace mq::env {

void abort_with(const std::exception_ptr& escaped) {
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& e) {
    assert_failed(e.what());
  } catch (...) {
    assert_failed("an exception of an unknown type left a coroutine");
  }
}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(awaitable<void> task) {
  ++running_;
  boost::asio::co_spawn(shard_.executor(), std::move(task), [this](const std::exception_ptr& escaped) {
    if (escaped) abort_with(escaped);
    --running_;
    changed_.notify_all();
  });
}

awaitable<void> TaskGroup::join() {
  while (running_ > 0) co_await changed_.wait();
}

}  // namespace mq::env
