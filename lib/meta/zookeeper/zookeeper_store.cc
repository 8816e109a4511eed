#include "meta/zookeeper/zookeeper_store.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "env/event.h"
#include "env/task_group.h"
#include "meta/zookeeper/change_plan.h"
#include "meta/zookeeper/connection.h"
#include "meta/zookeeper/copy.h"
#include "meta/zookeeper/mirror.h"
#include "meta/zookeeper/node_names.h"
#include "meta/zookeeper/queue.h"

namespace mq::meta {
namespace {

using Part = ChangePlan::Part;

/// Of a connection without a session of the contract: how long nodes of nobody's would outlive it does not matter.
constexpr Duration kIdleSessionTimeout = 4s;
constexpr Duration kSessionTtlMin = 1s;
/// Between attempts to reach the service, or to write what others write too.
constexpr Duration kReopenPause = 200ms;
constexpr Duration kConflictPauseMax = 64ms;
/// So often the nodes of one transaction are looked at one by one and still are not as they looked.
constexpr int kCorrectionsMax = 3;

std::unexpected<Error> zookeeper_closed() { return fail(Errc::closed, "the metadata store is closed"); }
std::unexpected<Error> session_is_over() { return fail(Errc::conflict, "the session has ended, or never began"); }
std::unexpected<Error> nobody_there() { return fail(Errc::unreachable, "ZooKeeper cannot be reached"); }
std::unexpected<Error> outcome_unknown() {
  return fail(Errc::timed_out, "ZooKeeper did not answer in time; the change may have taken effect");
}

Service as_service(const ZooKeeperPlace& place) {
  std::vector<std::string> servers;
  // The client takes what stands behind the last colon for the port, and IPv6 without brackets.
  for (const env::Address& server : place.url.servers)
    servers.push_back(fmt::format("{}:{}", server.host, server.port));
  return {.servers = fmt::format("{}", fmt::join(servers, ",")), .user = place.url.user, .password = place.password};
}

/// The store itself. Its own task keeps it alive, so that a store that is merely destroyed can end it.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(env::Pool& pool, env::Shard& home, env::Random& random, env::Logger& logger, ZooKeeperPlace place)
      : home_(home),
        random_(random),
        logger_(logger),
        call_time_max_(place.call_time_max),
        names_(place.url.prefix),
        name_(place.url.to_string()),
        connection_(home, pool, as_service(place), [this](Heard heard) { hear(std::move(heard)); }),
        mirror_(home, connection_, names_, logger),
        turn_(home),
        opening_(home),
        changed_(home),
        idle_(home),
        woken_(home),
        tasks_(home) {}

  awaitable<Result<void>> start(bool must_be_there);
  /// Nobody uses it any more.
  void abandon();

