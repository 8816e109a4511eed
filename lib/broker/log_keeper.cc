#include "broker/log_keeper.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/settings.h"
#include "log/directory_contents.h"

// How a log comes to be, each step durable before the next begins:
//
//   metadata names it - its directory - its slot of synced ends - its shard has it - somebody is answered
//
// and how it goes: metadata has a tombstone instead - no shard has it - its directory has another name and its slot is
// free - its files are removed - the tombstone is erased. A crash may cut both anywhere; the next start goes on.

namespace mq::broker {
namespace {

/// How many directories one job of the pool makes or renames: other jobs wait meanwhile.
constexpr std::size_t kDirectoriesPerJob = 256;

}  // namespace

awaitable<std::vector<Result<void>>> LogKeeper::make(std::vector<WantedLogs> wanted, ImagePtr image) {
  std::vector<Result<void>> outcomes;
  Logs made;
  for (const WantedLogs& topic : wanted) {
    auto logs = co_await make_directories(topic, image);
    outcomes.push_back(logs ? Result<void>{} : fail(logs.error()));
    if (logs) std::ranges::move(*logs, std::back_inserter(made));
  }
  if (made.empty()) co_return outcomes;
  const auto durable = co_await node_.disk_pool().run(node_.home(), [&] { return make_durable(made); });
  if (durable) {
    (void)co_await shards_.put(std::move(made), std::move(image));
    co_return outcomes;
  }
  MQ_MARK("broker: new logs cannot be made durable");
  if (durable.error().code == Errc::disk_failed) node_.disk_health.disk_failed(durable.error());
  if (durable.error().code == Errc::disk_full) node_.disk_space.found_full(durable.error());
  made.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!outcomes[i]) continue;
    outcomes[i] = fail(durable.error());
    co_await discard(std::move(wanted[i]));
  }
  co_return outcomes;
}

awaitable<Result<LogKeeper::Logs>> LogKeeper::make_directories(const WantedLogs& wanted, ImagePtr image) {
  const auto config = resolve_settings(wanted.topic->configs, node_.config())->log;
  Logs made;
  const auto make_some = [&](std::span<const WantedLogs::Log> some) -> Result<void> {
    for (const WantedLogs::Log& log : some) {
      MQ_TRY(auto one, make_directory(*wanted.topic, log, config, *image));
      made.push_back(std::move(one));
    }
    return {};
  };
  for (std::span<const WantedLogs::Log> rest = wanted.logs; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kDirectoriesPerJob));
    rest = rest.subspan(some.size());
    auto done = co_await node_.disk_pool().run(node_.home(), [&] { return make_some(some); });
    if (done) continue;
    MQ_MARK("broker: the directory of a new log cannot be made");
    if (done.error().code == Errc::disk_failed) node_.disk_health.disk_failed(done.error());
    if (done.error().code == Errc::disk_full) node_.disk_space.found_full(done.error());
    // Of the one that failed something may be there, too.
    WantedLogs begun{.topic = wanted.topic, .logs = wanted.logs};
    begun.logs.resize(made.size() + 1);
    made.clear();
    co_await discard(std::move(begun));
    co_return std::unexpected(std::move(done).error());
  }
  co_return made;
}

Result<std::unique_ptr<log::Log>> LogKeeper::make_directory(const cluster::Topic& topic, const WantedLogs::Log& wanted,
                                                            const std::shared_ptr<const log::LogConfig>& config,
                                                            const cluster::ClusterImage& image) const {
  const TopicPartition name{topic.name, wanted.partition};
  const auto create = [&] {
    return log::Log::create(shards_.files_of(topic.id, wanted.partition), node_.log_dir().directory_of(name), name,
                            topic.id, config, wanted.start);
  };
  auto log = create();
  const bool is_taken = !log && (log.error().code == Errc::already_exists || log.error().code == Errc::conflict);
  if (!is_taken) return log;
  MQ_CHECK(
      clear_the_way(node_.log_dir(), node_.machine.files, image, name, topic.id, node_.machine.random, node_.logger()));
  return create();
}

