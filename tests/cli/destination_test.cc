#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/units.h"
#include "cli/zones.h"

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

Parsed<int> parse_letters(std::string_view text) {
  if (text.contains('!')) return bad_value(text.find('!'), 1, "too loud");
  return static_cast<int>(text.size());
}

struct Made {
  int last = -1;
  std::vector<int> all;
  std::vector<int> one;
  std::vector<Setting> settings;
  std::vector<std::string> texts;
};

constexpr OptionRow kMaking[] = {
    {.long_name = "last",
     .value_name = "T",
     .group = "G",
     .help = "h",
     .into = parsed_into<parse_letters, &Made::last>},
    {.long_name = "all",
     .value_name = "T",
     .group = "G",
     .help = "h",
     .repeatable = true,
     .into = parsed_into<parse_letters, &Made::all>},
    {.long_name = "one", .value_name = "T", .group = "G", .help = "h", .into = parsed_into<parse_letters, &Made::one>},
    {.long_name = "set",
     .value_name = "KEY=VALUE",
     .group = "G",
     .help = "h",
     .repeatable = true,
     .into = parsed_into<parse_setting, &Made::settings>},
    {.long_name = "text", .value_name = "T", .group = "G", .help = "h", .repeatable = true, .into = into<&Made::texts>},
};
constexpr ToolRow kMakingTool{.name = "mqmake", .summary = "make", .options = kMaking, .connects = false};

TEST(ParsedDestination, TakesWhatIsMadeOfTheValuesThatCount) {
  const std::vector<std::string> words = {"--last=a",  "--last=bcd", "--all=a",   "--all=bc", "--one=a",
                                          "--one=bcd", "--set=a=b",  "--set=c==", "--text=x", "--text=y"};
  const auto args = parse(kMakingTool, words, {});
  ASSERT_TRUE(args);
  Made made;
  args->fill(made);
  EXPECT_EQ(made.last, 3);
  EXPECT_EQ(made.all, (std::vector{1, 2}));
  EXPECT_EQ(made.one, std::vector{3}) << "the last of an option that is not repeatable";
  EXPECT_EQ(made.settings, (std::vector<Setting>{{"a", "b"}, {"c", "="}}));
  EXPECT_EQ(made.texts, (std::vector<std::string>{"x", "y"}));
}

TEST(ParsedDestination, TextThatItDoesNotTakeIsAMistakeOfTheCommandLine) {
  const std::vector<std::string> words = {"--last=ab!"};
  const auto args = parse(kMakingTool, words, {});
  ASSERT_FALSE(args);
  EXPECT_EQ(args.error().err, "mqmake: --last: too loud\n  ab!\n    ^\nTry 'mqmake --help'.\n");
}

struct Timed {
  std::optional<WallMillis> since;
};

TEST(ParsedDestination, TimesReferToTheContextOfTheEnvironment) {
  static constexpr OptionRow kTimed[] = {{.long_name = "since",
                                          .value_name = "TIME",
                                          .group = "G",
                                          .help = "h",
                                          .into = parsed_into<parse_time, &Timed::since>}};
  constexpr ToolRow kLocalTool{.name = "mqtime", .summary = "time", .options = kTimed, .connects = false};
  const FixedZone zone;
  const TimeContext now{.now = 100'000, .zone = zone};
  const std::vector<std::string> words = {"--since=-15s"};
  const auto args = parse(kLocalTool, words, {.now = &now});
  ASSERT_TRUE(args);
  Timed timed;
  args->fill(timed);
  EXPECT_EQ(timed.since, 85'000);
  const std::vector<std::string> wrong = {"--since=soon"};
  EXPECT_FALSE(parse(kLocalTool, wrong, {.now = &now}));
}

TEST(Setting, HasAKeyAndMayHaveAnEmptyValue) {
  EXPECT_EQ(parse_setting("a=b=c").value(), Setting("a", "b=c"));
  EXPECT_EQ(parse_setting("a=").value(), Setting("a", ""));
  EXPECT_EQ(parse_setting("=b").error().why, "there is no key; write KEY=VALUE");
  EXPECT_EQ(parse_setting(" =b").error().why, "there is no key; write KEY=VALUE");
  EXPECT_EQ(parse_setting("a").error().why, "there is no value; write KEY=VALUE");
}

TEST(Setting, WithoutAKeyIsAMistakeOfDashXToo) {
  constexpr ToolRow kClient{.name = "mqx", .summary = "set", .options = {}};
  const std::vector<std::string> words = {"-X", "=5s"};
  const auto args = parse(kClient, words, {});
  ASSERT_FALSE(args);
  EXPECT_EQ(args.error().err,
            "mqx: -X: there is no key; write KEY=VALUE; -X help lists the keys\n  =5s\n  ^\nTry 'mqx --help'.\n");
}

TEST(Size, IsWithinTheBoundsOfItsRow) {
  static constexpr OptionRow kBounded[] = {{.long_name = "size",
                                            .kind = ValueKind::size,
                                            .value_name = "SIZE",
                                            .group = "G",
                                            .help = "h",
                                            .number_min = 48,
                                            .number_max = 64 << 20}};
  constexpr ToolRow kLocalTool{.name = "mqsize", .summary = "size", .options = kBounded, .connects = false};
  const auto said = [&](const std::vector<std::string>& words) {
    const auto args = parse(kLocalTool, words, {});
    return args ? "" : args.error().err;
  };
  EXPECT_EQ(said({"--size=48"}), "");
  EXPECT_EQ(said({"--size=64M"}), "");
  EXPECT_NE(said({"--size=47"}).find("must be at least 48"), std::string::npos);
  EXPECT_NE(said({"--size=65M"}).find("must be at most 64M"), std::string::npos);
}

}  // namespace
}  // namespace mq::cli