  awaitable<Result<std::optional<KeyValue>>> get(std::string key);
  awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page);
  awaitable<Result<std::optional<Changes>>> changes(Revision since);
  awaitable<Result<Revision>> transact(Transaction transaction);
  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline);
  awaitable<Result<Duration>> begin_session(Duration ttl);
  awaitable<Result<void>> renew_session();
  awaitable<Result<void>> end_session();
  void hurry(Duration patience) { call_time_max_ = std::min(call_time_max_, patience); }
  awaitable<Result<void>> close();

 private:
  /// A call in progress, for which `close` waits.
  class Call {
   public:
    explicit Call(Core& core) : core_(core) { ++core_.calls_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      --core_.calls_;
      core_.idle_.notify_all();
    }

   private:
    Core& core_;
  };
  /// How far a transaction has come.
  struct Attempt {
    std::uint64_t mark = 0;  ///< in its entry, and in no other's
    SessionId session = kNoSession;
    bool is_fresh = false;               ///< the copy is newer than the call
    bool must_refresh = false;           ///< the copy is older than what we know of
    std::optional<Revision> in_doubt{};  ///< sent as the change that makes this revision, without an answer
    int conflicts = 0;                   ///< with others who wrote
    int corrections = 0;                 ///< nodes were not as the copy says
  };

  awaitable<Result<void>> make_if_missing(bool must_be_there, Instant deadline);
  awaitable<Outcome> look_for_head(Instant deadline);
  awaitable<Result<void>> make_nodes(Instant deadline);
  awaitable<Result<void>> make_parents(Instant deadline);

  /// Makes the copy as new as the store at some moment of the call; the turn is taken.
  awaitable<Result<void>> refresh(Instant deadline);
  awaitable<Result<Revision>> commit(const Transaction& transaction, SessionId session, Instant deadline);
  /// Nothing: it may be sent. Else it was committed before, or cannot be.
  awaitable<Result<std::optional<Revision>>> judge(const Transaction& transaction, Attempt& attempt, Instant deadline);
  /// What became of an attempt in doubt, by a copy that is fresh. Nothing: it did not take effect, or not yet.
  Result<std::optional<Revision>> settle(Attempt& attempt) const;
  awaitable<Result<ChangePlan>> correct(ChangePlan plan, Instant deadline);
  /// Nothing was done, or it is not known: whether to try again.
  awaitable<Result<void>> face_refusal(const ChangePlan& plan, const Answer& answer, Revision revision,
                                       Attempt& attempt, Instant deadline);
  awaitable<void> pause(int conflicts);

  awaitable<Result<void>> open_connection(Duration session_timeout, Instant deadline);
  awaitable<Result<void>> end_current_session(Instant deadline);
  awaitable<Result<void>> erase_keys_of(SessionId session, Instant deadline);
  void lose_session(const char* why);

  void hear(Heard heard);
  void wake();
  void tell_changes();
  /// Follows the log and takes away what belongs to sessions that are gone, until `is_over_`.
  awaitable<void> follow(std::shared_ptr<Core> self);
  awaitable<void> follow_once();
  awaitable<Result<void>> sweep(Instant deadline);
  /// Ends the session when it lapses, and opens a connection that has ended, until `is_over_`.
  awaitable<void> keep_connected(std::shared_ptr<Core> self);
  awaitable<void> keep_connected_once();
  static void linger(std::shared_ptr<Core> core);

  [[nodiscard]] Instant deadline() const { return home_.now() + call_time_max_; }
  [[nodiscard]] bool has_session() const { return session_ != kNoSession; }
  [[nodiscard]] Instant connection_given_up() const {
    if (connection_.state() != Connection::State::connecting) return Instant::never();
    return connection_.lost_at() + connection_.session_timeout_wished();
  }
  [[nodiscard]] Instant session_lapses() const { return has_session() ? renewed_at_ + ttl_ : Instant::never(); }

  env::Shard& home_;
  env::Random& random_;
  env::Logger& logger_;
  Duration call_time_max_;
  const NodeNames names_;
  const std::string name_;
  Connection connection_;
  Mirror mirror_;
  Queue turn_;                   ///< of whoever moves the mirror or writes
  Queue opening_;                ///< of whoever opens the connection
  env::Event changed_;           ///< the copy moved, or the store is closing
  env::Event idle_;              ///< a call has ended
  env::Event woken_;             ///< there is something to follow, or a connection to open
  Revision revision_;            ///< of the copy, when there was one
  Revision void_up_to_;          ///< the store went back: what followed these revisions before is not what follows now
  bool pages_are_void_ = false;  ///< likewise; a list has to begin again
  int calls_ = 0;
  bool is_closing_ = false;
  bool is_over_ = false;

  SessionId session_ = kNoSession;
  Duration ttl_{0};
  Instant renewed_at_;

  bool head_moved_ = false;
  bool sessions_moved_ = false;
  Instant follow_at_ = Instant::never();
  env::TaskGroup tasks_;
};

awaitable<Result<void>> Core::start(bool must_be_there) {
  const Instant until = deadline();
  {
    const auto turn = co_await turn_.take();
    MQ_CO_CHECK(co_await open_connection(kIdleSessionTimeout, until));
    MQ_CO_CHECK(co_await make_if_missing(must_be_there, until));
    MQ_CO_CHECK(co_await sweep(until));
  }
  head_moved_ = sessions_moved_ = false;
  logger_.info("metadata: {} at revision {}", name_, revision_.value());
  tasks_.spawn(follow(shared_from_this()));
  tasks_.spawn(keep_connected(shared_from_this()));
  co_return Result<void>{};
}

void Core::abandon() {
  is_over_ = true;
  connection_.shut();
  woken_.notify_all();
}

// The store's nodes

