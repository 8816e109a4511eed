#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/transaction.h"
#include "meta/metadata_store.h"

namespace mq::meta::etcd {

/// What a watch has told: the changes of whole transactions, the newest ten minutes, 10,000 revisions and kBytesMax.
///
/// A plain object without I/O.
class ChangeLog {
 public:
  static constexpr std::size_t kBytesMax = 16 << 20;

  /// From now on it knows what was changed after `after`, of which nothing has been told yet.
  void begin(Revision after);
  [[nodiscard]] bool has_begun() const { return has_begun_; }

  /// The next change, of a revision above `reached`. One without a key is no change, but tells a write id.
  /// corrupt: it belongs before what was told already.
  [[nodiscard]] Result<void> add(Change change, Instant now);
  /// Nothing more comes of the transactions up to `revision`.
  void complete(Revision revision, Instant now);
  /// What was added and is not complete is told again.
  void forget_unfinished() { under_way_.clear(); }

  /// Everything after this is known ...
  [[nodiscard]] Revision begins_after() const { return begins_after_; }
  /// ... up to this.
  [[nodiscard]] Revision reached() const { return reached_; }
  /// What was before this was known once, and forgotten.
  [[nodiscard]] Revision forgotten_until() const { return forgotten_until_; }
  /// A page of what came after `since`; none when that is not known.
  [[nodiscard]] std::optional<Changes> page(Revision since) const;

  /// Of the last transaction that changed a key; none when it knows of none.
  [[nodiscard]] std::optional<Revision> last_changed() const;
  /// What the last transaction did is what `changes` say, which may have more of later ones behind.
  [[nodiscard]] bool ends_as(std::span<const Change> changes) const;

 private:
  struct Kept {
    Change change;
    Instant told;
  };

  void end_transaction(Instant now);
  void forget_old(Instant now);
  void forget_oldest();

  std::deque<Kept> kept_;          ///< by revision
  std::size_t bytes_ = 0;          ///< of its keys and values
  std::vector<Change> under_way_;  ///< of one transaction
  Revision begins_after_;
  Revision reached_;
  Revision forgotten_until_;
  bool has_begun_ = false;
};

}  // namespace mq::meta::etcd
