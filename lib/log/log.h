#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/compaction.h"
#include "log/durability.h"
#include "log/file_range.h"
#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/log_jobs.h"
#include "log/open_context.h"
#include "log/open_files.h"
#include "log/producer_snapshots.h"
#include "log/producer_states.h"
#include "log/recovery_report.h"
#include "log/segment.h"
#include "log/segment_facts.h"
#include "log/segment_set.h"
#include "log/torn_tails.h"
#include "model/ids.h"
#include "record/batch.h"

namespace mq::log {

struct LogContents;

/// Where an append put a batch.
struct AppendInfo {
  Offset base_offset;  ///< of the original, when `duplicate`
  Offset end_offset;   ///< durable once `Log::synced_end()` has reached it (P-1: a duplicate waits for that too)
  WallMillis log_append_time =
      -1;                  ///< with log-append time; of a duplicate, as in Kafka, always the original's largest
  bool duplicate = false;  ///< nothing was written: this batch is there already
};

/// The log of one partition: its segments, indexes, leader epochs and producer states.
///
/// Not thread-safe: all calls on the shard of the partition, but for `close` (see there). What blocks for long is
/// handed out as a job that the caller runs on the pool and gives back. Ranges and jobs hold references to what they
/// need and stay valid whatever happens to the log meanwhile, also its destruction. Keeps a reference to `files`, which
/// must outlive it.
///
/// An idle log has no open file and takes about 1 KiB; indexes, epochs and producer states are read when first needed.
///
/// Errors: disk_full (nothing changed; the next append may succeed), disk_failed (final: the log refuses appends, the
/// caller takes the data directory offline), corrupt_batch (damage, named by file and position).
class Log {
 public:
  /// Makes the directory of a new partition with its `partition.metadata`, or takes over an empty one. Blocks: on the
  /// pool. Nothing is synced: LogDir::sync_new comes before anybody is told of the partition. already_exists: there are
  /// segments; conflict: the directory belongs to another topic id.
  [[nodiscard]] static Result<std::unique_ptr<Log>> create(env::Files& files, std::string directory,
                                                           TopicPartition partition, Uuid topic_id,
                                                           std::shared_ptr<const LogConfig> config,
                                                           Offset start = Offset{0});

  /// Opens the log in `directory`. After an unclean stop this recovers it, which may take long: on the pool then.
  /// Recovery sees to it that what the stop left unsynced is synced, drops it from the page cache, checks it, cuts a
  /// torn tail (kept beside as `*.cut`), never cuts below `synced_end`, and rebuilds what is derived. Doing it twice
  /// gives what once gives. It needs no space: without, a torn tail stays where it is until an append finds room to
  /// keep it, and what is derived stays in memory. `partition.metadata` is made anew where it is missing or damaged and
  /// the id is known. not_found: no such directory. corrupt, unsupported: something there is not understood; nothing
  /// was changed.
  [[nodiscard]] static Result<std::unique_ptr<Log>> open(env::Files& files, std::string directory,
                                                         TopicPartition partition,
                                                         std::shared_ptr<const LogConfig> config,
                                                         const OpenContext& context, RecoveryReport& report);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // --- Append -----------------------------------------------------------------------------------------------------

  /// Appends one batch in one step: producer check, offset, write, index, producer state; after an error none of these.
  /// `batch` is `header.size_bytes()` bytes that passed record::validate; base offset, leader epoch and, when the topic
  /// or `max_timestamp` says so, the timestamp are written into it. `epoch` is this leader's, at least the latest in
  /// the log. The bytes are in the page cache on return; `needs_sync` is true then. out_of_order_sequence,
  /// invalid_producer_epoch (P-1 ... P-5); disk_full; disk_failed; too_large: more than a segment.
  [[nodiscard]] Result<AppendInfo> append(char* batch, const record::BatchHeader& header, WallMillis max_timestamp,
                                          LeaderEpoch epoch, WallMillis wall_now);

  /// From now on small batches may wait in memory for others until `write_out`: one system call for many. Whatever
  /// else needs them in the file writes them out first.
  void gather_small_batches() { small_batches_ = Segment::Small::gathered; }
  /// Writes what `append` has gathered; only then may an append be answered. disk_full: nothing is lost, try again
  /// later; until then appends are refused. disk_failed.
  [[nodiscard]] Result<void> write_out();

