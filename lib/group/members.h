#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "group/member.h"
#include "model/error_code.h"

namespace mq::group {

/// Who is in a classic group, who of them leads, and what they all support. Decides nothing about generations.
class Members {
 public:
  using Map = std::map<std::string, Member>;

  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] Map::const_iterator begin() const { return members_.begin(); }
  [[nodiscard]] Map::const_iterator end() const { return members_.end(); }
  [[nodiscard]] Map::iterator begin() { return members_.begin(); }
  [[nodiscard]] Map::iterator end() { return members_.end(); }
  [[nodiscard]] Member* find(const std::string& id);
  [[nodiscard]] const Member* find(const std::string& id) const;
  /// The id of the static member with this instance id, or null.
  [[nodiscard]] const std::string* static_member(const std::string& instance_id) const;
  /// Whether a request may speak for this member: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another one has taken
  /// its instance id over.
  [[nodiscard]] std::optional<ErrorCode> problem_of(const std::string& id,
                                                    const std::optional<std::string>& instance_id) const;

  /// The first one leads. It is not pending any more.
  Member& add(Member member);
  /// Nobody may be parked on it.
  void remove(const std::string& id);
  /// All of them, but not the pending ones.
  void clear();
  void set_protocols(Member& member, std::vector<Protocol> protocols);
  /// Gives a static member another id; nobody may be parked on it.
  Member& replace_id(const std::string& old_id, const std::string& new_id);

  /// Empty when there is none.
  [[nodiscard]] const std::string& leader() const { return leader_; }
  [[nodiscard]] bool is_leader(std::string_view id) const { return !leader_.empty() && leader_ == id; }
  /// Passes the lead to this one; nothing changes when it is no member.
  void set_leader(const std::string& id);
  /// Passes the lead to somebody who has joined if the leader has not. False when nobody has.
  [[nodiscard]] bool elect_joined_leader();

  // Pending: those who were given an id and have not joined with it, until a time by which they must.

  void add_pending(const std::string& id, Instant until) { pending_.emplace(id, until); }
  [[nodiscard]] bool is_pending(const std::string& id) const { return pending_.contains(id); }
  [[nodiscard]] std::size_t pending_count() const { return pending_.size(); }
  /// True when it was.
  bool remove_pending(const std::string& id) { return pending_.erase(id) > 0; }
  /// Those whose time has come.
  void expire_pending(Instant now);

  [[nodiscard]] std::size_t joined_count() const;
  [[nodiscard]] bool all_joined() const { return pending_.empty() && joined_count() == members_.size(); }
  [[nodiscard]] bool any_sync_due() const;
  /// Members wait at most as long as the most patient of them.
  [[nodiscard]] Duration rebalance_timeout() const;

  /// Whether one of these is supported by all.
  [[nodiscard]] bool all_support_one_of(const std::vector<Protocol>& protocols) const;
  /// The protocol that most members want of those that all support. There must be members.
  [[nodiscard]] std::string select_protocol() const;

  /// In memory.
  [[nodiscard]] std::size_t bytes() const;
  /// When the first session or the first pending one ends.
  [[nodiscard]] Instant first_deadline() const;
  void check_invariants() const;

 private:
  void count_protocols(const Member& member, int by);

  Map members_;
  std::map<std::string, std::string> static_members_;  ///< member ids by instance ids
  std::map<std::string, std::size_t> supporters_;      ///< members by protocol
  std::map<std::string, Instant> pending_;
  std::string leader_;
};

}  // namespace mq::group
