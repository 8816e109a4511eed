#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "env/event.h"
#include "env/task_group.h"
#include "posix/posix_testing.h"

namespace mq::env {
namespace {

using posix::in_runtime;
using posix::Runtime;
using posix::RuntimeOptions;

awaitable<void> wait_and_count(Event& event, int& count) {
  co_await event.wait();
  ++count;
}

TEST(Event, NotifyWakesEveryWaiterLaterAndOnce) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Shard& shard = runtime.shard(0);
    Event event(shard);
    TaskGroup tasks(shard);
    int woken = 0;
    for (int i = 0; i < 3; ++i) tasks.spawn(wait_and_count(event, woken));
    co_await shard.sleep_until(shard.now());
    EXPECT_TRUE(event.has_waiters());
    event.notify_all();
    EXPECT_EQ(woken, 0);
    EXPECT_FALSE(event.has_waiters());
    event.notify_all();
    co_await tasks.join();
    EXPECT_EQ(woken, 3);
  });
}

TEST(Event, NotifyWithoutWaitersIsForgotten) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Event event(runtime.shard(0));
    event.notify_all();
    EXPECT_EQ((co_await event.wait_until(runtime.clock().now() + 2ms)).error().code, Errc::timed_out);
    EXPECT_FALSE(event.has_waiters());
  });
}

TEST(Event, NotifiedBeforeTheDeadlineIsNotTimedOut) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Shard& shard = runtime.shard(0);
    Event event(shard);
    shard.post([&] { event.notify_all(); });
    EXPECT_TRUE(co_await event.wait_until(shard.now() + 1h));
  });
}

TEST(TaskGroup, JoinWaitsForEveryTaskAndTheirChildren) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Shard& shard = runtime.shard(0);
    TaskGroup tasks(shard);
    int ended = 0;
    const auto child = [&]() -> awaitable<void> {
      co_await shard.sleep_until(shard.now() + 2ms);
      ++ended;
    };
    const auto parent = [&]() -> awaitable<void> {
      tasks.spawn(child());
      co_await shard.sleep_until(shard.now() + 1ms);
      ++ended;
    };
    for (int i = 0; i < 10; ++i) tasks.spawn(parent());
    co_await tasks.join();
    EXPECT_EQ(ended, 20);
    EXPECT_EQ(tasks.size(), 0U);
    co_await tasks.join();
  });
}

TEST(TaskGroupDeathTest, WhateverATaskThrowsAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto spawn = [](auto fault) {
    in_runtime([&](Runtime& runtime) -> awaitable<void> {
      TaskGroup tasks(runtime.shard(0));
      tasks.spawn([](auto raise) -> awaitable<void> {
        raise();
        co_return;
      }(fault));
      co_await tasks.join();
    });
  };
  EXPECT_DEATH(spawn([] { throw std::runtime_error("nobody catches this"); }), "nobody catches this");
  EXPECT_DEATH(spawn([] { throw 7; }), "an exception of an unknown type left a coroutine");
}

TEST(PoolRun, JobRunsElsewhereAndItsResultComesHome) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Shard& home = runtime.shard(0);
    auto moved_in = std::make_unique<int>(20);
    const auto result = co_await runtime.pool().run(home, [&home, number = std::move(moved_in)] {
      EXPECT_FALSE(home.is_current());
      return std::make_unique<int>(*number + 1);
    });
    EXPECT_TRUE(home.is_current());
    EXPECT_EQ(*result, 21);
    bool ran = false;
    co_await runtime.pool().run(home, [&] { ran = true; });
    EXPECT_TRUE(ran);
  });
}

TEST(PoolRun, ErrorsComeHomeAsValues) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const auto result =
        co_await runtime.pool().run(runtime.shard(0), []() -> Result<int> { return fail(Errc::disk_full, "full"); });
    EXPECT_EQ(result.error().code, Errc::disk_full);
  });
}

TEST(PoolRun, JobsOfOneThreadRunInTheirOrder) {
  in_runtime({.shards = 1, .pool_threads = 1, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    std::vector<int> order;
    for (int i = 0; i < 1000; ++i) runtime.pool().submit([&, i] { order.push_back(i); });
    const auto done = co_await runtime.pool().run(runtime.shard(0), [&] { return order.size(); });
    EXPECT_EQ(done, 1000U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
  });
}

TEST(OnShard, ManyCallersGetTheirOwnAnswers) {
  in_runtime({.shards = 2, .pool_threads = 1, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    Shard& here = runtime.shard(0);
    Shard& there = runtime.shard(1);
    TaskGroup tasks(here);
    int right = 0;
    const auto ask = [&](int i) -> awaitable<void> {
      const std::string answer = co_await on_shard(here, there, [&there, i] {
        EXPECT_TRUE(there.is_current());
        return std::to_string(i);
      });
      EXPECT_TRUE(here.is_current());
      if (answer == std::to_string(i)) ++right;
    };
    for (int i = 0; i < 1000; ++i) tasks.spawn(ask(i));
    co_await tasks.join();
    EXPECT_EQ(right, 1000);
  });
}

TEST(OnShard, CallToTheOwnShardWorks) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Shard& here = runtime.shard(0);
    EXPECT_EQ(co_await on_shard(here, here, [] { return 5; }), 5);
  });
}

}  // namespace
}  // namespace mq::env
