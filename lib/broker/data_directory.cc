#include "broker/data_directory.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "log/directory_contents.h"

namespace mq::broker {
namespace {

/// So many topics are named one by one in a sentence.
constexpr std::size_t kNamedMax = 20;

bool names(const cluster::ClusterImage& image, const Uuid& topic_id, PartitionId partition) {
  const cluster::Topic* topic = image.find_topic(topic_id);
  return topic != nullptr && partition.value() < topic->partition_count();
}

std::optional<Uuid> topic_id_of(const log::LogDir& dir, env::Files& files, const TopicPartition& partition) {
  const auto text = env::read_whole(files, dir.directory_of(partition) + "/" + std::string(log::kMetadataFile), 4096);
  const auto id = text ? log::decode_partition_metadata(*text) : fail(text.error());
  return id ? std::optional(*id) : std::nullopt;
}

/// `a (2 partitions), b (1 partition) and 3 other topics`.
std::string list_topics(const std::vector<Unclaimed::Log>& logs) {
  std::map<std::string, int> counts;
  for (const Unclaimed::Log& log : logs) ++counts[log.name.topic];
  std::vector<std::string> told;
  for (const auto& [topic, count] : counts) {
    if (told.size() == kNamedMax) break;
    told.push_back(fmt::format("{} ({} partition{})", topic, count, count == 1 ? "" : "s"));
  }
  std::string list = fmt::format("{}", fmt::join(told, ", "));
  if (counts.size() > told.size()) list += fmt::format(" and {} other topics", counts.size() - told.size());
  return list;
}

/// No record that metadata does not name is ever deleted (C-9).
Result<void> set_aside(log::LogDir& dir, const TopicPartition& name, env::Random& random, env::Logger& logger) {
  Uuid unique;
  random.fill(unique.bytes);
  MQ_TRY(const std::string kept, dir.set_aside(name, unique.to_string()));
  logger.warn("{} has a log that metadata does not know; it is kept as {}", name.to_string(), kept);
  return {};
}

}  // namespace

Result<Unclaimed> find_unclaimed(const log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                                 Look look) {
  Unclaimed unclaimed;
  std::set<std::pair<Uuid, PartitionId>> nameless;
  for (const auto& slot : dir.synced_partitions())
    if (!names(image, slot.first, slot.second)) nameless.insert(slot);
  const bool trusts_names = look == Look::at_names && nameless.empty();

  MQ_TRY(const auto found, dir.partitions());
  for (const TopicPartition& partition : found) {
    const cluster::Topic* topic = image.find_topic(std::string_view(partition.topic));
    const bool is_wanted = topic != nullptr && partition.partition < topic->partition_count();
    if (is_wanted && trusts_names) continue;
    const auto id = topic_id_of(dir, files, partition);
    if (is_wanted && (!id || *id == topic->id)) continue;
    if (id && image.tombstones().contains(*id)) {
      unclaimed.deleted[*id].push_back(partition);  // its deletion was answered, or would have been
      continue;
    }
    const bool was_synced = id && nameless.erase({*id, PartitionId{partition.partition}}) > 0;
    unclaimed.unknown.push_back({.name = partition, .topic_id = id, .was_synced = was_synced});
  }
  unclaimed.slots_without_log.assign(nameless.begin(), nameless.end());
  return unclaimed;
}

std::optional<std::string> store_went_back(const log::LogDir& dir, const Unclaimed& unclaimed, std::int64_t revision) {
  const auto remembered = dir.metadata_revision();
  const bool is_older = remembered && *remembered > revision;
  if (!is_older && std::ranges::none_of(unclaimed.unknown, &Unclaimed::Log::was_synced)) return std::nullopt;
  std::string what = "does not know logs that it has named once";
  if (is_older)
    what = *remembered == kBeingAccepted
               ? "was accepted by a start that did not come to its end"
               : fmt::format("is at revision {}, and revision {} was on disk once", revision, *remembered);
  if (!unclaimed.unknown.empty()) what += fmt::format("; unknown to it are {}", list_topics(unclaimed.unknown));
  return what;
}

Result<Tidied> tidy_up(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                       const Unclaimed& unclaimed, env::Random& random, env::Logger& logger) {
  // One directory that cannot be moved must not keep all others from being served.
  const auto leave = [&logger](const Error& error) {
    logger.warn("a directory cannot be tidied away: {}; it is left, and the next start tries again", error.message);
  };
  for (const Unclaimed::Log& log : unclaimed.unknown) {
    if (auto kept = set_aside(dir, log.name, random, logger); !kept) leave(kept.error());
    if (log.topic_id) dir.forget_synced(*log.topic_id, PartitionId{log.name.partition});
  }
  for (const auto& [topic_id, partition] : unclaimed.slots_without_log) dir.forget_synced(topic_id, partition);
  MQ_CHECK(dir.sync_names());
  // What a crash leaves of a creation, once for each, now and in earlier versions.
  Tidied tidied;
  MQ_TRY(const auto strays, dir.strays());
  for (const std::string& name : strays) {
    const bool is_empty = log::is_without_record(files, dir.path() + "/" + name).value_or(false);
    const auto removed = is_empty ? dir.remove_directory(name) : Result<void>{};
    if (!removed) leave(removed.error());
    if (is_empty && removed) {
      logger.info("{} is removed: no record is in it", name);
    } else {
      ++tidied.strays;
    }
  }

  for (const auto& [id, partitions] : unclaimed.deleted) {
    MQ_TRY(const log::LogDir::Removal begun, dir.begin_removal(partitions, id, id.to_string()));
    std::ranges::for_each(begun.failures, leave);
    if (!begun.failures.empty()) tidied.deleted_left.insert(id);
  }
  MQ_TRY(const auto removals, dir.removals());
  for (const std::string& name : removals)
    if (auto removed = dir.remove_directory(name); !removed) leave(removed.error());
  MQ_TRY(const auto still_there, dir.removals());
  for (const auto& [id, tombstone] : image.tombstones()) {
    const bool is_there = std::ranges::any_of(still_there, [text = id.to_string()](const std::string& directory) {
      return directory.find(text) != std::string::npos;
    });
    if (is_there) tidied.deleted_left.insert(id);
  }
  return tidied;
}

Result<void> clear_the_way(log::LogDir& dir, env::Files& files, const cluster::ClusterImage& image,
                           const TopicPartition& name, env::Random& random, env::Logger& logger) {
  const auto id = topic_id_of(dir, files, name);
  if (!id || !image.tombstones().contains(*id)) return set_aside(dir, name, random, logger);
  MQ_TRY(const log::LogDir::Removal begun, dir.begin_removal({&name, 1}, *id, id->to_string()));
  return begun.failures.empty() ? Result<void>{} : fail(begun.failures.front());
}

}  // namespace mq::broker
