#include "group/members.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "group/memory.h"

namespace mq::group {

Member* Members::find(const std::string& id) {
  const auto at = members_.find(id);
  return at == members_.end() ? nullptr : &at->second;
}

const Member* Members::find(const std::string& id) const {
  const auto at = members_.find(id);
  return at == members_.end() ? nullptr : &at->second;
}

const std::string* Members::static_member(const std::string& instance_id) const {
  const auto at = static_members_.find(instance_id);
  return at == static_members_.end() ? nullptr : &at->second;
}

std::optional<ErrorCode> Members::problem_of(const std::string& id,
                                             const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const std::string* owner = static_member(*instance_id);
    if (owner == nullptr) return ErrorCode::kUnknownMemberId;
    if (*owner != id) return ErrorCode::kFencedInstanceId;
    return std::nullopt;
  }
  if (!members_.contains(id)) MQ_MARK("group: a member is not known");
  if (!members_.contains(id)) return ErrorCode::kUnknownMemberId;
  return std::nullopt;
}

Member& Members::add(Member member) {
  MQ_ASSERT(!members_.contains(member.id));
  if (members_.empty()) leader_ = member.id;
  if (member.instance_id) static_members_[*member.instance_id] = member.id;
  pending_.erase(member.id);
  member.protocols_size = size_of(member.protocols);
  count_protocols(member, +1);
  std::string id = member.id;
  return members_.emplace(std::move(id), std::move(member)).first->second;
}

void Members::remove(const std::string& id) {
  const auto at = members_.find(id);
  MQ_ASSERT(at != members_.end());
  MQ_ASSERT(!at->second.join_token && !at->second.sync_token);
  count_protocols(at->second, -1);
  if (at->second.instance_id) static_members_.erase(*at->second.instance_id);
  const bool led = is_leader(id);
  members_.erase(at);
  if (led) MQ_MARK("group: the leader of a group goes");
  if (led) leader_ = members_.empty() ? std::string() : members_.begin()->first;
}

void Members::clear() {
  members_.clear();
  static_members_.clear();
  supporters_.clear();
  leader_.clear();
}

void Members::set_protocols(Member& member, std::vector<Protocol> protocols) {
  count_protocols(member, -1);
  member.protocols = std::move(protocols);
  member.protocols_size = size_of(member.protocols);
  count_protocols(member, +1);
}

Member& Members::replace_id(const std::string& old_id, const std::string& new_id) {
  auto node = members_.extract(old_id);
  MQ_ASSERT(!node.empty() && node.mapped().instance_id);
  MQ_ASSERT(!node.mapped().join_token && !node.mapped().sync_token);
  if (is_leader(old_id)) leader_ = new_id;
  static_members_[*node.mapped().instance_id] = new_id;
  node.mapped().id = new_id;
  node.key() = new_id;
  return members_.insert(std::move(node)).position->second;
}

void Members::set_leader(const std::string& id) {
  if (members_.contains(id)) leader_ = id;
}

bool Members::elect_joined_leader() {
  const Member* leader = find(leader_);
  if (leader == nullptr) return false;
  if (leader->join_token) return true;
  for (const auto& [id, member] : members_) {
    if (!member.join_token) continue;
    leader_ = id;
    return true;
  }
  return false;
}

void Members::expire_pending(Instant now) {
  std::erase_if(pending_, [&](const auto& entry) { return entry.second <= now; });
}

std::size_t Members::joined_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& entry) { return entry.second.join_token.has_value(); }));
}

bool Members::any_sync_due() const {
  return std::ranges::any_of(members_, [](const auto& entry) { return entry.second.sync_due; });
}

Duration Members::rebalance_timeout() const {
  Duration longest{0};
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

bool Members::all_support_one_of(const std::vector<Protocol>& protocols) const {
  return std::ranges::any_of(protocols, [&](const Protocol& protocol) {
    const auto at = supporters_.find(protocol.name);
    return (at == supporters_.end() ? 0 : at->second) == members_.size();
  });
}

std::string Members::select_protocol() const {
  MQ_ASSERT(!members_.empty());
  const auto is_candidate = [&](const Protocol& protocol) { return supporters_.at(protocol.name) == members_.size(); };
  std::map<std::string_view, int> votes;
  for (const auto& [id, member] : members_) {
    const auto wanted = std::ranges::find_if(member.protocols, is_candidate);
    if (wanted != member.protocols.end()) ++votes[wanted->name];
  }
  // Ties go to what the leader prefers, so that the choice does not depend on names.
  std::string_view best;
  for (const Protocol& protocol : members_.at(leader_).protocols)
    if (votes.contains(protocol.name) && (best.empty() || votes[protocol.name] > votes[best])) best = protocol.name;
  return std::string(best);
}

std::size_t Members::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, member] : members_) bytes += member.bytes();
  for (const auto& [id, until] : pending_) bytes += kStringNodeBytes + id.size();
  return bytes;
}

Instant Members::first_deadline() const {
  Instant first = Instant::never();
  for (const auto& [id, until] : pending_) first = std::min(first, until);
  for (const auto& [id, member] : members_)
    if (member.may_expire()) first = std::min(first, member.session_deadline);
  return first;
}

void Members::check_invariants() const {
  std::size_t static_count = 0;
  std::size_t supported = 0;
  for (const auto& [id, member] : members_) {
    MQ_ASSERT(id == member.id);
    MQ_ASSERT(!member.join_token || !member.sync_token);
    MQ_ASSERT(!pending_.contains(id));
    MQ_ASSERT(!member.instance_id || static_members_.at(*member.instance_id) == id);
    static_count += member.instance_id ? 1 : 0;
    supported += member.protocols.size();
  }
  for (const auto& [protocol, count] : supporters_) {
    MQ_ASSERT(count > 0);
    supported -= count;
  }
  MQ_ASSERT(supported == 0);
  MQ_ASSERT(static_members_.size() == static_count);
  MQ_ASSERT(members_.empty() == leader_.empty());
  MQ_ASSERT(leader_.empty() || members_.contains(leader_));
}

void Members::count_protocols(const Member& member, int by) {
  for (const Protocol& protocol : member.protocols) {
    std::size_t& count = supporters_[protocol.name];
    count = by > 0 ? count + 1 : count - 1;
    if (count == 0) supporters_.erase(protocol.name);
  }
}

}  // namespace mq::group
