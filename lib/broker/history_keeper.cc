#include "broker/history_keeper.h"

#include <algorithm>

#include "meta/metadata_store.h"

namespace mq::broker {
namespace {

constexpr Duration kBetween = 1min;
/// What a request to forget is worth.
constexpr std::int64_t kWorthwhile = meta::kChangesKeptMax / 10;

}  // namespace

std::optional<cluster::Revision> HistoryKeeper::due(Instant now, cluster::Revision newest) {
  // A store that was put back to an earlier moment counts anew.
  if (!seen_.empty() && newest < seen_.back().revision) *this = {};
  if (seen_.empty() || now - seen_.back().at >= kBetween) seen_.push_back({now, newest});
  const auto is_old = [&](const Seen& seen) { return now - seen.at >= meta::kChangesKept; };
  const auto young = std::ranges::find_if_not(seen_, is_old);
  if (young == seen_.begin()) return std::nullopt;
  seen_.erase(seen_.begin(), young - 1);
  const std::int64_t until = std::min(seen_.front().revision.value(), newest.value() - meta::kChangesKeptMax);
  if (until - forgotten_.value() < kWorthwhile) return std::nullopt;
  forgotten_ = cluster::Revision{until};
  return forgotten_;
}

}  // namespace mq::broker
