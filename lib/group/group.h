#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "group/committed_offsets.h"
#include "group/effects.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "statelog/wakes.h"

namespace mq::group {

enum class State {
  kEmpty,                ///< no members; offsets may be left
  kPreparingRebalance,   ///< members are joining
  kCompletingRebalance,  ///< members know their generation and wait for the leader's assignment
  kStable,               ///< every member has its assignment
};
/// Kafka's spelling.
[[nodiscard]] std::string_view name_of(State state);

/// A way of assigning that a member supports, and what it says about itself in that way.
struct Protocol {
  std::string name;
  std::string metadata;
  friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// What members' protocols take: in memory, and the most of it that goes into a group's record.
struct ProtocolsSize {
  std::size_t bytes = 0;
  std::size_t metadata_bytes_max = 0;
};
[[nodiscard]] ProtocolsSize size_of(const std::vector<Protocol>& protocols);

struct Member {
  std::string id;
  std::optional<std::string> instance_id;  ///< of a static member
  std::string client_id;
  std::string client_host;
  Duration rebalance_timeout{0};
  Duration session_timeout{0};
  std::vector<Protocol> protocols;  ///< most wanted first, no name twice
  ProtocolsSize protocols_size;     ///< kept by the group
  std::string assignment;

  bool is_new = false;                     ///< it has had no answer to a JoinGroup yet, so it cannot heartbeat
  bool sync_due = false;                   ///< it was told the generation and has not sent SyncGroup for it
  Instant session_deadline;                ///< when it is expelled, unless it waits for one of these:
  std::optional<RequestToken> join_token;  ///< its parked JoinGroup
  std::optional<RequestToken> sync_token;  ///< its parked SyncGroup

  /// A member that waits for us is alive as far as we can know. A new one is not trusted to wait forever.
  [[nodiscard]] bool may_expire() const { return is_new || (!join_token && !sync_token); }
  /// What it said for `protocol`; empty when it does not support it.
  [[nodiscard]] std::string_view metadata_for(std::string_view protocol) const;
  /// In memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_with(protocols_size.bytes, assignment.size()); }
  /// The same if what it says and is assigned took so much.
  [[nodiscard]] std::size_t bytes_with(std::size_t protocols_bytes, std::size_t assignment_bytes) const;
};

/// One group: who is in it, in which generation, and what it has committed. Keeps its own parts consistent; when
/// something happens, and who is told, is the Coordinator's business.
class Group {
 public:
  explicit Group(std::string id, WallMillis wall) : id_(std::move(id)), state_since_(wall) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is(State state) const { return state_ == state; }
  [[nodiscard]] WallMillis state_since() const { return state_since_; }
  void enter(State state, WallMillis wall);

  [[nodiscard]] std::int32_t generation() const { return generation_; }
  /// Nothing for a group that only keeps offsets.
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  [[nodiscard]] bool uses_consumer_protocol() const;
  /// Empty when there is none.
  [[nodiscard]] const std::string& leader() const { return leader_; }
  [[nodiscard]] bool is_leader(std::string_view member_id) const { return !leader_.empty() && leader_ == member_id; }

  // Members.

  [[nodiscard]] const std::map<std::string, Member>& members() const { return members_; }
  [[nodiscard]] std::map<std::string, Member>& members() { return members_; }
  [[nodiscard]] Member* find(const std::string& member_id);
  [[nodiscard]] const Member* find(const std::string& member_id) const;
  /// The id of the static member with this instance id, or null.
  [[nodiscard]] const std::string* static_member(const std::string& instance_id) const;
  /// Whether a request may speak for this member: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another one has taken
  /// its instance id over.
  [[nodiscard]] std::optional<ErrorCode> member_problem(const std::string& member_id,
                                                        const std::optional<std::string>& instance_id) const;
  /// The first member leads and gives the group its protocol type.
  Member& add(Member member, const std::string& protocol_type);
  /// Nobody may be parked on it.
  void remove(const std::string& member_id);
  void set_protocols(Member& member, std::vector<Protocol> protocols);
  /// Gives a static member another id; nobody may be parked on it.
  Member& replace_id(const std::string& old_id, const std::string& new_id);
  /// Members that were given an id and have not joined with it, with the time until which they may.
  [[nodiscard]] std::map<std::string, Instant>& pending() { return pending_; }
  [[nodiscard]] const std::map<std::string, Instant>& pending() const { return pending_; }

