#include "sim/machine/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "env/event.h"
#include "env/task_group.h"

namespace mq::sim {
namespace {

/// Answers every connection with what it sent.
class EchoServer {
 public:
  explicit EchoServer(Machine& machine) : node_(machine), connections_(machine.shard(0)) {}

  awaitable<void> serve(std::uint16_t port) {
    auto listener = node_.shard(0).network().listen({.host = "", .port = port, .path = {}});
    EXPECT_TRUE(listener);
    while (true) {
      auto stream = co_await (*listener)->accept();
      if (!stream) co_return;
      connections_.spawn(echo(std::move(*stream)));
    }
  }

 private:
  awaitable<void> echo(std::unique_ptr<env::Stream> stream) {
    std::array<char, 100> buffer;
    while (true) {
      auto got = co_await stream->read_some(buffer);
      if (!got) co_return;
      const BytesView piece{buffer.data(), *got};
      if (!co_await stream->write({&piece, 1})) co_return;
    }
  }

  Machine& node_;
  env::TaskGroup connections_;
};

awaitable<Result<std::string>> ask(Machine& machine, env::Address server, std::string text, Instant deadline) {
  MQ_CO_TRY(auto stream, co_await machine.shard(0).network().connect(server, deadline));
  const BytesView piece = text;
  MQ_CO_CHECK(co_await stream->write({&piece, 1}));
  std::string answer;
  std::array<char, 64> buffer;
  while (answer.size() < text.size()) {
    MQ_CO_TRY(const std::size_t got, co_await stream->read_some(buffer));
    answer.append(buffer.data(), got);
  }
  co_return answer;
}

/// Timers, files, pools, two shards and a conversation, enough of each that two seeds cannot agree by chance.
awaitable<void> busy_program(Machine& machine, Machine& server, std::string& story) {
  auto file = machine.files().open("story", env::OpenMode::create);
  for (int i = 0; i < 20; ++i) {
    const auto nap = Duration(std::chrono::microseconds(machine.random().below(500)));
    co_await machine.shard(0).sleep_until(machine.shard(0).now() + nap);
    const int doubled = co_await env::on_shard(machine.shard(0), machine.shard(1), [i] { return 2 * i; });
    auto answer = co_await ask(machine, {.host = server.host(), .port = 7, .path = {}},
                               "line " + std::to_string(doubled), machine.shard(0).now() + 1min);
    EXPECT_TRUE(answer);
    story += *answer + "\n";
    auto synced = co_await machine.pool().run(machine.shard(0), [&] {
      return (*file)->write_at(0, story) ? (*file)->sync() : Result<void>(fail(Errc::internal, "no write"));
    });
    EXPECT_TRUE(synced);
    machine.logger().info("line {} at {}", i, machine.clock().wall_now());
  }
}

std::uint64_t hash_of_busy_world(std::uint64_t seed) {
  World world(seed);
  Machine& server = world.add_machine("server");
  server.spawn(server.make<EchoServer>(server).serve(7));
  std::array<std::string, 3> stories;
  int ended = 0;
  for (std::size_t i = 0; i < stories.size(); ++i) {
    Machine& machine = world.add_machine("client-" + std::to_string(i));
    machine.spawn([](Machine& n, Machine& s, std::string& story, int& count) -> awaitable<void> {
      co_await busy_program(n, s, story);
      ++count;
    }(machine, server, stories[i], ended));
  }
  EXPECT_TRUE(world.run_until([&] { return ended == 3; }, 1min));
  for (const std::string& story : stories) EXPECT_EQ(story, stories[0]);
  EXPECT_EQ(stories[0].substr(0, 14), "line 0\nline 2\n");
  return world.trace_hash();
}

TEST(World, SameSeedGivesSameTraceAndAnotherSeedAnother) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const std::uint64_t hash = hash_of_busy_world(seed);
    EXPECT_EQ(hash, hash_of_busy_world(seed)) << "seed " << seed;
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 5u);
}

