#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/transaction.h"
#include "model/error_code.h"

namespace mq::controller {

/// Why something that a client asked for is not done.
struct Refusal {
  ErrorCode error = ErrorCode::kNone;
  std::string message;
};

/// A change of the cluster's metadata: transactions, each within the limits of every back end, to be committed in this
/// order and one after the other. The last makes the change visible; what a stop leaves of a plan that was cut off
/// means nothing to any reader, and a sweep erases it.
///
/// Each transaction compares every key that the plan relied on. So a conflict says that the image was old: the rest of
/// the plan is dropped, and a new one is made from a newer image.
///
/// The next image is `image.apply(changes)` with all that changed in the store since the image's revision, the plan's
/// own transactions among it: the same step as for a change that another broker made. Where nobody else writes to the
/// store these are `changes_of(transaction, revision)`.
struct Plan {
  std::vector<cluster::Transaction> transactions;  ///< none: nothing has to change
  /// The key that the first of several transactions puts and that stands for the plan as long as it goes on. The others
  /// compare that it is as the first left it, so that nobody goes on with a plan that was swept away.
  std::optional<std::string> guard;

  [[nodiscard]] bool empty() const { return transactions.empty(); }
  /// Transaction `index` as it is to be sent. `first` is the revision at which the first was committed; it does not
  /// matter for the first itself.
  [[nodiscard]] cluster::Transaction transaction(std::size_t index, cluster::Revision first) const;
};

/// What a store that holds `entries` will hold once `plan` is carried out. Of what it puts only keys and values.
[[nodiscard]] std::vector<cluster::KeyValue> listing_after(std::span<const cluster::KeyValue> entries,
                                                           const Plan& plan);

/// What a client asks for that concerns one thing: the plan, or why it is not carried out.
struct AskedPlan {
  Refusal refusal;
  Plan plan;

  [[nodiscard]] static AskedPlan refused(ErrorCode error, std::string message) {
    return {.refusal = {.error = error, .message = std::move(message)}, .plan = {}};
  }
};

}  // namespace mq::controller