  /// Appends a batch as it stands, offsets and epoch included: what a follower fetched. The caller has checked its CRC
  /// . The same holds as for `append`; of its producer nothing is judged, the leader has done so. Into an empty
  /// log, which may begin amid a batch, comes the one that holds its start. There may be a gap before it, and it may be
  /// larger than a segment: the leader has it so. Epochs without a batch give way to an older one. invalid_argument: it
  /// begins below the log's end, or is of an older epoch than the last batch. conflict: try again later.
  [[nodiscard]] Result<AppendInfo> append_as_is(BytesView batch, const record::BatchHeader& header,
                                                WallMillis wall_now);

  /// Since the log was opened nobody has needed what an append learns from its files, so the first one would wait for
  /// the disk: run `prepare_append` first. False once that was made.
  [[nodiscard]] bool is_cold() const {
    return !is_warm_ && !segments_.empty() && !(active_loaded_ && epochs_ && producers_);
  }
  [[nodiscard]] WarmUp prepare_append();

  /// A producer's batch was refused before it came to `append`: when it was its first, the next is not taken for the
  /// first (P-9). `append` does so itself.
  void refuse(const record::BatchHeader& header);

  /// This node leads from now on with `epoch`: its start is the log's end. In memory; the file follows. An epoch
  /// that is not newer changes nothing.
  [[nodiscard]] Result<void> begin_epoch(LeaderEpoch epoch);

  // --- Ends -------------------------------------------------------------------------------------------------------

  [[nodiscard]] Offset log_start() const { return durability_.start(); }
  [[nodiscard]] Offset log_end() const { return durability_.end(); }
  /// Everything below is in the page cache at least: the log's end, unless batches are gathered.
  [[nodiscard]] Offset written_end() const { return has_gathered() ? gathered_from_ : log_end(); }
  [[nodiscard]] bool has_gathered() const { return !segments_.empty() && segments_.back()->has_gathered(); }
  /// Everything below is on disk, or below the log's start.
  [[nodiscard]] Offset synced_end() const { return durability_.synced(); }
  /// Everything below is on disk, also where the log's start has passed it: goes to LogDir::note_synced. A crash may
  /// bring an older start back.
  [[nodiscard]] Offset disk_end() const { return durability_.on_disk(); }
  /// Everything below is on disk with its indexes and snapshots: goes to LogDir::set_recovery_point.
  [[nodiscard]] Offset recovery_point() const {
    // The start alone does not put on disk what it passes: recovery would take it for lost.
    return std::min(durability_.recovery_point(), disk_end());
  }
  /// First offset that compaction has not looked at: goes to LogDir::set_compacted_end.
  [[nodiscard]] Offset compacted_end() const { return compacted_end_; }
  [[nodiscard]] bool needs_sync() const { return durability_.needs_sync(); }
  [[nodiscard]] bool is_syncing() const { return durability_.is_syncing(); }
  /// A write or sync failed: no more appends.
  [[nodiscard]] bool failed() const { return durability_.failed(); }

  // --- Read -------------------------------------------------------------------------------------------------------

  /// The bytes of whole batches, the first of which holds `from`, at most `bytes_max` of them and none that ends after
  /// `end_bound`; with `at_least_one` the first batch comes whatever its size. Empty at the end. Never crosses a
  /// segment. Send it only when `range.verified`; else run `verify(range)` on the pool, give the outcome to
  /// `note_verified` and send `outcome.good_bytes` of it. offset_out_of_range: below the start or above the end;
  /// corrupt_batch: `from` lies in a damaged range. would_block, without `wait`: run `prepare_read` and try again.
  /// too_many_files: as many log files of the shard are open as may be; try again when others have let go of theirs.
  /// Before that ranges become `is_scarce`, and of at most 256 KiB or one batch.
  [[nodiscard]] Result<FileRange> read(Offset from, std::size_t bytes_max, Offset end_bound, bool at_least_one,
                                       Wait wait = Wait::yes);
  /// What brings into the cache the pages of the index and the headers that such a `read` needs. Once may not be
  /// enough; after a few times read with `wait`.
  [[nodiscard]] Result<LookUp> prepare_read(Offset from, std::size_t bytes_max, Offset end_bound);
  /// Remembers what `verify` found, so that these bytes need no second look.
  void note_verified(const FileRange& range, const VerifyOutcome& outcome);

