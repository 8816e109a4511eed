#include "client/partitioner.h"

#include <gtest/gtest.h>

namespace mq::client {
namespace {

TEST(Partitioner, Murmur2GivesTheValuesOfTheJavaClient) {
  EXPECT_EQ(murmur2("21"), -973932308);
  EXPECT_EQ(murmur2("foobar"), -790332482);
  EXPECT_EQ(murmur2("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(murmur2("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(murmur2("abc"), 479470107);
}

TEST(Partitioner, NegativeMurmur2IsMadePositiveByDroppingItsSignBit) {
  EXPECT_EQ(partition_for_key(Partitioner::murmur2, "21", 1000), (-973932308 & 0x7fffffff) % 1000);
}

TEST(Partitioner, Crc32AndFnv1aGiveTheirPublishedCheckValues) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(fnv1a("a"), 0xe40c292cu);
  EXPECT_EQ(fnv1a("foobar"), 0xbf9cf968u);
}

TEST(Partitioner, EveryKeyedPartitionerStaysInsideTheTopic) {
  for (const Partitioner partitioner : {Partitioner::murmur2, Partitioner::crc32, Partitioner::fnv1a})
    for (int i = 0; i < 1000; ++i) {
      const std::int32_t partition = partition_for_key(partitioner, std::to_string(i), 7);
      EXPECT_TRUE(partition >= 0 && partition < 7);
    }
}

}  // namespace
}  // namespace mq::client
