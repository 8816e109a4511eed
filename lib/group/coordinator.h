#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "group/effects.h"
#include "group/group.h"
#include "group/settings.h"
#include "model/api_key.h"
#include "model/error_code.h"
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
/// A state machine without I/O. Its life: `replay` every record of the partition, `finish_loading`, then requests, time
/// and `on_appended`, at last `unload`. Every request gets exactly one answer: in the effects of its own call or of a
/// later one. Requests before `finish_loading` are answered with COORDINATOR_LOAD_IN_PROGRESS, after `unload` with
/// NOT_COORDINATOR.
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
/// but for `list`, `on_topic_deleted` and the check for expired offsets, which look at every group.
class Coordinator {
 public:
  /// `new_member_suffix` returns text that is never returned twice, in practice a UUID. Without room a request is
  /// refused with GROUP_MAX_SIZE_REACHED.
  Coordinator(Settings settings, std::function<std::string()> new_member_suffix, Room room = {});
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  ~Coordinator();

  // Loading.

  enum class Replayed {
    kTaken,
    kForeign,    ///< of a kind that we do not have: skipped, and worth a line in the log
    kUnreadable  ///< of a kind that we have: what it says of a group or an offset is unknown, so never serve (G-1)
  };
  /// One record of the partition, in log order; `value` of nothing is a tombstone.
  [[nodiscard]] Replayed replay(BytesView key, std::optional<BytesView> value);
  [[nodiscard]] Effects finish_loading(Time time);
  [[nodiscard]] bool is_serving() const { return phase_ == Phase::kServing; }

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

  // Everything else that happens.

  /// The append is committed (kNone) or failed and will never be in the log. Once for each, in any order.
  [[nodiscard]] Effects on_appended(AppendToken token, ErrorCode error, Time time);
  /// A topic is gone: its offsets are erased in every group.
  [[nodiscard]] Effects on_topic_deleted(std::string_view topic, Time time);
  /// When `on_time` has something to do; `Instant::never()` when it has not. Changes with every call.
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] Effects on_time(Time time);
  /// The partition moved away or the broker stops: whoever waits is answered with NOT_COORDINATOR.
  [[nodiscard]] Effects unload();

  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  /// What all groups take in memory; known once loading has ended.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Generations begun by members that came or went, since this object was made.
  [[nodiscard]] std::uint64_t rebalance_count() const { return rebalances_; }
  template <class F>
  void for_each_group(F f) const {
    for (const auto& [id, group] : groups_) f(group);
  }
  /// Null when there is none. For tests and metrics.
  [[nodiscard]] const Group* find(std::string_view group_id) const;
  void check_invariants() const;

 private:
  enum class Phase { kLoading, kServing, kUnloaded };
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
    std::optional<ErrorCode> result;
  };

  [[nodiscard]] std::optional<ErrorCode> not_serving() const;
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
  void wake(Turn& turn, Group& group);
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
  Phase phase_ = Phase::kLoading;
  std::map<std::string, Group, std::less<>> groups_;
  /// When to look at a group next, never later than its first deadline. One entry for each group with `wake_at` set.
  std::set<std::pair<Instant, std::string>> wakes_;
  Instant offsets_check_at_ = Instant::never();
  AppendToken last_append_{0};
  std::size_t bytes_ = 0;
  std::uint64_t rebalances_ = 0;
  std::map<AppendToken, PendingAppend> pending_appends_;
};

}  // namespace mq::group
