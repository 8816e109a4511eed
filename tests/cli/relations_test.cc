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

// A rule for a number, and what options have to do with operands.

constexpr OptionRow kRuled[] = {
    {.long_name = "to", .value_name = "POS", .group = "G", .help = "go there", .required = true},
    {.long_name = "inflight",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback = "5",
     .group = "G",
     .help = "so many",
     .above = {.number = 5, .needs_one = "unordered|acks=1|acks=0"}},
    {.long_name = "unordered", .kind = ValueKind::flag, .group = "G", .help = "in any order"},
    {.long_name = "acks",
     .kind = ValueKind::choice,
     .value_name = "HOW",
     .fallback = "all",
     .choices = "all|1|0",
     .group = "G",
     .help = "who has it"},
    {.short_name = 'p',
     .long_name = "partitions",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "G",
     .help = "of a new topic",
     .operands = {.kind = OperandRelation::Kind::excludes, .operand = "TOPIC"}},
};
constexpr std::string_view kRuledUsage[] = {"--to=POS [OPTION]... [TOPIC]"};
constexpr ToolRow kRuledTool{.name = "mqrule",
                             .summary = "rule",
                             .usage = kRuledUsage,
                             .description = "It rules.",
                             .options = kRuled,
                             .examples = kRelatedExamples,
                             .operands = {.min = 0, .max = 1},
                             .connects = false};

std::string ruled(std::vector<std::string> words) {
  words.emplace_back("--to=end");
  return said_of(words, {}, kRuledTool);
}

TEST(Relations, RequiredOptionSaysWhatItTakesWhenItIsMissing) {
  EXPECT_EQ(said_of({}, {}, kRuledTool), "mqrule: --to is missing; it takes POS: go there\nTry 'mqrule --help'.\n");
  EXPECT_EQ(ruled({}), "");
}

TEST(Relations, NumberAboveAMarkNeedsOneOfSeveralOptionsOrValues) {
  EXPECT_EQ(ruled({"--inflight=6"}),
            "mqrule: --inflight: more than 5 needs --unordered, --acks=1 or --acks=0\n  6\n  ^\n"
            "Try 'mqrule --help'.\n");
  EXPECT_EQ(ruled({"--inflight=5"}), "");
  EXPECT_EQ(ruled({"--inflight=6", "--unordered"}), "");
  EXPECT_EQ(ruled({"--acks=0", "--inflight=6"}), "");
  EXPECT_NE(ruled({"--acks=all", "--inflight=6"}), "");
}

TEST(Relations, OptionThatExcludesOperandsIsAMistakeBesideOne) {
  EXPECT_EQ(ruled({"web", "-p3"}), "mqrule: --partitions excludes TOPIC; give one of them\nTry 'mqrule --help'.\n");
  EXPECT_EQ(ruled({"-p3"}), "");
  EXPECT_EQ(ruled({"web"}), "");
}

TEST(Relations, OperandsMayNeedAnOption) {
  static constexpr OptionRow kEnabling[] = {{.long_name = "run",
                                             .kind = ValueKind::flag,
                                             .group = "G",
                                             .help = "run it",
                                             .operands = {.kind = OperandRelation::Kind::enables, .operand = "CMD"}}};
  ToolRow tool = kRuledTool;
  tool.options = kEnabling;
  EXPECT_EQ(said_of({"ls"}, {}, tool), "mqrule: CMD requires --run; give both\nTry 'mqrule --help'.\n");
  EXPECT_EQ(said_of({"--run", "ls"}, {}, tool), "");
  EXPECT_EQ(said_of({}, {}, tool), "");
  EXPECT_NE(long_help(tool).find("run it (CMD needs it)"), std::string::npos);
  EXPECT_EQ(problems_of(tool).size(), 1u) << "no operand of the usage is called CMD";
}

TEST(Relations, OptionMayStandForTheLastOperand) {
  static constexpr OptionRow kStandIns[] = {
      {.long_name = "unset",
       .value_name = "KEY",
       .group = "G",
       .help = "away with it",
       .operands = {.kind = OperandRelation::Kind::substitutes, .operand = "KEY=VALUE"}}};
  static constexpr std::string_view kStandInUsage[] = {"NAME [KEY=VALUE]..."};
  ToolRow tool = kRuledTool;
  tool.options = kStandIns;
  tool.usage = kStandInUsage;
  tool.operands = {.min = 2};
  EXPECT_NE(said_of({"web"}, {}, tool).find("usage: mqrule NAME [KEY=VALUE]...; instead does --unset"),
            std::string::npos);
  EXPECT_EQ(said_of({"web", "--unset=a"}, {}, tool), "");
  EXPECT_EQ(said_of({"web", "a=b", "--unset=c"}, {}, tool), "");
  EXPECT_NE(said_of({"--unset=a"}, {}, tool).find("an operand is missing"), std::string::npos);
  EXPECT_EQ(problems_of(tool), std::vector<std::string>{});
}

TEST(Relations, HelpManPageJsonAndCompletionsNameTheRules) {
  const std::string help = long_help(kRuledTool);
  EXPECT_NE(help.find("go there (required)"), std::string::npos) << help;
  EXPECT_NE(help.find("of a new topic (not with TOPIC)"), std::string::npos) << help;
  const std::string page = man_page(kRuledTool);
  EXPECT_NE(page.find("Required.\n"), std::string::npos) << page;
  EXPECT_NE(page.find("More than 5 needs \\-\\-unordered, \\-\\-acks=1 or \\-\\-acks=0.\n"), std::string::npos) << page;
  const std::string json = help_json(kRuledTool);
  EXPECT_NE(json.find(R"("required":true)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("above":{"number":5,"needs_one":["unordered","acks=1","acks=0"]})"), std::string::npos);
  EXPECT_NE(json.find(R"("operands":{"excludes":"TOPIC"})"), std::string::npos) << json;
  EXPECT_NE(completion(kRuledTool, Shell::zsh).find("[of a new topic; not with TOPIC]"), std::string::npos);
  EXPECT_NE(completion(kRuledTool, Shell::fish).find("-d 'go there; required'"), std::string::npos);
}

TEST(Relations, RulesNameValuesThatOptionsTake) {
  EXPECT_EQ(problems_of(kRuledTool), std::vector<std::string>{});
  static constexpr OptionRow kWrong[] = {
      {.long_name = "text", .value_name = "T", .group = "G", .help = "no number", .above = {.needs_one = "quiet"}},
      {.long_name = "number",
       .kind = ValueKind::number,
       .value_name = "N",
       .group = "G",
       .help = "of nothing",
       .above = {.needs_one = "acks=2|nothing"}},
      kRuled[3],
      {.long_name = "log", .value_name = "L", .group = "G", .help = "of nobody", .broker_option = "log.dir.s"},
  };
  ToolRow tool = kRuledTool;
  tool.options = kWrong;
  EXPECT_EQ(problems_of(tool).size(), 4u);
}

}  // namespace
}  // namespace mq::cli
