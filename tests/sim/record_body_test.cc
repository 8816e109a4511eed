#include "sim/life/record_body.h"

#include <gtest/gtest.h>

namespace mq::sim {
namespace {

TEST(RecordBody, ComesBackAsItWas) {
  const RecordBody body{.value = 3298534883584, .sent_to = {"orders", 3}};
  for (const std::size_t filler : {0, 1, 300}) {
    const auto back = decode_body(encode(body, filler));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->value, body.value);
    EXPECT_EQ(back->sent_to, body.sent_to);
  }
}

TEST(RecordBody, ThatIsDamagedAnywhereIsNoBody) {
  const std::string text = encode({.value = 17, .sent_to = {"orders", 0}}, 5);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(decode_body(damaged)) << at;
    EXPECT_FALSE(decode_body(text.substr(0, at))) << at;
  }
  EXPECT_FALSE(decode_body(""));
}

}  // namespace
}  // namespace mq::sim
