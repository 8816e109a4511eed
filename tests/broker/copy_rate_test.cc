#include "broker/copy_rate.h"

#include <gtest/gtest.h>

namespace mq::broker {
namespace {

constexpr Instant at(Duration time) { return Instant{time}; }

TEST(CopyRate, WhatCameTakesItsTime) {
  CopyRate rate;
  EXPECT_LE(rate.free_at(1000), at(0s));
  rate.spend(at(10s), 500, 1000);
  EXPECT_EQ(rate.free_at(1000), at(10s + 500ms));
  // Another shard asked at the same time.
  rate.spend(at(10s + 100ms), 2000, 1000);
  EXPECT_EQ(rate.free_at(1000), at(12s + 500ms));
  // Time in which nothing came is not saved.
  rate.spend(at(60s), 1000, 1000);
  EXPECT_EQ(rate.free_at(1000), at(61s));
}

TEST(CopyRate, AnotherLimitBeginsAnewAndNoneIsNone) {
  CopyRate rate;
  rate.spend(at(10s), 1'000'000, 1);
  EXPECT_EQ(rate.free_at(1), at(10s + 1h));
  for (const std::int64_t other : {-1, 0, 1000}) EXPECT_LE(rate.free_at(other), at(0s));
  rate.spend(at(11s), 1000, 1000);
  EXPECT_EQ(rate.free_at(1000), at(12s));
  rate.spend(at(11s), 1'000'000, -1);
  EXPECT_EQ(rate.free_at(1000), at(12s));
}

}  // namespace
}  // namespace mq::broker
