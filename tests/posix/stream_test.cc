#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <functional>
#include <optional>
#include <vector>

#include "env/task_group.h"
#include "posix/descriptor.h"
#include "posix/posix_testing.h"
#include "posix/socket_address.h"

namespace mq::posix {
namespace {

const env::Address kAnyPort{.host = "127.0.0.1", .port = 0, .path = {}};

struct Pair {
  std::unique_ptr<env::Stream> client;
  std::unique_ptr<env::Stream> server;
};

awaitable<Pair> connected_pair(Runtime& runtime, env::Address at = kAnyPort) {
  env::Network& network = runtime.shard(0).network();
  auto listener = network.listen(at).value();
  auto client = (co_await network.connect(listener->local_address(), Instant::never())).value();
  auto server = (co_await listener->accept()).value();
  co_return Pair{.client = std::move(client), .server = std::move(server)};
}

awaitable<void> write_all(env::Stream& stream, BytesView bytes) {
  const BytesView pieces[] = {bytes};
  EXPECT_TRUE(co_await stream.write(pieces));
}

awaitable<std::string> read_exactly(env::Stream& stream, std::size_t size) {
  std::string got(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    auto n = co_await stream.read_some({got.data() + done, size - done});
    if (!n) break;
    done += *n;
  }
  got.resize(done);
  co_return got;
}

/// Long enough for what was spawned to wait for its socket.
awaitable<void> let_run(Runtime& runtime) {
  for (int turn = 0; turn < 3; ++turn) co_await env::on_shard(runtime.shard(0), runtime.shard(0), [] {});
}

std::string counted_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 24);
  return bytes;
}

TEST(Stream, APeerThatHasLeftIsKnownWhateverItHasSent) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Pair pair = co_await connected_pair(runtime);
    EXPECT_FALSE(pair.server->has_peer_left());
    co_await write_all(*pair.client, "unread");
    EXPECT_FALSE(pair.server->has_peer_left());
    pair.client->close();
    EXPECT_TRUE(pair.server->has_peer_left());
    EXPECT_EQ(co_await read_exactly(*pair.server, 6), "unread");
  });
}

TEST(Stream, BytesArriveInOrderBothWays) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    for (const std::string word : {"one", "two", "three"}) {
      co_await write_all(*client, word);
      EXPECT_EQ(co_await read_exactly(*server, word.size()), word);
      co_await write_all(*server, word + "!");
      EXPECT_EQ(co_await read_exactly(*client, word.size() + 1), word + "!");
    }
  });
}

TEST(Stream, HasItsTurnBetweenTasksThatPostTasksForEver) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    bool is_over = false;
    std::function<void()> post_again = [&] {
      if (!is_over) runtime.shard(0).post(post_again);
    };
    env::TaskGroup tasks(runtime.shard(0));
    tasks.spawn([](env::Stream& from, bool& over) -> awaitable<void> {
      EXPECT_EQ(co_await read_exactly(from, 5), "hello");
      over = true;
    }(*server, is_over));
    co_await let_run(runtime);
    post_again();
    co_await write_all(*client, "hello");
    co_await tasks.join();
  });
}

TEST(Stream, AddressesOfBothEndsMatch) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    EXPECT_EQ(client->local_address(), server->remote_address());
    EXPECT_EQ(client->remote_address(), server->local_address());
    EXPECT_EQ(server->local_address().host, "127.0.0.1");
    EXPECT_NE(server->local_address().port, 0);
  });
}

bool has_ipv6() {
  const Descriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  return ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) == 0;
}

/// The addresses of both ends of a connection to `host`, as the listener at `at` sees them.
awaitable<std::pair<env::Address, env::Address>> ends_of(env::Network& network, std::string at, std::string host) {
  auto listener = network.listen({.host = at, .port = 0, .path = {}}).value();
  const env::Address to{.host = host, .port = listener->local_address().port, .path = {}};
  auto client = (co_await network.connect(to, Instant::never())).value();
  auto server = (co_await listener->accept()).value();
  co_return std::pair{server->local_address(), server->remote_address()};
}

