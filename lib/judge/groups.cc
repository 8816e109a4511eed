// Members of groups: A18 and A29.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "judge/findings.h"
#include "judge/floors.h"
#include "judge/group_life.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// A group between two of its deletions.
using LivingGroup = std::pair<std::string_view, std::uint32_t>;

/// That a member was given a partition in a generation.
struct Given {
  std::string_view member;
  std::uint32_t operation = 0;
};
using Partition = std::tuple<LivingGroup, std::int32_t, std::string_view>;   // of a generation
using Membership = std::tuple<LivingGroup, std::int32_t, std::string_view>;  // member of a generation

void judge_gifts(const Logs& logs, Findings& findings, const GroupLives& lives,
                 std::map<Membership, std::uint32_t>& syncs) {
  const History& history = logs.history();
  std::map<Partition, Given> owners;
  for (const Operation& op : history.operations) {
    if (op.action != Action::sync || op.outcome != Outcome::ok) continue;
    const std::uint32_t life = lives.life_of(op);
    if (life == kNone) continue;
    const LivingGroup group{history.text(op.group), life};
    const std::string_view member = history.text(op.member);
    syncs[{group, op.generation, member}] = history.number_of(op);
    for (const Point& told : history.told_to(op)) {
      if (told.kind != Point::Kind::owned) continue;
      findings.looked_at(Anomaly::group_overlap);
      const auto [owner, is_new] =
          owners.try_emplace({group, op.generation, history.text(told.key)}, Given{member, history.number_of(op)});
      if (is_new || owner->second.member == member) continue;
      const Operation& before = history.operations[owner->second.operation];
      findings.add(Anomaly::group_overlap, findings.offsets_loss_circumstances(before.invoked, op.completed), [&] {
        return fmt::format("group {}, generation {}: {} was given to member {} ({}) and to member {} ({}).",
                           group.first, op.generation, history.text(told.key), owner->second.member,
                           findings.told(before), member, findings.told(op));
      });
    }
  }
}

void judge_member_polls(const Logs& logs, Findings& findings, const GroupLives& lives,
                        const std::map<Membership, std::uint32_t>& syncs) {
  const History& history = logs.history();
  for (const Operation& op : history.operations) {
    if (op.group == 0 || op.generation < 0 || op.action != Action::poll) continue;
    const auto known =
        syncs.find({{history.text(op.group), lives.life_of(op)}, op.generation, history.text(op.member)});
    if (known == syncs.end()) continue;
    const Operation& sync = history.operations[known->second];
    Name judged = 0;
    for (const Read& read : history.reads_of(op)) {
      if (std::exchange(judged, read.key) == read.key) continue;
      findings.looked_at(Anomaly::group_overlap);
      const bool owned = std::ranges::any_of(history.told_to(sync), [&](const Point& told) {
        return told.kind == Point::Kind::owned && told.key == read.key;
      });
      if (owned) continue;
      findings.add(Anomaly::group_overlap, findings.offsets_loss_circumstances(sync.invoked, op.completed), [&] {
        return fmt::format("group {}, generation {}: member {} read {} ({}), which it had not been given ({}).",
                           history.text(op.group), op.generation, history.text(op.member), history.text(read.key),
                           findings.told(op), findings.told(sync));
      });
    }
  }
}

}  // namespace

void find_zombies(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  const GroupLives lives(history);
  std::map<LivingGroup, std::vector<Observation>> generations;
  for (const Operation& op : history.operations) {
    if (op.generation < 0 || op.group == 0 || op.outcome != Outcome::ok) continue;
    const bool is_new = op.action == Action::join || op.action == Action::sync;
    const bool is_accepted = op.action == Action::commit || op.action == Action::heartbeat;
    const std::uint32_t life = lives.life_of(op);
    if (life == kNone || !(is_new || is_accepted)) continue;
    generations[{history.text(op.group), life}].push_back(
        {op.invoked, op.completed, op.generation, op.generation, history.number_of(op), is_accepted, is_new});
  }
  for (const auto& [living, all] : generations) {
    findings.looked_at(Anomaly::zombie,
                       static_cast<std::size_t>(std::ranges::count(all, true, &Observation::is_judged)));
    against_floors(all, [&, group = living.first](const Observation& later, const Observation& newer) {
      if (later.number >= newer.floor) return;
      const Operation& op = history.operations[later.operation];
      const Operation& other = history.operations[newer.operation];
      findings.add(Anomaly::zombie, findings.offsets_loss_circumstances(other.invoked, op.completed), [&] {
        return fmt::format(
            "group {}: a {} of member {} in generation {} was accepted ({}, asked for at {}); member {} had been told "
            "of generation {} before ({}).",
            group, to_string(op.action), history.text(op.member), later.number, findings.told(op),
            findings.seconds(op.invoked), history.text(other.member), newer.floor, findings.told(other));
      });
    });
  }
}

void find_overlaps(const Logs& logs, Findings& findings) {
  const GroupLives lives(logs.history());
  std::map<Membership, std::uint32_t> syncs;
  judge_gifts(logs, findings, lives, syncs);
  judge_member_polls(logs, findings, lives, syncs);
}

}  // namespace mq::judge
