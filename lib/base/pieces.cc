#include "base/pieces.h"

#include "base/trimmed.h"

namespace mq {

std::vector<std::string_view> pieces_of(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  if (text.empty()) return pieces;
  for (auto end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    pieces.push_back(trimmed(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  pieces.push_back(trimmed(text));
  return pieces;
}

}  // namespace mq
