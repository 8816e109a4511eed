#pragma once

#include <cstdint>
#include <span>

namespace mq::judge {

class Findings;
class Logs;

/// Everything that can be wrong with what clients were told. The codes are those of docs/histories.md.
enum class Anomaly : std::uint8_t {
  lost_write,
  unseen,
  duplicate,
  inconsistent_offsets,
  nonmonotonic_send,
  poll_skip,
  nonmonotonic_poll,
  aborted_read,
  precommitted_read,
  torn_transaction,
  write_cycle,
  information_cycle,
  offset_order,
  double_assigned_offset,
  phantom,
  committed_offset,
  double_consume,
  zombie,
  end_regression,
  read_above_end,
  stuck_transaction,
  stuck,
  replica_divergence,
  two_leaders,
  early_ack,
  silent_reset,
  compaction,
  retention,
  group_overlap,
  conservation,
  stale_rights,
  lag,
};
inline constexpr std::size_t kAnomalies = static_cast<std::size_t>(Anomaly::lag) + 1;

/// What may have held when something was seen, and makes some anomalies no breach of a promise. A set of bits.
enum Circumstance : std::uint32_t {
  kNoCircumstance = 0,
  kWeakAcks = 1 << 0,       ///< told with acks=0 or 1 in a run with faults: a leader may go with what it alone had
  kPowerLoss = 1 << 1,      ///< enough brokers lost power, and flush=async syncs later
  kUncleanLeader = 1 << 2,  ///< a replica that lacked records was made leader on purpose
  kPlainProducer = 1 << 3,  ///< not idempotent: it may send twice, and in another order
  kRebalance = 1 << 4,      ///< a member of a group, between two polls
  kLeaderChange = 1 << 5,   ///< the partition may have got another leader in between
  kRetention = 1 << 6,      ///< records may go by age or size
  kWrites = 1 << 7,         ///< Kafka does not isolate writes
  kLostMedia = 1 << 8,      ///< the only copy of records was spoiled on its disk
  kMisdirected = 1 << 9,    ///< a disk wrote elsewhere than it was told: what it acknowledged was never there
  kLostProof =
      1 << 10,  ///< after a disk had spoiled a copy, what was known of the log went with the power, or with a kill
};
[[nodiscard]] const char* to_string(Circumstance circumstance);

/// One kind of anomaly. A new one is a row in anomaly.cc and a function, which looks through a history and adds what it
/// finds; several rows may share a function.
struct AnomalyRow {
  using Pass = void (*)(const Logs& logs, Findings& findings);

  Anomaly anomaly;
  const char* code;            ///< "A01"
  const char* name;            ///< "lost-write"
  const char* promise;         ///< a sentence: what holds where this anomaly does not occur
  std::uint32_t allowed_when;  ///< circumstances; one is enough
  Pass pass;                   ///< null: not judged
};

/// In the order of their codes.
[[nodiscard]] std::span<const AnomalyRow, kAnomalies> anomaly_rows();
[[nodiscard]] const AnomalyRow& row_of(Anomaly anomaly);

}  // namespace mq::judge
