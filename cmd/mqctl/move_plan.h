#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "client/admin.h"
#include "cluster_state.h"
#include "command.h"
#include "console.h"
#include "env/async.h"
#include "model/ids.h"
#include "remote.h"
#include "replicas.h"

namespace mq::mqctl {

// Moves of partitions: shown first, begun with consent, waited for where that is wanted. What several commands do.

struct PlannedMove {
  TopicPartition where;
  std::vector<BrokerId> from;  ///< where it is to be as things are
  std::vector<BrokerId> to;
  std::vector<BrokerId> added;                 ///< that have nothing of it now
  std::optional<std::int64_t> copied_bytes{};  ///< none: not known
  std::string result;
};

[[nodiscard]] PlannedMove planned_move(const client::PartitionState& partition, const ClusterState& state,
                                       std::vector<BrokerId> to);
/// Begins them if there is consent, waits if that is wanted, and prints a row for each.
awaitable<Result<void>> carry_out(Console& console, Remote& remote, std::vector<PlannedMove> planned);

[[nodiscard]] cli::Cell brokers_cell(const std::vector<BrokerId>& ids);

struct MoveOptions {
  std::optional<Duration> wait;
};

// The rows of a command that moves partitions.

inline constexpr cli::ColumnRow kMoveColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "from", .help = "the brokers that keep it"},
    {.name = "to", .help = "those that are to"},
    {.name = "copied_bytes", .unit = cli::Unit::bytes, .help = "that the new ones have to copy"},
    {.name = "result", .help = "moving, would move, moved (--wait), as it is or failed"},
};

inline constexpr std::array kMoveOwnRows = {
    cli::OptionRow{.long_name = "wait",
                   .kind = cli::ValueKind::duration,
                   .value_name = "DUR",
                   .group = "Change",
                   .help = "wait so long until they have moved; then it exits 3",
                   .into = cli::into<&MoveOptions::wait>},
};
inline constexpr auto kMoveRows = joined(kMoveOwnRows, kChangeAndOutputRows);
inline constexpr cli::OutputRow kMoveOutputs[] = {{.when = "", .columns = kMoveColumns}};

}  // namespace mq::mqctl
