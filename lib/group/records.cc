#include "group/records.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/milliseconds.h"
#include "group/classic.h"
#include "wire/codec.h"
#include "wire/messages/offsets_topic.h"

namespace mq::group {
namespace {

// Versions 0 and 1 of a key are both an offset's; 2 is a group's. Later ones belong to groups that we do not have.
constexpr ApiVersion kOffsetKeyVersion = 1;
constexpr ApiVersion kGroupKeyVersion = 2;
// What Kafka writes, with the topic's id. An own expiry has its field in version 1 only, which has none for the id.
constexpr ApiVersion kOffsetValueVersion = 4;
constexpr ApiVersion kOffsetValueVersionWithExpiry = 1;
constexpr ApiVersion kGroupValueVersion = 3;

using std::chrono::milliseconds;

// Lengths, numbers and headers: of a batch with the record in it, of a member, of a record with a key only.
constexpr std::size_t kGroupOverheadBytes = 200;
constexpr std::size_t kMemberOverheadBytes = 32;
constexpr std::size_t kTombstoneOverheadBytes = 32;

Member member_of(const wire::GroupMetadataValue::MemberMetadata& written, const std::string& protocol) {
  Member member;
  member.id = written.member_id;
  member.instance_id = written.group_instance_id;
  member.client_id = written.client_id;
  member.client_host = written.client_host;
  member.session_timeout = milliseconds(std::max(written.session_timeout, 0));
  member.rebalance_timeout =
      written.rebalance_timeout < 0 ? member.session_timeout : milliseconds(written.rebalance_timeout);
  member.protocols.push_back({protocol, written.subscription});
  member.assignment = written.assignment;
  return member;
}

}  // namespace

bool is_known_key(BytesView key) {
  const ApiVersion version = wire::leading_version(key);
  return version >= 0 && version <= kGroupKeyVersion;
}

std::optional<RecordKey> decode_key(BytesView key) {
  if (!is_known_key(key)) return std::nullopt;
  if (wire::leading_version(key) == kGroupKeyVersion) {
    auto group = wire::decode_versioned<wire::GroupMetadataKey>(key);
    if (!group) return std::nullopt;
    return GroupKey{std::move(group->group)};
  }
  auto offset = wire::decode_versioned<wire::OffsetCommitKey>(key);
  if (!offset) return std::nullopt;
  return OffsetKey{std::move(offset->group), {std::move(offset->topic), offset->partition}};
}

std::optional<CommittedOffset> decode_offset(BytesView value) {
  auto written = wire::decode_versioned<wire::OffsetCommitValue>(value);
  if (!written) return std::nullopt;
  CommittedOffset offset{.offset = written->offset,
                         .leader_epoch = written->leader_epoch,
                         .metadata = std::move(written->metadata),
                         .committed_at = written->commit_timestamp,
                         .expires_at = std::nullopt,
                         .topic_id = written->topic_id};
  if (written->expire_timestamp >= 0) offset.expires_at = written->expire_timestamp;
  return offset;
}

std::optional<WrittenGroup> decode_group(BytesView value) {
  auto written = wire::decode_versioned<wire::GroupMetadataValue>(value);
  if (!written) return std::nullopt;
  WrittenGroup group;
  if (!written->protocol_type.empty()) group.protocol_type = written->protocol_type;
  group.generation = written->generation;
  group.protocol_name = written->protocol;
  group.leader = written->leader.value_or("");
  group.state_since = written->current_state_timestamp;
  for (const auto& member : written->members)
    group.members.push_back(member_of(member, written->protocol.value_or("")));
  return group;
}

Record offset_record(const std::string& group_id, const TopicPartition& partition, const CommittedOffset& offset) {
  wire::OffsetCommitValue value;
  value.offset = offset.offset;
  value.leader_epoch = offset.leader_epoch;
  value.metadata = offset.metadata;
  value.commit_timestamp = offset.committed_at;
  value.expire_timestamp = offset.expires_at.value_or(-1);
  value.topic_id = offset.topic_id;
  Record record = offset_tombstone(group_id, partition);
  record.value = wire::encode_versioned(value, offset.expires_at ? kOffsetValueVersionWithExpiry : kOffsetValueVersion);
  return record;
}

Record offset_tombstone(const std::string& group_id, const TopicPartition& partition) {
  wire::OffsetCommitKey key;
  key.group = group_id;
  key.topic = partition.topic;
  key.partition = partition.partition;
  return {wire::encode_versioned(key, kOffsetKeyVersion), std::nullopt};
}

Record group_record(const std::string& group_id, const Classic& group) {
  wire::GroupMetadataValue value;
  value.protocol_type = group.protocol_type().value_or("");
  value.generation = group.generation();
  value.protocol = group.protocol_name();
  if (!group.members().empty()) value.leader = group.members().leader();
  value.current_state_timestamp = group.state_since();
  for (const auto& [id, member] : group.members()) {
    auto& written = value.members.emplace_back();
    written.member_id = id;
    written.group_instance_id = member.instance_id;
    written.client_id = member.client_id;
    written.client_host = member.client_host;
    written.rebalance_timeout = to_ms(member.rebalance_timeout);
    written.session_timeout = to_ms(member.session_timeout);
    written.subscription = member.metadata_for(group.protocol_name().value_or(""));
    written.assignment = member.assignment;
  }
  Record record = group_tombstone(group_id);
  record.value = wire::encode_versioned(value, kGroupValueVersion);
  return record;
}

Record group_tombstone(const std::string& group_id) {
  wire::GroupMetadataKey key;
  key.group = group_id;
  return {wire::encode_versioned(key, kGroupKeyVersion), std::nullopt};
}

std::size_t record_bytes_max(const std::string& group_id, const Classic& group, const Member* left_out) {
  std::size_t bytes = kGroupOverheadBytes + group_id.size() + group.protocol_type().value_or("").size();
  std::size_t longest_id = 0;
  for (const auto& [id, member] : group.members()) {
    // A dynamic member that does not come back in time is left behind.
    const bool comes_along = !group.is(State::kPreparingRebalance) || member.join_token || member.instance_id;
    if (&member == left_out || !comes_along) continue;
    bytes += record_bytes_max(member);
    longest_id = std::max(longest_id, id.size());
  }
  return bytes + longest_id;  // of the leader
}

std::size_t record_bytes_max(const Member& member) {
  return kMemberOverheadBytes + member.id.size() + member.instance_id.value_or("").size() + member.client_id.size() +
         member.client_host.size() + member.protocols_size.metadata_bytes_max;
}

std::size_t tombstone_bytes_max(const std::string& group_id, const TopicPartition& partition) {
  return kTombstoneOverheadBytes + group_id.size() + partition.topic.size();
}

}  // namespace mq::group