awaitable<Result<void>> Core::make_if_missing(bool must_be_there, Instant until) {
  while (true) {
    const Outcome found = co_await look_for_head(until);
    if (found == Outcome::done) co_return Result<void>{};
    if (found == Outcome::forbidden)
      co_return fail(Errc::refused, "ZooKeeper does not let us look below {}", names_.prefix());
    if (found == Outcome::missing && must_be_there) co_return fail(Errc::not_found, "{} is missing", name_);
    if (found == Outcome::missing) MQ_CO_CHECK(co_await make_nodes(until));
    if (!co_await connection_.is_connected_by(until) || home_.now() >= until) co_return nobody_there();
  }
}

awaitable<Outcome> Core::look_for_head(Instant until) {
  std::vector<Look> looks;
  looks.push_back({.what = Look::What::present, .path = names_.head()});
  looks.push_back({.what = Look::What::existence, .path = names_.head()});
  co_return (co_await connection_.look(std::move(looks), until)).back().outcome;
}

awaitable<Result<void>> Core::make_nodes(Instant until) {
  MQ_CO_CHECK(co_await make_parents(until));
  const Answer made = co_await connection_.change(plan_store(names_), until);
  switch (made.outcome) {
    case Outcome::done:
      logger_.info("metadata: {} is new", name_);
      break;
    case Outcome::lost:
      break;  // the next look will tell
    case Outcome::exists:
      // Somebody else made it at this moment, or there are keys without a head.
      if (co_await look_for_head(until) != Outcome::missing) break;
      co_return fail(Errc::corrupt, "{} has nodes but no {}; restore it, or use another prefix", name_, names_.head());
    case Outcome::forbidden:
      co_return fail(Errc::refused, "ZooKeeper does not let us make nodes below {}", names_.prefix());
    case Outcome::missing:
    case Outcome::changed:
    case Outcome::failed:
      co_return fail(Errc::internal, "ZooKeeper does not make nodes below {}", names_.prefix());
  }
  co_return Result<void>{};
}

awaitable<Result<void>> Core::make_parents(Instant until) {
  const std::string& prefix = names_.prefix();
  for (std::size_t end = prefix.find('/', 1);; end = prefix.find('/', end + 1)) {
    const Answer made = co_await connection_.change({{.path = prefix.substr(0, end)}}, until);
    if (made.outcome == Outcome::forbidden)
      co_return fail(Errc::refused, "ZooKeeper does not let us make {}", prefix.substr(0, end));
    if (end == std::string::npos) co_return Result<void>{};
  }
}

// Reading

awaitable<Result<void>> Core::refresh(Instant until) {
  const Result<void> refreshed = co_await mirror_.refresh(until);
  if (const auto last = mirror_.take_went_back()) {
    logger_.error("metadata: {} was put back to an earlier moment", name_);
    void_up_to_ = std::max(void_up_to_, *last);
    pages_are_void_ = true;
  }
  tell_changes();
  co_return refreshed;
}

void Core::tell_changes() {
  const Revision now = mirror_.has_copy() ? mirror_.copy().revision() : revision_;
  if (std::exchange(revision_, now) != now) changed_.notify_all();
}

awaitable<Result<std::optional<KeyValue>>> Core::get(std::string key) {
  if (is_closing_) co_return zookeeper_closed();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  MQ_CO_CHECK(co_await refresh(until));
  const StoredKey* found = mirror_.copy().find(key);
  co_return found != nullptr ? std::optional(found->said) : std::nullopt;
}

awaitable<Result<std::optional<Listing>>> Core::list(std::string prefix, std::optional<NextPage> page) {
  if (is_closing_) co_return zookeeper_closed();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  // What a later page tells is of the moment of the first.
  if (!page || !mirror_.has_copy()) MQ_CO_CHECK(co_await refresh(until));
  if (!page) pages_are_void_ = false;
  if (pages_are_void_) co_return std::nullopt;
  co_return mirror_.copy().list(prefix, page);
}

awaitable<Result<std::optional<Changes>>> Core::changes(Revision since) {
  if (is_closing_) co_return zookeeper_closed();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  MQ_CO_CHECK(co_await refresh(until));
  if (void_up_to_ > kNoRevision && since <= void_up_to_) co_return std::nullopt;
  co_return mirror_.copy().changes(since);
}

