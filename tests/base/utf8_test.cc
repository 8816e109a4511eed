#include "base/utf8.h"

#include <gtest/gtest.h>

#include <array>

namespace mq {
namespace {

using namespace std::literals;

TEST(Utf8, IsJudgedAsUnicodeSays) {
  for (const std::string_view good : {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                      "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good));
  for (const std::string_view bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe1\x80", "\xf1\x80\x80"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Utf8, AByteThatIsNoneStandsForItself) {
  const Utf8Character character = first_character("\xe1\x80z");
  EXPECT_FALSE(character.is_valid);
  EXPECT_EQ(character.bytes, 1u);
  EXPECT_EQ(character.code_point, U'\ufffd');
}

TEST(Utf8, CharactersOfEveryLengthAreRead) {
  for (const std::string_view text : {"\0"sv, "z"sv, "ü"sv, "€"sv, "😀"sv}) {
    const Utf8Character character = first_character(std::string(text) + "z");
    EXPECT_TRUE(character.is_valid);
    EXPECT_EQ(character.bytes, text.size());
  }
  EXPECT_EQ(first_character("😀").code_point, U'😀');
}

TEST(Columns, WideCharactersTakeTwoAndMarksNone) {
  EXPECT_EQ(columns_of(""), 0u);
  EXPECT_EQ(columns_of("Grüße €"), 7u);
  EXPECT_EQ(columns_of("u\u0308"), 1u);
  EXPECT_EQ(columns_of("日本語"), 6u);
  EXPECT_EQ(columns_of("주문"), 4u);
  EXPECT_EQ(columns_of("ｆｕｌｌ"), 8u);
  EXPECT_EQ(columns_of("ﾊﾝｶｸ"), 4u);
  EXPECT_EQ(columns_of("😀"), 2u);
  EXPECT_EQ(columns_of("\xff"), 1u);
}

TEST(Controls, AreThoseThatATerminalObeys) {
  for (const char32_t control : std::array<char32_t, 6>{0, 0x1b, 0x1f, 0x7f, 0x80, 0x9f})
    EXPECT_TRUE(is_control(control));
  for (const char32_t shown : std::array<char32_t, 4>{' ', '~', 0xa0, 0xfffd}) EXPECT_FALSE(is_control(shown));
}

}  // namespace
}  // namespace mq
