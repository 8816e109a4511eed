#include "log/directory_contents.h"

#include <gtest/gtest.h>

#include <string>

namespace mq::log {
namespace {

TEST(GapsEnd, IsReadAsItWasWritten) {
  for (const std::int64_t end : {std::int64_t{0}, std::int64_t{10}, std::int64_t{9'223'372'036'854'775'807}})
    EXPECT_EQ(decode_gaps_end(encode_gaps_end(Offset{end})).value(), Offset{end});
}

TEST(GapsEnd, EveryWrongByteIsNoticed) {
  const std::string text = encode_gaps_end(Offset{1234567});
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(decode_gaps_end(text.substr(0, at))) << "cut at " << at;
    for (int wrong = 0; wrong < 256; ++wrong) {
      std::string rotten = text;
      rotten[at] = static_cast<char>(wrong);
      if (rotten != text) EXPECT_FALSE(decode_gaps_end(rotten)) << at << ' ' << wrong;
    }
  }
  EXPECT_FALSE(decode_gaps_end(text + "\n"));
}

TEST(GapsEnd, OfTheVersionWithoutACrcIsRead) {
  EXPECT_EQ(decode_gaps_end("0\n10\n").value(), Offset{10});
  for (const char* text : {"", "0", "0\n", "0\n10", "0\nten\n", "0\n-1\n", "0\n10\n11\n", "\n10\n"})
    EXPECT_FALSE(decode_gaps_end(text)) << text;
}

TEST(GapsEnd, AnUnknownVersionIsNamed) {
  EXPECT_NE(decode_gaps_end("2\n10\n").error().message.find("version 2"), std::string::npos);
}

}  // namespace
}  // namespace mq::log
