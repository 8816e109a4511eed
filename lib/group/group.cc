#include "group/group.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/messages/consumer_protocol.h"

namespace mq::group {
namespace {

constexpr std::string_view kConsumerProtocolType = "consumer";

/// What a map or a set adds to an element, with what the allocator adds to that.
constexpr std::size_t kNodeBytes = 48;
constexpr std::size_t kStringNodeBytes = sizeof(std::string) + kNodeBytes;
/// What changes from one generation to the next, such as the partitions that a member says it has, counts as if it were
/// at least so much: groups that are there go on when there is no room for more.
constexpr std::size_t kGenerationBytesMin = 4096;

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::kEmpty:
      return "Empty";
    case State::kPreparingRebalance:
      return "PreparingRebalance";
    case State::kCompletingRebalance:
      return "CompletingRebalance";
    case State::kStable:
      return "Stable";
  }
  std::unreachable();
}

std::string_view Member::metadata_for(std::string_view protocol) const {
  const auto at = std::ranges::find(protocols, protocol, &Protocol::name);
  return at == protocols.end() ? std::string_view{} : std::string_view(at->metadata);
}

ProtocolsSize size_of(const std::vector<Protocol>& protocols) {
  ProtocolsSize size;
  for (const Protocol& protocol : protocols) {
    // The name once more, where the group counts who supports it.
    size.bytes += sizeof(Protocol) + kStringNodeBytes + 2 * protocol.name.size() + protocol.metadata.size();
    size.metadata_bytes_max = std::max(size.metadata_bytes_max, protocol.metadata.size());
  }
  return size;
}

std::size_t Member::bytes_with(std::size_t protocols_bytes, std::size_t assignment_bytes) const {
  // Its id is also the key that it is found by, and that of its instance stands beside both once more.
  const std::size_t instance = instance_id ? 2 * kStringNodeBytes + 2 * instance_id->size() + id.size() : 0;
  return sizeof(Member) + kStringNodeBytes + 2 * id.size() + instance + client_id.size() + client_host.size() +
         std::max(protocols_bytes + assignment_bytes, kGenerationBytesMin);
}

void Group::enter(State state, WallMillis wall) {
  state_ = state;
  state_since_ = wall;
}

bool Group::uses_consumer_protocol() const { return protocol_type_ == kConsumerProtocolType; }

Member* Group::find(const std::string& member_id) {
  const auto at = members_.find(member_id);
  return at == members_.end() ? nullptr : &at->second;
}

const Member* Group::find(const std::string& member_id) const {
  const auto at = members_.find(member_id);
  return at == members_.end() ? nullptr : &at->second;
}

const std::string* Group::static_member(const std::string& instance_id) const {
  const auto at = static_members_.find(instance_id);
  return at == static_members_.end() ? nullptr : &at->second;
}

std::optional<ErrorCode> Group::member_problem(const std::string& member_id,
                                               const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const std::string* owner = static_member(*instance_id);
    if (owner == nullptr) return ErrorCode::kUnknownMemberId;
    if (*owner != member_id) return ErrorCode::kFencedInstanceId;
    return std::nullopt;
  }
  if (!members_.contains(member_id)) return ErrorCode::kUnknownMemberId;
  return std::nullopt;
}

Member& Group::add(Member member, const std::string& protocol_type) {
  MQ_ASSERT(!members_.contains(member.id));
  if (members_.empty()) {
    protocol_type_ = protocol_type;
    leader_ = member.id;
  }
  if (member.instance_id) static_members_[*member.instance_id] = member.id;
  pending_.erase(member.id);
  member.protocols_size = size_of(member.protocols);
  count_protocols(member, +1);
  std::string id = member.id;
  return members_.emplace(std::move(id), std::move(member)).first->second;
}

void Group::remove(const std::string& member_id) {
  const auto at = members_.find(member_id);
  MQ_ASSERT(at != members_.end());
  MQ_ASSERT(!at->second.join_token && !at->second.sync_token);
  count_protocols(at->second, -1);
  if (at->second.instance_id) static_members_.erase(*at->second.instance_id);
  const bool led = is_leader(member_id);
  members_.erase(at);
  if (led) leader_ = members_.empty() ? std::string() : members_.begin()->first;
}

void Group::set_protocols(Member& member, std::vector<Protocol> protocols) {
  count_protocols(member, -1);
  member.protocols = std::move(protocols);
  member.protocols_size = size_of(member.protocols);
  count_protocols(member, +1);
}

Member& Group::replace_id(const std::string& old_id, const std::string& new_id) {
  auto node = members_.extract(old_id);
  MQ_ASSERT(!node.empty() && node.mapped().instance_id);
  MQ_ASSERT(!node.mapped().join_token && !node.mapped().sync_token);
  if (is_leader(old_id)) leader_ = new_id;
  static_members_[*node.mapped().instance_id] = new_id;
  node.mapped().id = new_id;
  node.key() = new_id;
  return members_.insert(std::move(node)).position->second;
}

