#include "base/edit_distance.h"

#include <gtest/gtest.h>

#include <string>

namespace mq {
namespace {

TEST(EditDistance, CountsTheSlipsOfATypist) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("topic", ""), 5u);
  EXPECT_EQ(edit_distance("topic", "topic"), 0u);
  EXPECT_EQ(edit_distance("topic", "topics"), 1u);
  EXPECT_EQ(edit_distance("topic", "tpic"), 1u);
  EXPECT_EQ(edit_distance("topic", "tonic"), 1u);
  EXPECT_EQ(edit_distance("craete", "create"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

constexpr std::string_view kNames[] = {"linger", "log.retention.ms", "log.retention.bytes", "max"};

TEST(NearestName, IsTheOneWithTheFewestSlips) {
  EXPECT_EQ(nearest_name("lingre", kNames), "linger");
  EXPECT_EQ(nearest_name("log.retention.byte", kNames), "log.retention.bytes");
  EXPECT_EQ(nearest_name("log.retentoin.m", kNames), "log.retention.ms");
}

TEST(NearestName, BeginsWithWhatWasWritten) {
  EXPECT_EQ(nearest_name("lin", kNames), "linger");
  EXPECT_EQ(nearest_name("log.retention.b", kNames), "log.retention.bytes");
}

TEST(NearestName, IsNoneForAnotherWord) {
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name("zzz", kNames), "") << "as many slips as bytes are no likeness";
  EXPECT_EQ(nearest_name("compression", kNames), "");
  EXPECT_EQ(nearest_name(std::string(1000, 'x'), kNames), "");
}

}  // namespace
}  // namespace mq
