#include "base/edit_distance.h"

#include <algorithm>
#include <vector>

namespace mq {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> names) {
  constexpr std::size_t kNameBytesMax = 100;     // nobody means a name with a longer text
  constexpr std::size_t kBeginningBytesMin = 3;  // less is the beginning of too much
  if (wrong.empty() || wrong.size() > kNameBytesMax) return {};
  std::string_view nearest;
  std::size_t least = 3 + wrong.size() / 6;  // further away it is another word
  for (const std::string_view name : names) {
    if (wrong.size() >= kBeginningBytesMin && name.starts_with(wrong)) return name;
    const std::size_t edits = edit_distance(wrong, name);
    if (edits < least && edits < name.size()) least = edits, nearest = name;
  }
  return nearest;
}

}  // namespace mq
