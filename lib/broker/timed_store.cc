#include "broker/timed_store.h"

#include <utility>

namespace mq::broker {
namespace {

/// Whether the store has told what became of the call: a compare that does not hold, and a session that has ended, are
/// answers like any other.
bool is_answer(Errc code) { return code == Errc::conflict || code == Errc::closed || code == Errc::cancelled; }

}  // namespace

template <class T>
awaitable<Result<T>> TimedStore::timed(StoreCall call, awaitable<Result<T>> made) {
  const Instant begun = home_.now();
  Result<T> done = co_await std::move(made);
  const bool has_failed = !done && !is_answer(done.error().code);
  metrics_.store_called(call, home_.now() - begun, has_failed ? &done.error() : nullptr);
  co_return done;
}

awaitable<Result<std::optional<meta::KeyValue>>> TimedStore::get(std::string key) {
  return timed(StoreCall::read, store_->get(std::move(key)));
}

awaitable<Result<std::optional<meta::Listing>>> TimedStore::list(std::string prefix,
                                                                 std::optional<meta::NextPage> page) {
  return timed(StoreCall::read, store_->list(std::move(prefix), std::move(page)));
}

awaitable<Result<std::optional<meta::Changes>>> TimedStore::changes(meta::Revision since) {
  return timed(StoreCall::changes, store_->changes(since));
}

awaitable<Result<meta::Revision>> TimedStore::transact(meta::Transaction transaction) {
  return timed(StoreCall::transact, store_->transact(std::move(transaction)));
}

awaitable<Result<meta::Revision>> TimedStore::wait_for_change(meta::Revision seen, Instant deadline) {
  return store_->wait_for_change(seen, deadline);
}

awaitable<Result<Duration>> TimedStore::begin_session(Duration ttl) {
  return timed(StoreCall::session, store_->begin_session(ttl));
}

awaitable<Result<void>> TimedStore::renew_session() { return timed(StoreCall::session, store_->renew_session()); }

awaitable<Result<void>> TimedStore::end_session() { return timed(StoreCall::session, store_->end_session()); }

awaitable<Result<void>> TimedStore::close() { return store_->close(); }

}  // namespace mq::broker
