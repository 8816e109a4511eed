#include "meta/zookeeper/change_plan.h"

#include <utility>

namespace mq::meta {
namespace {

using What = NodeOp::What;
using Part = ChangePlan::Part;

bool begins_bucket(Revision revision) { return revision.value() % kChangesPerBucket == 0; }
bool ends_bucket(Revision revision) { return (revision.value() + 1) % kChangesPerBucket == 0; }

NodeOp op_of(const NodeNames& names, const Copy& copy, const StoredChange& change) {
  const std::string& key = change.key.said.key;
  if (change.is_erased) return {.what = What::erase, .path = names.key(key)};
  const What what = copy.find(key) != nullptr ? What::set : What::create;
  return {.what = what, .path = names.key(key), .data = encode(change.key)};
}

void add_forgetting(ChangePlan& plan, const NodeNames& names, Revision after, Revision up_to) {
  for (std::int64_t number = after.value() + 1; number <= up_to.value(); ++number) {
    const Revision revision{number};
    plan.add(Part::rest, {.what = What::erase, .path = names.change(revision)});
    if (ends_bucket(revision)) plan.add(Part::rest, {.what = What::erase, .path = names.change_bucket(revision)});
  }
}

}  // namespace

void ChangePlan::add(Part part, NodeOp op) {
  ops.push_back(std::move(op));
  parts.push_back(part);
}

ChangePlan plan_change(const NodeNames& names, const Copy& copy, const HeadAt& head, const LogEntry& entry,
                       SessionId session, WallMillis now) {
  const Revision kept_after = head.said.changes_after;
  const Revision forgotten = copy.forgotten_up_to(kept_after, now);
  ChangePlan plan{.head = {.revision = entry.revision, .changes_after = forgotten}};
  plan.add(Part::head, {.what = What::set, .path = names.head(), .data = encode(plan.head), .version = head.version});
  if (session != kNoSession) plan.add(Part::session, {.what = What::check, .path = names.session(session)});
  if (begins_bucket(entry.revision))
    plan.add(Part::rest, {.what = What::create, .path = names.change_bucket(entry.revision)});
  plan.add(Part::entry, {.what = What::create, .path = names.change(entry.revision), .data = encode(entry)});
  for (const StoredChange& change : entry.changes) plan.add(Part::rest, op_of(names, copy, change));
  add_forgetting(plan, names, kept_after, forgotten);
  return plan;
}

ChangePlan corrected(ChangePlan plan, const std::set<std::string>& there) {
  ChangePlan better{.head = plan.head};
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    NodeOp& op = plan.ops[i];
    const bool is_there = there.contains(op.path);
    if (plan.parts[i] == Part::rest) {
      if (op.what == What::erase && !is_there) continue;
      if (op.what == What::create && is_there) op.what = What::set;
      if (op.what == What::set && !is_there) op.what = What::create;
    }
    better.add(plan.parts[i], std::move(op));
  }
  return better;
}

std::vector<std::string> nodes_of(const ChangePlan& plan) {
  std::vector<std::string> nodes;
  for (std::size_t i = 0; i < plan.ops.size(); ++i)
    if (plan.parts[i] == Part::rest) nodes.push_back(plan.ops[i].path);
  return nodes;
}

std::vector<NodeOp> plan_store(const NodeNames& names) {
  std::vector<NodeOp> ops;
  ops.push_back({.path = names.keys()});
  for (std::uint32_t bucket = 0; bucket < kKeyBucketCount; ++bucket) ops.push_back({.path = names.key_bucket(bucket)});
  ops.push_back({.path = names.changes()});
  ops.push_back({.path = names.change_bucket(kNoRevision)});
  ops.push_back({.path = names.sessions()});
  ops.push_back({.path = names.head(), .data = encode(Head{})});
  return ops;
}

}  // namespace mq::meta