awaitable<Result<Revision>> Core::wait_for_change(Revision seen, Instant until) {
  const Call call(*this);
  Result<void> waited;
  // Whoever has seen more than there is has seen a store that went back.
  while (waited && !is_closing_ && revision_ == seen) waited = co_await changed_.wait_until(until);
  if (is_closing_) co_return fail(Errc::cancelled, "the metadata store was closed");
  if (!waited) co_return std::unexpected(std::move(waited).error());
  co_return revision_;
}

// Writing

awaitable<Result<Revision>> Core::transact(Transaction transaction) {
  MQ_CO_CHECK(check_limits(transaction));
  if (is_closing_) co_return zookeeper_closed();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  if (transaction.ops.empty()) {
    MQ_CO_CHECK(co_await refresh(until));
    MQ_CO_CHECK(mirror_.copy().judge(transaction));
    co_return revision_;
  }
  if (!puts_leased(transaction)) co_return co_await commit(transaction, kNoSession, until);
  if (!has_session()) co_return session_is_over();
  co_return co_await commit(transaction, session_, until);
}

awaitable<Result<Revision>> Core::commit(const Transaction& transaction, SessionId session, Instant until) {
  Attempt attempt{.mark = random_.next(), .session = session, .must_refresh = !mirror_.has_copy()};
  while (true) {
    MQ_CO_TRY(const std::optional<Revision> settled, co_await judge(transaction, attempt, until));
    if (settled) co_return *settled;
    const WallMillis now = home_.clock().wall_now();
    LogEntry entry = mirror_.copy().entry_of(transaction, session);
    entry.attempt = attempt.mark;
    entry.made_at = now;
    ChangePlan plan = plan_change(names_, mirror_.copy(), mirror_.head(), entry, session, now);
    if (attempt.corrections > 0) {
      MQ_CO_TRY(plan, co_await correct(std::move(plan), until));
    }
    const bool is_connected = co_await connection_.is_connected_by(until);
    if (!is_connected || home_.now() >= until) {
      if (attempt.in_doubt) co_return outcome_unknown();
      co_return nobody_there();
    }
    const Answer answer = co_await connection_.change(plan.ops, until);
    if (answer.outcome == Outcome::done) {
      mirror_.follow(std::move(entry), plan.head);
      tell_changes();
      co_return revision_;
    }
    MQ_CO_CHECK(co_await face_refusal(plan, answer, entry.revision, attempt, until));
  }
}

awaitable<Result<std::optional<Revision>>> Core::judge(const Transaction& transaction, Attempt& attempt,
                                                       Instant until) {
  while (true) {
    if (attempt.must_refresh) {
      const Result<void> refreshed = co_await refresh(until);
      if (!refreshed && attempt.in_doubt) co_return outcome_unknown();
      MQ_CO_CHECK(refreshed);
      attempt.must_refresh = false;
      attempt.is_fresh = true;
    }
    MQ_CO_TRY(const std::optional<Revision> settled, settle(attempt));
    if (settled) co_return settled;
    if (attempt.session != kNoSession && attempt.session != session_) {
      if (attempt.in_doubt) co_return outcome_unknown();
      co_return session_is_over();
    }
    const Result<void> judged = mirror_.copy().judge(transaction);
    if (judged) co_return std::nullopt;
    if (attempt.in_doubt) co_return outcome_unknown();
    if (attempt.is_fresh) co_return fail(judged.error());
    attempt.must_refresh = true;
  }
}

Result<std::optional<Revision>> Core::settle(Attempt& attempt) const {
  if (!attempt.in_doubt) return std::nullopt;
  const Copy& copy = mirror_.copy();
  const Revision sent = *attempt.in_doubt;
  // Nothing has followed: it may still come. The same change sent again excludes it, as both follow the same head.
  if (copy.revision().value() + 1 == sent.value()) return std::nullopt;
  const auto made_by = copy.attempt_of(sent);
  if (!made_by) return outcome_unknown();
  if (*made_by == attempt.mark) return sent;
  attempt.in_doubt.reset();
  return std::nullopt;
}

awaitable<Result<ChangePlan>> Core::correct(ChangePlan plan, Instant until) {
  const std::vector<std::string> nodes = nodes_of(plan);
  std::vector<Look> looks;
  for (const std::string& node : nodes) looks.push_back({.what = Look::What::existence, .path = node});
  const std::vector<Answer> answers = co_await connection_.look(std::move(looks), until);
  std::set<std::string> there;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (answers[i].outcome == Outcome::done) there.insert(nodes[i]);
  co_return corrected(std::move(plan), there);
}

