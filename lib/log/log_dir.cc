#include "log/log_dir.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "base/parsed_number.h"
#include "config/setting_lines.h"
#include "log/checkpoint_file.h"
#include "log/directory_contents.h"

namespace mq::log {
namespace {

constexpr std::string_view kLockFile = ".lock";
constexpr std::string_view kCleanFile = ".kafka_cleanshutdown";
constexpr std::string_view kIdentityFile = "meta.properties";
constexpr std::string_view kSyncedEndsFile = "mq-synced-ends";
constexpr std::string_view kCheckpointFiles[] = {"log-start-offset-checkpoint", "recovery-point-offset-checkpoint",
                                                 "replication-offset-checkpoint", "cleaner-offset-checkpoint",
                                                 "mq-log-bytes"};

/// Up to so many new directories are synced one by one: that waits for nobody else's writes, as a sync of all would.
constexpr std::size_t kSyncEachMax = 16;

/// Of a file or directory, on every file system that we know.
constexpr std::size_t kNameBytesMax = 255;

/// `topic-7.UNIQUE-delete` and its like. What does not fit is taken off the topic, as Kafka does: `unique` and the
/// number tell one from another.
std::string name_aside(const TopicPartition& partition, std::string_view unique, std::string_view suffix) {
  const std::string rest = fmt::format("-{}.{}{}", partition.partition, unique, suffix);
  MQ_ASSERT(rest.size() < kNameBytesMax);
  return partition.topic.substr(0, kNameBytesMax - rest.size()) + rest;
}

/// `topic-7`, and nothing else.
std::optional<TopicPartition> parse_directory_name(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == name.size()) return std::nullopt;
  const auto number = parsed_number<std::int32_t>(name.substr(dash + 1));
  if (!number || *number < 0) return std::nullopt;
  TopicPartition partition{std::string(name.substr(0, dash)), *number};
  if (topic_name_problem(partition.topic) != nullptr || partition.to_string() != name) return std::nullopt;
  return partition;
}

/// The value of `key` in Java's properties as far as Kafka writes them: `key=value` lines.
std::optional<std::string> property(BytesView text, std::string_view key) {
  for (const config::SettingLine& line : config::setting_lines(text, "#!"))
    if (line.value && line.name == key) return std::string(*line.value);
  return std::nullopt;
}

/// The parts of a list that commas separate.
std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

}  // namespace

Result<std::unique_ptr<LogDir>> LogDir::open(env::Files& files, std::string path) {
  MQ_CHECK(files.make_directories(path));
  auto dir = std::unique_ptr<LogDir>(new LogDir(files, std::move(path)));
  MQ_TRY(dir->tree_, files.open_tree(dir->path_));
  auto lock = files.lock(dir->file(kLockFile));
  if (!lock && lock.error().code == Errc::conflict)
    return fail(Errc::refused, "{} is used by another process: {}", dir->path_, lock.error().message);
  if (!lock) return fail(std::move(lock).error());
  dir->lock_ = *std::move(lock);
  MQ_CHECK(dir->read_identity());
  // Whoever wrote it, and in whatever form: that it is there says all.
  MQ_TRY(dir->was_clean_, files.exists(dir->file(kCleanFile)));
  MQ_CHECK(dir->read_checkpoints());
  MQ_CHECK(dir->read_slots());
  return dir;
}

Result<void> LogDir::read_slots() {
  is_new_ = !identity_;
  MQ_TRY(synced_, SyncedEnds::open(files_, file(kSyncedEndsFile)));
  const bool is_missing = synced_->state() == SlotsState::missing && !is_new_;
  if (is_missing || synced_->state() == SlotsState::damaged)
    notes_.push_back(fmt::format("{} is {}; a log that is not here cannot be told from one that was lost",
                                 file(kSyncedEndsFile), is_missing ? "missing" : "damaged"));
  return {};
}

