#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

/// One file of a log is damaged in one of several ways, while the log is down or while it is up. Whatever happens:
/// every batch that is served is one that was written, at its offset; nothing that was good is deleted; nothing
/// crashes.
class LogCorruptionTest : public LogFixture {
 protected:
  sim::Rng& rng() { return scheduler_.rng(); }

  void fill() {
    written_.clear();
    config_.segment_bytes = 900;
    create();
    for (int i = 0; i < 60; ++i) {
      epoch_ = LeaderEpoch{i / 25};
      wall_ = 1000 + i;
      std::string batch =
          make_batch({{.key = {}, .value = std::to_string(i) + std::string(rng().below(40), 'x'), .timestamp = wall_}},
                     {.id = 1 + i % 2, .epoch = 0, .sequence = i / 2});
      const auto header = record::parse_header(batch).value();
      ASSERT_TRUE(log_->append(batch.data(), header, header.max_timestamp, epoch_, wall_));
      written_.push_back(batch);
    }
    ASSERT_TRUE(sync());
    if (rng().below(2) == 0) ASSERT_TRUE(checkpoint());
  }

  void damage(const std::string& file) {
    auto opened = disk_.open(file, env::OpenMode::read_write).value();
    const std::uint64_t size = opened->size().value();
    const std::uint64_t at = size == 0 ? 0 : rng().below(size);
    std::string bytes;
    switch (rng().below(5)) {
      case 0:
        ASSERT_TRUE(opened->truncate(at));
        return;
      case 1:
        bytes.assign(1 + rng().below(100), '\0');
        break;
      case 2:  // another part of the same file
        bytes.resize(std::min<std::uint64_t>(size, 1 + rng().below(200)));
        ASSERT_TRUE(opened->read_at(rng().below(size - bytes.size() + 1), bytes.data(), bytes.size()));
        break;
      default:
        for (std::uint64_t n = 1 + rng().below(4); n > 0; --n) bytes.push_back(static_cast<char>(rng().below(256)));
    }
    ASSERT_TRUE(opened->write_at(at, BytesView(bytes).substr(0, std::max<std::uint64_t>(1, size - at))));
  }

  void expect_nothing_wrong_served() {
    for (Offset from{0}; from < log_->log_end(); from = next(from)) {
      if (from < log_->log_start()) continue;
      auto range = log_->read(from, 1 + rng().below(2000), log_->log_end(), true);
      if (!range) {
        EXPECT_NE(range.error().code, Errc::disk_failed) << range.error().message;
        continue;
      }
      if (range->empty()) continue;
      const VerifyOutcome outcome = verify(*range);
      range->size = outcome.good_bytes;
      const std::string bytes = read_bytes(*range).value();
      record::BatchReader batches(bytes);
      while (true) {
        const auto batch = batches.next();
        ASSERT_TRUE(batch);
        if (!*batch) break;
        const auto index = static_cast<std::size_t>((*batch)->header().base_offset.value());
        ASSERT_LT(index, written_.size());
        // No CRC covers the leader epoch: it alone may be wrong.
        std::string got((*batch)->bytes());
        record::set_leader_epoch(got.data(), record::parse_header(written_[index])->leader_epoch);
        ASSERT_EQ(got, written_[index]);
      }
    }
  }

  std::vector<std::string> written_;
};

TEST_F(LogCorruptionTest, WhateverIsDamagedNothingWrongIsServed) {
  int refused = 0;
  for (int round = 0; round < 600; ++round) {
    SCOPED_TRACE(round);
    log_.reset();
    if (disk_.exists(kDirectory).value()) {
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    }
    fill();
    const bool is_clean = rng().below(2) == 0;
    if (is_clean) ASSERT_TRUE(log_->close());
    OpenContext context = is_clean ? clean() : unclean();
    context.leader_epoch = epoch_;
    const bool is_down = rng().below(3) != 0;
    if (is_down) log_.reset();
    const auto files = names();
    std::string hit = files[rng().below(files.size())];
    // What this process wrote itself it does not read again: rot of that is for scrubbing to find.
    while (!is_down && hit.ends_with(".log")) hit = files[rng().below(files.size())];
    damage(std::string(kDirectory) + "/" + hit);
    if (is_down) {
      for (int recovery = 0; recovery < 2; ++recovery) {
        if (const auto opened = open(context); !opened) {
          // Not understood: told, and nothing deleted.
          EXPECT_FALSE(opened.error().message.empty());
          ++refused;
          break;
        }
        EXPECT_GE(log_->log_end(), *context.synced_end);
        expect_nothing_wrong_served();
      }
      if (!log_) continue;
    } else {
      log_->release_if_idle();
      expect_nothing_wrong_served();
    }
    // What still works, works on.
    const Offset end = log_->log_end();
    epoch_ = LeaderEpoch{9};
    if (const auto appended = append({{.key = {}, .value = "more"}}); appended) EXPECT_EQ(appended->base_offset, end);
    (void)log_->producers(wall_);
    (void)log_->find_timestamp(1030, log_->log_end());
    (void)log_->end_offset_for(LeaderEpoch{0});
    if (is_down) {
      for (const std::string& name : files) {
        if (name.ends_with(".log")) EXPECT_TRUE(std::ranges::count(names(), name) == 1) << name << " was deleted";
      }
    }
  }
  EXPECT_LT(refused, 60);
}

}  // namespace
}  // namespace mq::log
