#include "config/reload.h"

#include <gtest/gtest.h>

namespace mq::config {
namespace {

TEST(Reload, TakesWhatIsDynamicAndNamesWhatIsNot) {
  const Overrides running{{"log.retention.ms", "1000"}, {"max.connections", "10"}, {"node.id", "1"}};
  const auto reload = plan_reload(running, {{"log.retention.ms", "2000"}, {"node.id", "2"}, {"mq.flush", "async"}});
  ASSERT_TRUE(reload);
  EXPECT_EQ(reload->options, (Overrides{{"log.retention.ms", "2000"}, {"mq.flush", "async"}, {"node.id", "1"}}));
  EXPECT_EQ(reload->taken, (std::vector<std::string>{"log.retention.ms", "max.connections", "mq.flush"}));
  EXPECT_EQ(reload->left, (std::vector<std::string>{"node.id"}));
}

TEST(Reload, TheSameAgainChangesNothing) {
  const Overrides running{{"log.retention.hours", "3"}, {"listeners", "plain://127.0.0.1:1"}};
  const auto reload = plan_reload(running, running);
  ASSERT_TRUE(reload);
  EXPECT_EQ(reload->options, running);
  EXPECT_TRUE(reload->taken.empty());
  EXPECT_TRUE(reload->left.empty());
}

TEST(Reload, AValueSpelledAnotherWayIsNoChange) {
  const auto reload =
      plan_reload({{"num.partitions", "3"}, {"log.cleanup.policy", "compact, delete"}, {"node.id", "7"}},
                  {{"num.partitions", "+3"}, {"log.cleanup.policy", "compact,delete"}, {"node.id", "07"}});
  ASSERT_TRUE(reload);
  EXPECT_TRUE(reload->taken.empty());
  EXPECT_TRUE(reload->left.empty());
}

TEST(Reload, AMistakeAnywhereIsRefused) {
  EXPECT_FALSE(plan_reload({}, {{"no.such.option", "1"}}));
  EXPECT_FALSE(plan_reload({}, {{"max.connections", "many"}, {"num.partitions", "2"}}));
  EXPECT_FALSE(plan_reload({}, {{"node.id", "-1"}}));
  // Each fits its row, and they do not go together.
  EXPECT_FALSE(
      plan_reload({}, {{"log.cleaner.min.compaction.lag.ms", "9"}, {"log.cleaner.max.compaction.lag.ms", "8"}}));
}

TEST(Reload, ANewLimitThatDoesNotGoWithAnOldOneIsRefused) {
  // queued.max.request.bytes stays until a restart, so a request may not become larger than it.
  const Overrides running{{"queued.max.request.bytes", "200000000"}};
  const Overrides wanted{{"queued.max.request.bytes", "400000000"}, {"socket.request.max.bytes", "300000000"}};
  EXPECT_TRUE(plan_reload(wanted, wanted));
  EXPECT_FALSE(plan_reload(running, wanted));
}

TEST(Reload, DefaultsOfTopicsAreDynamicUnderAllTheirNames) {
  for (const SynonymRow& synonym : synonyms())
    EXPECT_TRUE(find_option(broker_options(), synonym.broker_option)->dynamic) << synonym.broker_option;
  for (const OptionRow& row : topic_options()) EXPECT_FALSE(row.dynamic) << row.name;
}

}  // namespace
}  // namespace mq::config
