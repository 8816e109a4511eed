#include "broker/topics.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "broker_fixture.h"
#include "cluster/keys.h"
#include "cluster/values.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;

class TopicsTest : public BrokerTest {
 protected:
  TopicOutcome change(const std::string& topic, const std::string& key, const std::string& value) {
    return world_->run(*machine_,
                       node_->topics().change_config(
                           topic,
                           [&](std::map<std::string, std::string>& configs) -> Result<void> {
                             configs[key] = value;
                             return {};
                           },
                           false),
                       1min);
  }
  TopicOutcome remove(const std::string& topic) { return world_->run(*machine_, node_->topics().remove(topic), 1min); }
  [[nodiscard]] const cluster::Topic* find(const std::string& topic) {
    return node_->first_shard().image()->find_topic(std::string_view(topic));
  }
  /// The keys of the metadata store that speak of topics, and the directories of the topic.
  std::vector<std::string> traces(const std::string& topic) {
    std::vector<std::string> found;
    const auto listing = world_->run(*machine_, meta::list_all(node_->store(), ""), 1min);
    for (const meta::KeyValue& entry : listing.value().entries)
      if (entry.key.starts_with("topics/") || entry.key.starts_with("partitions/") ||
          entry.key.starts_with("tombstones/"))
        found.push_back(entry.key);
    for (const env::DirEntry& entry : machine_->files().list(config_.data_dir).value())
      if (entry.name.starts_with(topic)) found.push_back(entry.name);
    for (const auto& [id, tombstone] : node_->first_shard().image()->tombstones())
      found.push_back("known as deleted: " + tombstone.name);
    return found;
  }
  void kill_and_start() {
    broker_->kill();
    start_node();
  }
  /// Each record in a batch of its own, few keys.
  void produce(const std::string& topic, int records, std::int16_t acks = -1) {
    const auto send = [](sim::Machine& machine, std::string to, int count,
                         std::int16_t acks_wanted) -> awaitable<bool> {
      auto peer = co_await testing::Peer::connect(machine);
      for (int i = 0; i < count; ++i) {
        record::BatchBuilder builder({.codec = record::Codec::none});
        builder.add(1'700'000'000'000, std::to_string(i % 3), "a value");
        const std::string batch = builder.finish({}).value();
        const auto answer = co_await peer->call(testing::produce_request(to, 0, batch, acks_wanted), ApiVersion{9});
        EXPECT_EQ(testing::only_row(answer).error_code, ErrorCode::kNone);
      }
      peer->close();
      co_return true;
    };
    run(send(*client_, topic, records, acks));
  }
  /// Records that its first partition would serve.
  int records_of(const std::string& topic) {
    log::Log& log = partition(topic, 0).log();
    int records = 0;
    for (Offset from = log.log_start(); from < log.log_end();) {
      const auto range = log.read(from, 1 << 20, log.log_end(), true);
      EXPECT_TRUE(range) << range.error().message;
      if (!range || range->empty()) break;
      EXPECT_FALSE(log::verify(*range).damage);
      const std::string bytes = log::read_bytes(*range).value();
      record::BatchReader batches(bytes);
      while (const auto batch = batches.next().value()) {
        records += batch->header().record_count;
        from = batch->header().next_offset();
      }
    }
    return records;
  }
  std::optional<std::string> stored(const std::string& key) {
    const auto entry = world_->run(*machine_, node_->store().get(key), 1min).value();
    return entry ? std::optional(entry->value) : std::nullopt;
  }
  /// The first step of a deletion, and no other.
  void bury(const std::string& topic) {
    commit({cluster::put_tombstone(find(topic)->id, {.name = topic, .waiting = {config_.node_id}}),
            meta::Op::erase(cluster::topic_key(topic))});
  }
  void commit(std::vector<meta::Op> ops) {
    meta::Transaction transaction{.compares = {}, .ops = std::move(ops), .write_id = {}};
    ASSERT_TRUE(world_->run(*machine_, node_->store().transact(std::move(transaction)), 1min));
  }
};

class TopicDeletions : public TopicsTest, public ::testing::WithParamInterface<int> {};

