#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "cli/help.h"
#include "cli/man_pages.h"

namespace mq::cli {
namespace {

constexpr OptionRow kOptions[] = {
    {.short_name = 'd',
     .long_name = "delimiter",
     .value_name = "STR",
     .fallback = "\\n",
     .group = "Input",
     .help = "record delimiter"},
    {.short_name = '0', .long_name = "null", .kind = ValueKind::flag, .group = "Input", .help = "same as -d '\\0'"},
    {.short_name = 'm',
     .long_name = "message",
     .value_name = "VALUE",
     .group = "Input",
     .help = "one record",
     .repeatable = true},
    {.short_name = 'c',
     .long_name = "count",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "Input",
     .help = "stop after N"},
    {.long_name = "linger",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "5ms",
     .group = "Delivery",
     .help = "wait so long"},
    {.short_name = 'a',
     .long_name = "acks",
     .kind = ValueKind::choice,
     .value_name = "HOW",
     .fallback = "all",
     .choices = "all|1|0",
     .group = "Delivery",
     .help = "who must have it"},
    {.long_name = "batch",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback = "256K",
     .group = "Delivery",
     .help = "bytes in one batch"},
    {.long_name = "receipts",
     .value_name = "FMT",
     .group = "Output",
     .help = "a line per record",
     .value_optional = true},
    {.long_name = "shape",
     .value_name = "SHAPE",
     .group = "Output",
     .help = "how it looks",
     .value_help = [] { return std::string_view("round or square\n"); }},
};
constexpr std::string_view kUsage[] = {"[OPTION]... TOPIC [FILE]..."};
constexpr Example kExamples[] = {{"send a log", "mqtest web < access.log"}};
constexpr ToolRow kTool{.name = "mqtest",
                        .summary = "write records",
                        .usage = kUsage,
                        .description = "It writes.\n\nThen it ends.",
                        .options = kOptions,
                        .examples = kExamples,
                        .operands = {.min = 1, .max = 3}};

constexpr OptionRow kCreateOptions[] = {
    {.short_name = 'p',
     .long_name = "partitions",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback = "1",
     .group = "Create",
     .help = "how many",
     .number_min = 1,
     .number_max = 1000},
};
constexpr CommandRow kCreate{.name = "topic create",
                             .operands_text = "NAME...",
                             .summary = "make topics",
                             .operands = {.min = 1},
                             .effect = Effect::changes,
                             .options = kCreateOptions};
constexpr CommandRow kList{
    .name = "topic list", .operands_text = "[GLOB]", .summary = "list topics", .operands = {.min = 0, .max = 1}};
constexpr CommandRow kInfo{.name = "cluster info", .summary = "the cluster"};
constexpr const CommandRow* kCommands[] = {&kCreate, &kList, &kInfo};
constexpr std::string_view kCtlUsage[] = {"NOUN VERB [OPTION]... [ARG]..."};
constexpr ToolRow kCtl{.name = "mqc",
                       .summary = "administer",
                       .usage = kCtlUsage,
                       .description = "It administers.",
                       .commands = kCommands,
                       .examples = kExamples};

std::expected<Arguments, Ending> parse_words(std::vector<std::string> words, const ToolRow& tool = kTool,
                                             Environment environment = {}) {
  return parse(tool, words, environment);
}

std::string error_of(std::vector<std::string> words, const ToolRow& tool = kTool) {
  const auto parsed = parse_words(std::move(words), tool);
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, ExitCode::usage);
  EXPECT_EQ(parsed.error().out, "");
  return parsed.error().err;
}

TEST(Arguments, OptionsAndOperandsMayBeMixed) {
  const auto args = parse_words({"topic", "-0", "file", "--linger", "1s", "-", "-c7"});
  ASSERT_TRUE(args);
  EXPECT_TRUE(args->flag("null"));
  EXPECT_EQ(args->duration("linger"), 1s);
  EXPECT_EQ(args->number("count"), 7);
  EXPECT_EQ(std::vector(args->operands().begin(), args->operands().end()),
            (std::vector<std::string>{"topic", "file", "-"}));
}

TEST(Arguments, DoubleDashEndsOptions) {
  const auto args = parse_words({"--", "-0", "--linger"});
  ASSERT_TRUE(args);
  EXPECT_FALSE(args->flag("null"));
  EXPECT_EQ(args->operands().size(), 2u);
}

TEST(Arguments, ValuesAreTakenAsTheyAre) {
  // An empty value is a value, and neither brackets nor dashes nor quotes have a meaning.
  const auto args = parse_words({"t", "--message=", "-m", "[a,b]", "-m", "-1h", "-m\"x\"", "--message=a=b"});
  ASSERT_TRUE(args);
  const auto texts = args->texts("message");
  EXPECT_EQ(std::vector(texts.begin(), texts.end()), (std::vector<std::string>{"", "[a,b]", "-1h", "\"x\"", "a=b"}));
  EXPECT_EQ(args->operands().size(), 1u);
}

TEST(Arguments, ShortFlagsMayBeJoinedAndTheLastTakesTheRest) {
  const auto args = parse_words({"-0vvqd;", "t"});
  ASSERT_TRUE(args);
  EXPECT_EQ(args->count("verbose"), 2);
  EXPECT_TRUE(args->flag("quiet"));
  EXPECT_EQ(args->text("delimiter"), ";");
}

TEST(Arguments, LastOfTwoWins) { EXPECT_EQ(parse_words({"t", "-d1", "-d2"})->text("delimiter"), "2"); }

TEST(Arguments, DefaultsCountUnlessGiven) {
  const auto args = parse_words({"t"});
  ASSERT_TRUE(args);
  EXPECT_EQ(args->size("batch"), 256u * 1024);
  EXPECT_FALSE(args->given("batch"));
  EXPECT_FALSE(args->has("count"));
  EXPECT_EQ(args->text("brokers"), "localhost:9092");
}

TEST(Arguments, OptionalValueIsOnlyTakenWithAnEqualsSign) {
  const auto bare = parse_words({"--receipts", "t"});
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->given("receipts"));
  EXPECT_EQ(bare->text("receipts"), "");
  EXPECT_EQ(parse_words({"--receipts=%o", "t"})->text("receipts"), "%o");
}

