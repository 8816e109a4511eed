#include "meta/etcd/watch.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace mq::meta::etcd {
namespace {

/// What a connection may take to tell what was changed before it: etcd gets to that ten times a second.
constexpr Duration kPastPatience = 500ms;
/// And what it may take to tell what has just been changed, if that concerns us.
constexpr Duration kNewsPatience = 100ms;
/// A change that must come and does not: another connection may have it.
constexpr Duration kStuckAfter = 1s;
constexpr Duration kOpenPatience = 2s;
/// Between two connections, doubled as long as they fail, until one has lived for kLived.
constexpr Duration kPauseMin = 50ms;
constexpr Duration kPauseMax = 1s;
constexpr Duration kLived = 10s;
/// When etcd was not heard for so long, whoever waits for changes asks whether it is there.
constexpr Duration kSilence = 5s;

std::unexpected<Error> watch_ended(const Refusal& refusal) {
  return fail(Errc::unreachable, "etcd ended the watch: {}", refusal.message.empty() ? "no reason" : refusal.message);
}

}  // namespace

Watch::Watch(env::Shard& shard, env::Logger& logger, Gateway& gateway, const KeySpace& keys)
    : shard_(shard), logger_(logger), gateway_(gateway), keys_(keys), changed_(shard) {
  gateway.set_on_leave([this] { reconnect(); });
}

// --- The connection --------------------------------------------------------------------------------------------------

awaitable<void> Watch::run() {
  while (!is_stopped_) {
    if (!log_.has_begun()) {
      co_await changed_.wait();
      continue;
    }
    is_reconnecting_ = false;
    const env::Address server = gateway_.server();
    const auto ended = co_await follow();
    if (following_since_ && shard_.now() >= *following_since_ + kLived) pause_ = 0s;
    connection_.reset();
    following_since_.reset();
    if (is_stopped_ || is_reconnecting_ || ended) continue;
    gateway_.leave(server);
    co_await pause_after(ended.error());
  }
}

awaitable<void> Watch::pause_after(const Error& failure) {
  if (pause_ == 0s)
    logger_.warn("metadata: {}; asking {} for what changes", failure.message, gateway_.server().to_string());
  pause_ = std::clamp(pause_ * 2, kPauseMin, kPauseMax);
  for (const Instant until = shard_.now() + pause_; !is_stopped_ && shard_.now() < until;)
    (void)co_await changed_.wait_until(until);
}

void Watch::stop() {
  is_stopped_ = true;
  reconnect();
  changed_.notify_all();
}

void Watch::reconnect() {
  is_reconnecting_ = true;
  if (connection_) connection_->close();
}

awaitable<Result<void>> Watch::follow() {
  const Revision told_of = std::max(newest_known(), heard_of_);
  MQ_CO_TRY(const Revision newest, co_await newest_revision(shard_.now() + kOpenPatience));
  if (is_stopped_ || is_reconnecting_) co_return Result<void>{};
  const bool has_gone_back = newest < told_of;
  const bool is_too_far = log_.reached().value() + kChangesKeptMax < newest.value();
  if (has_gone_back || is_too_far) lose_history(newest);
  checks_history_ = std::exchange(may_check_history_, true) && log_.last_changed();
  const Revision after = checks_history_ ? Revision{log_.last_changed()->value() - 1} : log_.reached();
  MQ_CO_CHECK(co_await open(after));
  co_return co_await read_lines();
}

awaitable<Result<void>> Watch::open(Revision after) {
  const Instant deadline = shard_.now() + kOpenPatience;
  connection_ = std::make_unique<http::Client>(shard_, gateway_.server());
  MQ_CO_TRY(auto headers, co_await gateway_.headers(deadline));
  MQ_CO_TRY(const int status,
            co_await connection_->begin(
                {.path = "/v3/watch", .headers = std::move(headers), .body = watch_request(keys_, after)}, deadline));
  if (status == 200) co_return Result<void>{};
  gateway_.token_is_stale();  // it may be that
  co_return fail(Errc::unreachable, "etcd at {}: HTTP status {} to a watch", connection_->server().to_string(), status);
}

