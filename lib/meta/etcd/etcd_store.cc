#include "meta/etcd/etcd_store.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/mutant.h"
#include "env/event.h"
#include "env/task_group.h"
#include "meta/etcd/gateway.h"
#include "meta/etcd/key_space.h"
#include "meta/etcd/messages.h"
#include "meta/etcd/watch.h"

namespace mq::meta::etcd {
namespace {

/// For all that a call needs: a few servers that do not answer, an election.
constexpr Duration kCallPatience = 5s;
/// A list asks for fewer keys when those of a page are too large for an answer; the last cannot be, with values of
/// kTransactionBytesMax.
constexpr std::size_t kLimits[] = {kPageEntriesMax, kPageEntriesMax / 16, kPageEntriesMax / 64};

std::unexpected<Error> store_closed() { return fail(Errc::closed, "the metadata store is closed"); }
std::unexpected<Error> session_ended() { return fail(Errc::conflict, "the session in etcd has ended"); }
std::unexpected<Error> refused(const Refusal& refusal) { return fail(Errc::refused, "etcd: {}", refusal.message); }

/// An answer that cannot be read is none.
template <class T>
Result<T> readable(Result<T> answer) {
  if (!answer) return fail(Errc::unreachable, "etcd: {}", answer.error().message);
  return answer;
}

/// Nor is one that is larger than any that we ask for.
Result<Reply> not_too_large(Result<Reply> reply) {
  if (!reply && reply.error().code == Errc::too_large) reply.error().code = Errc::unreachable;
  return reply;
}

GatewayOptions gateway_options(const EtcdOptions& options) {
  return {.servers = options.url.servers, .user = options.url.user, .password = options.password};
}

/// What goes on for a moment after the store that began it.
struct Connections {
  Connections(env::Shard& at, env::Logger& logger, const EtcdOptions& options)
      : home(at),
        keys(options.url.prefix),
        gateway(at, logger, gateway_options(options)),
        watch(at, logger, gateway, keys),
        tasks(at),
        call_ended(at) {}

  void stop() {
    watch.stop();
    gateway.close();
  }

  env::Shard& home;
  const KeySpace keys;
  Gateway gateway;
  Watch watch;
  env::TaskGroup tasks;
  int calls = 0;  ///< in progress
  env::Event call_ended;
};

/// A call in progress. What it uses lives as long.
class [[nodiscard]] Call {
 public:
  explicit Call(std::shared_ptr<Connections> connections) : connections_(std::move(connections)) {
    ++connections_->calls;
  }
  Call(Call&&) noexcept = default;
  ~Call() {
    if (!connections_) return;
    --connections_->calls;
    connections_->call_ended.notify_all();
  }

 private:
  std::shared_ptr<Connections> connections_;
};

/// The last that a task of `connections` does: they outlive its end, which their group has yet to hear of.
void keep_until_ended(std::shared_ptr<Connections> connections) {
  if (connections->tasks.size() == 0) return;
  env::Shard& home = connections->home;
  home.post([kept = std::move(connections)]() mutable { keep_until_ended(std::move(kept)); });
}

awaitable<void> follow(std::shared_ptr<Connections> connections) {
  co_await connections->watch.run();
  keep_until_ended(std::move(connections));
}

class EtcdStore final : public MetadataStore {
 public:
  EtcdStore(env::Shard& home, env::Logger& logger, const EtcdOptions& options)
      : home_(home), connections_(std::make_shared<Connections>(home, logger, options)) {
    connections_->tasks.spawn(follow(connections_));
  }
  ~EtcdStore() override { connections_->stop(); }

  /// Until etcd answers for the first time.
  awaitable<Result<Revision>> reach(Duration patience) { return watch().newest_revision(home_.now() + patience); }

  awaitable<Result<std::optional<KeyValue>>> get(std::string key) override {
    MQ_CO_TRY(const Call call, begin_call());
    MQ_CO_TRY(const Reply reply,
              not_too_large(co_await ask("/v3/kv/range", get_request(keys().of(key)), Repeat::freely)));
    if (reply.refusal) co_return refused(*reply.refusal);
    MQ_CO_TRY(RangeAnswer answer, readable(parse_range(reply.body, keys())));
    watch().hear_of(answer.revision);
    if (answer.entries.empty()) co_return std::nullopt;
    if (answer.entries.size() > 1 || answer.entries[0].key != key)
      co_return fail(Errc::unreachable, "etcd answers with keys that were not asked for");
    co_return std::move(answer.entries[0]);
  }

  awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page) override {
    MQ_CO_TRY(const Call call, begin_call());
    const KeyRange range = keys().with_prefix(prefix, page ? page->after : "");
    const Revision moment = page && !is_mutant("pageslater") ? page->revision : kNoRevision;
    // None asks for what is there now; and there is no second page of a moment at which there was nothing.
    MQ_CO_TRY(const Reply reply, co_await ask_for_page(range, moment));
    if (reply.refusal && page && is_revision_gone(*reply.refusal)) co_return std::nullopt;
    if (reply.refusal) co_return refused(*reply.refusal);
    MQ_CO_TRY(RangeAnswer answer, readable(parse_range(reply.body, keys())));
    watch().hear_of(answer.revision);
    if (!std::ranges::all_of(answer.entries, [&](const KeyValue& entry) { return entry.key.starts_with(prefix); }))
      co_return fail(Errc::unreachable, "etcd answers with keys that were not asked for");
    const Revision moment_of_page = page ? moment : answer.revision;
    co_return page_of(std::move(answer), moment_of_page);
  }

  awaitable<Result<std::optional<Changes>>> changes(Revision since) override {
    MQ_CO_TRY(const Call call, begin_call());
    co_return co_await watch().changes(since, home_.now() + patience_);
  }

  awaitable<Result<Revision>> transact(Transaction transaction) override {
    MQ_CO_CHECK(check_limits(transaction));
    MQ_CO_TRY(const Call call, begin_call());
    const LeaseId lease = lease_;
    if (lease == kNoLease && puts_leased(transaction)) co_return session_ended();
    const Repeat repeat = is_mutant("postagain") ? Repeat::freely : Repeat::never;
    MQ_CO_TRY(const Reply reply, co_await ask("/v3/kv/txn", transaction_request(keys(), transaction, lease), repeat));
    if (reply.refusal) co_return why_not_done(*reply.refusal, lease);
    MQ_CO_TRY(const TransactionAnswer answer, readable(parse_transaction(reply.body)));
    watch().hear_of(answer.revision);
    if (!answer.is_done) co_return fail(Errc::conflict, "a metadata key was changed by somebody else");
    if (!transaction.ops.empty()) watch().expect(answer.revision);
    co_return answer.revision;
  }

  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) override {
    auto call = begin_call();
    if (!call) co_return fail(Errc::cancelled, "the metadata store was closed");
    co_return co_await watch().wait_for_change(seen, deadline);
  }

  awaitable<Result<Duration>> begin_session(Duration ttl) override {
    MQ_CO_TRY(const Call call, begin_call());
    if (lease_ != kNoLease) {
      const auto ended = co_await revoke();
      if (!ended && ended.error().code != Errc::conflict) co_return std::unexpected(ended.error());
    }
    const auto seconds = std::max(std::chrono::ceil<std::chrono::seconds>(ttl), std::chrono::seconds(1));
    // One that is granted twice leaves a lease without keys, which ends by itself.
    MQ_CO_TRY(const Reply reply, co_await ask("/v3/lease/grant", grant_request(seconds), Repeat::freely));
    if (reply.refusal) co_return refused(*reply.refusal);
    MQ_CO_TRY(const LeaseAnswer granted, readable(parse_lease(reply.body)));
    if (granted.id == kNoLease || granted.ttl < std::chrono::seconds(1))
      co_return fail(Errc::unreachable, "etcd grants a lease that is none");
    lease_ = granted.id;
    co_return granted.ttl;
  }

  awaitable<Result<void>> renew_session() override {
    MQ_CO_TRY(const Call call, begin_call());
    const LeaseId lease = lease_;
    if (lease == kNoLease) co_return session_ended();
    MQ_CO_TRY(const Reply reply, co_await ask("/v3/lease/keepalive", lease_request(lease), Repeat::freely));
    if (reply.refusal && !is_lease_missing(*reply.refusal)) co_return refused(*reply.refusal);
    if (!reply.refusal) {
      MQ_CO_TRY(const LeaseAnswer kept, readable(parse_lease(reply.body)));
      if (kept.ttl > std::chrono::seconds(0)) co_return Result<void>{};
    }
    forget_lease(lease);
    co_return session_ended();
  }

  awaitable<Result<void>> end_session() override {
    MQ_CO_TRY(const Call call, begin_call());
    co_return co_await revoke();
  }

  awaitable<Result<void>> forget_changes(Revision until) override {
    MQ_CO_TRY(const Call call, begin_call());
    MQ_CO_TRY(const Reply reply, co_await ask("/v3/kv/compaction", compaction_request(until), Repeat::freely));
    // Forgotten by somebody else, perhaps by the server itself.
    if (reply.refusal && !is_revision_gone(*reply.refusal)) co_return refused(*reply.refusal);
    co_return Result<void>{};
  }

