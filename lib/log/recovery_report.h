#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"

namespace mq::log {

/// Offsets whose batches are lost or broken on this disk although they were durable once. They are answered with
/// corrupt_batch, never served, never given to other records.
struct Damage {
  Offset first_offset;
  Offset end_offset;
  std::string place;  ///< `file:position: what is wrong`
};

/// What opening a log found and did, for the operator's log and for the leader epoch.
struct RecoveryReport {
  /// The stop was clean: nothing below is set but `notes`.
  bool clean = false;
  /// Recovery shortened the log, or cannot show that it did not: the caller raises the leader epoch before it serves.
  bool end_uncertain = false;
  bool has_cut_files = false;       ///< of earlier recoveries
  std::uint64_t bytes_cut = 0;      ///< kept aside in `*.cut`
  std::uint64_t bytes_checked = 0;  ///< read and CRC-checked
  std::vector<Damage> damage;
  std::vector<std::string> notes;  ///< sentences: what was cut, rebuilt, finished
};

}  // namespace mq::log
