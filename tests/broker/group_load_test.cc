// What the groups of a broker are after it was started anew, on good and on damaged partitions of __consumer_offsets.

#include <map>
#include <utility>

#include "broker_fixture.h"
#include "group/partition_for.h"
#include "group/records.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"

namespace mq::broker {
namespace {

using testing::Peer;

constexpr std::int64_t kNone = -1;
const std::string kGroup = "readers";
const std::string kOffsets{kOffsetsTopic};
const std::string kCleanMarker = "/var/lib/mq/.kafka_cleanshutdown";

awaitable<void> find_coordinator(sim::Machine& client) {
  auto peer = co_await Peer::connect(client);
  wire::FindCoordinatorRequest request;
  request.key = kGroup;
  const auto found = co_await peer->call(request, 3);
  EXPECT_EQ(found.error_code, ErrorCode::kNone);
}

awaitable<ErrorCode> send_commit(sim::Machine& client, std::string group, std::int32_t partition, std::int64_t offset) {
  auto peer = co_await Peer::connect(client);
  wire::OffsetCommitRequest request;
  request.group_id = std::move(group);
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.partition_index = partition, .committed_offset = offset});
  const auto answer = co_await peer->call(request, 8);
  co_return answer.topics.at(0).partitions.at(0).error_code;
}

struct Fetched {
  ErrorCode error = ErrorCode::kNone;
  std::int64_t offset = kNone;
};

awaitable<Fetched> send_fetch(sim::Machine& client, std::string group, std::int32_t partition) {
  auto peer = co_await Peer::connect(client);
  wire::OffsetFetchRequest request;
  request.group_id = std::move(group);
  request.topics.emplace().push_back({.name = "t", .partition_indexes = {partition}});
  const auto answer = co_await peer->call(request, 7);
  if (answer.error_code != ErrorCode::kNone) co_return Fetched{.error = answer.error_code};
  co_return Fetched{.offset = answer.topics.at(0).partitions.at(0).committed_offset};
}

class GroupLoad : public testing::BrokerTest {
 protected:
  void SetUp() override {
    start();
    create_topic("t", 500);
    run(find_coordinator(*client_));
  }

  void commit(std::int64_t offset, std::int32_t partition = 0) {
    EXPECT_EQ(run(send_commit(*client_, kGroup, partition, offset)), ErrorCode::kNone);
  }
  /// Once loading is over one way or the other.
  Fetched fetch(std::int32_t partition = 0, const std::string& group = kGroup) {
    world_->run_for(1s);
    return run(send_fetch(*client_, group, partition));
  }
  void expect_unavailable() {
    EXPECT_EQ(fetch().error, ErrorCode::kCoordinatorLoadInProgress);
    EXPECT_EQ(run(send_commit(*client_, kGroup, 0, 1)), ErrorCode::kCoordinatorLoadInProgress);
    EXPECT_TRUE(logged("its groups cannot be loaded and are not served"));
    EXPECT_TRUE(logged("mqctl segment verify " + directory()));
    // Others are not affected.
    EXPECT_EQ(fetch(0, other_group()).error, ErrorCode::kNone);
  }

  [[nodiscard]] static std::int32_t home() { return group::partition_for(kGroup, 2); }
  [[nodiscard]] static std::string other_group() {
    std::string name = "others";
    while (group::partition_for(name, 2) == home()) name += '+';
    return name;
  }
  [[nodiscard]] static std::string directory() { return "/var/lib/mq/" + kOffsets + "-" + std::to_string(home()); }
  [[nodiscard]] static std::string segment() { return directory() + "/00000000000000000000.log"; }
  [[nodiscard]] std::uint64_t segment_bytes() { return partition(kOffsets, home()).log().size_bytes(); }

  /// Puts records into the group's partition of __consumer_offsets as one batch.
  void write(const std::vector<group::Record>& records) {
    record::BatchBuilder builder;
    for (const group::Record& record : records)
      builder.add(1'700'000'000'000, BytesView(record.key),
                  record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
    std::string batch = builder.finish().value();
    Partition& to = partition(kOffsets, home());
    const auto append = [&] {
      EXPECT_TRUE(to.append(batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = 0}));
    };
    world_->run(*machine_, env::on_shard(machine_->shard(0), to.shard().shard, append), 1min);
  }
};

TEST_F(GroupLoad, CommittedOffsetsAreThereAfterARestart) {
  commit(7);
  commit(8);
  restart();
  EXPECT_EQ(fetch().offset, 8);
}

