#include "judge/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mq::judge {
namespace {

constexpr int kOkPercentMin = 50;

void ask_for_enough_answers(const History& history, std::vector<std::string>& missing) {
  std::size_t asked = 0;
  std::size_t ok = 0;
  for (const Operation& op : history.operations) {
    if (op.action == Action::crash || op.action == Action::reset) continue;
    ++asked;
    ok += op.outcome == Outcome::ok ? 1 : 0;
  }
  if (asked == 0) missing.emplace_back("no client did anything");
  if (ok * 100 < asked * kOkPercentMin)
    missing.push_back(fmt::format("{} of {} operations succeeded; at least {} % have to", ok, asked, kOkPercentMin));
}

/// Each kind of fault left some operation in doubt, or was nowhere near.
void ask_for_effects_of_faults(const History& history, std::vector<std::string>& missing) {
  std::map<std::string_view, bool> disturbed;
  std::vector<Time> ends;  // of faults: a "heal" among them, and the marks of phases
  for (const Fault& fault : history.faults)
    if (history.text(fault.kind) == "heal") ends.push_back(fault.at);
  for (const Phase& phase : history.phases) ends.push_back(phase.at);
  std::ranges::sort(ends);
  std::vector<const Operation*> doubtful;
  for (const Operation& op : history.operations)
    if (op.outcome == Outcome::info && op.action != Action::reset) doubtful.push_back(&op);

  for (const Fault& fault : history.faults) {
    if (fault.is_quiet || history.text(fault.kind) == "heal") continue;
    bool& was_felt = disturbed[history.text(fault.kind)];
    if (was_felt) continue;
    const auto end = std::ranges::upper_bound(ends, fault.at);
    const Time until = end == ends.end() ? history.last : *end;
    was_felt = std::ranges::any_of(
        doubtful, [&](const Operation* op) { return op->invoked <= until && op->completed >= fault.at; });
  }
  for (const auto& [kind, was_felt] : disturbed)
    if (!was_felt) missing.push_back(fmt::format("no operation was left in doubt by the fault {}", kind));
}

void ask_for_final_reads(const Logs& logs, std::vector<std::string>& missing) {
  const History& history = logs.history();
  if (history.begin_of(Phase::Name::final) == kNever) {
    missing.emplace_back("there is no final phase, in which everything is read again");
    return;
  }
  if (history.begin_of(Phase::Name::done) == kNever) missing.emplace_back("the final phase was not completed");
  std::set<Name> sent;
  for (const Send& send : history.sends) sent.insert(send.key);
  std::set<std::string_view> unread;
  for (const Logs::Log& log : logs.all())
    if (!log.was_deleted && sent.contains(log.key) && !logs.is_in_final_read(log.key))
      unread.insert(history.text(log.key));
  for (const std::string_view key : unread) missing.push_back(fmt::format("{} was not read in the final phase", key));
}

}  // namespace

std::vector<std::string> what_is_missing(const Logs& logs, const Findings& findings) {
  const History& history = logs.history();
  std::vector<std::string> missing;
  ask_for_enough_answers(history, missing);
  ask_for_effects_of_faults(history, missing);
  ask_for_final_reads(logs, missing);
  const auto lost = [&](Anomaly anomaly) { return findings.kind(anomaly).broken + findings.kind(anomaly).allowed; };
  if (history.run.is_positive_control && lost(Anomaly::lost_write) + lost(Anomaly::unseen) == 0)
    missing.emplace_back("this run was made to lose records, and none was seen lost");
  return missing;
}

}  // namespace mq::judge
