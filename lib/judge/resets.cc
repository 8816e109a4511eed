// Readers that are thrown out of a log although they were inside: A26.
#include <fmt/format.h>

#include "judge/findings.h"
#include "judge/floors.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// What shows of each log how far it reached: an operation, and the end that it was told.
std::vector<std::vector<Observation>> known_ends(const Logs& logs) {
  const History& history = logs.history();
  std::vector<std::vector<Observation>> of_logs(logs.all().size());
  const auto reaches = [&](const Operation& op, Name key, std::int64_t end) {
    if (const std::uint32_t log = logs.log_of(key, op); log != kNone)
      of_logs[log].push_back({op.invoked, op.completed, end, end, history.number_of(op), false});
  };
  for (const Operation& op : history.operations) {
    for (const Send& send : history.sends_of(op))
      if (send.is_acknowledged && op.acks == -1 && send.offset != kNoOffset) reaches(op, send.key, send.offset + 1);
    for (const Read& read : history.reads_of(op)) reaches(op, read.key, read.offset + 1);
    for (const Point& told : history.told_to(op))
      if (told.kind == Point::Kind::latest || told.kind == Point::Kind::high_watermark)
        reaches(op, told.key, told.number);
  }
  return of_logs;
}

}  // namespace

void find_resets(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  if (std::ranges::find(history.operations, Action::reset, &Operation::action) == history.operations.end()) return;
  auto of_logs = known_ends(logs);
  for (const Operation& op : history.operations) {
    if (op.action != Action::reset) continue;
    for (const Point& thrown : history.wanted_by(op)) {
      const std::uint32_t log = logs.log_of(thrown.key, op);
      if (log == kNone || thrown.number == kNoOffset) continue;
      of_logs[log].push_back({op.invoked, op.completed, thrown.number, 0, history.number_of(op), true, false});
    }
  }
  for (std::size_t at = 0; at < of_logs.size(); ++at) {
    const Logs::Log& log = logs.all()[at];
    against_floors(of_logs[at], [&](const Observation& reset, const Observation& reach) {
      findings.looked_at(Anomaly::silent_reset);
      const Operation& op = history.operations[reset.operation];
      if (reset.number > reach.floor || reset.number < log.deleted_before(op.completed)) return;
      std::uint32_t excuses = findings.loss_circumstances(-1, history.first, op.completed);
      if (history.run.has_retention) excuses |= kRetention;
      findings.add(Anomaly::silent_reset, excuses, [&] {
        return fmt::format("{}: {} was thrown out of offset {} ({}), and the log reached to {} before, as {} was told.",
                           logs.name_of(log), findings.told(op), reset.number, history.text(op.error), reach.floor,
                           findings.told(history.operations[reach.operation]));
      });
    });
  }
}

}  // namespace mq::judge
