#include "sim/machine/fabric.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "sim/machine/world.h"

namespace mq::sim {
namespace {

constexpr std::uint16_t kPort = 9092;

env::Address at(std::string host, std::uint16_t port = kPort) {
  return {.host = std::move(host), .port = port, .path = {}};
}

awaitable<Result<std::string>> read_until_closed(env::Stream& stream) {
  std::string all;
  std::array<char, 1000> buffer;
  while (true) {
    auto got = co_await stream.read_some(buffer);
    if (!got && got.error().code == Errc::closed && !all.empty()) co_return all;
    if (!got) co_return std::unexpected(got.error());
    all.append(buffer.data(), *got);
  }
}

awaitable<Result<void>> write(env::Stream& stream, std::string text) {
  const BytesView piece = text;
  co_return co_await stream.write({&piece, 1});
}

struct Pair {
  std::unique_ptr<env::Stream> client;
  std::unique_ptr<env::Stream> server;
};

class FabricTest : public ::testing::Test {
 protected:
  Pair connect() {
    Pair pair;
    auto listener = b.shard(0).network().listen(at("b"));
    b.spawn([](env::Listener& from, Pair& to) -> awaitable<void> { to.server = *co_await from.accept(); }(**listener,
                                                                                                          pair));
    pair.client = *world.run(a, a.shard(0).network().connect(at("b"), world.now() + 1s));
    EXPECT_TRUE(world.run_until([&] { return pair.server != nullptr; }, 1s));
    return pair;
  }

  World world{7};
  Machine& a = world.add_machine("a");
  Machine& b = world.add_machine("b");
};

TEST_F(FabricTest, BytesArriveInOrderAndTheEndComesAfterThem) {
  auto pair = connect();
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    sent += line;
    ASSERT_TRUE(world.run(a, write(*pair.client, line)));
  }
  pair.client->close();
  EXPECT_EQ(world.run(b, read_until_closed(*pair.server)).value(), sent);
}

TEST_F(FabricTest, AddressesNameBothEnds) {
  auto pair = connect();
  EXPECT_EQ(pair.server->local_address(), at("b"));
  EXPECT_EQ(pair.client->remote_address(), at("b"));
  EXPECT_EQ(pair.server->remote_address(), pair.client->local_address());
  EXPECT_EQ(pair.client->local_address().host, "a");
}

TEST_F(FabricTest, WriterWaitsWhileTheReaderDoesNotRead) {
  auto pair = connect();
  const std::string big(FabricOptions{}.buffer_bytes * 3, 'x');
  bool written = false;
  a.spawn([](env::Stream& stream, std::string text, bool& done) -> awaitable<void> {
    EXPECT_TRUE(co_await write(stream, std::move(text)));
    done = true;
    stream.close();
  }(*pair.client, big, written));
  world.run_for(1min);
  EXPECT_FALSE(written);
  EXPECT_EQ(world.run(b, read_until_closed(*pair.server)).value().size(), big.size());
  EXPECT_TRUE(written);
}

TEST_F(FabricTest, CloseEndsAReadInProgressWithCancelled) {
  auto pair = connect();
  Errc ended = Errc::internal;
  b.spawn([](env::Stream& stream, Errc& to) -> awaitable<void> {
    auto all = co_await read_until_closed(stream);
    to = all.error().code;
  }(*pair.server, ended));
  world.run_for(1s);
  pair.server->close();
  world.run_for(1s);
  EXPECT_EQ(ended, Errc::cancelled);
}

TEST_F(FabricTest, WritingToAClosedPeerFailsOnceItsResetHasArrived) {
  auto pair = connect();
  pair.server->close();
  Result<void> written;
  for (int i = 0; i < 10 && written; ++i) {
    written = world.run(a, write(*pair.client, "hello"));
    world.run_for(1ms);
  }
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::closed);
}

TEST_F(FabricTest, OneWayPartitionHoldsBytesBackAndHealingDeliversThem) {
  auto pair = connect();
  world.fabric().block("a", "b");
  ASSERT_TRUE(world.run(a, write(*pair.client, "late")));
  ASSERT_TRUE(world.run(b, write(*pair.server, "on time")));
  world.run_for(10s);
  std::array<char, 100> buffer;
  EXPECT_EQ(pair.server->try_read(buffer).value(), 0u);
  EXPECT_EQ(pair.client->try_read(buffer).value(), 7u);
  world.fabric().heal();
  pair.client->close();
  EXPECT_EQ(world.run(b, read_until_closed(*pair.server)).value(), "late");
}