TEST(Stream, Ipv6EndsAreWrittenWithoutBrackets) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const auto [here, there] = co_await ends_of(runtime.shard(0).network(), "::1", "::1");
    EXPECT_EQ(here.host, "::1");
    EXPECT_EQ(there.host, "::1");
  });
}

TEST(Stream, Ipv4PeerOfAnIpv6ListenerHasAnIpv4Address) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    for (const char* at : {"::", "::ffff:127.0.0.1"}) {
      const auto [here, there] = co_await ends_of(runtime.shard(0).network(), at, "127.0.0.1");
      EXPECT_EQ(here.host, "127.0.0.1") << at;
      EXPECT_EQ(there.host, "127.0.0.1") << at;
    }
  });
}

TEST(Network, StarListensOnEveryAddress) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    EXPECT_EQ((co_await ends_of(network, "*", "127.0.0.1")).first.host, "127.0.0.1");
    if (has_ipv6()) {
      EXPECT_EQ((co_await ends_of(network, "*", "::1")).first.host, "::1");
    }
  });
}

TEST(Stream, GatheringWriteLargerThanTheSocketWaitsForTheReader) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    const std::string bytes = counted_bytes(24 << 20);
    std::vector<BytesView> pieces{BytesView()};  // empty pieces are fine
    for (std::size_t at = 0; at < bytes.size(); at += 10'007) pieces.push_back(BytesView(bytes).substr(at, 10'007));
    pieces.push_back(BytesView());

    env::TaskGroup tasks(runtime.shard(0));
    bool written = false;
    tasks.spawn([](env::Stream& to, std::span<const BytesView> what, bool& done) -> awaitable<void> {
      EXPECT_TRUE(co_await to.write(what));
      done = true;
    }(*client, pieces, written));
    std::string first(1, '\0');
    EXPECT_EQ((co_await server->read_some(first)).value(), 1U);
    EXPECT_FALSE(written);
    EXPECT_TRUE(first + co_await read_exactly(*server, bytes.size() - 1) == bytes);
    co_await tasks.join();
    EXPECT_TRUE(written);
  });
}

TEST(Stream, SendFileSendsTheRangeOfTheFile) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    auto [client, server] = co_await connected_pair(runtime);
    const std::string bytes = counted_bytes(8 << 20);
    auto file = runtime.files().open(directory.file("data"), env::OpenMode::create).value();
    EXPECT_TRUE(file->write_at(0, bytes));

    env::TaskGroup tasks(runtime.shard(0));
    tasks.spawn([](env::Stream& to, env::File& from, std::size_t size) -> awaitable<void> {
      EXPECT_TRUE(co_await to.send_file(from, 3, size));
    }(*server, *file, bytes.size() - 7));
    EXPECT_TRUE(co_await read_exactly(*client, bytes.size() - 7) == bytes.substr(3, bytes.size() - 7));
    co_await tasks.join();
  });
}

TEST(Stream, SendFilePastTheEndOfTheFileIsAnError) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    auto [client, server] = co_await connected_pair(runtime);
    auto file = runtime.files().open(directory.file("data"), env::OpenMode::create).value();
    EXPECT_TRUE(file->write_at(0, "short"));
    EXPECT_EQ((co_await server->send_file(*file, 0, 6)).error().code, Errc::internal);
  });
}

TEST(Stream, TryReadGivesWhatIsThereAndNeverWaits) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    std::string to(16, '\0');
    EXPECT_EQ(server->try_read(to).value(), 0U);
    co_await write_all(*client, "abc");
    EXPECT_EQ(server->try_read(to).value(), 3U);
    client->close();
    EXPECT_EQ(server->try_read(to).error().code, Errc::closed);
  });
}

TEST(Stream, ReadsThatFillTheirBufferGetAllOfALongMessage) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    const std::string bytes = counted_bytes(1000);
    co_await write_all(*client, bytes);
    std::string got;
    for (int i = 0; i < 100; ++i) got += co_await read_exactly(*server, 10);
    EXPECT_TRUE(got == bytes);
  });
}

