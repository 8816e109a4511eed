#include "mqbench/verify_history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "env/files.h"
#include "judge/history_reader.h"
#include "mqbench/fault_command.h"
#include "posix/clock.h"
#include "posix/files.h"

namespace mq::mqbench {
namespace {

/// A history in a file that goes away.
class VerifyHistoryFile : public ::testing::Test {
 protected:
  VerifyHistoryFile() : path_(::testing::TempDir() + "mqbench-history." + std::to_string(::getpid())) {}
  ~VerifyHistoryFile() override { std::filesystem::remove(path_); }

  std::unique_ptr<VerifyHistory> create() {
    auto history = VerifyHistory::create(files_, clock_, path_, 7u << 30);
    EXPECT_TRUE(history) << history.error().message;
    (*history)->run().run({});
    return *std::move(history);
  }
  judge::History read() {
    judge::HistoryReader reader;
    reader.begin_file(path_);
    const auto text = env::read_whole(files_, path_);
    EXPECT_TRUE(text && reader.read(*text) && reader.end_file());
    auto history = std::move(reader).finish();
    EXPECT_TRUE(history) << history.error().message;
    return history ? *std::move(history) : judge::History{};
  }

  posix::PosixFiles files_;
  posix::PosixClock clock_;
  std::string path_;
};

TEST_F(VerifyHistoryFile, HasWhatWasFlushedAndNothingOfAnEarlierRun) {
  (void)create()->flush();
  auto history = create();
  auto writer = history->new_client("writer");
  ASSERT_TRUE(history->flush());
  (void)writer.ask_poll(history->now());
  EXPECT_EQ(read().operations.size(), 0u);
  ASSERT_TRUE(history->flush());
  EXPECT_EQ(read().operations.size(), 1u);
}

TEST_F(VerifyHistoryFile, CannotBeADirectory) {
  const auto history = VerifyHistory::create(files_, clock_, ::testing::TempDir(), 1);
  ASSERT_FALSE(history);
}

TEST_F(VerifyHistoryFile, APollThatHasNothingAndTheFirstOneNameEveryPartition) {
  auto history = create();
  const TopicPartition first{"orders", 0};
  const TopicPartition second{"orders", 1};
  ReaderHistory reader(*history, "reader");
  ASSERT_TRUE(reader.assign({{first, Offset{5}}, {second, Offset{0}}}));
  const std::size_t polled[] = {2, 1, 2};
  for (const bool has_records : {true, true, false}) {
    ASSERT_TRUE(reader.ask());
    if (has_records) {
      reader.take(first, Offset{7}, 42);
      reader.take_damaged(first, Offset{8}, "crc");
    }
    ASSERT_TRUE(reader.answer());
  }
  const judge::History read_back = read();
  ASSERT_EQ(read_back.operations.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    const judge::Operation& op = read_back.operations[i + 1];
    EXPECT_EQ(read_back.told_to(op).size(), polled[i]) << i;
    EXPECT_EQ(read_back.reads_of(op).size(), i < 2 ? 2u : 0u) << i;
  }
  EXPECT_EQ(read_back.reads[0].offset, 7);
  EXPECT_EQ(read_back.reads[0].value, 42);
  EXPECT_EQ(read_back.text(read_back.reads[1].damage), "crc");
}

TEST_F(VerifyHistoryFile, APollOfVeryManyRecordsBecomesSeveralLines) {
  auto history = create();
  ReaderHistory reader(*history, "reader");
  ASSERT_TRUE(reader.assign({{{"orders", 0}, Offset{0}}}));
  ASSERT_TRUE(reader.ask());
  for (int i = 0; i < 120'000; ++i) reader.take({"orders", 0}, Offset{i}, i);
  ASSERT_TRUE(reader.answer());
  const judge::History read_back = read();
  EXPECT_EQ(read_back.operations.size(), 4u) << "the assignment and three polls";
  EXPECT_EQ(read_back.reads.size(), 120'000u);
}

TEST(HistoryValue, DiffersForAllRecordsOfARunAndIsNeverNegative) {
  std::set<std::int64_t> seen;
  for (const std::uint32_t producer : {0u, 1u, 9'999u})
    for (const std::int32_t partition : {0, 1, kHistoryPartitionsMax - 1})
      for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{1}, (std::uint64_t{1} << 35) - 1})
        seen.insert(history_value(0xfedcba9876543210, producer, partition, sequence));
  EXPECT_EQ(seen.size(), 27u);
  EXPECT_GE(*seen.begin(), 0);
  EXPECT_NE(history_value(2, 0, 0, 0), history_value(4, 0, 0, 0));
}

std::vector<client::ConfigEntry> settings(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<client::ConfigEntry> entries;
  for (const auto& [name, value] : pairs) {
    entries.emplace_back().name = name;
    entries.back().value = value;
  }
  return entries;
}

TEST(RunOf, KnowsWhetherAcknowledgedRecordsAreOnDiskAndWhetherTheyMayGo) {
  const judge::Run plain = run_of({});
  EXPECT_EQ(plain.flush, FlushClass::async) << "as Kafka's brokers leave it to the kernel";
  EXPECT_EQ(plain.min_isr, 1);
  EXPECT_FALSE(plain.has_retention);
  EXPECT_EQ(run_of(settings({{"mq.flush", "ack"}})).flush, FlushClass::ack);
  EXPECT_EQ(run_of(settings({{"mq.flush", "async"}, {"flush.messages", "1"}})).flush, FlushClass::async);
  EXPECT_EQ(run_of(settings({{"flush.messages", "1"}})).flush, FlushClass::ack);
  EXPECT_EQ(run_of(settings({{"min.insync.replicas", "2"}})).min_isr, 2);
  EXPECT_FALSE(run_of(settings({{"retention.ms", "604800000"}, {"retention.bytes", "-1"}})).has_retention);
  EXPECT_TRUE(run_of(settings({{"retention.ms", "60000"}})).has_retention);
  EXPECT_TRUE(run_of(settings({{"retention.bytes", "1000"}, {"cleanup.policy", "compact,delete"}})).has_retention);
  EXPECT_FALSE(run_of(settings({{"retention.bytes", "1000"}, {"cleanup.policy", "compact"}})).has_retention);
  EXPECT_TRUE(is_compacted(settings({{"cleanup.policy", "compact,delete"}})));
  EXPECT_FALSE(is_compacted(settings({{"cleanup.policy", "delete"}})));
}

TEST(FaultCommand, IsACommandAndATimeBehindTheLastAt) {
  const auto fault = parse_fault("  /opt/kill-leader.sh admin@cluster@1.5s");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->command, "  /opt/kill-leader.sh admin@cluster");
  EXPECT_EQ(fault->at, 1500ms);
  EXPECT_EQ(fault->name(), "kill-leader.sh");
  EXPECT_EQ(parse_fault("true@0s")->name(), "true");
}

TEST(FaultCommand, WithoutACommandOrATimeIsRefusedWhereItIsMissing) {
  for (const char* text : {"", "true", "@1s", "  @1s", "true@", "true@1", "true@soon"})
    EXPECT_FALSE(parse_fault(text)) << text;
  EXPECT_EQ(parse_fault("true").error().at, 4u);
  EXPECT_EQ(parse_fault("true@1x").error().at, 6u);
}

}  // namespace
}  // namespace mq::mqbench
