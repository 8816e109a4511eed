#include "base/pieces.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/letter_case.h"
#include "base/parsed_number.h"

namespace mq {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(Pieces, StandBetweenSeparatorsWithoutBlanks) {
  EXPECT_EQ(pieces_of(" a ,b c,\td", ','), (Pieces{"a", "b c", "d"}));
  EXPECT_EQ(pieces_of("a", ','), Pieces{"a"});
}

TEST(Pieces, EmptyOnesCountButNotThatOfAnEmptyText) {
  EXPECT_EQ(pieces_of("", ','), Pieces{});
  EXPECT_EQ(pieces_of(" ", ','), Pieces{""});
  EXPECT_EQ(pieces_of(",a,,b,", ','), (Pieces{"", "a", "", "b", ""}));
}

TEST(LetterCase, CountsForAsciiLettersOnly) {
  EXPECT_TRUE(equal_ignoring_case("SASL_ssl", "sasl_SSL"));
  EXPECT_FALSE(equal_ignoring_case("ssl", "ssl "));
  EXPECT_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4")) << "an A umlaut";
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
}

TEST(ParsedNumber, IsReadToTheLastByteAndWithinItsType) {
  EXPECT_EQ(parsed_number<int>("-12"), -12);
  EXPECT_EQ(parsed_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parsed_number<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(parsed_number<double>("0.5"), 0.5);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1"})
    EXPECT_EQ(parsed_number<int>(text), std::nullopt) << text;
}

}  // namespace
}  // namespace mq
