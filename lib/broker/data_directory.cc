#include "broker/data_directory.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/log_fate.h"
#include "log/directory_contents.h"

namespace mq::broker {
namespace {

/// So many topics are named one by one in a sentence.
constexpr std::size_t kNamedMax = 20;
/// Acceptances of a store that a directory remembers: one is rare.
constexpr std::size_t kAcceptancesMax = 64;

/// The logs that metadata has here, with what was seen of each.
class NamedLogs {
 public:
  struct Seen {
    bool is_ours = false;
    bool has_slot = false;
    bool is_here = false;
  };
  NamedLogs(const cluster::ClusterImage& image, BrokerId self) {
    for (const cluster::TopicPtr& topic : image.topics()) {
      std::vector<Seen>& logs = by_topic_[topic->id];
      logs.reserve(topic->partitions.size());
      for (const cluster::Partition& partition : topic->partitions)
        logs.push_back({.is_ours = partition.has_replica(self)});
    }
  }
  /// Null when metadata has none such here.
  Seen* find(const Uuid& topic, std::int32_t partition) {
    Seen* named = find_anywhere(topic, partition);
    return named != nullptr && named->is_ours ? named : nullptr;
  }
  /// Metadata has it, and on other brokers only: it was moved there.
  bool is_elsewhere(const Uuid& topic, std::int32_t partition) {
    const Seen* named = find_anywhere(topic, partition);
    return named != nullptr && !named->is_ours && !is_mutant("movedlost");
  }

 private:
  Seen* find_anywhere(const Uuid& topic, std::int32_t partition) {
    const auto logs = by_topic_.find(topic);
    const auto index = static_cast<std::size_t>(partition);
    return logs == by_topic_.end() || index >= logs->second.size() ? nullptr : &logs->second[index];
  }

