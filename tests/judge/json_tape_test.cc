#include "judge/json_tape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mq::judge {
namespace {

std::string problem(JsonTape& tape, std::string_view text) {
  const auto value = tape.read(text);
  return value ? "none" : value.error().message;
}

TEST(JsonTape, ListsAndObjectsAreGoneThroughInTheirOrder) {
  JsonTape tape;
  const auto value = tape.read(R"({"a":[1,[],{"x":[2]},-3],"b":{},"c":"text","d":true,"e":null,"f":1.5})");
  ASSERT_TRUE(value.has_value());
  std::vector<std::string> names;
  std::vector<Json::Kind> kinds;
  for (const auto& [name, member] : *value) {
    names.emplace_back(name);
    kinds.push_back(member.kind());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d", "e", "f"}));
  EXPECT_EQ(kinds, (std::vector{Json::Kind::list, Json::Kind::object, Json::Kind::string, Json::Kind::boolean,
                                Json::Kind::null, Json::Kind::other_number}));
  const Json list = (*value->begin()).value;
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].number(), 1);
  EXPECT_EQ(list[1].size(), 0u);
  EXPECT_EQ(list[1].begin(), list[1].end());
  EXPECT_EQ((*list[2].begin()).name, "x");
  EXPECT_EQ((*list[2].begin()).value[0].number(), 2);
  EXPECT_EQ(list[3].number(), -3);
}

TEST(JsonTape, StringsWithEscapesAreDecoded) {
  JsonTape tape;
  const std::string many(3000, 'x');
  const std::string text = R"({"k\u0041y":"a\n)" + many + R"(\"b","plain":"c","\n":"\u00e4"})";
  const auto value = tape.read(text);
  ASSERT_TRUE(value.has_value());
  std::vector<std::string> seen;
  for (const auto& [name, member] : *value) seen.push_back(std::string(name) + "=" + std::string(member.text()));
  EXPECT_EQ(seen, (std::vector<std::string>{"kAy=a\n" + many + "\"b", "plain=c", "\n=\u00e4"}));
}

TEST(JsonTape, WhatIsNoJsonIsRefusedAndTheNextTextIsReadAllTheSame) {
  JsonTape tape;
  for (const char* text : {"", "{", "[1,", "[1]2", "nul", "{\"a\"}", "[1,]", "\"\x80\"", "[01]"}) {
    EXPECT_NE(problem(tape, text), "none") << text;
    const auto value = tape.read(" [7]\r");
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ((*value)[0].number(), 7);
  }
}

TEST(JsonTape, WholeNumbersOf64BitsAreIntegersHoweverTheyAreWritten) {
  JsonTape tape;
  const auto number = [&](std::string_view text) {
    const auto value = tape.read(text);
    return value && value->kind() == Json::Kind::integer ? std::to_string(value->number()) : "none";
  };
  for (const char* text : {"0", "7", "-7", "999999999999999999", "-999999999999999999", "1000000000000000000",
                           "9223372036854775807", "-9223372036854775808"})
    EXPECT_EQ(number(text), text);
  EXPECT_EQ(number("-0"), "0");
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "1.0", "1e3", "123456789012345678901234567890"}) {
    EXPECT_EQ(number(text), "none") << text;
    EXPECT_EQ(problem(tape, text), "none") << text;
  }
  for (const char* text : {"-", "00", "-01", "1.", "1e", "+1", "0x1", "1 2", "--1"})
    EXPECT_NE(problem(tape, text), "none") << text;
}

TEST(JsonTape, WhiteSpaceAndAnyTextMayStandBetweenAndInStrings) {
  JsonTape tape;
  const std::string plain = R"({"a":[1,{"b":"c"},true,false,null,[],{}]})";
  const auto seen = [&](std::string_view text) {
    std::string all;
    const auto value = tape.read(text);
    if (!value) return value.error().message;
    const auto walk = [&](const auto& self, Json json) -> void {
      all += std::to_string(static_cast<int>(json.kind())) + ":" + std::to_string(json.number()) +
             std::string(json.text());
      if (json.kind() != Json::Kind::list && json.kind() != Json::Kind::object) return;
      for (const auto& [name, element] : json) all += std::string(name) + "=", self(self, element);
    };
    walk(walk, *value);
    return all;
  };
  for (std::size_t at = 0; at < plain.size(); ++at) EXPECT_NE(problem(tape, plain.substr(0, at)), "none") << at;
  EXPECT_EQ(seen(R"( { "a" : [ 1 , { "b" : "c" } , true , false , null , [ ] , { } ] } )"), seen(plain));
  for (const char* text : {"\"\x7f\"", "\"\u00e4\"", "\"\U0001f600\"", "\"\""}) {
    const auto value = tape.read(text);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ(value->text(), std::string_view(text).substr(1, std::string_view(text).size() - 2));
  }
  for (const char* text :
       {"\"\xc3\"", "\"\n\"", "\"a", "tru", "nulll", "[1,,2]", "{\"a\":}", "{1:2}", "{\"a\":1,}", "]"})
    EXPECT_NE(problem(tape, text), "none") << text;
}

TEST(JsonTape, NestingHasABound) {
  JsonTape tape;
  EXPECT_EQ(problem(tape, std::string(16, '[') + std::string(16, ']')), "none");
  EXPECT_EQ(problem(tape, std::string(17, '[') + std::string(17, ']')), "too deep");
}

}  // namespace
}  // namespace mq::judge
