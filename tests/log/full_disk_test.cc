// A disk without room for a byte or a name: what was proven is read, nothing is lost, and room ends it.

#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

class FullDiskTest : public LogFixture {
 protected:
  Errc append_error() { return append({{.key = {}, .value = "more"}}).error().code; }
  [[nodiscard]] bool has_name_ending(std::string_view text) {
    return std::ranges::any_of(names(), [&](const std::string& name) { return name.ends_with(text); });
  }
  /// Some bytes after the last batch, which no sync covered.
  void tear(const std::string& file) {
    const auto torn = disk_.open(file, env::OpenMode::read_write).value();
    ASSERT_TRUE(torn->write_at(torn->size().value(), "torn"));
  }
};

TEST_F(FullDiskTest, TornTailStaysUntilThereIsRoomToKeepIt) {
  create();
  append_many(5);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  log_.reset();
  tear(path(0));
  const std::string whole = contents(path(0));
  disk_.fill();
  for (int round = 0; round < 2; ++round) {
    const auto opened = open(context);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(offsets_from(0), numbers(0, 5));
    EXPECT_EQ(append_error(), Errc::disk_full);
    EXPECT_EQ(contents(path(0)), whole) << "neither cut nor written over";
    EXPECT_EQ(log_->close().error().code, Errc::disk_full) << "the next start has to cut it";
  }
  disk_.make_room();
  append_many(1);
  EXPECT_EQ(contents(path(0) + "." + std::to_string(whole.size() - 4) + ".cut"), "torn");
  EXPECT_EQ(offsets_from(0), numbers(0, 6));
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(offsets_from(0), numbers(0, 6));
}

TEST_F(FullDiskTest, SegmentsAfterATornOneStayUntilThereIsRoomToSetThemAside) {
  config_.segment_bytes = 500;
  create();
  append_many(3);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  append_many(30);
  const auto segments = log_->segments();
  log_.reset();
  ASSERT_TRUE(disk_.open(path(segments[1].base_offset.value()), env::OpenMode::read_write).value()->truncate(100));
  disk_.fill();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->segments().size(), 2U);
    EXPECT_EQ(append_error(), Errc::disk_full);
    EXPECT_EQ(log_->roll(wall_).error().code, Errc::disk_full);
    EXPECT_TRUE(disk_.exists(path(segments.back().base_offset.value())).value());
  }
  const Offset end = log_->log_end();
  disk_.make_room();
  append_many(20);
  EXPECT_EQ(offsets_from(0), numbers(0, end.value() + 20));
  EXPECT_TRUE(has_name_ending(".log.0.cut"));
  const OpenContext later = unclean();
  ASSERT_TRUE(open(later));
  EXPECT_EQ(offsets_from(0), numbers(0, end.value() + 20));
}

TEST_F(FullDiskTest, RecoveryWithoutRoomForIndexesReadsEverywhereAndSavesThemLater) {
  config_.segment_bytes = 20'000;
  create();
  append_many(600);
  ASSERT_TRUE(sync());
  const OpenContext context = unclean();
  const auto segments = log_->segments();
  ASSERT_GT(segments.size(), 2U);
  log_.reset();
  for (const SegmentInfo& segment : segments)
    for (const char* extension : {"index", "timeindex"})
      (void)disk_.remove(path(segment.base_offset.value(), extension));
  disk_.fill();
  const auto opened = open(context);
  ASSERT_TRUE(opened) << opened.error().message;
  for (std::int64_t from = 0; from < 600; from += 37) EXPECT_EQ(offsets_from(from), numbers(from, 600));
  auto search = log_->find_timestamp(wall_, log_->log_end());
  ASSERT_TRUE(search && *search);
  EXPECT_EQ((*search)->run().value()->offset, Offset{0});
  EXPECT_FALSE(checkpoint());
  EXPECT_FALSE(log_->failed());
  disk_.make_room();
  ASSERT_TRUE(checkpoint());
  EXPECT_TRUE(disk_.exists(path(0, "index")).value());
  EXPECT_EQ(log_->recovery_point(), Offset{600});
}

TEST_F(FullDiskTest, RetentionTakesAwayWhatItCannotRename) {
  config_.segment_bytes = 500;
  config_.retention_bytes = 600;
  create();
  append_many(50);
  ASSERT_TRUE(sync());
  const std::size_t before = log_->segments().size();
  disk_.inject({.on = sim::DiskFault::On::name, .times = -1, .code = Errc::disk_full});
  const auto deleted = log_->delete_old_segments(wall_, Instant{}, log_->log_end());
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_GT(*deleted, 2U);
  EXPECT_EQ(log_->segments().size(), before - *deleted);
  EXPECT_EQ(log_->next_removal(), Instant::never()) << "they are gone already";
  EXPECT_EQ(std::ranges::count_if(names(), [](const auto& name) { return name.ends_with(".log"); }),
            static_cast<std::ptrdiff_t>(log_->segments().size()));
  EXPECT_EQ(offsets_from(log_->log_start().value()), numbers(log_->log_start().value(), 50));
}

TEST_F(FullDiskTest, NewestSegmentGoesOnceTheOthersHaveMadeRoomForItsSuccessor) {
  config_.segment_bytes = 2'000;
  create();
  append_many(100);
  ASSERT_TRUE(sync());
  ASSERT_TRUE(log_->advance_start(Offset{100}, Offset{100}));
  ASSERT_GT(log_->segments().size(), 3U);
  disk_.fill();
  EXPECT_GT(log_->delete_old_segments(wall_, Instant{}, Offset{100}).value(), 2U);
  EXPECT_EQ(log_->segments().size(), 1U);
  EXPECT_EQ(log_->delete_old_segments(wall_, Instant{}, Offset{100}).value(), 1U);
  EXPECT_EQ(log_->size_bytes(), 0U);
  EXPECT_EQ(log_->log_start(), Offset{100});
  append_many(1);
  EXPECT_EQ(offsets_from(100), numbers(100, 101));
}

TEST_F(FullDiskTest, WantOfDescriptorsInARollIsTriedAgain) {
  config_.segment_bytes = 500;
  create();
  append_many(4);
  disk_.inject({.on = sim::DiskFault::On::open, .path_part = ".log", .times = 2, .code = Errc::too_many_files});
  ASSERT_EQ(log_->roll(wall_).error().code, Errc::too_many_files);
  EXPECT_FALSE(log_->failed());
  EXPECT_EQ(log_->roll(wall_).error().code, Errc::too_many_files);
  append_many(20);
  ASSERT_TRUE(sync());
  EXPECT_EQ(offsets_from(0), numbers(0, 24));
}

}  // namespace
}  // namespace mq::log