  std::unordered_map<Uuid, std::vector<Seen>> by_topic_;
};

/// `a (2 partitions), b (1 partition) and 3 other topics`.
std::string list_topics(const std::vector<Differences::Log>& logs) {
  std::map<std::string, int> counts;
  for (const Differences::Log& log : logs) ++counts[log.name.topic];
  std::vector<std::string> told;
  for (const auto& [topic, count] : counts) {
    if (told.size() == kNamedMax) break;
    told.push_back(fmt::format("{} ({} partition{})", topic, count, count == 1 ? "" : "s"));
  }
  std::string list = fmt::format("{}", fmt::join(told, ", "));
  if (counts.size() > told.size()) list += fmt::format(" and {} other topics", counts.size() - told.size());
  return list;
}

DirectoryIs judge(const TopicPartition& name, const std::optional<Uuid>& id, const cluster::Topic* wanted,
                  const cluster::ClusterImage& image) {
  if (wanted == nullptr && (id ? image.may_be_withheld(*id) : image.is_withheld(name.topic)))
    return DirectoryIs::of_a_withheld;
  if (!id) return DirectoryIs::unreadable;
  if (wanted != nullptr && *id == wanted->id) return DirectoryIs::of_this_log;
  return image.tombstones().contains(*id) ? DirectoryIs::of_a_deleted : DirectoryIs::of_an_unknown;
}

Result<void> set_aside(log::LogDir& dir, const TopicPartition& name, env::Random& random, env::Logger& logger) {
  Uuid unique;
  random.fill(unique.bytes);
  MQ_TRY(const std::string kept, dir.set_aside(name, unique.to_string()));
  logger.warn("{} has a log that metadata does not know; it is kept as {}", name.to_string(), kept);
  return {};
}

}  // namespace

std::optional<Uuid> topic_id_of(const log::LogDir& dir, env::Files& files, const TopicPartition& partition) {
  const auto text = env::read_whole(files, dir.directory_of(partition) + "/" + std::string(log::kMetadataFile), 4096);
  const auto id = text ? log::decode_partition_metadata(*text) : fail(text.error());
  return id ? std::optional(*id) : std::nullopt;
}

Result<Differences> compare(const log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                            BrokerId self, Look look) {
  Differences differences;
  NamedLogs wanted(image, self);
  std::set<std::pair<Uuid, PartitionId>> nameless;
  for (const auto& slot : dir.synced_partitions()) {
    if (NamedLogs::Seen* log = wanted.find(slot.first, slot.second.value())) {
      log->has_slot = true;
    } else if (!image.may_be_withheld(slot.first) && !wanted.is_elsewhere(slot.first, slot.second.value())) {
      nameless.insert(slot);
    }
  }
  const bool trusts_names = look == Look::at_names && nameless.empty();

  MQ_TRY(const auto directories, dir.partitions());
  for (const TopicPartition& name : directories) {
    const cluster::Topic* topic = image.find_topic(std::string_view(name.topic));
    NamedLogs::Seen* log = topic == nullptr ? nullptr : wanted.find(topic->id, name.partition);
    // Else it may be another log, of a topic that had this name before (C-9).
    if (log != nullptr && ((log->has_slot && trusts_names) || is_mutant("samename"))) {
      log->is_here = true;
      continue;
    }
    const auto id = topic_id_of(dir, files, name);
    const bool is_elsewhere =
        id && wanted.is_elsewhere(*id, name.partition) && image.find_topic(*id)->name == name.topic;
    const DirectoryIs what =
        is_elsewhere ? DirectoryIs::of_elsewhere : judge(name, id, log != nullptr ? topic : nullptr, image);
    const LogFate fate = fate_of({.is_wanted = log != nullptr, .directory = what});
    if (fate.log == LogFate::Log::opened) log->is_here = true;
    if (fate.directory == LogFate::Directory::removed) differences.deleted[*id].push_back(name);
    if (fate.directory == LogFate::Directory::set_aside) {
      const bool was_synced = id && nameless.erase({*id, PartitionId{name.partition}}) > 0;
      differences.unknown.push_back({.name = name, .topic_id = id, .was_synced = was_synced});
    }
  }
  differences.slots_without_log.assign(nameless.begin(), nameless.end());

  for (const cluster::TopicPtr& topic : image.topics()) {
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const NamedLogs::Seen* log = wanted.find(topic->id, index);
      if (log == nullptr) continue;
      if (log->is_here && !log->has_slot) differences.without_slot.emplace_back(topic->id, PartitionId{index});
      if (log->is_here) continue;
      const auto slot = dir.slot_of(topic->id, PartitionId{index});
      // What stands under its name has been judged above.
      const LogFate fate = fate_of({.is_wanted = true,
                                    .directory = DirectoryIs::absent,
                                    .has_slot = log->has_slot,
                                    .are_slots_whole = dir.are_slots_whole() || is_mutant("slotsproof")});
      differences.missing.push_back({.topic = topic,
                                     .partition = index,
                                     .is_lost = fate.log == LogFate::Log::lost,
                                     .start = slot ? slot->end : Offset{0}});
    }
  }
  return differences;
}

std::optional<std::string> store_went_back(const log::LogDir& dir, const Differences& found, std::int64_t revision) {
  const auto remembered = dir.metadata_mark();
  const bool is_older = remembered && remembered->revision > revision;
  if (!is_older && std::ranges::none_of(found.unknown, &Differences::Log::was_synced)) return std::nullopt;
  std::string what = "does not know logs that it has named once";
  if (is_older)
    what = remembered->revision == kBeingAccepted
               ? "was accepted by a start that did not come to its end"
               : fmt::format("is at revision {}, and revision {} was on disk once", revision, remembered->revision);
  if (!found.unknown.empty()) what += fmt::format("; unknown to it are {}", list_topics(found.unknown));
  return what;
}

bool is_accepted_anew(const log::LogDir& dir, const cluster::ClusterImage& image) {
  const auto& identity = dir.identity();
  Uuid directory;
  if (!identity || !Uuid::parse(identity->directory_id, directory)) return false;
  const std::optional<cluster::Acceptance>& acceptance = image.acceptance();
  return acceptance && acceptance->is_for(directory) &&
         std::ranges::find(identity->accepted, acceptance->id.to_string()) == identity->accepted.end();
}

Result<void> note_acceptance(log::LogDir& dir, const cluster::ClusterImage& image) {
  log::DirIdentity identity = *dir.identity();
  if (identity.accepted.size() >= kAcceptancesMax) identity.accepted.erase(identity.accepted.begin());
  identity.accepted.push_back(image.acceptance()->id.to_string());
  return dir.set_identity(identity);
}

Result<void> set_aside(log::LogDir& dir, const TopicPartition& name, const Uuid& topic_id, env::Random& random,
                       env::Logger& logger) {
  MQ_CHECK(set_aside(dir, name, random, logger));
  dir.forget_synced(topic_id, PartitionId{name.partition});
  return dir.sync_names();
}

