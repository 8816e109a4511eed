#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "group/member.h"
#include "group/members.h"
#include "group/step.h"
#include "model/error_code.h"
#include "wire/messages/describe_groups.h"

namespace mq::group {

struct WrittenGroup;

enum class State {
  kEmpty,                ///< no members; offsets may be left
  kPreparingRebalance,   ///< members are joining
  kCompletingRebalance,  ///< members know their generation and wait for the leader's assignment
  kStable,               ///< every member has its assignment
};
/// Kafka's spelling.
[[nodiscard]] std::string_view name_of(State state);

/// The classic protocol of one group: who is a member, in which generation, and what each is assigned.
///
///     Empty -- first JoinGroup --> PreparingRebalance -- all joined, or time is over --> CompletingRebalance
///       ^                            ^   |   ^                                                  |
///       |      nobody is left -------|---/   \---- a member comes, goes or does not sync -------|
///       \----------------------------/                                                          |
///                     ^                                                                         |
///                     \---- a member comes or goes, or says something new --- Stable <-- the assignment is written
///
/// A generation is handed out only when its record is committed. What is said of a record that has ended looks first
/// whether the group is still where it was when the record was asked for.
///
/// Requests come when the coordinator serves; group ids are not looked at. Each costs at most the size of the group.
/// Neither copied nor moved: appends in progress know where it is.
class Classic {
 public:
  explicit Classic(WallMillis wall) : state_since_(wall) { settle(); }
  Classic(const Classic&) = delete;
  Classic& operator=(const Classic&) = delete;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is(State state) const { return state_ == state; }
  /// -1: not known.
  [[nodiscard]] WallMillis state_since() const { return state_since_; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  /// Nothing for a group that only keeps offsets.
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  [[nodiscard]] bool uses_consumer_protocol() const;
  [[nodiscard]] const Members& members() const { return members_; }
  /// The log holds a record of it.
  [[nodiscard]] bool is_written() const { return is_written_; }

  // Requests.

  void join(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request);
  void sync(Step& step, RequestToken token, const wire::SyncGroupRequest& request);
  [[nodiscard]] ErrorCode heartbeat(const Step& step, const wire::HeartbeatRequest& request);
  /// `version` decides between the single member of versions 0-2 and the list.
  [[nodiscard]] wire::LeaveGroupResponse leave(Step& step, ApiVersion version, const wire::LeaveGroupRequest& request);
  void describe(wire::DescribeGroupsResponse::DescribedGroup& described) const;

  // Its life.

  /// As it was written; nothing: its tombstone was.
  void restore(const Policy& policy, std::optional<WrittenGroup> written);
  /// Its records are all read: sessions begin anew.
  void loaded(Step& step);
  /// Does what is due by now.
  void time_passed(Step& step);
  /// When `time_passed` may have something to do, not later.
  [[nodiscard]] Instant deadline() const { return deadline_; }
  /// Another coordinator takes over: whoever waits is told so.
  void end_requests(Step& step);
  /// Something is kept of it, or is on its way into the log.
  [[nodiscard]] bool is_in_use() const;
  /// Nobody is a member or about to be.
  [[nodiscard]] bool is_deserted() const { return is(State::kEmpty) && members_.pending_count() == 0; }

  // What becomes of the group's offsets depends on its members.

  /// Whether a commit is refused that comes from this member in this generation.
  [[nodiscard]] std::optional<ErrorCode> commit_problem(const wire::OffsetCommitRequest& request) const;
  /// A member was heard of.
  void keep_session(const Step& step, const std::string& member_id);
  /// Whether a member's subscription names the topic; true too when we cannot read the subscriptions of a consumer
  /// group.
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const;
  /// Since when nobody needs an offset of `topic` that was committed at this time; nothing: somebody may.
  [[nodiscard]] std::optional<WallMillis> unneeded_since(std::string_view topic, WallMillis committed_at) const;

  // Its erasure: the group's tombstone, which somebody appends who erases its offsets too.

  /// What its record was when the tombstone was asked for.
  struct Erasure {
    std::uint64_t writes;
  };
  [[nodiscard]] Erasure begin_erasure();
  void end_erasure(Erasure erasure, ErrorCode error);

  /// In memory, without the object itself.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool has_appends() const { return appends_in_progress_ > 0; }
  void check_invariants() const;

 private:
  /// A group that was empty waits a little for more members before its first generation.
  struct InitialDelay {
    Duration current{0};
    Duration left{0};
    bool member_added = false;
  };

  void enter(State state, WallMillis wall);
  /// Ends an event that changed more than a session.
  void settle();
  void check_state() const;
  [[nodiscard]] std::size_t measured_bytes() const;
  [[nodiscard]] Instant first_deadline() const;

  // Members come and go: membership.cc.
  [[nodiscard]] std::optional<ErrorCode> join_problem(const Step& step, const Client& client,
                                                      const wire::JoinGroupRequest& request) const;
  [[nodiscard]] bool has_room_for(const std::string& member_id, std::size_t members_max) const;
  /// Whether somebody with these could join: the type is the group's, and one of them is supported by all.
  [[nodiscard]] bool supports(const wire::JoinGroupRequest& request) const;
  [[nodiscard]] bool has_memory_for(const Step& step, const Client& client,
                                    const wire::JoinGroupRequest& request) const;
  void turn_away(Step& step, RequestToken token, const std::string& member_id);
  void join_as_new(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request);
  void join_as_known(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request);
  void add_member(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                  std::string member_id);
  void park_join(Step& step, RequestToken token, const wire::JoinGroupRequest& request, Member& member);
  void take_over(Step& step, RequestToken token, ApiVersion version, const wire::JoinGroupRequest& request,
                 const std::string& old_id, const std::string& new_id);
  void write_takeover(Step& step, ApiVersion version, const Member& member, Member before, std::string old_leader);
  [[nodiscard]] ErrorCode leave_one(Step& step, const std::string& member_id,
                                    const std::optional<std::string>& instance_id);
  void answer_join(Step& step, Member& member, wire::JoinGroupResponse response);
  /// The current generation, as this member may see it: only the leader needs to know the others.
  [[nodiscard]] wire::JoinGroupResponse generation_for(const std::string& member_id, bool with_members) const;

  // From one generation to the next: rebalance.cc.
  void rebalance(Step& step);
  void begin_rebalance(Step& step);
  void complete_join_if_all_joined(Step& step);
  void complete_join(Step& step);
  void begin_generation(Step& step);
  [[nodiscard]] std::optional<ErrorCode> sync_problem(const Step& step, const wire::SyncGroupRequest& request) const;
  void park_sync(Step& step, RequestToken token, const wire::SyncGroupRequest& request, Member& member);
  /// Whether the SyncGroup of this member would be the one that brings the assignment.
  [[nodiscard]] bool assigns(const std::string& member_id) const;
  [[nodiscard]] std::optional<ErrorCode> assignment_problem(const Step& step,
                                                            const wire::SyncGroupRequest& request) const;
  void take_assignment(Step& step, const wire::SyncGroupRequest& request);
  void assignment_written(Step& step, ErrorCode error);
  void end_syncs_with(Step& step, ErrorCode error);
  void answer_sync(Step& step, Member& member, ErrorCode error);
  void take_out(Step& step, const std::string& member_id);
  void after_removal(Step& step);
  void expire_sessions(Step& step);
  void join_time_is_over(Step& step);
  void sync_time_is_over(Step& step);
  void write_time_is_up(Step& step);
  void keep_session(const Step& step, Member& member);

  // Its record.
  void write(Step& step, Step::Then then);
  void write_empty(Step& step);

  /// After a generation began or was read: the names of its topics are kept when there is room for them.
  void read_subscriptions(const Policy& policy);

  State state_ = State::kEmpty;
  WallMillis state_since_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  Members members_;
  std::optional<std::set<std::string, std::less<>>> subscribed_;  ///< what members read, when we know
  std::size_t subscribed_bytes_ = 0;

  std::optional<Instant> join_deadline_;  ///< PreparingRebalance: who has not joined by then is out
  std::optional<Instant> sync_deadline_;  ///< who has not sent SyncGroup by then is out
  std::optional<Instant> write_due_;      ///< Empty, but the log still says otherwise: when to write it again
  std::optional<InitialDelay> initial_delay_;

  std::optional<std::int32_t> assignment_in_progress_;  ///< the generation whose assignment is being appended
  int appends_in_progress_ = 0;                         ///< of its record, or of its tombstone
  std::uint64_t writes_ = 0;  ///< how often its record was written; tells whether a tombstone is its last word
  bool is_written_ = false;

  // What it comes to, as of the last settling.
  std::size_t bytes_ = 0;
  Instant deadline_ = Instant::never();
};

}  // namespace mq::group
