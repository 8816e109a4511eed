#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

/// `mq-synced-ends`: for each partition the offset below which its log is known to be on disk. Recovery tells a torn
/// tail from rot with it. One slot of 32 bytes for each partition, overwritten in place and never across a sector:
/// topic id (16), partition (4), offset (8), CRC-32C of these (4), big-endian, after a header of 32 bytes. A slot whose
/// CRC is wrong is as if it were not there. One slot, under the topic id zero and partition -1, which a reader that
/// does not know it takes for free, holds the revision of `metadata.db` that is known to be on disk. Not thread-safe:
/// LogDir guards it.
class SyncedEnds {
 public:
  static constexpr std::size_t kSlotBytes = 32;

  /// Reads the file, if there is one. unsupported: a version that we do not know.
  [[nodiscard]] static Result<std::unique_ptr<SyncedEnds>> open(env::Files& files, const std::string& path);
  /// Makes the file when it is missing, before the first use of `file`. Its header is synced, its name is not.
  [[nodiscard]] Result<void> make_file(env::Files& files, const std::string& path);

  [[nodiscard]] std::optional<Offset> get(const Uuid& topic_id, PartitionId partition) const;
  void set(const Uuid& topic_id, PartitionId partition, Offset end);
  /// The slot becomes free.
  void forget(const Uuid& topic_id, PartitionId partition);
  /// All partitions that have a slot, in no order.
  [[nodiscard]] std::vector<std::pair<Uuid, PartitionId>> partitions() const;

  [[nodiscard]] std::optional<std::int64_t> metadata_revision() const;
  void set_metadata_revision(std::int64_t revision);

  /// Bytes to be written, taken out of here so that no lock is held while writing.
  struct Write {
    std::uint64_t position = 0;
    std::string bytes;
  };
  [[nodiscard]] std::vector<Write> take_changes();
  /// It could not be written: the next `take_changes` has it, as it is by then.
  void put_back(const Write& write);
  [[nodiscard]] env::File& file() { return *file_; }

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
  struct Slot {
    Key key;
    Offset end{-1};
    bool used = false;
    bool changed = false;
  };

  std::unique_ptr<env::File> file_;
  std::vector<Slot> slots_;
  std::unordered_map<Key, std::uint32_t, KeyHash> places_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> changed_;
};

}  // namespace mq::log