TEST(World, ClockJumpsToTheNextTimerAndStandsStillWhileTasksRun) {
  World world(1);
  Machine& machine = world.add_machine("a");
  std::vector<Instant> seen;
  machine.spawn([](env::Shard& shard, std::vector<Instant>& to) -> awaitable<void> {
    to.push_back(shard.now());
    co_await shard.sleep_until(shard.now() + 24h);
    to.push_back(shard.now());
  }(machine.shard(0), seen));
  world.run_for(48h);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1] - seen[0], 24h);
  EXPECT_EQ(world.now(), Instant(48h));
}

TEST(World, WallClockOfOneNodeMayBeWrong) {
  World world(1);
  Machine& right = world.add_machine("right");
  Machine& wrong = world.add_machine("wrong");
  wrong.clock().set_wall_offset(-1h);
  world.run_for(5s);
  EXPECT_EQ(right.clock().wall_now() - wrong.clock().wall_now(), 3'600'000);
  EXPECT_EQ(right.clock().now(), wrong.clock().now());
}

TEST(Shard, PostsFromOneShardToAnotherKeepTheirOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    Machine& machine = world.add_machine("a", {.shards = 3});
    std::vector<int> from_0;
    std::vector<int> from_1;
    std::vector<int> both;
    machine.shard(0).post([&] {
      for (int i = 0; i < 50; ++i) machine.shard(2).post([&, i] { from_0.push_back(i), both.push_back(0); });
    });
    machine.shard(1).post([&] {
      for (int i = 0; i < 50; ++i) machine.shard(2).post([&, i] { from_1.push_back(i), both.push_back(1); });
    });
    world.run_for(1ms);
    ASSERT_EQ(from_0.size(), 50u);
    EXPECT_TRUE(std::ranges::is_sorted(from_0));
    EXPECT_TRUE(std::ranges::is_sorted(from_1));
    EXPECT_FALSE(std::ranges::is_sorted(both)) << "posts from two shards should mix";
  }
}

TEST(Shard, IsCurrentOnlyWhileOneOfItsTasksRuns) {
  World world(1);
  Machine& machine = world.add_machine("a");
  bool on_own = false;
  bool on_other = true;
  machine.shard(1).post([&] {
    on_own = machine.shard(1).is_current();
    on_other = machine.shard(0).is_current();
  });
  world.run_for(1ms);
  EXPECT_TRUE(on_own);
  EXPECT_FALSE(on_other);
  EXPECT_FALSE(machine.shard(1).is_current());
}

TEST(Timer, CancelEndsTheWaitEarlyAndLaterWaitsAreUntouched) {
  World world(1);
  Machine& machine = world.add_machine("a");
  env::Shard& shard = machine.shard(0);
  auto timer = shard.make_timer();
  timer->cancel();
  std::vector<Errc> ended;
  machine.spawn([](env::Shard& s, env::Timer& t, std::vector<Errc>& to) -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      auto waited = co_await t.wait_until(s.now() + 10s);
      to.push_back(waited ? Errc::internal : waited.error().code);
    }
  }(shard, *timer, ended));
  world.run_for(1s);
  timer->cancel();
  world.run_for(1s);
  EXPECT_EQ(ended, std::vector{Errc::cancelled});
  world.run_for(10s);
  EXPECT_EQ(ended, (std::vector{Errc::cancelled, Errc::internal}));
}

