#include "http/client.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "sim/machine/world.h"

namespace mq::http {
namespace {

constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";

std::string answer_of(std::string_view body, std::string_view more_headers = "") {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), more_headers, body);
}

/// What a server says to the requests that come, whatever they are, and what it heard.
struct Script {
  struct Step {
    std::string say;
    bool then_close = false;
    bool in_bytes = false;  ///< each in a segment of its own
  };
  std::deque<Step> steps;          ///< one for each request; none left: silence
  std::vector<std::string> heard;  ///< whole requests
  std::string first_words;         ///< said before any request
  int connections = 0;
};

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() { serve(); }

  Result<Answer> post(std::string body = "{}", Duration patience = 1s, std::size_t body_bytes_max = 1000) {
    return world_.run(machine_, client_.post({.path = "/v3/x", .headers = {}, .body = std::move(body)}, body_bytes_max,
                                             world_.now() + patience));
  }
  std::string body_of(const Result<Answer>& answer) { return answer ? answer->body : answer.error().message; }
  Errc code_of(const Result<Answer>& answer) { return answer ? Errc::internal : answer.error().code; }

  void serve() {
    server_.spawn([](env::Shard& shard, Script& script) -> awaitable<void> {
      const auto listener = shard.network().listen({.host = "server", .port = 80, .path = {}}).value();
      while (auto stream = co_await listener->accept()) {
        ++script.connections;
        co_await talk(**stream, script);
      }
    }(server_.shard(0), script_));
  }

  static awaitable<void> talk(env::Stream& stream, Script& script) {
    if (!script.first_words.empty()) co_await say(stream, script.first_words, false);
    while (co_await hear(stream, script)) {
      if (script.steps.empty()) continue;
      const Script::Step step = std::move(script.steps.front());
      script.steps.pop_front();
      co_await say(stream, step.say, step.in_bytes);
      if (step.then_close) co_return;
    }
  }

  static awaitable<void> say(env::Stream& stream, BytesView text, bool in_bytes) {
    while (!text.empty()) {
      const BytesView pieces[] = {text.substr(0, in_bytes ? 1 : text.size())};
      if (!co_await stream.write(pieces)) co_return;
      text.remove_prefix(pieces[0].size());
    }
  }

  /// A whole request; false at the end.
  static awaitable<bool> hear(env::Stream& stream, Script& script) {
    std::string request;
    std::size_t size = std::string::npos;
    while (request.size() < size) {
      char byte;
      if (!co_await stream.read_some({&byte, 1})) co_return false;
      request += byte;
      if (size == std::string::npos && request.ends_with("\r\n\r\n"))
        size = request.size() + std::stoul(request.substr(request.find("Content-Length: ") + 16));
    }
    script.heard.push_back(std::move(request));
    co_return true;
  }

  sim::World world_{1};
  sim::Machine& server_ = world_.add_machine("server");
  sim::Machine& machine_ = world_.add_machine("client");
  Script script_;
  Client client_{machine_.shard(0), {.host = "server", .port = 80, .path = {}}};
};

TEST_F(HttpClientTest, PostIsSentAsItIsMeant) {
  script_.steps = {{kHello}};
  const auto answer = world_.run(
      machine_, client_.post({.path = "/v3/kv/txn", .headers = {{"Authorization", "abc.1"}}, .body = "{\"a\":1}"}, 100,
                             world_.now() + 1s));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello\n");
  EXPECT_EQ(script_.heard.at(0),
            "POST /v3/kv/txn HTTP/1.1\r\nHost: server:80\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"
            "Connection: keep-alive\r\nAuthorization: abc.1\r\n\r\n{\"a\":1}");
}

TEST_F(HttpClientTest, ConnectionIsKeptForTheNextRequest) {
  script_.steps = {{answer_of("1")}, {answer_of("2")}, {answer_of("3")}};
  for (const char* body : {"1", "2", "3"}) EXPECT_EQ(body_of(post()), body);
  EXPECT_EQ(script_.connections, 1);
}

TEST_F(HttpClientTest, ConnectionThatTheServerWantsClosedIsNotUsedAgain) {
  script_.steps = {{answer_of("1", "Connection: close\r\n")}, {answer_of("2")}};
  EXPECT_EQ(body_of(post()), "1");
  EXPECT_EQ(body_of(post()), "2");
  EXPECT_EQ(script_.connections, 2);
}

TEST_F(HttpClientTest, ConnectionThatTheServerHasClosedMeanwhileCostsNoRequest) {
  script_.steps = {{answer_of("1"), true}, {answer_of("2")}};
  EXPECT_EQ(body_of(post()), "1");
  world_.run_for(1s);
  EXPECT_EQ(body_of(post()), "2");
  EXPECT_EQ(script_.heard.size(), 2u);
}

TEST_F(HttpClientTest, RequestIsNeverSentTwice) {
  script_.steps = {{"", true}, {kHello}};
  EXPECT_EQ(code_of(post()), Errc::closed);
  EXPECT_EQ(script_.heard.size(), 1u);
}

TEST_F(HttpClientTest, ChunksAreJoinedAndTrailersPassedOver) {
  script_.steps = {
      {"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
       "X: y\r\n\r\n"},
      {kHello}};
  const auto answer = post();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "abcde");
  EXPECT_EQ(body_of(post()), "hello\n");
  EXPECT_EQ(script_.connections, 1);
}