Result<void> LogDir::read_identity() {
  const auto text = env::read_whole(files_, file(kIdentityFile), 64 << 10);
  if (!text) return text.error().code == Errc::not_found ? Result<void>{} : fail(text.error());
  const auto bad = [&](std::string_view what) {
    return fail(Errc::corrupt,
                "{}: {}; it says whose data this is, so nothing is done here. Restore it from another copy",
                file(kIdentityFile), what);
  };
  if (property(*text, "version") != "1") return bad("no `version=1`");
  const auto node = property(*text, "node.id");
  DirIdentity identity{.node = kNoBroker,
                       .cluster_id = property(*text, "cluster.id").value_or(""),
                       .directory_id = property(*text, "directory.id").value_or(""),
                       .store = property(*text, "mq.meta").value_or(""),
                       .nonces = parts_of(property(*text, "mq.nonces").value_or("")),
                       .accepted = parts_of(property(*text, "mq.accepted").value_or(""))};
  if (!node) return bad("no `node.id`");
  const auto id = parsed_number<std::int32_t>(*node);
  if (!id || *id < 0) return bad("`node.id` is not a number");
  if (identity.cluster_id.empty()) return bad("no `cluster.id`");
  identity.node = BrokerId{*id};
  identity_ = std::move(identity);
  return {};
}

Result<void> LogDir::set_identity(const DirIdentity& identity) {
  std::string text = fmt::format("#\nnode.id={}\nversion=1\n", identity.node.value());
  if (!identity.directory_id.empty()) text += fmt::format("directory.id={}\n", identity.directory_id);
  text += fmt::format("cluster.id={}\n", identity.cluster_id);
  if (!identity.store.empty()) text += fmt::format("mq.meta={}\n", identity.store);
  if (!identity.nonces.empty()) text += fmt::format("mq.nonces={}\n", fmt::join(identity.nonces, ","));
  if (!identity.accepted.empty()) text += fmt::format("mq.accepted={}\n", fmt::join(identity.accepted, ","));
  MQ_CHECK(env::replace_atomically(files_, file(kIdentityFile), text));
  MQ_CHECK(sync_ancestors());  // the directory is new, too
  identity_ = identity;
  return {};
}

Result<void> LogDir::sync_ancestors() {
  for (std::string path = path_; !path.empty() && path != "/" && path != ".";) {
    const std::size_t slash = path.find_last_of('/');
    path = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    auto synced = files_.sync_directory(path);
    // What we may not even read was not made by us, nor was what is above it.
    if (!synced && synced.error().code == Errc::refused) return {};
    MQ_CHECK(synced);
  }
  return {};
}

Result<void> LogDir::read_checkpoints() {
  for (std::size_t which = 0; which < kCheckpoints; ++which) {
    const std::string path = file(kCheckpointFiles[which]);
    const auto text = env::read_whole(files_, path);
    if (!text && text.error().code == Errc::disk_failed) return fail(text.error());
    // The others only save work. What was deleted must not come back because of a read that may succeed next time.
    if (!text && text.error().code == Errc::read_failed && which == kLogStart)
      return fail(Errc::read_failed,
                  "{}; it says where logs begin, so nothing is done here. To start without it, which brings back what "
                  "DeleteRecords took away where its segment is still there, remove it",
                  text.error().message);
    if (!text && text.error().code == Errc::read_failed) notes_.push_back(text.error().message + "; taken for missing");
    if (!text) continue;
    const auto lines = decode_checkpoint(*text);
    if (lines) {
      take(Checkpoint(which), *lines);
    } else {
      notes_.push_back(fmt::format("{}: {}; taken for missing", path, lines.error().message));
    }
  }
  return {};
}

void LogDir::take(Checkpoint which, std::span<const CheckpointLine> lines) {
  const auto is_before = [](const TopicPartition& name, const CheckpointLine& line) {
    return std::pair(std::string_view(name.topic), name.partition) < std::pair(line.topic, line.partition);
  };
  // Both are in the same order, and mostly name the same partitions.
  auto at = checkpoints_.begin();
  for (const CheckpointLine& line : lines) {
    while (at != checkpoints_.end() && is_before(at->first, line)) ++at;
    at = checkpoints_.try_emplace(at, {std::string(line.topic), line.partition}, Said{});
    at->second[which] = line.offset;
    ++at;
  }
}

// --- Stops ----------------------------------------------------------------------------------------------------------

