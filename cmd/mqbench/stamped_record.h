#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include "base/bytes.h"

namespace mq::mqbench {

/// What a record says of itself, so that a reader can tell whether it is the one that was sent, whole, in its place.
struct Stamp {
  std::uint64_t run = 0;       ///< drawn for each run; others' records are not ours to judge
  std::uint32_t producer = 0;  ///< 0, 1, ... of the run
  std::uint64_t sequence = 0;  ///< 0, 1, ... of the producer in one partition
  std::int64_t intended = 0;   ///< nanoseconds of the process's clock: when it should have been sent
  std::int64_t sent = 0;       ///< and when it was
};
inline constexpr std::size_t kStampBytes = 48;

/// Fills `value`, at least kStampBytes long: magic, CRC-32C of everything after it, the stamp, `filler` (as long as
/// `value` is).
void write_stamp(const Stamp& stamp, BytesView filler, std::string& value);

enum class StampProblem { foreign, corrupt };
/// The stamp of a record; foreign: not one of ours; corrupt: one of ours that was changed.
[[nodiscard]] std::expected<Stamp, StampProblem> read_stamp(BytesView value);

}  // namespace mq::mqbench