  /// Prepares the search for the first record at or after `timestamp` (ListOffsets by time), resp. for the record with
  /// the largest timestamp; both below `end_bound`. Nothing: there is none. The first looks no further than where it is
  /// sure to find one unless compaction left batches without records: then it is prepared again from
  /// `search.goes_on_at()` on. would_block, without `wait`: run `prepare_times` and try again.
  [[nodiscard]] Result<std::optional<TimestampSearch>> find_timestamp(WallMillis timestamp, Offset end_bound,
                                                                      Offset from = Offset{0}, Wait wait = Wait::yes);
  [[nodiscard]] Result<std::optional<TimestampSearch>> find_max_timestamp(Offset end_bound, Wait wait = Wait::yes);
  /// After a would_block for times: what brings into the cache what that look needed, and a search for `timestamp`.
  [[nodiscard]] Result<TimesLookUp> prepare_times(WallMillis timestamp = 0);

  ///
  [[nodiscard]] Result<EpochEnd> end_offset_for(LeaderEpoch epoch);
  /// kNoLeaderEpoch in a log without batches.
  [[nodiscard]] Result<LeaderEpoch> latest_epoch();
  /// Of the last batch; kNoLeaderEpoch in an empty log.
  [[nodiscard]] Result<LeaderEpoch> last_epoch();
  /// The epoch that wrote `offset`; kNoLeaderEpoch when unknown.
  [[nodiscard]] Result<LeaderEpoch> epoch_at(Offset offset);
  /// Of each producer that was not expired at `wall_now`, for DescribeProducers.
  [[nodiscard]] Result<std::vector<ProducerInfo>> producers(WallMillis wall_now);
  /// How many of them are in memory: none before the first was asked for since the start.
  [[nodiscard]] std::size_t producer_count() const { return producers_ ? producers_->size() : 0; }
  /// See ProducerStates::keep_latest.
  void keep_latest_producers(std::size_t count) {
    if (producers_) producers_->keep_latest(count);
  }

  // --- Sync: begin on the shard, run on the pool, end on the shard. One of each kind at a time. ---------------------

  /// What makes everything appended so far durable; nothing when all is.
  [[nodiscard]] std::optional<SyncJob> begin_sync();
  /// Takes the outcome of `job.run()`. An error is final, `failed()`, but for too_many_files: then all is to be synced
  /// as before.
  void end_sync(const SyncJob& job, const Result<void>& outcome);

  /// What saves indexes, epochs and producer states up to the synced end, so that recovery need not read further back:
  /// after a roll, for every 64 MiB, and when the log went idle; with `whatever` also for less. Nothing when there is
  /// nothing to do. Run it after a sync round. disk_full is no failure here: it comes again.
  [[nodiscard]] Result<std::optional<CheckpointJob>> begin_checkpoint(bool whatever = false);
  void end_checkpoint(const CheckpointJob& job, const Result<void>& outcome);

  // --- Keeping house ------------------------------------------------------------------------------------------------