TEST(Arguments, UnknownOptionNamesTheNearest) {
  EXPECT_EQ(error_of({"t", "--lingre=1s"}),
            "mqtest: no option '--lingre'; did you mean '--linger'?\nTry 'mqtest --help'.\n");
  EXPECT_EQ(error_of({"t", "-y"}), "mqtest: no option '-y'\nTry 'mqtest --help'.\n");
}

TEST(Arguments, AbbreviationsAreRefused) {
  EXPECT_NE(error_of({"t", "--ling", "1s"}).find("did you mean '--linger'"), std::string::npos);
}

TEST(Arguments, BadValueIsUnderlined) {
  EXPECT_EQ(error_of({"t", "--linger=5"}),
            "mqtest: --linger: the unit is missing; use one of ns us ms s m h d\n  5\n   ^\nTry 'mqtest --help'.\n");
  EXPECT_EQ(error_of({"t", "-c", "12x3"}),
            "mqtest: --count: not a whole number\n  12x3\n    ^~\nTry 'mqtest --help'.\n");
  EXPECT_NE(error_of({"t", "-a2"}).find("must be one of all|1|0"), std::string::npos);
}

TEST(Arguments, MissingAndSurplusWordsAreErrors) {
  EXPECT_NE(error_of({}).find("an operand is missing; usage: mqtest [OPTION]... TOPIC"), std::string::npos);
  EXPECT_NE(error_of({"a", "b", "c", "d"}).find("one operand too many: 'd'"), std::string::npos);
  EXPECT_NE(error_of({"t", "--linger"}).find("--linger needs a value: DUR"), std::string::npos);
  EXPECT_NE(error_of({"t", "--null=1"}).find("--null takes no value"), std::string::npos);
}

