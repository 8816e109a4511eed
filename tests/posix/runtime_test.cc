#include "posix/runtime.h"

#include <csignal>
#include <ctime>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>

#include "env/task_group.h"
#include "posix/posix_testing.h"
#include "posix/signals.h"

namespace mq::posix {
namespace {

TEST(Runtime, RunReturnsWhatItsMainReturned) {
  Runtime runtime;
  EXPECT_EQ(runtime.run([]() -> awaitable<int> { co_return 7; }), 7);
}

TEST(RuntimeDeathTest, WhatMainOrATaskThrowsAbortsWithItsMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](auto fault) {
    in_runtime({.shards = 2, .pool_threads = 1, .log = {}}, [&](Runtime& runtime) -> awaitable<void> {
      fault(runtime);
      co_await runtime.shard(0).sleep_until(Instant::never());
    });
  };
  EXPECT_DEATH(run([](Runtime&) { throw std::runtime_error("no ink"); }), "no ink");
  EXPECT_DEATH(run([](Runtime&) { throw 7; }), "an exception of an unknown type");
  for (const int shard : {0, 1}) {
    EXPECT_DEATH(run([&](Runtime& runtime) { runtime.shard(shard).post([] { throw std::runtime_error("no ink"); }); }),
                 "no ink");
  }
  EXPECT_DEATH(run([](Runtime& runtime) { runtime.pool().submit([] { throw std::runtime_error("no ink"); }); }),
               "no ink");
}

TEST(Runtime, RunsAgainAfterItEnded) {
  Runtime runtime;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(runtime.run([i]() -> awaitable<int> { co_return i; }), i);
  }
}

TEST(Runtime, PostsFromOneThreadRunInOrderOnTheThreadOfTheShard) {
  in_runtime({.shards = 2, .pool_threads = 1, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    env::Shard& here = runtime.shard(0);
    env::Shard& there = runtime.shard(1);
    constexpr int kPosts = 10'000;
    int next = 0;
    bool in_order = true;
    for (int i = 0; i < kPosts; ++i) {
      there.post([&, i] { in_order = in_order && i == next++ && there.is_current() && !here.is_current(); });
    }
    const int seen = co_await env::on_shard(here, there, [&] { return next; });
    EXPECT_EQ(seen, kPosts);
    EXPECT_TRUE(in_order);
    EXPECT_TRUE(here.is_current());
  });
}

TEST(Runtime, JobsThatHangDoNotHoldUpTheMetadataPool) {
  in_runtime({.shards = 1, .pool_threads = 2, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    const auto goes_on = std::make_shared<std::latch>(1);
    for (int job = 0; job < 10; ++job) runtime.pool().submit([goes_on] { goes_on->wait(); });
    // One thread only, which is another: jobs run in their order.
    std::vector<int> order;
    for (int job = 0; job < 3; ++job) runtime.metadata_pool().submit([&order, job] { order.push_back(job); });
    const std::size_t done = co_await runtime.metadata_pool().run(runtime.shard(0), [&] { return order.size(); });
    EXPECT_EQ(done, 3u);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    goes_on->count_down();
  });
}

TEST(Runtime, PostsFromManyThreadsAllRun) {
  in_runtime({.shards = 2, .pool_threads = 4, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    env::Shard& here = runtime.shard(0);
    env::Event changed(here);
    int arrived = 0;
    constexpr int kJobs = 4;
    constexpr int kPostsEach = 5'000;
    for (int job = 0; job < kJobs; ++job) {
      runtime.pool().submit([&] {
        for (int i = 0; i < kPostsEach; ++i) {
          here.post([&] {
            if (++arrived == kJobs * kPostsEach) changed.notify_all();
          });
        }
      });
    }
    while (arrived < kJobs * kPostsEach) co_await changed.wait();
  });
}