  /// Ends the newest segment, when it holds anything, and begins another.
  [[nodiscard]] Result<void> roll(WallMillis wall_now);
  /// Rolls a newest segment that is older than segment_ms; for a housekeeping tick. would_block, without `wait`: run
  /// `prepare_times` and try again.
  [[nodiscard]] Result<void> roll_if_old(WallMillis wall_now, Wait wait = Wait::yes);
  /// Takes segments away that retention no longer wants or that DeleteRecords has passed: renames them to `*.deleted`.
  /// They go when `due_removals` says so. None at or above `bound` (the high watermark; D-8), or that would move the
  /// log's start beyond `start_max`. Returns how many. would_block, without `wait`: nothing was done; run
  /// `prepare_times` and try again.
  [[nodiscard]] Result<std::size_t> delete_old_segments(WallMillis wall_now, Instant now, Offset bound,
                                                        Wait wait = Wait::yes, Offset start_max = OffsetRules::kNone);
  /// Where that would move the log's start to: on disk first (LogDir::set_log_start), before anybody hears of it.
  [[nodiscard]] Result<Offset> start_after_retention(WallMillis wall_now, Offset bound, Wait wait = Wait::yes);
  /// It would have taken more away, were the producers of that saved: the next checkpoint does it.
  [[nodiscard]] bool deletion_waits() const { return deletion_waits_; }
  /// Files whose delay is over, to be removed on the pool after LogDir::write_log_starts. Nothing when there is none.
  [[nodiscard]] std::optional<RemovalJob> due_removals(Instant now);
  /// Nothing of `job` was done: it is due again.
  void put_back(RemovalJob job);
  /// The earliest time at which `due_removals` has something; Instant::never() when nothing waits.
  [[nodiscard]] Instant next_removal() const { return segments_.next_due(); }
  /// DeleteRecords: nothing below `offset` is served any more. Goes to LogDir::set_log_start before the client is told.
  /// offset_out_of_range: above `bound` (the high watermark).
  [[nodiscard]] Result<void> advance_start(Offset offset, Offset bound);
  /// Where `advance_start` would move the start to, or why it would not. Changes nothing.
  [[nodiscard]] Result<Offset> start_after_advance(Offset offset, Offset bound);
  /// Where the log would end after `truncate_to(offset)`: there, or before it, where a batch, a gap or damage holds it;
  /// not below the log's start. Goes to LogDir::lower_ends first.
  [[nodiscard]] Result<Offset> truncation_end(Offset offset);
  /// Cuts the log so that it ends at `truncation_end(offset)`, with indexes, epochs and producer states. At or
  /// above the end only an epoch goes that has no batch yet. The caller has called LogDir::lower_ends. Until the next
  /// sync round has ended a power cut may bring back what was cut, as it was; the first append makes sure that it does
  /// not come back amid what took its place, and waits for the disk if no round has ended since. conflict: a checkpoint
  /// is being saved; nothing was changed. Other errors: see `failed`.
  [[nodiscard]] Result<void> truncate_to(Offset offset, WallMillis wall_now);
  /// Empties the log, which begins anew at `start`, above its end: its leader has nothing any more of what would come
  /// between. The caller has made it durable that the log begins there (LogDir::set_log_start). Errors as
  /// `truncate_to`.
  [[nodiscard]] Result<void> restart_at(Offset start, WallMillis wall_now);
  /// Compaction of what may be compacted below `bound` and is worth it now; see CompactionJob. would_block, without
  /// `wait`: run `prepare_times` and try again.
  [[nodiscard]] Result<std::optional<CompactionJob>> begin_compaction(WallMillis wall_now, Offset bound,
                                                                      Wait wait = Wait::yes);
  /// Swaps the outcome of a job that is done into the log. A job that failed or is not wanted any more is just
  /// destroyed after `abandon_compaction`.
  [[nodiscard]] Result<void> finish_compaction(CompactionJob& job, Instant now);
  void abandon_compaction(CompactionJob& job);
  /// There is damage in its way: until the log is opened again each run would only read as far as there.
  void stop_compacting() { may_compact_ = false; }

  /// From the next call on.
  void set_config(std::shared_ptr<const LogConfig> config);
  [[nodiscard]] const LogConfig& config() const { return *config_; }
  /// Closes files and forgets what can be read again, when nothing touched the log since the last call and all is
  /// synced and saved (if not, the next `begin_checkpoint` is due). For a housekeeping tick; true when nothing is open
  /// (any more).
  bool release_if_idle();
  [[nodiscard]] bool has_open_files() const { return segments_.has_open_files(); }
  /// From now on it asks there before it opens a segment, and may lose those that were not used for the longest time.
  /// `files` must be what it was made with. Until `leave_open_files` or the end of either.
  void enter(OpenFiles& files) { open_files_.enter(files); }
  /// Before another thread may close or destroy it.
  void leave_open_files() { open_files_.leave(); }
  /// Closes segments whose bytes are on disk, for who needs the room. False when some stay open, since theirs are not.
  bool close_synced_files();
  /// Whether a stop has to `close` it: something is not synced, not saved, or open.
  [[nodiscard]] bool needs_close() const {
    return !torn_.empty() || needs_sync() || has_open_files() || (durability_.has_unsaved() && !segments_.empty());
  }

  /// Syncs everything, saves indexes, epochs and producer states, gives all but a little of the reserved space back and
  /// closes all files. The log may only be destroyed afterwards. May run on another thread, as long as nobody else
  /// touches the log meanwhile. After it the data directory may be marked clean.
  [[nodiscard]] Result<void> close();
  /// The same for many logs at once with two syncs of `data`, the tree that holds them, where each alone takes half a
  /// dozen. Goes on after an error of one and returns the first.
  [[nodiscard]] static Result<void> close_all(std::span<Log* const> logs, env::Tree& data);

  // --- Looking at it ------------------------------------------------------------------------------------------------

