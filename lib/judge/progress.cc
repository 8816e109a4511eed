// Who makes progress, and how late: A22 and A32.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// While everything is healed.
struct Healed {
  Time begin = 0;
  Time end = 0;
};

/// One operation of a client, or on a partition, inside such a time.
struct Try {
  Time begin = 0;
  Time end = 0;
  bool is_ok = false;
  std::uint32_t operation = 0;
};

/// From each mark "heal" to the next fault.
std::vector<Healed> healed_times(const History& history) {
  std::vector<Healed> healed;
  for (const Phase& phase : history.phases) {
    if (phase.name != Phase::Name::heal) continue;
    const auto fault = std::ranges::find_if(history.faults, [&](const Fault& candidate) {
      return candidate.at > phase.at && history.text(candidate.kind) != "heal";
    });
    healed.push_back({phase.at, fault == history.faults.end() ? history.last : fault->at});
  }
  return healed;
}

bool shows_progress(Action action) {
  switch (action) {
    case Action::send:
    case Action::poll:
    case Action::txn:
    case Action::commit:
    case Action::committed:
    case Action::join:
    case Action::sync:
    case Action::list_offsets:
      return true;
    default:
      return false;
  }
}

/// Calls `stuck(from, to, operation)` once when nothing succeeded for longer than `bound` while it was being tried.
template <class Stuck>
void judge_tries(std::vector<Try>& tries, Time bound, const Stuck& stuck) {
  std::ranges::sort(tries, {}, [](const Try& one) { return std::tuple(one.end, one.begin, one.operation); });
  Time last_ok = kBeginning;
  Time since = kNever;  // the first try after that
  Time newest = kBeginning;
  for (const Try& one : tries) {
    // Who did not try for a while was not stuck meanwhile.
    if (newest != kBeginning && one.begin - newest > bound / 6) since = kNever;
    since = std::min(since, std::max(one.begin, last_ok));
    newest = std::max(newest, one.end);
    if (one.end - since > bound) return stuck(since, one.end, one.operation);
    if (one.is_ok) last_ok = one.end, since = kNever;
  }
}

class Progress {
 public:
  Progress(const Logs& logs, Findings& findings) : history_(logs.history()), findings_(findings) {
    for (const Operation& op : history_.operations)
      if (op.action == Action::crash) crashes_[op.process] = op.completed;
  }

  void judge(const Healed& healed) {
    std::map<std::string_view, std::vector<Try>> of_clients;
    std::map<std::string_view, std::vector<Try>> of_partitions;
    for (const Operation& op : history_.operations) {
      if (!shows_progress(op.action)) continue;
      const Try one{std::max(op.invoked, healed.begin), std::min(end_of(op), healed.end),
                    op.outcome == Outcome::ok && op.completed <= healed.end, history_.number_of(op)};
      if (one.end < one.begin || end_of(op) < healed.begin || op.invoked > healed.end) continue;
      of_clients[history_.text(op.client)].push_back(one);
      for (const Send& send : history_.sends_of(op)) of_partitions[history_.text(send.key)].push_back(one);
    }
    for (auto& [client, tries] : of_clients) judge(fmt::format("client {}", client), tries);
    for (auto& [partition, tries] : of_partitions) judge(fmt::format("{}, sends", partition), tries);
  }

 private:
  void judge(const std::string& who, std::vector<Try>& tries) {
    findings_.looked_at(Anomaly::stuck);
    judge_tries(tries, history_.run.stuck_after, [&](Time from, Time to, std::uint32_t last) {
      findings_.add(Anomaly::stuck, kNoCircumstance, [&] {
        const Operation& op = history_.operations[last];
        return fmt::format(
            "{}: nothing succeeded from {} to {}, while nothing was broken any more; the last try was by {}{}{}.", who,
            findings_.seconds(from), findings_.seconds(to), findings_.told(op), op.error ? ", told " : "",
            history_.text(op.error));
      });
    });
  }
  [[nodiscard]] Time end_of(const Operation& op) const {
    if (op.completed != kNever) return op.completed;
    const auto crash = crashes_.find(op.process);
    return crash == crashes_.end() ? history_.last : std::max(crash->second, op.invoked);
  }

  const History& history_;
  Findings& findings_;
  boost::unordered_flat_map<std::int64_t, Time> crashes_;
};

