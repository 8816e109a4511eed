#include "sim/checkers/records.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

namespace mq::sim {
namespace {

using Place = std::pair<TopicPartition, std::int64_t>;

const std::vector<History::Sighting>& seen_by(const History& history, const std::string& reader) {
  static const std::vector<History::Sighting> kNothing;
  const auto found = history.seen.find(reader);
  return found == history.seen.end() ? kNothing : found->second;
}

std::string text_of(const Place& place) { return fmt::format("{} at {}", place.first.to_string(), place.second); }

/// Where each acknowledged record is, by its value.
std::map<std::string, Place> places(const History& history, Verdict& verdict) {
  std::map<std::string, Place> told;
  std::map<Place, std::string> taken;
  for (const auto& [value, where, offset] : history.acknowledged) {
    const Place place{where, offset};
    if (!told.emplace(value, place).second) verdict.push_back(fmt::format("'{}' was acknowledged twice", value));
    if (const auto [other, is_free] = taken.emplace(place, value); !is_free)
      verdict.push_back(fmt::format("'{}' and '{}' were both told {}", other->second, value, text_of(place)));
  }
  return told;
}

void judge_places(const std::map<std::string, Place>& told, const std::vector<History::Sighting>& seen,
                  Verdict& verdict) {
  std::set<std::string> values;
  for (const auto& [where, offset, value] : seen) {
    values.insert(value);
    const auto known = told.find(value);
    if (known == told.end()) {
      verdict.push_back(fmt::format("'{}' in {} was never acknowledged", value, text_of({where, offset})));
    } else if (known->second != Place{where, offset}) {
      verdict.push_back(fmt::format("'{}' is in {}, but its producer was told {}", value, text_of({where, offset}),
                                    text_of(known->second)));
    }
  }
  for (const auto& [value, place] : told)
    if (!values.contains(value)) verdict.push_back(fmt::format("'{}' in {} is lost", value, text_of(place)));
}

void judge_order(const std::vector<History::Sighting>& seen, Verdict& verdict) {
  std::map<TopicPartition, std::int64_t> next_offset;
  std::map<std::pair<TopicPartition, std::string>, std::int64_t> last_number;
  std::set<std::string> values;
  for (const auto& [where, offset, value] : seen) {
    const std::int64_t expected = std::exchange(next_offset[where], offset + 1);
    if (offset != expected)
      verdict.push_back(fmt::format("{} follows {} in {}", offset, expected - 1, where.to_string()));
    if (!values.insert(value).second) verdict.push_back(fmt::format("'{}' came twice", value));
    const RecordName name = name_of(value);
    const auto before = last_number.try_emplace({where, name.producer}, -1).first;
    if (const std::int64_t last = std::exchange(before->second, name.number); last >= name.number)
      verdict.push_back(fmt::format("'{}' stands behind number {} in {}", value, last, where.to_string()));
  }
}

}  // namespace

Verdict judge_records(const History& history, const std::string& reader) {
  Verdict verdict;
  const auto told = places(history, verdict);
  judge_places(told, seen_by(history, reader), verdict);
  judge_order(seen_by(history, reader), verdict);
  return verdict;
}

Verdict judge_shared_records(const History& history, const std::string& group) {
  Verdict verdict;
  judge_places(places(history, verdict), seen_by(history, group), verdict);
  return verdict;
}

}  // namespace mq::sim
