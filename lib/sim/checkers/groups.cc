#include "sim/checkers/groups.h"

#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

namespace mq::sim {

Verdict judge_commits(const History& history) {
  struct Known {
    std::int64_t acknowledged = -1;
    std::int64_t asked = -1;
  };
  Verdict verdict;
  std::map<std::pair<std::string, TopicPartition>, Known> known;
  for (const History::Commit& commit : history.commits) {
    Known& of = known[{commit.group, commit.where}];
    switch (commit.kind) {
      case History::Commit::Kind::asked:
        of.asked = commit.offset;
        break;
      case History::Commit::Kind::acknowledged:
        of.acknowledged = commit.offset;
        break;
      case History::Commit::Kind::found:
        if (commit.offset != of.acknowledged && commit.offset != of.asked)
          verdict.push_back(fmt::format("{} of {}: found {}, but {} was acknowledged and {} asked for last",
                                        commit.where.to_string(), commit.group, commit.offset, of.acknowledged,
                                        of.asked));
        break;
    }
  }
  return verdict;
}

Verdict judge_assignments(const History& history) {
  Verdict verdict;
  std::map<std::tuple<std::string, std::int32_t, TopicPartition>, std::string> owners;
  for (const History::Assignment& given : history.assignments) {
    const auto [owner, is_first] = owners.try_emplace({given.group, given.generation, given.where}, given.member);
    if (!is_first && owner->second != given.member)
      verdict.push_back(fmt::format("{} and {} of {} both own {} in generation {}", owner->second, given.member,
                                    given.group, given.where.to_string(), given.generation));
  }
  return verdict;
}

}  // namespace mq::sim