/// When records of a log were acknowledged.
class AcknowledgedTimes {
 public:
  explicit AcknowledgedTimes(const Logs::Log& log, const History& history) {
    for (const Logs::Place& place : log.places) {
      if (place.acknowledged_by == kNone) continue;
      offsets_.push_back(place.offset);
      earliest_.push_back(history.operations[place.acknowledged_by].completed);
    }
    for (std::size_t at = earliest_.size(); at-- > 1;) earliest_[at - 1] = std::min(earliest_[at - 1], earliest_[at]);
  }
  /// When the first of those at or behind `offset` was acknowledged; `kNever` when none was. `from` is where the last
  /// search of the same reader ended: the next one mostly ends near it.
  [[nodiscard]] Time first_behind(std::int64_t offset, std::size_t& from) const {
    if (from > 0 && offsets_[from - 1] >= offset) from = 0;
    std::size_t end = from;
    for (std::size_t step = 1; end < offsets_.size() && offsets_[end] < offset; step *= 2) {
      from = end + 1;
      end += step;
    }
    const auto near = std::span(offsets_).first(std::min(end, offsets_.size())).subspan(from);
    from += static_cast<std::size_t>(std::ranges::lower_bound(near, offset) - near.begin());
    return from == offsets_.size() ? kNever : earliest_[from];
  }

 private:
  std::vector<std::int64_t> offsets_;
  std::vector<Time> earliest_;  ///< of this place and all behind it
};

/// Where a reader is, and since when it is one.
struct FollowedReader {
  std::int64_t next = kNoOffset;
  Time since = 0;
  std::size_t searched_to = 0;  ///< in `AcknowledgedTimes`
};

}  // namespace

void find_stuck(const Logs& logs, Findings& findings) {
  Progress progress(logs, findings);
  for (const Healed& healed : healed_times(logs.history())) progress.judge(healed);
}

void measure_lag(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  const Time final_phase = history.begin_of(Phase::Name::final);
  std::vector<AcknowledgedTimes> times;
  times.reserve(logs.all().size());
  for (const Logs::Log& log : logs.all()) times.emplace_back(log, history);
  using OfProcess = boost::unordered_flat_map<std::uint32_t, FollowedReader>;  // by log
  boost::unordered_flat_map<std::int64_t, OfProcess> processes;
  for (const Operation& op : history.operations) {
    if (op.invoked >= final_phase) break;
    OfProcess& readers = processes[op.process];
    if (op.action == Action::assign || op.action == Action::subscribe) readers.clear();
    for (const Point& wanted : history.wanted_by(op))
      if (const std::uint32_t log = logs.log_of(wanted.key, op); wanted.kind == Point::Kind::position && log != kNone)
        readers[log] = {wanted.number, op.invoked};
    // While it was somebody else's, that one read it.
    for (const Point& told : history.told_to(op))
      if (told.kind == Point::Kind::rebalanced) readers.erase(logs.log_of(told.key, op));
    const std::span<const Read> reads = history.reads_of(op);
    for (std::size_t at = 0; at < reads.size(); ++at) {
      const Read& read = reads[at];
      if (at + 1 < reads.size() && reads[at + 1].key == read.key) continue;  // the last one says where the reader is
      const std::uint32_t log = logs.log_of(read.key, op);
      // Which life of the partition it reads, and up to where it is there, is not known any more.
      if (log == kNone) logs.for_each_life(read.key, [&](std::uint32_t life) { readers.erase(life); });
      if (log == kNone) continue;
      readers.try_emplace(log, FollowedReader{kNoOffset, op.invoked}).first->second.next = read.offset + 1;
    }
    for (const Point& told : history.told_to(op)) {
      const std::uint32_t log = told.kind == Point::Kind::polled ? logs.log_of(told.key, op) : kNone;
      const auto reader = log == kNone ? readers.end() : readers.find(log);
      if (reader == readers.end() || reader->second.next == kNoOffset) continue;
      findings.looked_at(Anomaly::lag);
      const Time waiting_since = times[log].first_behind(reader->second.next, reader->second.searched_to);
      if (waiting_since > op.invoked) continue;
      const Time lag = op.invoked - std::max(waiting_since, std::min(op.invoked, reader->second.since));
      const auto say = [&] {
        return fmt::format(
            "{}: {} had not read what is at or behind offset {}, which was acknowledged {} before that poll began.",
            logs.name_of(logs.all()[log]), findings.told(op), reader->second.next,
            fmt::format("{}.{:03} s", lag / 1'000'000'000, lag / 1'000'000 % 1000));
      };
      if (lag > findings.lag_worst) findings.lag_worst = lag, findings.lag_worst_text = say();
      if (lag > history.run.lag_max) findings.add(Anomaly::lag, kNoCircumstance, say);
    }
  }
}

}  // namespace mq::judge
