// The order of what was acknowledged: A05 and A13.
#include <fmt/format.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include "judge/findings.h"
#include "judge/floors.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// Where the newest record of a producer is in a log.
struct NewestSend {
  std::int64_t offset = kNoOffset;
  std::int64_t value = 0;
  std::uint32_t operation = kNone;
};

void judge_order_of_producers(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  boost::unordered_flat_map<std::pair<std::int64_t, std::uint32_t>, NewestSend> newest;
  for (const Operation& op : history.operations) {
    for (const Send& send : history.sends_of(op)) {
      if (!send.is_acknowledged || send.offset == kNoOffset) continue;
      const std::uint32_t log = logs.log_of(send.key, op);
      if (log == kNone) continue;
      findings.looked_at(Anomaly::nonmonotonic_send);
      NewestSend& before = newest[{op.process, log}];
      if (before.operation != kNone && send.offset < before.offset) {
        const Operation& other = history.operations[before.operation];
        const bool overlap = before.operation == history.number_of(op) || other.completed >= op.invoked;
        std::uint32_t circumstances =
            findings.loss_circumstances(std::max(op.acks, other.acks), other.invoked, op.completed);
        if (!op.is_idempotent && overlap) circumstances |= kPlainProducer;
        findings.add(Anomaly::nonmonotonic_send, circumstances, [&] {
          return fmt::format(
              "{}: {} sent value {}, which got offset {}, and after it, by {}, value {}, which got offset {}.",
              logs.name_of(logs.all()[log]), findings.asked(other), before.value, before.offset, findings.asked(op),
              send.value, send.offset);
        });
      } else {
        before = {send.offset, send.value, history.number_of(op)};
      }
    }
  }
}

/// What each send was told, by log: its least offset has to be above all that were told before it began.
std::vector<std::vector<Observation>> acknowledgements(const Logs& logs) {
  const History& history = logs.history();
  std::vector<std::vector<Observation>> of_logs(logs.all().size());
  for (const Operation& op : history.operations) {
    for (const Send& send : history.sends_of(op)) {
      if (!send.is_acknowledged || send.offset == kNoOffset) continue;
      const std::uint32_t log = logs.log_of(send.key, op);
      if (log == kNone) continue;
      std::vector<Observation>& all = of_logs[log];
      const std::uint32_t number = history.number_of(op);
      if (all.empty() || all.back().operation != number) {
        all.push_back({op.invoked, op.completed, send.offset, send.offset, number});
      } else {
        all.back().number = std::min(all.back().number, send.offset);
        all.back().floor = std::max(all.back().floor, send.offset);
      }
    }
  }
  return of_logs;
}

}  // namespace

void find_disorder(const Logs& logs, Findings& findings) {
  judge_order_of_producers(logs, findings);
  const History& history = logs.history();
  const auto of_logs = acknowledgements(logs);
  for (std::size_t log = 0; log < of_logs.size(); ++log) {
    findings.looked_at(Anomaly::offset_order, of_logs[log].size());
    against_floors(of_logs[log], [&](const Observation& later, const Observation& earlier) {
      if (later.number > earlier.floor) return;
      const Operation& op = history.operations[later.operation];
      const Operation& other = history.operations[earlier.operation];
      const std::uint32_t excuses =
          findings.loss_circumstances(std::max(op.acks, other.acks), other.invoked, op.completed);
      findings.add(Anomaly::offset_order, excuses, [&] {
        return fmt::format("{}: offset {} was acknowledged to {}; what {} sent after that got offset {}.",
                           logs.name_of(logs.all()[log]), earlier.floor, findings.told(other), findings.asked(op),
                           later.number);
      });
    });
  }
}

}  // namespace mq::judge
