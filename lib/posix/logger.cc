#include "posix/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "posix/line_writer.h"
#include "posix/log_text.h"

namespace mq::posix {
namespace {

spdlog::level::level_enum to_spdlog(env::LogLevel level) {
  switch (level) {
    case env::LogLevel::debug:
      return spdlog::level::debug;
    case env::LogLevel::info:
      return spdlog::level::info;
    case env::LogLevel::warn:
      return spdlog::level::warn;
    case env::LogLevel::error:
      return spdlog::level::err;
  }
  std::unreachable();
}

/// `%P`: the priority of syslog(3) that the journal reads from the front of a line.
class SyslogPriority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
    to.push_back(digit(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<SyslogPriority>(); }

 private:
  static char digit(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return '3';
    if (level == spdlog::level::warn) return '4';
    return level == spdlog::level::info ? '6' : '7';
  }
};

const char* pattern(LogFormat format) {
  switch (format) {
    case LogFormat::automatic:
    case LogFormat::text:
      return "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
    case LogFormat::journal:
      return "<%P>%v";
    case LogFormat::json:
      return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})";
  }
  std::unreachable();
}

/// $JOURNAL_STREAM is `device:inode` of the journal's socket; children that redirect their standard error inherit the
/// variable, so the numbers must match.
bool stderr_is_the_journal() {
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  if (!journal || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == journal;
}

LogFormat resolve(LogFormat format) {
  if (format != LogFormat::automatic) return format;
  return stderr_is_the_journal() ? LogFormat::journal : LogFormat::text;
}

std::unique_ptr<spdlog::formatter> make_formatter(LogFormat format) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<SyslogPriority>('P').set_pattern(pattern(resolve(format)));
  return formatter;
}

std::string_view text_of(const spdlog::memory_buf_t& formatted) { return {formatted.data(), formatted.size()}; }

/// What the log itself says when lines of it were dropped.
std::string dropped_line(LogFormat format, std::uint64_t lines) {
  const std::string text =
      fmt::format("{} lines of this log were dropped: nobody read it, or its disk was too slow", lines);
  spdlog::memory_buf_t formatted;
  make_formatter(format)->format({"mq", spdlog::level::warn, text}, formatted);
  return std::string(text_of(formatted));
}

class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(LogFormat format)
      : writer_(STDERR_FILENO, LineWriter::Files::by_the_thread,
                [format](std::uint64_t lines) { return dropped_line(format, lines); }) {}

  [[nodiscard]] LineWriter& writer() { return writer_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    writer_.write(text_of(formatted));
  }
  void flush_() override {}

 private:
  LineWriter writer_;
};

class SpdLogger final : public LeveledLogger {
 public:
  explicit SpdLogger(const LoggerOptions& options)
      : is_json_(options.format == LogFormat::json),
        sink_(std::make_shared<LineSink>(options.format)),
        logger_("mq", sink_) {
    logger_.set_formatter(make_formatter(options.format));
    logger_.set_level(to_spdlog(options.level));
  }

  void set_level(env::LogLevel level) override { logger_.set_level(to_spdlog(level)); }
  void flush(Duration patience) override { (void)sink_->writer().flush(patience); }
  std::uint64_t dropped() const override { return sink_->writer().dropped(); }

  bool enabled(env::LogLevel level) const override { return logger_.should_log(to_spdlog(level)); }
  void write(env::LogLevel level, std::string_view text) override {
    logger_.log(to_spdlog(level), is_json_ ? escape_for_json(text) : escape_for_line(text));
  }

 private:
  const bool is_json_;
  const std::shared_ptr<LineSink> sink_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<LeveledLogger> make_logger(const LoggerOptions& options) {
  return std::make_unique<SpdLogger>(options);
}

}  // namespace mq::posix
