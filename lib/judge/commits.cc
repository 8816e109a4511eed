// What groups have committed: A16.
//
// The committed offset of a group and a log is a register. A look-up may find what a commit wrote that had begun before
// the look-up was over, unless another commit began after that one was over and was over itself before the look-up
// began. A commit whose answer did not come may take effect at any time, until a look-up finds it: then it has.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

struct Write {
  Time invoked = kBeginning;
  Time completed = kBeginning;  ///< by when it had taken effect; `kNever`: nobody knows whether it has
  std::int64_t offset = kNoOffset;
  std::uint32_t operation = kNone;  ///< none: the register's first state
};

struct LookUp {
  Time invoked = 0;
  Time completed = 0;
  std::int64_t offset = kNoOffset;
  std::uint32_t operation = 0;
  bool is_first_poll = false;  ///< a member began to read here: not below what it had to find
};

/// What one group has committed of one log.
class Register {
 public:
  std::vector<Write> writes{Write{}};
  std::vector<LookUp> look_ups;

  /// Calls `broken(look_up, newest)` for each look-up that found what it may not; `newest` is a commit that was over
  /// before.
  template <class Broken>
  void judge(const Broken& broken) {
    settle_found_writes();
    std::ranges::sort(writes, {}, [](const Write& write) { return std::tuple(write.offset, write.invoked); });
    std::vector<const Write*> by_end;
    for (const Write& write : writes)
      if (write.completed != kNever) by_end.push_back(&write);
    std::ranges::sort(by_end, {}, [](const Write* write) { return std::tuple(write->completed, write->offset); });
    std::ranges::sort(look_ups, {},
                      [](const LookUp& look_up) { return std::tuple(look_up.invoked, look_up.operation); });

    std::size_t over = 0;
    const Write* newest =
        nullptr;  // of those that are over, the one that began last: what ended before it is overwritten
    for (const LookUp& look_up : look_ups) {
      for (; over < by_end.size() && by_end[over]->completed < look_up.invoked; ++over)
        if (!newest || by_end[over]->invoked >= newest->invoked) newest = by_end[over];
      if (newest && !may_find(look_up, newest->invoked)) broken(look_up, *newest);
    }
  }

 private:
  [[nodiscard]] bool may_find(const LookUp& look_up, Time overwritten_before) const {
    const auto fits = [&](const Write& write) {
      return write.invoked <= look_up.completed && write.completed >= overwritten_before;
    };
    if (look_up.is_first_poll)
      return std::ranges::any_of(writes,
                                 [&](const Write& write) { return fits(write) && write.offset <= look_up.offset; });
    const auto same = std::ranges::equal_range(writes, look_up.offset, {}, &Write::offset);
    return std::ranges::any_of(same, fits);
  }

  /// A look-up that found what one unanswered commit alone can have written shows that it has taken effect.
  void settle_found_writes() {
    boost::unordered_flat_map<std::int64_t, std::vector<std::size_t>> of_offset;
    for (std::size_t at = 0; at < writes.size(); ++at) of_offset[writes[at].offset].push_back(at);
    for (const LookUp& look_up : look_ups) {
      const auto same = of_offset.find(look_up.offset);
      if (look_up.is_first_poll || same == of_offset.end() || same->second.size() != 1) continue;
      Write& write = writes[same->second.front()];
      write.completed = std::min(write.completed, look_up.completed);
    }
  }
};

class Registers {
 public:
  explicit Registers(const Logs& logs) : logs_(logs), history_(logs.history()) {}

  void take(const Operation& op) {
    switch (op.action) {
      case Action::commit:
        if (op.outcome != Outcome::fail) add_writes(op);
        break;
      case Action::committed:
        if (op.outcome == Outcome::ok) add_look_ups(op);
        break;
      case Action::poll:
        add_first_polls(op);
        break;
      case Action::sync:
        if (op.outcome != Outcome::ok) break;
        begun_[op.process].clear();
        if (const auto before = synced_.find(op.process); before != synced_.end())
          synced_before_[op.process] = before->second;
        synced_[op.process] = history_.number_of(op);
        break;
      default:
        break;
    }
  }
  /// A group that is deleted has committed nothing.
  void add_deletions() {
    for (const Operation& op : history_.operations) {
      if (op.action != Action::delete_group || op.outcome == Outcome::fail) continue;
      for (auto& [where, all] : all_)
        if (where.first == history_.text(op.group))
          all.writes.push_back({op.invoked, op.settled(), kNoOffset, history_.number_of(op)});
    }
  }
  [[nodiscard]] std::map<std::pair<std::string_view, std::uint32_t>, Register>& all() { return all_; }

