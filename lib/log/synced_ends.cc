#include "log/synced_ends.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/cursor.h"

namespace mq::log {
namespace {

constexpr std::string_view kHeader = "mq synced ends, version 1       ";
static_assert(kHeader.size() == SyncedEnds::kSlotBytes);
constexpr std::size_t kCrcAt = 28;

/// Where the slot of the metadata store is found.
constexpr PartitionId kMetadataPartition{-1};
bool is_of_metadata(const Uuid& topic_id, PartitionId partition) {
  return topic_id.is_zero() && partition == kMetadataPartition;
}

std::string encode_slot(const Uuid& topic_id, PartitionId partition, Offset end) {
  std::string slot(reinterpret_cast<const char*>(topic_id.bytes.data()), topic_id.bytes.size());
  Writer w(slot);
  w.be(partition.value());
  w.be(end.value());
  w.be(crc32c(slot));
  return slot;
}

}  // namespace

Result<std::unique_ptr<SyncedEnds>> SyncedEnds::open(env::Files& files, const std::string& path) {
  auto ends = std::make_unique<SyncedEnds>();
  auto file = files.open(path, env::OpenMode::read_write);
  if (!file && file.error().code == Errc::not_found) return ends;
  if (!file) return fail(std::move(file).error());
  ends->file_ = *std::move(file);
  MQ_TRY(const std::string bytes, env::read_whole(files, path));
  if (bytes.size() < kHeader.size()) {
    ends->file_.reset();  // made, and then the power went
    return ends;
  }
  if (!bytes.starts_with(kHeader)) return fail(Errc::unsupported, "{}: not a file of synced ends that we know", path);
  for (std::size_t at = kSlotBytes; at + kSlotBytes <= bytes.size(); at += kSlotBytes) {
    const BytesView slot = BytesView(bytes).substr(at, kSlotBytes);
    const auto index = static_cast<std::uint32_t>(ends->slots_.size());
    Slot& read = ends->slots_.emplace_back();
    Reader r(slot);
    std::ranges::copy(r.take(read.key.topic_id.bytes.size()), reinterpret_cast<char*>(read.key.topic_id.bytes.data()));
    read.key.partition = PartitionId{r.be<std::int32_t>()};
    read.end = Offset{r.be<std::int64_t>()};
    const bool is_whole = r.be<std::uint32_t>() == crc32c(slot.substr(0, kCrcAt)) && read.end >= Offset{0};
    const bool has_meaning = !read.key.topic_id.is_zero() || is_of_metadata(read.key.topic_id, read.key.partition);
    read.used = is_whole && has_meaning && ends->places_.emplace(read.key, index).second;
    if (!read.used) ends->free_.push_back(index);
  }
  return ends;
}

Result<void> SyncedEnds::make_file(env::Files& files, const std::string& path) {
  if (file_) return {};
  MQ_TRY(file_, files.open(path, env::OpenMode::create));
  MQ_CHECK(file_->write_at(0, kHeader));
  return file_->sync();  // a slot without a header would be somebody else's file
}

std::optional<Offset> SyncedEnds::get(const Uuid& topic_id, PartitionId partition) const {
  const auto place = places_.find({topic_id, partition});
  if (place == places_.end()) return std::nullopt;
  return slots_[place->second].end;
}

void SyncedEnds::set(const Uuid& topic_id, PartitionId partition, Offset end) {
  const auto [place, is_new] = places_.try_emplace({topic_id, partition}, 0);
  if (is_new) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    place->second = free_.back();
    free_.pop_back();
    slots_[place->second].key = place->first;
    slots_[place->second].used = true;
    slots_[place->second].end = Offset{-1};
  }
  Slot& slot = slots_[place->second];
  if (slot.end == end) return;
  slot.end = end;
  if (!slot.changed) changed_.push_back(place->second);
  slot.changed = true;
}

void SyncedEnds::forget(const Uuid& topic_id, PartitionId partition) {
  const auto place = places_.find({topic_id, partition});
  if (place == places_.end()) return;
  Slot& slot = slots_[place->second];
  slot.used = false;
  if (!slot.changed) changed_.push_back(place->second);
  slot.changed = true;
  free_.push_back(place->second);
  places_.erase(place);
}

std::vector<std::pair<Uuid, PartitionId>> SyncedEnds::partitions() const {
  std::vector<std::pair<Uuid, PartitionId>> found;
  for (const auto& [key, place] : places_)
    if (!is_of_metadata(key.topic_id, key.partition)) found.emplace_back(key.topic_id, key.partition);
  return found;
}

std::optional<std::int64_t> SyncedEnds::metadata_revision() const {
  const auto known = get(Uuid{}, kMetadataPartition);
  return known ? std::optional(known->value()) : std::nullopt;
}

void SyncedEnds::set_metadata_revision(std::int64_t revision) { set(Uuid{}, kMetadataPartition, Offset{revision}); }

std::vector<SyncedEnds::Write> SyncedEnds::take_changes() {
  std::ranges::sort(changed_);
  std::vector<Write> writes;
  for (const std::uint32_t index : changed_) {
    Slot& slot = slots_[index];
    slot.changed = false;
    const std::uint64_t position = (std::uint64_t{index} + 1) * kSlotBytes;
    // Neighbours go in one write.
    if (writes.empty() || writes.back().position + writes.back().bytes.size() != position)
      writes.push_back({position, {}});
    writes.back().bytes +=
        slot.used ? encode_slot(slot.key.topic_id, slot.key.partition, slot.end) : std::string(kSlotBytes, '\0');
  }
  changed_.clear();
  return writes;
}

void SyncedEnds::put_back(const Write& write) {
  const std::uint64_t first = write.position / kSlotBytes - 1;
  for (std::uint64_t index = first; index < first + write.bytes.size() / kSlotBytes; ++index) {
    Slot& slot = slots_[index];
    if (!slot.changed) changed_.push_back(static_cast<std::uint32_t>(index));
    slot.changed = true;
  }
}

}  // namespace mq::log
