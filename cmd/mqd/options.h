#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/node_config.h"
#include "cli/arguments.h"
#include "cli/option.h"
#include "env/logger.h"

namespace mq::mqd {

/// What `mqd` accepts, once: parser, help, man page and completions are made from it.
[[nodiscard]] const cli::ToolRow& tool();

/// The broker options that the configuration file, -X and the options that stand for one of them set; the latter win.
[[nodiscard]] Result<config::Overrides> settings(const cli::Arguments& args, const cli::Environment& environment);

/// The node that the command line and `options` ask for. `default_data_dir` is used when nobody names one.
[[nodiscard]] Result<broker::NodeConfig> node_config(const cli::Arguments& args, const config::Overrides& options,
                                                     const std::string& default_data_dir);

/// Of mq.log.level.
[[nodiscard]] env::LogLevel log_level(std::string_view name);

/// Reads `HOST:PORT`, `NAME://HOST:PORT` or `unix:PATH`.
[[nodiscard]] Result<broker::ListenerConfig> parse_listener(std::string_view text);

}  // namespace mq::mqd
