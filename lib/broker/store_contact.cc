#include "broker/store_contact.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace mq::broker {

void StoreContact::heard(Instant asked) {
  heard_at_ = std::max(heard_at_.load(), asked);
  is_missed_ = false;
}

std::string StoreContact::how_long() const {
  const Duration silence = clock_.now() - heard_at_.load();
  const auto since = static_cast<std::time_t>(clock_.wall_now() / 1000 - silence / 1s);
  return fmt::format("the metadata store {} cannot be reached since {:%F %T} UTC, for {} s", name_, fmt::gmtime(since),
                     silence / 1s);
}

}  // namespace mq::broker
