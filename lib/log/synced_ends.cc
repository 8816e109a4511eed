#include "log/synced_ends.h"

#include <algorithm>
#include <functional>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/mark.h"

namespace mq::log {
namespace {

// The file, in lines of 32 bytes: a header, then slots. Each line ends in the CRC-32C of what stands before it.
//
// What a power cut may do, and why it does no harm:
//  - A line is never written across a sector, so it is as before or as it was written.
//  - A new slot is on disk before the header counts it. One that is not counted yet may say something or be garbage.
//  - A free slot is not empty: it has a CRC, too. So every counted line must be right, and one that is not is damage.
//  - The file as a whole, the first time and out of format 1, is written under another name and renamed.

constexpr std::string_view kFirstFormatHeader = "mq synced ends, version 1       ";
static_assert(kFirstFormatHeader.size() == SyncedEnds::kSlotBytes);
constexpr std::string_view kSlotsMagic = "mq synced ends, v 2 ";
constexpr std::size_t kLineCrcAt = SyncedEnds::kSlotBytes - sizeof(std::uint32_t);
static_assert(kSlotsMagic.size() + sizeof(std::uint32_t) + sizeof(std::uint32_t) == kLineCrcAt);
constexpr std::uint32_t kSettledFlag = 1;

/// With the header one page; the file grows by whole pages, so that growing is rare.
constexpr std::size_t kSlotsPerPage = 4096 / SyncedEnds::kSlotBytes;

constexpr std::int32_t kPartitionsEnd = 1 << 24;  // three bytes

/// Ends a line with its CRC.
std::string sealed(std::string line) {
  MQ_ASSERT(line.size() == kLineCrcAt);
  const std::uint32_t crc = crc32c(line);
  Writer(line).be(crc);
  return line;
}

bool has_right_crc(BytesView line) {
  return load_be<std::uint32_t>(line.data() + kLineCrcAt) == crc32c(line.substr(0, kLineCrcAt));
}

std::string bytes_of(const Uuid& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

Uuid take_id(Reader& from) {
  Uuid id;
  std::ranges::copy(from.take(id.bytes.size()), reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

}  // namespace

// --- The form of a line ----------------------------------------------------------------------------------------------

std::string SyncedEnds::encode(const Slot& slot) const {
  const bool is_of_log = slot.use == Use::ack || slot.use == Use::async;
  const Uuid of_metadata{slot.use == Use::metadata ? metadata_write_id_ : Uuid{}.bytes};
  std::string line = bytes_of(is_of_log ? slot.key.topic_id : of_metadata);
  const std::int32_t partition = is_of_log ? slot.key.partition.value() : 0;
  MQ_ASSERT(partition >= 0 && partition < kPartitionsEnd);
  Writer w(line);
  w.be((static_cast<std::uint32_t>(slot.use) << 24) | static_cast<std::uint32_t>(partition));
  w.be(slot.use == Use::free ? std::int64_t{0} : slot.number);
  return sealed(std::move(line));
}

std::optional<SyncedEnds::Slot> SyncedEnds::decode(BytesView line) {
  if (!has_right_crc(line)) return std::nullopt;
  Slot slot;
  Reader r(line);
  slot.key.topic_id = take_id(r);
  const auto use_and_partition = r.be<std::uint32_t>();
  slot.key.partition = PartitionId{static_cast<std::int32_t>(use_and_partition & (kPartitionsEnd - 1))};
  slot.number = r.be<std::int64_t>();
  slot.use = static_cast<Use>(use_and_partition >> 24);
  switch (slot.use) {  // a use that a later version may have given a meaning is none that we know
    case Use::free:
      return Slot{};
    case Use::metadata:  // in place of a topic id it has a write id
      slot.key.partition = kMetadata.partition;
      break;
    case Use::ack:
    case Use::async:
      if (slot.key.topic_id.is_zero()) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }
  return slot.number >= 0 ? std::optional(slot) : std::nullopt;
}

std::string SyncedEnds::encode_header() const {
  std::string line(kSlotsMagic);
  Writer w(line);
  w.be(is_settled_ ? kSettledFlag : 0);
  w.be(counted_);
  return sealed(std::move(line));
}

// --- Reading ---------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<SyncedEnds>> SyncedEnds::open(env::Files& files, std::string path) {
  auto ends = std::unique_ptr<SyncedEnds>(new SyncedEnds(std::move(path)));
  auto file = files.open(ends->path_, env::OpenMode::read_write);
  if (!file && file.error().code == Errc::not_found) return ends;
  if (!file) return fail(std::move(file).error());
  MQ_TRY(const std::string bytes, env::read_whole(files, ends->path_));
  MQ_TRY(ends->state_, ends->read(bytes));
  // What is not as we write it is written anew.
  if (ends->counted_ > 0) ends->file_ = *std::move(file);
  return ends;
}

Result<SlotsState> SyncedEnds::read(BytesView bytes) {
  if (bytes.starts_with(kFirstFormatHeader)) {
    read_first_format(bytes);
    return SlotsState::unsettled;
  }
  std::uint32_t counted = 0;
  if (bytes.size() >= kSlotBytes && has_right_crc(bytes.substr(0, kSlotBytes))) {
    if (!bytes.starts_with(kSlotsMagic))
      return fail(Errc::unsupported, "{}: not a file of synced ends that we know", path_);
    Reader r(bytes.substr(kSlotsMagic.size()));
    is_settled_ = (r.be<std::uint32_t>() & kSettledFlag) != 0;
    counted = r.be<std::uint32_t>();
  }
  const bool is_right = read_slots(bytes, counted) && counted > 0;
  if (!is_right) return SlotsState::damaged;
  counted_ = counted;
  return is_settled_ ? SlotsState::whole : SlotsState::unsettled;
}

bool SyncedEnds::read_slots(BytesView bytes, std::uint32_t counted) {
  bool is_right = true;
  for (std::size_t at = kSlotBytes; at + kSlotBytes <= bytes.size(); at += kSlotBytes) {
    const auto slot = decode(bytes.substr(at, kSlotBytes));
    if (take(slot.value_or(Slot{})) && slot) continue;
    is_right = is_right && slot_count() > counted;
    MQ_MARK("log: a slot of synced ends that nobody counts is garbage");
    mark(slot_count());
  }
  return is_right && slot_count() >= counted;
}

/// A slot is a topic id, a partition (-1 of topic id zero: the metadata's), a number and the CRC.
void SyncedEnds::read_first_format(BytesView bytes) {
  for (std::size_t at = kSlotBytes; at + kSlotBytes <= bytes.size(); at += kSlotBytes) {
    const BytesView line = bytes.substr(at, kSlotBytes);
    Reader r(line);
    Slot slot{.key = {.topic_id = take_id(r), .partition = PartitionId{r.be<std::int32_t>()}}};
    slot.number = r.be<std::int64_t>();
    const bool is_of_log = !slot.key.topic_id.is_zero() && slot.key.partition >= PartitionId{0} &&
                           slot.key.partition < PartitionId{kPartitionsEnd};
    if (has_right_crc(line) && slot.number >= 0 && is_of_log) slot.use = Use::async;
    if (has_right_crc(line) && slot.number >= 0 && slot.key == kMetadata) slot.use = Use::metadata;
    (void)take(slot);
  }
}

bool SyncedEnds::take(Slot slot) {
  if (slot.use == Use::metadata) {
    if (!places_.contains(kMetadata)) metadata_write_id_ = slot.key.topic_id.bytes;
    slot.key = kMetadata;
  }
  const auto place = static_cast<Place>(lines_.size());
  const bool is_second = slot.use != Use::free && !places_.emplace(slot.key, place).second;
  if (is_second) slot = {};
  if (slot.use == Use::free) free_.push_back(place);
  lines_.push_back(slot);
  return !is_second;
}

Result<void> SyncedEnds::make_file(env::Files& files, bool is_new) {
  if (file_) return {};
  is_settled_ = is_new && state_ == SlotsState::missing;
  add_free_slots((lines_.size() + kSlotsPerPage - 1) / kSlotsPerPage * kSlotsPerPage);
  counted_ = slot_count();
  std::string bytes;
  for (Place place = kHeaderPlace; place < lines_.size(); ++place) bytes += encode_at(place);
  MQ_CHECK(env::replace_atomically(files, path_, bytes));
  MQ_TRY(file_, files.open(path_, env::OpenMode::read_write));
  (void)take_changes();  // it has them
  check_invariants();
  return {};
}

void SyncedEnds::distrust_pages() {
  for (Place place = kHeaderPlace; place < lines_.size(); ++place) mark(place);
}

// --- What is said ----------------------------------------------------------------------------------------------------

std::optional<SyncedEnd> SyncedEnds::get(const Uuid& topic_id, PartitionId partition) const {
  const auto found = places_.find({topic_id, partition});
  if (found == places_.end()) return std::nullopt;
  const Slot& slot = lines_[found->second];
  return SyncedEnd{.end = Offset{slot.number},
                   .flush_class = slot.use == Use::ack ? FlushClass::ack : FlushClass::async};
}

void SyncedEnds::set(const Uuid& topic_id, PartitionId partition, SyncedEnd to) {
  set({topic_id, partition}, to.flush_class == FlushClass::ack ? Use::ack : Use::async, to.end.value());
}

void SyncedEnds::forget(const Uuid& topic_id, PartitionId partition) {
  const auto found = places_.find({topic_id, partition});
  if (found == places_.end()) return;
  MQ_MARK("log: a slot of synced ends is free again");
  lines_[found->second].use = Use::free;  // what else it says is written as zeros
  mark(found->second);
  free_.push_back(found->second);
  places_.erase(found);
  check_invariants();
}

std::vector<std::pair<Uuid, PartitionId>> SyncedEnds::partitions() const {
  std::vector<std::pair<Uuid, PartitionId>> found;
  for (const auto& [key, place] : places_)
    if (key != kMetadata) found.emplace_back(key.topic_id, key.partition);
  return found;
}

std::optional<MetadataMark> SyncedEnds::metadata_mark() const {
  const auto found = places_.find(kMetadata);
  if (found == places_.end()) return std::nullopt;
  return MetadataMark{.revision = lines_[found->second].number, .write_id = metadata_write_id_};
}

void SyncedEnds::set_metadata_mark(const MetadataMark& mark) {
  set(kMetadata, Use::metadata, mark.revision);
  if (std::exchange(metadata_write_id_, mark.write_id) != mark.write_id) this->mark(places_.at(kMetadata));
}

void SyncedEnds::settle() {
  if (std::exchange(is_settled_, true)) return;
  mark(kHeaderPlace);
}

void SyncedEnds::count(std::uint32_t slots) {
  if (slots <= counted_) return;
  counted_ = slots;
  mark(kHeaderPlace);
  check_invariants();
}

void SyncedEnds::set(const Key& key, Use use, std::int64_t number) {
  const auto found = places_.find(key);
  const Place place = found != places_.end() ? found->second : free_place();
  Slot& slot = lines_[place];
  if (found != places_.end() && slot.use == use && slot.number == number) return;
  places_[key] = place;
  slot.key = key;
  slot.use = use;
  slot.number = number;
  mark(place);
  check_invariants();
}

SyncedEnds::Place SyncedEnds::free_place() {
  if (free_.empty()) add_free_slots(lines_.size() + kSlotsPerPage);
  const Place place = free_.back();
  free_.pop_back();
  return place;
}

void SyncedEnds::add_free_slots(std::size_t up_to) {
  while (lines_.size() < up_to) {
    (void)take(Slot{});
    mark(slot_count());
  }
  std::ranges::sort(free_, std::greater{});  // the lowest are used first
}

void SyncedEnds::check_invariants() const {
  // A file that the header counts more of than there is would be damaged.
  MQ_ASSERT(counted_ <= slot_count());
  // A slot is somebody's or free.
  MQ_ASSERT(places_.size() + free_.size() == slot_count());
  // What is to be written is there.
  MQ_ASSERT(changed_.size() <= lines_.size());
}

// --- Writing ---------------------------------------------------------------------------------------------------------

void SyncedEnds::mark(Place place) {
  if (!std::exchange(lines_[place].is_changed, true)) changed_.push_back(place);
}

std::vector<SyncedEnds::Write> SyncedEnds::take_changes() {
  std::ranges::sort(changed_);
  std::vector<Write> writes;
  for (const Place place : changed_) {
    lines_[place].is_changed = false;
    const std::uint64_t position = std::uint64_t{place} * kSlotBytes;
    // Neighbours go in one write.
    if (writes.empty() || writes.back().position + writes.back().bytes.size() != position)
      writes.push_back({position, {}});
    writes.back().bytes += encode_at(place);
  }
  changed_.clear();
  return writes;
}

void SyncedEnds::put_back(const Write& write) {
  const std::uint64_t first = write.position / kSlotBytes;
  MQ_MARK("log: slots of synced ends wait since they could not be written");
  for (std::uint64_t place = first; place < first + write.bytes.size() / kSlotBytes; ++place)
    mark(static_cast<Place>(place));
}

}  // namespace mq::log
