#include "judge/verdict.h"

#include <set>

#include "judge/anomaly.h"
#include "judge/coverage.h"
#include "judge/logs.h"

namespace mq::judge {

Verdict judge(const History& history) {
  const Logs logs(history);
  Verdict verdict{.findings = Findings(history)};
  std::set<AnomalyRow::Pass> done;  // rows may share one
  for (const AnomalyRow& row : anomaly_rows())
    if (row.pass && done.insert(row.pass).second) row.pass(logs, verdict.findings);

  bool is_broken = false;
  for (const AnomalyRow& row : anomaly_rows()) is_broken |= verdict.findings.kind(row.anomaly).broken > 0;
  verdict.missing = what_is_missing(logs, verdict.findings);
  verdict.answer = is_broken                 ? Verdict::Answer::broken
                   : verdict.missing.empty() ? Verdict::Answer::kept
                                             : Verdict::Answer::unknown;
  verdict.operations = history.operations.size();
  for (const Operation& op : history.operations)
    ++(op.outcome == Outcome::ok ? verdict.ok : op.outcome == Outcome::fail ? verdict.fail : verdict.info);
  verdict.sends = history.sends.size();
  verdict.reads = history.reads.size();
  verdict.logs = logs.all().size();
  return verdict;
}

}  // namespace mq::judge