Result<void> LogDir::begin_writing() {
  auto removed = is_mutant("cleanlie") ? Result<void>{} : files_.remove(file(kCleanFile));
  if (!removed && removed.error().code != Errc::not_found) return removed;
  if (!was_clean_) MQ_MARK("log: slots of synced ends are written anew after an unclean stop");
  if (!was_clean_) synced_->distrust_pages();
  MQ_CHECK(synced_->make_file(files_, is_new_));
  if (was_clean_) return files_.sync_directory(path_);
  // A full disk may have no room even for what is there already; then the next round of synced ends tries again.
  const auto written = write_noted();
  if (!written && written.error().code != Errc::disk_full) return fail(written.error());
  MQ_CHECK(tree_->sync());
  synced_at_start_ = true;
  return {};
}

Result<void> LogDir::finish_clean() {
  if (is_offline()) return fail(Errc::disk_failed, "{} is offline: {}", path_, offline_reason());
  MQ_CHECK(write_checkpoints());
  MQ_CHECK(sync_synced_ends());
  MQ_TRY(auto marker, files_.open(file(kCleanFile), env::OpenMode::create));
  MQ_CHECK(marker->truncate(0));
  MQ_CHECK(marker->write_at(0, R"({"version":0,"brokerEpoch":-1})"));
  MQ_CHECK(marker->sync());
  return files_.sync_directory(path_);
}

// --- Partitions -----------------------------------------------------------------------------------------------------

Result<std::vector<TopicPartition>> LogDir::partitions() const {
  MQ_TRY(const auto entries, files_.list(path_));
  std::vector<TopicPartition> found;
  for (const env::DirEntry& entry : entries) {
    if (!entry.is_directory || entry.name.ends_with(kRemovalSuffix) || entry.name.ends_with(kStraySuffix)) continue;
    if (auto partition = parse_directory_name(entry.name)) found.push_back(*std::move(partition));
  }
  return found;
}

std::string LogDir::directory_of(const TopicPartition& partition) const { return file(partition.to_string()); }

OpenContext LogDir::context_of(const TopicPartition& partition, const Uuid& topic_id, WallMillis wall_now) const {
  OpenContext context{.clean = was_clean_, .synced = synced_at_start_, .topic_id = topic_id, .wall_now = wall_now};
  const std::lock_guard guard(mutex_);
  const Said said = said_of(partition);
  context.recovery_point = said[kRecoveryPoint].value_or(Offset{0});
  context.log_start = said[kLogStart];
  if (const auto bytes = said[kLogBytes]; was_clean_ && bytes)
    context.bytes = static_cast<std::uint64_t>(bytes->value());
  context.compacted_end = said[kCompactedEnd].value_or(Offset{0});
  if (const auto slot = synced_->get(topic_id, PartitionId{partition.partition})) {
    context.synced_end = slot->end;
  } else if (synced_->state() != SlotsState::whole && said[kHighWatermark]) {
    // A torn write may have taken it. What was committed once is not the torn end of a log.
    context.synced_end = std::max(context.recovery_point, *said[kHighWatermark]);
    MQ_MARK("log: a log whose slot is lost is held to its high watermark");
  }
  return context;
}

Result<std::string> LogDir::set_aside(const TopicPartition& partition, std::string_view unique) {
  const std::string name = name_aside(partition, unique, kStraySuffix);
  MQ_CHECK(files_.rename(directory_of(partition), file(name)));
  return name;
}

Result<void> LogDir::sync_new(std::span<const TopicPartition> partitions) {
  {
    const std::lock_guard guard(mutex_);
    forget_checkpoints(partitions);
  }
  // Checkpoints know no topic ids. What they say of a deleted topic of the same name would, after a crash, hide or
  // disown the records of the new one.
  if (has_unwritten_removals()) MQ_CHECK(write_checkpoints());
  if (partitions.size() > kSyncEachMax) return tree_->sync();
  for (const TopicPartition& partition : partitions) {
    const std::string directory = directory_of(partition);
    MQ_TRY(auto metadata, files_.open(directory + "/" + std::string(kMetadataFile), env::OpenMode::read_write));
    MQ_CHECK(metadata->sync());
    MQ_CHECK(files_.sync_directory(directory));
  }
  return files_.sync_directory(path_);
}

