#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "group/effects.h"
#include "group/group.h"
#include "group/settings.h"
#include "model/api_key.h"
#include "model/error_code.h"
#include "statelog/machine.h"
#include "statelog/pending_appends.h"
#include "statelog/wakes.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/offset_fetch.h"

namespace mq::group {

/// Who sends a request.
struct Client {
  std::string id;
  std::string host;  ///< as Kafka writes it: "/127.0.0.1"
  ApiVersion version = 0;
};

/// What the broker around a coordinator has room for. Asked before a request makes something grow; what is there goes
/// on as it is.
struct Room {
  std::function<bool()> for_group = [] { return true; };
  /// So many more bytes of memory, for groups, their members and their offsets.
  std::function<bool(std::size_t)> for_bytes = [](std::size_t) { return true; };
  /// What a batch of the offsets partition may hold.
  std::function<std::size_t()> batch_bytes = [] { return std::size_t{1} << 20; };
};

/// The classic consumer groups whose state lives in one partition of __consumer_offsets, and their offsets.
///
/// A machine of `statelog`, which says how it lives and how requests are answered.
///
/// Committed offsets are answered and visible only when their append is committed (G-2); a generation is handed out
/// only when its record is. Sessions are measured on the monotonic clock and begin anew when loading ends, so that a
/// restart expels nobody (G-5).
///
/// The caller has checked topic names, partitions and rights before: a commit for any topic is taken as it is. Topic
/// ids (OffsetCommit and OffsetFetch 10+) are resolved by the caller, who fills in the names; ids are copied to the
/// answer.
///
/// Not thread-safe: belongs to the shard of its partition. Calls never suspend and cost at most the size of the group,
/// but for `list`, topics that are deleted and the check for expired offsets, which look at every group.
class Coordinator final : public statelog::Machine<Response> {
 public:
  /// `new_member_suffix` returns text that is never returned twice, in practice a UUID. Without room a request is
  /// refused with GROUP_MAX_SIZE_REACHED.
  Coordinator(Settings settings, std::function<std::string()> new_member_suffix, Room room = {});
  ~Coordinator() override;

  // Requests that may be answered later.

  [[nodiscard]] Effects join(RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                             Time time);
  [[nodiscard]] Effects sync(RequestToken token, const wire::SyncGroupRequest& request, Time time);
  [[nodiscard]] Effects heartbeat(RequestToken token, const wire::HeartbeatRequest& request, Time time);
  /// `version` decides between the single member of versions 0-2 and the list.
  [[nodiscard]] Effects leave(RequestToken token, ApiVersion version, const wire::LeaveGroupRequest& request,
                              Time time);
  [[nodiscard]] Effects commit_offsets(RequestToken token, const wire::OffsetCommitRequest& request, Time time);
  [[nodiscard]] Effects delete_offsets(RequestToken token, const wire::OffsetDeleteRequest& request, Time time);
  /// One group of a DeleteGroups request; the answer is its DeletableGroupResult.
  [[nodiscard]] Effects delete_group(RequestToken token, std::string_view group_id, Time time);

  // Requests that only look. They see what is committed.

  /// One group in the form of versions 8+, which the caller makes of the older ones. Topics of nothing mean all.
  [[nodiscard]] wire::OffsetFetchResponse::OffsetFetchResponseGroup fetch_offsets(
      const wire::OffsetFetchRequest::OffsetFetchRequestGroup& request, bool require_stable) const;
  [[nodiscard]] wire::DescribeGroupsResponse::DescribedGroup describe(std::string_view group_id,
                                                                      ApiVersion version) const;
  /// Adds the groups that pass both filters (empty: all pass; case does not matter).
  /// COORDINATOR_LOAD_IN_PROGRESS or NOT_COORDINATOR when it cannot know, and adds nothing.
  [[nodiscard]] ErrorCode list(const wire::ListGroupsRequest& request,
                               std::vector<wire::ListGroupsResponse::ListedGroup>& groups) const;

  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  /// What all groups take in memory; known once loading has ended.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Generations begun by members that came or went, since this object was made.
  [[nodiscard]] std::uint64_t rebalance_count() const { return rebalances_; }
  template <class F>
  void for_each_group(F f) const {
    for (const auto& [id, group] : groups_) f(group);
  }
  /// Whether somebody has asked for a commit or a deletion of the group's offsets that has not come to its end.
  [[nodiscard]] bool has_commits_in_progress(std::string_view group_id) const {
    const Group* group = find(group_id);
    return group != nullptr && !group->offsets_in_progress.empty();
  }
  /// Null when there is none. For tests and metrics.
  [[nodiscard]] const Group* find(std::string_view group_id) const;
  void check_invariants() const override;

 private:
  /// One call from outside: its time and what came of it.
  struct Turn {
    Time time;
    Effects effects{};
  };
  /// What goes on when an append is committed (kNone) or has failed.
  using Continuation = std::move_only_function<void(Turn&, Group&, ErrorCode)>;
  struct PendingAppend {
    std::string group_id;
    Continuation then;
  };

