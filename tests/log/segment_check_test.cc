#include "log/segment_check.h"

#include <algorithm>

#include "log/segment_files.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class SegmentCheckTest : public LogFixture {
 protected:
  SegmentCheckTest() {
    config_.segment_bytes = 1500;
    create();
    for (int i = 0; i < 40; ++i) {
      wall_ = 1000 + i;
      epoch_ = LeaderEpoch{i / 20};
      append_many(1);
    }
    EXPECT_TRUE(log_->close());
    log_.reset();
  }
  std::vector<Finding> findings() {
    std::vector<Finding> all;
    summaries_ = check_directory(disk_, kDirectory, all).value();
    return all;
  }
  void overwrite(const std::string& file, std::uint64_t position, BytesView bytes) {
    ASSERT_TRUE(disk_.open(file, env::OpenMode::read_write).value()->write_at(position, bytes));
  }
  std::vector<SegmentSummary> summaries_;
};

TEST_F(SegmentCheckTest, GoodLogHasNoFindings) {
  const auto all = findings();
  for (const Finding& finding : all) ADD_FAILURE() << finding.to_string();
  ASSERT_GT(summaries_.size(), 1U);
  std::uint64_t records = 0;
  for (const SegmentSummary& summary : summaries_) records += summary.records;
  EXPECT_EQ(records, 40U);
  EXPECT_EQ(summaries_.back().end_offset, Offset{40});
  EXPECT_EQ(summaries_.front().first_timestamp, 1000);
  EXPECT_EQ(summaries_.back().largest_timestamp, 1039);
}

TEST_F(SegmentCheckTest, EveryKindOfDamageIsNamedWithFileAndPosition) {
  const struct {
    const char* extension;
    std::uint64_t position;
    const char* bytes;
    const char* text;
  } kinds[] = {{"log", 70, "#", "the CRC of the batch is wrong"},   {"log", 8, "\x7f", "bytes"},
               {"index", 4, "\x01", "is not the start of a batch"}, {"index", 2, "\x01", "offset"},
               {"timeindex", 7, "\x01", "the largest timestamp"},   {"timeindex", 11, "\x63", "does not end a batch"}};
  for (const auto& kind : kinds) {
    const std::string file = path(0, kind.extension);
    const std::string before = contents(file);
    overwrite(file, kind.position, kind.bytes);
    const auto all = findings();
    ASSERT_FALSE(all.empty()) << kind.extension << kind.position;
    bool named = false;
    for (const Finding& finding : all)
      named = named || (finding.file == file && finding.text.find(kind.text) != std::string::npos);
    EXPECT_TRUE(named) << kind.extension << ":" << kind.position << " " << all[0].to_string();
    overwrite(file, 0, before);
    EXPECT_TRUE(findings().empty());
  }
}

TEST_F(SegmentCheckTest, EpochFileThatContradictsTheBatchesIsFound) {
  const std::string file = std::string(kDirectory) + "/leader-epoch-checkpoint";
  EXPECT_EQ(contents(file), "0\n2\n0 0\n1 20\n");
  overwrite(file, 0, "0\n2\n0 0\n1 21\n");
  ASSERT_EQ(findings().size(), 2U);
  EXPECT_EQ(findings()[0].file, std::string(kDirectory) + "/mq-epochs-crc");
  EXPECT_EQ(findings()[1].file, file);
  // As Kafka leaves it, which knows no such CRC.
  ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/mq-epochs-crc"));
  ASSERT_EQ(findings().size(), 1U);
  EXPECT_EQ(findings()[0].file, file);
}

TEST_F(SegmentCheckTest, EpochFileBeginsWithTheLogAlsoWithinASegment) {
  overwrite(std::string(kDirectory) + "/leader-epoch-checkpoint", 0, "0\n2\n0 5\n1 20\n");
  ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/mq-epochs-crc"));
  for (const Finding& finding : findings()) ADD_FAILURE() << finding.to_string();
}

