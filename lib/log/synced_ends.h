#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "env/files.h"
#include "model/flush_class.h"
#include "model/ids.h"

namespace mq::log {

/// What the slot of a log says.
struct SyncedEnd {
  Offset end{0};  ///< everything below it is on disk
  /// `ack`: nothing of this log counts as acknowledged before it is on disk. `async`: a power cut may take some of it.
  FlushClass flush_class = FlushClass::async;
  friend bool operator==(const SyncedEnd&, const SyncedEnd&) = default;
};

/// A moment of the metadata store.
struct MetadataMark {
  std::int64_t revision = 0;
  std::array<std::uint8_t, 16> write_id{};  ///< of the transaction that made it; zero: not known
  friend bool operator==(const MetadataMark&, const MetadataMark&) = default;
};

/// What it means that a log has no slot. Only in a `whole` file it was never made in this directory; with any other,
/// whoever finds neither slot nor directory must take the log for lost.
enum class SlotsState : std::uint8_t {
  whole,
  missing,    ///< there was no file
  damaged,    ///< it was short, or its header or a slot was not as it had been written
  unsettled,  ///< it is of format 1, or was begun anew in a directory with logs, and was not settled since
};

/// `mq-synced-ends`: one slot of 32 bytes for each log of the directory. Recovery tells a torn tail from rot with it,
/// and a start tells a log that is lost from one that was not made yet. Slots are overwritten in place, never across a
/// sector; the header counts those that are on disk. One slot holds the moment of the metadata store that is known to
/// be on disk. docs/formats.md has the layout. Not thread-safe: LogDir guards it.
class SyncedEnds {
 public:
  static constexpr std::size_t kSlotBytes = 32;

  /// Reads the file, if there is one. unsupported: a format that we do not know; damage is no error, see `state`.
  [[nodiscard]] static Result<std::unique_ptr<SyncedEnds>> open(env::Files& files, std::string path);
  /// As the file was found.
  [[nodiscard]] SlotsState state() const { return state_; }
  /// Before the first use of `file`: where that is not a whole file of format 2, makes it one of all that could be
  /// read, durably. `is_new`: no log was ever made in this directory, so that it is settled at once.
  [[nodiscard]] Result<void> make_file(env::Files& files, bool is_new);
  /// The last stop was not clean, so that a sync of the file may have failed: what was read of it may be in memory and
  /// never come to the disk, since no later sync takes it for changed. All of it is to be written again.
  void distrust_pages();
  /// Every log of this directory has its slot: once this is written, the file is `whole` for the next `open`.
  void settle();

  [[nodiscard]] std::optional<SyncedEnd> get(const Uuid& topic_id, PartitionId partition) const;
  void set(const Uuid& topic_id, PartitionId partition, SyncedEnd to);
  /// The slot becomes free.
  void forget(const Uuid& topic_id, PartitionId partition);
  /// All partitions that have a slot, in no order.
  [[nodiscard]] std::vector<std::pair<Uuid, PartitionId>> partitions() const;

  /// What is remembered of the metadata store.
  [[nodiscard]] std::optional<MetadataMark> metadata_mark() const;
  void set_metadata_mark(const MetadataMark& mark);

  /// Bytes to be written, taken out of here so that no lock is held while writing.
  struct Write {
    std::uint64_t position = 0;
    std::string bytes;
  };
  [[nodiscard]] std::vector<Write> take_changes();
  /// It could not be written: the next `take_changes` has it, as it is by then.
  void put_back(const Write& write);
  /// How many slots there are once all changes are written, used or free.
  [[nodiscard]] std::uint32_t slot_count() const { return static_cast<std::uint32_t>(lines_.size()) - 1; }
  /// So many slots are on disk: a header that is written from now on says that they must be there.
  void count(std::uint32_t slots);
  /// Once `make_file` has made sure of it.
  [[nodiscard]] env::File& file() {
    MQ_ASSERT(file_ != nullptr);
    return *file_;
  }

  void check_invariants() const;

 private:
  struct Key {
    Uuid topic_id;
    PartitionId partition;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<Uuid>{}(key.topic_id) ^
             (static_cast<std::size_t>(key.partition.value()) * 0x9e3779b97f4a7c15ULL);
    }
  };
  /// What stands in a slot; the numbers are the file's.
  enum class Use : std::uint8_t { free = 0, ack = 1, async = 2, metadata = 3 };
  struct Slot {
    Key key;
    Use use = Use::free;
    std::int64_t number = 0;  ///< an end, or a revision
    bool is_changed = false;
  };
  /// In the file, in lines of a slot's size from its beginning.
  using Place = std::uint32_t;
  static constexpr Place kHeaderPlace = 0;
  static constexpr Key kMetadata{{}, PartitionId{-1}};

  explicit SyncedEnds(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<SlotsState> read(BytesView bytes);
  /// False: one that the header counts is not as it was written, or is not there.
  [[nodiscard]] bool read_slots(BytesView bytes, std::uint32_t counted);
  void read_first_format(BytesView bytes);
  /// Adds what the file says as the next slot; free, when a slot before it has its key. False: it was made free.
  bool take(Slot slot);
  void set(const Key& key, Use use, std::int64_t number);
  [[nodiscard]] Place free_place();
  void add_free_slots(std::size_t up_to);
  void mark(Place place);

  [[nodiscard]] static std::optional<Slot> decode(BytesView line);
  [[nodiscard]] std::string encode(const Slot& slot) const;
  [[nodiscard]] std::string encode_header() const;
  [[nodiscard]] std::string encode_at(Place place) const {
    return place == kHeaderPlace ? encode_header() : encode(lines_[place]);
  }

  std::string path_;
  std::unique_ptr<env::File> file_;
  SlotsState state_ = SlotsState::missing;
  bool is_settled_ = false;
  std::uint32_t counted_ = 0;
  std::array<std::uint8_t, 16> metadata_write_id_{};  ///< of the metadata's slot
  std::vector<Slot> lines_ = std::vector<Slot>(1);    // by place; the first stands for the header
  std::unordered_map<Key, Place, KeyHash> places_;
  std::vector<Place> free_;
  std::vector<Place> changed_;
};

}  // namespace mq::log
