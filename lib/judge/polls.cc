// The way of a reader through a log: A06 and A07.
#include <fmt/format.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <utility>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// Up to where a reader is in a log.
struct ReaderAt {
  std::int64_t next = kNoOffset;    ///< the least offset that may come; `kNoOffset`: nobody knows
  std::uint32_t offsets_read = 0;   ///< how many offsets below `next` somebody has read
  std::uint32_t operation = kNone;  ///< what brought it there
  bool is_asked_for = false;        ///< it was put there, and has read nothing yet
};

class Readers {
 public:
  Readers(const Logs& logs, Findings& findings) : logs_(logs), history_(logs.history()), findings_(findings) {}

  void take(const Operation& op) {
    if (op.action == Action::assign || op.action == Action::subscribe || op.action == Action::crash) forget(op.process);
    // Who polls for a group is a member, whether it said how it came to it or not.
    if (op.action == Action::subscribe || op.group != 0) members_.insert(op.process);
    if (op.action == Action::assign) {
      members_.erase(op.process);
      for (const Point& wanted : history_.wanted_by(op))
        if (wanted.kind == Point::Kind::position) put(op, wanted);
    }
    for (const Point& told : history_.told_to(op))
      if (told.kind == Point::Kind::rebalanced) forget(op, told.key);
    if (op.action == Action::reset)
      for (const Point& thrown : history_.wanted_by(op)) forget(op, thrown.key);
    Name key = 0;
    std::uint32_t log = kNone;
    ReaderAt* reader = nullptr;
    for (const Read& read : history_.reads_of(op)) {
      if (std::exchange(key, read.key) != read.key) {
        log = logs_.log_of(key, op);
        reader = log == kNone ? nullptr : &readers_[op.process][log];
        if (!reader) forget_lives(op.process, key);
      }
      if (reader) step(op, read, logs_.all()[log], *reader);
    }
  }

 private:
  using OfProcess = boost::unordered_flat_map<std::uint32_t, ReaderAt>;  // by log

  void forget(std::int64_t process) { readers_.erase(process); }
  void forget(const Operation& op, Name key) {
    const auto process = readers_.find(op.process);
    if (const std::uint32_t log = logs_.log_of(key, op); log != kNone && process != readers_.end())
      process->second.erase(log);
  }
  /// In which of them it is, and where, is not known any more.
  void forget_lives(std::int64_t process, Name key) {
    OfProcess& logs = readers_[process];
    logs_.for_each_life(key, [&](std::uint32_t log) { logs.erase(log); });
  }
  void put(const Operation& op, const Point& wanted);
  void step(const Operation& op, const Read& read, const Logs::Log& log, ReaderAt& reader);
  void judge_step(const Operation& op, const Read& read, const Logs::Log& log, const ReaderAt& before,
                  std::uint32_t offsets_read);
  [[nodiscard]] std::uint32_t circumstances(const Operation& op, const ReaderAt& before) const;
  [[nodiscard]] std::string way(const Logs::Log& log, const ReaderAt& before, const Operation& op,
                                const Read& read) const;
  [[nodiscard]] static const Logs::Place* passed_over(const History& history, const Logs::Log& log, std::int64_t from,
                                                      std::int64_t to);

  const Logs& logs_;
  const History& history_;
  Findings& findings_;
  boost::unordered_flat_map<std::int64_t, OfProcess> readers_;
  boost::unordered_flat_set<std::int64_t> members_;
};

void Readers::put(const Operation& op, const Point& wanted) {
  const std::uint32_t number = logs_.log_of(wanted.key, op);
  if (number == kNone || wanted.number == kNoOffset) return;
  const Logs::Log& log = logs_.all()[number];
  const std::size_t at = log.lower_bound(wanted.number);
  std::uint32_t offsets_read = 0;
  if (at < log.places.size()) {
    offsets_read = log.places[at].offsets_read;
  } else if (!log.places.empty()) {
    offsets_read = log.places.back().offsets_read + (log.places.back().read_by != kNone ? 1 : 0);
  }
  readers_[op.process][number] = {wanted.number, offsets_read, history_.number_of(op), true};
}

void Readers::step(const Operation& op, const Read& read, const Logs::Log& log, ReaderAt& reader) {
  const std::uint32_t place = logs_.places_of_reads()[static_cast<std::size_t>(&read - history_.reads.data())];
  if (place == kNone) return;
  const std::uint32_t offsets_read = log.places[place].offsets_read;
  if (reader.next != kNoOffset) judge_step(op, read, log, reader, offsets_read);
  reader = {read.offset + 1, offsets_read + 1, history_.number_of(op), false};
}

void Readers::judge_step(const Operation& op, const Read& read, const Logs::Log& log, const ReaderAt& before,
                         std::uint32_t offsets_read) {
  findings_.looked_at(Anomaly::poll_skip);
  findings_.looked_at(Anomaly::nonmonotonic_poll);
  if (read.offset < before.next) {
    findings_.add(Anomaly::nonmonotonic_poll, circumstances(op, before),
                  [&] { return way(log, before, op, read) + "."; });
    return;
  }
  if (offsets_read <= before.offsets_read || log.is_compacted) return;
  const std::int64_t from = std::max(before.next, log.deleted_before(op.completed));
  const Logs::Place* skipped = passed_over(history_, log, from, read.offset);
  if (!skipped) return;
  std::uint32_t excuses = circumstances(op, before);
  if (history_.run.has_retention) excuses |= kRetention;
  findings_.add(Anomaly::poll_skip, excuses, [&] {
    return fmt::format("{}, over offset {}, where {} read value {}.", way(log, before, op, read), skipped->offset,
                       findings_.told(history_.operations[skipped->read_by]), skipped->value);
  });
}

std::uint32_t Readers::circumstances(const Operation& op, const ReaderAt& before) const {
  std::uint32_t found = findings_.loss_circumstances(-1, history_.first, op.completed);
  const bool is_across_polls = before.operation != history_.number_of(op);
  if (is_across_polls && members_.contains(op.process)) found |= kRebalance;
  return found;
}

std::string Readers::way(const Logs::Log& log, const ReaderAt& before, const Operation& op, const Read& read) const {
  const Operation& last = history_.operations[before.operation];
  const std::string from = before.is_asked_for ? fmt::format("was put at offset {}", before.next)
                                               : fmt::format("read offset {}", before.next - 1);
  if (&last == &op)
    return fmt::format("{}: {} {} and then, in the same poll, offset {}", logs_.name_of(log), findings_.told(op), from,
                       read.offset);
  return fmt::format("{}: {} {}, and the next that it read is offset {}, {}", logs_.name_of(log), findings_.told(last),
                     from, read.offset, findings_.told(op));
}

/// A record in [from, to) that somebody read and everybody should; null when there is none.
const Logs::Place* Readers::passed_over(const History& history, const Logs::Log& log, std::int64_t from,
                                        std::int64_t to) {
  for (std::size_t at = log.lower_bound(from); at < log.places.size() && log.places[at].offset < to; ++at) {
    const Logs::Place& place = log.places[at];
    if (place.read_by == kNone || (place.send != kNone && history.sends[place.send].is_transactional)) continue;
    return &place;
  }
  return nullptr;
}

}  // namespace

void find_skips(const Logs& logs, Findings& findings) {
  Readers readers(logs, findings);
  for (const Operation& op : logs.history().operations) readers.take(op);
}

}  // namespace mq::judge