TEST(Runtime, PostsThatDidNotRunAreDestroyedWithTheRuntime) {
  auto token = std::make_shared<int>(1);
  {
    Runtime runtime;
    EXPECT_EQ(runtime.run([]() -> awaitable<int> { co_return 0; }), 0);
    runtime.shard(0).post([token] { FAIL() << "ran after the end"; });
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Runtime, CoroutinesThatWaitAtTheEndAreDestroyedWithTheRuntime) {
  auto token = std::make_shared<int>(1);
  {
    Runtime runtime({.shards = 2, .pool_threads = 1, .log = {}});
    std::optional<env::TaskGroup> tasks(runtime.shard(0));
    const auto status = runtime.run([&]() -> awaitable<int> {
      tasks->spawn([](env::Shard& shard, std::shared_ptr<int>) -> awaitable<void> {
        co_await shard.sleep_until(shard.now() + 1h);
      }(runtime.shard(0), token));
      co_await runtime.shard(0).sleep_until(runtime.clock().now());
      co_return 0;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Runtime, IdleTakesNoProcessorTime) {
  in_runtime({.shards = 2, .pool_threads = 2, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    co_await runtime.pool().run(runtime.shard(0), [] {});
    const std::clock_t before = std::clock();
    co_await runtime.shard(0).sleep_until(runtime.clock().now() + 300ms);
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 100);
  });
}

TEST(Timer, WakesAtItsDeadlineAndNotBefore) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Shard& shard = runtime.shard(0);
    auto timer = shard.make_timer();
    for (const Duration d : {0ns, Duration(-1s), Duration(5ms), Duration(20ms)}) {
      const Instant deadline = shard.now() + d;
      EXPECT_TRUE(co_await timer->wait_until(deadline));
      EXPECT_GE(shard.now(), deadline);
    }
  });
}

TEST(Timer, CancelEndsTheWaitInProgressOnly) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Shard& shard = runtime.shard(0);
    auto timer = shard.make_timer();
    timer->cancel();
    EXPECT_TRUE(co_await timer->wait_until(shard.now() + 1ms));
    for (const Instant deadline : {shard.now() + 1h, Instant::never(), shard.now() + 1h}) {
      shard.post([&] {
        timer->cancel();
        timer->cancel();
      });
      EXPECT_EQ((co_await timer->wait_until(deadline)).error().code, Errc::cancelled);
    }
    EXPECT_TRUE(co_await timer->wait_until(shard.now() + 1ms));
  });
}

TEST(Timer, ManyTimersWakeInTheOrderOfTheirDeadlines) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Shard& shard = runtime.shard(0);
    env::TaskGroup tasks(shard);
    std::vector<int> order;
    const Instant start = shard.now();
    for (const int ms : {8, 2, 6, 4}) {
      tasks.spawn([](env::Shard& on, Instant when, std::vector<int>& log, int id) -> awaitable<void> {
        co_await on.sleep_until(when);
        log.push_back(id);
      }(shard, start + ms * 1ms, order, ms));
    }
    co_await tasks.join();
    EXPECT_EQ(order, (std::vector{2, 4, 6, 8}));
  });
}

TEST(Clock, MonotonicTimeGoesOnAndWallTimeIsOurs) {
  const Runtime runtime;
  const Instant before = runtime.clock().now();
  EXPECT_GE(runtime.clock().now(), before);
  EXPECT_NEAR(static_cast<double>(runtime.clock().wall_now()), static_cast<double>(std::time(nullptr)) * 1000, 2000);
}

TEST(Random, BytesOfAllSizesAreFilledAndDoNotRepeat) {
  const Runtime runtime;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(runtime.random().next());
  EXPECT_EQ(seen.size(), 1000U);
  for (const std::size_t size : {1UL, 63UL, 64UL, 65UL, 1000UL, 100'000UL}) {
    std::vector<std::uint8_t> bytes(size);
    runtime.random().fill(bytes);
    if (size >= 1000) {
      EXPECT_GT((std::set<std::uint8_t>(bytes.begin(), bytes.end()).size()), 200U);
    }
  }
}

TEST(Signals, AreReturnedOneAfterTheOther) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Signals signals(runtime.shard(0));
    ::raise(SIGUSR1);
    EXPECT_EQ((co_await signals.next()).value(), SIGUSR1);
    runtime.pool().submit([] { ::kill(::getpid(), SIGTERM); });
    EXPECT_EQ((co_await signals.next()).value(), SIGTERM);
    ::raise(SIGHUP);
    ::raise(SIGINT);
    const std::set<int> both{(co_await signals.next()).value(), (co_await signals.next()).value()};
    EXPECT_EQ(both, (std::set{SIGHUP, SIGINT}));
  });
}

TEST(Signals, CloseEndsTheWaitAsCancelled) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Signals signals(runtime.shard(0));
    runtime.shard(0).post([&] { signals.close(); });
    EXPECT_EQ((co_await signals.next()).error().code, Errc::cancelled);
    EXPECT_EQ((co_await signals.next()).error().code, Errc::cancelled);
  });
}

}  // namespace
}  // namespace mq::posix
