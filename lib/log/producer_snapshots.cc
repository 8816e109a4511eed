#include "log/producer_snapshots.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "log/directory_contents.h"
#include "log/segment.h"

namespace mq::log {
namespace {

constexpr std::size_t kSnapshotBytesMax = std::size_t{256} << 20;
/// The batches of a producer's that are in flight are not further apart.
constexpr std::uint64_t kWindowBytes = std::uint64_t{64} << 20;

}  // namespace

void ProducerSnapshots::set_found(std::vector<Offset> offsets, bool are_synced) {
  offsets_ = std::move(offsets);
  if (are_synced && !offsets_.empty()) saved_end_ = offsets_.back();
}

std::optional<Offset> ProducerSnapshots::newest(Offset end) const {
  const auto after = std::ranges::upper_bound(offsets_, end);
  if (after == offsets_.begin()) return std::nullopt;
  return *std::prev(after);
}

Result<ProducerStates> ProducerSnapshots::load(const SegmentSet& segments, const LogConfig& config, Offset start,
                                               Offset end, WallMillis wall_now) const {
  ProducerStates states;
  const Offset first_there = segments.begin_or(start);
  Offset from = first_there;
  for (auto offset = offsets_.rbegin(); offset != offsets_.rend() && *offset >= first_there; ++offset) {
    if (*offset > end) continue;
    const auto bytes = env::read_whole(names_.files(), names_.path(*offset, "snapshot"), kSnapshotBytesMax);
    if (!bytes && is_passing(bytes.error().code)) return fail(bytes.error());
    auto decoded = bytes ? ProducerStates::decode_snapshot(*bytes) : fail(bytes.error());
    if (!decoded) MQ_MARK("log: a snapshot of producers is damaged and an older one will do");
    if (!decoded) continue;  // P-6: an older one and more replay do as well
    states = *std::move(decoded);
    from = *offset;
    const auto window = env::read_whole(names_.files(), names_.path(*offset, "mqwindow"), kSnapshotBytesMax);
    if (states.empty() || (window && states.add_window(*window))) break;
    // A snapshot of Kafka's has one batch for each producer. The others of those in flight are not far before it.
    if (*offset > first_there && !segments.empty()) {
      MQ_MARK("log: the windows of producers are read from the batches");
      std::size_t first = segments.index_of(*offset - OffsetDelta{1});
      std::uint64_t back = segments[first]->size_bytes();
      while (first > 0 && back < kWindowBytes) back += segments[--first]->size_bytes();
      MQ_CHECK(segments.replay(segments[first]->base_offset(), *offset, config,
                               [&](const record::BatchHeader& header) { states.refill(header); }));
    }
    break;
  }
  // The start was moved past what a power cut then took: who wrote that is not known.
  const auto is_lost = [&](Offset first, Offset until) {
    return first < until && first < start && !segments.may_have_gaps(first);
  };
  Offset told = from;
  MQ_CHECK(segments.replay(is_mutant("falsegap") ? end : from, end, config, [&](const record::BatchHeader& header) {
    if (is_lost(told, header.base_offset)) states = {};
    states.apply(header, wall_now);
    told = header.next_offset();
  }));
  if (is_lost(told, start)) states = {};
  states.restart_expiry(wall_now);
  return states;
}

ProducerSnapshots::Taken::Taken(Offset end, const ProducerStates& states)
    : offset(end),
      snapshot(states.encode_snapshot()),
      window(states.empty() ? std::string() : states.encode_window()) {}

std::vector<std::pair<std::string, std::string>> ProducerSnapshots::to_write(Offset end, const ProducerStates& states) {
  std::vector<std::pair<std::string, std::string>> files;
  const auto add = [&](const Taken& taken) {
    files.emplace_back(names_.path(taken.offset, "snapshot"), taken.snapshot);
    if (!taken.window.empty()) files.emplace_back(names_.path(taken.offset, "mqwindow"), taken.window);
    if (offsets_.empty() || offsets_.back() < taken.offset) offsets_.push_back(taken.offset);
  };
  for (const Taken& taken : taken_) add(taken);
  add(Taken(end, states));
  return files;
}

std::vector<std::string> ProducerSnapshots::drop_needless(const SegmentSet& segments) {
  std::vector<std::string> paths;
  const std::size_t newest = offsets_.size() - std::min<std::size_t>(offsets_.size(), 2);
  std::vector<Offset> kept;
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    if (i >= newest || segments.find(offsets_[i]) != nullptr) {
      kept.push_back(offsets_[i]);
      continue;
    }
    MQ_MARK("log: an old snapshot of producers goes");
    for (const std::string_view extension : kSnapshotExtensions) paths.push_back(names_.path(offsets_[i], extension));
  }
  offsets_ = std::move(kept);
  return paths;
}

void ProducerSnapshots::on_saved(Offset end) {
  std::erase_if(taken_, [&](const Taken& taken) { return taken.offset <= end; });
  saved_end_ = std::max(saved_end_, end);
}

Result<bool> ProducerSnapshots::truncate_to(Offset end) {
  std::erase_if(taken_, [&](const Taken& taken) { return taken.offset > end; });
  bool removed = false;
  for (; !offsets_.empty() && offsets_.back() > end; offsets_.pop_back(), removed = true)
    MQ_CHECK(names_.remove(offsets_.back(), kSnapshotExtensions));
  saved_end_ = std::min(saved_end_, newest(end).value_or(Offset{0}));
  return removed;
}

void ProducerSnapshots::check_invariants() const {
  MQ_ASSERT(std::ranges::is_sorted(offsets_));
  MQ_ASSERT(std::ranges::is_sorted(taken_, {}, &Taken::offset));
}

}  // namespace mq::log