  [[nodiscard]] std::size_t joined_count() const;
  [[nodiscard]] bool all_joined() const { return pending_.empty() && joined_count() == members_.size(); }
  [[nodiscard]] bool any_sync_due() const;
  /// Members wait at most as long as the most patient of them.
  [[nodiscard]] Duration rebalance_timeout() const;

  // Protocols.

  /// Whether somebody with these could join: the type is the group's, and one of them is supported by all.
  [[nodiscard]] bool supports(std::string_view type, const std::vector<Protocol>& protocols) const;
  /// The protocol that most members want of those that all support. There must be members.
  [[nodiscard]] std::string select_protocol() const;
  /// Passes the lead to somebody who has joined if the leader has not. False when nobody has.
  [[nodiscard]] bool elect_joined_leader();
  /// The next generation of the members that are here: CompletingRebalance, or Empty without any.
  void begin_generation(WallMillis wall);
  /// As it was written.
  void restore(std::int32_t generation, std::optional<std::string> protocol_type,
               std::optional<std::string> protocol_name, std::string leader, std::vector<Member> members,
               WallMillis state_since);

  /// After its tombstone: what it was is not remembered by the log either.
  void forget() {
    write_due.reset();
    restore(0, std::nullopt, std::nullopt, {}, {}, state_since_);
  }

  /// Whether a member's subscription names the topic; true too when we cannot read the subscriptions of a consumer
  /// group.
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const;

  /// What the names take that `is_subscribed_to` knows.
  [[nodiscard]] std::size_t subscription_bytes() const { return subscribed_bytes_; }
  /// From now on, in this generation, we cannot read them.
  void forget_subscription();

  // Offsets, those that are committed. Applied in log order.

  CommittedOffsets offsets;
  /// How many appends in progress touch a partition's offset.
  std::map<TopicPartition, int> offsets_in_progress;
  /// By how much these will make `offsets` grow, at most.
  std::size_t offsets_growth = 0;

  /// All of the group, in memory.
  [[nodiscard]] std::size_t bytes() const;

  // Timers and appends, kept for the Coordinator.

  std::optional<Instant> join_deadline;  ///< PreparingRebalance: who has not joined by then is out
  std::optional<Instant> sync_deadline;  ///< who has not sent SyncGroup by then is out
  std::optional<Instant> write_due;      ///< Empty, but the log still says otherwise: when to write it again
  /// A group that was empty waits a little for more members before its first generation.
  struct InitialDelay {
    Duration current{0};
    Duration left{0};
    bool member_added = false;
  };
  std::optional<InitialDelay> initial_delay;
  statelog::Wakes::Wake wake;
  std::size_t bytes_counted = 0;                       ///< towards the coordinator's sum
  std::optional<std::int32_t> assignment_in_progress;  ///< the generation whose assignment is being appended
  int appends_in_progress = 0;
  std::uint64_t writes = 0;  ///< how often its record was written; tells whether a tombstone is its last word
  bool is_written = false;   ///< the log holds a record of it

  [[nodiscard]] Instant first_deadline() const;
  void check_invariants() const;

 private:
  void count_protocols(const Member& member, int by);
  void read_subscriptions();

  std::string id_;
  State state_ = State::kEmpty;
  WallMillis state_since_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  std::string leader_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> static_members_;  ///< member ids by instance ids
  std::map<std::string, Instant> pending_;
  std::map<std::string, std::size_t> supporters_;  ///< members by protocol
  std::optional<std::set<std::string, std::less<>>> subscribed_;
  std::size_t subscribed_bytes_ = 0;
};

}  // namespace mq::group
