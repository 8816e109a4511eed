#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>
#include <set>

#include "base/utf8.h"
#include "cli/envelope.h"
#include "cli/escape.h"
#include "cli/exit_code.h"
#include "cli/record_format.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "record/batch_builder.h"
#include "record/record.h"

namespace mq::cli {
namespace {

using namespace std::literals;

/// What a record is made of, in a batch of its own.
struct Sample {
  TopicPartition where{.topic = "a", .partition = 0};
  Offset offset{17};
  LeaderEpoch leader_epoch{2};
  WallMillis timestamp = 1'735'689'600'123;
  record::TimestampType timestamp_type = record::TimestampType::create_time;
  std::optional<BytesView> key = "k";
  std::optional<BytesView> value = "v";
  std::vector<record::HeaderView> headers = {{.key = "h", .value = "v"}, {.key = "h", .value = std::nullopt}};
};

std::string batch_of(const Sample& sample) {
  record::BatchBuilder builder({.timestamp_type = sample.timestamp_type});
  builder.add(sample.timestamp, sample.key, sample.value, sample.headers);
  return builder
      .finish({.base_offset = sample.offset, .leader_epoch = sample.leader_epoch, .max_timestamp = sample.timestamp})
      .value();
}

/// What `write` makes of the stored record.
std::string written(const Sample& sample, const std::function<void(const StoredRecord&, std::string&)>& write) {
  const std::string bytes = batch_of(sample);
  const record::BatchView batch = record::first_batch(bytes).value();
  record::RecordReader reader;
  record::RecordView record;
  EXPECT_TRUE(reader.open(batch));
  EXPECT_TRUE(reader.next(record).value());
  std::string out;
  write({.where = sample.where, .batch = batch.header(), .record = record}, out);
  return out;
}

std::string envelope_of(const Sample& sample) { return written(sample, write_envelope); }

TEST(EnvelopeText, IsTheDocumentedOne) {
  EXPECT_EQ(
      envelope_of({}),
      R"({"topic":"a","partition":0,"offset":17,"ts":1735689600123,"ts_type":"create","key":"k","value":"v","headers":[["h","v"],["h",null]]})");
}

TEST(EnvelopeText, BytesThatAreNoTextBecomeBase64) {
  const std::string text =
      envelope_of({.key = std::nullopt, .value = "\xff\xfe\0bin"sv, .headers = {{.key = "\xff"sv, .value = "\x80"sv}}});
  EXPECT_NE(text.find(R"("key":null,"value_b64":"//4AYmlu","headers":[[{"b64":"/w=="},{"b64":"gA=="}]])"),
            std::string::npos)
      << text;
}

std::string random_bytes(std::mt19937_64& random, bool text) {
  static constexpr std::string_view kPieces[] = {
      "a", "\n", "\"", "\\", "\0"sv, "\xc3\xa9", "\xf0\x9f\x90\x93", "\x1f", "\x7f", "/", "\xe2\x80\xa8"};
  std::string out;
  for (std::uint64_t n = random() % 12; n > 0; --n) {
    if (text) {
      out += kPieces[random() % std::size(kPieces)];
    } else {
      out += static_cast<char>(random());
    }
  }
  return out;
}

TEST(EnvelopeText, ReadingBackGivesTheSameRecord) {
  std::mt19937_64 random(20250131);
  for (int round = 0; round < 5000; ++round) {
    std::deque<std::string> held;
    const auto bytes = [&]() -> BytesView { return held.emplace_back(random_bytes(random, random() % 2 == 0)); };
    const auto maybe = [&]() -> std::optional<BytesView> {
      return random() % 4 == 0 ? std::nullopt : std::optional(bytes());
    };
    Sample sample{.where = {.topic = "t.x_-1", .partition = static_cast<std::int32_t>(random() % 100)},
                  .offset = Offset{static_cast<std::int64_t>(random() >> 2)},
                  .timestamp = static_cast<std::int64_t>(random() >> 1),
                  .timestamp_type =
                      random() % 2 == 0 ? record::TimestampType::create_time : record::TimestampType::log_append_time,
                  .key = maybe(),
                  .value = maybe(),
                  .headers = {}};
    for (std::uint64_t n = random() % 4; n > 0; --n) sample.headers.push_back({.key = bytes(), .value = maybe()});

    const std::string line = envelope_of(sample);
    ASSERT_TRUE(is_utf8(line));
    ASSERT_EQ(line.find('\n'), std::string::npos);
    const auto read = read_envelope(line);
    ASSERT_TRUE(read) << line << read.error().why;
    EXPECT_EQ(read->where, sample.where);
    EXPECT_EQ(read->offset, sample.offset);
    EXPECT_EQ(read->timestamp, sample.timestamp);
    EXPECT_EQ(read->timestamp_type, sample.timestamp_type);
    EXPECT_EQ(read->key, sample.key);
    EXPECT_EQ(read->value, sample.value);
    ASSERT_EQ(read->headers.size(), sample.headers.size());
    for (std::size_t i = 0; i < sample.headers.size(); ++i) {
      EXPECT_EQ(read->headers[i].name, sample.headers[i].key);
      EXPECT_EQ(read->headers[i].value, sample.headers[i].value);
    }
  }
}

TEST(EnvelopeText, OnlyTheValueIsRequired) {
  const auto read = read_envelope(R"( {"value":""} )");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->value, "");
  EXPECT_EQ(read->key, std::nullopt);
  EXPECT_EQ(read->where.partition, -1);
  EXPECT_FALSE(read->timestamp);
}

TEST(EnvelopeText, WhatIsNotAnEnvelopeIsRefused) {
  for (const char* line : {"",
                           "null",
                           "[]",
                           "{}",
                           R"({"value":1})",
                           R"({"value":"a"} x)",
                           R"({"value":"a","value":"b"})",
                           R"({"value":"a","value_b64":"YQ=="})",
                           R"({"value_b64":"Y"})",
                           R"({"value_b64":"YR=="})",
                           R"({"value_b64":null})",
                           R"({"value":"a","color":"red"})",
                           R"({"value":{"a":1}})",
                           R"({"value":["a"]})",
                           R"({"value":"a","headers":{}})",
                           R"({"value":"a","headers":["h"]})",
                           R"({"value":"a","headers":[["h"]]})",
                           R"({"value":"a","headers":[["h","v","x"]]})",
                           R"({"value":"a","headers":[[null,"v"]]})",
                           R"({"value":"a","headers":[["h",{"b64":"YQ==","b64":"YQ=="}]]})",
                           R"({"value":"a","headers":[["h",{}]]})",
                           R"({"value":"a","headers":[["h",{"hex":"00"}]]})",
                           R"({"value":"a","partition":1.5})",
                           R"({"value":"a","partition":-2})",
                           R"({"value":"a","partition":2147483648})",
                           R"({"value":"a","ts":99999999999999999999})",
                           R"({"value":"a","ts_type":"other"})",
                           R"({"value":"\ud800"})",
                           "{\"value\":\"\xff\"}",
                           R"({"value":"a",})",
                           R"({"value":"a")"}) {
    EXPECT_FALSE(read_envelope(line)) << line;
  }
}

std::string formatted(std::string_view format, const Sample& sample = {}, std::string_view null_text = {}) {
  const auto compiled = RecordFormat::compile(format);
  if (!compiled) return "error: " + compiled.error().why;
  return written(sample,
                 [&](const StoredRecord& stored, std::string& out) { compiled->write(stored, out, null_text); });
}

TEST(Format, EveryTokenIsWritten) {
  EXPECT_EQ(formatted("%t/%p@%o %T %k=%s %K %S %h %%\\n"), "a/0@17 1735689600123 k=v 1 1 h=v,h= %\n");
  EXPECT_EQ(formatted("%R%s"), "\0\0\0\1v"sv);
  EXPECT_EQ(formatted("%{ts:iso} %{ts:iso_us} %{ts_type} %{epoch}"),
            "2025-01-01T00:00:00.123Z 2025-01-01T00:00:00.123000Z create 2");
  EXPECT_EQ(formatted("%{value:hex} %{value:base64} %{key:json} %{topic:len} %{value:str}"), "76 dg== \"k\" 1 v");
  EXPECT_EQ(formatted("%{header.h} %{headers:json} %{header.none:json}", {}, "-"),
            "- [[\"h\",\"v\"],[\"h\",null]] null");
  EXPECT_EQ(formatted("\\x41\\t\\\\\\0"), "A\t\\\0"sv);
}

TEST(Format, NullIsWrittenAsAskedAndItsLengthIsMinusOne) {
  EXPECT_EQ(formatted("%k %K", {.key = std::nullopt}, "NULL"), "NULL -1");
}

TEST(Format, HeaderNamesMayHoldColons) {
  EXPECT_EQ(formatted("%{header.a:b} %{header.a:b:hex}", {.headers = {{.key = "a:b", .value = "x"}}}), "x 78");
}

TEST(Format, MistakesPointAtTheirPlace) {
  struct Case {
    std::string_view text;
    std::size_t at;
    std::size_t size;
  };
  for (const Case& c :
       {Case{"ab%x", 2, 2}, Case{"%", 0, 1}, Case{"%{value", 0, 7}, Case{"%{valeu}", 2, 5}, Case{"%{value:hx}", 8, 2},
        Case{"%{offset:hex}", 9, 3}, Case{"a\\q", 1, 2}, Case{"\\x4", 0, 3}, Case{"%{header.}", 2, 7}}) {
    const auto compiled = RecordFormat::compile(c.text);
    ASSERT_FALSE(compiled) << c.text;
    EXPECT_EQ(compiled.error().at, c.at) << c.text;
    EXPECT_EQ(compiled.error().size, c.size) << c.text;
  }
}

constexpr ColumnRow kColumns[] = {{.name = "topic", .title = "", .unit = Unit::text},
                                  {.name = "size_bytes", .title = "", .unit = Unit::bytes},
                                  {.name = "lag_ms", .title = "", .unit = Unit::milliseconds},
                                  {.name = "isr", .title = "", .unit = Unit::text},
                                  {.name = "internal", .title = "", .unit = Unit::yes_no}};

std::string rendered(OutputFormat format, bool header = true) {
  TableWriter table(kColumns, format, header);
  table.add(
      {std::string("web\tlog"), std::int64_t{1536}, std::int64_t{90'000}, std::vector<std::int64_t>{1, 2}, false});
  table.add({std::string("b"), std::monostate{}, std::int64_t{5}, std::vector<std::int64_t>{}, true});
  std::string out = table.take();
  return out + table.finish();
}

TEST(Table, HumanUnitsOnATerminal) {
  EXPECT_EQ(rendered(OutputFormat::table),
            "TOPIC     SIZE    LAG  ISR  INTERNAL\n"
            "web\\tlog  1.5K  1m30s  1,2  no\n"
            "b            -    5ms  -    yes\n");
}

TEST(Table, WideCharactersAndCombiningMarksLineUp) {
  constexpr ColumnRow kNames[] = {{.name = "client", .title = ""}, {.name = "lag", .title = "", .unit = Unit::number}};
  TableWriter table(kNames, OutputFormat::table);
  table.add({std::string("注文サービス"), std::int64_t{7}});
  table.add({std::string("Mu\u0308ller"), std::int64_t{12}});
  table.add({std::string("billing-prod"), std::int64_t{3}});
  table.add({std::string("주문"), std::int64_t{0}});
  EXPECT_EQ(table.finish(),
            "CLIENT        LAG\n"
            "注文サービス    7\n"
            "Mu\u0308ller         12\n"
            "billing-prod    3\n"
            "주문            0\n");
}

TEST(Table, PlainNumbersForPrograms) {
  EXPECT_EQ(rendered(OutputFormat::tsv),
            "topic\tsize_bytes\tlag_ms\tisr\tinternal\n"
            "web\\tlog\t1536\t90000\t1,2\tfalse\n"
            "b\t\t5\t\ttrue\n");
  EXPECT_EQ(rendered(OutputFormat::tsv, false).find("topic\t"), std::string::npos);
}

TEST(Table, JsonIsOneListOrOneObjectPerLine) {
  const std::string first = R"({"topic":"web\tlog","size_bytes":1536,"lag_ms":90000,"isr":[1,2],"internal":false})";
  const std::string second = R"({"topic":"b","size_bytes":null,"lag_ms":5,"isr":[],"internal":true})";
  EXPECT_EQ(rendered(OutputFormat::json), "[\n" + first + ",\n" + second + "\n]\n");
  EXPECT_EQ(rendered(OutputFormat::jsonl), first + "\n" + second + "\n");
}

TEST(Table, EmptyResultIsAHeaderOrAnEmptyList) {
  const auto empty = [](OutputFormat format) { return TableWriter(kColumns, format).finish(); };
  EXPECT_EQ(empty(OutputFormat::tsv), "topic\tsize_bytes\tlag_ms\tisr\tinternal\n");
  EXPECT_EQ(empty(OutputFormat::json), "[]\n");
  EXPECT_EQ(empty(OutputFormat::jsonl), "");
}

TEST(Table, FormatFollowsTheTerminalUnlessNamed) {
  EXPECT_EQ(parse_output_format("", true), OutputFormat::table);
  EXPECT_EQ(parse_output_format("", false), OutputFormat::tsv);
  EXPECT_EQ(parse_output_format("json", true), OutputFormat::json);
  EXPECT_FALSE(parse_output_format("xml", true));
}

TEST(HumanUnits, Sizes) {
  EXPECT_EQ(human_bytes(0), "0");
  EXPECT_EQ(human_bytes(1023), "1023");
  EXPECT_EQ(human_bytes(1024), "1.0K");
  EXPECT_EQ(human_bytes(10 << 20), "10M");
  EXPECT_EQ(human_bytes((1 << 20) - 1), "1.0M");
  EXPECT_EQ(human_milliseconds(0), "0ms");
  EXPECT_EQ(human_milliseconds(86'400'000), "1d");
  EXPECT_EQ(iso_time(-1), "-");
}

TEST(Escape, TerminalNeverSeesAControlByte) {
  std::string out;
  append_for_terminal("\x1b[2Ja\tb\nc\x7f\xc2\x9b\xff\xc3\xa9"sv, out);
  EXPECT_EQ(out, "\\x1b[2Ja\tb\nc\\x7f\\xc2\\x9b\\xff\xc3\xa9");
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::string bytes(16, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    out.clear();
    append_in_one_line(bytes, out);
    ASSERT_TRUE(is_utf8(out));
    for (const char c : out) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

TEST(Escape, BackslashesOfOptions) {
  EXPECT_EQ(unescape("a\\n\\t\\0\\x7f\\\\"), std::string_view("a\n\t\0\x7f\\", 6));
  EXPECT_FALSE(unescape("\\"));
  EXPECT_FALSE(unescape("\\q"));
  EXPECT_FALSE(unescape("\\xg0"));
}

TEST(ExitCodes, WorstOfSeveralItemsCounts) {
  EXPECT_EQ(worst(ExitCode::ok, ExitCode::not_found), ExitCode::not_found);
  EXPECT_EQ(worst(ExitCode::damaged, ExitCode::not_found), ExitCode::damaged);
}

TEST(ExitCodes, ErrorsMapToTheTable) {
  EXPECT_EQ(exit_code_of(Error{.code = Errc::unreachable, .message = ""}), ExitCode::unreachable);
  EXPECT_EQ(exit_code_of(Error{.code = Errc::broker, .message = "", .kafka_code = 3}), ExitCode::not_found);
  EXPECT_EQ(exit_code_of(Error{.code = Errc::corrupt_batch, .message = ""}), ExitCode::damaged);
  EXPECT_EQ(exit_code_of(ErrorCode::kNone), ExitCode::ok);
  std::set<ExitCode> seen;
  for (const ExitCodeRow& row : exit_codes()) {
    EXPECT_FALSE(row.meaning.empty());
    EXPECT_TRUE(seen.insert(row.code).second);
  }
}

constexpr std::string_view kUsage[] = {"[OPTION]..."};
constexpr Example kExamples[] = {{"run it", "mqtest"}};
constexpr ToolRow kTool{
    .name = "mqtest", .summary = "test", .usage = kUsage, .description = "It tests.", .examples = kExamples};

Arguments arguments(std::vector<std::string> words) { return *parse(kTool, words, {}); }

TEST(Progress, AppearsAfterASecondAndFourTimesASecondAtMost) {
  const Environment terminal{.stderr_is_terminal = true};
  ProgressLine line(arguments({}), terminal, Instant{0s});
  EXPECT_EQ(line.update("1", Instant{999ms}), "");
  EXPECT_EQ(line.update("2", Instant{1s}), "\r\x1b[K2");
  EXPECT_EQ(line.update("3", Instant{1200ms}), "");
  EXPECT_EQ(line.update("4", Instant{1250ms}), "\r\x1b[K4");
}

TEST(Progress, IsSilentWhereNobodyWatches) {
  EXPECT_FALSE(ProgressLine(arguments({}), {}, Instant{0s}).due(Instant{60s}));
  EXPECT_FALSE(ProgressLine(arguments({"-q"}), {.stderr_is_terminal = true}, Instant{0s}).due(Instant{60s}));
  ProgressLine plain(arguments({"--progress=plain"}), {}, Instant{0s});
  EXPECT_FALSE(plain.due(Instant{9s}));
  EXPECT_EQ(plain.update("x", Instant{10s}), "x\n");
}

TEST(Colour, FollowsTheEnvironment) {
  const Environment plain{.stdout_is_terminal = true};
  EXPECT_TRUE(use_colour(arguments({}), plain));
  EXPECT_FALSE(use_colour(arguments({}), {}));
  EXPECT_FALSE(use_colour(arguments({}), {.variables = {{"NO_COLOR", "1"}}, .stdout_is_terminal = true}));
  EXPECT_FALSE(use_colour(arguments({}), {.variables = {{"TERM", "dumb"}}, .stdout_is_terminal = true}));
  EXPECT_TRUE(use_colour(arguments({}), {.variables = {{"FORCE_COLOR", "1"}}}));
  EXPECT_FALSE(use_colour(arguments({"--color=never"}), {.variables = {{"FORCE_COLOR", "1"}}}));
}

}  // namespace
}  // namespace mq::cli
