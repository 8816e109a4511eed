// Where logs begin and end, as clients are told: A19 and A28.
#include <fmt/format.h>

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "judge/findings.h"
#include "judge/floors.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// What was told of one log.
struct EndsOfLog {
  std::array<std::vector<Observation>, 2> latest;                    ///< by isolation; floors are acknowledgements too
  std::map<std::int64_t, std::vector<Observation>> high_watermarks;  ///< of polls, by leader epoch; -1: not told
  std::vector<Observation> earliest;
  std::vector<Observation> reads;  ///< the least offset of each poll, against begins of the log
};

/// The leader epoch that a poll was told of a partition; -1: none.
std::int64_t epoch_told(const History& history, const Operation& op, Name key) {
  for (const Point& told : history.told_to(op))
    if (told.kind == Point::Kind::leader_epoch && told.key == key) return told.number;
  return -1;
}

/// The leader epochs that one operation was told.
class EpochsTold {
 public:
  explicit EpochsTold(const History& history) : history_(history) {}

  /// From here on of `op`.
  void take(const Operation& op) {
    for (const Name key : known_) epochs_[key] = -1;
    known_.clear();
    for (const Point& told : history_.told_to(op)) {
      if (told.kind != Point::Kind::leader_epoch) continue;
      if (epochs_.size() <= told.key) epochs_.resize(told.key + 1, -1);
      if (epochs_[told.key] >= 0) continue;
      epochs_[told.key] = told.number;
      known_.push_back(told.key);
    }
  }
  /// -1: none.
  [[nodiscard]] std::int64_t of(Name key) const { return key < epochs_.size() ? epochs_[key] : -1; }

 private:
  const History& history_;
  std::vector<std::int64_t> epochs_;  ///< by partition
  std::vector<Name> known_;
};

std::vector<EndsOfLog> ends_of_logs(const Logs& logs) {
  const History& history = logs.history();
  std::vector<EndsOfLog> all(logs.all().size());
  EpochsTold epochs(history);
  std::array<bool, 2> is_asked{};  // somebody asks for ends with that isolation
  for (const Operation& op : history.operations)
    if (op.action == Action::list_offsets) is_asked[static_cast<std::size_t>(op.isolation)] = true;
  for (const Operation& op : history.operations) {
    epochs.take(op);
    const std::uint32_t number = history.number_of(op);
    const auto isolation = static_cast<std::size_t>(op.isolation);
    for (const Point& told : history.told_to(op)) {
      const std::uint32_t log = logs.log_of(told.key, op);
      if (log == kNone || op.is_from_follower) continue;
      const Observation seen{op.invoked, op.completed, told.number, told.number, number};
      if (told.kind == Point::Kind::latest) all[log].latest[isolation].push_back(seen);
      if (told.kind == Point::Kind::high_watermark && told.number >= 0)
        all[log].high_watermarks[epochs.of(told.key)].push_back(seen);
      if (told.kind == Point::Kind::earliest) all[log].earliest.push_back(seen);
      if (told.kind == Point::Kind::low_watermark && told.number >= 0 && op.outcome == Outcome::ok) {
        Observation floor = seen;
        floor.is_judged = false;
        all[log].earliest.push_back(floor);
        all[log].reads.push_back(floor);
      }
      if (told.kind == Point::Kind::earliest) {
        Observation floor = seen;
        floor.is_judged = false;
        all[log].reads.push_back(floor);
      }
    }
    for (const Send& send : history.sends_of(op)) {
      // With acks=all a record is acknowledged once it is below the high watermark.
      if (!send.is_acknowledged || send.offset == kNoOffset || op.acks != -1 || send.is_transactional) continue;
      const std::uint32_t log = logs.log_of(send.key, op);
      if (log == kNone) continue;
      for (std::size_t asked = 0; asked < is_asked.size(); ++asked)
        if (is_asked[asked])
          all[log].latest[asked].push_back({op.invoked, op.completed, 0, send.offset + 1, number, false});
    }
    Name last_key = 0;
    for (const Read& read : history.reads_of(op)) {
      if (std::exchange(last_key, read.key) == read.key) continue;
      const std::uint32_t log = logs.log_of(read.key, op);
      if (log == kNone) continue;
      all[log].reads.push_back({logs.asked_since(read.key, op), op.completed, read.offset, 0, number, true, false});
    }
  }
  return all;
}

/// What excuses that the later poll was told a lower high watermark than the earlier one.
///
/// Until a new leader hears from its followers it may tell readers an older high watermark than the one before it did.
/// It does not do so to who asks for the end of the log (KIP-207).
std::uint32_t change_of_leader(const History& history, const Findings& findings, Name key, const Operation& earlier,
                               const Operation& later) {
  const std::int64_t before = epoch_told(history, earlier, key);
  const std::int64_t after = epoch_told(history, later, key);
  if (before >= 0 && after >= 0) return before == after ? kNoCircumstance : kLeaderChange;
  return findings.has_fault_between(history.first, later.completed) ? kLeaderChange : kNoCircumstance;
}

