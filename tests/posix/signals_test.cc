#include "posix/signals.h"

#include <gtest/gtest.h>

#include "posix/runtime.h"

namespace mq::posix {
namespace {

TEST(SignalsDeathTest, ProcessDiesOfASignalThatItHasAnsweredItselfUntilThen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          Runtime runtime;
          const Signals answered(runtime.shard(0));
          die_of(signal);
        },
        ::testing::KilledBySignal(signal), "");
  }
}

}  // namespace
}  // namespace mq::posix
