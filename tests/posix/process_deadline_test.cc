#include "posix/process_deadline.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace mq::posix {
namespace {

/// A thread that will never come back, as in a read from a disk that does not answer.
[[noreturn]] void hang() {
  while (true) ::pause();
}

TEST(ProcessDeadlineDeathTest, EndsAProcessWhoseOnlyOtherThreadIsStuck) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const ProcessDeadline deadline(50ms, 7, "too late\n");
        hang();
      },
      ::testing::ExitedWithCode(7), "too late");
}

TEST(ProcessDeadlineDeathTest, EndsAlsoWhenStandardErrorTakesNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        int ends[2];
        if (::pipe(ends) != 0) hang();
        const ProcessDeadline deadline(50ms, 7, "too late\n");
        ::dup2(ends[1], STDERR_FILENO);
        const std::string much(1 << 20, 'x');
        (void)!::write(STDERR_FILENO, much.data(), much.size());  // nobody reads: stuck for ever
        hang();
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ProcessDeadline, InTimeDoesNothing) {
  for (int i = 0; i < 100; ++i) const ProcessDeadline deadline(1h, 7, "never\n");
}

}  // namespace
}  // namespace mq::posix
