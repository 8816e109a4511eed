#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "cluster/transaction.h"

namespace mq::broker {

/// When a controller has the metadata store forget what was changed long ago (`MetadataStore::forget_changes`), and up
/// to where: what is older than kChangesKept, as far as this broker has seen, and not among the last kChangesKeptMax
/// changes. Nothing of it is written anywhere; whoever becomes the controller begins anew. On one shard.
class HistoryKeeper {
 public:
  /// The newest revision is `newest` now. Up to where the store may forget, once for so many changes that it is worth
  /// a request; nothing else. Call it once in a while, at least every few minutes.
  [[nodiscard]] std::optional<cluster::Revision> due(Instant now, cluster::Revision newest);

 private:
  struct Seen {
    Instant at;
    cluster::Revision revision;
  };
  std::vector<Seen> seen_;  ///< a minute apart or more, the oldest first
  cluster::Revision forgotten_ = cluster::kNoRevision;
};

}  // namespace mq::broker