awaitable<Result<void>> Core::face_refusal(const ChangePlan& plan, const Answer& answer, Revision revision,
                                           Attempt& attempt, Instant until) {
  const bool is_final = answer.outcome == Outcome::failed || answer.outcome == Outcome::forbidden;
  if (is_final && attempt.in_doubt) co_return outcome_unknown();
  switch (answer.outcome) {
    case Outcome::done:
    case Outcome::failed:
      co_return fail(Errc::internal, "ZooKeeper refuses a change of {}", name_);
    case Outcome::forbidden:
      co_return fail(Errc::refused, "ZooKeeper does not let us write to {}", name_);
    case Outcome::lost:
      attempt.in_doubt = revision;
      attempt.must_refresh = true;
      break;
    case Outcome::missing:
    case Outcome::exists:
    case Outcome::changed: {
      const Part part = answer.failed_at < plan.parts.size() ? plan.parts[answer.failed_at] : Part::rest;
      attempt.must_refresh = true;
      if (part == Part::session) {
        lose_session("ZooKeeper has ended it");
        if (!attempt.in_doubt) co_return session_is_over();
      } else if (part == Part::head && answer.outcome == Outcome::changed) {
        ++attempt.conflicts;
      } else if (++attempt.corrections > kCorrectionsMax) {
        if (attempt.in_doubt) co_return outcome_unknown();
        co_return fail(Errc::corrupt, "the nodes of {} are not as changes leave them", name_);
      }
    }
  }
  co_await pause(attempt.conflicts);
  if (home_.now() < until) co_return Result<void>{};
  if (attempt.in_doubt) co_return outcome_unknown();
  co_return fail(Errc::timed_out, "others write to {} without end; nothing was changed", name_);
}

awaitable<void> Core::pause(int conflicts) {
  // Writers that collide wait for a while each of its own, which grows, so that one of them gets through.
  const Duration most = std::min<Duration>(kConflictPauseMax, 1ms * (1 << std::min(conflicts, 6)));
  const std::uint64_t drawn = random_.below(static_cast<std::uint64_t>(most.count()));
  co_await home_.sleep_until(home_.now() + Duration(static_cast<std::int64_t>(drawn)));
}

// Sessions

awaitable<Result<void>> Core::open_connection(Duration session_timeout, Instant until) {
  const auto held = co_await opening_.take();
  while (!is_over_) {
    const Result<void> opened = co_await connection_.open(session_timeout);
    if (opened && co_await connection_.is_connected_by(until)) co_return Result<void>{};
    if (home_.now() >= until) co_return fail(Errc::unreachable, "no server of {} answers", name_);
    co_await home_.sleep_until(home_.now() + kReopenPause);
  }
  co_return zookeeper_closed();
}

awaitable<Result<Duration>> Core::begin_session(Duration ttl) {
  if (is_closing_) co_return zookeeper_closed();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  if (has_session()) MQ_CO_CHECK(co_await end_current_session(until));
  const Duration wished = std::max(ttl, kSessionTtlMin);
  if (connection_.state() == Connection::State::ended || connection_.session_timeout_wished() != wished)
    MQ_CO_CHECK(co_await open_connection(wished, until));
  while (co_await connection_.is_connected_by(until)) {
    const SessionId id = random_.next() | 1;
    const Instant began = home_.now();
    const Answer made =
        co_await connection_.change({{.what = NodeOp::What::create_ephemeral, .path = names_.session(id)}}, until);
    if (made.outcome == Outcome::done) {
      session_ = id;
      ttl_ = connection_.session_timeout();
      renewed_at_ = began;
      wake();
      co_return ttl_;
    }
    if (made.outcome == Outcome::forbidden)
      co_return fail(Errc::refused, "ZooKeeper does not let us write to {}", name_);
    if (made.outcome != Outcome::lost) co_return fail(Errc::corrupt, "{} has no place for sessions", name_);
    if (home_.now() >= until) break;
    co_await pause(1);
  }
  co_return nobody_there();
}

