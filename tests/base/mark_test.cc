#include "base/mark.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "base/buggify.h"

namespace mq {
namespace {

void pass(bool rarely) {
  MQ_MARK("test: everybody passes here");
  if (rarely) MQ_MARK("test: hardly anybody passes here");
}

const Mark* find(std::string_view name) {
  const auto found = std::ranges::find(all_marks(), name, [](const Mark& mark) { return std::string_view(mark.name); });
  return found == all_marks().end() ? nullptr : &*found;
}

TEST(Mark, CountsHowOftenItsPlaceWasReached) {
  const Mark* mark = find("test: everybody passes here");
  ASSERT_NE(mark, nullptr);
  const std::uint32_t before = mark->hits;
  pass(false);
  pass(false);
  EXPECT_EQ(mark->hits, before + 2);
}

TEST(Mark, IsListedBeforeItsPlaceIsReached) {
  const Mark* mark = find("test: hardly anybody passes here");
  ASSERT_NE(mark, nullptr);
  EXPECT_EQ(mark->hits, 0U);
}

TEST(Mark, HasANameOfItsOwn) {
  std::set<std::string> names;
  for (const Mark& mark : all_marks()) EXPECT_TRUE(names.insert(mark.name).second) << mark.name;
}

TEST(BuggifySite, NeverFiresWhileNobodyDecides) {
  ASSERT_EQ(buggify_decision, nullptr);
  EXPECT_FALSE(MQ_BUGGIFY("test: a site"));
}

TEST(BuggifySite, AsksWhoDecidesByItsName) {
  buggify_decision = [](const BuggifySite& site) { return std::string_view(site.name) == "test: a site"; };
  EXPECT_TRUE(MQ_BUGGIFY("test: a site"));
  EXPECT_FALSE(MQ_BUGGIFY("test: another site"));
  buggify_decision = nullptr;
}

}  // namespace
}  // namespace mq
