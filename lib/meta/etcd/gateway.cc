#include "meta/etcd/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mq::meta::etcd {
namespace {

/// A token that is refused so often is not what is wrong.
constexpr int kLoginsMax = 3;

std::unexpected<Error> gateway_closed() { return fail(Errc::closed, "the connection to etcd is closed"); }

std::unexpected<Error> not_let_in(const env::Address& server, const Refusal& refusal) {
  return fail(Errc::refused, "etcd at {}: {}", server.to_string(), refusal.message);
}

/// Nobody knows what became of it (C-3).
std::unexpected<Error> open_outcome(const env::Address& server, const Error& error) {
  const Errc code = error.code == Errc::timed_out ? Errc::timed_out : Errc::unreachable;
  return fail(code, "etcd: {}",
              error.code == Errc::closed ? server.to_string() + " ended the connection" : error.message);
}

}  // namespace

Gateway::Gateway(env::Shard& shard, env::Logger& logger, GatewayOptions options)
    : shard_(shard),
      logger_(logger),
      options_(std::move(options)),
      heard_at_(shard.now()),
      freed_(shard),
      logging_in_(shard),
      closing_(shard) {}

awaitable<Result<Reply>> Gateway::call(std::string path, std::string body, Repeat repeat, Instant deadline) {
  int logins = 0;
  const Instant began = shard_.now();
  for (std::size_t asked = 1;; ++asked) {
    if (is_closed_) co_return gateway_closed();
    const env::Address server = this->server();
    Attempt done = co_await attempt(path, body, repeat, std::min(deadline, began + patience_));
    if (done.is_over) co_return std::move(done.reply);
    if (done.reply) {  // a token that is too old: the same server again
      if (++logins == kLoginsMax) co_return not_let_in(server, *done.reply->refusal);
      continue;
    }
    leave(server);
    note_failure(done.reply.error());
    if (!done.may_go_on || shard_.now() >= std::min(deadline, began + patience_))
      co_return std::unexpected(done.reply.error());
    if (asked % options_.servers.size() == 0) MQ_CO_CHECK(co_await pause(deadline));
  }
}

awaitable<Gateway::Attempt> Gateway::attempt(const std::string& path, const std::string& body, Repeat repeat,
                                             Instant deadline) {
  const env::Address server = this->server();
  const bool may_repeat = repeat == Repeat::freely;
  const Duration patience = may_repeat ? options_.attempt_patience : options_.transaction_patience;
  const Instant until = std::min(deadline, shard_.now() + patience);
  auto with_headers = co_await headers(until);
  if (!with_headers) {
    const Errc code = with_headers.error().code;
    co_return Attempt{.reply = std::unexpected(std::move(with_headers).error()),
                      .may_go_on = true,
                      .is_over = code == Errc::refused || code == Errc::closed};
  }
  auto answer = co_await post({.path = path, .headers = *std::move(with_headers), .body = body}, until);
  co_return answer ? judge(server, *std::move(answer), may_repeat) : judge(server, answer.error(), may_repeat);
}

/// There was no answer, or none that we take.
Gateway::Attempt Gateway::judge(const env::Address& server, const Error& failure, bool may_repeat) const {
  if (failure.code == Errc::too_large && may_repeat) return {.reply = std::unexpected(failure), .is_over = true};
  return {.reply = open_outcome(server, failure),
          .may_go_on = may_repeat || failure.code == Errc::unreachable,
          .is_over = is_closed_};
}

Gateway::Attempt Gateway::judge(const env::Address& server, http::Answer answer, bool may_repeat) {
  if (answer.status == 200) {
    note_answer();
    return {.reply = Reply{.body = std::move(answer.body), .refusal = {}}, .is_over = true};
  }
  Refusal refusal = parse_refusal(answer.body, answer.status);
  const auto failed = fail(Errc::unreachable, "etcd at {}: {}", server.to_string(), refusal.message);
  switch (verdict_on(refusal)) {
    case Verdict::not_done:
      note_answer();
      return {.reply = Reply{.body = {}, .refusal = std::move(refusal)}, .is_over = true};
    case Verdict::token_is_stale:
      token_is_stale();
      return {.reply = Reply{.body = {}, .refusal = std::move(refusal)}};
    case Verdict::ask_elsewhere:
      return {.reply = failed, .may_go_on = true};
    case Verdict::unknown:
      return {.reply = failed, .may_go_on = may_repeat};
  }
  std::unreachable();
}