TEST_F(FabricTest, ConnectAcrossACutTimesOut) {
  auto listener = b.shard(0).network().listen(at("b"));
  world.fabric().cut("a", "b");
  const auto tried = world.run(a, a.shard(0).network().connect(at("b"), world.now() + 3s));
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().code, Errc::timed_out);
}

TEST_F(FabricTest, ConnectWithoutListenerOrHostIsUnreachable) {
  EXPECT_EQ(world.run(a, a.shard(0).network().connect(at("b"), world.now() + 3s)).error().code, Errc::unreachable);
  EXPECT_EQ(world.run(a, a.shard(0).network().connect(at("c"), world.now() + 3s)).error().code, Errc::unreachable);
}

TEST_F(FabricTest, SecondListenerOnAnAddressIsRefusedUntilTheFirstIsGone) {
  auto first = b.shard(0).network().listen(at(""));
  EXPECT_EQ(b.shard(1).network().listen(at("localhost")).error().code, Errc::refused);
  first->reset();
  EXPECT_TRUE(b.shard(1).network().listen(at("localhost")));
  EXPECT_NE((*b.shard(0).network().listen(at("", 0)))->local_address().port, 0);
}

TEST_F(FabricTest, UnixSocketConnectsWithinOneHostOnly) {
  const env::Address socket{.host = {}, .port = 0, .path = "/run/mq.sock"};
  auto listener = b.shard(0).network().listen(socket);
  EXPECT_TRUE(world.run(b, b.shard(1).network().connect(socket, world.now() + 1s)));
  EXPECT_EQ(world.run(a, a.shard(0).network().connect(socket, world.now() + 1s)).error().code, Errc::unreachable);
}

TEST_F(FabricTest, ResetEndsBothSidesWithClosed) {
  auto pair = connect();
  EXPECT_EQ(world.fabric().reset("b", "a"), 1u);
  world.run_for(1s);
  std::array<char, 10> buffer;
  EXPECT_EQ(pair.client->try_read(buffer).error().code, Errc::closed);
  EXPECT_EQ(pair.server->try_read(buffer).error().code, Errc::closed);
}

TEST_F(FabricTest, KilledPeerIsSeenAsClosedButOneWithoutPowerIsSilentUntilItIsBack) {
  for (const bool power_goes : {false, true}) {
    std::unique_ptr<env::Stream> client;
    {
      // The server end belongs to the process, as a broker's would.
      auto listener = b.shard(0).network().listen(at("b"));
      client = *world.run(a, a.shard(0).network().connect(at("b"), world.now() + 1s));
      auto server = *world.run(b, (*listener)->accept());
      b.own(std::shared_ptr<env::Stream>(std::move(server)));
    }
    power_goes ? b.lose_power() : b.kill();
    world.run_for(1min);
    std::array<char, 10> buffer;
    const auto heard = client->try_read(buffer);
    EXPECT_EQ(heard.has_value(), power_goes);
    b.start();
    world.run_for(1s);
    EXPECT_EQ(client->try_read(buffer).error().code, Errc::closed);
  }
}

TEST_F(FabricTest, StreamMovesToAnotherShard) {
  auto pair = connect();
  pair.server->move_to(b.shard(1));
  bool on_shard_1 = false;
  b.spawn(
      [](Machine& machine, env::Stream& stream, bool& to) -> awaitable<void> {
        std::array<char, 10> buffer;
        EXPECT_TRUE(co_await stream.read_some(buffer));
        to = machine.shard(1).is_current();
      }(b, *pair.server, on_shard_1),
      1);
  world.run_for(1s);
  ASSERT_TRUE(world.run(a, write(*pair.client, "hello")));
  world.run_for(1s);
  EXPECT_TRUE(on_shard_1);
}

TEST_F(FabricTest, SendFileSendsTheRange) {
  auto pair = connect();
  auto file = *b.files().open("data", env::OpenMode::create);
  ASSERT_TRUE(file->write_at(0, "0123456789"));
  ASSERT_TRUE(world.run(b, pair.server->send_file(*file, 2, 5)));
  pair.server->close();
  EXPECT_EQ(world.run(a, read_until_closed(*pair.client)).value(), "23456");
}

}  // namespace
}  // namespace mq::sim