Result<LogDir::Removal> LogDir::begin_removal(std::span<const TopicPartition> partitions, const Uuid& topic_id,
                                              std::string_view unique) {
  Removal removal;
  for (const TopicPartition& partition : partitions) {
    std::string name = name_aside(partition, unique, kRemovalSuffix);
    auto gone = files_.rename(directory_of(partition), file(name));
    if (gone) removal.directories.push_back(std::move(name));
    // Without room for another name it goes at once; that makes room.
    if (!gone && gone.error().code == Errc::disk_full)
      MQ_MARK("log: a deleted partition goes at once since its new name has no room");
    if (!gone && gone.error().code == Errc::disk_full) gone = remove_files(partition.to_string());
    if (!gone && gone.error().code != Errc::not_found) removal.failures.push_back(std::move(gone).error());
  }
  const auto synced = files_.sync_directory(path_);
  // Also when their new names are not durable: for metadata they are gone, and a slot without a log would say that one
  // was lost.
  const std::lock_guard guard(mutex_);
  forget_checkpoints(partitions);
  for (const TopicPartition& partition : partitions) synced_->forget(topic_id, PartitionId{partition.partition});
  MQ_CHECK(synced);
  return removal;
}

Result<void> LogDir::remove_directory(const std::string& name) {
  const bool is_stray = name.ends_with(kStraySuffix);
  if ((!is_stray && !name.ends_with(kRemovalSuffix)) || name.find('/') != std::string::npos)
    return fail(Errc::invalid_argument, "{} is not the directory of a deleted partition", name);
  if (is_stray) {
    MQ_TRY(const bool is_empty, is_without_record(files_, file(name)));
    if (!is_empty) return fail(Errc::refused, "{} may hold records, so it stays", file(name));
  }
  return remove_files(name);
}

Result<void> LogDir::remove_files(const std::string& name) {
  MQ_TRY(const auto entries, files_.list(file(name)));
  for (const env::DirEntry& entry : entries) {
    if (entry.is_directory)
      return fail(Errc::refused, "{}/{} is a directory; somebody else put it there, so it stays", file(name),
                  entry.name);
  }
  for (const env::DirEntry& entry : entries) MQ_CHECK(files_.remove(file(name) + "/" + entry.name));
  return files_.remove(file(name));
}

Result<LogDir::Moved> LogDir::moved() const {
  MQ_TRY(auto entries, files_.list(path_));
  Moved moved;
  for (env::DirEntry& entry : entries) {
    if (!entry.is_directory) continue;
    if (entry.name.ends_with(kRemovalSuffix))
      moved.removals.push_back(std::move(entry.name));
    else if (entry.name.ends_with(kStraySuffix))
      moved.strays.push_back(std::move(entry.name));
  }
  return moved;
}

// --- What speaks for all logs ---------------------------------------------------------------------------------------

bool LogDir::are_slots_whole() const {
  const std::lock_guard guard(mutex_);
  return synced_->state() == SlotsState::whole || (synced_->state() == SlotsState::missing && is_new_);
}

Result<void> LogDir::settle_slots() {
  // What is noted by now is on disk before the word that nothing is missing.
  MQ_CHECK(sync_synced_ends());
  {
    const std::lock_guard guard(mutex_);
    synced_->settle();
  }
  return sync_synced_ends();
}

void LogDir::note_synced(const Uuid& topic_id, PartitionId partition, Offset end) {
  const std::lock_guard guard(mutex_);
  SyncedEnd slot = synced_->get(topic_id, partition).value_or(SyncedEnd{});
  slot.end = end;
  synced_->set(topic_id, partition, slot);
}

void LogDir::note_class(const Uuid& topic_id, PartitionId partition, FlushClass flush_class) {
  const std::lock_guard guard(mutex_);
  SyncedEnd slot = synced_->get(topic_id, partition).value_or(SyncedEnd{});
  slot.flush_class = flush_class;
  synced_->set(topic_id, partition, slot);
}

std::optional<SyncedEnd> LogDir::slot_of(const Uuid& topic_id, PartitionId partition) const {
  const std::lock_guard guard(mutex_);
  return synced_->get(topic_id, partition);
}

