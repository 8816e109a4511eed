// Any bytes as each file that a log is made of. The first byte chooses which. Small files that decode also encode, to
// what decodes to the same; a segment with any contents is recovered, and recovered again to the same log.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "log/checkpoint_file.h"
#include "log/directory_contents.h"
#include "log/leader_epochs.h"
#include "log/log.h"
#include "log/producer_states.h"
#include "record/batch.h"
#include "sim/machine/disk.h"
#include "sim/machine/scheduler.h"

namespace mq::log {
namespace {

constexpr const char* kDirectory = "/data/t-0";

void as_snapshot(BytesView bytes) {
  const auto states = ProducerStates::decode_snapshot(bytes);
  if (!states) return;
  const auto again = ProducerStates::decode_snapshot(states->encode_snapshot());
  MQ_ASSERT(again.has_value() && *again == *states);
}

void as_window(BytesView bytes) {
  auto states = ProducerStates::decode_snapshot(ProducerStates().encode_snapshot()).value();
  record::BatchHeader header{.batch_length = 49, .producer_id = ProducerId{1}, .producer_epoch = ProducerEpoch{0}};
  states.apply(header, 0);
  if (!states.add_window(bytes)) return;
  MQ_ASSERT(states.add_window(states.encode_window()).has_value());
}

void as_epochs(BytesView bytes) {
  const auto epochs = LeaderEpochs::decode(bytes);
  if (!epochs) return;
  const auto again = LeaderEpochs::decode(epochs->encode());
  MQ_ASSERT(again.has_value() && again->entries() == epochs->entries());
}

void as_checkpoint(BytesView bytes) {
  const auto lines = decode_checkpoint(bytes);
  if (!lines) return;
  const std::string text = encode_checkpoint(*lines);
  const auto again = decode_checkpoint(text);
  MQ_ASSERT(again.has_value() && *again == *lines);
}

class Machine {
 public:
  Machine() { MQ_ASSERT(disk_.make_directories(kDirectory).has_value()); }

  void put(const std::string& path, BytesView contents) {
    auto file = disk_.open(path, env::OpenMode::create).value();
    MQ_ASSERT(file->write_at(0, contents).has_value() && file->truncate(contents.size()).has_value());
  }
  Result<std::unique_ptr<Log>> open(const OpenContext& context, RecoveryReport& report) {
    auto config = std::make_shared<LogConfig>();
    config->index_interval_bytes = 64;
    return Log::open(disk_, kDirectory, {"t", 0}, std::move(config), context, report);
  }
  [[nodiscard]] sim::Disk& disk() { return disk_; }

 private:
  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
};

/// Sets length and CRC of what stands where batches would, or recovery would see nothing but its first step.
std::string mended(BytesView bytes) {
  std::string segment(bytes);
  constexpr std::size_t kCrcAt = 17;
  constexpr std::size_t kAttributesAt = 21;
  for (std::size_t at = 0; at + record::kBatchHeaderBytes <= segment.size();) {
    const auto size = record::kBatchHeaderBytes + static_cast<std::uint8_t>(segment[at + 11]);
    if (at + size > segment.size()) break;
    store_be(segment.data() + at + 8, static_cast<std::int32_t>(size - record::kBatchLengthStart));
    store_be(segment.data() + at + kCrcAt, crc32c(BytesView(segment).substr(at + kAttributesAt, size - kAttributesAt)));
    at += size;
  }
  return segment;
}

/// Nothing that a file holds is served unchecked, and what recovery makes of it stays.
void as_segment(BytesView bytes, const OpenContext& context) {
  Machine machine;
  machine.put(std::string(kDirectory) + "/" + segment_file_name(Offset{0}, "log"), bytes);
  RecoveryReport first_report;
  auto first = machine.open(context, first_report);
  if (!first) return;
  const Offset end = (*first)->log_end();
  for (Offset at = (*first)->log_start(); at < end;) {
    auto range = (*first)->read(at, 1 << 20, end, true);
    if (!range || range->empty()) break;
    const VerifyOutcome outcome = verify(*range);
    if (outcome.good_bytes == 0) break;
    range->size = outcome.good_bytes;
    const std::string served = read_bytes(*range).value();
    record::BatchReader batches(served);
    while (true) {
      const auto batch = batches.next();
      MQ_ASSERT(batch.has_value());
      if (!*batch) break;
      MQ_ASSERT(record::crc_ok(**batch) && (*batch)->header().next_offset() <= end);
      at = (*batch)->header().next_offset();
    }
    MQ_ASSERT(batches.rest().empty());
  }
  static_cast<void>((*first)->producers(0));
  first->reset();
  RecoveryReport report;
  const auto again = machine.open(context, report);
  MQ_ASSERT(again.has_value() && (*again)->log_end() == end && report.bytes_cut == 0);
}

}  // namespace
}  // namespace mq::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mq::log;
  constexpr std::size_t kChoiceBytes = 2;
  if (size < kChoiceBytes) return 0;
  const mq::BytesView rest(reinterpret_cast<const char*>(data) + kChoiceBytes, size - kChoiceBytes);
  OpenContext context;
  if ((data[1] & 1) != 0) context.synced_end = mq::Offset{data[1] >> 1};
  switch (data[0] % 7) {
    case 0:
      as_snapshot(rest);
      break;
    case 1:
      as_window(rest);
      break;
    case 2:
      as_epochs(rest);
      break;
    case 3:
      as_checkpoint(rest);
      break;
    case 4:
      static_cast<void>(decode_partition_metadata(rest));
      static_cast<void>(decode_gaps_end(rest));
      break;
    case 5:
      as_segment(rest, context);
      break;
    default:
      as_segment(mended(rest), context);
  }
  return 0;
}