  [[nodiscard]] const TopicPartition& partition() const { return partition_; }
  [[nodiscard]] const Uuid& topic_id() const { return topic_id_; }
  [[nodiscard]] const std::string& directory() const { return *segments_.names().directory(); }
  /// Bytes of all segments' batches.
  [[nodiscard]] std::uint64_t size_bytes() const { return segments_.size_bytes(); }
  [[nodiscard]] std::vector<SegmentInfo> segments() const;
  [[nodiscard]] std::size_t segment_count() const { return segments_.size(); }
  [[nodiscard]] const std::vector<Damage>& damage() const { return damage_; }

  /// Of it and its rooms. Called after what is rare; after each append by tests.
  void check_invariants() const;

 private:
  Log(env::Files& files, TopicPartition partition, std::shared_ptr<const LogConfig> config, LogContents contents);

  // log.cc
  Result<void> check_usable();
  /// Somebody needs it: it is not idle.
  void use();
  void before_opening(const Segment& segment);
  Result<void> load_active();
  /// The empty log gets a segment that begins at `base`, before its start.
  Result<void> begin_before_start(Offset base);
  /// Cuts what recovery had to leave. Before anything is appended, and before the log may be called clean.
  Result<void> finish_recovery();
  /// What a truncation has cut is off the disk before anything takes its place.
  Result<void> sync_cut();
  /// What the last segment had behind its end is cut: it may be appended to again.
  Result<void> forget_end();
  Result<AppendInfo> append_new(char* batch, record::BatchHeader placed, bool restamp, WallMillis wall_now);
  Result<void> leave_gap(Offset next);
  Result<void> write_batch(BytesView batch, const record::BatchHeader& header);
  Result<void> roll_now();
  Result<ProducerStates*> producer_states();
  Result<LeaderEpochs*> leader_epochs();
  Result<void> close_files();
  [[nodiscard]] std::string path_of(std::string_view name) const { return segments_.names().path_of(name); }

  // log_read.cc
  /// too_many_files: nothing that others hold could be closed.
  Result<void> before_reading(const Segment& segment);
  /// The segment ends before the next one begins, or the log ends, and no compaction has been there.
  std::unexpected<Error> fail_missing(std::size_t index);
  /// Calls `look(segment)`, and closes it after that unless it was open before.
  template <class Look>
  std::invoke_result_t<Look&, Segment&> look_at(const std::shared_ptr<Segment>& segment, Wait wait, Look look);

  // log_housekeeping.cc
  /// How many retention takes away now.
  [[nodiscard]] Result<std::size_t> count_old_segments(WallMillis wall_now, Offset bound, Wait wait);
  [[nodiscard]] std::size_t saved_in_front(std::span<const SegmentFacts> facts, std::size_t count) const;
  void move_start(Offset start);
  /// The place at which a truncation cuts: so many segments stay, the last one of them up to there.
  struct CutPlace {
    std::size_t kept = 0;
    Segment::Cut cut;
  };
  Result<CutPlace> cut_place(Offset offset);
  Result<void> cut(const CutPlace& place, Offset end);
  Result<void> empty(Offset start);
  Result<void> name_swaps(const CompactionJob& job);
  Result<void> swap_in(CompactionJob& job, Instant now);

  env::Files& files_;
  OpenFiles::Member open_files_{*this};
  TopicPartition partition_;
  Uuid topic_id_;
  std::shared_ptr<const LogConfig> config_;
  SegmentSet segments_;
  Durability durability_;
  ProducerSnapshots snapshots_;
  TornTails torn_;  ///< what recovery had to leave: nothing is appended meanwhile
  std::vector<Damage> damage_;
  std::unique_ptr<ProducerStates> producers_;  ///< null: not read yet
  std::unique_ptr<LeaderEpochs> epochs_;       ///< null: not read yet
  LeaderEpoch epoch_limit_;                    ///< larger ones in files and batches are damage
  Offset gathered_from_{0};                    ///< of the first gathered batch
  Offset compacted_end_;
  std::weak_ptr<Segment> cold_;  ///< the last one whose times were not in the cache
  WallMillis wall_seen_ = 0;
  Segment::Small small_batches_ = Segment::Small::written;
  bool active_loaded_ = false;
  bool is_warm_ = false;  ///< `prepare_append` was made
  bool compacting_ = false;
  bool compaction_void_ = false;  ///< a truncation came between
  bool may_compact_ = true;
  bool touched_ = false;
  bool deletion_waits_ = false;
};

}  // namespace mq::log