TEST(Stream, EndOfThePeerIsClosed) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    co_await write_all(*client, "last words");
    client->close();
    EXPECT_EQ(co_await read_exactly(*server, 10), "last words");
    std::string to(1, '\0');
    EXPECT_EQ((co_await server->read_some(to)).error().code, Errc::closed);
  });
}

TEST(Stream, EndThatComesWithTheLastBytesIsClosedAfterAShortRead) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    for (const bool reader_waits : {false, true}) {
      auto [client, server] = co_await connected_pair(runtime);
      env::TaskGroup tasks(runtime.shard(0));
      const auto read_all = [](env::Stream& from) -> awaitable<void> {
        std::string to(100, '\0');
        EXPECT_EQ((co_await from.read_some(to)).value(), 10U);
        EXPECT_EQ((co_await from.read_some(to)).error().code, Errc::closed);
        EXPECT_EQ((co_await from.read_some(to)).error().code, Errc::closed);
      };
      if (reader_waits) tasks.spawn(read_all(*server));
      co_await let_run(runtime);
      co_await write_all(*client, "last words");
      client->close();
      if (!reader_waits) tasks.spawn(read_all(*server));
      co_await tasks.join();
    }
  });
}

TEST(Stream, PeerThatResetsEndsAReadAndAWriteThatWait) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    env::TaskGroup tasks(runtime.shard(0));
    tasks.spawn([](env::Stream& from) -> awaitable<void> {
      std::string to(1, '\0');
      EXPECT_EQ((co_await from.read_some(to)).error().code, Errc::closed);
    }(*client));
    tasks.spawn([](env::Stream& to) -> awaitable<void> {
      const std::string bytes = counted_bytes(32 << 20);
      const BytesView pieces[] = {bytes};
      EXPECT_EQ((co_await to.write(pieces)).error().code, Errc::closed);
    }(*client));
    std::string first(1, '\0');
    EXPECT_TRUE(co_await server->read_some(first));
    server->close();
    co_await tasks.join();
    EXPECT_EQ((co_await client->read_some(first)).error().code, Errc::closed);
  });
}

TEST(Stream, ReaderMayCloseAndDestroyAnotherForWhichBytesCameAtTheSameTime) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    std::vector<Pair> pairs;
    for (int i = 0; i < 3; ++i) pairs.push_back(co_await connected_pair(runtime));
    env::TaskGroup tasks(runtime.shard(0));
    // A read that has waited: from now on the loop is told of this stream.
    tasks.spawn(
        [](env::Stream& from) -> awaitable<void> { EXPECT_EQ(co_await read_exactly(from, 1), "a"); }(*pairs[2].server));
    co_await let_run(runtime);
    co_await write_all(*pairs[2].client, "a");
    co_await tasks.join();
    int closed = 0;
    // Whoever is told first closes the second's stream and destroys the third, for which nobody waits.
    const auto read = [&](std::size_t self) -> awaitable<void> {
      std::string to(1, '\0');
      const auto got = co_await pairs[self].server->read_some(to);
      pairs[1 - self].server->close();
      pairs[2].server.reset();
      if (!got) ++closed;
    };
    tasks.spawn(read(0));
    tasks.spawn(read(1));
    co_await let_run(runtime);
    for (const Pair& pair : pairs) {
      const BytesView pieces[] = {"x"};
      EXPECT_EQ(pair.client->try_write(pieces).value(), 1U);
    }
    co_await tasks.join();
    EXPECT_EQ(closed, 1);
  });
}

TEST(Stream, WritingToAPeerThatResetIsClosed) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    co_await write_all(*client, "unread when the server closes, so that it resets");
    server->close();
    std::string to(1, '\0');
    EXPECT_EQ((co_await client->read_some(to)).error().code, Errc::closed);
    const BytesView pieces[] = {"x"};
    EXPECT_EQ((co_await client->write(pieces)).error().code, Errc::closed);
  });
}

