#include "http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::http {
namespace {

/// A header that cannot end early and begin another one.
bool is_sendable(const Header& header) {
  const auto is_of_a_name = [](char c) { return c > ' ' && c < 0x7f && c != ':'; };
  const auto is_of_a_value = [](char c) { return c >= ' ' && c < 0x7f; };
  return !header.name.empty() && std::ranges::all_of(header.name, is_of_a_name) &&
         std::ranges::all_of(header.value, is_of_a_value);
}

Result<std::string> header_of_post(const Post& request, const env::Address& server) {
  std::string text = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: keep-alive\r\n",
      request.path, server.to_string(), request.body.size());
  for (const Header& header : request.headers) {
    if (!is_sendable(header)) return fail(Errc::invalid_argument, "an HTTP header with a byte that it may not have");
    text += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  text += "\r\n";
  return text;
}

}  // namespace

Client::Client(env::Shard& shard, env::Address server)
    : shard_(shard), server_(std::move(server)), timer_(shard.make_timer()), tasks_(shard) {}

Client::~Client() = default;

awaitable<Result<Answer>> Client::post(Post request, std::size_t body_bytes_max, Instant deadline) {
  co_return co_await within(deadline, exchange(std::move(request), body_bytes_max, deadline));
}

awaitable<Result<int>> Client::begin(Post request, Instant deadline) {
  co_return co_await within(deadline, open(std::move(request), std::nullopt, deadline));
}

awaitable<Result<std::string>> Client::read(Instant deadline) { co_return co_await within(deadline, next_piece()); }

void Client::close() {
  is_closed_ = true;
  if (stream_) stream_->close();
}

template <class T>
awaitable<Result<T>> Client::within(Instant deadline, awaitable<Result<T>> step) {
  is_late_ = step_ended_ = false;
  if (deadline != Instant::never()) tasks_.spawn(close_at(deadline));
  auto result = co_await std::move(step);
  step_ended_ = true;
  timer_->cancel();
  co_await tasks_.join();
  if (result) co_return result;
  drop_connection();
  if (is_late_ && result.error().code != Errc::unreachable)
    co_return fail(Errc::timed_out, "{} did not answer in time", server_.to_string());
  co_return result;
}

awaitable<void> Client::close_at(Instant deadline) {
  if (step_ended_) co_return;
  (void)co_await timer_->wait_until(deadline);
  if (step_ended_) co_return;
  is_late_ = true;
  if (stream_) stream_->close();
}

awaitable<Result<Answer>> Client::exchange(Post request, std::size_t body_bytes_max, Instant deadline) {
  Answer answer;
  MQ_CO_TRY(answer.status, co_await open(std::move(request), body_bytes_max, deadline));
  while (true) {
    MQ_CO_TRY(const std::string piece, co_await next_piece());
    if (piece.empty()) co_return answer;
    answer.body += piece;
  }
}

awaitable<Result<int>> Client::open(Post request, std::optional<std::size_t> body_bytes_max, Instant deadline) {
  MQ_CO_TRY(const std::string header, header_of_post(request, server_));
  MQ_CO_CHECK(co_await connect(deadline));
  answer_ = std::make_unique<ResponseParser>(kHeaderBytesMax, body_bytes_max);
  is_done_ = false;
  const BytesView pieces[] = {header, request.body};
  if (const auto written = co_await stream_->write(pieces); !written)
    co_return fail(Errc::closed, "{} closed the connection", server_.to_string());
  while (!answer_->has_header()) MQ_CO_CHECK(co_await advance());
  co_return answer_->status();
}

/// A connection that the server has closed meanwhile, or on which it has said something unasked, takes no request.
awaitable<Result<void>> Client::connect(Instant deadline) {
  if (stream_) {
    char unasked;
    const auto got = stream_->try_read({&unasked, 1});
    if (got && *got == 0 && !is_closed_) co_return Result<void>{};
    drop_connection();
  }
  if (is_closed_) co_return fail(Errc::unreachable, "the connection to {} was closed", server_.to_string());
  auto stream = co_await shard_.network().connect(server_, deadline);
  if (!stream) co_return fail(Errc::unreachable, "{}", stream.error().message);
  stream_ = *std::move(stream);
  if (is_closed_) co_return fail(Errc::unreachable, "the connection to {} was closed", server_.to_string());
  co_return Result<void>{};
}

awaitable<Result<std::string>> Client::next_piece() {
  MQ_ASSERT(answer_ != nullptr);
  while (true) {
    std::string piece = answer_->take_body();
    if (!piece.empty()) co_return piece;
    if (is_done_) break;
    MQ_CO_CHECK(co_await advance());
  }
  finish();
  co_return std::string();
}

awaitable<Result<void>> Client::advance() {
  if (!unread_.empty()) {
    std::size_t used = 0;
    MQ_CO_CHECK(take(answer_->parse(unread_, used)));
    unread_.erase(0, used);
    if (used > 0 || is_done_) co_return Result<void>{};
  }
  const std::size_t before = unread_.size();
  unread_.resize(before + kReadBytes);
  const auto got = co_await stream_->read_some({unread_.data() + before, kReadBytes});
  unread_.resize(before + got.value_or(0));
  if (got) co_return Result<void>{};
  if (got.error().code == Errc::closed && answer_->has_header() && answer_->end() == ResponseParser::State::done) {
    is_done_ = true;
    co_return Result<void>{};
  }
  co_return fail(Errc::closed, "{} closed the connection", server_.to_string());
}

Result<void> Client::take(ResponseParser::State state) {
  switch (state) {
    case ResponseParser::State::needs_more:
      return {};
    case ResponseParser::State::done:
      is_done_ = true;
      return {};
    case ResponseParser::State::malformed:
      return fail(Errc::corrupt, "{} does not answer in HTTP", server_.to_string());
    case ResponseParser::State::header_too_large:
    case ResponseParser::State::body_too_large:
      return fail(Errc::too_large, "{} answers more than we take", server_.to_string());
  }
  std::unreachable();
}

/// After the last byte of an answer.
void Client::finish() {
  const bool takes_another = answer_->keep_alive() && unread_.empty();
  answer_.reset();
  if (!takes_another) drop_connection();
}

void Client::drop_connection() {
  if (stream_) stream_->close();
  stream_.reset();
  answer_.reset();
  unread_.clear();
}

}  // namespace mq::http
