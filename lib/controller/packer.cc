#include "controller/packer.h"

#include <algorithm>
#include <utility>

namespace mq::controller {
namespace {

/// Below what any back end takes, with room for a guard.
constexpr std::size_t kPackedBytesMax = std::min<std::size_t>(cluster::kTransactionBytesMax, 256 << 10) - 4096;

std::size_t bytes_of(const Group& group) {
  std::size_t bytes = 0;
  for (const cluster::Compare& compare : group.compares) bytes += compare.key.size();
  for (const cluster::Op& op : group.ops) bytes += op.key.size() + (op.value ? op.value->size() : 0);
  return bytes;
}

}  // namespace

std::size_t Packer::add(Group group) {
  if (transactions_.empty() || !fits(group)) {
    transactions_.emplace_back();
    keys_.clear();
    bytes_ = 0;
  }
  cluster::Transaction& last = transactions_.back();
  bytes_ += bytes_of(group);
  for (cluster::Compare& compare : group.compares) {
    keys_.insert(compare.key);
    if (std::ranges::find(last.compares, compare) == last.compares.end()) last.compares.push_back(std::move(compare));
  }
  for (cluster::Op& op : group.ops) {
    keys_.insert(op.key);
    last.ops.push_back(std::move(op));
  }
  return transactions_.size() - 1;
}

bool Packer::fits(const Group& group) const {
  if (bytes_ + bytes_of(group) > kPackedBytesMax) return false;
  std::set<std::string_view> added;
  for (const cluster::Compare& compare : group.compares)
    if (!keys_.contains(compare.key)) added.insert(compare.key);
  for (const cluster::Op& op : group.ops)
    if (!keys_.contains(op.key)) added.insert(op.key);
  return keys_.size() + added.size() <= keys_max_;
}

cluster::Compare as_known(std::string key, cluster::Revision revision) {
  return revision == cluster::kNoRevision ? cluster::Compare::absent(std::move(key))
                                          : cluster::Compare::modified_at(std::move(key), revision);
}

}  // namespace mq::controller