TEST(Arguments, ControlBytesInAMistakeAreEscaped) {
  EXPECT_EQ(error_of({"t", "--\x1b[2J"}).find('\x1b'), std::string::npos);
}

TEST(Arguments, HelpAndVersionGoToStdoutWithExitZero) {
  for (const char* word : {"-h", "--help", "--help-json", "-V", "--version"}) {
    const auto ended = parse_words({word});
    ASSERT_FALSE(ended) << word;
    EXPECT_EQ(ended.error().code, ExitCode::ok);
    EXPECT_NE(ended.error().out.find("mqtest"), std::string::npos);
    EXPECT_EQ(ended.error().err, "");
  }
}

TEST(Arguments, CommandTakesItsOwnOptionsAndTheToolsAnywhere) {
  const auto args = parse_words({"-q", "topic", "-v", "create", "-p", "3", "a", "b"}, kCtl);
  ASSERT_TRUE(args);
  EXPECT_EQ(args->command(), &kCreate);
  EXPECT_EQ(args->number("partitions"), 3);
  EXPECT_TRUE(args->flag("quiet"));
  EXPECT_TRUE(args->flag("verbose"));
  EXPECT_EQ(args->operands().size(), 2u);
}

TEST(Arguments, WrongCommandsSayWhatThereIs) {
  EXPECT_NE(error_of({"topic", "craete"}, kCtl).find("no command 'topic craete'; did you mean 'topic create'?"),
            std::string::npos);
  EXPECT_NE(error_of({"topic"}, kCtl).find("topic what? There are topic create, list"), std::string::npos);
  EXPECT_NE(error_of({"topic", "t/0"}, kCtl).find("no command 'topic t/0'. There are topic create, list"),
            std::string::npos);
  EXPECT_NE(error_of({}, kCtl).find("mqc what? There are topic, cluster"), std::string::npos);
  EXPECT_NE(error_of({"cluster", "info", "x"}, kCtl).find("one operand too many"), std::string::npos);
  EXPECT_NE(error_of({"topic", "create", "-p0", "t"}, kCtl).find("must be from 1 to 1000"), std::string::npos);
}

Environment with_files(std::map<std::string, std::string> files,
                       std::map<std::string, std::string, std::less<>> variables) {
  return {.variables = std::move(variables),
          .read_file = [files](const std::string& path) -> Result<std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return fail(Errc::not_found, "no file {}", path);
            return found->second;
          },
          .host = "box",
          .process_id = 7};
}

TEST(Settings, StrongerSourceWins) {
  const std::map<std::string, std::string> files = {
      {"/etc/mq/config", "brokers = system\ntimeout = 9s\ncolor = never\n"},
      {"/h/.config/mq/config",
       "# mine\ncurrent = lab\nbrokers = user\ntimeout=8s\n[profile lab]\nbrokers = lab\n[profile old]\nbrokers = "
       "old\n"}};
  auto brokers = [&](std::vector<std::string> words, std::map<std::string, std::string, std::less<>> variables = {}) {
    variables["HOME"] = "/h";
    const auto args = parse_words(std::move(words), kTool, with_files(files, variables));
    return args ? args->text("brokers") : args.error().err;
  };
  EXPECT_EQ(brokers({"t"}), "lab");
  EXPECT_EQ(brokers({"t", "-P", "old"}), "old");
  EXPECT_EQ(brokers({"t"}, {{"MQ_PROFILE", "old"}}), "old");
  EXPECT_EQ(brokers({"t"}, {{"MQ_BROKERS", "env"}}), "env");
  EXPECT_EQ(brokers({"t", "-X", "bootstrap.servers=x"}, {{"MQ_BROKERS", "env"}}), "x");
  EXPECT_EQ(brokers({"t", "-X", "brokers=x", "-b", "option"}), "option");

  const auto args = parse_words({"t"}, kTool, with_files(files, {{"HOME", "/h"}}));
  EXPECT_EQ(args->duration("timeout"), 8s);
  EXPECT_EQ(args->source("timeout"), Source::user_file);
  EXPECT_EQ(args->source("color"), Source::system_file);
  EXPECT_EQ(args->text("client-id"), "mqtest@box:7");
}

