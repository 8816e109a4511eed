#include "sim/machine/model_metadata.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::sim {
namespace {

using meta::Change;
using meta::Changes;
using meta::Compare;
using meta::KeyValue;
using meta::kNoRevision;
using meta::Listing;
using meta::NextPage;
using meta::Op;
using meta::Revision;
using meta::Stay;
using meta::Transaction;

constexpr Duration kRoundTrip = 200us;

std::unexpected<Error> closed() { return fail(Errc::closed, "the metadata store is closed"); }
std::unexpected<Error> session_ended() { return fail(Errc::conflict, "the session has ended, or never began"); }

}  // namespace

class ModelMetadata::Connection final : public meta::MetadataStore {
 public:
  Connection(ModelMetadata& model, env::Shard& home) : model_(model), home_(home), changed_(home), idle_(home) {
    model_.watchers_.push_back(&changed_);
  }
  ~Connection() override { std::erase(model_.watchers_, &changed_); }

  awaitable<Result<std::optional<KeyValue>>> get(std::string key) override {
    MQ_CO_CHECK(co_await reach());
    const KeyValue* found = model_.find(key);
    co_return found ? std::optional(*found) : std::nullopt;
  }

  awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page) override {
    MQ_CO_CHECK(co_await reach());
    co_return model_.list(prefix, page);
  }

  awaitable<Result<std::optional<Changes>>> changes(Revision since) override {
    MQ_CO_CHECK(co_await reach());
    if (model_.strikes(model_.trouble_.forgotten_one_in)) co_return std::optional<Changes>();
    auto changes = model_.changes(since);
    if (changes && model_.strikes(model_.trouble_.stale_one_in)) keep_first_of(*changes);
    co_return changes;
  }

  awaitable<Result<Revision>> transact(Transaction transaction) override {
    MQ_CO_CHECK(meta::check_limits(transaction));
    MQ_CO_CHECK(co_await reach());
    if (meta::puts_leased(transaction) && !has_session()) co_return session_ended();
    if (!transaction.ops.empty() && model_.strikes(model_.trouble_.late_one_in)) {
      model_.late_.push_back({.due = home_.now() + model_.rng_.delay(1ms, 2s), .transaction = std::move(transaction)});
      co_return no_answer();
    }
    if (!model_.holds(transaction)) co_return fail(Errc::conflict, "a key was changed by somebody else");
    const Revision revision = model_.apply(transaction, session_);
    if (model_.strikes(model_.trouble_.lost_answer_one_in)) co_return no_answer();
    co_return revision;
  }

  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) override {
    ++waiting_;
    if (model_.strikes(model_.trouble_.false_alarm_one_in)) seen = kNoRevision;
    while (!is_closed_ && model_.revision_ <= seen && home_.now() < deadline) {
      // Somebody has to see that a session has ended: who waits for it.
      (void)co_await changed_.wait_until(std::min(deadline, model_.next_end()));
      model_.end_silent_sessions();
    }
    --waiting_;
    idle_.notify_all();
    if (is_closed_) co_return fail(Errc::cancelled, "the metadata store was closed");
    if (model_.revision_ > seen) co_return model_.revision_;
    co_return fail(Errc::timed_out, "the metadata store was not changed");
  }

  awaitable<Result<Duration>> begin_session(Duration ttl) override {
    MQ_CO_CHECK(co_await reach());
    model_.end_session(session_);
    session_ = model_.begin_session(ttl);
    co_return ttl;
  }

  awaitable<Result<void>> renew_session() override {
    MQ_CO_CHECK(co_await reach());
    if (!has_session()) co_return session_ended();
    Session& session = model_.sessions_.at(session_);
    session.ends = model_.clock_.now() + session.ttl;
    co_return Result<void>{};
  }

  awaitable<Result<void>> end_session() override {
    MQ_CO_CHECK(co_await renew_session());
    model_.end_session(session_);
    co_return Result<void>{};
  }

  awaitable<Result<void>> close() override {
    if (std::exchange(is_closed_, true)) co_return closed();
    changed_.notify_all();
    while (waiting_ > 0) co_await idle_.wait();
    model_.end_session(session_);
    co_return Result<void>{};
  }

 private:
  /// The way there; what follows in the caller is one step.
  awaitable<Result<void>> reach() {
    if (is_closed_) co_return closed();
    ++waiting_;
    const Duration delay_max = model_.trouble_.delay_max;
    const Duration delay = delay_max > 0s ? model_.rng_.delay(0s, delay_max / 2) : 0s;
    co_await home_.sleep_until(home_.now() + kRoundTrip + delay);
    --waiting_;
    idle_.notify_all();
    if (is_closed_) co_return closed();
    if (model_.strikes(model_.trouble_.lost_request_one_in))
      co_return fail(Errc::unreachable, "the metadata store cannot be reached");
    model_.do_late();
    model_.end_silent_sessions();
    co_return Result<void>{};
  }

  static std::unexpected<Error> no_answer() {
    return fail(Errc::timed_out, "the metadata store did not answer; the change may take effect");
  }

  /// As a replica that lags knows them: whole transactions.
  void keep_first_of(Changes& changes) {
    if (changes.entries.empty()) return;
    const Revision last = changes.entries[model_.rng_.below(changes.entries.size())].entry.modified;
    std::erase_if(changes.entries, [&](const Change& change) { return change.entry.modified > last; });
    changes.revision = last;
    changes.has_more = true;
  }

  [[nodiscard]] bool has_session() const { return model_.sessions_.contains(session_); }

  ModelMetadata& model_;
  env::Shard& home_;
  env::Event changed_;
  env::Event idle_;
  int waiting_ = 0;
  bool is_closed_ = false;
  SessionId session_ = kNoSession;  ///< the last one that was begun
};

