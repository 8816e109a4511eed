#include "base/base64.h"

#include <gtest/gtest.h>

#include <random>

namespace mq {
namespace {

using namespace std::literals;

std::string base64(BytesView bytes, Base64 spelling = Base64::padded) {
  std::string text;
  append_base64(bytes, spelling, text);
  return text;
}

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10.
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfb"), "//77");
  EXPECT_EQ(base64("\xff\xfe\xfb", Base64::url_safe), "__77");
  EXPECT_EQ(base64("f", Base64::url_safe), "Zg");
}

TEST(Base64, ReadingBackGivesTheSameBytes) {
  std::mt19937_64 random(4648);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (const Base64 spelling : {Base64::padded, Base64::url_safe})
      EXPECT_EQ(decode_base64(base64(bytes, spelling), spelling).value(), bytes);
  }
}

TEST(Base64, EachValueHasOneSpelling) {
  for (const std::string_view wrong :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm 9", "Zm9v="})
    EXPECT_FALSE(decode_base64(wrong, Base64::padded)) << wrong;
  for (const std::string_view wrong : {"Z", "Zh", "Zg==", "Zm9", "Zm9vA", "Zm9+"})
    EXPECT_FALSE(decode_base64(wrong, Base64::url_safe)) << wrong;
}

}  // namespace
}  // namespace mq