TEST(Settings, UserFileIsWhereXdgSaysUnlessThatIsRelative) {
  const std::map<std::string, std::string> files = {{"/h/.config/mq/config", "brokers = home\n"},
                                                    {"/x/mq/config", "brokers = xdg\n"},
                                                    {"x/mq/config", "brokers = here\n"},
                                                    {"h/.config/mq/config", "brokers = here\n"}};
  auto brokers = [&](std::map<std::string, std::string, std::less<>> variables) {
    return parse_words({"t"}, kTool, with_files(files, std::move(variables)))->text("brokers");
  };
  EXPECT_EQ(brokers({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "/x"}}), "xdg");
  EXPECT_EQ(brokers({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "x"}}), "home");
  EXPECT_EQ(brokers({{"HOME", "/h"}, {"XDG_CONFIG_HOME", ""}}), "home");
  EXPECT_EQ(brokers({{"HOME", "h"}}), "localhost:9092");
  EXPECT_EQ(brokers({}), "localhost:9092");
}

TEST(Settings, FileThatMayNotBeReadIsAMistakeAndOneOutOfReachIsNone) {
  auto problem = [](Errc code, std::vector<std::string> words) {
    Environment around{.variables = {{"HOME", "/h"}}};
    around.read_file = [code](const std::string& path) -> Result<std::string> {
      return fail(code, "{}: no way", path);
    };
    const auto args = parse_words(std::move(words), kTool, around);
    return args ? "" : args.error().err;
  };
  EXPECT_EQ(problem(Errc::not_found, {"t"}), "");
  EXPECT_NE(problem(Errc::not_found, {"t", "--config", "/c"}).find("/c: no way"), std::string::npos);
  EXPECT_NE(problem(Errc::refused, {"t"}).find("/h/.config/mq/config: no way"), std::string::npos);
}

TEST(Arguments, ValueThatIsAnOptionsNameHasToBeAttached) {
  EXPECT_NE(error_of({"t", "-d", "--null"}).find("--delimiter needs a value"), std::string::npos);
  EXPECT_NE(error_of({"t", "--delimiter", "--linger=5s"}).find("--delimiter needs a value"), std::string::npos);
  EXPECT_EQ(parse_words({"t", "--delimiter=--null"})->text("delimiter"), "--null");
  EXPECT_EQ(parse_words({"t", "-d--null"})->text("delimiter"), "--null");
  EXPECT_EQ(parse_words({"t", "-d", "--"})->text("delimiter"), "--");
  EXPECT_EQ(parse_words({"t", "-d", "--nothing"})->text("delimiter"), "--nothing");
}

TEST(Arguments, HelpAsAValueIsAnsweredWithoutOperands) {
  const auto ending = parse_words({"--shape", "help"});
  ASSERT_FALSE(ending);
  EXPECT_EQ(ending.error().code, ExitCode::ok);
  EXPECT_EQ(ending.error().out, "round or square\n");
}

TEST(Settings, ADashXHasNoLongName) {
  EXPECT_NE(error_of({"t", "--set", "brokers=x"}).find("no option '--set'"), std::string::npos);
  const auto ending = parse_words({"-X", "help"}, kCtl);
  ASSERT_FALSE(ending);
  EXPECT_EQ(ending.error().code, ExitCode::ok);
  EXPECT_NE(ending.error().out.find("connect-timeout"), std::string::npos);
}