void add_regression(const Logs& logs, Findings& findings, const Logs::Log& log, const Observation& later,
                    const Observation& earlier, std::string_view what, std::uint32_t circumstances) {
  const History& history = logs.history();
  const Operation& op = history.operations[later.operation];
  const Operation& other = history.operations[earlier.operation];
  circumstances |= findings.loss_circumstances(-1, other.invoked, op.completed);
  findings.add(Anomaly::end_regression, circumstances, [&] {
    const std::string before = other.action == Action::send ? fmt::format("acknowledged offset {}", earlier.floor - 1)
                                                            : fmt::format("told {}", earlier.floor);
    return fmt::format("{}: {} was told {} {}, and before that {} was {}.", logs.name_of(log), findings.told(op), what,
                       later.number, findings.told(other), before);
  });
}

void judge_latest(const Logs& logs, Findings& findings, const Logs::Log& log, const std::vector<Observation>& latest) {
  findings.looked_at(Anomaly::end_regression,
                     static_cast<std::size_t>(std::ranges::count(latest, true, &Observation::is_judged)));
  against_floors(latest, [&](const Observation& later, const Observation& earlier) {
    if (later.number < earlier.floor)
      add_regression(logs, findings, log, later, earlier, "the end of the log as", kNoCircumstance);
  });
}

/// Those of one leader epoch first: what only a change of the leader excuses must not hide what nothing does.
void judge_high_watermarks(const Logs& logs, Findings& findings, const Logs::Log& log, const EndsOfLog& ends) {
  const History& history = logs.history();
  std::vector<Observation> all;
  for (const auto& [epoch, told] : ends.high_watermarks) {
    findings.looked_at(Anomaly::end_regression, told.size());
    if (epoch >= 0)
      against_floors(told, [&](const Observation& later, const Observation& earlier) {
        if (later.number < earlier.floor)
          add_regression(logs, findings, log, later, earlier, "the high watermark as", kNoCircumstance);
      });
    all.insert(all.end(), told.begin(), told.end());
  }
  if (ends.high_watermarks.size() == 1 && ends.high_watermarks.begin()->first >= 0) return;
  against_floors(all, [&](const Observation& later, const Observation& earlier) {
    if (later.number >= earlier.floor) return;
    const Operation& op = history.operations[later.operation];
    const Operation& other = history.operations[earlier.operation];
    const std::uint32_t excuses = change_of_leader(history, findings, log.key, other, op);
    // Those have been judged.
    const bool is_in_one_epoch =
        excuses == kNoCircumstance && epoch_told(history, op, log.key) >= 0 && epoch_told(history, other, log.key) >= 0;
    if (!is_in_one_epoch) add_regression(logs, findings, log, later, earlier, "the high watermark as", excuses);
  });
}

void judge_begins(const Logs& logs, Findings& findings, const Logs::Log& log, const EndsOfLog& ends) {
  const History& history = logs.history();
  findings.looked_at(Anomaly::retention, ends.earliest.size() + ends.reads.size());
  against_floors(ends.earliest, [&](const Observation& later, const Observation& earlier) {
    if (later.number >= earlier.floor) return;
    const Operation& op = history.operations[later.operation];
    const Operation& other = history.operations[earlier.operation];
    findings.add(Anomaly::retention, findings.loss_circumstances(-1, other.invoked, op.completed), [&] {
      return fmt::format("{}: {} was told that the log begins at {}, and before that {} was told {}.",
                         logs.name_of(log), findings.told(op), later.number, findings.told(other), earlier.floor);
    });
  });
  against_floors(ends.reads, [&](const Observation& read, const Observation& begin) {
    if (read.number >= begin.floor) return;
    const Operation& op = history.operations[read.operation];
    const Operation& other = history.operations[begin.operation];
    findings.add(Anomaly::retention, findings.loss_circumstances(-1, other.invoked, op.completed), [&] {
      return fmt::format("{}: {} read offset {}, and before that {} was told that the log begins at {}.",
                         logs.name_of(log), findings.told(op), read.number, findings.told(other), begin.floor);
    });
  });
  for (const Observation& told : ends.earliest) {
    if (!told.is_judged) continue;
    const Operation& op = history.operations[told.operation];
    const std::int64_t asked_for = log.deleted_before(op.completed);
    if (told.number <= asked_for || log.incarnation > 0) continue;
    std::uint32_t excuses = findings.loss_circumstances(-1, history.first, op.completed);
    if (history.run.has_retention) excuses |= kRetention;
    findings.add(Anomaly::retention, excuses, [&] {
      return fmt::format(
          "{}: {} was told that the log begins at {}; nobody had asked to delete more than what is below {}.",
          logs.name_of(log), findings.told(op), told.number, asked_for);
    });
  }
}

}  // namespace

void find_moved_ends(const Logs& logs, Findings& findings) {
  const std::vector<EndsOfLog> all = ends_of_logs(logs);
  for (std::size_t at = 0; at < all.size(); ++at) {
    const Logs::Log& log = logs.all()[at];
    for (const std::vector<Observation>& latest : all[at].latest) judge_latest(logs, findings, log, latest);
    judge_high_watermarks(logs, findings, log, all[at]);
    judge_begins(logs, findings, log, all[at]);
  }
}

}  // namespace mq::judge