std::unique_ptr<meta::MetadataStore> ModelMetadata::connect(env::Shard& home) {
  return std::make_unique<Connection>(*this, home);
}

struct ModelMetadata::Copy {
  std::map<std::string, Entry> entries;
  Revision revision;
  std::deque<PastChange> changes;
  Revision changes_after;
};

std::shared_ptr<const ModelMetadata::Copy> ModelMetadata::copy() const {
  return std::make_shared<const Copy>(Copy{entries_, revision_, changes_, changes_after_});
}

bool ModelMetadata::has_changed_since(const Copy& then) const { return revision_ > then.revision; }

void ModelMetadata::go_back(const Copy& then) {
  entries_ = then.entries;
  revision_ = then.revision;
  changes_ = then.changes;
  changes_after_ = then.changes_after;
  late_.clear();
  // Those of that time end, too: nobody renews them.
  for (const auto& [key, entry] : entries_)
    if (entry.session != kNoSession) sessions_.try_emplace(entry.session);
  end_all_sessions();
  for (env::Event* watcher : watchers_) watcher->notify_all();
}

void ModelMetadata::end_all_sessions() {
  const std::map<SessionId, Session> all = sessions_;
  for (const auto& [id, session] : all) end_session(id);
}

void ModelMetadata::do_late() {
  std::vector<Late> due;
  std::erase_if(late_, [&](Late& late) {
    const bool is_due = late.due <= clock_.now();
    if (is_due) due.push_back(std::move(late));
    return is_due;
  });
  for (const Late& late : due)
    if (holds(late.transaction) && !meta::puts_leased(late.transaction)) apply(late.transaction, kNoSession);
}

void ModelMetadata::forget() {
  MQ_ASSERT(watchers_.empty());
  entries_.clear();
  changes_.clear();
  sessions_.clear();
  revision_ = changes_after_ = kNoRevision;
}

const KeyValue* ModelMetadata::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second.said;
}

bool ModelMetadata::holds(const Transaction& transaction) const {
  for (const Compare& compare : transaction.compares)
    if (!compare.holds(find(compare.key))) return false;
  return true;
}

