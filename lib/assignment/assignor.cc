#include "assignment/assignor.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace mq::assignment {
namespace {

using Counts = std::map<std::string, std::int32_t>;

/// Members by id, each topic with those that want it.
struct Group {
  std::vector<const AssignedMember*> members;
  std::map<std::string, std::vector<std::size_t>> subscribers;  ///< indexes of members, ascending

  Group(const std::vector<AssignedMember>& all, const Counts& counts) {
    for (const AssignedMember& member : all) members.push_back(&member);
    std::ranges::sort(members, {}, [](const AssignedMember* member) -> const std::string& { return member->id; });
    for (std::size_t m = 0; m < members.size(); ++m)
      for (const std::string& topic : std::set<std::string>(members[m]->topics.begin(), members[m]->topics.end()))
        if (counts.contains(topic)) subscribers[topic].push_back(m);
  }

  [[nodiscard]] bool wants(std::size_t member, const std::string& topic) const {
    const auto at = subscribers.find(topic);
    return at != subscribers.end() && std::ranges::binary_search(at->second, member);
  }
};

Assignment empty_assignment(const std::vector<AssignedMember>& members) {
  Assignment assignment;
  for (const AssignedMember& member : members) assignment[member.id];
  return assignment;
}

Assignment assign_range(const std::vector<AssignedMember>& members, const Counts& counts) {
  const Group group(members, counts);
  Assignment assignment = empty_assignment(members);
  for (const auto& [topic, subscribers] : group.subscribers) {
    const std::int32_t partitions = counts.at(topic);
    const auto readers = static_cast<std::int32_t>(subscribers.size());
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < readers; ++i) {
      const std::int32_t share = partitions / readers + (i < partitions % readers ? 1 : 0);
      auto& to = assignment[group.members[subscribers[static_cast<std::size_t>(i)]]->id];
      for (const std::int32_t end = next + share; next < end; ++next) to.push_back({topic, next});
    }
  }
  return assignment;
}

Assignment assign_round_robin(const std::vector<AssignedMember>& members, const Counts& counts) {
  const Group group(members, counts);
  Assignment assignment = empty_assignment(members);
  std::size_t place = 0;
  for (const auto& [topic, subscribers] : group.subscribers) {
    for (std::int32_t partition = 0; partition < counts.at(topic); ++partition) {
      while (!group.wants(place % group.members.size(), topic)) ++place;
      assignment[group.members[place++ % group.members.size()]->id].push_back({topic, partition});
    }
  }
  return assignment;
}

/// Who says that it has a partition, in the newest generation that anybody says it for.
struct Claim {
  std::int32_t generation = -1;
  std::vector<std::size_t> members;
};

class StickyAssignor {
 public:
  StickyAssignor(const std::vector<AssignedMember>& members, const Counts& counts)
      : group_(members, counts), counts_(counts), held_(members.size()) {}

  Assignment run() {
    read_claims();
    keep_what_is_owned();
    give_out_the_rest();
    while (even_out()) {
    }
    return withhold_what_others_own();
  }

 private:
  void read_claims() {
    for (std::size_t m = 0; m < group_.members.size(); ++m) {
      const AssignedMember& member = *group_.members[m];
      for (const TopicPartition& partition : member.owned) {
        Claim& claim = claims_[partition];
        if (member.generation > claim.generation) claim = {member.generation, {}};
        if (member.generation == claim.generation) claim.members.push_back(m);
      }
    }
  }

  void keep_what_is_owned() {
    for (const auto& [topic, subscribers] : group_.subscribers) {
      for (std::int32_t p = 0; p < counts_.at(topic); ++p) {
        const TopicPartition partition{topic, p};
        const auto claim = claims_.find(partition);
        // Two that claim the same in one generation cannot both be right: neither keeps it.
        const bool is_kept = claim != claims_.end() && claim->second.members.size() == 1 &&
                             group_.wants(claim->second.members[0], topic);
        if (is_kept) {
          held_[claim->second.members[0]].push_back(partition);
        } else {
          free_.push_back(partition);
        }
      }
    }
  }

  [[nodiscard]] std::size_t least_loaded(const std::string& topic) const {
    return *std::ranges::min_element(group_.subscribers.at(topic), {}, [&](std::size_t m) { return held_[m].size(); });
  }

  void give_out_the_rest() {
    // What few can read first, so that those few have room.
    std::ranges::sort(free_, {}, [&](const TopicPartition& p) {
      return std::tuple(group_.subscribers.at(p.topic).size(), std::string_view(p.topic), p.partition);
    });
    for (TopicPartition& partition : free_) held_[least_loaded(partition.topic)].push_back(std::move(partition));
  }

  /// Moves a partition wherever that brings two members closer together. The sum of the squares of the loads shrinks
  /// with every move, so it ends. True when something moved.
  bool even_out() {
    std::vector<std::size_t> donors(held_.size());
    for (std::size_t m = 0; m < donors.size(); ++m) donors[m] = m;
    std::ranges::sort(donors, std::greater<>(), [&](std::size_t m) { return std::pair(held_[m].size(), m); });
    bool any_moved = false;
    for (const std::size_t donor : donors) {
      for (std::size_t i = held_[donor].size(); i-- > 0;) {
        const std::size_t taker = least_loaded(held_[donor][i].topic);
        if (held_[donor].size() < held_[taker].size() + 2) continue;
        held_[taker].push_back(std::move(held_[donor][i]));
        held_[donor].erase(held_[donor].begin() + static_cast<std::ptrdiff_t>(i));
        any_moved = true;
      }
    }
    return any_moved;
  }

  Assignment withhold_what_others_own() {
    Assignment assignment;
    for (std::size_t m = 0; m < held_.size(); ++m) {
      std::erase_if(held_[m], [&](const TopicPartition& partition) {
        const auto claim = claims_.find(partition);
        return claim != claims_.end() &&
               std::ranges::any_of(claim->second.members, [&](std::size_t owner) { return owner != m; });
      });
      std::ranges::sort(held_[m]);
      assignment[group_.members[m]->id] = std::move(held_[m]);
    }
    return assignment;
  }

  const Group group_;
  const Counts& counts_;
  std::map<TopicPartition, Claim> claims_;
  std::vector<std::vector<TopicPartition>> held_;  ///< by index of the member
  std::vector<TopicPartition> free_;
};

}  // namespace

std::optional<Assignor> parse_assignor(std::string_view name) {
  for (const Assignor assignor : {Assignor::range, Assignor::round_robin, Assignor::cooperative_sticky})
    if (name == name_of(assignor)) return assignor;
  return std::nullopt;
}

std::string_view name_of(Assignor assignor) {
  switch (assignor) {
    case Assignor::range:
      return "range";
    case Assignor::round_robin:
      return "roundrobin";
    case Assignor::cooperative_sticky:
      return "cooperative-sticky";
  }
  std::unreachable();
}

Assignment assign(Assignor assignor, const std::vector<AssignedMember>& members, const Counts& partition_counts) {
  switch (assignor) {
    case Assignor::range:
      return assign_range(members, partition_counts);
    case Assignor::round_robin:
      return assign_round_robin(members, partition_counts);
    case Assignor::cooperative_sticky:
      return StickyAssignor(members, partition_counts).run();
  }
  std::unreachable();
}

}  // namespace mq::assignment
