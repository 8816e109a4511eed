#include "verify_history.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/parsed_number.h"

namespace mq::mqbench {
namespace {

/// Of one line, which then has a few megabytes.
constexpr std::size_t kPolledRecordsMax = 50'000;
/// Records older than this are no business of a run: none takes so long.
constexpr std::int64_t kOldMs = 24 * 3'600'000;
/// Processes of one program, and bits that keep those of several apart and every number exact where numbers are
/// floating.
constexpr int kProcessBits = 16;
constexpr int kDrawnBits = 36;

std::string_view setting(const std::vector<client::ConfigEntry>& settings, std::string_view name) {
  const auto found = std::ranges::find(settings, name, &client::ConfigEntry::name);
  return found == settings.end() || !found->value ? std::string_view() : std::string_view(*found->value);
}

judge::PartitionName name_of(const TopicPartition& where) { return {where.topic, where.partition}; }

}  // namespace

std::int64_t history_value(std::uint64_t run, std::uint32_t producer, std::int32_t partition, std::uint64_t sequence) {
  const std::uint64_t own = std::uint64_t{producer} << 49 | static_cast<std::uint64_t>(partition) << 35 | sequence;
  return static_cast<std::int64_t>(own ^ run >> 1);
}

judge::Run run_of(const std::vector<client::ConfigEntry>& settings) {
  const auto number = [&](std::string_view name, std::int64_t otherwise) {
    return parsed_number<std::int64_t>(setting(settings, name)).value_or(otherwise);
  };
  const std::string_view flush = setting(settings, "mq.flush");
  const bool is_synced = flush.empty() ? number("flush.messages", 0) == 1 : flush == "ack";
  const std::int64_t retention_ms = number("retention.ms", -1);
  const bool may_go = number("retention.bytes", -1) >= 0 || (retention_ms >= 0 && retention_ms < kOldMs);
  return {.flush = is_synced ? FlushClass::ack : FlushClass::async,
          .min_isr = static_cast<std::int32_t>(number("min.insync.replicas", 1)),
          .has_retention = may_go && setting(settings, "cleanup.policy") != "compact"};
}

bool is_compacted(const std::vector<client::ConfigEntry>& settings) {
  return setting(settings, "cleanup.policy").contains("compact");
}

Result<std::unique_ptr<VerifyHistory>> VerifyHistory::create(env::Files& files, const env::Clock& clock,
                                                             const std::string& path, std::uint64_t drawn) {
  if (auto size = files.file_size(path); !size && size.error().code != Errc::not_found) return fail(size.error());
  MQ_TRY(auto file, files.open(path, env::OpenMode::create));
  MQ_CHECK(file->truncate(0));
  const auto first_process = static_cast<std::int64_t>(drawn >> (64 - kDrawnBits) << kProcessBits);
  return std::unique_ptr<VerifyHistory>(new VerifyHistory(std::move(file), clock, first_process));
}

VerifyHistory::VerifyHistory(std::unique_ptr<env::File> file, const env::Clock& clock, std::int64_t first_process)
    : file_(std::move(file)), clock_(clock), next_process_(first_process), run_(sink()) {}

judge::HistoryWriter::Sink VerifyHistory::sink() {
  return [this](std::string_view line) { lines_ += line; };
}

judge::HistoryWriter VerifyHistory::new_client(std::string_view name) { return {sink(), next_process_++, name}; }

Result<void> VerifyHistory::flush() {
  if (written_) written_ = file_->write_at(size_, lines_);
  size_ += lines_.size();
  lines_.clear();
  return written_;
}

ReaderHistory::ReaderHistory(VerifyHistory& history, std::string_view name)
    : history_(history), writer_(history.new_client(name)) {}

Result<void> ReaderHistory::assign(const std::vector<std::pair<TopicPartition, Offset>>& positions) {
  std::vector<judge::StartingPoint> points;
  polled_.clear();
  for (const auto& [where, offset] : positions) {
    polled_[where];
    points.push_back({name_of(where), judge::StartingPoint::At::offset, offset.value()});
  }
  const auto asked = writer_.ask_assign(history_.now(), points);
  writer_.answer(history_.now(), asked);
  return history_.flush();
}

Result<void> ReaderHistory::ask() {
  asked_ = writer_.ask_poll(history_.now());
  return history_.flush();
}

void ReaderHistory::add(const TopicPartition& where, const judge::PolledRecord& record) {
  polled_[where].push_back(record);
  if (++records_ < kPolledRecordsMax) return;
  // One poll more, which ends when this one does.
  write_answer();
  asked_ = writer_.ask_poll(history_.now());
}

Result<void> ReaderHistory::answer() {
  write_answer();
  return history_.flush();
}

Result<void> ReaderHistory::give_up(std::string_view error) {
  writer_.answer(history_.now(), asked_, {judge::Outcome::info, error});
  return history_.flush();
}

/// Names every partition in the first answer and in those that hold nothing; thousands of them in every answer would be
/// most of the history.
void ReaderHistory::write_answer() {
  const bool names_all = records_ == 0 || !was_anything_polled_;
  std::vector<judge::PolledPartition> partitions;
  for (const auto& [where, records] : polled_)
    if (names_all || !records.empty()) partitions.push_back({.partition = name_of(where), .records = records});
  writer_.answer_poll(history_.now(), asked_, partitions);
  was_anything_polled_ = true;
  records_ = 0;
  for (auto& [where, records] : polled_) records.clear();
}

Result<void> ReaderHistory::reset(const TopicPartition& where, Offset from, Offset to, std::string_view error) {
  writer_.reset(history_.now(), name_of(where), from.value(), to.value(), error);
  return history_.flush();
}

}  // namespace mq::mqbench
