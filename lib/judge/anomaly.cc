#include "judge/anomaly.h"

#include <array>
#include <utility>

#include "judge/passes.h"

namespace mq::judge {
namespace {

constexpr std::uint32_t kLossAllowed = kWeakAcks | kPowerLoss | kUncleanLeader | kMisdirected | kLostProof;
// Records that the disk spoiled cannot be read. What can, stands where it stood, in its order, once.
constexpr std::uint32_t kUnreadableAllowed = kLossAllowed | kLostMedia;
// What groups keep is written as records with acks=all are.
constexpr std::uint32_t kOffsetsLossAllowed = kPowerLoss | kUncleanLeader | kMisdirected;

constexpr std::array<AnomalyRow, kAnomalies> kRows = {{
    {Anomaly::lost_write, "A01", "lost-write",
     "A record that was acknowledged is read by somebody when readers go on past its place.", kUnreadableAllowed,
     find_lost},
    {Anomaly::unseen, "A02", "unseen",
     "A record that was acknowledged, or read once, is still there when everything is read again at the end.",
     kUnreadableAllowed, find_lost},
    {Anomaly::duplicate, "A03", "duplicate", "A record is in one place only.",
     kPlainProducer | kPowerLoss | kUncleanLeader | kMisdirected, find_misplaced},
    {Anomaly::inconsistent_offsets, "A04", "inconsistent-offsets",
     "Whoever speaks of an offset, in acknowledgements and reads, speaks of the same record.", kLossAllowed,
     find_misplaced},
    {Anomaly::nonmonotonic_send, "A05", "nonmonotonic-send",
     "The records of one producer stand in a partition in the order in which it sent them.",
     kPlainProducer | kLossAllowed, find_disorder},
    {Anomaly::poll_skip, "A06", "poll-skip", "A reader passes over no record that somebody has read there.",
     kRebalance | kRetention | kPowerLoss | kUncleanLeader | kLostMedia | kMisdirected, find_skips},
    {Anomaly::nonmonotonic_poll, "A07", "nonmonotonic-poll",
     "A reader goes forward, never back and never twice over a record.",
     kRebalance | kPowerLoss | kUncleanLeader | kMisdirected, find_skips},
    {Anomaly::aborted_read, "A08", "aborted-read", "A record whose send was refused is read by nobody.",
     kNoCircumstance, find_never_sent},
    {Anomaly::precommitted_read, "A09", "precommitted-read",
     "A transaction does not read what it has not committed yet.", kNoCircumstance, nullptr},
    {Anomaly::torn_transaction, "A10", "torn-transaction", "Of a transaction all records are seen, or none.",
     kNoCircumstance, nullptr},
    {Anomaly::write_cycle, "A11", "G0", "The order of the writes of transactions has no circle.", kWrites, nullptr},
    {Anomaly::information_cycle, "A12", "G1c", "Transactions do not see each other in a circle.", kWrites, nullptr},
    {Anomaly::offset_order, "A13", "offset-order",
     "A record that was sent after another was acknowledged stands behind it.", kLossAllowed, find_disorder},
    {Anomaly::double_assigned_offset, "A14", "double-assigned-offset", "An offset is acknowledged to one record only.",
     kLossAllowed, find_misplaced},
    {Anomaly::phantom, "A15", "phantom",
     "A record that is read was sent, to the partition where it is read, as it is read.", kNoCircumstance,
     find_never_sent},
    {Anomaly::committed_offset, "A16", "committed-offset",
     "A group finds the offset that it committed last, and its members begin there.", kOffsetsLossAllowed,
     find_lost_offsets},
    {Anomaly::double_consume, "A17", "double-consume", "Transactions that read and write take each record in once.",
     kNoCircumstance, nullptr},
    {Anomaly::zombie, "A18", "zombie", "Who belongs to an older generation of a group is refused.", kOffsetsLossAllowed,
     find_zombies},
    {Anomaly::end_regression, "A19", "end-regression", "The end of a log, as clients are told it, never goes back.",
     kLeaderChange | kPowerLoss | kUncleanLeader | kMisdirected | kLostProof, find_moved_ends},
    {Anomaly::read_above_end, "A20", "read-above-end", "Nobody reads above the high watermark.", kNoCircumstance,
     nullptr},
    {Anomaly::stuck_transaction, "A21", "stuck-transaction", "Transactions are decided once everything is healed.",
     kNoCircumstance, nullptr},
    {Anomaly::stuck, "A22", "stuck", "Once everything is healed, every client and every partition makes progress.",
     kNoCircumstance, find_stuck},
    {Anomaly::replica_divergence, "A23", "replica-divergence", "Replicas hold the same bytes.", kNoCircumstance,
     nullptr},
    {Anomaly::two_leaders, "A24", "two-leaders", "A leader epoch has one leader.", kNoCircumstance, nullptr},
    {Anomaly::early_ack, "A25", "early-ack", "With flush=ack a record is on disk before it is acknowledged.",
     kNoCircumstance, nullptr},
    {Anomaly::silent_reset, "A26", "silent-reset", "A reader whose position is inside the log is not thrown elsewhere.",
     kRetention | kPowerLoss | kUncleanLeader | kLostMedia | kMisdirected, find_resets},
    {Anomaly::compaction, "A27", "compaction",
     "Compaction keeps the last record of every key, and deleted keys stay deleted.", kUnreadableAllowed,
     find_badly_compacted},
    {Anomaly::retention, "A28", "retention",
     "A log begins where it was asked to begin; what is below is not read again, and the begin never goes back.",
     kRetention | kPowerLoss | kUncleanLeader | kMisdirected, find_moved_ends},
    {Anomaly::group_overlap, "A29", "group-overlap", "In one generation of a group a partition belongs to one member.",
     kOffsetsLossAllowed, find_overlaps},
    {Anomaly::conservation, "A30", "conservation", "Transfers between accounts keep the sum.", kNoCircumstance,
     nullptr},
    {Anomaly::stale_rights, "A31", "stale-rights", "Who has lost a right is refused.", kNoCircumstance, nullptr},
    {Anomaly::lag, "A32", "lag", "A reader is not longer behind the newest acknowledged record than the run allows.",
     kNoCircumstance, measure_lag},
}};

constexpr bool in_order() {
  for (std::size_t at = 0; at < kRows.size(); ++at)
    if (static_cast<std::size_t>(kRows[at].anomaly) != at) return false;
  return true;
}
static_assert(in_order(), "row_of takes the row at the number of its anomaly");

}  // namespace

std::span<const AnomalyRow, kAnomalies> anomaly_rows() { return kRows; }
const AnomalyRow& row_of(Anomaly anomaly) { return kRows[static_cast<std::size_t>(anomaly)]; }

const char* to_string(Circumstance circumstance) {
  switch (circumstance) {
    case kNoCircumstance:
      return "nothing";
    case kWeakAcks:
      return "acks=0 or acks=1 and a fault";
    case kPowerLoss:
      return "a loss of power with flush=async";
    case kUncleanLeader:
      return "an unclean election";
    case kPlainProducer:
      return "a producer that is not idempotent";
    case kRebalance:
      return "a rebalance of the group";
    case kLeaderChange:
      return "a change of the leader";
    case kRetention:
      return "retention by age or size";
    case kMisdirected:
      return "a disk that wrote elsewhere";
    case kLostMedia:
      return "a disk that spoiled the only copy";
    case kLostProof:
      return "an end without warning after a disk had spoiled the only copy";
    case kWrites:
      return "writes not being isolated";
  }
  std::unreachable();
}

}  // namespace mq::judge
