#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include "config/broker_config.h"
#include "config/config_file.h"
#include "config/effective.h"
#include "config/live.h"
#include "config/option.h"
#include "config/setting_lines.h"
#include "config/topic_config.h"

namespace mq::config {
namespace {

const OptionRow& topic_row(std::string_view name) { return *find_option(topic_options(), name); }

TEST(OptionTables, EveryRowIsComplete) {
  for (const auto table : {topic_options(), broker_options()}) {
    EXPECT_TRUE(std::ranges::is_sorted(table, {}, &OptionRow::name));
    std::set<std::string_view> names;
    for (const OptionRow& row : table) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands twice";
      EXPECT_TRUE(row.text.ends_with('.')) << row.name << " has no sentence";
      const bool is_number =
          row.type != OptionType::boolean && row.type != OptionType::string && row.type != OptionType::list;
      EXPECT_EQ(row.unit != Unit::none, is_number) << row.name;
      if (row.may_be_unset) {
        EXPECT_TRUE(row.fallback.empty()) << row.name;
      } else {
        EXPECT_TRUE(parse(row, row.fallback)) << row.name;
      }
      if (row.type == OptionType::integer) EXPECT_LE(row.max, std::numeric_limits<std::int32_t>::max()) << row.name;
      if (row.type == OptionType::short_integer)
        EXPECT_LE(row.max, std::numeric_limits<std::int16_t>::max()) << row.name;
      if (row.name.ends_with(".ms")) EXPECT_EQ(row.unit, Unit::milliseconds) << row.name;
      EXPECT_TRUE(!row.live || row.dynamic || row.scope == Scope::topic) << row.name;
      EXPECT_TRUE(!row.same_everywhere || row.live) << row.name;
    }
  }
}

TEST(OptionTables, EveryTopicOptionHasABrokerDefault) {
  for (const OptionRow& row : topic_options())
    EXPECT_NE(std::ranges::count(synonyms(), row.name, &SynonymRow::topic_option), 0) << row.name;
  for (const SynonymRow& synonym : synonyms()) {
    EXPECT_NE(find_option(topic_options(), synonym.topic_option), nullptr) << synonym.topic_option;
    EXPECT_NE(find_option(broker_options(), synonym.broker_option), nullptr) << synonym.broker_option;
  }
}

TEST(Parse, TakesAValueToItsLastByteOrNotAtAll) {
  const OptionRow& bytes = topic_row("segment.bytes");
  EXPECT_EQ(std::get<std::int64_t>(parse(bytes, "1048576").value()), 1048576);
  EXPECT_EQ(std::get<std::int64_t>(parse(bytes, " 14 ").value()), 14);
  for (std::string_view text : {"", " ", "13", "2147483648", "1e6", "100k", "0x10", "1.0", "1 2", "++20", "+-20",
                                "99999999999999999999", "--1"})
    EXPECT_FALSE(parse(bytes, text)) << text;
  EXPECT_TRUE(parse(topic_row("retention.ms"), "-1"));
  EXPECT_FALSE(parse(topic_row("retention.ms"), "-2"));

  EXPECT_TRUE(std::get<bool>(parse(topic_row("preallocate"), "TRUE").value()));
  for (std::string_view text : {"", "1", "yes", "truee", "on"})
    EXPECT_FALSE(parse(topic_row("preallocate"), text)) << text;

  EXPECT_DOUBLE_EQ(std::get<double>(parse(topic_row("min.cleanable.dirty.ratio"), "0.25").value()), 0.25);
  for (std::string_view text : {"", "1.01", "-0.1", "nan", "inf", "0.5x"})
    EXPECT_FALSE(parse(topic_row("min.cleanable.dirty.ratio"), text)) << text;

  EXPECT_TRUE(parse(topic_row("mq.flush"), "async"));
  for (std::string_view text : {"", "ACK", "both", "ack|async"})
    EXPECT_FALSE(parse(topic_row("mq.flush"), text)) << text;
}

TEST(Parse, ListsHaveNoEmptyOrUnknownItemsAndNoneCountsTwice) {
  const OptionRow& policy = topic_row("cleanup.policy");
  using List = std::vector<std::string>;
  EXPECT_EQ(std::get<List>(parse(policy, "compact, delete").value()), (List{"compact", "delete"}));
  EXPECT_EQ(std::get<List>(parse(policy, "delete ,compact,\tdelete").value()), (List{"delete", "compact"}));
  EXPECT_TRUE(std::get<List>(parse(policy, " ").value()).empty());  // as in Kafka: nothing is ever removed
  for (std::string_view text : {",", "compact,", ",delete", "compact,,delete", "compact delete", "none"})
    EXPECT_FALSE(parse(policy, text)) << text;
  EXPECT_TRUE(parse(*find_option(broker_options(), "log.dirs"), ""));
}

// The expected texts are what Kafka 4.3.1 shows.
TEST(Normalised, ValuesAreSpelledAsKafkaShowsThem) {
  const auto shown = [](std::string_view name, std::string text) {
    return normalised(topic_options(), {{std::string(name), std::move(text)}}).value().at(std::string(name));
  };
  for (const char* text : {"1000", " 1000", "1000 ", "+1000", "01000", "\t1000\n"})
    EXPECT_EQ(shown("retention.ms", text), "1000") << text;
  EXPECT_EQ(shown("retention.ms", "-1"), "-1");
  for (const char* text : {"TRUE", " true", "True "}) EXPECT_EQ(shown("preallocate", text), "true") << text;
  for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, const char*>>{{".5", "0.5"},
                                                                                                 {"0.50", "0.5"},
                                                                                                 {"5e-1", "0.5"},
                                                                                                 {" 0.25 ", "0.25"},
                                                                                                 {"+0.5", "0.5"},
                                                                                                 {"0", "0.0"},
                                                                                                 {"1", "1.0"},
                                                                                                 {"1.", "1.0"},
                                                                                                 {"0.001", "0.001"},
                                                                                                 {"0.0001", "1.0E-4"},
                                                                                                 {"0.00015", "1.5E-4"},
                                                                                                 {"1e-7", "1.0E-7"}})
    EXPECT_EQ(shown("min.cleanable.dirty.ratio", text), expected) << text;
  EXPECT_EQ(shown("cleanup.policy", "compact, delete"), "compact,delete");
  EXPECT_EQ(shown("cleanup.policy", "compact,compact"), "compact");
  EXPECT_EQ(shown("message.timestamp.type", " LogAppendTime "), "LogAppendTime");
  EXPECT_EQ(to_text(Value(2.5e7)), "2.5E7");
  EXPECT_EQ(to_text(Value(9999999.0)), "9999999.0");
  EXPECT_EQ(normalised(topic_options(), {{"retention.ms", "x"}}).error().code, Errc::invalid_argument);
}

