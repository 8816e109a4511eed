#include "judge/json_tape.h"

#include <gtest/gtest.h>

#include <string>
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

TEST(JsonTape, NestingHasABound) {
  JsonTape tape;
  EXPECT_EQ(problem(tape, std::string(16, '[') + std::string(16, ']')), "none");
  EXPECT_EQ(problem(tape, std::string(17, '[') + std::string(17, ']')), "too deep");
}

}  // namespace
}  // namespace mq::judge