TEST_F(TopicsTest, AnInternalTopicHasItsOwnSettingsWhoeverNamesItFirst) {
  start();
  create_topic("__consumer_offsets", 7, {{"mq.flush", "async"}, {"cleanup.policy", "delete"}});
  const cluster::Topic* topic = node_->first_shard().image()->find_topic(std::string_view("__consumer_offsets"));
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic->partition_count(), 2);  // offsets.topic.num.partitions of this broker
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().flush_on_ack);
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().cleanup_compact);
}

TEST_F(TopicsTest, ManyMadeByOneRequestWaitForTheDiskLikeAFew) {
  start();
  const auto seconds_to_make = [&](const std::string& prefix, int count) {
    std::vector<NewTopic> wanted;
    for (int i = 0; i < count; ++i) wanted.push_back({.name = fmt::format("{}-{}", prefix, i), .partitions = 3});
    const Instant begun = world_->now();
    for (const TopicOutcome& outcome : world_->run(*machine_, node_->topics().create(std::move(wanted), false), 1min))
      EXPECT_EQ(outcome.error, ErrorCode::kNone) << outcome.message;
    return world_->now() - begun;
  };
  Duration twenty{};
  for (int i = 0; i < 20; ++i) twenty += seconds_to_make(fmt::format("single-{}", i), 1);
  EXPECT_GT(twenty, Duration::zero());
  EXPECT_LT(seconds_to_make("flood", 400), twenty);
}

