#include "copies.h"

#include <algorithm>
#include <optional>

namespace mq::mqctl {
namespace {

void note(std::vector<Difference>& differences, const Difference& found) {
  if (!differences.empty()) {
    Difference& last = differences.back();
    if (last.copy == found.copy && last.kind == found.kind && last.next >= found.first) {
      last.next = std::max(last.next, found.next);
      return;
    }
  }
  differences.push_back(found);
}

}  // namespace

Offset Copies::common_end() const {
  std::optional<Offset> least;
  for (const Copy& copy : copies_)
    if (!copy.is_given_up) least = std::min(least.value_or(copy.end), copy.end);
  return least.value_or(Offset{0});
}

std::vector<LogItem> Copies::take_below(Copy& copy, Offset end) const {
  std::vector<LogItem> taken;
  while (!copy.items.empty() && copy.items.front().first < end) {
    taken.push_back(copy.items.front());
    copy.items.pop_front();
  }
  return taken;
}

std::vector<Difference> Copies::compare() {
  const Offset end = common_end();
  std::vector<Difference> differences;
  const bool has_leader = !copies_.front().is_given_up;
  const std::vector<LogItem> leaders = take_below(copies_.front(), end);
  for (std::size_t copy = 1; copy < copies_.size(); ++copy) {
    const std::vector<LogItem> own = take_below(copies_[copy], end);
    if (!has_leader || copies_[copy].is_given_up) continue;
    auto mine = own.begin();
    auto theirs = leaders.begin();
    while (mine != own.end() || theirs != leaders.end()) {
      const bool is_lacking = mine == own.end() || (theirs != leaders.end() && theirs->first < mine->first);
      const bool is_alone = !is_lacking && (theirs == leaders.end() || mine->first < theirs->first);
      const LogItem& item = is_lacking ? *theirs : *mine;
      if (is_lacking || is_alone) {
        const auto kind = is_lacking ? Difference::Kind::lacks : Difference::Kind::has_more;
        if (!is_compacted_) note(differences, {.copy = copy, .kind = kind, .first = item.first, .next = item.next});
      } else if (mine->digest != theirs->digest || mine->next != theirs->next) {
        note(differences, {.copy = copy,
                           .kind = Difference::Kind::differs,
                           .first = item.first,
                           .next = std::max(mine->next, theirs->next)});
      }
      if (!is_lacking) ++mine;
      if (!is_alone) ++theirs;
    }
  }
  return differences;
}

}  // namespace mq::mqctl
