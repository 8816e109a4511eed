#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "meta/etcd/change_log.h"

namespace mq::meta::etcd {
namespace {

constexpr Instant kNow{1h};

Change put(std::string key, std::int64_t revision, char id = 'i', std::string value = "v") {
  Change change{.entry = {.key = std::move(key),
                          .value = std::move(value),
                          .created = Revision{revision},
                          .modified = Revision{revision}}};
  change.entry.write_id.fill(static_cast<std::uint8_t>(id));
  return change;
}
Change erased(std::string key, std::int64_t revision) {
  return {.entry = {.key = std::move(key), .modified = Revision{revision}}, .is_erased = true};
}

std::vector<std::string> keys(const ChangeLog& log, std::int64_t since) {
  std::vector<std::string> found;
  const auto page = log.page(Revision{since});
  if (!page) return {"(not known)"};
  for (const Change& change : page->entries) found.push_back(change.entry.key);
  return found;
}

using Strings = std::vector<std::string>;

TEST(EtcdChangeLog, KnowsNothingBeforeItHasBegun) {
  ChangeLog log;
  EXPECT_FALSE(log.has_begun());
  EXPECT_FALSE(log.page(kNoRevision));
  log.begin(Revision{5});
  EXPECT_FALSE(log.page(Revision{4}));
  EXPECT_EQ(log.page(Revision{5})->revision, Revision{5});
  EXPECT_EQ(log.page(Revision{9})->revision, Revision{9});
}

TEST(EtcdChangeLog, TransactionIsToldOnceItIsComplete) {
  ChangeLog log;
  log.begin(Revision{5});
  ASSERT_TRUE(log.add(put("a", 6), kNow));
  ASSERT_TRUE(log.add(put("b", 6), kNow));
  EXPECT_EQ(keys(log, 5), Strings{});
  ASSERT_TRUE(log.add(put("c", 8), kNow));
  EXPECT_EQ(keys(log, 5), (Strings{"a", "b"}));
  EXPECT_EQ(log.reached(), Revision{6});
  log.complete(Revision{8}, kNow);
  EXPECT_EQ(keys(log, 5), (Strings{"a", "b", "c"}));
  EXPECT_EQ(keys(log, 6), Strings{"c"});
  log.complete(Revision{20}, kNow);
  EXPECT_EQ(log.page(Revision{5})->revision, Revision{20});
}

TEST(EtcdChangeLog, UnfinishedTransactionMayBeToldAgain) {
  ChangeLog log;
  log.begin(Revision{5});
  ASSERT_TRUE(log.add(put("a", 6), kNow));
  log.forget_unfinished();
  ASSERT_TRUE(log.add(put("a", 6), kNow));
  log.complete(Revision{6}, kNow);
  EXPECT_EQ(keys(log, 5), Strings{"a"});
}

TEST(EtcdChangeLog, WhatGoesBackIsRefused) {
  ChangeLog log;
  log.begin(Revision{5});
  EXPECT_FALSE(log.add(put("a", 5), kNow));
  ASSERT_TRUE(log.add(put("a", 7), kNow));
  EXPECT_FALSE(log.add(put("a", 6), kNow));
  log.complete(Revision{7}, kNow);
  EXPECT_FALSE(log.add(put("a", 7), kNow));
}

TEST(EtcdChangeLog, ErasedKeysHaveTheIdOfTheirTransaction) {
  ChangeLog log;
  log.begin(Revision{5});
  ASSERT_TRUE(log.add(erased("a", 6), kNow));
  ASSERT_TRUE(log.add(put("", 6, 'w'), kNow));
  ASSERT_TRUE(log.add(erased("b", 7), kNow));  // by the end of a lease
  log.complete(Revision{7}, kNow);
  const auto page = log.page(Revision{5});
  ASSERT_EQ(page->entries.size(), 2u);
  EXPECT_EQ(page->entries[0].entry.write_id[0], 'w');
  EXPECT_EQ(page->entries[1].entry.write_id, WriteId{});
}

TEST(EtcdChangeLog, KeepsTenMinutes) {
  ChangeLog log;
  log.begin(kNoRevision);
  ASSERT_TRUE(log.add(put("a", 1), kNow));
  log.complete(Revision{1}, kNow);
  ASSERT_TRUE(log.add(put("b", 2), kNow + 9min));
  log.complete(Revision{2}, kNow + 9min);
  EXPECT_EQ(keys(log, 0), (Strings{"a", "b"}));
  log.complete(Revision{2}, kNow + 10min);
  EXPECT_FALSE(log.page(kNoRevision));
  EXPECT_EQ(keys(log, 1), Strings{"b"});
  EXPECT_EQ(log.forgotten_until(), Revision{1});
}

TEST(EtcdChangeLog, KeepsTenThousandRevisionsAndABoundedNumberOfBytes) {
  ChangeLog log;
  log.begin(kNoRevision);
  for (std::int64_t i = 1; i <= kChangesKeptMax + 5; ++i) ASSERT_TRUE(log.add(put("a", i), kNow));
  log.complete(Revision{kChangesKeptMax + 5}, kNow);
  EXPECT_EQ(log.begins_after(), Revision{5});
  const std::string large(1 << 20, 'x');
  for (std::int64_t i = 1; i <= 20; ++i) ASSERT_TRUE(log.add(put("a", 20'000 + i, 'i', large), kNow));
  log.complete(Revision{20'020}, kNow);
  EXPECT_EQ(log.begins_after(), Revision{20'005});
}

TEST(EtcdChangeLog, EndsAsWhatTellsTheSameLastTransaction) {
  ChangeLog log;
  log.begin(kNoRevision);
  EXPECT_FALSE(log.ends_as(std::vector{put("a", 1)}));
  ASSERT_TRUE(log.add(put("a", 1), kNow));
  ASSERT_TRUE(log.add(put("b", 2), kNow));
  ASSERT_TRUE(log.add(erased("c", 2), kNow));
  log.complete(Revision{2}, kNow);
  EXPECT_TRUE(log.ends_as(std::vector{put("b", 2), erased("c", 2)}));
  EXPECT_TRUE(log.ends_as(std::vector{put("b", 2), erased("c", 2), put("d", 3)}));
  EXPECT_FALSE(log.ends_as(std::vector{put("b", 2)}));
  EXPECT_FALSE(log.ends_as(std::vector{put("b", 2, 'x'), erased("c", 2)}));
  EXPECT_FALSE(log.ends_as(std::vector{put("b", 2), put("c", 2)}));
  EXPECT_FALSE(log.ends_as(std::vector{put("d", 3)}));
  EXPECT_FALSE(log.ends_as({}));
}

}  // namespace
}  // namespace mq::meta::etcd
