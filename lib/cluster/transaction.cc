#include "cluster/transaction.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace mq::cluster {
namespace {

Result<void> check_key(std::string_view key) {
  if (key.empty()) return fail(Errc::invalid_argument, "a metadata key may not be empty");
  if (key.size() > kKeyBytesMax)
    return fail(Errc::too_large, "a metadata key of {} bytes; the limit is {}", key.size(), kKeyBytesMax);
  return {};
}

}  // namespace

bool Compare::holds(const KeyValue* found) const {
  switch (fact) {
    case Fact::absent:
      return found == nullptr;
    case Fact::exists:
      return found != nullptr;
    case Fact::created_at:
      return found != nullptr && found->created == revision;
    case Fact::modified_at:
      return found != nullptr && found->modified == revision;
  }
  std::unreachable();
}

std::vector<Change> changes_of(const Transaction& transaction, Revision revision) {
  std::vector<Change> changes;
  changes.reserve(transaction.ops.size());
  for (const Op& op : transaction.ops)
    changes.push_back({.entry = {.key = op.key,
                                 .value = op.value.value_or(""),
                                 .created = {},
                                 .modified = revision,
                                 .write_id = transaction.write_id},
                       .is_erased = !op.value});
  return changes;
}

Result<void> check_limits(const Transaction& transaction) {
  std::set<std::string_view> changed;
  std::size_t bytes = 0;
  for (const Compare& compare : transaction.compares) {
    MQ_CHECK(check_key(compare.key));
    bytes += compare.key.size();
  }
  for (const Op& op : transaction.ops) {
    MQ_CHECK(check_key(op.key));
    if (!changed.insert(op.key).second)
      return fail(Errc::invalid_argument, "two changes of one key in a metadata transaction");
    bytes += op.key.size() + (op.value ? op.value->size() : 0);
  }
  const std::size_t keys = std::max(transaction.compares.size(), transaction.ops.size());
  if (keys > kTransactionKeysMax)
    return fail(Errc::too_large, "a metadata transaction of {} keys; the limit is {}", keys, kTransactionKeysMax);
  if (bytes > kTransactionBytesMax)
    return fail(Errc::too_large, "a metadata transaction of {} bytes; the limit is {}", bytes, kTransactionBytesMax);
  return {};
}

bool puts_leased(const Transaction& transaction) {
  return std::ranges::any_of(transaction.ops, [](const Op& op) { return op.value && op.stay == Stay::leased; });
}

}  // namespace mq::cluster