TEST(Parse, SaysWhatItTakes) {
  EXPECT_EQ(parse(topic_row("segment.bytes"), "1G").error().message,
            "segment.bytes cannot be '1G'; it takes a whole number from 14 to 2147483647");
  EXPECT_EQ(parse(topic_row("mq.flush"), "x").error().message, "mq.flush cannot be 'x'; it takes one of ack, async");
  EXPECT_EQ(parse_option(topic_options(), "retention.sm", "1").error().message,
            "no option is named 'retention.sm'; did you mean retention.ms?");
  EXPECT_EQ(parse_option(topic_options(), "colour", "1").error().message, "no option is named 'colour'");
  EXPECT_EQ(nearest_option(broker_options(), "num.partition"), "num.partitions");
}

TEST(TopicConfig, DefaultsAreKafkas) {
  const TopicConfig config = resolve_topic_config({}).value();
  EXPECT_TRUE(config.cleanup_delete);
  EXPECT_FALSE(config.cleanup_compact);
  EXPECT_EQ(config.segment_bytes, 1 << 30);
  EXPECT_EQ(config.retention, std::chrono::hours(24 * 7));
  EXPECT_FALSE(config.retention_bytes);
  EXPECT_EQ(config.message_bytes_max, 1'048'588);
  EXPECT_EQ(config.timestamp_after_max_ms, 3'600'000);
  EXPECT_FALSE(config.log_append_time);
  EXPECT_EQ(config.flush, Flush::ack);
}