TEST(Settings, MistakesInFilesAreUsageErrors) {
  auto error = [](std::string text, std::vector<std::string> words = {"t"}) {
    words.insert(words.end(), {"--config", "/c"});
    const auto args = parse_words(std::move(words), kTool, with_files({{"/c", std::move(text)}}, {}));
    return args ? "no error" : args.error().err;
  };
  EXPECT_NE(error("brokers = a\nbroken line\n").find("/c:2: neither KEY = VALUE"), std::string::npos);
  EXPECT_NE(error("timout = 5s\n").find("no setting 'timout'; did you mean 'timeout'?"), std::string::npos);
  EXPECT_NE(error("timeout = 5\n").find("timeout (user file): the unit is missing"), std::string::npos);
  EXPECT_NE(error("", {"t", "-P", "nope"}).find("has no [profile nope]"), std::string::npos);
  EXPECT_NE(error("a = 1\na = 2\n").find("given before"), std::string::npos);
  const auto missing = parse_words({"t", "--config", "/none"}, kTool, with_files({}, {}));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().err.find("no file /none"), std::string::npos);
}

TEST(Settings, HelpListsNamesValuesAndSources) {
  const auto ended = parse_words({"-X", "help"}, kTool, {.variables = {{"MQ_BROKERS", "env:1"}}});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ExitCode::ok);
  EXPECT_NE(ended.error().out.find("env:1"), std::string::npos);
  EXPECT_NE(ended.error().out.find("environment"), std::string::npos);
}

TEST(Rows, EveryRowOfTheToolIsWhole) {
  EXPECT_EQ(problems_of(kTool), std::vector<std::string>{});
  EXPECT_EQ(problems_of(kCtl), std::vector<std::string>{});
}

TEST(Rows, ProblemsAreFound) {
  static constexpr OptionRow kBad[] = {
      {.short_name = 'q', .long_name = "quick", .kind = ValueKind::flag, .group = "G", .help = "twice -q"},
      {.long_name = "textless", .kind = ValueKind::flag, .group = "G"},
      {.long_name = "unitless",
       .kind = ValueKind::duration,
       .value_name = "DUR",
       .fallback = "5",
       .group = "G",
       .help = "five what"},
  };
  ToolRow tool = kTool;
  tool.options = kBad;
  EXPECT_EQ(problems_of(tool).size(), 3u);
}

TEST(Help, EveryOptionIsInHelpManPageAndCompletions) {
  const std::string texts[] = {short_help(kTool),
                               long_help(kTool),
                               help_json(kTool),
                               man_page(kTool),
                               completion(kTool, Shell::bash),
                               completion(kTool, Shell::zsh),
                               completion(kTool, Shell::fish)};
  for (const OptionRow* row : options_of(kTool, nullptr)) {
    for (const std::string& text : texts) {
      std::string name(row->long_name);
      if (&text == &texts[3]) {
        for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, "\\");
      }
      EXPECT_NE(text.find(name), std::string::npos) << name << " in\n" << text;
    }
  }
}

TEST(Help, ExamplesComeBeforeOptions) {
  const std::string help = long_help(kTool);
  EXPECT_LT(help.find("mqtest web < access.log"), help.find("--delimiter"));
}

TEST(Help, CommandsAreListedWithTheirOptions) {
  EXPECT_NE(short_help(kCtl).find("topic create NAME..."), std::string::npos);
  EXPECT_NE(long_help(kCtl, &kCreate).find("--partitions=N"), std::string::npos);
  EXPECT_NE(man_page(kCtl).find("\\-\\-partitions"), std::string::npos);
  for (const Shell shell : {Shell::bash, Shell::zsh, Shell::fish}) {
    EXPECT_NE(completion(kCtl, shell).find("partitions"), std::string::npos);
    EXPECT_NE(completion(kCtl, shell).find("create"), std::string::npos);
  }
}

TEST(Help, ManPageTextIsNeverARequest) {
  ToolRow tool = kTool;
  tool.description = ".so /etc/passwd\nback\\slash";
  EXPECT_NE(man_page(tool).find("\n\\&.so"), std::string::npos);
  EXPECT_NE(man_page(tool).find("back\\eslash"), std::string::npos);
}

}  // namespace
}  // namespace mq::cli
