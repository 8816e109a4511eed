#include "sim/life/replica_witness.h"

#include <gtest/gtest.h>

#include <vector>

namespace mq::sim {
namespace {

using Batch = ReplicaWitness::Batch;
using Media = ReplicaWitness::Media;

Batch batch(std::int64_t base, std::uint32_t crc = 7) {
  return {.base = Offset{base}, .last = Offset{base}, .epoch = LeaderEpoch{1}, .crc = crc};
}

TEST(ReplicaWitness, ReplicasThatAreAlikeDifferNowhere) {
  const std::vector<Batch> log{batch(0), batch(1), batch(3)};
  for (const Media media : {Media::whole, Media::lost})
    EXPECT_EQ(ReplicaWitness::first_difference(log, log, media), std::nullopt);
}

TEST(ReplicaWitness, WhatIsMissingIsADifferenceUnlessADiskSpoiledIt) {
  const std::vector<Batch> whole{batch(0), batch(1), batch(2)};
  const std::vector<Batch> lacks{batch(0), batch(2)};
  EXPECT_EQ(ReplicaWitness::first_difference(whole, lacks, Media::whole), Offset{1});
  EXPECT_EQ(ReplicaWitness::first_difference(lacks, whole, Media::whole), Offset{1});
  EXPECT_EQ(ReplicaWitness::first_difference(whole, lacks, Media::lost), std::nullopt);
  EXPECT_EQ(ReplicaWitness::first_difference({}, whole, Media::whole), Offset{0});
  EXPECT_EQ(ReplicaWitness::first_difference({}, whole, Media::lost), std::nullopt);
}

TEST(ReplicaWitness, OtherRecordsAtAnOffsetAreADifferenceWhateverADiskDid) {
  const std::vector<Batch> ours{batch(0), batch(1), batch(2)};
  const std::vector<Batch> theirs{batch(0), batch(2, 8)};
  EXPECT_EQ(ReplicaWitness::first_difference(ours, theirs, Media::lost), Offset{2});
}

}  // namespace
}  // namespace mq::sim