TEST(TopicConfig, TopicStandsOverBrokerStandsOverDefault) {
  const Overrides broker =
      topic_defaults({{"log.retention.hours", "2"}, {"message.max.bytes", "5000"}, {"mq.flush", "async"}}).value();
  const TopicConfig config =
      resolve_topic_config({{"max.message.bytes", "7000"}, {"cleanup.policy", "compact"}}, broker).value();
  EXPECT_EQ(config.retention, std::chrono::hours(2));
  EXPECT_EQ(config.message_bytes_max, 7000);
  EXPECT_EQ(config.flush, Flush::async);
  EXPECT_TRUE(config.cleanup_compact);
  EXPECT_FALSE(config.cleanup_delete);
}

TEST(TopicConfig, UnknownBadOrContradictingValuesAreRefused) {
  EXPECT_EQ(resolve_topic_config({{"retention.mss", "1"}}).error().code, Errc::invalid_argument);
  EXPECT_FALSE(resolve_topic_config({{"retention.ms", "1d"}}));
  EXPECT_FALSE(resolve_topic_config({}, {{"retention.ms", "1d"}}));
  EXPECT_FALSE(resolve_topic_config({{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "9"}}));
}

TEST(TopicConfig, MinusOneIsWithoutLimit) {
  EXPECT_FALSE(resolve_topic_config({{"retention.ms", "-1"}})->retention);
  EXPECT_EQ(resolve_topic_config({{"retention.bytes", "0"}})->retention_bytes, 0);
}

TEST(TopicDefaults, ShorterUnitWinsAndMinusOneStays) {
  EXPECT_EQ(topic_defaults({{"log.retention.hours", "2"}, {"log.retention.minutes", "3"}})->at("retention.ms"),
            "180000");
  EXPECT_EQ(topic_defaults({{"log.retention.minutes", "3"}, {"log.retention.ms", "5"}})->at("retention.ms"), "5");
  EXPECT_EQ(topic_defaults({{"log.retention.hours", "-1"}})->at("retention.ms"), "-1");
  EXPECT_FALSE(topic_defaults({{"log.retention.hours", "x"}}));
  EXPECT_TRUE(topic_defaults({{"num.partitions", "3"}})->empty());
}

TEST(Saturated, LongSpansBecomeTheLongest) {
  using namespace std::chrono;
  EXPECT_EQ(saturated(milliseconds(5)), nanoseconds(5'000'000));
  EXPECT_EQ(saturated(milliseconds::max()), nanoseconds::max());
  EXPECT_EQ(saturated(milliseconds::min()), nanoseconds::min());
}

TEST(BrokerConfig, DefaultsWork) {
  const BrokerConfig config = resolve_broker_config({}).value();
  EXPECT_EQ(config.listeners, std::vector<std::string>{"plain://127.0.0.1:9092"});
  EXPECT_EQ(config.offsets_partitions, 50);
  EXPECT_EQ(config.group_initial_rebalance_delay, 0s);
  EXPECT_EQ(config.offsets_retention, 7 * 24h);
  EXPECT_TRUE(config.auto_create_topics);
  EXPECT_TRUE(config.log_dirs.empty());
}

TEST(BrokerConfig, TakesTopicDefaultsAndRefusesContradictions) {
  EXPECT_TRUE(resolve_broker_config({{"log.retention.ms", "1000"}, {"log.dirs", "/a, /b"}}));
  EXPECT_FALSE(resolve_broker_config({{"retention.ms", "1000"}}));
  EXPECT_FALSE(resolve_broker_config({{"listeners", ""}}));
  EXPECT_FALSE(resolve_broker_config({{"group.min.session.timeout.ms", "1800001"}}));
  EXPECT_FALSE(resolve_broker_config({{"queued.max.request.bytes", "1048576"}}));
}

