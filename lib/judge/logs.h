#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "judge/history.h"

namespace mq::judge {

/// The logs of a history, as all answers together show them: which value is where, and who said so.
///
/// A partition has one log after the other when its topic is deleted and made again. An operation that overlaps the
/// deletion may have met either, and belongs to none. Keeps a reference to the history, which must outlive it.
class Logs {
 public:
  /// That a value is at an offset.
  struct Place {
    std::int64_t offset = 0;
    std::int64_t value = 0;
    std::uint32_t acknowledged_by = kNone;  ///< the operation that was told so
    std::uint32_t read_by = kNone;          ///< the first that read it there
    std::uint32_t send = kNone;             ///< who sent the value
    std::uint32_t offsets_read = 0;         ///< how many offsets below this one have been read by somebody
    bool is_in_final_read = false;
  };
  /// Where readers found what a send sent.
  struct Found {
    std::uint32_t log = kNone;  ///< the first place, by log and offset; `kNone`: nobody read it
    std::uint32_t place = kNone;
    std::uint32_t last_log = kNone;
    std::uint32_t places = 0;  ///< in how many places it was read; in several lives of a partition counts once
    bool is_in_final_read = false;
    bool is_read_in_some_life = false;  ///< by who may have met one life of the partition or the next: no place says it
  };
  /// Records that were deleted on request.
  struct Deletion {
    Time invoked = 0;
    Time completed = kNever;
    std::int64_t before = kNoOffset;         ///< as asked for; `kNoOffset`: all
    std::int64_t low_watermark = kNoOffset;  ///< as told
    std::uint32_t operation = 0;
  };
  struct Log {
    Name key = 0;
    std::uint32_t incarnation = 0;  ///< how often the topic was deleted before
    Time from = kBeginning;         ///< operations that began after this
    Time to = kNever;               ///< and were over before that
    bool is_compacted = false;
    bool was_deleted = false;
    std::vector<Place> places;  ///< by offset, then by value
    std::vector<Deletion> deletions;
    std::int64_t earliest_seen = 0;  ///< the greatest begin of it that was told to anybody

    /// The index of the first place at or behind `offset`.
    [[nodiscard]] std::size_t lower_bound(std::int64_t offset) const;
    /// Up to where records can be gone, by what had been asked for by `now`.
    [[nodiscard]] std::int64_t deleted_before(Time now) const;
  };

  explicit Logs(const History& history);

  [[nodiscard]] const History& history() const { return history_; }
  /// By the names of partitions, then by incarnation.
  [[nodiscard]] std::span<const Log> all() const { return logs_; }
  /// The number of the log that an operation met; `kNone` when it cannot be told.
  [[nodiscard]] std::uint32_t log_of(Name key, const Operation& op) const {
    return key < only_log_.size() && only_log_[key] != kNone ? only_log_[key] : log_among_lives(key, op);
  }
  /// Calls `take(number)` for each log that a partition ever had.
  template <class Take>
  void for_each_life(Name key, const Take& take) const {
    const auto [first, end] = key < lives_.size() ? lives_[key] : std::pair<std::uint32_t, std::uint32_t>{};
    for (std::uint32_t at = first; at < end; ++at) take(at);
  }
  /// Calls `meet(number)` for each log that an operation may have met.
  template <class Meet>
  void for_each_that_may_be_met(Name key, const Operation& op, const Meet& meet) const {
    for_each_life(key, [&](std::uint32_t at) {
      if (op.invoked <= logs_[at].to && op.settled() >= logs_[at].from) meet(at);
    });
  }
  /// What a poll gives of a partition was fetched then or later: clients fetch ahead, from where they were put last.
  /// Of other operations when they began.
  [[nodiscard]] Time asked_since(Name key, const Operation& op) const;
  /// Of each read in `History::reads`: its place in its log; `kNone` outside of any.
  [[nodiscard]] std::span<const std::uint32_t> places_of_reads() const { return places_of_reads_; }
  /// Of each send in `History::sends`.
  [[nodiscard]] std::span<const Found> found() const { return found_; }
  /// Whether a poll of the final phase speaks of the partition.
  [[nodiscard]] bool is_in_final_read(Name key) const { return key < final_keys_.size() && final_keys_[key]; }
  /// "orders-3", and which life of it when there were several.
  [[nodiscard]] std::string name_of(const Log& log) const;
  /// The topic of "TOPIC-PARTITION".
  [[nodiscard]] static std::string_view topic_of(std::string_view key);

 private:
  struct Sighting;

  void find_lives();
  [[nodiscard]] std::uint32_t log_among_lives(Name key, const Operation& op) const;
  void note_begins_of_readers();
  void place_records();
  static void put_in_order(std::span<Sighting> sightings);
  void place_in(Log& log, std::span<Sighting> sightings);
  void note_deletions();
  void note_final_read();

  const History& history_;
  std::vector<Log> logs_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lives_;  ///< by key: its logs
  std::vector<std::uint32_t> only_log_;  ///< by key: the log of a topic that was never deleted; `kNone` of others
  /// By process and partition: the operations that put the reader somewhere there, in order.
  boost::unordered_flat_map<std::pair<std::int64_t, Name>, std::vector<std::uint32_t>> reader_begins_;
  std::vector<std::uint32_t> places_of_reads_;
  std::vector<Found> found_;
  std::vector<bool> final_keys_;
};

}  // namespace mq::judge