  [[nodiscard]] Replayed take(BytesView key, std::optional<BytesView> value) override;
  [[nodiscard]] Effects loaded(Time time) override;
  [[nodiscard]] Effects appended(AppendToken token, ErrorCode error, Time time) override;
  /// The offsets of deleted topics are erased in every group.
  [[nodiscard]] Effects image_changed(const statelog::ImageChange& change, Time time) override;
  [[nodiscard]] Instant first_deadline() const override;
  [[nodiscard]] Effects time_passed(Time time) override;
  [[nodiscard]] Effects end_requests() override;
  void forget() override;

  [[nodiscard]] Group* find_group(std::string_view group_id);
  Group& find_or_make_group(std::string_view group_id, WallMillis wall);
  static void answer(Turn& turn, RequestToken to, Response response) {
    turn.effects.answers.push_back({to, std::move(response)});
  }
  void append(Turn& turn, Group& group, std::vector<Record> records, Continuation then);
  void conclude(Turn& turn, PendingAppend& pending, ErrorCode result);
  /// Ends what was done to a group: checks it, counts it, and forgets it when nothing is left of it. The reference may
  /// dangle after.
  void settle(Group& group);
  /// Whatever somebody wants to add must find room, and for what was there already there is.
  [[nodiscard]] bool has_room_to_grow(std::size_t from, std::size_t to) const;
  /// After a generation began or was read: the names of its topics are kept when there is room for them.
  void keep_subscription(Group& group) const;

  // Members come and go: membership.cc.
  [[nodiscard]] std::optional<ErrorCode> join_problem(const wire::JoinGroupRequest& request) const;
  [[nodiscard]] bool has_room_for(const Group& group, const std::string& member_id) const;
  [[nodiscard]] bool has_memory_for(const Group& group, const Client& client,
                                    const wire::JoinGroupRequest& request) const;
  void join_as_new(Turn& turn, RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                   Group& group);
  void join_as_known(Turn& turn, RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                     Group& group);
  void add_member(Turn& turn, RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                  Group& group, std::string member_id);
  void park_join(Turn& turn, RequestToken token, const wire::JoinGroupRequest& request, Group& group, Member& member);
  void take_over(Turn& turn, RequestToken token, ApiVersion version, const wire::JoinGroupRequest& request,
                 Group& group, const std::string& old_id, const std::string& new_id);
  void write_takeover(Turn& turn, ApiVersion version, Group& group, const Member& member, Member before,
                      std::string old_leader);
  [[nodiscard]] ErrorCode leave_one(Turn& turn, Group& group, const std::string& member_id,
                                    const std::optional<std::string>& instance_id);

  // From one generation to the next: rebalance.cc.
  void rebalance(Turn& turn, Group& group);
  void begin_rebalance(Turn& turn, Group& group);
  void complete_join_if_all_joined(Turn& turn, Group& group);
  void complete_join(Turn& turn, Group& group);
  void park_sync(Turn& turn, RequestToken token, const wire::SyncGroupRequest& request, Group& group, Member& member);
  /// Whether the SyncGroup of this member would be the one that brings the assignment.
  [[nodiscard]] static bool assigns(const Group& group, const std::string& member_id);
  [[nodiscard]] std::optional<ErrorCode> assignment_problem(const Group& group,
                                                            const wire::SyncGroupRequest& request) const;
  void take_assignment(Turn& turn, Group& group, const wire::SyncGroupRequest& request);
  void assignment_written(Turn& turn, Group& group, ErrorCode error);
  void end_syncs_with(Turn& turn, Group& group, ErrorCode error);
  void take_out(Turn& turn, Group& group, const std::string& member_id);
  void after_removal(Turn& turn, Group& group);
  void join_time_is_over(Turn& turn, Group& group);
  void sync_time_is_over(Turn& turn, Group& group);
  void write_group(Turn& turn, Group& group, Continuation then);
  void write_empty_group(Turn& turn, Group& group);
  void write_time_is_up(Turn& turn, Group& group);
  void answer_join(Turn& turn, Member& member, wire::JoinGroupResponse response);
  void answer_sync(Turn& turn, Group& group, Member& member, ErrorCode error);

  // Time.
  void keep_session(Turn& turn, Group& group, Member& member);
  void wake_by(Group& group, Instant when);
  void look_at(Turn& turn, Group& group);
  void expire_sessions(Turn& turn, Group& group);

  // Offsets: offsets.cc.
  [[nodiscard]] std::optional<ErrorCode> commit_problem(const Group* group,
                                                        const wire::OffsetCommitRequest& request) const;
  /// Erases offsets, and the group with them if nothing was written of it meanwhile; `then` runs after the last append.
  void erase(Turn& turn, Group& group, std::vector<TopicPartition> partitions, bool with_group, Continuation then);
  void erase_some(Turn& turn, Group& group, std::vector<TopicPartition> partitions, bool with_group, Continuation then);
  [[nodiscard]] bool is_expired(const Group& group, const TopicPartition& partition, const CommittedOffset& offset,
                                WallMillis wall) const;
  void expire_offsets(Turn& turn);

  const Settings settings_;
  const std::function<std::string()> new_member_suffix_;
  const Room room_;
  std::map<std::string, Group, std::less<>> groups_;
  statelog::Wakes wakes_;  ///< of groups, never later than their first deadline
  Instant offsets_check_at_ = Instant::never();
  std::size_t bytes_ = 0;
  std::uint64_t rebalances_ = 0;
  statelog::PendingAppends<PendingAppend> pending_appends_;
};

}  // namespace mq::group
