#include "posix/logger.h"

#include <sys/stat.h>
#include <unistd.h>

#include "posix/log_text.h"
#include "posix/posix_testing.h"

namespace mq::posix {
namespace {

std::string logged(LoggerOptions options, env::LogLevel level, const std::string& text) {
  ::testing::internal::CaptureStderr();
  make_logger(options)->write(level, text);
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogText, ControlBytesAndBadUtf8AreEscaped) {
  EXPECT_EQ(escape_for_line("plain \"text\" \\ und Grüße €"), "plain \"text\" \\ und Grüße €");
  EXPECT_EQ(escape_for_line("a\nb\x1b[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(escape_for_line("\xff\xc3("), "\\xff\\xc3(");
  EXPECT_EQ(escape_for_line("\xc2\x9b 31m"), "\\xc2\\x9b 31m");
  EXPECT_EQ(escape_for_line("\xe0\x80\xaf\xed\xa0\x80"), "\\xe0\\x80\\xaf\\xed\\xa0\\x80");
  EXPECT_EQ(escape_for_line("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(escape_for_json("say \"hi\" \\ \n"), R"(say \"hi\" \\ \\x0a)");
}

TEST(Logger, TextHasTimeLevelAndOneLine) {
  const std::string line = logged({.format = LogFormat::text}, env::LogLevel::warn, "client \"a\nb\" is slow");
  EXPECT_EQ(line.find("T"), 10U) << line;
  EXPECT_NE(line.find("Z warning client \"a\\x0ab\" is slow\n"), std::string::npos) << line;
}

TEST(Logger, JournalHasThePriorityInFront) {
  EXPECT_EQ(logged({.format = LogFormat::journal}, env::LogLevel::error, "gone"), "<3>gone\n");
  EXPECT_EQ(logged({.format = LogFormat::journal}, env::LogLevel::warn, "hm"), "<4>hm\n");
  EXPECT_EQ(logged({.format = LogFormat::journal}, env::LogLevel::info, "up"), "<6>up\n");
}

TEST(Logger, JournalIsChosenOnlyWhenStandardErrorIsTheJournal) {
  ::testing::internal::CaptureStderr();
  struct stat info{};
  ::fstat(STDERR_FILENO, &info);
  const std::string ours = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  ::setenv("JOURNAL_STREAM", ours.c_str(), 1);
  make_logger({})->write(env::LogLevel::info, "up");
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  make_logger({})->write(env::LogLevel::info, "down");
  ::unsetenv("JOURNAL_STREAM");
  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(lines.starts_with("<6>up\n2")) << lines;
}

TEST(Logger, JsonIsOneObjectALine) {
  const std::string line = logged({.format = LogFormat::json}, env::LogLevel::info, "a \"b\"");
  EXPECT_TRUE(line.starts_with("{\"time\":\"2")) << line;
  EXPECT_TRUE(line.ends_with("\"level\":\"info\",\"message\":\"a \\\"b\\\"\"}\n")) << line;
}

TEST(Logger, BelowItsLevelNothingIsWritten) {
  const auto logger = make_logger({.level = env::LogLevel::warn});
  EXPECT_FALSE(logger->enabled(env::LogLevel::info));
  EXPECT_TRUE(logger->enabled(env::LogLevel::error));
  ::testing::internal::CaptureStderr();
  logger->info("not {}", "shown");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace mq::posix
