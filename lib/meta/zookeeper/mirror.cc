#include "meta/zookeeper/mirror.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mq::meta {
namespace {

/// So many requests are under way at a time; the answers are held until all have come.
constexpr std::size_t kLooksAtOnce = 512;
/// To read a large store may take longer than a call; it goes on as long as so many answers come in time.
constexpr Duration kLooksTimeMax = 5s;
/// Before what failed in passing is tried again.
constexpr Duration kMirrorPause = 5ms;

std::unexpected<Error> no_answer() { return fail(Errc::unreachable, "ZooKeeper cannot be reached"); }

/// Of a request for a node that has to be there.
Result<void> check_answer(const Answer& answer, std::string_view path) {
  switch (answer.outcome) {
    case Outcome::done:
      return {};
    case Outcome::lost:
      return no_answer();
    case Outcome::forbidden:
      return fail(Errc::refused, "ZooKeeper refuses {}: its access list does not name us", path);
    case Outcome::missing:
      return fail(Errc::corrupt, "ZooKeeper has no node {}", path);
    case Outcome::exists:
    case Outcome::changed:
    case Outcome::failed:
      return fail(Errc::internal, "ZooKeeper refuses to read {}", path);
  }
  std::unreachable();
}

}  // namespace

awaitable<Result<void>> Mirror::refresh(Instant deadline) {
  while (true) {
    if (!co_await connection_.is_connected_by(deadline)) co_return no_answer();
    const Result<bool> done = co_await refresh_once(deadline);
    if (done && *done) co_return Result<void>{};
    if (!done && done.error().code != Errc::unreachable) co_return fail(done.error());
    if (home_.now() >= deadline) co_return no_answer();
    co_await home_.sleep_until(home_.now() + kMirrorPause);
  }
}

awaitable<Result<bool>> Mirror::refresh_once(Instant deadline) {
  const std::uint64_t session = connection_.session_number();
  MQ_CO_TRY(const HeadAt now, co_await read_head(deadline));
  if (copy_ && (session != checked_session_ || now.said.revision < copy_->revision())) {
    MQ_CO_TRY(const bool is_same, co_await check_copy(now, deadline));
    if (!is_same) copy_.reset();
  }
  checked_session_ = session;
  MQ_CO_TRY(const bool done, copy_ ? co_await catch_up(now, deadline) : co_await load(now, deadline));
  co_return done&& session == connection_.session_number();
}

awaitable<Result<bool>> Mirror::check_copy(const HeadAt& now, Instant deadline) {
  const Revision last = copy_->revision();
  if (last == kNoRevision) co_return true;
  if (now.said.revision < last) {
    went_back_ = last;
    co_return false;
  }
  if (last <= now.said.changes_after) co_return false;  // not known any more
  const auto made_by = copy_->attempt_of(last);
  MQ_CO_TRY(const auto entries, co_await read_entries(Revision{last.value() - 1}, last, deadline));
  const auto& entry = entries.front();
  if (entry && made_by && entry->attempt == *made_by) co_return true;
  went_back_ = last;
  co_return false;
}

awaitable<Result<bool>> Mirror::catch_up(const HeadAt& now, Instant deadline) {
  if (copy_->revision() < now.said.changes_after) {
    copy_.reset();
    co_return false;
  }
  MQ_CO_TRY(auto entries, co_await read_entries(copy_->revision(), now.said.revision, deadline));
  for (auto& entry : entries) {
    if (!entry) {
      copy_.reset();
      co_return false;
    }
    copy_->apply(*std::move(entry));
  }
  copy_->forget_up_to(now.said.changes_after);
  head_ = now;
  co_return true;
}

awaitable<Result<bool>> Mirror::load(const HeadAt& before, Instant deadline) {
  MQ_CO_TRY(std::vector<std::string> names, co_await read_key_names(deadline));
  MQ_CO_TRY(std::vector<StoredKey> keys, co_await read_keys(std::move(names), deadline));
  deadline = std::max(deadline, home_.now() + kLooksTimeMax);
  MQ_CO_TRY(const HeadAt now, co_await read_head(deadline));
  if (now.said.revision < before.said.revision) co_return false;
  const Revision after = now.said.changes_after;
  MQ_CO_TRY(auto entries, co_await read_entries(after, now.said.revision, deadline));

  const std::int64_t old_count = before.said.revision.value() - after.value();
  if (old_count < 0) co_return false;  // what was changed meanwhile is forgotten already
  const auto newer = entries.begin() + old_count;
  if (!std::all_of(newer, entries.end(), [](const auto& entry) { return entry.has_value(); })) co_return false;
  Copy copy(before.said.revision, std::move(keys));
  for (auto entry = newer; entry != entries.end(); ++entry) copy.apply(std::move(**entry));
  for (auto entry = newer; entry != entries.begin() && *std::prev(entry); --entry) copy.remember(**std::prev(entry));
  copy_ = std::move(copy);
  head_ = now;
  co_return true;
}