std::size_t Group::joined_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& entry) { return entry.second.join_token.has_value(); }));
}

bool Group::any_sync_due() const {
  return std::ranges::any_of(members_, [](const auto& entry) { return entry.second.sync_due; });
}

Duration Group::rebalance_timeout() const {
  Duration longest{0};
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

bool Group::supports(std::string_view type, const std::vector<Protocol>& protocols) const {
  if (is(State::kEmpty)) return !type.empty() && !protocols.empty();
  if (protocol_type_ != type) return false;
  return std::ranges::any_of(protocols, [&](const Protocol& protocol) {
    const auto at = supporters_.find(protocol.name);
    return (at == supporters_.end() ? 0 : at->second) == members_.size();
  });
}

std::string Group::select_protocol() const {
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

bool Group::elect_joined_leader() {
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

void Group::begin_generation(WallMillis wall) {
  generation_ = generation_ == INT32_MAX ? 1 : generation_ + 1;
  if (members_.empty()) {
    protocol_name_.reset();
    enter(State::kEmpty, wall);
  } else {
    protocol_name_ = select_protocol();
    enter(State::kCompletingRebalance, wall);
  }
  read_subscriptions();
}

void Group::restore(std::int32_t generation, std::optional<std::string> protocol_type,
                    std::optional<std::string> protocol_name, std::string leader, std::vector<Member> members,
                    WallMillis state_since) {
  generation_ = generation;
  protocol_name_ = std::move(protocol_name);
  members_.clear();
  static_members_.clear();
  supporters_.clear();
  leader_.clear();
  protocol_type_ = protocol_type;
  for (Member& member : members)
    if (!members_.contains(member.id)) add(std::move(member), protocol_type.value_or(""));
  if (members_.contains(leader)) leader_ = std::move(leader);
  enter(members_.empty() ? State::kEmpty : State::kStable, state_since);
  read_subscriptions();
}

bool Group::is_subscribed_to(std::string_view topic) const {
  return subscribed_ ? subscribed_->contains(topic) : uses_consumer_protocol() && !members_.empty();
}

void Group::forget_subscription() {
  subscribed_.reset();
  subscribed_bytes_ = 0;
}

std::size_t Group::bytes() const {
  // Twice its id: it is what the group is found by.
  std::size_t bytes =
      sizeof(Group) + kStringNodeBytes + 2 * id_.size() + subscribed_bytes_ + offsets.bytes() + offsets_growth;
  for (const auto& [id, member] : members_) bytes += member.bytes();
  for (const auto& [id, deadline] : pending_) bytes += kStringNodeBytes + id.size();
  return bytes;
}

Instant Group::first_deadline() const {
  Instant first = Instant::never();
  if (join_deadline) first = std::min(first, *join_deadline);
  if (sync_deadline) first = std::min(first, *sync_deadline);
  if (write_due) first = std::min(first, *write_due);
  for (const auto& [id, deadline] : pending_) first = std::min(first, deadline);
  for (const auto& [id, member] : members_)
    if (member.may_expire()) first = std::min(first, member.session_deadline);
  return first;
}

void Group::check_invariants() const {
  MQ_ASSERT(members_.empty() == leader_.empty());
  MQ_ASSERT(leader_.empty() || members_.contains(leader_));
  MQ_ASSERT(static_members_.size() <= members_.size());
  MQ_ASSERT(!is(State::kEmpty) || members_.empty());
  MQ_ASSERT(!write_due || is(State::kEmpty));
  MQ_ASSERT(join_deadline.has_value() == is(State::kPreparingRebalance));
  MQ_ASSERT(!initial_delay || is(State::kPreparingRebalance));
  for (const auto& [id, member] : members_) {
    MQ_ASSERT(id == member.id);
    MQ_ASSERT(!member.join_token || !member.sync_token);
    MQ_ASSERT(!member.sync_token || is(State::kCompletingRebalance));
    MQ_ASSERT(!pending_.contains(id));
  }
}

void Group::count_protocols(const Member& member, int by) {
  for (const Protocol& protocol : member.protocols) {
    std::size_t& count = supporters_[protocol.name];
    count = by > 0 ? count + 1 : count - 1;
    if (count == 0) supporters_.erase(protocol.name);
  }
}

void Group::read_subscriptions() {
  forget_subscription();
  if (!members_.empty() && (!uses_consumer_protocol() || !protocol_name_)) return;
  std::set<std::string, std::less<>> topics;
  for (const auto& [id, member] : members_) {
    const auto subscription =
        wire::decode_versioned<wire::ConsumerProtocolSubscription>(member.metadata_for(*protocol_name_));
    if (!subscription) return;
    topics.insert(subscription->topics.begin(), subscription->topics.end());
  }
  for (const std::string& topic : topics) subscribed_bytes_ += kStringNodeBytes + topic.size();
  subscribed_ = std::move(topics);
}

}  // namespace mq::group
