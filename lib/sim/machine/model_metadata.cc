#include "sim/machine/model_metadata.h"

#include <utility>

#include "base/assert.h"

namespace mq::sim {
namespace {

using meta::Compare;
using meta::KeyValue;
using meta::Lease;
using meta::Listing;
using meta::Op;
using meta::Revision;
using meta::Transaction;

constexpr Duration kRoundTrip = 200us;

std::unexpected<Error> closed() { return fail(Errc::closed, "the metadata store is closed"); }

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

  awaitable<Result<Listing>> list(std::string prefix) override {
    MQ_CO_CHECK(co_await reach());
    Listing listing{.revision = model_.revision_, .entries = {}};
    for (auto entry = model_.entries_.lower_bound(prefix);
         entry != model_.entries_.end() && entry->first.starts_with(prefix); ++entry)
      listing.entries.push_back(entry->second);
    co_return listing;
  }

  awaitable<Result<Revision>> transact(Transaction transaction) override {
    MQ_CO_CHECK(meta::check_limits(transaction));
    MQ_CO_CHECK(co_await reach());
    if (!model_.holds(transaction)) co_return fail(Errc::conflict, "a key was changed by somebody else");
    co_return model_.apply(transaction);
  }

  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) override {
    ++waiting_;
    Result<void> waited;
    while (waited && !is_closed_ && model_.revision_ <= seen) waited = co_await changed_.wait_until(deadline);
    --waiting_;
    idle_.notify_all();
    if (is_closed_) co_return fail(Errc::cancelled, "the metadata store was closed");
    if (!waited) co_return std::unexpected(std::move(waited).error());
    co_return model_.revision_;
  }

  awaitable<Result<Lease>> acquire_lease(std::string key, std::string holder, Duration ttl) override {
    MQ_CO_CHECK(co_await reach());
    if (model_.find(key) != nullptr) co_return fail(Errc::conflict, "the lease {} is held", key);
    Transaction transaction;
    transaction.ops.push_back(Op::put(key, std::move(holder)));
    const Revision created = model_.apply(transaction);
    model_.leases_[key] = {.created = created, .ttl = ttl, .ends = model_.clock_.now() + ttl};
    co_return Lease{.key = std::move(key), .created = created};
  }

  awaitable<Result<void>> renew_lease(Lease lease) override {
    MQ_CO_CHECK(co_await reach());
    const auto held = model_.leases_.find(lease.key);
    if (held == model_.leases_.end() || held->second.created != lease.created)
      co_return fail(Errc::conflict, "the lease {} was lost", lease.key);
    held->second.ends = model_.clock_.now() + held->second.ttl;
    co_return Result<void>{};
  }

  awaitable<Result<void>> release_lease(Lease lease) override {
    MQ_CO_CHECK(co_await renew_lease(lease));
    Transaction transaction;
    transaction.ops.push_back(Op::erase(lease.key));
    model_.leases_.erase(lease.key);
    model_.apply(transaction);
    co_return Result<void>{};
  }

  awaitable<Result<void>> close() override {
    if (std::exchange(is_closed_, true)) co_return closed();
    changed_.notify_all();
    while (waiting_ > 0) co_await idle_.wait();
    co_return Result<void>{};
  }

 private:
  /// The way there; what follows in the caller is one step.
  awaitable<Result<void>> reach() {
    if (is_closed_) co_return closed();
    ++waiting_;
    co_await home_.sleep_until(home_.now() + kRoundTrip);
    --waiting_;
    idle_.notify_all();
    if (is_closed_) co_return closed();
    model_.expire_leases();
    co_return Result<void>{};
  }

  ModelMetadata& model_;
  env::Shard& home_;
  env::Event changed_;
  env::Event idle_;
  int waiting_ = 0;
  bool is_closed_ = false;
};

std::unique_ptr<meta::MetadataStore> ModelMetadata::connect(env::Shard& home) {
  return std::make_unique<Connection>(*this, home);
}

void ModelMetadata::forget() {
  MQ_ASSERT(watchers_.empty());
  entries_.clear();
  leases_.clear();
  revision_ = {};
}

const KeyValue* ModelMetadata::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

bool ModelMetadata::holds(const Transaction& transaction) const {
  for (const Compare& compare : transaction.compares)
    if (!compare.holds(find(compare.key))) return false;
  return true;
}

Revision ModelMetadata::apply(const Transaction& transaction) {
  if (transaction.ops.empty()) return revision_;
  revision_ = Revision{revision_.value() + 1};
  for (const Op& op : transaction.ops) {
    if (!op.value) {
      entries_.erase(op.key);
      continue;
    }
    auto [entry, is_new] = entries_.try_emplace(op.key);
    if (is_new) entry->second.created = revision_;
    entry->second.key = op.key;
    entry->second.value = *op.value;
    entry->second.modified = revision_;
    entry->second.write_id = transaction.write_id;
  }
  for (env::Event* watcher : watchers_) watcher->notify_all();
  return revision_;
}

void ModelMetadata::expire_leases() {
  Transaction expired;
  for (const auto& [key, lease] : leases_)
    if (lease.ends <= clock_.now()) expired.ops.push_back(Op::erase(key));
  for (const Op& op : expired.ops) leases_.erase(op.key);
  apply(expired);
}

}  // namespace mq::sim
