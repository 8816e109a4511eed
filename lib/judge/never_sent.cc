// Records that nobody may read: A08 and A15.
#include <fmt/format.h>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

void judge_place(const Logs& logs, Findings& findings, const Logs::Log& log, const Logs::Place& place) {
  const History& history = logs.history();
  const Operation& reader = history.operations[place.read_by];
  findings.looked_at(Anomaly::phantom);
  const auto where = [&] {
    return fmt::format("{} offset {}: {} read value {}", logs.name_of(log), place.offset, findings.told(reader),
                       place.value);
  };
  if (place.send == kNone) {
    findings.add(Anomaly::phantom, kNoCircumstance, [&] { return where() + ", which nobody sent."; });
    return;
  }
  const Send& send = history.sends[place.send];
  const Operation& writer = history.operations[send.operation];
  if (send.key != log.key)
    findings.add(Anomaly::phantom, kNoCircumstance, [&] {
      return fmt::format("{}, which {} sent to {}.", where(), findings.asked(writer), history.text(send.key));
    });
  if (send.is_transactional) return;  // what an aborted transaction may show depends on who reads: not judged yet
  findings.looked_at(Anomaly::aborted_read);
  if (writer.outcome == Outcome::fail)
    findings.add(Anomaly::aborted_read, kNoCircumstance, [&] {
      return fmt::format("{}, whose send was refused: {} was told {}.", where(), findings.told(writer),
                         history.text(writer.error));
    });
}

void judge_body(const Logs& logs, Findings& findings, const Operation& op, const Read& read) {
  const History& history = logs.history();
  const auto where = [&] {
    return fmt::format("{} offset {}: {} read a record", history.text(read.key), read.offset, findings.told(op));
  };
  if (read.damage != 0)
    findings.add(Anomaly::phantom, kNoCircumstance,
                 [&] { return fmt::format("{} that is damaged: {}.", where(), history.text(read.damage)); });
  if (read.body_key != 0 && read.body_key != read.key)
    findings.add(Anomaly::phantom, kNoCircumstance,
                 [&] { return fmt::format("{} that says it was sent to {}.", where(), history.text(read.body_key)); });
}

}  // namespace

void find_never_sent(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  for (const Logs::Log& log : logs.all())
    for (const Logs::Place& place : log.places)
      if (place.read_by != kNone) judge_place(logs, findings, log, place);
  for (const Operation& op : history.operations)
    for (const Read& read : history.reads_of(op))
      if (read.damage != 0 || read.body_key != 0) judge_body(logs, findings, op, read);
}

}  // namespace mq::judge
