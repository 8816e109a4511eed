#include "http/server.h"

#include <gtest/gtest.h>

#include "posix/posix_testing.h"

namespace mq::http {
namespace {

awaitable<Response> say_hello() { co_return Response{.body = "hello\n"}; }
awaitable<Response> not_ready() { co_return Response{.status = 503, .body = "loading\n"}; }

/// A server on a free port and one connection to it.
class ServerTest : public ::testing::Test {
 protected:
  void serve(std::function<awaitable<void>(env::Stream&)> talk,
             std::vector<Route> routes = {{"/hello", say_hello}, {"/readyz", not_ready}}) {
    posix::in_runtime([&](posix::Runtime& runtime) -> awaitable<void> {
      env::Shard& shard = runtime.shard(0);
      auto listener = shard.network().listen({.host = "127.0.0.1", .port = 0, .path = {}}).value();
      Server server(shard, std::move(listener), routes);
      server.start();
      auto stream = (co_await shard.network().connect(server.local_address(), Instant::never())).value();
      co_await talk(*stream);
      co_await server.stop();
    });
  }

  static awaitable<void> send(env::Stream& stream, std::string text) {
    const BytesView pieces[] = {text};
    EXPECT_TRUE(co_await stream.write(pieces));
  }

  /// Reads until `end` has come; what there is when the server closes before.
  static awaitable<std::string> read_until(env::Stream& stream, std::string end) {
    std::string got;
    while (!got.ends_with(end)) {
      char c;
      if (!co_await stream.read_some({&c, 1})) break;
      got += c;
    }
    co_return got;
  }

  static awaitable<std::string> read_to_end(env::Stream& stream) { return read_until(stream, "what is never sent"); }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(ServerTest, GetOfARouteAnswersAndKeepsTheConnection) {
  serve([](env::Stream& stream) -> awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      co_await send(stream, "GET /hello?verbose HTTP/1.1\r\nHost: x\r\n\r\n");
      const std::string answer = co_await read_until(stream, "hello\n");
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
      EXPECT_TRUE(contains(answer, "\r\nContent-Length: 6\r\n")) << answer;
      EXPECT_TRUE(contains(answer, "\r\nConnection: keep-alive\r\n")) << answer;
    }
  });
}

TEST_F(ServerTest, RequestInPiecesAndTwoAtOnceAreAnsweredInOrder) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "GET /he");
    co_await send(stream, "llo HTTP/1.1\r\nHo");
    co_await send(stream, "st: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE((co_await read_until(stream, "hello\n")).starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE((co_await read_until(stream, "loading\n")).starts_with("HTTP/1.1 503 Service Unavailable"));
  });
}

TEST_F(ServerTest, HeadAnswersTheHeaderOnly) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string answer = co_await read_to_end(stream);
    EXPECT_TRUE(contains(answer, "Content-Length: 6\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  });
}

TEST_F(ServerTest, ConnectionCloseAndHttp10CloseAfterTheAnswer) {
  for (const std::string request :
       {"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    serve([request](env::Stream& stream) -> awaitable<void> {
      co_await send(stream, request);
      const std::string answer = co_await read_to_end(stream);
      EXPECT_TRUE(contains(answer, "Connection: close\r\n")) << answer;
      EXPECT_TRUE(answer.ends_with("\r\n\r\nhello\n")) << answer;
    });
  }
}

TEST_F(ServerTest, UnknownPathIs404) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE((co_await read_until(stream, "404 Not Found\n")).starts_with("HTTP/1.1 404 "));
  });
}

TEST_F(ServerTest, OtherMethodIs405AndNamesTheAllowedOnes) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await read_until(stream, "405 Method Not Allowed\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_TRUE(contains(answer, "\r\nAllow: GET, HEAD\r\n")) << answer;
  });
}

TEST_F(ServerTest, BodyIs413AndCloses) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345");
    EXPECT_TRUE((co_await read_until(stream, "Large\n")).starts_with("HTTP/1.1 413 "));
  });
}

TEST_F(ServerTest, ChunkedBodyIs413) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream,
                  "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n");
    EXPECT_TRUE((co_await read_until(stream, "Large\n")).starts_with("HTTP/1.1 413 "));
  });
}

TEST_F(ServerTest, HeaderOverTheLimitIs431) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "GET /hello HTTP/1.1\r\nX-Long: " + std::string(Server::kHeaderBytesMax, 'x') + "\r\n\r\n");
    EXPECT_TRUE((co_await read_until(stream, "Large\n")).starts_with("HTTP/1.1 431 "));
  });
}

TEST_F(ServerTest, NoiseIs400) {
  serve([](env::Stream& stream) -> awaitable<void> {
    co_await send(stream, "\x16\x03\x01\x02 not http at all\r\n\r\n");
    EXPECT_TRUE((co_await read_until(stream, "Bad Request\n")).starts_with("HTTP/1.1 400 "));
  });
}

TEST_F(ServerTest, StopClosesIdleConnectionsAndLetsAnAnswerInProgressGoOut) {
  posix::in_runtime([](posix::Runtime& runtime) -> awaitable<void> {
    env::Shard& shard = runtime.shard(0);
    env::Event asked(shard);
    env::Event may_answer(shard);
    const auto slow = [&]() -> awaitable<Response> {
      asked.notify_all();
      co_await may_answer.wait();
      co_return Response{.body = "at last\n"};
    };
    Server server(shard, shard.network().listen({.host = "127.0.0.1", .port = 0, .path = {}}).value(),
                  {{"/slow", slow}});
    server.start();
    auto idle = (co_await shard.network().connect(server.local_address(), Instant::never())).value();
    auto busy = (co_await shard.network().connect(server.local_address(), Instant::never())).value();
    co_await send(*busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    co_await asked.wait();

    env::TaskGroup tasks(shard);
    tasks.spawn(server.stop());
    EXPECT_EQ(co_await read_to_end(*idle), "");
    may_answer.notify_all();
    const std::string answer = co_await read_to_end(*busy);
    EXPECT_TRUE(answer.ends_with("at last\n")) << answer;
    EXPECT_TRUE(contains(answer, "Connection: close")) << answer;
    co_await tasks.join();
  });
}

TEST_F(ServerTest, ConnectionOverTheLimitIsClosedAndTheOthersGoOn) {
  posix::in_runtime([](posix::Runtime& runtime) -> awaitable<void> {
    env::Shard& shard = runtime.shard(0);
    Server server(shard, shard.network().listen({.host = "127.0.0.1", .port = 0, .path = {}}).value(),
                  {{"/hello", say_hello}});
    server.start();
    std::vector<std::unique_ptr<env::Stream>> streams;
    for (std::size_t i = 0; i < Server::kConnectionsMax; ++i) {
      streams.push_back((co_await shard.network().connect(server.local_address(), Instant::never())).value());
      co_await send(*streams.back(), "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_TRUE((co_await read_until(*streams.back(), "hello\n")).ends_with("hello\n"));
    }
    auto one_too_many = (co_await shard.network().connect(server.local_address(), Instant::never())).value();
    EXPECT_EQ(co_await read_to_end(*one_too_many), "");
    co_await send(*streams.front(), "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE((co_await read_until(*streams.front(), "hello\n")).ends_with("hello\n"));
    co_await server.stop();
  });
}

}  // namespace
}  // namespace mq::http
