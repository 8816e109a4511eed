#include "controller/plan.h"

#include <map>
#include <utility>

#include "base/assert.h"

namespace mq::controller {

cluster::Transaction Plan::transaction(std::size_t index, cluster::Revision first) const {
  MQ_ASSERT(index < transactions.size());
  cluster::Transaction transaction = transactions[index];
  if (index > 0 && guard) transaction.compares.push_back(cluster::Compare::modified_at(*guard, first));
  return transaction;
}

std::vector<cluster::KeyValue> listing_after(std::span<const cluster::KeyValue> entries, const Plan& plan) {
  std::map<std::string, cluster::KeyValue> after;
  for (const cluster::KeyValue& entry : entries) after[entry.key] = entry;
  for (const cluster::Transaction& transaction : plan.transactions) {
    for (const cluster::Op& op : transaction.ops) {
      if (op.value) {
        after[op.key] = {.key = op.key, .value = *op.value};
      } else {
        after.erase(op.key);
      }
    }
  }
  std::vector<cluster::KeyValue> listing;
  for (auto& [key, entry] : after) listing.push_back(std::move(entry));
  return listing;
}

}  // namespace mq::controller