  void hurry(Duration patience) override {
    patience_ = std::min(patience, kCallPatience);
    connections_->gateway.hurry(patience_);
  }

  awaitable<Result<void>> close() override {
    if (is_closing_) co_return store_closed();
    is_closing_ = true;
    watch().stop();
    while (connections_->calls > 0) co_await connections_->call_ended.wait();
    Result<void> ended;
    if (lease_ != kNoLease) ended = co_await revoke();
    connections_->stop();
    co_await connections_->tasks.join();
    if (!ended && ended.error().code != Errc::conflict) co_return ended;
    co_return Result<void>{};
  }

 private:
  Result<Call> begin_call() {
    if (is_closing_) return store_closed();
    return Call(connections_);
  }

  awaitable<Result<Reply>> ask(std::string path, std::string body, Repeat repeat) {
    return connections_->gateway.call(std::move(path), std::move(body), repeat, home_.now() + patience_);
  }

  awaitable<Result<Reply>> ask_for_page(const KeyRange& range, Revision moment) {
    while (true) {
      const std::size_t used = limit_used_;
      auto reply = co_await ask("/v3/kv/range", range_request(range, kLimits[used], moment), Repeat::freely);
      const bool is_too_much =
          reply ? reply->refusal && is_too_large(*reply->refusal) : reply.error().code == Errc::too_large;
      if (!is_too_much || used + 1 == std::size(kLimits)) co_return not_too_large(std::move(reply));
      limit_used_ = used + 1;
    }
  }

  Listing page_of(RangeAnswer answer, Revision moment) {
    Listing listing{.revision = moment, .entries = {}, .next = {}};
    PageFill fill;
    for (KeyValue& entry : answer.entries) {
      if (fill.is_full()) {
        answer.has_more = true;
        break;
      }
      fill.add(listing.entries.emplace_back(std::move(entry)));
    }
    // Values are small again.
    if (!fill.is_full()) limit_used_ = 0;
    if (answer.has_more && !listing.entries.empty())
      listing.next = NextPage{.revision = moment, .after = listing.entries.back().key};
    return listing;
  }

  std::unexpected<Error> why_not_done(const Refusal& refusal, LeaseId lease) {
    if (is_lease_missing(refusal)) {
      forget_lease(lease);
      return session_ended();
    }
    if (is_space_exhausted(refusal)) return fail(Errc::disk_full, "etcd: {}", refusal.message);
    return refused(refusal);
  }

  /// Ends the session, and its keys with it. conflict: it had ended before.
  awaitable<Result<void>> revoke() {
    const LeaseId lease = lease_;
    if (lease == kNoLease) co_return session_ended();
    MQ_CO_TRY(const Reply reply, co_await ask("/v3/lease/revoke", lease_request(lease), Repeat::freely));
    if (reply.refusal && !is_lease_missing(*reply.refusal)) co_return refused(*reply.refusal);
    forget_lease(lease);
    if (reply.refusal) co_return session_ended();
    MQ_CO_TRY(const LeaseAnswer revoked, readable(parse_lease(reply.body)));
    watch().hear_of(revoked.revision);
    co_return Result<void>{};
  }

  void forget_lease(LeaseId lease) {
    if (lease_ == lease) lease_ = kNoLease;
  }

  [[nodiscard]] const KeySpace& keys() const { return connections_->keys; }
  [[nodiscard]] Watch& watch() const { return connections_->watch; }

  env::Shard& home_;
  std::shared_ptr<Connections> connections_;
  LeaseId lease_ = kNoLease;  ///< of the session
  Duration patience_ = kCallPatience;
  std::size_t limit_used_ = 0;  ///< of kLimits
  bool is_closing_ = false;
};

}  // namespace
}  // namespace mq::meta::etcd

namespace mq::meta {

awaitable<Result<std::unique_ptr<MetadataStore>>> open_etcd_store(env::Shard& home, env::Logger& logger,
                                                                  EtcdOptions options) {
  auto store = std::make_unique<etcd::EtcdStore>(home, logger, options);
  MQ_CO_TRY(const Revision revision, co_await store->reach(options.open_patience));
  logger.info("metadata: {} at revision {}", options.url.to_string(), revision.value());
  co_return std::move(store);
}

StoreSource etcd_source(env::Logger& logger, EtcdOptions options) {
  std::string name = options.url.to_string();
  return {.name = std::move(name),
          .is_shared = true,
          .open = [&logger, options = std::move(options)](StoreOpening opening) {
            return open_etcd_store(*opening.home, logger, options);
          }};
}

}  // namespace mq::meta
