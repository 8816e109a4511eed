#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/clock.h"
#include "env/event.h"
#include "env/shard.h"
#include "meta/metadata_store.h"

namespace mq::sim {

/// The metadata contract in its plainest form: a map, revisions and leases. What a store service of a simulated cluster
/// keeps; it stays when the machines that use it go. It is also what the real back ends are compared with.
class ModelMetadata {
 public:
  explicit ModelMetadata(const env::Clock& clock) : clock_(clock) {}

  /// A machine's way to it. Belongs to `home` and must not outlive this.
  [[nodiscard]] std::unique_ptr<meta::MetadataStore> connect(env::Shard& home);
  /// Begins anew, empty. Nobody is connected.
  void forget();

 private:
  class Connection;
  struct LeaseState {
    meta::Revision created;
    Duration ttl{0};
    Instant ends;
  };

  [[nodiscard]] const meta::KeyValue* find(const std::string& key) const;
  [[nodiscard]] bool holds(const meta::Transaction& transaction) const;
  meta::Revision apply(const meta::Transaction& transaction);
  void expire_leases();

  const env::Clock& clock_;
  std::map<std::string, meta::KeyValue> entries_;
  meta::Revision revision_;
  std::map<std::string, LeaseState> leases_;
  std::vector<env::Event*> watchers_;  // in the order of their connections
};

}  // namespace mq::sim
