#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/node_config.h"
#include "cli/arguments.h"
#include "cli/option.h"
#include "daemon.h"
#include "env/logger.h"
#include "posix/logger.h"

namespace mq::mqd {

/// What `mqd` accepts, once: parser, help, man page and completions are made from it.
[[nodiscard]] const cli::ToolRow& tool();

/// The command line, but for what stands for options of the broker.
struct Options {
  std::optional<std::string> config_file;
  std::vector<cli::Setting> settings;  ///< broker options by name
  bool check_config = false;
  std::optional<std::string> advertise;
  posix::LogFormat log_format = posix::LogFormat::automatic;
  bool ephemeral = false;
  DaemonOptions daemon;  ///< what of it no setting says
};
[[nodiscard]] Options understand(const cli::Arguments& args);

/// The broker options that the configuration file, -X and the options that stand for one of them set; the latter win.
[[nodiscard]] Result<config::Overrides> settings(const cli::Arguments& args, const Options& options,
                                                 const cli::Environment& environment);

/// The node that the command line and `settings` ask for. `default_data_dir` is used when nobody names one.
[[nodiscard]] Result<broker::NodeConfig> node_config(const Options& options, const config::Overrides& settings,
                                                     const std::string& default_data_dir);

/// Where `settings` say that the metadata of a cluster is; nothing: the broker is alone. invalid_argument: a bad URL,
/// or a password that is missing, cannot be read, or stands in the open; no message repeats one.
[[nodiscard]] Result<std::optional<SharedStore>> shared_store(const config::Overrides& settings,
                                                              const cli::Environment& environment);

/// Of mq.log.level.
[[nodiscard]] env::LogLevel log_level(std::string_view name);

/// Reads `HOST:PORT`, `NAME://HOST:PORT` or `unix:PATH`.
[[nodiscard]] Result<broker::ListenerConfig> parse_listener(std::string_view text);

}  // namespace mq::mqd
