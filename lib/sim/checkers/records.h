#pragma once

#include <string>

#include "sim/checkers/history.h"

namespace mq::sim {

/// What idempotent producers with acks=all were promised, held against what `reader` saw, who has read every partition
/// from its start to its end and assigned no partition twice.
///
/// Every acknowledged record is there, once, where its producer was told (A01 to A04, A14). Nothing else is there
/// (A15). In each partition the records of a producer stand in the order in which it sent them (A05), and offsets have
/// no gaps (A06, A07).
[[nodiscard]] Verdict judge_records(const History& history, const std::string& reader);

/// What is left of this for members of a group, to whom a record may come again: none is lost, and each is where its
/// producer was told.
[[nodiscard]] Verdict judge_shared_records(const History& history, const std::string& group);

}  // namespace mq::sim