awaitable<Result<http::Answer>> Gateway::post(http::Post request, Instant deadline) {
  while (busy_.size() == kConnectionsMax && !is_closed_) {
    if (!co_await freed_.wait_until(deadline))
      co_return fail(Errc::unreachable, "etcd at {} is slow: {} requests wait", server().to_string(), busy_.size());
  }
  if (is_closed_) co_return fail(Errc::unreachable, "the connection to etcd is closed");
  Connection connection = idle_.empty() ? std::make_shared<http::Client>(shard_, server()) : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  busy_.push_back(connection);
  auto answer = co_await connection->post(std::move(request), kAnswerBytesMax, deadline);
  give_back(std::move(connection));
  co_return answer;
}

void Gateway::give_back(Connection connection) {
  std::erase_if(busy_, [&](const auto& busy) { return busy.lock() == connection; });
  freed_.notify_all();
  if (!is_closed_ && connection->server() == server()) idle_.push_back(std::move(connection));
}

awaitable<Result<std::vector<http::Header>>> Gateway::headers(Instant deadline) {
  // A server that has lost the others says so at once.
  std::vector<http::Header> headers{{.name = "Grpc-Metadata-Hasleader", .value = "true"}};
  if (options_.user.empty()) co_return headers;
  {
    const auto held = co_await logging_in_.take();
    if (!token_) MQ_CO_CHECK(co_await log_in(deadline));
  }
  if (token_ && !token_->empty()) headers.push_back({.name = "Authorization", .value = *token_});
  co_return headers;
}

awaitable<Result<void>> Gateway::log_in(Instant deadline) {
  const env::Address server = this->server();
  auto answer = co_await post(
      {.path = "/v3/auth/authenticate", .headers = {}, .body = login_request(options_.user, options_.password)},
      deadline);
  if (!answer) co_return open_outcome(server, answer.error());
  if (answer->status == 200) {
    auto token = parse_login(answer->body);
    if (!token) co_return fail(Errc::unreachable, "etcd at {}: {}", server.to_string(), token.error().message);
    token_ = *std::move(token);
    co_return Result<void>{};
  }
  const Refusal refusal = parse_refusal(answer->body, answer->status);
  if (verdict_on(refusal) != Verdict::not_done)
    co_return fail(Errc::unreachable, "etcd at {}: {}", server.to_string(), refusal.message);
  if (!has_no_users(refusal)) co_return not_let_in(server, refusal);
  token_ = "";
  co_return Result<void>{};
}

awaitable<Result<void>> Gateway::pause(Instant deadline) {
  (void)co_await closing_.wait_until(std::min(deadline, shard_.now() + kPause));
  if (is_closed_) co_return gateway_closed();
  co_return Result<void>{};
}

void Gateway::leave(const env::Address& server) {
  if (server != this->server() || is_closed_) return;
  idle_.clear();
  current_ = (current_ + 1) % options_.servers.size();
  if (options_.servers.size() > 1 && on_leave_) on_leave_();
}

void Gateway::note_failure(const Error& failure) {
  if (!is_closed_ && std::exchange(works_, false)) logger_.warn("metadata: {}", failure.message);
}

void Gateway::note_answer() {
  heard_at_ = shard_.now();
  if (!std::exchange(works_, true)) logger_.info("metadata: etcd at {} answers", server().to_string());
}

void Gateway::close() {
  is_closed_ = true;
  idle_.clear();
  for (const auto& busy : busy_)
    if (const Connection connection = busy.lock()) connection->close();
  freed_.notify_all();
  closing_.notify_all();
}

}  // namespace mq::meta::etcd