std::optional<Listing> ModelMetadata::list(const std::string& prefix, const std::optional<NextPage>& page) const {
  const std::string from = page ? page->after + '\0' : prefix;
  // What is left is as it was at the first page when nothing in it was changed since.
  if (page && has_changed_after(page->revision, prefix, from)) return std::nullopt;
  Listing listing{.revision = page ? page->revision : revision_, .entries = {}, .next = {}};
  meta::PageFill fill;
  for (auto entry = entries_.lower_bound(from); entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
    if (fill.is_full()) {
      listing.next = NextPage{.revision = listing.revision, .after = listing.entries.back().key};
      break;
    }
    fill.add(listing.entries.emplace_back(entry->second.said));
  }
  return listing;
}

bool ModelMetadata::has_changed_after(Revision since, const std::string& prefix, const std::string& from) const {
  if (since < changes_after_ || since > revision_) return true;  // as far as we know
  return std::ranges::any_of(changes_, [&](const PastChange& past) {
    const KeyValue& entry = past.change.entry;
    return entry.modified > since && entry.key.starts_with(prefix) && entry.key >= from;
  });
}

std::optional<Changes> ModelMetadata::changes(Revision since) const {
  if (since < changes_after_ || since > revision_) return std::nullopt;
  Changes changes{.revision = revision_, .entries = {}};
  meta::PageFill fill;
  for (const auto& [change, made] : changes_) {
    if (change.entry.modified <= since) continue;
    // Whole transactions only.
    if (fill.is_full() && change.entry.modified != changes.entries.back().entry.modified) {
      changes.revision = changes.entries.back().entry.modified;
      changes.has_more = true;
      break;
    }
    fill.add(change.entry);
    changes.entries.push_back(change);
  }
  return changes;
}

Revision ModelMetadata::apply(const Transaction& transaction, SessionId session) {
  if (transaction.ops.empty()) return revision_;
  revision_ = Revision{revision_.value() + 1};
  for (const Op& op : transaction.ops) {
    KeyValue said{.key = op.key, .modified = revision_, .write_id = transaction.write_id};
    if (!op.value) {
      if (entries_.erase(op.key) > 0) note(std::move(said), true);
      continue;
    }
    const KeyValue* before = find(op.key);
    said.created = before != nullptr ? before->created : revision_;
    said.value = *op.value;
    entries_[op.key] = {.said = said, .session = op.stay == Stay::leased ? session : kNoSession};
    note(std::move(said), false);
  }
  forget_old_changes();
  for (env::Event* watcher : watchers_) watcher->notify_all();
  return revision_;
}

void ModelMetadata::note(KeyValue entry, bool is_erased) {
  changes_.push_back({.change = {.entry = std::move(entry), .is_erased = is_erased}, .made = clock_.now()});
}

void ModelMetadata::forget_old_changes() {
  while (!changes_.empty()) {
    const Revision oldest = changes_.front().change.entry.modified;
    const bool is_too_old = changes_.front().made + meta::kChangesKept <= clock_.now();
    const bool is_too_far = oldest.value() + meta::kChangesKeptMax <= revision_.value();
    if (!is_too_old && !is_too_far) break;
    changes_after_ = oldest;
    changes_.pop_front();
  }
}

ModelMetadata::SessionId ModelMetadata::begin_session(Duration ttl) {
  sessions_[++last_session_] = {.ttl = ttl, .ends = clock_.now() + ttl};
  return last_session_;
}

void ModelMetadata::end_session(SessionId session) {
  if (sessions_.erase(session) == 0) return;
  Transaction erased;
  for (const auto& [key, entry] : entries_)
    if (entry.session == session) erased.ops.push_back(Op::erase(key));
  apply(erased, kNoSession);
}

void ModelMetadata::end_silent_sessions() {
  std::vector<SessionId> silent;
  for (const auto& [id, session] : sessions_)
    if (session.ends <= clock_.now()) silent.push_back(id);
  for (const SessionId id : silent) end_session(id);
}

Instant ModelMetadata::next_end() const {
  Instant next = Instant::never();
  for (const auto& [id, session] : sessions_) next = std::min(next, session.ends);
  return next;
}

}  // namespace mq::sim