 private:
  [[nodiscard]] Register* of(const Operation& op, Name key) {
    const std::uint32_t log = logs_.log_of(key, op);
    return log == kNone ? nullptr : &all_[{history_.text(op.group), log}];
  }
  void add_writes(const Operation& op) {
    for (const Point& wanted : history_.wanted_by(op)) {
      if (wanted.kind != Point::Kind::group_offset) continue;
      const std::uint32_t number = history_.number_of(op);
      if (Register* found = of(op, wanted.key)) {
        found->writes.push_back({op.invoked, op.settled(), wanted.number, number});
        continue;
      }
      // Amid the deletion of the topic: it may have come before or after.
      logs_.for_each_that_may_be_met(wanted.key, op, [&](std::uint32_t log) {
        all_[{history_.text(op.group), log}].writes.push_back({op.invoked, kNever, wanted.number, number});
      });
    }
  }
  void add_look_ups(const Operation& op) {
    for (const Point& told : history_.told_to(op))
      if (Register* found = told.kind == Point::Kind::group_offset ? of(op, told.key) : nullptr)
        found->look_ups.push_back({op.invoked, op.completed, told.number, history_.number_of(op)});
  }
  /// The first record that a member reads of a partition since it was given it.
  void add_first_polls(const Operation& op) {
    const auto synced = synced_.find(op.process);
    if (op.group == 0 || op.generation < 0 || synced == synced_.end()) return;
    const Operation& sync = history_.operations[synced->second];
    if (sync.group != op.group || sync.generation != op.generation) return;
    for (const Read& read : history_.reads_of(op)) {
      std::vector<Name>& begun = begun_[op.process];
      if (std::ranges::find(begun, read.key) != begun.end()) continue;
      begun.push_back(read.key);
      if (was_kept(op.process, read.key)) continue;
      if (Register* found = of(op, read.key))
        found->look_ups.push_back({sync.invoked, op.completed, read.offset, history_.number_of(op), true});
    }
  }
  /// A member that keeps a partition over a rebalance goes on where it is, which it need not have committed.
  [[nodiscard]] bool was_kept(std::int64_t process, Name key) const {
    const auto before = synced_before_.find(process);
    if (before == synced_before_.end()) return false;
    return std::ranges::any_of(history_.told_to(history_.operations[before->second]),
                               [&](const Point& told) { return told.kind == Point::Kind::owned && told.key == key; });
  }

  const Logs& logs_;
  const History& history_;
  std::map<std::pair<std::string_view, std::uint32_t>, Register> all_;    ///< by group and log
  boost::unordered_flat_map<std::int64_t, std::uint32_t> synced_;         ///< by process: its newest sync
  boost::unordered_flat_map<std::int64_t, std::vector<Name>> begun_;      ///< by process: read since then
  boost::unordered_flat_map<std::int64_t, std::uint32_t> synced_before_;  ///< and the one before that
};

/// Since when the record was known that a commit says was read last.
Time seen_since(const History& history, const Logs::Log& log, const Write& write, const Operation& commit) {
  Time since = commit.invoked;
  for (std::size_t at = log.lower_bound(write.offset - 1); at < log.places.size(); ++at) {
    const Logs::Place& place = log.places[at];
    if (place.offset >= write.offset) break;
    for (const std::uint32_t seen : {place.acknowledged_by, place.read_by})
      if (seen != kNone) since = std::min(since, history.operations[seen].invoked);
  }
  return since;
}

}  // namespace

void find_lost_offsets(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  Registers registers(logs);
  for (const Operation& op : history.operations) registers.take(op);
  registers.add_deletions();
  for (auto& [where, all] : registers.all()) {
    const std::string_view group = where.first;
    const Logs::Log& log = logs.all()[where.second];
    findings.looked_at(Anomaly::committed_offset, all.look_ups.size());
    all.judge([&](const LookUp& look_up, const Write& newest) {
      const Operation& op = history.operations[look_up.operation];
      const std::string log_name = logs.name_of(log);
      if (newest.operation == kNone) {
        findings.add(Anomaly::committed_offset, kNoCircumstance, [&] {
          return fmt::format("group {}, {}: {} found offset {}, which nobody committed.", group, log_name,
                             findings.told(op), look_up.offset);
        });
        return;
      }
      const Operation& commit = history.operations[newest.operation];
      std::uint32_t excuses = findings.offsets_loss_circumstances(commit.invoked, op.completed);
      // A member whose offset lies behind the end of a log that lost records cannot begin there.
      if (look_up.is_first_poll)
        excuses |= findings.loss_circumstances(-1, seen_since(history, log, newest, commit), op.completed);
      findings.add(Anomaly::committed_offset, excuses, [&] {
        const std::string found = look_up.offset == kNoOffset ? "found nothing"
                                  : look_up.is_first_poll ? fmt::format("began to read at offset {}", look_up.offset)
                                                          : fmt::format("found offset {}", look_up.offset);
        const std::string before = newest.offset == kNoOffset ? "had deleted the group"
                                                              : fmt::format("had committed offset {}", newest.offset);
        return fmt::format("group {}, {}: {} {}, and {} {} before.", group, log_name, findings.told(op), found,
                           findings.told(commit), before);
      });
    });
  }
}

}  // namespace mq::judge
