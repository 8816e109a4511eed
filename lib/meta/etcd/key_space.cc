#include "meta/etcd/key_space.h"

#include <utility>

namespace mq::meta::etcd {

KeyRange KeySpace::with_prefix(std::string_view prefix, std::string_view after) const {
  // The smallest key behind another one is that with a zero byte more.
  std::string first = of(after.empty() ? prefix : after);
  if (!after.empty() || prefix.empty()) first += '\0';
  return {.first = std::move(first), .end = after_all_with(of(prefix))};
}

/// The end of all keys that begin with `prefix`. There is one: it begins with a slash.
std::string KeySpace::after_all_with(std::string prefix) {
  while (static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  ++prefix.back();
  return prefix;
}

}  // namespace mq::meta::etcd