awaitable<Result<void>> Core::renew_session() {
  if (is_closing_) co_return zookeeper_closed();
  if (!has_session()) co_return session_is_over();
  const Call call(*this);
  const SessionId id = session_;
  const Instant began = home_.now();
  const Instant until = std::min(deadline(), session_lapses());
  if (!co_await connection_.is_connected_by(until)) {
    if (session_ != id) co_return session_is_over();
    co_return nobody_there();
  }
  std::vector<Look> looks;
  looks.push_back({.what = Look::What::present, .path = names_.session(id)});
  looks.push_back({.what = Look::What::existence, .path = names_.session(id)});
  const std::vector<Answer> answers = co_await connection_.look(std::move(looks), until);
  if (answers[1].outcome == Outcome::missing && session_ == id) lose_session("ZooKeeper has ended it");
  if (session_ != id) co_return session_is_over();
  if (answers[0].outcome != Outcome::done || answers[1].outcome != Outcome::done) co_return nobody_there();
  renewed_at_ = std::max(renewed_at_, began);
  co_return Result<void>{};
}

awaitable<Result<void>> Core::end_session() {
  if (is_closing_) co_return zookeeper_closed();
  if (!has_session()) co_return session_is_over();
  const Call call(*this);
  const Instant until = deadline();
  const auto turn = co_await turn_.take();
  if (!has_session()) co_return session_is_over();
  co_return co_await end_current_session(until);
}

awaitable<Result<void>> Core::end_current_session(Instant until) {
  const SessionId id = std::exchange(session_, kNoSession);
  const Answer ended = co_await connection_.change({{.what = NodeOp::What::erase, .path = names_.session(id)}}, until);
  if (ended.outcome != Outcome::done && ended.outcome != Outcome::missing) {
    // It ends with the connection then, and others take its keys away.
    connection_.drop();
    wake();
    co_return nobody_there();
  }
  co_return co_await erase_keys_of(id, until);
}

awaitable<Result<void>> Core::erase_keys_of(SessionId session, Instant until) {
  MQ_CO_CHECK(co_await refresh(until));
  while (true) {
    Transaction erased = mirror_.copy().erasing_keys_of(session, kTransactionKeysMax);
    if (erased.ops.empty()) co_return Result<void>{};
    random_.fill(erased.write_id);
    const auto done = co_await commit(erased, kNoSession, until);
    // Another store erases them too: look again what is left.
    if (!done && done.error().code != Errc::conflict) co_return fail(done.error());
  }
}

void Core::lose_session(const char* why) {
  if (!has_session()) return;
  session_ = kNoSession;
  sessions_moved_ = true;
  logger_.warn("metadata: the session at {} is over: {}", name_, why);
  wake();
}

// What comes by itself

void Core::hear(Heard heard) {
  if (heard.path.empty()) {
    if (connection_.state() == Connection::State::ended) lose_session("ZooKeeper has ended it");
    head_moved_ = sessions_moved_ = true;
  } else if (heard.path == names_.sessions()) {
    sessions_moved_ = true;
  } else {
    head_moved_ = true;
  }
  wake();
}

void Core::wake() {
  follow_at_ = home_.now();
  woken_.notify_all();
}

awaitable<void> Core::follow(std::shared_ptr<Core> self) {
  while (!is_over_) {
    if (home_.now() < follow_at_) {
      (void)co_await woken_.wait_until(follow_at_);
    } else {
      follow_at_ = Instant::never();
      co_await follow_once();
    }
  }
  linger(std::move(self));
}

awaitable<void> Core::follow_once() {
  const auto turn = co_await turn_.take();
  // Without a connection it is woken when there is one.
  if (is_over_ || connection_.state() != Connection::State::connected) co_return;
  const Instant until = deadline();
  const bool is_behind = std::exchange(head_moved_, false) && !co_await refresh(until);
  const bool is_unswept = std::exchange(sessions_moved_, false) && !co_await sweep(until);
  head_moved_ |= is_behind;
  sessions_moved_ |= is_unswept;
  if (is_behind || is_unswept) follow_at_ = std::min(follow_at_, home_.now() + kReopenPause);
}