TEST_F(GroupLoad, DamagedBatchKeepsItsPartitionUnavailable) {
  commit(7);
  const std::uint64_t second = segment_bytes();
  commit(8);
  commit(9);
  restart([&](env::Files& files) {
    ASSERT_TRUE(files.open(segment(), env::OpenMode::read_write).value()->write_at(second + 80, "#"));
  });
  expect_unavailable();
  EXPECT_TRUE(logged(segment() + ":" + std::to_string(second) + ": "));
}

TEST_F(GroupLoad, BatchesMissingAtTheEndKeepTheirPartitionUnavailableAfterEveryRestart) {
  for (const bool clean : {true, false}) {
    start();
    create_topic("t", 1);
    run(find_coordinator(*client_));
    commit(7);
    const std::uint64_t second = segment_bytes();
    commit(8);
    restart([&](env::Files& files) {
      ASSERT_TRUE(files.open(segment(), env::OpenMode::read_write).value()->truncate(second));
      if (!clean) ASSERT_TRUE(files.remove(kCleanMarker));
    });
    expect_unavailable();
    // By now nothing but the ends of the log tells.
    restart();
    expect_unavailable();
  }
}

TEST_F(GroupLoad, OffsetsThatCompactionEmptiedAtTheEndAreNotMissed) {
  commit(7);
  const std::uint64_t second = segment_bytes();
  commit(8);
  const std::string end = std::to_string(log_end(kOffsets, home()));
  const std::string checkpoint = "0\n1\n" + kOffsets + " " + std::to_string(home()) + " " + end + "\n";
  const std::string newest = fmt::format("{}/{:020}.log", directory(), log_end(kOffsets, home()));
  restart([&](env::Files& files) {
    // As a compaction leaves it that found an empty newest segment.
    ASSERT_TRUE(files.open(segment(), env::OpenMode::read_write).value()->truncate(second));
    ASSERT_TRUE(files.open(newest, env::OpenMode::create));
    ASSERT_TRUE(files.open(directory() + "/mq-gaps", env::OpenMode::create).value()->write_at(0, "0\n" + end + "\n"));
    ASSERT_TRUE(files.remove("/var/lib/mq/mq-log-bytes"));
    auto file = files.open("/var/lib/mq/cleaner-offset-checkpoint", env::OpenMode::create).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, checkpoint));
  });
  EXPECT_EQ(fetch().offset, 7);
}

TEST_F(GroupLoad, DirectoryThatWasMovedAwayBeginsAnew) {
  commit(7);
  restart([&](env::Files& files) { ASSERT_TRUE(files.rename(directory(), "/var/lib/mq/aside")); });
  EXPECT_EQ(fetch().error, ErrorCode::kNone);
  EXPECT_EQ(fetch().offset, kNone);
}

TEST_F(GroupLoad, RecordOfAnotherKindIsSkippedWithAWarning) {
  commit(7);
  write({{std::string("\0\x09later", 7), "whatever"}});
  commit(8, 1);
  restart();
  EXPECT_EQ(fetch(0).offset, 7);
  EXPECT_EQ(fetch(1).offset, 8);
  EXPECT_TRUE(logged("is not understood and is skipped"));
}

TEST_F(GroupLoad, OffsetWhoseValueCannotBeReadKeepsItsPartitionUnavailable) {
  // To skip it would be to go back to 7.
  commit(7);
  group::Record record = group::offset_record(kGroup, {"t", 0}, {.offset = 8});
  ASSERT_EQ((*record.value)[1], 4);
  (*record.value)[1] = 99;
  write({record});
  restart();
  expect_unavailable();
}

TEST_F(GroupLoad, BatchLargerThanWhatIsReadAtOnceIsLoadedWhole) {
  std::vector<group::Record> records;
  for (std::int32_t i = 0; i < 500; ++i)
    records.push_back(group::offset_record(kGroup, {"t", i}, {.offset = i, .metadata = std::string(4000, 'm')}));
  commit(1000, 0);
  write(records);
  commit(1001, 1);
  ASSERT_GT(segment_bytes(), 3u << 19);
  restart();
  EXPECT_EQ(fetch(0).offset, 0);
  EXPECT_EQ(fetch(1).offset, 1001);
  EXPECT_EQ(fetch(499).offset, 499);
}

TEST_F(GroupLoad, NoShardWaitsForTheDiskWhileGroupsLoad) {
  for (int i = 0; i < 600; ++i)
    write({group::offset_record(kGroup, {"t", i % 500}, {.offset = i, .metadata = std::string(4000, 'm')})});
  restart([&](env::Files&) { machine_->disk().watch_cold_reads(); });
  EXPECT_EQ(fetch(99).offset, 599);
  EXPECT_FALSE(machine_->disk().cold_reads_on_shards().contains(segment()));
}