awaitable<Result<void>> Watch::read_lines() {
  unread_.clear();
  searched_ = 0;
  log_.forget_unfinished();
  const Instant opened_until = shard_.now() + kOpenPatience;
  while (true) {
    MQ_CO_TRY(const std::string piece, co_await connection_->read(following_since_ ? Instant::never() : opened_until));
    if (piece.empty()) co_return fail(Errc::unreachable, "etcd ended the watch");
    // The log may have begun elsewhere while we waited.
    if (is_reconnecting_) co_return Result<void>{};
    unread_ += piece;
    MQ_CO_CHECK(take_lines());
    if (is_reconnecting_) co_return Result<void>{};
    if (unread_.size() > kLineBytesMax) co_return fail(Errc::too_large, "etcd tells too much at once");
  }
}

Result<void> Watch::take_lines() {
  std::size_t begin = 0;
  for (std::size_t end; (end = unread_.find('\n', std::max(begin, searched_))) != std::string::npos; begin = end + 1) {
    const auto text = std::string_view(unread_).substr(begin, end - begin);
    if (text.empty()) continue;
    MQ_TRY(WatchLine line, parse_watch_line(text, keys_));
    MQ_CHECK(take(std::move(line)));
    if (is_reconnecting_) return {};
  }
  unread_.erase(0, begin);
  searched_ = unread_.size();
  return {};
}

Result<void> Watch::take(WatchLine line) {
  const bool is_first = !following_since_;
  switch (line.kind) {
    case WatchLine::Kind::created:
      // It lags, or has gone back since we asked.
      if (line.revision < log_.reached()) return fail(Errc::unreachable, "etcd is not where it was");
      following_since_ = shard_.now();
      changed_.notify_all();
      return {};
    case WatchLine::Kind::events:
      if (is_first) return fail(Errc::corrupt, "etcd tells changes of a watch that it has not made");
      return take_changes(std::move(line));
    case WatchLine::Kind::progress:
      if (!is_first && !checks_history_) log_.complete(line.revision, shard_.now());
      changed_.notify_all();
      return {};
    case WatchLine::Kind::compacted:
      return take_compaction(Revision{line.oldest.value() - 1});
    case WatchLine::Kind::ended:
      gateway_.token_is_stale();  // it may be that
      return watch_ended(line.refusal);
  }
  std::unreachable();
}

/// etcd knows what was changed after `begin`.
Result<void> Watch::take_compaction(Revision begin) {
  const bool knows_what_is_next = log_.reached() >= begin;
  if (knows_what_is_next && !checks_history_) return fail(Errc::corrupt, "etcd does not tell what it has");
  // What the history would have been checked with may be gone, and nothing else.
  may_check_history_ = !knows_what_is_next;
  if (!knows_what_is_next) lose_history(begin);
  is_reconnecting_ = true;
  return {};
}

Result<void> Watch::take_changes(WatchLine line) {
  MQ_CHECK(check_history(line));
  if (is_reconnecting_) return {};
  const Instant now = shard_.now();
  const Revision last = line.changes.back().entry.modified;
  for (Change& change : line.changes)
    if (change.entry.modified > log_.reached()) MQ_CHECK(log_.add(std::move(change), now));
  if (!line.is_fragment) log_.complete(last, now);
  changed_.notify_all();
  return {};
}

/// etcd counts on when it was put back, so that a revision alone does not say which history it is of (C-6).
Result<void> Watch::check_history(const WatchLine& line) {
  if (!std::exchange(checks_history_, false)) return {};
  if (log_.ends_as(line.changes) || is_mutant("revonly")) return {};
  lose_history(line.revision);
  is_reconnecting_ = true;
  return {};
}

void Watch::lose_history(Revision begin) {
  log_.begin(begin);
  oldest_ = begin;
  expected_ = std::min(expected_, begin);
  heard_of_ = begin;
  silent_up_to_ = kNoRevision;
  ++losses_;
  changed_.notify_all();
}

// --- Questions -------------------------------------------------------------------------------------------------------