TEST(Effective, ShowsWhereEachValueComesFrom) {
  const auto options = effective_topic({{"retention.ms", "7"}}, {{"retention.ms", "9"}, {"mq.flush", "async"}});
  EXPECT_EQ(options.size(), topic_options().size());
  const auto of = [&](std::string_view name) {
    return *std::ranges::find(options, name, [](const Effective& option) { return option.row->name; });
  };
  const Effective retention = of("retention.ms");
  EXPECT_EQ(retention.value, "7");
  EXPECT_EQ(retention.source, Source::topic);
  ASSERT_EQ(retention.synonyms.size(), 3u);
  EXPECT_EQ(retention.synonyms[1].name, "log.retention.ms");
  EXPECT_EQ(retention.synonyms[1].value, "9");
  EXPECT_EQ(retention.synonyms[1].source, Source::static_broker);
  EXPECT_EQ(retention.synonyms[2].source, Source::fallback);
  EXPECT_EQ(of("mq.flush").source, Source::static_broker);
  EXPECT_EQ(of("segment.bytes").value, "1073741824");
  EXPECT_EQ(of("segment.bytes").source, Source::fallback);
}

TEST(Effective, ValuesAreShownAsKafkaSpellsThemAndWhatIsNotUnderstoodAsItIs) {
  const auto value_of = [](const std::vector<Effective>& all, std::string_view name) {
    return *std::ranges::find(all, name, [](const Effective& e) { return e.row->name; })->value;
  };
  const auto of_topic = effective_topic({{"cleanup.policy", "compact, delete"}, {"retention.ms", "later"}},
                                        topic_defaults({{"log.preallocate", "TRUE"}}).value());
  EXPECT_EQ(value_of(of_topic, "cleanup.policy"), "compact,delete");
  EXPECT_EQ(value_of(of_topic, "retention.ms"), "later");
  EXPECT_EQ(value_of(of_topic, "preallocate"), "true");
  EXPECT_EQ(value_of(effective_broker({{"log.cleaner.min.cleanable.ratio", ".5"}}), "log.cleaner.min.cleanable.ratio"),
            "0.5");
}

TEST(Effective, BrokerOptionWithoutValueHasNone) {
  for (const Effective& option : effective_broker({{"node.id", "3"}})) {
    if (option.row->name == "log.retention.hours") EXPECT_FALSE(option.value);
    if (option.row->name == "node.id") EXPECT_EQ(option.value, "3");
  }
}

TEST(Effective, WhatIsSetWhileABrokerRunsCountsBeforeItsFile) {
  const Layers layers{{.source = Source::live_broker, .options = {{"num.partitions", "7"}}},
                      {.source = Source::live_default, .options = {{"num.partitions", "6"}, {"mq.flush", "async"}}},
                      {.source = Source::static_broker, .options = {{"num.partitions", "5"}, {"mq.flush", "ack"}}}};
  const auto options = layered_broker(layers);
  const auto of = [&](std::string_view name) {
    return *std::ranges::find(options, name, [](const Effective& option) { return option.row->name; });
  };
  EXPECT_EQ(of("num.partitions").value, "7");
  EXPECT_EQ(of("num.partitions").source, Source::live_broker);
  ASSERT_EQ(of("num.partitions").synonyms.size(), 4u);
  EXPECT_EQ(of("num.partitions").synonyms[1].value, "6");
  EXPECT_EQ(of("mq.flush").value, "async");
  EXPECT_EQ(of("mq.flush").source, Source::live_default);
}

TEST(Live, WhatCannotBeSetWhileBrokersRunIsRefusedWithWhatToDo) {
  const auto message = [](const char* name, const char* value, LiveOf whose) {
    const auto checked = checked_live({{name, value}}, whose);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message("num.partitions", "3", LiveOf::one), "");
  EXPECT_EQ(message("log.retention.ms", "-1", LiveOf::all), "");
  EXPECT_EQ(message("min.insync.replicas", "2", LiveOf::all), "");
  EXPECT_TRUE(message("min.insync.replicas", "2", LiveOf::one).contains("set it for all of them"));
  EXPECT_TRUE(message("log.dirs", "/data", LiveOf::one).contains("read when a broker starts"));
  EXPECT_TRUE(message("log.retention.hours", "1", LiveOf::one).contains("set log.retention.ms instead"));
  EXPECT_TRUE(message("leader.replication.throttled.rate", "1000", LiveOf::one).contains("leave the throttle out"));
  EXPECT_TRUE(message("num.partition", "1", LiveOf::all).contains("num.partitions"));
  EXPECT_TRUE(message("num.partitions", "0", LiveOf::all).contains("num.partitions"));
}