TEST_F(GroupLoad, ReadErrorReachesTheNodeAndTheGroupsAreReadWhenTheDiskGivesThemAgain) {
  commit(7);
  restart([&](env::Files&) {
    machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = segment(), .times = -1});
  });
  EXPECT_EQ(fetch().error, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_TRUE(logged("its groups are not served yet, since they cannot be read"));
  EXPECT_GT(node_->disk_health().failed_reads().count, 0u);
  EXPECT_FALSE(node_->is_offline());
  EXPECT_EQ(fetch(0, other_group()).error, ErrorCode::kNone) << "others are not affected";
  machine_->disk().clear_faults();
  world_->run_for(5s);
  EXPECT_EQ(fetch().offset, 7);
}

TEST_F(GroupLoad, GroupsThatCannotBeReadNowAreAskedForLater) {
  commit(7);
  restart([&](env::Files&) {
    machine_->disk().inject(
        {.on = sim::DiskFault::On::open, .path_part = segment(), .times = 3, .code = Errc::too_many_files});
  });
  EXPECT_EQ(run(send_fetch(*client_, kGroup, 0)).error, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(run(send_commit(*client_, kGroup, 0, 8)), ErrorCode::kCoordinatorLoadInProgress);
  world_->run_for(10s);
  EXPECT_EQ(fetch().offset, 7);
  EXPECT_FALSE(node_->is_offline());
  EXPECT_EQ(run(send_commit(*client_, kGroup, 0, 8)), ErrorCode::kNone);
  restart();
  EXPECT_EQ(fetch().offset, 8);
}

TEST_F(GroupLoad, TopicThatIsDeletedWhileItsOffsetsLoadTakesThemWithIt) {
  commit(7);
  restart([&](env::Files&) {
    machine_->disk().inject({.on = sim::DiskFault::On::open, .path_part = segment(), .code = Errc::too_many_files});
  });
  EXPECT_EQ(world_->run(*machine_, node_->topics().remove("t"), 100ms).error, ErrorCode::kNone);
  EXPECT_EQ(run(send_fetch(*client_, kGroup, 0)).error, ErrorCode::kCoordinatorLoadInProgress);
  create_topic("t", 1);
  EXPECT_EQ(fetch().error, ErrorCode::kNone);
  EXPECT_EQ(fetch().offset, kNone);
  restart();
  EXPECT_EQ(fetch().offset, kNone);
}

TEST_F(GroupLoad, OffsetsOfADeletedTopicAreNotThoseOfTheOneThatIsMadeAgainThoughNoTombstoneIsThere) {
  commit(7, 0);
  commit(8, 1);
  const Uuid old = node_->first_shard().image()->find_topic(std::string_view("t"))->id;
  EXPECT_EQ(world_->run(*machine_, node_->topics().remove("t"), 100ms).error, ErrorCode::kNone);
  create_topic("t", 2);
  commit(1, 1);
  EXPECT_EQ(fetch(0).offset, kNone);
  // As if a crash had taken the tombstone away.
  write({group::offset_record(kGroup, {"t", 0}, {.offset = 7, .topic_id = old})});
  restart();
  EXPECT_EQ(fetch(0).offset, kNone);
  EXPECT_EQ(fetch(1).offset, 1);
}

TEST_F(GroupLoad, OffsetsThatWereWrittenWithoutAnIdAreThoseOfTheirTopicsName) {
  write({group::offset_record(kGroup, {"t", 0}, {.offset = 7})});
  restart();
  EXPECT_EQ(fetch(0).offset, 7);
  EXPECT_EQ(world_->run(*machine_, node_->topics().remove("t"), 100ms).error, ErrorCode::kNone);
  create_topic("t", 1);
  EXPECT_EQ(fetch(0).offset, kNone);
}

TEST_F(GroupLoad, StopAmidALoadLeavesItsOffsetsToTheNextStart) {
  commit(7);
  restart([&](env::Files&) {
    machine_->disk().inject({.on = sim::DiskFault::On::open, .path_part = segment(), .code = Errc::too_many_files});
  });
  restart();
  EXPECT_EQ(fetch().offset, 7);
}

awaitable<ErrorCode> send_large_commit(sim::Machine& client) {
  auto peer = co_await Peer::connect(client);
  wire::OffsetCommitRequest request;
  request.group_id = kGroup;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  for (std::int32_t i = 0; i < 500; ++i)
    topic.partitions.push_back(
        {.partition_index = i, .committed_offset = 1, .committed_metadata = std::string(4000, 'm')});
  const auto answer = co_await peer->call(request, 8);
  for (const auto& row : answer.topics.at(0).partitions)
    EXPECT_EQ(row.error_code, answer.topics.at(0).partitions.at(0).error_code);
  co_return answer.topics.at(0).partitions.at(0).error_code;
}

TEST_F(GroupLoad, CommitLargerThanABatchOfItsTopicMayBeIsRefusedAsAWhole) {
  commit(7);
  const std::int64_t end = log_end(kOffsets, home());
  EXPECT_EQ(run(send_large_commit(*client_)), ErrorCode::kInvalidCommitOffsetSize);
  EXPECT_EQ(log_end(kOffsets, home()), end);
  EXPECT_EQ(fetch().offset, 7);
}

awaitable<void> delete_before_and_after_leaving(sim::Machine& client) {
  auto peer = co_await Peer::connect(client);
  wire::JoinGroupRequest join;
  join.group_id = kGroup;
  join.session_timeout_ms = 30'000;
  join.protocol_type = "consumer";
  join.protocols.push_back({.name = "range", .metadata = "x"});
  const auto joined = co_await peer->call(join, 3);
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);

  wire::DeleteGroupsRequest remove;
  remove.groups_names = {kGroup};
  const auto refused = co_await peer->call(remove, 2);
  EXPECT_EQ(refused.results.at(0).error_code, ErrorCode::kNonEmptyGroup);

  wire::LeaveGroupRequest leave;
  leave.group_id = kGroup;
  leave.member_id = joined.member_id;
  const auto left = co_await peer->call(leave, 2);
  EXPECT_EQ(left.error_code, ErrorCode::kNone);
  const auto removed = co_await peer->call(remove, 2);
  EXPECT_EQ(removed.results.at(0).error_code, ErrorCode::kNone);
}