Result<void> LogDir::sync_synced_ends() {
  const std::lock_guard one_writer(writing_);
  // What the first round makes durable is counted in the header, if it is new, by the second.
  for (int round = 0; round < 2; ++round) {
    MQ_TRY(const bool is_to_be_synced, write_noted());
    if (is_to_be_synced) MQ_CHECK(sync_slots());
  }
  return {};
}

void LogDir::forget_synced(const Uuid& topic_id, PartitionId partition) {
  const std::lock_guard guard(mutex_);
  synced_->forget(topic_id, partition);
}

std::vector<std::pair<Uuid, PartitionId>> LogDir::synced_partitions() const {
  const std::lock_guard guard(mutex_);
  return synced_->partitions();
}

void LogDir::note_metadata(const MetadataMark& mark) {
  const std::lock_guard guard(mutex_);
  synced_->set_metadata_mark(mark);
}

std::optional<MetadataMark> LogDir::metadata_mark() const {
  const std::lock_guard guard(mutex_);
  return synced_->metadata_mark();
}

Result<bool> LogDir::write_synced_ends() {
  const std::lock_guard one_writer(writing_);
  MQ_TRY(const bool wrote_before, sync_slots());
  MQ_TRY(const bool is_to_be_synced, write_noted());
  return wrote_before || is_to_be_synced;
}

Result<bool> LogDir::sync_slots() {
  std::uint32_t written = 0;
  {
    const std::lock_guard one_writer_of_slots(writing_slots_);
    if (!std::exchange(synced_ends_dirty_, false)) return false;
    written = slots_written_;
  }
  MQ_CHECK(synced_->file().sync());
  const std::lock_guard guard(mutex_);
  synced_->count(written);
  return true;
}

Result<bool> LogDir::write_noted() {
  const std::lock_guard one_writer_of_slots(writing_slots_);
  std::vector<SyncedEnds::Write> writes;
  std::uint32_t slots = 0;
  {
    const std::lock_guard guard(mutex_);
    writes = synced_->take_changes();
    slots = synced_->slot_count();
  }
  for (std::size_t i = 0; i < writes.size(); ++i) {
    synced_ends_dirty_ = true;
    auto written = synced_->file().write_at(writes[i].position, writes[i].bytes);
    if (written) continue;
    const std::lock_guard guard(mutex_);
    for (; i < writes.size(); ++i) synced_->put_back(writes[i]);
    return fail(std::move(written).error());
  }
  slots_written_ = slots;
  return synced_ends_dirty_;
}

Result<void> LogDir::lower_synced_end(const Uuid& topic_id, PartitionId partition, Offset end) {
  {
    const std::lock_guard guard(mutex_);
    const auto known = synced_->get(topic_id, partition);
    if (!known || known->end <= end) return {};
    synced_->set(topic_id, partition, {.end = end, .flush_class = known->flush_class});
  }
  return sync_synced_ends();
}

Result<void> LogDir::lower_ends(const TopicPartition& partition, const Uuid& topic_id, Offset end) {
  MQ_CHECK(lower_synced_end(topic_id, PartitionId{partition.partition}, end));
  for (const Checkpoint which : {kRecoveryPoint, kCompactedEnd})
    if (get(which, partition) > end) set(which, partition, end);
  return write_checkpoints();
}

void LogDir::set(Checkpoint which, const TopicPartition& partition, Offset offset) {
  const std::lock_guard guard(mutex_);
  if (std::exchange(checkpoints_[partition][which], offset) != offset) changed_[which] = true;
}

void LogDir::forget_checkpoints(std::span<const TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions) {
    const auto forgotten = checkpoints_.extract(partition);
    if (forgotten.empty()) continue;
    for (std::size_t which = 0; which < kCheckpoints; ++which)
      if (forgotten.mapped()[which]) changed_[which] = removals_unwritten_ = true;
  }
}

bool LogDir::has_unwritten_removals() {
  const std::lock_guard one_writer(writing_);  // who writes now is not done yet, and may fail
  const std::lock_guard guard(mutex_);
  return removals_unwritten_;
}

