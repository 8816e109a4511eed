#include "base/edit_distance.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mq
