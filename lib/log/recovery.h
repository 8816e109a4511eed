#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "env/files.h"
#include "log/log_config.h"
#include "log/log_contents.h"
#include "log/open_context.h"
#include "log/recovery_report.h"

namespace mq::log {

/// Reads a partition's directory: after a clean stop by looking at names, else by recovery, which brings the directory
/// into order as well. No file is open on return. What it does to the directory and which errors there are: Log::open.
[[nodiscard]] Result<LogContents> read_contents(env::Files& files, std::shared_ptr<const std::string> directory,
                                                const LogConfig& config, const OpenContext& context,
                                                RecoveryReport& report);

}  // namespace mq::log
