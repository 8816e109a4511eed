#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/cluster_metrics.h"
#include "env/async.h"
#include "env/shard.h"
#include "meta/metadata_store.h"

namespace mq::broker {

/// A metadata store that counts how long each call of another one takes, and which of them it does not answer.
class TimedStore final : public meta::MetadataStore {
 public:
  /// `home` and `metrics` outlive it.
  TimedStore(std::unique_ptr<meta::MetadataStore> store, env::Shard& home, ClusterMetrics& metrics)
      : store_(std::move(store)), home_(home), metrics_(metrics) {}

  awaitable<Result<std::optional<meta::KeyValue>>> get(std::string key) override;
  awaitable<Result<std::optional<meta::Listing>>> list(std::string prefix, std::optional<meta::NextPage> page) override;
  awaitable<Result<std::optional<meta::Changes>>> changes(meta::Revision since) override;
  awaitable<Result<meta::Revision>> transact(meta::Transaction transaction) override;
  /// Not counted: how long it takes is up to others.
  awaitable<Result<meta::Revision>> wait_for_change(meta::Revision seen, Instant deadline) override;
  awaitable<Result<Duration>> begin_session(Duration ttl) override;
  awaitable<Result<void>> renew_session() override;
  awaitable<Result<void>> end_session() override;
  awaitable<Result<void>> forget_changes(meta::Revision until) override { return store_->forget_changes(until); }
  void hurry(Duration patience) override { store_->hurry(patience); }
  awaitable<Result<void>> close() override;

 private:
  template <class T>
  awaitable<Result<T>> timed(StoreCall call, awaitable<Result<T>> made);

  std::unique_ptr<meta::MetadataStore> store_;
  env::Shard& home_;
  ClusterMetrics& metrics_;
};

}  // namespace mq::broker