TEST_F(GroupLoad, GroupWithMembersIsNotDeleted) {
  run(delete_before_and_after_leaving(*client_));
  restart();
  EXPECT_EQ(fetch().offset, kNone);
}

TEST_F(GroupLoad, WhoCommitsAndAsksWithoutWaitingIsToldWhatItCommitted) {
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    for (std::int64_t offset = 1; offset <= 20; ++offset) {
      wire::OffsetCommitRequest commit;
      commit.group_id = kGroup;
      commit.topics.emplace_back().name = "t";
      commit.topics.back().partitions.push_back({.partition_index = 0, .committed_offset = offset});
      wire::OffsetFetchRequest ask;
      ask.group_id = kGroup;
      ask.topics.emplace().push_back({.name = "t", .partition_indexes = {0}});
      std::string both = peer->frame(commit, 8);
      both += peer->frame(ask, 7);
      co_await peer->write(std::move(both));
      (void)co_await peer->receive<wire::OffsetCommitRequest>(peer->last_correlation() - 1, 8);
      const auto told = co_await peer->receive<wire::OffsetFetchRequest>(peer->last_correlation(), 7);
      EXPECT_EQ(told.topics.at(0).partitions.at(0).committed_offset, offset);
    }
  }(*client_));
}

awaitable<wire::OffsetDeleteResponse> send_delete(sim::Machine& client, std::string group) {
  auto peer = co_await Peer::connect(client);
  wire::OffsetDeleteRequest request;
  request.group_id = std::move(group);
  request.topics.push_back({.name = "no-such", .partitions = {{.partition_index = 0}}});
  request.topics.push_back({.name = "t", .partitions = {{.partition_index = 0}, {.partition_index = 500}}});
  co_return co_await peer->call(request, 0);
}

TEST_F(GroupLoad, OffsetsOfWhatDoesNotExistAreRefusedAndTheOthersDeleted) {
  commit(7);
  const auto answer = run(send_delete(*client_, kGroup));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  std::map<std::pair<std::string, std::int32_t>, ErrorCode> errors;
  for (const auto& topic : answer.topics)
    for (const auto& row : topic.partitions) errors[{topic.name, row.partition_index}] = row.error_code;
  EXPECT_EQ(answer.topics.size(), 2u);
  EXPECT_EQ((errors[{"t", 0}]), ErrorCode::kNone);
  EXPECT_EQ((errors[{"t", 500}]), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ((errors[{"no-such", 0}]), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(fetch().offset, kNone);

  const auto of_nobody = run(send_delete(*client_, "nobody"));
  EXPECT_EQ(of_nobody.error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_TRUE(of_nobody.topics.empty());
}

}  // namespace
}  // namespace mq::broker