TEST_F(SegmentCheckTest, IndexesThatALiveKafkaPreallocatedAreNoDamage) {
  // Kafka makes the newest segment's indexes 10 MiB of zeros and writes entries from the front; only a roll or a clean
  // stop cuts them.
  ASSERT_TRUE(findings().empty());
  const Offset newest = summaries_.back().base_offset;
  for (const char* extension : {"index", "timeindex"}) {
    const std::string file = path(newest.value(), extension);
    ASSERT_TRUE(
        disk_.open(file, env::OpenMode::create).value()->truncate(extension == std::string("index") ? 40'000 : 60'000));
  }
  for (const Finding& finding : findings()) ADD_FAILURE() << finding.to_string();

  // But an entry behind the zeros is none of Kafka's.
  overwrite(path(newest.value(), "index"), 16'000, "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_FALSE(findings().empty());
}

TEST_F(SegmentCheckTest, IndexThatAPowerCutLeftShortOrZeroedAtItsEndIsNoDamage) {
  for (const char* extension : {"index", "timeindex"}) {
    const std::string file = path(0, extension);
    const std::string before = contents(file);
    for (std::size_t kept = 0; kept < before.size(); ++kept) {
      for (const bool is_short : {true, false}) {
        auto opened = disk_.open(file, env::OpenMode::read_write).value();
        ASSERT_TRUE(opened->truncate(kept));
        if (!is_short) ASSERT_TRUE(opened->truncate(before.size()));
        for (const Finding& finding : findings()) {
          EXPECT_TRUE(finding.is_harmless) << kept << " " << finding.to_string();
          EXPECT_EQ(finding.file, file);
        }
      }
    }
    overwrite(file, 0, before);
  }
  EXPECT_TRUE(findings().empty());
}

TEST_F(SegmentCheckTest, RecoveryLeavesNoZerosOfAPowerCutInTheIndexes) {
  const Offset newest = [&] {
    (void)findings();
    return summaries_.back().base_offset;
  }();
  for (const char* extension : {"index", "timeindex"}) {
    const std::string file = path(newest.value(), extension);
    const std::uint64_t size = disk_.file_size(file).value();
    ASSERT_GT(size, 24U);
    auto opened = disk_.open(file, env::OpenMode::read_write).value();
    ASSERT_TRUE(opened->truncate(size / 2));
    ASSERT_TRUE(opened->truncate(size));
  }
  ASSERT_TRUE(open({.topic_id = topic_id_, .synced_end = Offset{40}, .recovery_point = Offset{39}}));
  append_many(10);
  ASSERT_TRUE(log_->close());
  for (const Finding& finding : findings()) ADD_FAILURE() << finding.to_string();
  EXPECT_EQ(offsets_from(0), numbers(0, 50));
}

TEST_F(SegmentCheckTest, MissingSegmentIsNamedByTheOneBehindIt) {
  (void)findings();
  ASSERT_GT(summaries_.size(), 2U);
  ASSERT_TRUE(disk_.remove(path(summaries_[1].base_offset.value())));
  const std::string behind = path(summaries_[2].base_offset.value());
  ASSERT_TRUE(disk_.open(std::string(kDirectory) + "/mq-gaps", env::OpenMode::create).value()->write_at(0, "0\n0\n"));
  const auto all = findings();
  EXPECT_TRUE(std::ranges::any_of(all, [&](const Finding& finding) {
    return finding.file == behind && finding.text.find("what was between is missing") != std::string::npos;
  }));
}

TEST_F(SegmentCheckTest, EmptySegmentOfALiveKafkaWithPreallocatedIndexesIsNoDamage) {
  ASSERT_TRUE(disk_.open(path(40, "log"), env::OpenMode::create).value()->truncate(0));
  for (const char* extension : {"index", "timeindex"})
    ASSERT_TRUE(disk_.open(path(40, extension), env::OpenMode::create).value()->truncate((10 << 20) / 24 * 24));
  for (const Finding& finding : findings()) ADD_FAILURE() << finding.to_string();
}

TEST_F(SegmentCheckTest, PartitionThatNobodyHasWrittenToHasNoFindings) {
  const std::string fresh = "/data/fresh-0";
  auto log = Log::create(disk_, fresh, {"fresh", 0}, topic_id_, config()).value();
  ASSERT_TRUE(log->close());
  std::vector<Finding> all;
  const auto summaries = check_directory(disk_, fresh, all);
  ASSERT_TRUE(summaries);
  EXPECT_TRUE(summaries->empty());
  EXPECT_TRUE(all.empty());
}

TEST_F(SegmentCheckTest, WhatTheLogHasGoneOnWithoutIsToldAsThatAndIsNoDamage) {
  (void)findings();
  const Offset newest = summaries_.back().base_offset;
  const Offset end = newest + OffsetDelta{3};
  // It cannot be read at this start, so that the log goes on in another one.
  disk_.inject({.on = sim::DiskFault::On::read, .path_part = path(newest.value()), .times = -1});
  ASSERT_TRUE(open({.topic_id = topic_id_, .synced_end = end, .recovery_point = newest}));
  disk_.clear_faults();
  ASSERT_EQ(log_->log_end(), end);
  append_many(2);
  ASSERT_TRUE(log_->close());
  log_.reset();
  const auto all = findings();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].is_harmless);
  EXPECT_EQ(all[0].file, path(newest.value()));
  EXPECT_GT(all[0].position, 0U);
  EXPECT_NE(all[0].text.find(fmt::format("gone on at offset {}", end.value())), std::string::npos) << all[0].text;
  ASSERT_GE(summaries_.size(), 2U);
  EXPECT_EQ(summaries_[summaries_.size() - 2].end_offset, end);
  EXPECT_EQ(summaries_[summaries_.size() - 2].batches, 3U);
  EXPECT_EQ(summaries_.back().end_offset, end + OffsetDelta{2});

  // Damage before it is still damage.
  overwrite(path(newest.value()), 70, "#");
  const auto damaged = findings();
  EXPECT_TRUE(std::ranges::any_of(damaged, [](const Finding& finding) { return !finding.is_harmless; }));
  EXPECT_EQ(std::ranges::count(damaged, all[0].to_string(), &Finding::to_string), 1);
  overwrite(path(newest.value(), kEndExtension), 0, "?");
  EXPECT_FALSE(findings().front().is_harmless);
}

TEST_F(SegmentCheckTest, FindingsAreBounded) {
  overwrite(path(0, "index"), 0, std::string(contents(path(0, "index")).size(), '\x77'));
  std::vector<Finding> all;
  ASSERT_TRUE(check_segment(disk_, path(0), all, 2));
  EXPECT_EQ(all.size(), 2U);
}

}  // namespace
}  // namespace mq::log
