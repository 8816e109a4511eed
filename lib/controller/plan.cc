#include "controller/plan.h"

#include "base/assert.h"

namespace mq::controller {

cluster::Transaction Plan::transaction(std::size_t index, cluster::Revision first) const {
  MQ_ASSERT(index < transactions.size());
  cluster::Transaction transaction = transactions[index];
  if (index > 0 && guard) transaction.compares.push_back(cluster::Compare::modified_at(*guard, first));
  return transaction;
}

}  // namespace mq::controller
