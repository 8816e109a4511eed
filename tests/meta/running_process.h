#pragma once

#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "env/event.h"
#include "env/task_group.h"
#include "posix/runtime.h"

namespace mq::meta {

/// A process of this machine whose shard runs all the time, in a thread of its own, as a broker's does: what a store
/// does in the background goes on between the steps of a test.
class RunningProcess {
 public:
  RunningProcess() : thread_([this] { runtime_.run([this] { return main(); }); }) { (void)running_.get_future().get(); }
  ~RunningProcess() {
    shard().post([this] {
      has_ended_ = true;
      ended_.notify_all();
    });
    thread_.join();
  }
  RunningProcess(const RunningProcess&) = delete;
  RunningProcess& operator=(const RunningProcess&) = delete;

  [[nodiscard]] posix::Runtime& runtime() { return runtime_; }
  [[nodiscard]] env::Shard& shard() { return runtime_.shard(0); }

  /// Runs `task` on the shard and waits for its end.
  template <class T>
  T run(awaitable<T> task) {
    std::optional<T> value;
    run_to_end([](awaitable<T> inner, std::optional<T>& to) -> awaitable<void> {
      to.emplace(co_await std::move(inner));
    }(std::move(task), value));
    return *std::move(value);
  }
  void run_to_end(awaitable<void> task) {
    std::promise<void> done;
    shard().post([this, &task, &done] { group_->spawn(then_tell(std::move(task), done)); });
    done.get_future().get();
  }
  /// Runs a plain function there.
  void call(const std::function<void()>& step) {
    std::promise<void> done;
    shard().post([&] {
      step();
      done.set_value();
    });
    done.get_future().get();
  }
  /// While it runs `step` here, the shard does nothing.
  void hold_during(const std::function<void()>& step) {
    std::promise<void> held;
    std::promise<void> may_go_on;
    shard().post([&] {
      held.set_value();
      may_go_on.get_future().get();
    });
    held.get_future().get();
    step();
    may_go_on.set_value();
  }

 private:
  static awaitable<void> then_tell(awaitable<void> task, std::promise<void>& done) {
    co_await std::move(task);
    done.set_value();
  }

  awaitable<int> main() {
    env::TaskGroup group(shard());
    group_ = &group;
    running_.set_value();
    while (!has_ended_) co_await ended_.wait();
    co_await group.join();
    co_return 0;
  }

  posix::Runtime runtime_{{.shards = 1, .pool_threads = 2, .log = {.level = env::LogLevel::error}}};
  env::Event ended_{runtime_.shard(0)};
  bool has_ended_ = false;
  env::TaskGroup* group_ = nullptr;
  std::promise<void> running_;
  std::thread thread_;
};

}  // namespace mq::meta