awaitable<Result<void>> Core::sweep(Instant until) {
  // The copy first: whoever it names as the session of a key had its node then.
  MQ_CO_CHECK(co_await refresh(until));
  const Answer answer =
      (co_await connection_.look({{.what = Look::What::children, .path = names_.sessions(), .watch = true}}, until))
          .front();
  if (answer.outcome != Outcome::done) co_return nobody_there();
  std::set<SessionId> alive;
  for (const std::string& name : answer.children)
    if (const auto id = session_of_node(name)) alive.insert(*id);
  for (const SessionId session : mirror_.copy().sessions())
    if (!alive.contains(session)) MQ_CO_CHECK(co_await erase_keys_of(session, until));
  co_return Result<void>{};
}

awaitable<void> Core::keep_connected(std::shared_ptr<Core> self) {
  while (!is_over_) {
    co_await keep_connected_once();
    const bool has_ended = connection_.state() == Connection::State::ended;
    const Instant reopened = has_ended ? home_.now() + kReopenPause : Instant::never();
    if (!is_over_) (void)co_await woken_.wait_until(std::min({session_lapses(), connection_given_up(), reopened}));
  }
  linger(std::move(self));
}

awaitable<void> Core::keep_connected_once() {
  if (!opening_.is_empty()) co_return;
  const Instant now = home_.now();
  if (now >= session_lapses()) {
    lose_session("it was not renewed in time");
    connection_.drop();
  } else if (now >= connection_given_up()) {
    // Its session is over by now. And servers that were put back to an earlier moment refuse a client that has seen
    // a later one; a new client has seen none.
    lose_session("no server has answered");
    connection_.drop();
  }
  if (connection_.state() != Connection::State::ended) co_return;
  const auto held = co_await opening_.take();
  (void)co_await connection_.open(connection_.session_timeout_wished());
}

void Core::linger(std::shared_ptr<Core> core) {
  if (core->tasks_.size() == 0) return;
  env::Shard& home = core->home_;
  home.post([core = std::move(core)]() mutable { linger(std::move(core)); });
}

awaitable<Result<void>> Core::close() {
  if (is_closing_) co_return zookeeper_closed();
  is_closing_ = true;
  changed_.notify_all();
  while (calls_ > 0) co_await idle_.wait();
  Result<void> ended;
  if (has_session()) {
    const auto turn = co_await turn_.take();
    if (has_session()) ended = co_await end_current_session(deadline());
  }
  is_over_ = true;
  woken_.notify_all();
  co_await connection_.close();
  co_await tasks_.join();
  co_return ended;
}

class ZooKeeperStore final : public MetadataStore {
 public:
  explicit ZooKeeperStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~ZooKeeperStore() override { core_->abandon(); }

  awaitable<Result<std::optional<KeyValue>>> get(std::string key) override { return core_->get(std::move(key)); }
  awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page) override {
    return core_->list(std::move(prefix), std::move(page));
  }
  awaitable<Result<std::optional<Changes>>> changes(Revision since) override { return core_->changes(since); }
  awaitable<Result<Revision>> transact(Transaction transaction) override {
    return core_->transact(std::move(transaction));
  }
  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) override {
    return core_->wait_for_change(seen, deadline);
  }
  awaitable<Result<Duration>> begin_session(Duration ttl) override { return core_->begin_session(ttl); }
  awaitable<Result<void>> renew_session() override { return core_->renew_session(); }
  awaitable<Result<void>> end_session() override { return core_->end_session(); }
  void hurry(Duration patience) override { core_->hurry(patience); }
  awaitable<Result<void>> close() override { return core_->close(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

awaitable<Result<std::unique_ptr<MetadataStore>>> open_zookeeper_store(env::Pool& pool, env::Shard& home,
                                                                       env::Random& random, env::Logger& logger,
                                                                       ZooKeeperPlace place, bool must_be_there) {
  auto core = std::make_shared<Core>(pool, home, random, logger, std::move(place));
  const Result<void> started = co_await core->start(must_be_there);
  if (started) co_return std::make_unique<ZooKeeperStore>(std::move(core));
  core->abandon();
  co_return fail(started.error());
}

StoreSource zookeeper_source(env::Pool& pool, env::Random& random, env::Logger& logger, ZooKeeperPlace place) {
  return {
      .name = place.url.to_string(), .is_shared = true, .open = [&pool, &random, &logger, place](StoreOpening opening) {
        return open_zookeeper_store(pool, *opening.home, random, logger, place, opening.was_made);
      }};
}

}  // namespace mq::meta
