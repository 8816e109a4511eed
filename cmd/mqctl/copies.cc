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
  const auto first = std::ranges::find(copies_, false, &Copy::is_given_up);
  if (first == copies_.end()) return differences;
  const auto other = static_cast<std::size_t>(first - copies_.begin());
  const std::vector<LogItem> others = take_below(*first, end);
  for (std::size_t copy = other + 1; copy < copies_.size(); ++copy) {
    const std::vector<LogItem> own = take_below(copies_[copy], end);
    if (copies_[copy].is_given_up) continue;
    auto mine = own.begin();
    auto theirs = others.begin();
    while (mine != own.end() || theirs != others.end()) {
      const bool is_lacking = mine == own.end() || (theirs != others.end() && theirs->first < mine->first);
      const bool is_alone = !is_lacking && (theirs == others.end() || mine->first < theirs->first);
      const LogItem& item = is_lacking ? *theirs : *mine;
      if (is_lacking || is_alone) {
        const auto kind = is_lacking ? Difference::Kind::lacks : Difference::Kind::has_more;
        if (!is_compacted_)
          note(differences, {.copy = copy, .other = other, .kind = kind, .first = item.first, .next = item.next});
      } else if (mine->digest != theirs->digest || mine->next != theirs->next) {
        note(differences, {.copy = copy,
                           .other = other,
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
