#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "env/logger.h"

namespace mq::posix {

enum class LogFormat {
  automatic,  ///< journal when standard error is connected to it ($JOURNAL_STREAM), else text
  text,       ///< `2026-01-31T12:00:00.123Z info  sentence`
  journal,    ///< `<6>sentence`: the journal adds time and unit
  json,       ///< {"time":...,"level":...,"message":...} a line
};

struct LoggerOptions {
  env::LogLevel level = env::LogLevel::info;
  LogFormat format = LogFormat::automatic;
};

/// A logger whose level can be changed while it is used, from any thread.
class LeveledLogger : public env::Logger {
 public:
  virtual void set_level(env::LogLevel level) = 0;
  /// Waits, `patience` at most, until what was logged is written.
  virtual void flush(Duration patience) = 0;
  /// Lines that could not be written, since nobody reads them.
  [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

/// Writes lines to standard error, without ever waiting for whoever reads it (see LineWriter). Control bytes and what
/// is not UTF-8 are escaped as \xNN, so that no text from outside can forge a line or drive a terminal. Safe from every
/// thread.
[[nodiscard]] std::unique_ptr<LeveledLogger> make_logger(const LoggerOptions& options);

}  // namespace mq::posix