awaitable<Result<Revision>> Watch::newest_revision(Instant deadline) {
  MQ_CO_TRY(const Reply reply,
            co_await gateway_.call("/v3/kv/range", get_request(keys_.write_key()), Repeat::freely, deadline));
  if (reply.refusal) co_return fail(Errc::refused, "etcd: {}", reply.refusal->message);
  const auto answer = parse_range(reply.body, keys_);
  if (!answer) co_return fail(Errc::unreachable, "etcd: {}", answer.error().message);
  co_return answer->revision;
}

void Watch::expect(Revision revision) {
  expected_ = std::max(expected_, revision);
  hear_of(revision);
  changed_.notify_all();
}

void Watch::hear_of(Revision revision) { heard_of_ = std::max(heard_of_, revision); }

void Watch::begin(Revision after) {
  log_.begin(after);
  reconnect();
  changed_.notify_all();
}

bool Watch::knows_how_to_begin(Revision since) const {
  return log_.has_begun() && since >= log_.begins_after() && since <= std::max(newest_known(), heard_of_);
}

awaitable<Result<std::optional<Changes>>> Watch::changes(Revision since, Instant deadline) {
  if (!knows_how_to_begin(since)) {
    MQ_CO_TRY(const Revision newest, co_await newest_revision(deadline));
    const bool never_was = since > newest;
    const bool is_too_far = since.value() + kChangesKeptMax < newest.value();
    if (never_was || is_too_far || since < std::max(oldest_, log_.forgotten_until())) co_return std::nullopt;
    hear_of(newest);
    if (!log_.has_begun() || since < log_.begins_after()) begin(since);
  }
  MQ_CO_CHECK(co_await catch_up(since, deadline));
  co_return log_.page(since);
}

bool Watch::is_caught_up() const {
  return log_.reached() >= expected_ && std::max(log_.reached(), silent_up_to_) >= heard_of_;
}

/// Until all that is known to come has come, and what may come had its time.
awaitable<Result<void>> Watch::catch_up(Revision since, Instant deadline) {
  const Instant began = shard_.now();
  bool has_reconnected = false;
  while (!is_stopped_ && since >= log_.begins_after() && !is_caught_up()) {
    const Instant now = shard_.now();
    const Instant silent_from = std::max(began, following_since_.value_or(now) + kPastPatience) + kNewsPatience;
    const bool must_come = log_.reached() < expected_;
    if (following_since_ && !must_come && now >= silent_from) {
      silent_up_to_ = heard_of_;
      break;
    }
    if (now >= deadline) co_return fail(Errc::timed_out, "etcd does not tell in time what was changed");
    if (must_come && following_since_ && !has_reconnected && now >= began + kStuckAfter) {
      has_reconnected = true;
      gateway_.leave(connection_->server());
      reconnect();
    }
    const Instant next = must_come ? (has_reconnected ? deadline : began + kStuckAfter) : silent_from;
    (void)co_await changed_.wait_until(std::min(deadline, next > now ? next : now + kNewsPatience));
  }
  if (is_stopped_) co_return fail(Errc::closed, "the metadata store is closed");
  co_return Result<void>{};
}

awaitable<Result<Revision>> Watch::wait_for_change(Revision seen, Instant deadline) {
  if (!log_.has_begun()) begin(seen);
  const int losses = losses_;
  while (!is_stopped_ && newest_known() <= seen && losses == losses_) {
    if (shard_.now() >= deadline) co_return fail(Errc::timed_out, "the metadata store was not changed");
    const Instant silent_at = is_looking_ ? Instant::never() : std::max(gateway_.heard_at(), looked_at_) + kSilence;
    (void)co_await changed_.wait_until(std::min(deadline, silent_at));
    if (!is_looking_ && shard_.now() >= silent_at) co_await look_whether_etcd_is_there(deadline);
  }
  if (is_stopped_) co_return fail(Errc::cancelled, "the metadata store was closed");
  co_return newest_known();
}

/// A server that has stopped says nothing, like one that has nothing to say. Finding out leads to another one.
awaitable<void> Watch::look_whether_etcd_is_there(Instant deadline) {
  is_looking_ = true;
  (void)co_await newest_revision(std::min(deadline, shard_.now() + kSilence));
  is_looking_ = false;
  looked_at_ = shard_.now();
  changed_.notify_all();
}

}  // namespace mq::meta::etcd