TEST_F(HttpClientTest, AnswerInSingleBytesIsTheSame) {
  script_.steps = {
      {kHello, false, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false, true}};
  EXPECT_EQ(body_of(post()), "hello\n");
  EXPECT_EQ(body_of(post()), "abcde");
}

TEST_F(HttpClientTest, BodyMayEndWithTheConnection) {
  script_.steps = {{"HTTP/1.1 200 OK\r\n\r\nall of it", true}, {kHello}};
  EXPECT_EQ(body_of(post()), "all of it");
  EXPECT_EQ(body_of(post()), "hello\n");
}

TEST_F(HttpClientTest, HalfAnAnswerIsNone) {
  for (const char* half : {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhel", "HTTP/1.1 200 OK\r\nConte", "",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    script_.steps = {{half, true}};
    EXPECT_EQ(code_of(post()), Errc::closed) << half;
  }
}

TEST_F(HttpClientTest, NoiseIsCorrupt) {
  for (const char* noise :
       {"\x16\x03\x01\x02 no http\r\n\r\n", "220 mail ready\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"}) {
    script_.steps = {{noise}};
    EXPECT_EQ(code_of(post()), Errc::corrupt) << noise;
  }
  script_.steps = {{kHello}};
  EXPECT_EQ(body_of(post()), "hello\n");
}

TEST_F(HttpClientTest, LargeAnswersAreRefused) {
  const std::string large(1001, 'x');
  const std::vector<std::string> answers{
      answer_of(large),
      "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n",
      fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{}\r\n1\r\nx\r\n0\r\n\r\n",
                  large.substr(1)),
      "HTTP/1.1 200 OK\r\nX: " + std::string(Client::kHeaderBytesMax, 'x') + "\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(2 * Client::kHeaderBytesMax, 'x'),
      "HTTP/1.1 200 OK\r\n\r\n" + large};
  for (const std::string& answer : answers) {
    script_.steps = {{answer}};
    EXPECT_EQ(code_of(post()), Errc::too_large) << answer.substr(0, 100);
  }
  script_.steps = {{answer_of(large.substr(1))}};
  EXPECT_EQ(body_of(post()), large.substr(1));
}

TEST_F(HttpClientTest, SilenceTimesOutAndTheConnectionGoes) {
  const Instant began = world_.now();
  EXPECT_EQ(code_of(post("{}", 3s)), Errc::timed_out);
  EXPECT_EQ(world_.now() - began, 3s);
  script_.steps = {{kHello}};
  EXPECT_EQ(body_of(post()), "hello\n");
  EXPECT_EQ(script_.connections, 2);
}

TEST_F(HttpClientTest, WithoutAServerNothingWasSent) {
  server_.kill();
  EXPECT_EQ(code_of(post()), Errc::unreachable);
  server_.lose_power();
  EXPECT_EQ(code_of(post("{}", 2s)), Errc::unreachable);
}

TEST_F(HttpClientTest, WhatIsSaidUnaskedIsNoAnswer) {
  script_.steps = {{std::string(kHello) + kHello}, {answer_of("2")}};
  EXPECT_EQ(body_of(post()), "hello\n");
  EXPECT_EQ(body_of(post()), "2");
  EXPECT_EQ(script_.connections, 2);
}

TEST_F(HttpClientTest, HeaderWithALineEndIsNotSent) {
  for (const char* value : {"a\r\nX: y", "a\nb", "\x80"}) {
    const auto answer = world_.run(
        machine_, client_.post({.path = "/", .headers = {{"Authorization", value}}, .body = ""}, 1, world_.now() + 1s));
    EXPECT_EQ(code_of(answer), Errc::invalid_argument);
  }
  EXPECT_TRUE(script_.heard.empty());
}

TEST_F(HttpClientTest, StreamIsReadInPiecesAndItsEndIsTold) {
  script_.steps = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false, true}, {kHello}};
  const auto text = world_.run(machine_, [](Client& client, Instant deadline) -> awaitable<std::string> {
    const auto status = co_await client.begin({.path = "/", .headers = {}, .body = {}}, deadline);
    EXPECT_EQ(status, 200);
    std::string all;
    while (true) {
      const auto piece = co_await client.read(Instant::never());
      EXPECT_TRUE(piece);
      if (!piece || piece->empty()) co_return all;
      all += *piece;
    }
  }(client_, world_.now() + 1s));
  EXPECT_EQ(text, "abcde");
  EXPECT_EQ(body_of(post()), "hello\n");
  EXPECT_EQ(script_.connections, 1);
}

TEST_F(HttpClientTest, CloseEndsAStreamThatIsRead) {
  script_.steps = {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}};
  bool ended = false;
  machine_.spawn([](Client& client, Instant deadline, bool& done) -> awaitable<void> {
    EXPECT_EQ(co_await client.begin({.path = "/", .headers = {}, .body = {}}, deadline), 200);
    const auto piece = co_await client.read(Instant::never());
    EXPECT_FALSE(piece);
    EXPECT_EQ(piece.error().code, Errc::closed);
    done = true;
  }(client_, world_.now() + 1s, ended));
  world_.run_for(10s);
  EXPECT_FALSE(ended);
  client_.close();
  world_.run_for(1s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(code_of(post()), Errc::unreachable);
}

}  // namespace
}  // namespace mq::http