TEST(Stream, CloseEndsAReadAndAWriteInProgressAsCancelled) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    env::TaskGroup tasks(runtime.shard(0));
    tasks.spawn([](env::Stream& from) -> awaitable<void> {
      std::string to(1, '\0');
      EXPECT_EQ((co_await from.read_some(to)).error().code, Errc::cancelled);
    }(*client));
    tasks.spawn([](env::Stream& to) -> awaitable<void> {
      const std::string bytes = counted_bytes(32 << 20);
      const BytesView pieces[] = {bytes};
      EXPECT_EQ((co_await to.write(pieces)).error().code, Errc::cancelled);
    }(*client));
    std::string first(1, '\0');
    EXPECT_TRUE(co_await server->read_some(first));
    client->close();
    client->close();
    co_await tasks.join();
    EXPECT_EQ((co_await client->read_some(first)).error().code, Errc::cancelled);
    EXPECT_EQ(client->try_read(first).error().code, Errc::cancelled);
  });
}

TEST(Stream, MovedToAnotherShardItIsUsedThere) {
  in_runtime({.shards = 2, .pool_threads = 1, .log = {}}, [](Runtime& runtime) -> awaitable<void> {
    auto [client, server] = co_await connected_pair(runtime);
    env::Shard& here = runtime.shard(0);
    env::Shard& there = runtime.shard(1);
    env::Event echoed(here);
    bool done = false;
    const auto echo_there = [&](env::Stream& stream) -> awaitable<void> {
      EXPECT_TRUE(there.is_current());
      const std::string word = co_await read_exactly(stream, 4);
      co_await write_all(stream, word);
      EXPECT_TRUE(there.is_current());
      stream.move_to(here);
      here.post([&] {
        done = true;
        echoed.notify_all();
      });
    };
    std::optional<env::TaskGroup> tasks;
    co_await write_all(*client, "pin");  // arrives before the move, the rest after it
    server->move_to(there);
    co_await env::on_shard(here, there, [&] { tasks.emplace(there).spawn(echo_there(*server)); });
    co_await write_all(*client, "g");
    EXPECT_EQ(co_await read_exactly(*client, 4), "ping");
    while (!done) co_await echoed.wait();
    co_await env::on_shard(here, there, [&] { EXPECT_EQ(tasks->size(), 0U); });
    co_await write_all(*client, "back");
    EXPECT_EQ(co_await read_exactly(*server, 4), "back");
  });
}

TEST(Network, NobodyListeningIsUnreachable) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(kAnyPort).value();
    const env::Address gone = listener->local_address();
    listener->close();
    EXPECT_EQ((co_await network.connect(gone, runtime.clock().now() + 5s)).error().code, Errc::unreachable);
  });
}

TEST(Network, FullBacklogUntilTheDeadlineIsTimedOut) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    SocketAddress where = resolve(kAnyPort, Resolve::literals_only).value().front();
    EXPECT_EQ(::bind(socket.get(), where.get(), where.size), 0);
    EXPECT_EQ(::listen(socket.get(), 0), 0);
    const env::Address full = SocketAddress::local_of(socket.get()).to_address();
    env::Network& network = runtime.shard(0).network();
    std::vector<std::unique_ptr<env::Stream>> waiting;
    Errc code = Errc::internal;
    while (waiting.size() < 16) {
      auto stream = co_await network.connect(full, runtime.clock().now() + 50ms);
      if (!stream) {
        code = stream.error().code;
        break;
      }
      waiting.push_back(*std::move(stream));
    }
    EXPECT_EQ(code, Errc::timed_out);
  });
}

TEST(Network, NamesAreResolved) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(kAnyPort).value();
    const env::Address named{.host = "localhost", .port = listener->local_address().port, .path = {}};
    EXPECT_TRUE(co_await network.connect(named, runtime.clock().now() + 10s));
  });
}

TEST(Network, TakenPortIsRefused) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(kAnyPort).value();
    EXPECT_EQ(network.listen(listener->local_address()).error().code, Errc::refused);
    co_return;
  });
}

TEST(Network, AddressWithoutHostIsInvalid) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    EXPECT_EQ(network.listen({}).error().code, Errc::invalid_argument);
    const env::Address every{.host = "*", .port = 1, .path = {}};
    EXPECT_EQ((co_await network.connect(every, Instant::never())).error().code, Errc::invalid_argument);
    EXPECT_EQ((co_await network.connect({}, Instant::never())).error().code, Errc::invalid_argument);
  });
}