Differences without_what_others_have(Differences found, const log::LogDir& dir, const cluster::ClusterImage& image,
                                     BrokerId self) {
  std::set<std::pair<Uuid, std::int32_t>> missing;
  for (const Differences::Missing& log : found.missing) missing.emplace(log.topic->id, log.partition);
  for (const cluster::TopicPtr& topic : image.topics()) {
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      const bool is_of_others = !partition.isr.empty() && std::ranges::find(partition.isr, self) == partition.isr.end();
      if (!is_of_others || !partition.has_replica(self) || missing.contains({topic->id, index})) continue;
      const bool was_synced = dir.slot_of(topic->id, PartitionId{index}).has_value();
      found.unknown.push_back(
          {.name = {.topic = topic->name, .partition = index}, .topic_id = topic->id, .was_synced = was_synced});
      found.missing.push_back({.topic = topic, .partition = index, .is_lost = true, .start = Offset{0}});
    }
  }
  std::ranges::sort(found.missing, [](const Differences::Missing& a, const Differences::Missing& b) {
    return std::tie(a.topic->name, a.partition) < std::tie(b.topic->name, b.partition);
  });
  return found;
}

Result<Tidied> tidy_up(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                       const Differences& found, env::Random& random, env::Logger& logger) {
  // One directory that cannot be moved must not keep all others from being served.
  const auto leave = [&logger](const Error& error) {
    logger.warn("a directory cannot be tidied away: {}; it is left, and the next start tries again", error.message);
  };
  for (const Differences::Log& log : found.unknown) {
    if (auto kept = set_aside(dir, log.name, random, logger); !kept) leave(kept.error());
    if (log.topic_id) dir.forget_synced(*log.topic_id, PartitionId{log.name.partition});
  }
  for (const auto& [topic_id, partition] : found.slots_without_log) dir.forget_synced(topic_id, partition);
  MQ_CHECK(dir.sync_names());
  Tidied tidied;
  for (const auto& [id, partitions] : found.deleted) {
    MQ_MARK("broker: a start finds the directory of a deleted topic");
    MQ_TRY(const log::LogDir::Removal begun, dir.begin_removal(partitions, id, id.to_string()));
    std::ranges::for_each(begun.failures, leave);
    if (!begun.failures.empty()) tidied.deleted_left.insert(id);
  }
  MQ_TRY(const log::LogDir::Moved moved, dir.moved());
  // What a crash leaves of a creation, once for each, now and in earlier versions.
  for (const std::string& name : moved.strays) {
    const bool is_empty = log::is_without_record(files, dir.path() + "/" + name).value_or(false);
    const auto removed = is_empty ? dir.remove_directory(name) : Result<void>{};
    if (!removed) leave(removed.error());
    if (is_empty && removed) {
      logger.info("{} is removed: no record is in it", name);
    } else {
      ++tidied.strays;
    }
  }
  if (!moved.removals.empty()) MQ_MARK("broker: a start removes what a deletion has left");
  std::vector<std::string> still_there;
  for (const std::string& name : moved.removals) {
    const auto removed = dir.remove_directory(name);
    if (removed) continue;
    leave(removed.error());
    still_there.push_back(name);
  }
  for (const auto& [id, tombstone] : image.tombstones()) {
    const bool is_there = std::ranges::any_of(still_there, [text = id.to_string()](const std::string& directory) {
      return directory.find(text) != std::string::npos;
    });
    if (is_there) tidied.deleted_left.insert(id);
  }
  return tidied;
}

Result<void> clear_the_way(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                           const TopicPartition& name, const Uuid& topic_id, env::Random& random, env::Logger& logger) {
  const auto id = topic_id_of(dir, files, name);
  if (id == topic_id) return fail(Errc::already_exists, "{} is there already", dir.directory_of(name));
  const LogFate fate = fate_of({.is_wanted = false, .directory = judge(name, id, nullptr, image)});
  if (fate.directory != LogFate::Directory::removed) return set_aside(dir, name, random, logger);
  MQ_TRY(const log::LogDir::Removal begun, dir.begin_removal({&name, 1}, *id, id->to_string()));
  return begun.failures.empty() ? Result<void>{} : fail(begun.failures.front());
}

}  // namespace mq::broker
