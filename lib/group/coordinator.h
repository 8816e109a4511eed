#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "group/effects.h"
#include "group/group.h"
#include "group/policy.h"
#include "group/step.h"
#include "model/api_key.h"
#include "model/error_code.h"
#include "statelog/machine.h"
#include "statelog/pending_appends.h"
#include "statelog/wakes.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/offset_fetch.h"

namespace mq::group {

/// The classic consumer groups whose state lives in one partition of __consumer_offsets, and their offsets.
///
/// A machine of `statelog`, which says how it lives and how requests are answered.
///
/// Committed offsets are answered and visible only when their append is committed (G-2); a generation is handed out
/// only when its record is. Sessions are measured on the monotonic clock and begin anew when loading ends, so that a
/// restart expels nobody (G-5).
///
/// The caller has checked topic names, partitions and rights before: a commit for any topic is taken as it is. Topic
/// ids (OffsetCommit and OffsetFetch 10+) are resolved by the caller, who fills in the names, and the ids of what is
/// committed by name; ids are copied to the answer.
///
/// Not thread-safe: belongs to the shard of its partition. Calls never suspend and cost at most the size of the group,
/// but for `list`, topics that are deleted and the check for expired offsets, which look at every group.
class Coordinator final : public statelog::Machine<Response> {
 public:
  /// `new_member_suffix` returns text that is never returned twice, in practice a UUID. Without room a request is
  /// refused with GROUP_MAX_SIZE_REACHED. What is committed for a topic that `is_deleted` is refused.
  Coordinator(
      Settings settings, std::function<std::string()> new_member_suffix, Room room = {},
      std::function<bool(const Uuid&)> is_deleted = [](const Uuid&) { return false; });
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
    for (const auto& [id, kept] : groups_) f(kept.group);
  }
  /// Whether somebody has asked for a commit or a deletion of the group's offsets that has not come to its end.
  [[nodiscard]] bool has_commits_in_progress(std::string_view group_id) const {
    const Group* group = find(group_id);
    return group != nullptr && group->offsets().has_appends();
  }
  /// Null when there is none. For tests and metrics.
  [[nodiscard]] const Group* find(std::string_view group_id) const;
  void check_invariants() const override;

 private:
  /// A group, and what is kept of it.
  struct Kept {
    Kept(std::string id, WallMillis wall) : group(std::move(id), wall) {}
    Group group;
    statelog::Wakes::Wake wake;
    std::size_t bytes = 0;  ///< counted towards the sum
  };
  struct PendingAppend {
    std::string group_id;
    Step::Then then;
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

  [[nodiscard]] std::optional<ErrorCode> join_problem(const wire::JoinGroupRequest& request) const;
  [[nodiscard]] std::optional<ErrorCode> commit_problem(const wire::OffsetCommitRequest& request) const;
  /// What any request for a group is refused with, if it is.
  [[nodiscard]] std::optional<ErrorCode> problem_with(std::string_view group_id) const;

  [[nodiscard]] Kept* find_kept(std::string_view group_id);
  Kept& find_or_make(std::string_view group_id, WallMillis wall);
  /// Gives `event` a step at the group, and ends it.
  template <class F>
  Effects at(Kept& kept, Time time, F event);
  [[nodiscard]] Step step_at(const Group& group, Time time) const { return {policy_, group.id(), time}; }
  /// What the step wants done.
  void take_up(Step step, Effects& effects);
  void conclude(PendingAppend& pending, ErrorCode result, Time time, Effects& effects);
  /// After a step: counts what the group takes, sees that it is looked at in time, and forgets it when nothing is left
  /// of it. The reference may dangle after.
  void settle(Kept& kept);

  const Policy policy_;
  std::map<std::string, Kept, std::less<>> groups_;
  statelog::Wakes wakes_;  ///< of groups, never later than their deadlines
  Instant offsets_check_at_ = Instant::never();
  std::size_t bytes_ = 0;
  std::uint64_t rebalances_ = 0;
  statelog::PendingAppends<PendingAppend> pending_appends_;
};

}  // namespace mq::group
