// No CRC covers where a batch says that it begins, nor its length, epoch and format. Each bit of these is flipped.

#include <algorithm>
#include <map>
#include <set>

#include "log/segment_check.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

/// Bytes of a batch that its CRC does not cover: base offset, length, leader epoch, magic.
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kUncovered = 17;

class OffsetRotTest : public LogFixture {
 protected:
  /// A batch of the log as it was written.
  struct Written {
    std::string file;
    std::uint64_t position = 0;
    record::BatchHeader header;
    std::string bytes;
  };

  OffsetRotTest() {
    config_.segment_bytes = 800;
    config_.index_interval_bytes = 200;
    config_.cleanup_delete = false;
    config_.min_cleanable_ratio = 0;
  }

  void make_plain() {
    create();
    append_pairs(20);
    stop_and_learn();
  }
  /// Gaps of all widths, alone and side by side.
  void make_compacted() {
    config_.cleanup_compact = true;
    create();
    std::uint64_t state = 7;
    for (int i = 0; i < 60; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      const std::uint64_t key = (state >> 33) % 100;
      // Some keys come again all the time, some never.
      ASSERT_TRUE(append({{.key = std::to_string(key < 70 ? key % 4 : key), .value = "a", .timestamp = wall_}}));
      if (i % 3 == 0) ASSERT_TRUE(append({{.key = "x" + std::to_string(i), .value = "b", .timestamp = wall_}}));
    }
    ASSERT_TRUE(sync());
    auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
    ASSERT_TRUE(job);
    while (!job->done()) ASSERT_TRUE(job->step());
    ASSERT_TRUE(log_->finish_compaction(*job, Instant{}));
    append_pairs(6);
    stop_and_learn();
  }
  void append_pairs(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(append({{.key = "k" + std::to_string(i), .value = std::string(10, 'v'), .timestamp = wall_},
                          {.key = "l" + std::to_string(i), .value = std::string(10, 'v'), .timestamp = wall_}}));
  }
  /// What is appended from here on the next recovery may cut.
  void stop_and_learn() {
    ASSERT_TRUE(sync());
    context_ = unclean();
    context_.leader_epoch = LeaderEpoch{0};
    append_pairs(4);
    end_ = log_->log_end();
    log_.reset();
    files_.clear();
    written_.clear();
    for (const std::string& name : names()) {
      files_[name] = contents(std::string(kDirectory) + "/" + name);
      if (!name.ends_with(".log")) continue;
      record::BatchReader batches(files_[name]);
      std::uint64_t position = 0;
      while (true) {
        const auto batch = batches.next().value();
        if (!batch) break;
        written_.push_back({name, position, batch->header(), std::string(batch->bytes())});
        position += batch->bytes().size();
      }
    }
    std::ranges::sort(written_, {}, [](const Written& w) { return w.header.base_offset; });
    ASSERT_GT(written_.size(), 20U);
  }
  void put_back() {
    log_.reset();
    for (const std::string& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    for (const auto& [name, bytes] : files_)
      ASSERT_TRUE(disk_.open(std::string(kDirectory) + "/" + name, env::OpenMode::create).value()->write_at(0, bytes));
    ASSERT_TRUE(disk_.open_tree("/data").value()->sync());
  }
  void flip(const Written& batch, std::size_t byte, int bit) {
    auto file = disk_.open(std::string(kDirectory) + "/" + batch.file, env::OpenMode::read_write).value();
    char value = 0;
    ASSERT_TRUE(file->read_at(batch.position + byte, &value, 1));
    value = static_cast<char>(value ^ (1 << bit));
    ASSERT_TRUE(file->write_at(batch.position + byte, BytesView(&value, 1)));
    ASSERT_TRUE(file->sync());
  }

  /// First, middle and last batch of the first, a middle and the last segment, and of what was not synced.
  std::vector<const Written*> some_of_all() const {
    std::vector<std::vector<const Written*>> parts;
    for (const Written& batch : written_) {
      const bool is_synced = batch.header.base_offset < *context_.synced_end;
      const bool is_new = parts.empty() || parts.back().back()->file != batch.file ||
                          (parts.back().back()->header.base_offset < *context_.synced_end) != is_synced;
      if (is_new) parts.emplace_back();
      parts.back().push_back(&batch);
    }
    std::set<const Written*> some;
    for (const std::size_t i : {std::size_t{0}, parts.size() / 2, parts.size() - 2, parts.size() - 1})
      for (const std::size_t at : {std::size_t{0}, parts[i].size() / 2, parts[i].size() - 1}) some.insert(parts[i][at]);
    return {some.begin(), some.end()};
  }

  /// Asks for each offset. What comes first is the batch that holds it, or the next one, as it was written, or an
  /// error; so is all behind it. Returns the batches that are not served.
  std::set<std::int64_t> not_served() {
    std::set<std::int64_t> missing;
    for (Offset from{0}; from < log_->log_end(); from = next(from)) {
      const auto wanted =
          std::ranges::find_if(written_, [&](const Written& w) { return w.header.last_offset() >= from; });
      const auto bytes = read_bytes_at(from.value(), 1 << 20);
      if (!bytes) {
        EXPECT_EQ(bytes.error().code, Errc::corrupt_batch) << bytes.error().message;
        EXPECT_NE(bytes.error().message.find(".log"), std::string::npos) << bytes.error().message;
        if (wanted != written_.end() && wanted->header.base_offset <= from)
          missing.insert(wanted->header.base_offset.value());
        continue;
      }
      record::BatchReader batches(*bytes);
      auto expected = wanted;
      while (true) {
        const auto batch = batches.next().value();
        if (!batch) break;
        if (expected == written_.end()) {
          ADD_FAILURE() << "nothing was written at " << batch->header().base_offset.value();
          return missing;
        }
        std::string got(batch->bytes());
        record::set_leader_epoch(got.data(), expected->header.leader_epoch);
        EXPECT_EQ(got, expected->bytes) << "asked for " << from.value() << ", got "
                                        << batch->header().base_offset.value();
        if (got != expected->bytes) return missing;
        ++expected;
      }
    }
    return missing;
  }

  void expect_as_promised(const Written& hit, std::size_t byte, bool may_leap) {
    const bool is_synced = hit.header.base_offset < *context_.synced_end;
    const Offset hit_at = hit.header.base_offset;
    for (int recovery = 0; recovery < 2; ++recovery) {
      const auto opened = open(context_);
      ASSERT_TRUE(opened) << opened.error().message;
      const auto missing = not_served();
      if (byte >= kEpochAt && byte < kMagicAt) {  // it alone may be wrong, see the bound of the leader epoch
        EXPECT_TRUE(missing.empty());
        EXPECT_EQ(log_->log_end(), end_);
        continue;
      }
      if (!is_synced) {
        // A torn end: nothing that was synced goes with it.
        EXPECT_EQ(log_->log_end(), hit_at);
        EXPECT_TRUE(missing.empty());
        continue;
      }
      EXPECT_EQ(report_.bytes_cut, 0U);
      EXPECT_EQ(log_->log_end(), end_);
      EXPECT_TRUE(missing.contains(hit_at.value()));
      EXPECT_LE(missing.size(), may_leap ? 2U : 1U);
      EXPECT_FALSE(report_.damage.empty());
      for (const Damage& damage : report_.damage)
        EXPECT_NE(damage.place.find(hit.file + ":"), std::string::npos) << damage.place;
      for (const auto& [name, bytes] : files_) {
        if (name.ends_with(".log"))
          EXPECT_EQ(contents(std::string(kDirectory) + "/" + name).size(), bytes.size()) << name;
      }
    }
  }

  OpenContext context_;
  Offset end_;
  std::map<std::string, std::string> files_;
  std::vector<Written> written_;
};

TEST_F(OffsetRotTest, AnyFlippedBitInAPlainLogCostsItsBatchAloneAndCutsNothingThatWasSynced) {
  make_plain();
  for (const Written* hit : some_of_all())
    for (std::size_t byte = 0; byte < kUncovered; ++byte)
      for (int bit = 0; bit < 8; ++bit) {
        SCOPED_TRACE(fmt::format("{} offset {} byte {} bit {}", hit->file, hit->header.base_offset.value(), byte, bit));
        put_back();
        flip(*hit, byte, bit);
        expect_as_promised(*hit, byte, false);
        if (HasFailure()) return;
      }
}

TEST_F(OffsetRotTest, AnyFlippedBitInACompactedLogCostsItsBatchAndAtMostANeighbour) {
  make_compacted();
  for (const Written* hit : some_of_all())
    for (std::size_t byte = 0; byte < kUncovered; ++byte)
      for (int bit = 0; bit < 8; ++bit) {
        SCOPED_TRACE(fmt::format("{} offset {} byte {} bit {}", hit->file, hit->header.base_offset.value(), byte, bit));
        put_back();
        flip(*hit, byte, bit);
        expect_as_promised(*hit, byte, true);
        if (HasFailure()) return;
      }
}

/// Low bits stay within the gaps: the neighbours alone cannot tell.
TEST_F(OffsetRotTest, EveryBatchOfACompactedLogIsPinnedByItsNeighboursOrItsIndex) {
  make_compacted();
  for (const Written& hit : written_) {
    if (hit.header.base_offset >= *context_.synced_end) break;
    // A record alone at its segment's base can have no index entry, which would look like the zeros that a power cut
    // leaves. Before a gap nothing else tells its offset.
    if (hit.position == 0 && hit.header.last_offset().value() == std::stoll(hit.file)) continue;
    for (int bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE(fmt::format("{} offset {} bit {}", hit.file, hit.header.base_offset.value(), bit));
      put_back();
      flip(hit, kLengthAt - 1, bit);
      expect_as_promised(hit, kLengthAt - 1, true);
      if (HasFailure()) return;
    }
  }
}

TEST_F(OffsetRotTest, BatchWithAWrongOffsetIsNotServedAfterACleanStopEither) {
  for (const bool is_compacted : {false, true}) {
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const std::string& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    is_compacted ? make_compacted() : make_plain();
    // Stopped well this time.
    ASSERT_TRUE(open(context_));
    ASSERT_TRUE(log_->close());
    OpenContext context = clean();
    context.compacted_end = context_.compacted_end;
    log_.reset();
    for (const std::string& name : names()) files_[name] = contents(std::string(kDirectory) + "/" + name);
    for (const Written& hit : written_)
      for (int bit = 0; bit < 64; bit += 5) {
        SCOPED_TRACE(fmt::format("{} offset {} bit {}", hit.file, hit.header.base_offset.value(), bit));
        put_back();
        flip(hit, kLengthAt - 1 - static_cast<std::size_t>(bit) / 8, bit % 8);
        ASSERT_TRUE(open(context));
        const auto missing = not_served();
        EXPECT_TRUE(missing.contains(hit.header.base_offset.value()));
        EXPECT_LE(missing.size(), is_compacted ? 2U : 1U);
        EXPECT_EQ(log_->log_end(), end_);
        const auto appended = append({{.key = "more", .value = "more"}});
        ASSERT_TRUE(appended) << appended.error().message;
        EXPECT_EQ(appended->base_offset, end_);
        log_.reset();
        std::vector<Finding> findings;
        ASSERT_TRUE(check_directory(disk_, kDirectory, findings));
        EXPECT_TRUE(std::ranges::any_of(findings, [&](const Finding& finding) {
          return finding.file.ends_with(hit.file) && finding.position == hit.position;
        }));
        if (HasFailure()) return;
      }
  }
}

TEST_F(OffsetRotTest, CompactionLeavesABatchWithAWrongOffsetWhereItIs) {
  make_compacted();
  for (const Written& hit : written_) {
    if (hit.header.base_offset >= context_.compacted_end) break;
    for (const int bit : {0, 2, 4, 40}) {
      SCOPED_TRACE(fmt::format("{} offset {} bit {}", hit.file, hit.header.base_offset.value(), bit));
      put_back();
      ASSERT_TRUE(open(context_));
      ASSERT_TRUE(log_->close());
      OpenContext context = clean();
      context.compacted_end = context_.compacted_end;
      flip(hit, kLengthAt - 1 - static_cast<std::size_t>(bit) / 8, bit % 8);
      ASSERT_TRUE(open(context));
      for (int i = 0; i < 30; ++i)
        ASSERT_TRUE(append({{.key = "k" + std::to_string(i), .value = std::string(40, 'w')}}));
      ASSERT_TRUE(sync());
      auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
      ASSERT_TRUE(job);
      Result<void> step;
      while (step && !job->done()) step = job->step();
      ASSERT_FALSE(step);
      EXPECT_EQ(step.error().code, Errc::corrupt_batch);
      EXPECT_NE(step.error().message.find(hit.file), std::string::npos) << step.error().message;
      log_->abandon_compaction(*job);
      if (HasFailure()) return;
    }
  }
}

TEST_F(OffsetRotTest, FormatByteOfTheFirstBatchDoesNotTurnTheLogIntoAnOldOne) {
  make_plain();
  put_back();
  constexpr int kToFormatZero = 1;
  flip(written_.front(), kMagicAt, kToFormatZero);
  ASSERT_TRUE(open(context_));
  EXPECT_EQ(not_served().size(), 1U);
}

}  // namespace
}  // namespace mq::log
