#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/units.h"
#include "client/producer.h"
#include "fault_command.h"

namespace mq::mqbench {

enum class Command { produce, consume, e2e, rpc, verify, limit };

/// What the command line asks for, checked.
struct Options {
  Command command = Command::produce;
  bool json = false;

  std::string topic;  ///< empty: one of our own
  bool keep = false;  ///< our own topic stays
  std::int32_t partitions = 1;
  std::vector<cli::Setting> topic_configs;

  Duration warmup{};
  Duration duration = Duration::max();
  std::uint64_t count_max = UINT64_MAX;  ///< records after the warm-up
  std::size_t record_bytes = 100;
  std::optional<cli::Rate> rate;  ///< none: as fast as it goes
  int producers = 1;
  int connections = 1;
  client::ProducerOptions producer;
  Duration drain{};
  std::optional<int> broker_pid;

  std::uint64_t backlog_bytes = 0;  ///< consume: what its own topic is filled with
  bool decode = false;              ///< consume: walk over the records of every batch

  std::string produce_marks;  ///< verify: write only, and note there what was acknowledged
  std::string check_marks;    ///< verify: read only, and compare with what is noted there
  std::string history;        ///< verify: a file for what was asked for and told; empty: none
  std::vector<FaultCommand> faults;

  std::string directory;  ///< limit: where to measure the disk

  /// What `rate` comes to; 0: as many as possible.
  [[nodiscard]] double records_per_second() const;
};

[[nodiscard]] const cli::ToolRow& tool();
[[nodiscard]] Options understand(const cli::Arguments& args);

}  // namespace mq::mqbench
