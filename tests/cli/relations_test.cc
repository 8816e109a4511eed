#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/man_pages.h"

namespace mq::cli {
namespace {

constexpr OptionRow kRelated[] = {
    {.short_name = 'g', .long_name = "group", .value_name = "ID", .group = "Which", .help = "of this group"},
    {.long_name = "instance", .value_name = "ID", .group = "Which", .help = "static member", .needs = "group"},
    {.short_name = 'o', .long_name = "offset", .value_name = "N", .group = "Where", .help = "from here"},
    {.long_name = "since",
     .value_name = "TIME",
     .group = "Where",
     .help = "from this time",
     .environment = "MQ_SINCE",
     .excludes = "offset|all"},
    {.long_name = "all", .kind = ValueKind::flag, .group = "Where", .help = "from the start"},
};
constexpr std::string_view kRelatedUsage[] = {"[OPTION]..."};
constexpr Example kRelatedExamples[] = {{"all", "mqrel --all"}};
constexpr ToolRow kRelatedTool{.name = "mqrel",
                               .summary = "relate",
                               .usage = kRelatedUsage,
                               .description = "It relates.",
                               .options = kRelated,
                               .examples = kRelatedExamples,
                               .connects = false};
constexpr CommandRow kRelatedCommand{.name = "read all", .summary = "read", .options = kRelated};
constexpr const CommandRow* kRelatedCommands[] = {&kRelatedCommand};

std::string said_of(const std::vector<std::string>& words, const Environment& environment = {},
                    const ToolRow& tool = kRelatedTool) {
  const auto args = parse(tool, words, environment);
  return args ? "" : args.error().out + args.error().err;
}

TEST(Relations, OptionThatNeedsAnotherIsAMistakeWithoutIt) {
  EXPECT_EQ(said_of({"--instance", "i"}), "mqrel: --instance requires --group; give both\nTry 'mqrel --help'.\n");
  EXPECT_EQ(said_of({"--instance", "i", "-g", "g"}), "");
  EXPECT_EQ(said_of({"-g", "g"}), "");
}

TEST(Relations, OptionsThatExcludeEachOtherAreAMistakeWhicheverIsFirst) {
  const std::string said = "mqrel: --offset excludes --since; give one of them\nTry 'mqrel --help'.\n";
  EXPECT_EQ(said_of({"--since=1", "-o2"}), said);
  EXPECT_EQ(said_of({"-o2", "--since=1"}), said);
  EXPECT_EQ(said_of({"-o2", "--all", "-o3"}), "");
}

TEST(Relations, OnlyWhatStandsOnTheCommandLineCounts) {
  EXPECT_EQ(said_of({"-o2"}, {.variables = {{"MQ_SINCE", "1"}}}), "");
}

TEST(Relations, HelpAndAMistakeInAWordAreToldFirst) {
  EXPECT_NE(said_of({"--instance", "i", "--help"}).find("Usage:"), std::string::npos);
  EXPECT_NE(said_of({"--instance", "i", "--bogus"}).find("no option '--bogus'"), std::string::npos);
}

TEST(Relations, CountAroundTheWordsOfACommand) {
  ToolRow tool = kRelatedTool;
  tool.options = {};
  tool.commands = kRelatedCommands;
  EXPECT_NE(said_of({"read", "-q", "all", "--all", "--since=1"}, {}, tool).find("--since excludes --all"),
            std::string::npos);
  EXPECT_EQ(said_of({"read", "all", "--all"}, {}, tool), "");
}

TEST(Relations, HelpManPageAndJsonNameBothSides) {
  const std::string help = long_help(kRelatedTool);
  EXPECT_NE(help.find("static member (needs --group)"), std::string::npos) << help;
  EXPECT_NE(help.find("from this time (not with --offset, --all; $MQ_SINCE)"), std::string::npos) << help;
  EXPECT_NE(help.find("from here (not with --since)"), std::string::npos) << help;
  const std::string page = man_page(kRelatedTool);
  EXPECT_NE(page.find("Needs \\-\\-group.\n"), std::string::npos) << page;
  EXPECT_NE(page.find("Not with \\-\\-since.\n"), std::string::npos) << page;
  const std::string json = help_json(kRelatedTool);
  EXPECT_NE(json.find(R"("needs":["group"])"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("excludes":["offset","all"])"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("excludes":["since"])"), std::string::npos) << json;
}

TEST(Relations, CompletionsLeaveOutWhatIsExcluded) {
  EXPECT_NE(completion(kRelatedTool, Shell::bash).find("*:-o|*:--offset) excluded+=' --since' ;;"), std::string::npos);
  EXPECT_NE(completion(kRelatedTool, Shell::zsh).find("'(-o --offset --all)--since=[from this time]"),
            std::string::npos);
  EXPECT_NE(completion(kRelatedTool, Shell::zsh).find("[static member; needs --group]"), std::string::npos);
  EXPECT_NE(completion(kRelatedTool, Shell::fish).find("-n 'not __fish_contains_opt -s o offset all' -l since"),
            std::string::npos);
}

TEST(Relations, RowsNameOptionsThatAreThere) {
  EXPECT_EQ(problems_of(kRelatedTool), std::vector<std::string>{});
  static constexpr OptionRow kBroken[] = {
      {.short_name = 'x', .kind = ValueKind::flag, .group = "G", .help = "nameless", .needs = "quiet"},
      {.long_name = "alone", .kind = ValueKind::flag, .group = "G", .help = "itself", .excludes = "alone"},
      {.long_name = "lost", .kind = ValueKind::flag, .group = "G", .help = "of nothing", .needs = "quiet|nothing"},
  };
  ToolRow tool = kRelatedTool;
  tool.options = kBroken;
  EXPECT_EQ(problems_of(tool).size(), 3u);
}

}  // namespace
}  // namespace mq::cli
