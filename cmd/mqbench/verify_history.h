#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/admin.h"
#include "env/clock.h"
#include "env/files.h"
#include "judge/history_writer.h"
#include "model/ids.h"

namespace mq::mqbench {

/// The value of a record in a history. Different for all records of a run; of different runs they have a random
/// difference. The lower bits count: producer 14, partition 14, sequence 35.
[[nodiscard]] std::int64_t history_value(std::uint64_t run, std::uint32_t producer, std::int32_t partition,
                                         std::uint64_t sequence);
inline constexpr std::int32_t kHistoryPartitionsMax = 1 << 14;

/// What a judge has to know of a topic, from its settings: what is not said there is as Kafka has it.
[[nodiscard]] judge::Run run_of(const std::vector<client::ConfigEntry>& topic_settings);
[[nodiscard]] bool is_compacted(const std::vector<client::ConfigEntry>& topic_settings);

/// The file with the history of a run of `verify`, as docs/histories.md has it. Bound to one shard. `files` and `clock`
/// must outlive it, and it must outlive its clients.
class VerifyHistory {
 public:
  /// Makes the file anew. `drawn` is a random number, so that the clients of several programs have different processes.
  /// invalid_argument: something other than a file is there.
  [[nodiscard]] static Result<std::unique_ptr<VerifyHistory>> create(env::Files& files, const env::Clock& clock,
                                                                     const std::string& path, std::uint64_t drawn);

  [[nodiscard]] judge::Time now() const { return clock_.now().since_start().count(); }
  /// What is done to the run.
  [[nodiscard]] judge::HistoryWriter& run() { return run_; }
  /// A writer for one more client.
  [[nodiscard]] judge::HistoryWriter new_client(std::string_view name);
  /// Hands all lines so far to the operating system. The first error comes again with every call.
  [[nodiscard]] Result<void> flush();

 private:
  VerifyHistory(std::unique_ptr<env::File> file, const env::Clock& clock, std::int64_t first_process);
  [[nodiscard]] judge::HistoryWriter::Sink sink();

  std::unique_ptr<env::File> file_;
  const env::Clock& clock_;
  std::int64_t next_process_;
  std::string lines_;  ///< not handed on yet
  std::uint64_t size_ = 0;
  Result<void> written_;
  judge::HistoryWriter run_;
};

/// The polls of one reader in the history of a run.
class ReaderHistory {
 public:
  ReaderHistory(VerifyHistory& history, std::string_view name);

  /// The reader begins there and nowhere else.
  [[nodiscard]] Result<void> assign(const std::vector<std::pair<TopicPartition, Offset>>& positions);
  /// A poll begins.
  [[nodiscard]] Result<void> ask();
  void take(const TopicPartition& where, Offset offset, std::int64_t value) {
    add(where, {.offset = offset.value(), .value = value});
  }
  /// A record that is not the one that was sent; `damage` lives as long as this.
  void take_damaged(const TopicPartition& where, Offset offset, std::string_view damage) {
    add(where, {.offset = offset.value(), .damage = damage});
  }
  /// The poll has ended with what was taken since `ask`.
  [[nodiscard]] Result<void> answer();
  /// The poll has ended with an error, and nothing was taken.
  [[nodiscard]] Result<void> give_up(std::string_view error);
  /// The reader was at `from`, and the broker made it begin at `to`.
  [[nodiscard]] Result<void> reset(const TopicPartition& where, Offset from, Offset to, std::string_view error);

 private:
  void add(const TopicPartition& where, const judge::PolledRecord& record);
  void write_answer();

  VerifyHistory& history_;
  judge::HistoryWriter writer_;
  judge::HistoryWriter::Asked asked_;
  std::map<TopicPartition, std::vector<judge::PolledRecord>> polled_;  ///< of every partition that is assigned
  std::size_t records_ = 0;
  bool was_anything_polled_ = false;
};

}  // namespace mq::mqbench
