#pragma once

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "env/event.h"
#include "env/task_group.h"
#include "meta/metadata_store.h"
#include "posix/runtime.h"

namespace mq::meta {

/// A real shard whose loop runs in a thread of its own as long as this lives, as in a broker: what a store does by
/// itself goes on while the test looks elsewhere.
class RunningShard {
 public:
  RunningShard() {
    thread_ = std::thread([this] {
      runtime_.run([this]() -> awaitable<int> {
        while (!is_over_) co_await over_.wait();
        co_return 0;
      });
    });
  }
  ~RunningShard() {
    call([this] {
      is_over_ = true;
      over_.notify_all();
    });
    thread_.join();
  }
  RunningShard(const RunningShard&) = delete;
  RunningShard& operator=(const RunningShard&) = delete;

  [[nodiscard]] posix::Runtime& runtime() { return runtime_; }
  [[nodiscard]] env::Shard& shard() { return runtime_.shard(0); }

  /// Runs `task` on the shard to its end.
  template <class T>
  T run(awaitable<T> task) {
    std::optional<T> value;
    run(keep(std::move(task), value));
    return std::move(*value);
  }
  void run(awaitable<void> task) {
    const auto done = std::make_shared<std::promise<void>>();
    shard().post([this, done, task = std::move(task)]() mutable { tasks_.spawn(tell(std::move(task), done)); });
    done->get_future().wait();
  }
  /// Calls `f` on the shard, and waits for it.
  template <class F>
  void call(F f) {
    const auto done = std::make_shared<std::promise<void>>();
    shard().post([done, f = std::move(f)]() mutable {
      f();
      done->set_value();
    });
    done->get_future().wait();
  }

  /// While it runs `step` here, the shard does nothing.
  template <class F>
  void hold_during(const F& step) {
    std::promise<void> held;
    std::promise<void> may_go_on;
    shard().post([&] {
      held.set_value();
      may_go_on.get_future().wait();
    });
    held.get_future().wait();
    step();
    may_go_on.set_value();
  }

  /// Destroys a store where it belongs.
  struct Destroy {
    RunningShard* home = nullptr;
    void operator()(MetadataStore* store) const {
      home->call([store] { delete store; });
    }
  };
  using Store = std::unique_ptr<MetadataStore, Destroy>;
  [[nodiscard]] Store own(std::unique_ptr<MetadataStore> store) { return {store.release(), Destroy{this}}; }

 private:
  template <class T>
  static awaitable<void> keep(awaitable<T> task, std::optional<T>& to) {
    to.emplace(co_await std::move(task));
  }
  static awaitable<void> tell(awaitable<void> task, std::shared_ptr<std::promise<void>> done) {
    co_await std::move(task);
    done->set_value();
  }

  posix::Runtime runtime_{{.shards = 1, .pool_threads = 2, .log = {.level = env::LogLevel::error}}};
  env::TaskGroup tasks_{runtime_.shard(0)};
  env::Event over_{runtime_.shard(0)};
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace mq::meta
