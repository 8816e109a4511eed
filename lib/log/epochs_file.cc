#include "log/epochs_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/crc32c.h"
#include "base/mark.h"
#include "log/directory_contents.h"
#include "record/batch.h"

namespace mq::log {
namespace {

constexpr std::size_t kEpochsBytesMax = std::size_t{256} << 20;
constexpr std::size_t kCrcBytesMax = 4096;

}  // namespace

Result<SavedEpochs> read_epochs_file(const SegmentFiles& names, LeaderEpoch limit) {
  const auto text = env::read_whole(names.files(), names.path_of(kEpochsFile), kEpochsBytesMax);
  if (!text && is_passing(text.error().code)) return fail(text.error());
  if (!text) return SavedEpochs{};
  const auto crc = env::read_whole(names.files(), names.path_of(kEpochsCrcFile), kCrcBytesMax);
  if (!crc && is_passing(crc.error().code)) return fail(crc.error());
  // A CRC that cannot be read is as good as a wrong one: a text that fits the log by its form alone may still be
  // rotten.
  const bool has_none = !crc && crc.error().code == Errc::not_found;
  const bool is_rotten = !has_none && !(crc && is_epochs_crc(*crc, *text));
  if (is_rotten) MQ_MARK("log: the file of leader epochs has another CRC");
  if (is_rotten) return SavedEpochs{};
  auto epochs = LeaderEpochs::decode(*text);
  if (!epochs) MQ_MARK("log: the file of leader epochs is damaged");
  if (!epochs || epochs->latest() > limit) return SavedEpochs{};
  return SavedEpochs{.epochs = *std::move(epochs), .has_crc = !has_none};
}

std::string encode_epochs_crc(BytesView text) { return fmt::format("0\n{:08x}\n", crc32c(text)); }

bool is_epochs_crc(BytesView crc, BytesView text) { return crc == encode_epochs_crc(text); }

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
