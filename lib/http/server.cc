#include "http/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "http/request.h"

namespace mq::http {
namespace {

/// How long accepting rests when the process has no descriptor left.
constexpr Duration kAcceptPause = 200ms;

/// What a refused peer may still send before we close, so that the reset of unread bytes does not overtake our answer.
constexpr std::size_t kIgnoredBytesMax = 64 << 10;
constexpr Duration kIgnoringPatience = 1s;

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

Response plain(int status) { return {.status = status, .body = fmt::format("{} {}\n", status, reason(status))}; }

std::string header_of(const Response& response, bool keep_alive) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n{}Cache-Control: no-store\r\n\r\n",
      response.status, reason(response.status), response.content_type, response.body.size(),
      keep_alive ? "keep-alive" : "close", response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

}  // namespace

/// One peer: its stream, the bytes read ahead, and the deadline that `watch` enforces.
class Server::Connection {
 public:
  Connection(Server& server, std::unique_ptr<env::Stream> stream)
      : server_(server), stream_(std::move(stream)), timer_(server.shard_.make_timer()) {
    server_.connections_.push_back(this);
    allow(kPatience);
  }
  ~Connection() { std::erase(server_.connections_, this); }

  /// Closes the stream when the deadline passes. It moves with every request, which the wait notices when it wakes: a
  /// busy connection costs one wake-up in kPatience.
  awaitable<void> watch() {
    while (!ended_) {
      (void)co_await timer_->wait_until(deadline_);
      if (!ended_ && server_.shard_.now() >= deadline_) stop();
    }
  }

  awaitable<void> run() {
    while (co_await answer_one()) allow(kPatience);
    ended_ = true;
    stream_->close();
    timer_->cancel();
  }

  void stop_if_idle() {
    if (!answering_) stop();
  }

 private:
  void stop() {
    stream_->close();
    deadline_ = Instant::never();
  }

  void allow(Duration patience) { deadline_ = server_.shard_.now() + patience; }

  /// False when this was the last request.
  awaitable<bool> answer_one() {
    RequestParser parser(kHeaderBytesMax);
    const auto state = co_await read_request(parser);
    if (!state) co_return false;
    answering_ = true;
    if (*state != RequestParser::State::done) {
      co_await refuse(*state);
      co_return false;
    }
    const Request request = parser.request();
    const Response response = co_await respond(request);
    const bool keep_alive = request.keep_alive && !server_.stopping_;
    const bool sent = co_await send(response, keep_alive, request.method == "HEAD");
    answering_ = false;
    co_return sent&& keep_alive;
  }

  /// Nothing when the peer has gone.
  awaitable<std::optional<RequestParser::State>> read_request(RequestParser& parser) {
    while (true) {
      if (!unread_.empty()) {
        std::size_t used = 0;
        const auto state = parser.parse(unread_, used);
        unread_.erase(0, used);
        if (state != RequestParser::State::needs_more) co_return state;
      }
      if (unread_.size() > kHeaderBytesMax) co_return RequestParser::State::header_too_large;
      const std::size_t before = unread_.size();
      unread_.resize(before + kHeaderBytesMax);
      const auto got = co_await stream_->read_some({unread_.data() + before, kHeaderBytesMax});
      unread_.resize(before + got.value_or(0));
      if (!got) co_return std::nullopt;
    }
  }

  awaitable<Response> respond(const Request& request) {
    const auto route = std::ranges::find(server_.routes_, request.path, &Route::path);
    if (route == server_.routes_.end()) co_return plain(404);
    if (request.method != "GET" && request.method != "HEAD") co_return plain(405);
    co_return co_await route->handler();
  }

  awaitable<bool> send(const Response& response, bool keep_alive, bool header_only) {
    const std::string header = header_of(response, keep_alive);
    const BytesView pieces[] = {header, header_only ? BytesView() : BytesView(response.body)};
    co_return (co_await stream_->write(pieces)).has_value();
  }

  awaitable<void> refuse(RequestParser::State state) {
    const int status = state == RequestParser::State::header_too_large ? 431
                       : state == RequestParser::State::has_body       ? 413
                                                                       : 400;
    const bool sent = co_await send(plain(status), false, false);
    answering_ = false;
    allow(kIgnoringPatience);
    timer_->cancel();  // the deadline came nearer
    unread_.resize(kHeaderBytesMax);
    for (std::size_t ignored = 0; sent && ignored < kIgnoredBytesMax;) {
      const auto got = co_await stream_->read_some(unread_);
      if (!got) break;
      ignored += *got;
    }
  }

  Server& server_;
  const std::unique_ptr<env::Stream> stream_;
  const std::unique_ptr<env::Timer> timer_;
  Instant deadline_;
  std::string unread_;
  bool answering_ = false;
  bool ended_ = false;
};

Server::Server(env::Shard& shard, std::unique_ptr<env::Listener> listener, std::vector<Route> routes)
    : shard_(shard),
      listener_(std::move(listener)),
      routes_(std::move(routes)),
      pause_(shard.make_timer()),
      tasks_(shard) {}

Server::~Server() { MQ_ASSERT(connections_.empty()); }

void Server::start() { tasks_.spawn(accept()); }

awaitable<void> Server::stop() {
  stopping_ = true;
  listener_->close();
  pause_->cancel();
  for (Connection* connection : connections_) connection->stop_if_idle();
  co_await tasks_.join();
}

awaitable<void> Server::accept() {
  while (!stopping_) {
    auto stream = co_await listener_->accept();
    if (stopping_ || (!stream && stream.error().code == Errc::cancelled)) break;
    if (!stream) {
      (void)co_await pause_->wait_until(shard_.now() + kAcceptPause);
    } else if (connections_.size() < kConnectionsMax) {
      tasks_.spawn(serve(std::make_shared<Connection>(*this, *std::move(stream))));
    }
  }
}

awaitable<void> Server::serve(std::shared_ptr<Connection> connection) {
  tasks_.spawn([](std::shared_ptr<Connection> watched) -> awaitable<void> { co_await watched->watch(); }(connection));
  co_await connection->run();
}

}  // namespace mq::http