TEST_F(TopicsTest, WhatOffsetsRestOnCannotBeChanged) {
  start();
  create_topic("__consumer_offsets", 1);
  EXPECT_EQ(change("__consumer_offsets", "mq.flush", "async").error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(change("__consumer_offsets", "cleanup.policy", "delete").error, ErrorCode::kInvalidConfig);
  EXPECT_EQ(change("__consumer_offsets", "segment.bytes", "1048576").error, ErrorCode::kNone);
  EXPECT_TRUE(partition("__consumer_offsets", 0).log().config().flush_on_ack);
}

TEST_F(TopicsTest, ADeletedOneLeavesNothingInMetadataWhenItsFilesAreGone) {
  start();
  create_topic("gone", 600);
  EXPECT_EQ(traces("gone").size(), 1U + 600 + 600);
  EXPECT_EQ(remove("gone").error, ErrorCode::kNone);
  EXPECT_EQ(find("gone"), nullptr);
  world_->run_for(1min);
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_F(TopicsTest, ADeletionCutOffAfterItsFirstTransactionIsFinishedAtTheNextStart) {
  start();
  create_topic("gone", 600);
  bury("gone");
  kill_and_start();
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_F(TopicsTest, ACreationCutOffBeforeItsTopicKeyLeavesNothing) {
  start();
  create_topic("whole", 1);
  const Uuid id{.bytes = {1, 2, 3}};
  commit(
      {cluster::put_creation(id, {.topic = "half", .maker = config_.node_id, .maker_epoch = cluster::BrokerEpoch{1}}),
       cluster::put_partition(id, 0, find("whole")->partitions[0])});
  kill_and_start();
  EXPECT_EQ(stored(cluster::creating_key(id)), std::nullopt);
  EXPECT_EQ(stored(cluster::partition_key(id, 0)), std::nullopt);
  EXPECT_TRUE(node_->first_shard().image()->creations().empty());
  EXPECT_TRUE(node_->first_shard().image()->loose_partitions().empty());
  EXPECT_FALSE(machine_->files().exists("/var/lib/mq/half-0").value());
}

TEST_F(TopicsTest, ALogWithRecordsThatMetadataDoesNotKnowIsKept) {
  start();
  ASSERT_TRUE(machine_->files().make_directories("/var/lib/mq/half-0/somebody-s"));
  ASSERT_TRUE(machine_->files().make_directories("/var/lib/mq/half-1"));
  auto file = machine_->files().open("/var/lib/mq/half-1/00000000000000000000.log", env::OpenMode::create).value();
  ASSERT_TRUE(file->write_at(0, "not nothing"));
  file.reset();
  ASSERT_TRUE(machine_->files().make_directories("/var/lib/mq/half-0.AAAAAAAAAAAAAAAAAAAAAA-stray"));
  for (int round = 0; round < 2; ++round) {
    kill_and_start();
    const auto left = traces("half");
    ASSERT_EQ(left.size(), 2U) << "a stray of an earlier version that is empty goes, what may hold something does not";
    for (const std::string& name : left) EXPECT_TRUE(name.ends_with("-stray")) << name;
  }
}

TEST_F(TopicsTest, ADirectoryThatCannotBeRenamedKeepsTheTombstoneUntilTheNextStart) {
  start();
  create_topic("gone", 2);
  machine_->disk().inject({.on = sim::DiskFault::On::sync_directory, .path_part = "/var/lib/mq"});
  EXPECT_EQ(remove("gone").error, ErrorCode::kNone);
  world_->run_for(1s);
  EXPECT_EQ(node_->first_shard().image()->tombstones().size(), 1U);
  kill_and_start();
  EXPECT_EQ(traces("gone"), std::vector<std::string>{});
}

TEST_F(TopicsTest, OneWithTheLongestNameCanBeDeletedMadeAgainAndSetAside) {
  start();
  for (const std::size_t length : {222U, 223U, 224U, 225U, 249U}) {
    const std::string name(length, 'b');
    create_topic(name, 101);
    produce(name, 3);
    ASSERT_EQ(remove(name).error, ErrorCode::kNone);
    create_topic(name, 1);
    produce(name, 2);
    EXPECT_EQ(records_of(name), 2);
    ASSERT_EQ(remove(name).error, ErrorCode::kNone);
    world_->run_for(1min);
    EXPECT_EQ(traces(name.substr(0, 200)), std::vector<std::string>{});
  }
  // A directory that no metadata names comes to be when somebody puts it there.
  const std::string name(249, 'c');
  ASSERT_TRUE(machine_->files().make_directories("/var/lib/mq/" + name + "-0/whatever"));
  kill_and_start();
  const auto left = traces(name.substr(0, 200));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(left.front().ends_with("-stray")) << left.front();
}

TEST_F(TopicsTest, ADeletionOfTheLongestNameIsFinishedAtTheNextStart) {
  start();
  const std::string name(249, 'b');
  create_topic(name, 2);
  bury(name);
  kill_and_start();
  EXPECT_EQ(traces(name.substr(0, 200)), std::vector<std::string>{});
}

TEST_F(TopicsTest, ADirectoryThatCouldNotBeMovedIsNotInTheWayOfANewTopicOfItsName) {
  start();
  create_topic("t", 2);
  produce("t", 3);
  machine_->disk().inject({.on = sim::DiskFault::On::rename, .path_part = "/t-0", .times = 2, .code = Errc::refused});
  ASSERT_EQ(remove("t").error, ErrorCode::kNone);
  world_->run_for(1s);
  EXPECT_TRUE(machine_->files().exists("/var/lib/mq/t-0").value());
  std::vector<NewTopic> wanted(1);
  wanted.front().name = "t";
  const auto refused = world_->run(*machine_, node_->topics().create(wanted, false), 1min);
  EXPECT_NE(refused.front().error, ErrorCode::kNone);
  EXPECT_NE(refused.front().error, ErrorCode::kTopicAlreadyExists);
  create_topic("t", 1);
  produce("t", 1);
  kill_and_start();
  EXPECT_EQ(records_of("t"), 1);
  EXPECT_EQ(node_->first_shard().image()->tombstones().size(), 0U);
}

TEST_F(TopicsTest, ADirectoryThatSomebodyPutInTheWayOfANewTopicIsKept) {
  start();
  const std::string log = "/var/lib/mq/t-0/00000000000000000000.log";
  ASSERT_TRUE(machine_->files().make_directories("/var/lib/mq/t-0"));
  ASSERT_TRUE(machine_->files().open(log, env::OpenMode::create).value()->write_at(0, "somebody's"));
  machine_->disk().inject({.on = sim::DiskFault::On::rename, .path_part = "/t-0", .code = Errc::refused});
  std::vector<NewTopic> wanted(1);
  wanted.front().name = "t";
  EXPECT_NE(world_->run(*machine_, node_->topics().create(wanted, false), 1min).front().error, ErrorCode::kNone);
  world_->run_for(1s);
  EXPECT_EQ(env::read_whole(machine_->files(), log).value(), "somebody's") << "it is not taken for a creation of ours";
  create_topic("t", 1);
  produce("t", 1);
  EXPECT_EQ(records_of("t"), 1);
  const auto left = traces("t-0.");
  ASSERT_EQ(left.size(), 3U) << "two keys of the new topic, and the directory";
  EXPECT_TRUE(left.back().ends_with("-stray")) << left.back();
}

TEST_F(TopicsTest, DirectoriesThatCannotBeMovedAreLeftAndTriedAgainAtTheNextStart) {
  start();
  create_topic("gone", 3);
  for (const char* directory : {"/var/lib/mq/unknown-0/x", "/var/lib/mq/unknown-1/x"})
    ASSERT_TRUE(machine_->files().make_directories(directory));
  create_topic("kept", 1);
  produce("kept", 5);
  bury("gone");
  for (const char* directory : {"/gone-1", "/unknown-0"})
    machine_->disk().inject({.on = sim::DiskFault::On::rename, .path_part = directory, .code = Errc::refused});
  kill_and_start();
  EXPECT_EQ(records_of("kept"), 5);
  EXPECT_EQ(traces("gone").size(), 3U + 2) << "a directory, its tombstone, that it is known; and two keys of `kept`";
  EXPECT_TRUE(logged("gone-1: injected rename error; it is left, and the next start tries again"));
  EXPECT_TRUE(machine_->files().exists("/var/lib/mq/unknown-0").value());
  kill_and_start();
  EXPECT_EQ(traces("gone").size(), 2U);
  EXPECT_FALSE(machine_->files().exists("/var/lib/mq/unknown-0").value());
}

TEST_P(TopicDeletions, CutOffAnywhereAreAsIfNeverBegunOrFinishedAfterTheNextStart) {
  start({}, static_cast<std::uint64_t>(GetParam()));
  create_topic("gone", 300);
  machine_->spawn([](Topics& topics) -> awaitable<void> { (void)co_await topics.remove("gone"); }(node_->topics()));
  world_->run_for(std::chrono::microseconds(world_->rng().below(20'000)));
  kill_and_start();
  if (find("gone") != nullptr) {
    EXPECT_EQ(traces("gone").size(), 1U + 300 + 300);
  } else {
    EXPECT_EQ(traces("gone"), std::vector<std::string>{});
  }
}

TEST_F(TopicsTest, OneMadeAnewInheritsNothingOfADeletedOneOfItsName) {
  start();
  create_topic("t", 1, {{"segment.bytes", "1000"}, {"retention.bytes", "1000"}});
  produce("t", 50);
  world_->run_for(1min);  // retention has moved the start, and the checkpoints say so
  ASSERT_GT(partition("t", 0).log().log_start(), Offset{20});
  ASSERT_EQ(remove("t").error, ErrorCode::kNone);
  create_topic("t", 1);
  produce("t", 3);
  kill_and_start();
  EXPECT_EQ(records_of("t"), 3);
  EXPECT_EQ(log_end("t"), 3);
  EXPECT_TRUE(partition("t", 0).log().damage().empty());
}

TEST_F(TopicsTest, ACompactedOneThatIsKeptForEverIsCompactedAlsoWhenItIsIdle) {
  start();
  create_topic("t", 1, {{"cleanup.policy", "compact"}, {"retention.ms", "-1"}, {"max.compaction.lag.ms", "60000"}});
  produce("t", 40);
  world_->run_for(10min);
  EXPECT_EQ(records_of("t"), 3);
}

TEST_F(TopicsTest, WantOfDescriptorsPutsASyncOffAndTheAnswerToo) {
  start();
  create_topic("t", 1);
  machine_->disk().inject(
      {.on = sim::DiskFault::On::sync_directory, .path_part = "/t-0", .times = 3, .code = Errc::too_many_files});
  produce("t", 2);
  EXPECT_FALSE(node_->is_offline());
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{2});
}

TEST_F(TopicsTest, WhatSomebodyElseChangedInTheStoreIsNotOverwrittenButPlannedWith) {
  start();
  create_topic("t", 2);
  const auto set_by_somebody_else = [&](const std::string& key, const std::string& value) {
    cluster::Topic foreign = *find("t");
    foreign.configs[key] = value;
    commit({cluster::put_topic(foreign)});
  };
  set_by_somebody_else("retention.bytes", "1234");
  EXPECT_EQ(change("t", "retention.ms", "99").error, ErrorCode::kNone);
  for (int starts = 0; starts < 2; ++starts) {
    EXPECT_EQ(find("t")->configs, (cluster::ConfigMap{{"retention.bytes", "1234"}, {"retention.ms", "99"}}));
    EXPECT_EQ(stored(cluster::topic_key("t")), *cluster::put_topic(*find("t")).value);
    restart();
  }

  set_by_somebody_else("segment.bytes", "5000");
  EXPECT_EQ(world_->run(*machine_, node_->topics().add_partitions("t", 5, {}, false), 1min).error, ErrorCode::kNone);
  EXPECT_EQ(find("t")->partition_count(), 5);
  EXPECT_EQ(find("t")->configs.at("segment.bytes"), "5000");
  EXPECT_EQ(stored(cluster::topic_key("t")), *cluster::put_topic(*find("t")).value);
  EXPECT_EQ(log_end("t", 4), 0);

  set_by_somebody_else("segment.bytes", "6000");
  EXPECT_EQ(remove("t").error, ErrorCode::kNone);
  world_->run_for(1min);
  EXPECT_EQ(traces("t-"), std::vector<std::string>{});
  EXPECT_EQ(stored(cluster::topic_key("t")), std::nullopt);
}

TEST_F(TopicsTest, ANameThatSomebodyElseMadeInTheStoreIsNotMadeAgain) {
  start();
  create_topic("t", 1);
  cluster::Topic foreign = *find("t");
  foreign.name = "taken";
  foreign.id.bytes[0] ^= 1;
  commit(cluster::put_whole_topic(foreign));
  std::vector<NewTopic> wanted(1);
  wanted.front().name = "taken";
  EXPECT_EQ(world_->run(*machine_, node_->topics().create(std::move(wanted), false), 1min).front().error,
            ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(stored(cluster::topic_key("taken")), *cluster::put_topic(foreign).value) << "as it was";
  for (int starts = 0; starts < 2; ++starts) {
    EXPECT_EQ(find("taken")->id, foreign.id);
    EXPECT_EQ(log_end("taken"), 0) << "what metadata names is made, whoever named it";
    restart();
  }
}

TEST_P(TopicDeletions, AmidWorkOnTheFilesTouchNothingOfOneMadeAnew) {
  start([](NodeConfig& config) { config.housekeeping_interval = 1ms; }, static_cast<std::uint64_t>(GetParam()));
  for (int round = 0; round < 5; ++round) {
    create_topic("t", 1, {{"segment.bytes", "500"}, {"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
    produce("t", 40, /*acks=*/1);
    world_->run_for(std::chrono::microseconds(world_->rng().below(6'000)));
    ASSERT_EQ(remove("t").error, ErrorCode::kNone);
    create_topic("t", 1, {{"segment.bytes", "500"}});
    produce("t", 20);
    world_->run_for(20ms);
    EXPECT_EQ(records_of("t"), 20);
    kill_and_start();
    EXPECT_EQ(records_of("t"), 20);
    EXPECT_EQ(log_end("t"), 20);
    EXPECT_TRUE(partition("t", 0).log().damage().empty());
    ASSERT_EQ(remove("t").error, ErrorCode::kNone);
  }
  EXPECT_FALSE(node_->is_offline());
  EXPECT_FALSE(logged("offline"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, TopicDeletions, ::testing::Range(1, 13));

}  // namespace
}  // namespace mq::broker
