#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/arguments.h"
#include "cli/option.h"
#include "cli/units.h"
#include "client/producer.h"

namespace mq::mqprod {

/// What `mqprod` accepts, once: parser, help, man page and completions are made from it.
[[nodiscard]] const cli::ToolRow& tool();

struct Compression {
  record::Codec codec = record::Codec::none;
  int level = record::kLevelDefault;
};

/// The command line, understood.
struct Options {
  std::string topic;
  std::vector<std::string> files;  ///< empty: standard input; "-" is standard input too
  std::string delimiter;
  std::optional<std::string> key_delimiter;
  std::optional<std::string> key;
  std::optional<std::int32_t> partition;
  bool tee = false;
  std::optional<cli::Rate> rate;  ///< how fast to send at most; none: as fast as it goes
  std::size_t record_bytes_max = 0;
  Duration drain{};
  Compression compression;
  client::ProducerOptions producer;
};

[[nodiscard]] Options understand(const cli::Arguments& args);

}  // namespace mq::mqprod
