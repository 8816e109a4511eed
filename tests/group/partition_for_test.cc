#include "group/partition_for.h"

#include <gtest/gtest.h>

namespace mq::group {
namespace {

// The expected hashes are Java's String.hashCode.
TEST(PartitionFor, AgreesWithJava) {
  EXPECT_EQ(partition_for("", 50), 0);
  EXPECT_EQ(partition_for("a", 1000), 97);
  EXPECT_EQ(partition_for("hello", 1'000'000'000), 99162322);
  EXPECT_EQ(partition_for("console-consumer", 50), [] {
    std::uint32_t hash = 0;
    for (const char c : std::string_view("console-consumer")) hash = hash * 31 + static_cast<std::uint32_t>(c);
    return static_cast<std::int32_t>((hash & 0x7fffffff) % 50);
  }());
}

TEST(PartitionFor, HashesTheUtf16FormAndNotTheBytes) {
  EXPECT_EQ(partition_for("\xc3\xbc", 1000), 252);                                    // U+00FC
  EXPECT_EQ(partition_for("\xe2\x82\xac", 100'000), 8364);                            // U+20AC
  EXPECT_EQ(partition_for("\xf0\x9f\x98\x80", 2'000'000'000), 0xd83d * 31 + 0xde00);  // U+1F600, two units
}

TEST(PartitionFor, TheLowestHashIsNotNegative) {
  EXPECT_EQ(partition_for("polygenelubricants", 50), 0);  // its hash is the lowest 32-bit number
}

TEST(PartitionFor, BytesThatAreNoTextStillHaveAPlace) {
  EXPECT_EQ(partition_for("\xff", 100'000), 0xfffd);
  EXPECT_GE(partition_for("\xe2\x82", 50), 0);
}

}  // namespace
}  // namespace mq::group