awaitable<Result<HeadAt>> Mirror::read_head(Instant deadline) {
  std::vector<Look> looks;
  // A server may lag behind the others (C-7).
  looks.push_back({.what = Look::What::present, .path = names_.head()});
  looks.push_back({.what = Look::What::data, .path = names_.head(), .watch = true});
  const std::vector<Answer> answers = co_await connection_.look(std::move(looks), deadline);
  if (answers[1].outcome == Outcome::missing) co_return fail(Errc::corrupt, "{} in ZooKeeper is gone", names_.head());
  for (const Answer& answer : answers) MQ_CO_CHECK(check_answer(answer, names_.head()));
  auto head = decode_head(answers[1].data);
  if (!head) co_return fail(Errc::corrupt, "{} in ZooKeeper: {}", names_.head(), head.error().message);
  co_return HeadAt{.said = *head, .version = answers[1].version};
}

awaitable<Result<std::vector<std::string>>> Mirror::read_key_names(Instant deadline) {
  std::vector<Look> looks;
  for (std::uint32_t bucket = 0; bucket < kKeyBucketCount; ++bucket)
    looks.push_back({.what = Look::What::children, .path = names_.key_bucket(bucket)});
  const std::vector<Answer> answers = co_await connection_.look(std::move(looks), deadline);
  std::vector<std::string> keys;
  for (std::uint32_t bucket = 0; bucket < kKeyBucketCount; ++bucket) {
    MQ_CO_CHECK(check_answer(answers[bucket], names_.key_bucket(bucket)));
    for (const std::string& name : answers[bucket].children) {
      auto key = key_of_node(name);
      if (key && names_.key(*key) == names_.key_bucket(bucket) + '/' + name) {
        keys.push_back(*std::move(key));
      } else {
        logger_.warn("metadata: {}/{} in ZooKeeper is no node of ours", names_.key_bucket(bucket), name);
      }
    }
  }
  co_return keys;
}

awaitable<Result<std::vector<StoredKey>>> Mirror::read_keys(std::vector<std::string> keys, Instant deadline) {
  std::vector<StoredKey> stored;
  for (std::size_t from = 0; from < keys.size(); from += kLooksAtOnce) {
    const std::size_t count = std::min(kLooksAtOnce, keys.size() - from);
    std::vector<Look> looks;
    for (std::size_t i = 0; i < count; ++i) looks.push_back({.path = names_.key(keys[from + i])});
    const std::vector<Answer> answers = co_await connection_.look(std::move(looks), deadline);
    deadline = std::max(deadline, home_.now() + kLooksTimeMax);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string path = names_.key(keys[from + i]);
      if (answers[i].outcome == Outcome::missing) continue;  // erased meanwhile, as the log will say
      MQ_CO_CHECK(check_answer(answers[i], path));
      auto key = decode_key(keys[from + i], answers[i].data);
      if (key) {
        stored.push_back(*std::move(key));
      } else {
        logger_.error("metadata: {} in ZooKeeper cannot be read, so its key is taken for erased: {}", path,
                      key.error().message);
      }
    }
  }
  co_return stored;
}

awaitable<Result<std::vector<std::optional<LogEntry>>>> Mirror::read_entries(Revision after, Revision up_to,
                                                                             Instant deadline) {
  std::vector<std::optional<LogEntry>> entries;
  std::int64_t next = after.value() + 1;
  while (next <= up_to.value()) {
    std::vector<Look> looks;
    const std::int64_t end = std::min<std::int64_t>(up_to.value() + 1, next + std::int64_t{kLooksAtOnce});
    for (std::int64_t number = next; number < end; ++number) looks.push_back({.path = names_.change(Revision{number})});
    const std::vector<Answer> answers = co_await connection_.look(std::move(looks), deadline);
    deadline = std::max(deadline, home_.now() + kLooksTimeMax);
    for (const Answer& answer : answers) {
      const Revision revision{next++};
      if (answer.outcome != Outcome::missing) MQ_CO_CHECK(check_answer(answer, names_.change(revision)));
      entries.push_back(entry_in(revision, answer));
    }
  }
  co_return entries;
}

std::optional<LogEntry> Mirror::entry_in(Revision revision, const Answer& answer) {
  if (answer.outcome == Outcome::missing) return std::nullopt;
  auto entry = decode_entry(revision, answer.data);
  if (entry) return *std::move(entry);
  logger_.error("metadata: {} in ZooKeeper cannot be read: {}", names_.change(revision), entry.error().message);
  return std::nullopt;
}

void Mirror::follow(LogEntry entry, const Head& head) {
  copy_->apply(std::move(entry));
  copy_->forget_up_to(head.changes_after);
  head_ = {.said = head, .version = head_.version + 1};
}

}  // namespace mq::meta
