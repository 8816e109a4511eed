#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/checkpoint_file.h"
#include "log/log.h"
#include "log/synced_ends.h"
#include "model/flush_class.h"
#include "model/ids.h"

namespace mq::log {

/// `meta.properties`: whose data this is.
struct DirIdentity {
  BrokerId node;
  std::string cluster_id;    ///< 22 characters of base64, as Kafka's
  std::string directory_id;  ///< the same
  std::string store = {};    ///< of the cluster that it is a member of; empty: it has its own
  /// One for each incarnation that has registered in that store, or was about to, from the one on that was known to
  /// stand there; the newest is the last. Of letters, digits and `-_`.
  std::vector<std::string> nonces = {};
  std::vector<std::string> accepted = {};  ///< the acceptances of a store that it has followed, likewise
};

/// One data directory: who may use it, how its last stop went, and the few small files that speak for all its logs. The
/// files named as in Kafka are Kafka's, byte for byte: `meta.properties`, `.lock`, `.kafka_cleanshutdown`,
/// `recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`, `replication-offset-checkpoint`,
/// `cleaner-offset-checkpoint`; `mq-synced-ends` and `mq-log-bytes` are ours.
///
/// Shared by all shards: every method is safe from every thread. What says "pool" may block on the disk.
class LogDir {
 public:
  /// Locks and reads the directory, making it when missing. refused: another process has it. A damaged checkpoint
  /// counts as missing and is told in `notes`; damaged meta.properties is corrupt, since it says whose data this is.
  [[nodiscard]] static Result<std::unique_ptr<LogDir>> open(env::Files& files, std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// Nothing: a new directory, to be given one with `set_identity`.
  [[nodiscard]] const std::optional<DirIdentity>& identity() const { return identity_; }
  /// Pool. Written durably.
  [[nodiscard]] Result<void> set_identity(const DirIdentity& identity);

  // --- Stops --------------------------------------------------------------------------------------------------------
  /// The last stop was clean; stays so after `begin_writing`.
  [[nodiscard]] bool was_clean() const { return was_clean_; }
  /// Pool. Takes the clean marker away, durably: before the first write of any kind after a start (D-5). After an
  /// unclean stop it makes durable whatever the dead process left, so that recovery need not ask file by file.
  [[nodiscard]] Result<void> begin_writing();
  /// Pool. After every log was closed well: writes the checkpoints and synced ends, syncs them, then the clean marker.
  [[nodiscard]] Result<void> finish_clean();

  // --- Partitions ---------------------------------------------------------------------------------------------------
  /// Directories that are named `topic-partition`, sorted by name. All others are left alone; see `moved`.
  [[nodiscard]] Result<std::vector<TopicPartition>> partitions() const;
  /// Where a partition's log stands.
  [[nodiscard]] std::string directory_of(const TopicPartition& partition) const;
  /// What its log is opened with. `topic_id` zero: unknown, then there is no synced end.
  [[nodiscard]] OpenContext context_of(const TopicPartition& partition, const Uuid& topic_id,
                                       WallMillis wall_now) const;
  /// Pool. Renames a directory that metadata does not know to `topic-partition.UNIQUE-stray`, the topic shortened where
  /// the name would be longer than a name may be: kept, never removed by us. Durable after `sync_names`.
  [[nodiscard]] Result<std::string> set_aside(const TopicPartition& partition, std::string_view unique);
  /// Pool. Makes the names of all directories durable.
  [[nodiscard]] Result<void> sync_names() { return files_.sync_directory(path_); }
  /// Pool. Makes the directories that Log::create made durable, with their names, and what checkpoints said of earlier
  /// partitions of these names forgotten, durably: before metadata names the new ones.
  [[nodiscard]] Result<void> sync_new(std::span<const TopicPartition> partitions);
  struct Removal {
    std::vector<std::string> directories;  ///< their new names
    std::vector<Error> failures;           ///< of those that could not be renamed and stay as they are
  };
  /// Pool. Renames the directories of partitions of a deleted topic to `topic-partition.UNIQUE-delete`, the topic
  /// shortened as in `set_aside`, durably, and forgets the partitions. What is not there is passed over; what a
  /// full disk has no room to rename is removed; one that cannot be renamed keeps none of the others. The logs must be
  /// destroyed, ranges of them may live on. Only for what metadata has a tombstone for, or never named, or what other
  /// brokers keep now.
  [[nodiscard]] Result<Removal> begin_removal(std::span<const TopicPartition> partitions, const Uuid& topic_id,
                                              std::string_view unique);
  /// Pool. Removes what `begin_removal` named, here or before the last stop, or what `set_aside` did if it holds no
  /// record (see `moved`): regular files of that one directory only.
  [[nodiscard]] Result<void> remove_directory(const std::string& name);
  struct Moved {
    std::vector<std::string> removals;  ///< named by `begin_removal`
    std::vector<std::string> strays;    ///< named by `set_aside`
  };
  /// Those of them that are there.
  [[nodiscard]] Result<Moved> moved() const;

  // --- What speaks for all logs -------------------------------------------------------------------------------------
  /// All of the directory, for Log::close_all and its like.
  [[nodiscard]] env::Tree& tree() { return *tree_; }
  /// Every log that was ever made here, and is not removed, has its slot: one without was not made yet. Told of the
  /// directory as it was opened; false also where the file of slots is missing or damaged (see `notes`).
  [[nodiscard]] bool are_slots_whole() const;
  /// Pool. Every log of this directory has its slot by now, also those of a file that proved nothing: the next start
  /// finds them whole.
  [[nodiscard]] Result<void> settle_slots();
  /// The log is on disk up to `end` (Log::disk_end). Written with the next `write_synced_ends`.
  void note_synced(const Uuid& topic_id, PartitionId partition, Offset end);
  /// What the log's slot says from the next write on; its end stays (0: there was no slot). `ack`: only once all is
  /// durable that the log held when it came to be of this class. `async`: `sync_synced_ends` must have returned before
  /// a byte counts as acknowledged that is not on disk.
  void note_class(const Uuid& topic_id, PartitionId partition, FlushClass flush_class);
  /// What is known of a log, as it was read or noted since. Nothing: it has no slot.
  [[nodiscard]] std::optional<SyncedEnd> slot_of(const Uuid& topic_id, PartitionId partition) const;
  /// Pool. Makes durable what the call before this one wrote, then writes what was noted since: each round's ends
  /// are on disk one round later, and never ahead of the data. Returns false when there was nothing to do.
  [[nodiscard]] Result<bool> write_synced_ends();
  /// Pool. Writes what was noted and makes nothing durable: it outlives the process, and waits for no sync. True:
  /// something that was written, now or before, is not durable yet.
  [[nodiscard]] Result<bool> write_noted();
  /// Pool. Writes what was noted, durably: one sync, and one more when the file has grown.
  [[nodiscard]] Result<void> sync_synced_ends();
  /// The partition is not ours any more.
  void forget_synced(const Uuid& topic_id, PartitionId partition);
  /// Partitions whose log was synced at some time and that were not removed since, in no order.
  [[nodiscard]] std::vector<std::pair<Uuid, PartitionId>> synced_partitions() const;
  /// The metadata store is durable up to this moment. Written as synced ends are, or by `write_noted`, so never ahead
  /// of the store: a store that does not reach what is remembered has gone back in time.
  void note_metadata(const MetadataMark& mark);
  /// What was remembered last. Nothing: no start has remembered any yet.
  [[nodiscard]] std::optional<MetadataMark> metadata_mark() const;
  /// Pool. Lowers what is told of a log that is to end at `end`, durably, before Log::truncate_to: synced end, recovery
  /// point and compacted end. Else recovery would take what was cut for lost.
  [[nodiscard]] Result<void> lower_ends(const TopicPartition& partition, const Uuid& topic_id, Offset end);
  /// Pool. The synced end alone.
  [[nodiscard]] Result<void> lower_synced_end(const Uuid& topic_id, PartitionId partition, Offset end);

  /// After `set_log_start`: it may be the new start, below which nothing is to be recovered.
  void set_recovery_point(const TopicPartition& partition, Offset offset);
  void set_compacted_end(const TopicPartition& partition, Offset offset);
  void set_high_watermark(const TopicPartition& partition, Offset offset);
  [[nodiscard]] std::optional<Offset> high_watermark(const TopicPartition& partition) const;
  /// Where the log begins, or will begin as soon as that is written. An earlier one than was said before is no news.
  void set_log_start(const TopicPartition& partition, Offset offset);
  /// At a stop: what the next start, if this stop is clean, must find of each log.
  void set_log_bytes(const TopicPartition& partition, std::uint64_t bytes);
  /// Pool. Writes those of the checkpoint files whose contents changed, atomically and durably. After `set_log_start`
  /// this is what DeleteRecords waits for; for the others every minute is enough.
  [[nodiscard]] Result<void> write_checkpoints();
  /// Pool. Those of the log starts only. Before files of retired segments are removed: a start that finds neither them
  /// nor that the log begins behind them takes them for lost.
  [[nodiscard]] Result<void> write_log_starts();
  /// Some that were set may not be on disk yet.
  [[nodiscard]] bool has_unwritten_starts() const;

  // --- Failure (D-1) ------------------------------------------------------------------------------------------------
  [[nodiscard]] bool is_offline() const { return offline_.load(std::memory_order_acquire); }
  /// For ever, for this process. The first reason stays.
  void go_offline(std::string reason);
  [[nodiscard]] std::string offline_reason() const;
  [[nodiscard]] Result<env::DiskSpace> space() const { return files_.space(path_); }

 private:
  static constexpr std::string_view kRemovalSuffix = "-delete";
  static constexpr std::string_view kStraySuffix = "-stray";
  /// The names of the directory and of what leads to it: whoever made them.
  Result<void> sync_ancestors();
  /// A directory of regular files, and them.
  Result<void> remove_files(const std::string& name);
  /// In the order in which they are written: a recovery point may be where the log begins since a moment ago, and is
  /// true only if it begins there. kLogBytes is ours, in Kafka's text: numbers of bytes in place of offsets.
  enum Checkpoint { kLogStart, kRecoveryPoint, kHighWatermark, kCompactedEnd, kLogBytes, kCheckpoints };

  LogDir(env::Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  Result<void> read_identity();
  Result<void> read_slots();
  Result<void> read_checkpoints();
  /// What the checkpoints say of one partition, each for itself.
  using Said = std::array<std::optional<Offset>, kCheckpoints>;
  void take(Checkpoint which, std::span<const CheckpointLine> lines);
  void set(Checkpoint which, const TopicPartition& partition, Offset offset);
  /// Makes durable what was written of the slots, which then count. False: nothing was. `writing_` is held.
  Result<bool> sync_slots();
  /// What the file is to hold; nothing: that has not changed. Counts as written from now on. `mutex_` is held.
  std::optional<std::string> take_changed(Checkpoint which);
  /// `writing_` is held.
  Result<void> write(Checkpoint which, BytesView text);
  /// Takes them out of the checkpoints; `mutex_` is held.
  void forget_checkpoints(std::span<const TopicPartition> partitions);
  /// Whether a checkpoint file may still name a forgotten partition.
  [[nodiscard]] bool has_unwritten_removals();
  /// `mutex_` is held.
  [[nodiscard]] Said said_of(const TopicPartition& partition) const;
  [[nodiscard]] std::optional<Offset> get(Checkpoint which, const TopicPartition& partition) const;
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

  env::Files& files_;
  std::string path_;
  std::unique_ptr<env::FileLock> lock_;
  std::unique_ptr<env::Tree> tree_;
  std::vector<std::string> notes_;
  std::optional<DirIdentity> identity_;
  bool was_clean_ = false;
  bool is_new_ = false;  ///< it had no identity when it was opened
  bool synced_at_start_ = false;
  std::atomic<bool> offline_{false};

  mutable std::mutex mutex_;  ///< guards what follows; never held during I/O
  std::string offline_reason_;
  std::map<TopicPartition, Said> checkpoints_;
  std::array<bool, kCheckpoints> changed_{};
  bool starts_on_their_way_ = false;  ///< are being written, and may fail to be
  bool removals_unwritten_ = false;   ///< the files still name partitions that were forgotten
  std::mutex writing_;                ///< one writer of checkpoints or synced ends at a time
  std::unique_ptr<SyncedEnds> synced_;
  std::mutex writing_slots_;         ///< of synced ends; never held while they are synced. Guards what follows
  bool synced_ends_dirty_ = false;   ///< written and not synced
  std::uint32_t slots_written_ = 0;  ///< so many of them are in the file, synced or not
};

}  // namespace mq::log
