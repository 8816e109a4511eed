#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "cluster/transaction.h"

namespace mq::controller {

/// What has to be in one transaction.
struct Group {
  std::vector<cluster::Compare> compares;
  std::vector<cluster::Op> ops;
};

/// Fills transactions with groups, in order, as the limits of every back end have it.
class Packer {
 public:
  /// `keys_reserved`: so many keys of each transaction are for others.
  explicit Packer(std::size_t keys_reserved = 0) : keys_max_(cluster::kTransactionKeysMax - keys_reserved) {}

  /// Returns the index of the transaction that the group came into. A compare that it has already is not added again.
  /// A group that is too large for any transaction gets one alone, and the store will refuse it.
  std::size_t add(Group group);
  [[nodiscard]] std::vector<cluster::Transaction> take() && { return std::move(transactions_); }

 private:
  [[nodiscard]] bool fits(const Group& group) const;

  const std::size_t keys_max_;
  std::vector<cluster::Transaction> transactions_;
  std::set<std::string> keys_;  // of the last transaction
  std::size_t bytes_ = 0;
};

/// That the key is as the image has it: put last at `revision`, or not there when that is kNoRevision.
[[nodiscard]] cluster::Compare as_known(std::string key, cluster::Revision revision);

}  // namespace mq::controller
