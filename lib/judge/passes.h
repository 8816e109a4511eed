#pragma once

#include "judge/anomaly.h"

namespace mq::judge {

/// One for each source that looks for anomalies. Each reads the history through `logs` and adds what it finds.
void find_lost(const Logs& logs, Findings& findings);             ///< A01, A02
void find_misplaced(const Logs& logs, Findings& findings);        ///< A03, A04, A14
void find_never_sent(const Logs& logs, Findings& findings);       ///< A08, A15
void find_disorder(const Logs& logs, Findings& findings);         ///< A05, A13
void find_skips(const Logs& logs, Findings& findings);            ///< A06, A07
void find_lost_offsets(const Logs& logs, Findings& findings);     ///< A16
void find_zombies(const Logs& logs, Findings& findings);          ///< A18
void find_moved_ends(const Logs& logs, Findings& findings);       ///< A19, A28
void find_stuck(const Logs& logs, Findings& findings);            ///< A22
void find_resets(const Logs& logs, Findings& findings);           ///< A26
void find_badly_compacted(const Logs& logs, Findings& findings);  ///< A27
void find_overlaps(const Logs& logs, Findings& findings);         ///< A29
void measure_lag(const Logs& logs, Findings& findings);           ///< A32

}  // namespace mq::judge
