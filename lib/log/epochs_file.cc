#include "log/epochs_file.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/mark.h"
#include "log/directory_contents.h"
#include "record/batch.h"

namespace mq::log {
namespace {

constexpr std::size_t kEpochsBytesMax = std::size_t{256} << 20;

}  // namespace

Result<std::optional<LeaderEpochs>> read_epochs_file(const SegmentFiles& names, LeaderEpoch limit) {
  const auto text = env::read_whole(names.files(), names.path_of(kEpochsFile), kEpochsBytesMax);
  if (!text && is_passing(text.error().code)) return fail(text.error());
  if (!text) return std::nullopt;
  auto epochs = LeaderEpochs::decode(*text);
  if (!epochs) MQ_MARK("log: the file of leader epochs is damaged");
  if (!epochs || epochs->latest() > limit) return std::nullopt;
  return *std::move(epochs);
}

Result<LeaderEpochs> epochs_of_batches(const SegmentSet& segments, Offset start, Offset end, LeaderEpoch limit,
                                       const LogConfig& config) {
  LeaderEpochs epochs;
  if (segments.empty()) return epochs;
  // The log may start amid a batch.
  const Offset from = std::min(start, segments[segments.index_of(start)]->base_offset());
  MQ_CHECK(segments.replay(from, end, config, [&](const record::BatchHeader& header) {
    if (header.next_offset() > start && header.leader_epoch <= limit)
      epochs.assign(header.leader_epoch, std::max(header.base_offset, start));
  }));
  return epochs;
}

}  // namespace mq::log