Result<void> LogKeeper::make_durable(const Logs& made) const {
  log::LogDir& dir = node_.log_dir();
  std::vector<TopicPartition> names;
  for (const auto& log : made) names.push_back(log->partition());
  // A slot without its directory would say that the log was here and is lost (D-9).
  if (!is_mutant("newlogunsynced")) MQ_CHECK(dir.sync_new(names));
  bool begins_late = false;
  for (const auto& log : made) {
    const Offset start = log->log_start();
    dir.note_synced(log->topic_id(), PartitionId{log->partition().partition}, start);
    if (start == Offset{0}) continue;
    // Else the next start would take what is missing before it for damage.
    dir.set_log_start(log->partition(), start);
    begins_late = true;
  }
  if (begins_late) MQ_CHECK(dir.write_checkpoints());
  return dir.sync_synced_ends();
}

// --- At a start ------------------------------------------------------------------------------------------------------

awaitable<Result<Tidied>> LogKeeper::tidy(const Differences& found, ImagePtr image) {
  co_return co_await node_.disk_pool().run(node_.home(), [&]() -> Result<Tidied> {
    log::LogDir& dir = node_.log_dir();
    MQ_TRY(Tidied tidied, tidy_up(dir, node_.machine.files, *image, found, node_.machine.random, node_.logger()));
    // The stop came between its directory and its slot.
    for (const auto& [topic, partition] : found.without_slot) dir.note_synced(topic, partition, Offset{0});
    if (!found.without_slot.empty()) MQ_MARK("broker: a start gives a log its slot");
    if (!found.without_slot.empty()) MQ_CHECK(dir.sync_synced_ends());
    return tidied;
  });
}

awaitable<Result<std::vector<Differences::Missing>>> LogKeeper::make_missing(std::vector<Differences::Missing> missing,
                                                                             ImagePtr image) {
  std::vector<WantedLogs> wanted;
  std::vector<std::vector<Differences::Missing>> of_topics;
  for (Differences::Missing& log : missing) {
    const cluster::TopicPtr topic = image->share_topic(log.topic->id);
    if (!topic || topic->find_partition(log.partition) == nullptr) continue;
    if (wanted.empty() || wanted.back().topic != topic) {
      wanted.push_back({.topic = topic, .logs = {}});
      of_topics.emplace_back();
    }
    wanted.back().logs.push_back({.partition = log.partition, .start = log.start});
    of_topics.back().push_back(std::move(log));
  }
  // What a start put off may have been made meanwhile, when metadata changed.
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::vector<std::int32_t> indexes;
    for (const WantedLogs::Log& log : wanted[i].logs) indexes.push_back(log.partition);
    const auto lacking = co_await shards_.without_log(wanted[i].topic->id, std::move(indexes));
    const auto is_there = [&](const auto& log) { return !std::ranges::binary_search(lacking, log.partition); };
    std::erase_if(wanted[i].logs, is_there);
    std::erase_if(of_topics[i], is_there);
  }
  std::vector<Differences::Missing> left;
  const auto outcomes = co_await make(std::move(wanted), std::move(image));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i] && outcomes[i].error().code != Errc::disk_full) co_return fail(outcomes[i].error());
    if (outcomes[i]) {
      for (const Differences::Missing& log : of_topics[i]) tell_made(log);
    } else {
      std::ranges::move(of_topics[i], std::back_inserter(left));
    }
  }
  co_return left;
}

awaitable<Result<void>> LogKeeper::settle() {
  if (node_.log_dir().are_slots_whole()) co_return Result<void>{};
  MQ_MARK("broker: it is settled which logs there are");
  co_return co_await node_.disk_pool().run(node_.home(), [this] { return node_.log_dir().settle_slots(); });
}

