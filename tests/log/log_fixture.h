#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/log_dir.h"
#include "record/batch.h"
#include "record/batch_builder.h"
#include "record/record.h"
#include "sim/machine/disk.h"
#include "sim/machine/scheduler.h"

namespace mq::log {

/// One record for a test, and what a log gave back.
struct TestRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  WallMillis timestamp = 1'000;
  std::int64_t offset = -1;
  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};

struct ProducerFields {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
};

inline std::string make_batch(const std::vector<TestRecord>& records, ProducerFields producer = {},
                              record::Codec codec = record::Codec::none) {
  record::BatchBuilder builder({.codec = codec});
  for (const TestRecord& r : records) builder.add(r.timestamp, r.key, r.value);
  return builder
      .finish({.producer_id = ProducerId{producer.id},
               .producer_epoch = ProducerEpoch{producer.epoch},
               .base_sequence = Sequence{producer.sequence}})
      .value();
}

/// A log on a simulated disk that the test may stop, kill, cut the power of, and open again.
class LogFixture : public ::testing::Test {
 protected:
  static constexpr const char* kDirectory = "/data/t-0";

  LogFixture() {
    config_.index_interval_bytes = 64;
    EXPECT_TRUE(disk_.make_directories("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
  }

  std::shared_ptr<const LogConfig> config() const { return std::make_shared<const LogConfig>(config_); }

  /// As the broker does: durable before anybody knows of it.
  void create() {
    log_ = Log::create(disk_, kDirectory, {"t", 0}, topic_id_, config()).value();
    EXPECT_TRUE(disk_.open_tree("/data").value()->sync());
  }
  /// As after a clean stop, when the log was closed; else as after a kill.
  Result<void> open(OpenContext context = {}) {
    log_.reset();
    report_ = {};
    auto opened = Log::open(disk_, kDirectory, {"t", 0}, config(), context, report_);
    if (!opened) return fail(opened.error());
    log_ = *std::move(opened);
    return {};
  }
  OpenContext clean() const {
    return {.clean = true,
            .topic_id = topic_id_,
            .synced_end = log_->log_end(),
            .recovery_point = log_->recovery_point(),
            .log_start = log_->log_start()};
  }
  /// What a data directory would know after the last sync round.
  OpenContext unclean() const {
    return {.clean = false,
            .topic_id = topic_id_,
            .synced_end = log_->synced_end(),
            .recovery_point = log_->recovery_point(),
            .log_start = log_->log_start(),
            .compacted_end = log_->compacted_end()};
  }

  Result<AppendInfo> append_bytes(std::string bytes) {
    const auto header = record::parse_header(bytes).value();
    return log_->append(bytes.data(), header, header.max_timestamp, epoch_, wall_);
  }
  Result<AppendInfo> append(const std::vector<TestRecord>& records, ProducerFields producer = {}) {
    return append_bytes(make_batch(records, producer));
  }
  /// `count` batches of one record; values name their offsets.
  void append_many(int count, std::size_t value_bytes = 20) {
    for (int i = 0; i < count; ++i) {
      std::string value = std::to_string(log_->log_end().value());
      value.resize(value_bytes, '.');
      auto appended = append({{.key = {}, .value = value, .timestamp = wall_}});
      ASSERT_TRUE(appended) << appended.error().message;
    }
  }
  Result<void> sync() {
    auto job = log_->begin_sync();
    if (!job) return {};
    const auto outcome = job->run();
    log_->end_sync(*job, outcome);
    return outcome;
  }
  Result<void> checkpoint(bool whatever = true) {
    MQ_TRY(auto job, log_->begin_checkpoint(whatever));
    if (!job) return {};
    const auto outcome = job->run();
    log_->end_checkpoint(*job, outcome);
    return outcome;
  }
  /// Reads as the broker does: verifies what nobody checked yet.
  Result<std::string> read_bytes_at(std::int64_t from, std::size_t bytes_max = 1 << 20, bool at_least_one = true) {
    MQ_TRY(FileRange range, log_->read(Offset{from}, bytes_max, log_->log_end(), at_least_one));
    if (range.empty()) return std::string();
    if (!range.verified) {
      const VerifyOutcome outcome = verify(range);
      log_->note_verified(range, outcome);
      if (outcome.good_bytes == 0) return fail(*outcome.damage);
      range.size = outcome.good_bytes;
    }
    return read_bytes(range);
  }
  /// Every record from `from` on, until an error or the end.
  std::vector<TestRecord> read_all(std::int64_t from, std::optional<Error>* error = nullptr) {
    std::vector<TestRecord> all;
    record::RecordReader records;
    while (true) {
      const auto bytes = read_bytes_at(from);
      if (!bytes) {
        if (error != nullptr)
          *error = bytes.error();
        else
          ADD_FAILURE() << bytes.error().message;
        return all;
      }
      if (bytes->empty()) return all;
      record::BatchReader batches(*bytes);
      while (true) {
        const auto batch = batches.next().value();
        if (!batch) break;
        EXPECT_TRUE(record::crc_ok(*batch));
        const auto walked = record::for_each_record(records, *batch, [&](const record::RecordView& r) {
          if (r.offset.value() < from) return;
          TestRecord got{.key = {}, .value = {}, .timestamp = r.timestamp, .offset = r.offset.value()};
          if (r.key) got.key = std::string(*r.key);
          if (r.value) got.value = std::string(*r.value);
          all.push_back(got);
        });
        EXPECT_TRUE(walked);
        from = std::max(from, batch->header().next_offset().value());
      }
      EXPECT_TRUE(batches.rest().empty());
    }
  }
  std::vector<std::int64_t> offsets_from(std::int64_t from) {
    std::vector<std::int64_t> offsets;
    for (const TestRecord& r : read_all(from)) offsets.push_back(r.offset);
    return offsets;
  }
  static std::vector<std::int64_t> numbers(std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> all;
    for (; begin < end; ++begin) all.push_back(begin);
    return all;
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& entry : disk_.list(kDirectory).value()) all.push_back(entry.name);
    return all;
  }
  std::string path(std::int64_t base, std::string_view extension = "log") const {
    return std::string(kDirectory) + "/" + segment_file_name(Offset{base}, extension);
  }
  std::string contents(const std::string& file) { return env::read_whole(disk_, file).value(); }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
  LogConfig config_;
  Uuid topic_id_{{1, 2, 3}};
  LeaderEpoch epoch_{0};
  WallMillis wall_ = 1'000;
  std::unique_ptr<Log> log_;
  RecoveryReport report_;
};

}  // namespace mq::log