TEST(Listener, CloseEndsAWaitingAcceptAsCancelled) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto listener = runtime.shard(0).network().listen(kAnyPort).value();
    env::TaskGroup tasks(runtime.shard(0));
    tasks.spawn([](env::Listener& from) -> awaitable<void> {
      EXPECT_EQ((co_await from.accept()).error().code, Errc::cancelled);
    }(*listener));
    co_await runtime.shard(0).sleep_until(runtime.clock().now());
    listener->close();
    co_await tasks.join();
    EXPECT_EQ((co_await listener->accept()).error().code, Errc::cancelled);
  });
}

TEST(Listener, ManyConnectionsAtOnceAreAllAccepted) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(kAnyPort).value();
    std::vector<std::unique_ptr<env::Stream>> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back((co_await network.connect(listener->local_address(), Instant::never())).value());
    }
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(co_await listener->accept());
  });
}

TEST(Listener, NoDescriptorLeftIsTooManyFilesAndPassesWhenOneIsFree) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(kAnyPort).value();
    auto client = (co_await network.connect(listener->local_address(), Instant::never())).value();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto refused = co_await listener->accept();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(refused.error().code, Errc::too_many_files);
    EXPECT_TRUE(co_await listener->accept());
  });
}

TEST(UnixSocket, CarriesBytesAndIsRemovedAtClose) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const env::Address at{.host = {}, .port = 0, .path = directory.file("socket")};
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(at).value();
    auto client = (co_await network.connect(at, Instant::never())).value();
    auto server = (co_await listener->accept()).value();
    co_await write_all(*client, "hello");
    EXPECT_EQ(co_await read_exactly(*server, 5), "hello");
    EXPECT_TRUE(server->remote_address().is_unix());
    listener->close();
    EXPECT_FALSE(runtime.files().exists(at.path).value());
  });
}

TEST(UnixSocket, LargeWritesBothWaysAtOnceAllArrive) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    auto [client, server] =
        co_await connected_pair(runtime, {.host = {}, .port = 0, .path = directory.file("both.sock")});
    const std::string bytes = counted_bytes(8 << 20);
    env::TaskGroup tasks(runtime.shard(0));
    const auto read = [&](env::Stream& from) -> awaitable<void> {
      EXPECT_TRUE(co_await read_exactly(from, bytes.size()) == bytes);
    };
    tasks.spawn(write_all(*client, bytes));
    tasks.spawn(write_all(*server, bytes));
    tasks.spawn(read(*client));
    tasks.spawn(read(*server));
    co_await tasks.join();
  });
}

TEST(UnixSocket, LeftBehindByADeadProcessIsReplaced) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const env::Address at{.host = {}, .port = 0, .path = directory.file("socket")};
    {
      const SocketAddress where = SocketAddress::of_unix_path(at.path).value();
      const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
      EXPECT_EQ(::bind(dead.get(), where.get(), where.size), 0);
    }
    EXPECT_TRUE(runtime.shard(0).network().listen(at));
    co_return;
  });
}

TEST(UnixSocket, InUseOrAnotherFileIsRefusedAndStays) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const env::Address at{.host = {}, .port = 0, .path = directory.file("socket")};
    env::Network& network = runtime.shard(0).network();
    auto listener = network.listen(at).value();
    EXPECT_EQ(network.listen(at).error().code, Errc::refused);
    EXPECT_TRUE(runtime.files().exists(at.path).value());

    const env::Address file{.host = {}, .port = 0, .path = directory.file("file")};
    EXPECT_TRUE(runtime.files().open(file.path, env::OpenMode::create));
    EXPECT_EQ(network.listen(file).error().code, Errc::refused);
    EXPECT_TRUE(runtime.files().exists(file.path).value());
    co_return;
  });
}

TEST(UnixSocket, PathTooLongIsInvalid) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const env::Address at{.host = {}, .port = 0, .path = "/tmp/" + std::string(200, 'x')};
    EXPECT_EQ(runtime.shard(0).network().listen(at).error().code, Errc::invalid_argument);
    co_return;
  });
}

}  // namespace
}  // namespace mq::posix