LogDir::Said LogDir::said_of(const TopicPartition& partition) const {
  const auto place = checkpoints_.find(partition);
  return place == checkpoints_.end() ? Said{} : place->second;
}

std::optional<Offset> LogDir::get(Checkpoint which, const TopicPartition& partition) const {
  const std::lock_guard guard(mutex_);
  return said_of(partition)[which];
}

void LogDir::set_recovery_point(const TopicPartition& partition, Offset offset) {
  set(kRecoveryPoint, partition, offset);
}
void LogDir::set_compacted_end(const TopicPartition& partition, Offset offset) {
  set(kCompactedEnd, partition, offset);
}
void LogDir::set_high_watermark(const TopicPartition& partition, Offset offset) {
  set(kHighWatermark, partition, offset);
}
void LogDir::set_log_start(const TopicPartition& partition, Offset offset) {
  const std::lock_guard guard(mutex_);
  std::optional<Offset>& said = checkpoints_[partition][kLogStart];
  if (said && *said >= offset) return;
  said = offset;
  changed_[kLogStart] = true;
}
void LogDir::set_log_bytes(const TopicPartition& partition, std::uint64_t bytes) {
  set(kLogBytes, partition, Offset{static_cast<std::int64_t>(bytes)});
}
std::optional<Offset> LogDir::high_watermark(const TopicPartition& partition) const {
  return get(kHighWatermark, partition);
}

Result<void> LogDir::write_checkpoints() {
  const std::lock_guard one_writer(writing_);
  std::array<std::optional<std::string>, kCheckpoints> texts;
  bool removals = false;
  {
    // All of one moment: the recovery point of a later one may be the new start of a log.
    const std::lock_guard guard(mutex_);
    for (std::size_t which = 0; which < kCheckpoints; ++which) texts[which] = take_changed(Checkpoint(which));
    starts_on_their_way_ = texts[kLogStart].has_value();
    removals = std::exchange(removals_unwritten_, false);
  }
  Result<void> written;
  for (std::size_t which = 0; which < kCheckpoints; ++which) {
    if (written && texts[which]) written = write(Checkpoint(which), *texts[which]);
    if (!written && texts[which].has_value()) MQ_MARK("log: a checkpoint file cannot be written");
    if (written || !texts[which]) continue;
    const std::lock_guard guard(mutex_);
    changed_[which] = true;
  }
  const std::lock_guard guard(mutex_);
  starts_on_their_way_ = false;
  if (written) return {};
  MQ_MARK("log: removals have to be written with the next checkpoints");
  removals_unwritten_ = removals_unwritten_ || removals;
  return written;
}

bool LogDir::has_unwritten_starts() const {
  const std::lock_guard guard(mutex_);
  return changed_[kLogStart] || starts_on_their_way_;
}

Result<void> LogDir::write_log_starts() {
  const std::lock_guard one_writer(writing_);
  std::optional<std::string> text;
  {
    const std::lock_guard guard(mutex_);
    text = take_changed(kLogStart);
    starts_on_their_way_ = text.has_value();
  }
  auto written = text ? write(kLogStart, *text) : Result<void>{};
  const std::lock_guard guard(mutex_);
  starts_on_their_way_ = false;
  if (!written) changed_[kLogStart] = true;
  return written;
}

std::optional<std::string> LogDir::take_changed(Checkpoint which) {
  if (!std::exchange(changed_[which], false)) return std::nullopt;
  std::vector<CheckpointLine> lines;
  for (const auto& [partition, said] : checkpoints_)
    if (said[which])
      lines.push_back({.topic = partition.topic, .partition = partition.partition, .offset = *said[which]});
  return encode_checkpoint(lines);
}

Result<void> LogDir::write(Checkpoint which, BytesView text) {
  return env::replace_atomically(files_, file(kCheckpointFiles[which]), text);
}

// --- Failure --------------------------------------------------------------------------------------------------------

void LogDir::go_offline(std::string reason) {
  const std::lock_guard guard(mutex_);
  if (offline_reason_.empty()) offline_reason_ = std::move(reason);
  offline_.store(true, std::memory_order_release);
}

std::string LogDir::offline_reason() const {
  const std::lock_guard guard(mutex_);
  return offline_reason_;
}

}  // namespace mq::log