void LogKeeper::tell_made(const Differences::Missing& log) const {
  const TopicPartition name{log.topic->name, log.partition};
  if (log.is_lost) MQ_MARK("broker: a log that was lost is made again");
  if (!log.is_lost) MQ_MARK("broker: a log that metadata named is made at a start");
  if (!log.is_lost) return node_.logger().info("{} was not made yet; it is now", name.to_string());
  node_.logger().error("{}: the log of {} is gone; it goes on at offset {} with a new leader epoch",
                       node_.log_dir().directory_of(name), name.to_string(), log.start.value());
}

// --- Away with them --------------------------------------------------------------------------------------------------

awaitable<LogKeeper::Removal> LogKeeper::begin_removal(cluster::TopicPtr topic) {
  (void)co_await shards_.take(topic->id);
  std::vector<TopicPartition> names;
  for (std::int32_t index = 0; index < topic->partition_count(); ++index) names.push_back({topic->name, index});
  co_return co_await rename(*topic, std::move(names));
}

awaitable<LogKeeper::Removal> LogKeeper::begin_removal(cluster::TopicPtr topic, std::vector<std::int32_t> partitions) {
  (void)co_await shards_.take(topic->id, partitions);
  std::vector<TopicPartition> names;
  for (const std::int32_t index : partitions) names.push_back({topic->name, index});
  co_return co_await rename(*topic, std::move(names));
}

awaitable<void> LogKeeper::set_aside(cluster::TopicPtr topic, std::vector<std::int32_t> partitions) {
  (void)co_await shards_.take(topic->id, partitions);
  for (const std::int32_t index : partitions) {
    const TopicPartition name{topic->name, index};
    const auto kept = co_await node_.disk_pool().run(node_.home(), [&] {
      return broker::set_aside(node_.log_dir(), name, topic->id, node_.machine.random, node_.logger());
    });
    if (!kept)
      node_.logger().warn("{} cannot be set aside: {}; the next start tries again", name.to_string(),
                          kept.error().message);
  }
}

awaitable<LogKeeper::Removal> LogKeeper::rename(const cluster::Topic& topic, std::vector<TopicPartition> names) {
  Removal renamed;
  for (std::span<const TopicPartition> rest = names; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kDirectoriesPerJob));
    rest = rest.subspan(some.size());
    auto begun = co_await node_.disk_pool().run(
        node_.home(), [&] { return node_.log_dir().begin_removal(some, topic.id, topic.id.to_string()); });
    if (begun) std::ranges::move(begun->directories, std::back_inserter(renamed.directories));
    if (begun && begun->failures.empty()) continue;
    renamed.are_all = false;
    MQ_MARK("broker: the directories of a deleted topic cannot be renamed");
    node_.logger().warn("the directories of {} could not all be renamed: {}; the next start tries again", topic.name,
                        begun ? begun->failures.front().message : begun.error().message);
  }
  co_return renamed;
}

awaitable<bool> LogKeeper::finish_removal(Removal removal) {
  bool all = removal.are_all;
  for (const std::string& directory : removal.directories) {
    if (node_.life.is_stopping()) co_return false;  // the next start goes on
    MQ_MARK("broker: the files of a deleted topic are removed");
    const auto gone =
        co_await node_.disk_pool().run(node_.home(), [&] { return node_.log_dir().remove_directory(directory); });
    if (gone) continue;
    all = false;
    node_.logger().warn("the files of a deleted topic could not be removed: {}; the next start tries again",
                        gone.error().message);
  }
  co_return all;
}

awaitable<void> LogKeeper::discard(WantedLogs wanted) {
  std::vector<TopicPartition> names;
  for (const WantedLogs::Log& log : wanted.logs) names.push_back({wanted.topic->name, log.partition});
  MQ_MARK("broker: logs that could not be made are taken away");
  co_await node_.disk_pool().run(node_.home(), [&] {
    std::erase_if(names, [&](const TopicPartition& name) {
      return !log::is_without_record(node_.machine.files, node_.log_dir().directory_of(name)).value_or(false);
    });
    return true;
  });
  (void)co_await finish_removal(co_await rename(*wanted.topic, std::move(names)));
}

}  // namespace mq::broker
