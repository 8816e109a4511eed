#include <gtest/gtest.h>

#include "cli/arguments.h"

namespace mq::cli {
namespace {

struct Wanted {
  struct Inner {
    int inflight_max = 5;
  };
  std::string name = "nobody";
  bool loud = false;
  Duration wait{};
  std::size_t bytes = 7;
  std::optional<std::int32_t> partition;
  Inner inner;
};

constexpr OptionRow kPlaced[] = {
    {.long_name = "name", .value_name = "NAME", .group = "G", .help = "who", .into = into<&Wanted::name>},
    {.long_name = "loud", .kind = ValueKind::flag, .group = "G", .help = "loudly", .into = into<&Wanted::loud>},
    {.long_name = "wait",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "5ms",
     .group = "G",
     .help = "so long",
     .into = into<&Wanted::wait>},
    {.long_name = "bytes",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .group = "G",
     .help = "so large",
     .into = into<&Wanted::bytes>},
    {.long_name = "partition",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "G",
     .help = "there",
     .into = into<&Wanted::partition>},
    {.long_name = "inflight",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "G",
     .help = "so many",
     .into = into<&Wanted::inner, &Wanted::Inner::inflight_max>},
};
constexpr ToolRow kPlacedTool{.name = "mqplace", .summary = "place", .options = kPlaced, .connects = false};

Wanted wanted_by(const std::vector<std::string>& words) {
  Wanted wanted;
  const auto args = parse(kPlacedTool, words, {});
  EXPECT_TRUE(args);
  if (args) args->fill(wanted);
  return wanted;
}

TEST(Destination, ValueGoesToTheMemberOfItsRow) {
  const Wanted wanted =
      wanted_by({"--name=me", "--loud", "--wait=1s", "--bytes=4K", "--partition", "3", "--inflight=1", "--inflight=9"});
  EXPECT_EQ(wanted.name, "me");
  EXPECT_TRUE(wanted.loud);
  EXPECT_EQ(wanted.wait, 1s);
  EXPECT_EQ(wanted.bytes, 4096u);
  EXPECT_EQ(wanted.partition, 3);
  EXPECT_EQ(wanted.inner.inflight_max, 9);
}

TEST(Destination, MemberStaysAsItIsWithoutAValue) {
  const Wanted wanted = wanted_by({});
  EXPECT_EQ(wanted.name, "nobody");
  EXPECT_FALSE(wanted.loud);
  EXPECT_EQ(wanted.wait, 5ms);
  EXPECT_EQ(wanted.bytes, 7u);
  EXPECT_EQ(wanted.partition, std::nullopt);
  EXPECT_EQ(wanted.inner.inflight_max, 5);
}

TEST(DestinationDeathTest, RowsOfAnotherStructAreAMistakeOfOurs) {
  const auto args = parse(kPlacedTool, {}, {});
  ASSERT_TRUE(args);
  int other = 0;
  EXPECT_DEATH(args->fill(other), "");
}

}  // namespace
}  // namespace mq::cli