TEST(Pool, JobsStartInOrderAndAnswerOnTheCallersShardAfterTheDisksTime) {
  World world(3);
  Machine& machine = world.add_machine("a", {.disk = {.sync_min = 10ms, .sync_mean = 0ms}});
  auto file = *machine.files().open("f", env::OpenMode::create);
  const Instant before = world.now();
  const bool home = world.run(machine, [](Machine& n, env::File& f) -> awaitable<bool> {
    const bool synced = co_await n.metadata_pool().run(n.shard(0), [&] { return f.sync().has_value(); });
    co_return synced&& n.shard(0).is_current();
  }(machine, *file));
  EXPECT_TRUE(home);
  EXPECT_GE(world.now() - before, 10ms);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) machine.metadata_pool().submit([&, i] { order.push_back(i); });
  world.run_for(1s);
  EXPECT_EQ(order.size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Machine, KillDestroysEveryCoroutineWhereItWaits) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world(seed);
    Machine& server = world.add_machine("server");
    server.spawn(server.make<EchoServer>(server).serve(7));
    Machine& machine = world.add_machine("a");
    auto& event = machine.make<env::Event>(machine.shard(0));
    auto alive = std::make_shared<int>(0);
    const auto waits = [](Machine& n, Machine& s, env::Event& e, int which, std::shared_ptr<int>) -> awaitable<void> {
      env::Shard& shard = n.shard(0);
      std::array<char, 10> buffer;
      if (which == 0) co_await e.wait();
      if (which == 1) co_await shard.sleep_until(shard.now() + 1h);
      if (which == 2) co_await n.pool().run(shard, [&] { n.logger().info("job"); });
      if (which == 3) {
        auto stream = co_await shard.network().connect({.host = s.host(), .port = 7, .path = {}}, shard.now() + 1h);
        if (stream) (void)co_await (*stream)->read_some(buffer);
      }
      if (which == 4) co_await env::on_shard(shard, n.shard(1), [] {});
      while (true) co_await e.wait();
    };
    for (int which = 0; which < 5; ++which) machine.spawn(waits(machine, server, event, which, alive));
    world.run_for(std::chrono::microseconds(world.rng().below(300)));
    EXPECT_GT(alive.use_count(), 1);
    machine.kill();
    EXPECT_EQ(alive.use_count(), 1) << "seed " << seed;
    EXPECT_FALSE(machine.is_running());
    world.run_for(1s);
    machine.start();
    auto answer =
        world.run(machine, ask(machine, {.host = "server", .port = 7, .path = {}}, "again", world.now() + 1s));
    EXPECT_EQ(answer.value(), "again");
  }
}

TEST(Machine, ObjectsOfAProcessGoAfterItsCoroutinesAndTheLastOneFirst) {
  struct Mark {
    std::string name;
    std::vector<std::string>& gone;
    Mark(std::string n, std::vector<std::string>& to) : name(std::move(n)), gone(to) {}
    ~Mark() { gone.push_back(name); }
  };
  World world(1);
  Machine& machine = world.add_machine("a");
  std::vector<std::string> gone;
  machine.make<Mark>("first", gone);
  machine.make<Mark>("second", gone);
  machine.spawn([](env::Shard& shard, std::vector<std::string>& to) -> awaitable<void> {
    const Mark local("coroutine", to);
    co_await shard.sleep_until(Instant::never());
  }(machine.shard(0), gone));
  world.run_for(1ms);
  machine.kill();
  EXPECT_EQ(gone, (std::vector<std::string>{"coroutine", "second", "first"}));
}

/// Tells others at its end, as a hold on a connection does.
struct NotifiesAtItsEnd {
  std::shared_ptr<env::Event> event;
  ~NotifiesAtItsEnd() { event->notify_all(); }
};

TEST(Machine, KillDestroysWhoWaitsAndWhoWouldHaveWokenThemInAnyOrder) {
  World world(1);
  Machine& machine = world.add_machine("machine", {.shards = 1});
  env::Shard& shard = machine.shard(0);
  const auto event = std::make_shared<env::Event>(shard);
  const auto wait = [](std::shared_ptr<env::Event> kept) -> awaitable<void> { co_await kept->wait(); };
  const auto hold = [](env::Shard& on, std::shared_ptr<env::Event> told) -> awaitable<void> {
    const NotifiesAtItsEnd tells{std::move(told)};
    co_await on.sleep_until(Instant::never());
  };
  for (int i = 0; i < 4; ++i) {
    machine.spawn(wait(event));
    machine.spawn(hold(shard, event));
  }
  world.run_for(1ms);
  EXPECT_TRUE(event->has_waiters());
  machine.kill();
  EXPECT_FALSE(event->has_waiters());
}

}  // namespace
}  // namespace mq::sim
