#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/option.h"
#include "client/producer.h"

namespace mq::mqprod {

/// What `mqprod` accepts, once: parser, help, man page and completions are made from it.
[[nodiscard]] const cli::ToolRow& tool();

/// How fast to send at most; both numbers 0: as fast as it goes.
struct Rate {
  double records_per_second = 0;
  double bytes_per_second = 0;
};

/// The command line, understood.
struct Options {
  std::string topic;
  std::vector<std::string> files;  ///< empty: standard input; "-" is standard input too
  std::string delimiter = "\n";
  std::optional<std::string> key_delimiter;
  std::optional<std::string> key;
  std::optional<std::int32_t> partition;
  bool tee = false;
  Rate rate;
  std::size_t record_bytes_max = 0;
  Duration drain{};
  client::ProducerOptions producer;
};

[[nodiscard]] std::expected<Options, cli::Ending> understand(const cli::Arguments& args);

}  // namespace mq::mqprod