TEST(Live, WhatALaterVersionHasKeptIsPassedOver) {
  EXPECT_EQ(
      usable_live({{"num.partitions", "3"}, {"of.later", "1"}, {"mq.flush", "never"}, {"node.id", "2"}}, LiveOf::one),
      (Overrides{{"num.partitions", "3"}}));
}

TEST(SettingLines, BlanksEmptyLinesAndCommentsDoNotCount) {
  const auto lines = setting_lines("\n a = b = c \r\n# no\n\t; no\n[x]\n =\nz=", "#;");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].number, 2u);
  EXPECT_EQ(lines[0].text, "a = b = c");
  EXPECT_EQ(lines[0].name, "a");
  EXPECT_EQ(lines[0].value, "b = c");
  EXPECT_EQ(lines[1].number, 5u);
  EXPECT_EQ(lines[1].name, "[x]");
  EXPECT_EQ(lines[1].value, std::nullopt);
  EXPECT_EQ(lines[2].name, "");
  EXPECT_EQ(lines[3].value, "");
  EXPECT_EQ(setting_lines("; a mark", "#").size(), 1u);
}

TEST(ConfigFile, ReadsNamesAndValues) {
  const auto overrides =
      parse_config_file("# a comment\n\n  node.id=4\r\nlog.dirs = /a=b, /c#d \n#num.partitions = 9\nnum.partitions =3",
                        "mqd.conf", broker_options());
  ASSERT_TRUE(overrides) << overrides.error().message;
  EXPECT_EQ(*overrides, (Overrides{{"node.id", "4"}, {"log.dirs", "/a=b, /c#d"}, {"num.partitions", "3"}}));
}

TEST(ConfigFile, ErrorsNameFileAndLine) {
  const auto error = [](std::string_view text) {
    return parse_config_file(text, "mqd.conf", broker_options()).error().message;
  };
  EXPECT_EQ(error("node.id = 1\n\nnode.idd = 2\n"), "mqd.conf:3: no option is named 'node.idd'; did you mean node.id?");
  EXPECT_EQ(error("node.id = x"), "mqd.conf:1: node.id cannot be 'x'; it takes a whole number from 0 to 2147483647");
  EXPECT_EQ(error("node.id = 1\nnode.id = 1"), "mqd.conf:2: node.id was already set above");
  EXPECT_EQ(error("hello"), "mqd.conf:1: 'hello' is not NAME = VALUE");
  EXPECT_FALSE(parse_config_file(std::string(kConfigFileBytesMax + 1, '#'), "f", broker_options()));
}

TEST(BrokerConfig, AMemberOfAClusterHasOtherDefaultsThanABrokerAlone) {
  Overrides alone{{"num.partitions", "3"}};
  add_member_defaults(alone);
  EXPECT_EQ(alone, (Overrides{{"num.partitions", "3"}}));
  Overrides member{{"mq.meta", "etcd://a"}, {"offsets.topic.replication.factor", "1"}};
  add_member_defaults(member);
  EXPECT_EQ(member, (Overrides{{"mq.meta", "etcd://a"},
                               {"default.replication.factor", "3"},
                               {"offsets.topic.replication.factor", "1"},
                               {"min.insync.replicas", "2"}}))
      << "what somebody set stays";
  Overrides of_zookeeper{{"mq.meta", "zookeeper://a"}};
  add_member_defaults(of_zookeeper);
  EXPECT_EQ(of_zookeeper.at("mq.session.timeout.ms"), "4000");
}

}  // namespace
}  // namespace mq::config
