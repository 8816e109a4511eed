// What every back end of the metadata store must do. Each is a row at the end.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "env/task_group.h"
#include "meta/store_contract.h"

namespace mq::meta {
namespace {

class StoreContract : public ::testing::TestWithParam<BackEnd> {
 protected:
  Result<Revision> transact(std::vector<Compare> compares, std::vector<Op> ops, WriteId id = {}) {
    return home_->run(store().transact({.compares = std::move(compares), .ops = std::move(ops), .write_id = id}));
  }
  Result<Revision> put(std::string key, std::string value) {
    return transact({}, {Op::put(std::move(key), std::move(value))});
  }
  std::optional<KeyValue> get(std::string key) {
    auto found = home_->run(store().get(std::move(key)));
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }
  std::string value_of(std::string key) {
    const auto found = get(std::move(key));
    return found ? found->value : "(none)";
  }
  Listing list(std::string prefix) {
    auto listing = home_->run(list_all(store(), std::move(prefix)));
    EXPECT_TRUE(listing);
    return listing ? *listing : Listing{};
  }
  std::vector<std::string> keys(std::string prefix) {
    std::vector<std::string> found;
    for (KeyValue& entry : list(std::move(prefix)).entries) found.push_back(std::move(entry.key));
    return found;
  }
  Revision revision() { return list("").revision; }
  /// Takes a lease, with a session of its own if there is none; its token.
  Result<Revision> acquire(std::string key, std::string holder, Duration ttl = 10s) {
    if (!home_->run(store().renew_session())) MQ_CHECK(home_->run(store().begin_session(ttl)));
    return transact({Compare::absent(key)}, {Op::put(key, std::move(holder), Stay::leased)});
  }
  Changes changes_after(Revision since) {
    auto changes = home_->run(store().changes(since));
    EXPECT_TRUE(changes && *changes);
    return changes && *changes ? **changes : Changes{};
  }
  /// One page of it, as `key=value` and `-key`.
  std::vector<std::string> told_after(Revision since) {
    std::vector<std::string> told;
    for (const auto& [entry, is_erased] : changes_after(since).entries)
      told.push_back(is_erased ? "-" + entry.key : entry.key + "=" + entry.value);
    return told;
  }
  Listing first_page(std::string prefix) {
    auto page = home_->run(store().list(std::move(prefix), {}));
    EXPECT_TRUE(page && *page);
    return page && *page ? **page : Listing{};
  }
  /// Puts key/000000, key/000001 and so on.
  void fill(std::size_t count) {
    for (std::size_t from = 0; from < count; from += kTransactionKeysMax) {
      std::vector<Op> ops;
      for (std::size_t i = from; i < std::min(count, from + kTransactionKeysMax); ++i)
        ops.push_back(Op::put(fmt::format("key/{:06}", i), "old"));
      ASSERT_TRUE(transact({}, std::move(ops)));
    }
  }
  template <class T>
  Errc code_of(const Result<T>& result) {
    return result ? Errc::internal : result.error().code;
  }
  MetadataStore& store() { return home_->store(); }
  Instant soon() { return home_->shard().now() + 10s; }

  std::unique_ptr<StoreHome> home_ = GetParam().make();
};

using Strings = std::vector<std::string>;
constexpr WriteId kSomeId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};

// Keys and revisions

TEST_P(StoreContract, FreshStoreIsEmptyAtRevisionZero) {
  const Listing all = list("");
  EXPECT_EQ(all.revision, kNoRevision);
  EXPECT_TRUE(all.entries.empty());
}

TEST_P(StoreContract, PutKeyReadsBackWithRevisionsAndWriteId) {
  const auto written = transact({}, {Op::put("topic/a", "one")}, kSomeId);
  ASSERT_TRUE(written);
  const auto found = get("topic/a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, "topic/a");
  EXPECT_EQ(found->value, "one");
  EXPECT_EQ(found->created, *written);
  EXPECT_EQ(found->modified, *written);
  EXPECT_EQ(found->write_id, kSomeId);
}

TEST_P(StoreContract, MissingKeyReadsAsNothing) { EXPECT_FALSE(get("a")); }

TEST_P(StoreContract, OverwriteKeepsCreatedAndMovesModifiedAndWriteId) {
  const auto first = transact({}, {Op::put("a", "1")}, kSomeId);
  const auto second = put("a", "2");
  const auto found = get("a");
  EXPECT_EQ(found->value, "2");
  EXPECT_EQ(found->created, *first);
  EXPECT_EQ(found->modified, *second);
  EXPECT_EQ(found->write_id, WriteId{});
}

TEST_P(StoreContract, ErasedKeyIsGone) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(transact({}, {Op::erase("a")}));
  EXPECT_FALSE(get("a"));
}

TEST_P(StoreContract, ErasingAMissingKeyIsFine) { EXPECT_TRUE(transact({}, {Op::erase("a")})); }

TEST_P(StoreContract, KeyPutAgainAfterEraseIsANewKey) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(transact({}, {Op::erase("a")}));
  const auto again = put("a", "1");
  EXPECT_EQ(get("a")->created, *again);
}

TEST_P(StoreContract, RevisionGrowsByOneWithEveryTransaction) {
  for (std::int64_t i = 1; i <= 5; ++i) EXPECT_EQ(put("a", "same"), Revision{i});
  EXPECT_EQ(transact({}, {Op::erase("a")}), Revision{6});
  EXPECT_EQ(revision(), Revision{6});
}

TEST_P(StoreContract, KeysOfOneTransactionShareItsRevision) {
  const auto written = transact({}, {Op::put("a", "1"), Op::put("b", "2"), Op::put("c", "3")});
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(get(key)->modified, *written);
}

TEST_P(StoreContract, OtherKeysKeepTheirRevisions) {
  const auto before = put("a", "1");
  ASSERT_TRUE(put("b", "2"));
  EXPECT_EQ(get("a")->modified, *before);
}

TEST_P(StoreContract, EmptyValueIsNotAMissingKey) {
  ASSERT_TRUE(put("a", ""));
  ASSERT_TRUE(get("a"));
  EXPECT_EQ(get("a")->value, "");
}

TEST_P(StoreContract, BinaryKeysAndValuesReadBack) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  ASSERT_TRUE(put(every_byte, every_byte));
  EXPECT_EQ(value_of(every_byte), every_byte);
  EXPECT_FALSE(get(every_byte.substr(0, 255)));
}

TEST_P(StoreContract, ValueOfTheLargestSizeReadsBack) {
  std::string big(kTransactionBytesMax - 1, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 7 + i / 251);
  ASSERT_TRUE(put("a", big));
  EXPECT_TRUE(value_of("a") == big);
}

TEST_P(StoreContract, EraseAndPutOfDifferentKeysHappenTogether) {
  ASSERT_TRUE(put("old", "1"));
  ASSERT_TRUE(transact({Compare::exists("old")}, {Op::erase("old"), Op::put("new", "1")}));
  EXPECT_EQ(keys(""), Strings{"new"});
}

// Compare and set

TEST_P(StoreContract, AbsentHoldsForAMissingKeyOnly) {
  EXPECT_TRUE(transact({Compare::absent("a")}, {Op::put("a", "1")}));
  EXPECT_EQ(code_of(transact({Compare::absent("a")}, {Op::put("a", "2")})), Errc::conflict);
  EXPECT_EQ(value_of("a"), "1");
}

TEST_P(StoreContract, ExistsHoldsForAPresentKeyOnly) {
  EXPECT_EQ(code_of(transact({Compare::exists("a")}, {Op::put("a", "1")})), Errc::conflict);
  ASSERT_TRUE(put("a", "1"));
  EXPECT_TRUE(transact({Compare::exists("a")}, {Op::put("a", "2")}));
}

TEST_P(StoreContract, ModifiedAtHoldsUntilTheNextWrite) {
  const auto first = put("a", "1");
  const auto second = transact({Compare::modified_at("a", *first)}, {Op::put("a", "2")});
  ASSERT_TRUE(second);
  EXPECT_EQ(code_of(transact({Compare::modified_at("a", *first)}, {Op::put("a", "3")})), Errc::conflict);
  EXPECT_TRUE(transact({Compare::modified_at("a", *second)}, {Op::put("a", "3")}));
}

TEST_P(StoreContract, ModifiedAtFailsAfterAWriteOfTheSameValue) {
  const auto first = put("a", "1");
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(code_of(transact({Compare::modified_at("a", *first)}, {Op::put("a", "2")})), Errc::conflict);
}

TEST_P(StoreContract, CreatedAtHoldsAcrossOverwrites) {
  const auto first = put("a", "1");
  ASSERT_TRUE(put("a", "2"));
  EXPECT_TRUE(transact({Compare::created_at("a", *first)}, {Op::put("b", "1")}));
}

TEST_P(StoreContract, CreatedAtFailsOnceTheKeyWasMadeAnew) {
  const auto first = put("a", "1");
  ASSERT_TRUE(transact({}, {Op::erase("a")}));
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(code_of(transact({Compare::created_at("a", *first)}, {Op::put("b", "1")})), Errc::conflict);
}

TEST_P(StoreContract, RevisionsOfAMissingKeyNeverMatch) {
  EXPECT_EQ(code_of(transact({Compare::modified_at("a", kNoRevision)}, {Op::put("b", "1")})), Errc::conflict);
  EXPECT_EQ(code_of(transact({Compare::created_at("a", kNoRevision)}, {Op::put("b", "1")})), Errc::conflict);
}

TEST_P(StoreContract, OneFailedCompareAmongManyChangesNothing) {
  const auto first = put("a", "1");
  const auto before = revision();
  EXPECT_EQ(code_of(transact({Compare::modified_at("a", *first), Compare::absent("b"), Compare::exists("c")},
                             {Op::put("a", "2"), Op::put("d", "2"), Op::erase("a2")})),
            Errc::conflict);
  EXPECT_EQ(revision(), before);
  EXPECT_EQ(keys(""), Strings{"a"});
  EXPECT_EQ(value_of("a"), "1");
}

TEST_P(StoreContract, CompareWithoutOpsChecksAndMovesNothing) {
  const auto first = put("a", "1");
  EXPECT_EQ(transact({Compare::modified_at("a", *first)}, {}), *first);
  EXPECT_EQ(code_of(transact({Compare::absent("a")}, {})), Errc::conflict);
  EXPECT_EQ(revision(), *first);
}

TEST_P(StoreContract, ComparesSeeTheStateBeforeTheOps) {
  EXPECT_TRUE(transact({Compare::absent("a"), Compare::absent("b")}, {Op::put("a", "1"), Op::put("b", "1")}));
}

TEST_P(StoreContract, TwoComparesOfOneKeyMustBothHold) {
  const auto first = put("a", "1");
  const auto second = put("a", "2");
  EXPECT_TRUE(transact({Compare::created_at("a", *first), Compare::modified_at("a", *second)}, {}));
  EXPECT_EQ(code_of(transact({Compare::created_at("a", *first), Compare::modified_at("a", *first)}, {})),
            Errc::conflict);
}

TEST_P(StoreContract, OfWritersWithTheSameExpectationExactlyOneWins) {
  int won = 0;
  int lost = 0;
  home_->run([](StoreHome& home, int& winners, int& losers) -> awaitable<bool> {
    env::TaskGroup writers(home.shard());
    for (int i = 0; i < 10; ++i) {
      writers.spawn([](MetadataStore& store, int writer, int& yes, int& no) -> awaitable<void> {
        Transaction claim;
        claim.compares.push_back(Compare::absent("a"));
        claim.ops.push_back(Op::put("a", std::to_string(writer)));
        const auto written = co_await store.transact(std::move(claim));
        EXPECT_TRUE(written || written.error().code == Errc::conflict);
        ++(written ? yes : no);
      }(home.store(), i, winners, losers));
    }
    co_await writers.join();
    co_return true;
  }(*home_, won, lost));
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 9);
}

awaitable<void> increment(MetadataStore& store) {
  while (true) {
    const auto found = co_await store.get("counter");
    EXPECT_TRUE(found);
    const int old = *found ? std::stoi((*found)->value) : 0;
    Transaction next;
    next.compares.push_back(*found ? Compare::modified_at("counter", (*found)->modified) : Compare::absent("counter"));
    next.ops.push_back(Op::put("counter", std::to_string(old + 1)));
    const auto written = co_await store.transact(std::move(next));
    if (written) co_return;
    EXPECT_EQ(written.error().code, Errc::conflict);
  }
}

TEST_P(StoreContract, IncrementsByCompareAndSetLoseNothing) {
  home_->run([](StoreHome& home) -> awaitable<bool> {
    env::TaskGroup writers(home.shard());
    for (int i = 0; i < 8; ++i) {
      writers.spawn([](MetadataStore& store) -> awaitable<void> {
        for (int turn = 0; turn < 5; ++turn) co_await increment(store);
      }(home.store()));
    }
    co_await writers.join();
    co_return true;
  }(*home_));
  EXPECT_EQ(value_of("counter"), "40");
}

// Lists

TEST_P(StoreContract, ListIsSortedByUnsignedBytes) {
  for (const std::string key : {"k/b", "k/\xff", "k/a", "k/\x80", "k/B"}) ASSERT_TRUE(put(key, "1"));
  EXPECT_EQ(keys("k/"), (Strings{"k/B", "k/a", "k/b", "k/\x80", "k/\xff"}));
}

TEST_P(StoreContract, ListHoldsThePrefixItselfButNotItsNeighbours) {
  for (const std::string key : {"a", "a.", "a/", "a/1", "a/1/x", "a0", "b"}) ASSERT_TRUE(put(key, "1"));
  EXPECT_EQ(keys("a/"), (Strings{"a/", "a/1", "a/1/x"}));
  EXPECT_EQ(keys("a/1"), (Strings{"a/1", "a/1/x"}));
}

TEST_P(StoreContract, EmptyPrefixListsEverything) {
  ASSERT_TRUE(put(std::string(1, '\0'), "1"));
  ASSERT_TRUE(put("\xff\xff", "1"));
  EXPECT_EQ(keys("").size(), 2u);
}

TEST_P(StoreContract, PrefixThatEndsInTheLargestByteIsBounded) {
  for (const std::string key : {"a\xff", "a\xff\xff", "a\xfe", "b"}) ASSERT_TRUE(put(key, "1"));
  EXPECT_EQ(keys("a\xff"), (Strings{"a\xff", "a\xff\xff"}));
  for (const std::string key : {"\xff", "\xff\xff"}) ASSERT_TRUE(put(key, "1"));
  EXPECT_EQ(keys("\xff"), (Strings{"\xff", "\xff\xff"}));
}

TEST_P(StoreContract, PrefixWithAZeroByteIsNotCutThere) {
  const std::string prefix("a\0", 2);
  for (const std::string& key : {prefix + "x", prefix + "y", std::string("a")}) ASSERT_TRUE(put(key, "1"));
  EXPECT_EQ(keys(prefix), (Strings{prefix + "x", prefix + "y"}));
}

TEST_P(StoreContract, ListOfNothingStillTellsTheRevision) {
  const auto written = put("a", "1");
  const Listing nothing = list("b");
  EXPECT_TRUE(nothing.entries.empty());
  EXPECT_EQ(nothing.revision, *written);
}

TEST_P(StoreContract, ListEntriesAreWholeAndAsGetGivesThem) {
  ASSERT_TRUE(transact({}, {Op::put("a", "1")}, kSomeId));
  ASSERT_TRUE(put("a", "2"));
  const Listing all = list("a");
  ASSERT_EQ(all.entries.size(), 1u);
  const auto one = get("a");
  EXPECT_EQ(all.entries[0].value, one->value);
  EXPECT_EQ(all.entries[0].created, one->created);
  EXPECT_EQ(all.entries[0].modified, one->modified);
}

TEST_P(StoreContract, ListNeverShowsHalfATransaction) {
  home_->run([](StoreHome& home) -> awaitable<bool> {
    env::TaskGroup tasks(home.shard());
    tasks.spawn([](MetadataStore& store) -> awaitable<void> {
      for (int i = 0; i < 30; ++i) {
        Transaction both;
        both.ops = {Op::put("x/a", std::to_string(i)), Op::put("x/b", std::to_string(i))};
        EXPECT_TRUE(co_await store.transact(std::move(both)));
      }
    }(home.store()));
    tasks.spawn([](MetadataStore& store) -> awaitable<void> {
      for (int i = 0; i < 30; ++i) {
        const auto listing = co_await list_all(store, "x/");
        EXPECT_TRUE(listing);
        if (listing->entries.empty()) continue;
        EXPECT_EQ(listing->entries.at(0).value, listing->entries.at(1).value);
        EXPECT_EQ(listing->entries.at(0).modified, listing->revision);
      }
    }(home.store()));
    co_await tasks.join();
    co_return true;
  }(*home_));
}

TEST_P(StoreContract, ManyKeysAreListedWhole) {
  for (int block = 0; block < 10; ++block) {
    std::vector<Op> ops;
    for (int i = 0; i < 100; ++i)
      ops.push_back(Op::put("partition/" + std::to_string(1000 + block * 100 + i), std::string(50, 'x')));
    ASSERT_TRUE(transact({}, std::move(ops)));
  }
  const Strings all = keys("partition/");
  EXPECT_EQ(all.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

// Limits

TEST_P(StoreContract, HundredKeysAreComparedAndHundredOthersPutAndOneMoreOfEitherIsRefused) {
  std::vector<Op> ops;
  std::vector<Compare> compares;
  for (std::size_t i = 0; i < kTransactionKeysMax; ++i) {
    ops.push_back(Op::put("k" + std::to_string(i), "1"));
    compares.push_back(Compare::absent("other" + std::to_string(i)));
  }
  EXPECT_TRUE(transact(compares, ops));
  const Op one_more = Op::put("another", "1");
  auto more_ops = ops;
  more_ops.push_back(one_more);
  EXPECT_EQ(code_of(transact({}, more_ops)), Errc::too_large);
  auto more_compares = compares;
  more_compares.push_back(Compare::absent("another"));
  EXPECT_EQ(code_of(transact(more_compares, {one_more})), Errc::too_large);
  EXPECT_FALSE(get("another"));
}

TEST_P(StoreContract, BytesAreAcceptedUpToTheLimit) {
  const std::string half(kTransactionBytesMax / 2 - 1, 'x');
  EXPECT_TRUE(transact({}, {Op::put("a", half), Op::put("b", half)}));
  EXPECT_EQ(code_of(transact({}, {Op::put("a", half), Op::put("b", half + "x")})), Errc::too_large);
  EXPECT_EQ(value_of("b").size(), half.size());
}

TEST_P(StoreContract, EmptyKeyIsRefused) {
  EXPECT_EQ(code_of(put("", "1")), Errc::invalid_argument);
  EXPECT_EQ(code_of(transact({Compare::absent("")}, {})), Errc::invalid_argument);
}

TEST_P(StoreContract, KeyOfTheLargestSizeIsAcceptedAndALongerOneRefused) {
  EXPECT_TRUE(put(std::string(kKeyBytesMax, 'k'), "1"));
  EXPECT_EQ(code_of(put(std::string(kKeyBytesMax + 1, 'k'), "1")), Errc::too_large);
}

TEST_P(StoreContract, TwoChangesOfOneKeyAreRefused) {
  EXPECT_EQ(code_of(transact({}, {Op::put("a", "1"), Op::erase("a")})), Errc::invalid_argument);
  EXPECT_EQ(revision(), kNoRevision);
}

// Watches

TEST_P(StoreContract, WaitReturnsAtOnceWhenTheStoreHasChangedAlready) {
  const auto written = put("a", "1");
  EXPECT_EQ(home_->run(store().wait_for_change(kNoRevision, soon())), *written);
}

TEST_P(StoreContract, EveryWaiterIsWokenByAChange) {
  int woken = 0;
  home_->run([](StoreHome& home, int& count) -> awaitable<bool> {
    env::TaskGroup waiters(home.shard());
    for (int i = 0; i < 3; ++i) {
      waiters.spawn([](StoreHome& at, int& to) -> awaitable<void> {
        const auto changed = co_await at.store().wait_for_change(kNoRevision, at.shard().now() + 10s);
        EXPECT_EQ(changed, Revision{1});
        ++to;
      }(home, count));
    }
    Transaction change;
    change.ops.push_back(Op::put("a", "1"));
    EXPECT_TRUE(co_await home.store().transact(std::move(change)));
    co_await waiters.join();
    co_return true;
  }(*home_, woken));
  EXPECT_EQ(woken, 3);
}

TEST_P(StoreContract, WaitWithoutAChangeTimesOut) {
  const auto seen = put("a", "1");
  const auto waited = home_->run(store().wait_for_change(*seen, home_->shard().now() + 20ms));
  EXPECT_EQ(code_of(waited), Errc::timed_out);
}

TEST_P(StoreContract, FailedTransactionIsNotAChange) {
  const auto seen = put("a", "1");
  ASSERT_FALSE(transact({Compare::absent("a")}, {Op::put("b", "1")}));
  EXPECT_EQ(code_of(home_->run(store().wait_for_change(*seen, home_->shard().now() + 20ms))), Errc::timed_out);
}

TEST_P(StoreContract, CloseEndsAWaitWithCancelled) {
  Errc ended = Errc::internal;
  home_->run([](StoreHome& home, Errc& to) -> awaitable<bool> {
    env::TaskGroup waiters(home.shard());
    waiters.spawn([](StoreHome& at, Errc& code) -> awaitable<void> {
      const auto waited = co_await at.store().wait_for_change(kNoRevision, Instant::never());
      code = waited ? Errc::internal : waited.error().code;
    }(home, to));
    EXPECT_TRUE(co_await home.store().get("a"));  // long enough for the wait to begin
    EXPECT_TRUE(co_await home.store().close());
    co_await waiters.join();
    co_return true;
  }(*home_, ended));
  EXPECT_EQ(ended, Errc::cancelled);
}

// Restarts

TEST_P(StoreContract, WhatWasAnsweredIsThereAfterARestart) {
  for (const Restart how : {Restart::cleanly, Restart::killed}) {
    const std::string key = how == Restart::cleanly ? "clean" : "killed";
    const auto first = transact({}, {Op::put(key, "1"), Op::put("gone", "1")}, kSomeId);
    const auto second = transact({}, {Op::put("z" + key, "2"), Op::erase("gone")});
    home_->restart(how);
    const auto found = get(key);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->created, *first);
    EXPECT_EQ(found->write_id, kSomeId);
    EXPECT_EQ(value_of("z" + key), "2");
    EXPECT_FALSE(get("gone"));
    EXPECT_EQ(revision(), *second);
  }
}

TEST_P(StoreContract, RevisionsGoOnAfterARestart) {
  Revision last = *put("a", "1");
  for (const Restart how : {Restart::killed, Restart::cleanly, Restart::killed}) {
    home_->restart(how);
    EXPECT_EQ(put("a", "2"), Revision{last.value() + 1});
    last = revision();
  }
}

TEST_P(StoreContract, CompareOfBeforeARestartStillHoldsAfterIt) {
  const auto before = put("a", "1");
  home_->restart(Restart::killed);
  EXPECT_TRUE(transact({Compare::modified_at("a", *before)}, {Op::put("a", "2")}));
}

TEST_P(StoreContract, BigValueSurvivesAKill) {
  const std::string big(250 << 10, 'b');
  ASSERT_TRUE(put("a", big));
  home_->restart(Restart::killed);
  EXPECT_TRUE(value_of("a") == big);
}

TEST_P(StoreContract, ManyOverwritesKeepTheLastOneAcrossRestarts) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(put("a", std::string(10000, static_cast<char>('a' + i % 26)) + std::to_string(i)));
    if (i % 20 == 19) home_->restart(i % 40 == 19 ? Restart::killed : Restart::cleanly);
  }
  EXPECT_EQ(value_of("a").substr(10000), "59");
}

// Sessions and leases

TEST_P(StoreContract, LeaseIsAKeyWithItsHolder) {
  const auto lease = acquire("controller", "broker 1");
  ASSERT_TRUE(lease);
  EXPECT_EQ(value_of("controller"), "broker 1");
  EXPECT_EQ(get("controller")->created, *lease);
}

TEST_P(StoreContract, HeldLeaseIsRefusedToAnother) {
  ASSERT_TRUE(acquire("controller", "1"));
  EXPECT_EQ(code_of(acquire("controller", "2")), Errc::conflict);
  EXPECT_EQ(value_of("controller"), "1");
}

TEST_P(StoreContract, ReleasedLeaseIsGrantedAgainWithALargerToken) {
  const auto first = acquire("controller", "1");
  ASSERT_TRUE(home_->run(store().renew_session()));
  ASSERT_TRUE(transact({Compare::created_at("controller", *first)}, {Op::erase("controller")}));
  EXPECT_FALSE(get("controller"));
  const auto second = acquire("controller", "2");
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_P(StoreContract, FormerHolderIsFencedByItsToken) {
  const auto first = acquire("controller", "1");
  ASSERT_TRUE(home_->run(store().end_session()));
  EXPECT_EQ(code_of(home_->run(store().renew_session())), Errc::conflict);
  EXPECT_EQ(code_of(home_->run(store().end_session())), Errc::conflict);
  ASSERT_TRUE(acquire("controller", "2"));
  EXPECT_EQ(code_of(transact({Compare::created_at("controller", *first)}, {Op::put("a", "1")})), Errc::conflict);
  EXPECT_EQ(value_of("controller"), "2");
}

TEST_P(StoreContract, LeaseOfAKilledProcessIsGrantedAgainWithALargerToken) {
  const auto first = acquire("controller", "1", 50ms);
  ASSERT_TRUE(first);
  home_->restart(Restart::killed);
  const auto second = home_->run([](StoreHome& home) -> awaitable<Result<Revision>> {
    EXPECT_TRUE(co_await home.store().begin_session(10s));
    Result<Revision> granted = fail(Errc::conflict, "");
    while (!granted && granted.error().code == Errc::conflict) {
      Transaction claim;
      claim.compares.push_back(Compare::absent("controller"));
      claim.ops.push_back(Op::put("controller", "2", Stay::leased));
      granted = co_await home.store().transact(std::move(claim));
    }
    co_return granted;
  }(*home_));
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_P(StoreContract, LeasedKeysGoWithTheirSessionAndTheOthersStay) {
  ASSERT_TRUE(home_->run(store().begin_session(10s)));
  ASSERT_TRUE(transact({}, {Op::put("brokers/1", "registered"), Op::put("alive/1", "epoch", Stay::leased),
                            Op::put("controller", "1", Stay::leased)}));
  const Revision before = revision();
  ASSERT_TRUE(home_->run(store().end_session()));
  EXPECT_EQ(keys(""), Strings{"brokers/1"});
  EXPECT_EQ(told_after(before), (Strings{"-alive/1", "-controller"}));
}

TEST_P(StoreContract, LeasedKeyNeedsASession) {
  EXPECT_EQ(code_of(transact({}, {Op::put("a", "1"), Op::put("b", "1", Stay::leased)})), Errc::conflict);
  ASSERT_TRUE(home_->run(store().begin_session(10s)));
  ASSERT_TRUE(home_->run(store().end_session()));
  EXPECT_EQ(code_of(transact({}, {Op::put("a", "1"), Op::put("b", "1", Stay::leased)})), Errc::conflict);
  EXPECT_EQ(revision(), kNoRevision);
}

TEST_P(StoreContract, LastPutOfAKeySaysWhetherItIsLeased) {
  ASSERT_TRUE(home_->run(store().begin_session(10s)));
  ASSERT_TRUE(transact({}, {Op::put("stays", "1", Stay::leased), Op::put("goes", "1")}));
  ASSERT_TRUE(transact({}, {Op::put("stays", "2"), Op::put("goes", "2", Stay::leased)}));
  ASSERT_TRUE(transact({}, {Op::put("erased", "1", Stay::leased)}));
  ASSERT_TRUE(transact({}, {Op::erase("erased")}));
  ASSERT_TRUE(put("erased", "again"));
  ASSERT_TRUE(home_->run(store().end_session()));
  EXPECT_EQ(keys(""), (Strings{"erased", "stays"}));
}

TEST_P(StoreContract, BeginningASessionEndsTheOneBefore) {
  ASSERT_TRUE(acquire("controller", "1"));
  ASSERT_TRUE(home_->run(store().begin_session(10s)));
  EXPECT_FALSE(get("controller"));
  EXPECT_TRUE(home_->run(store().renew_session()));
}

TEST_P(StoreContract, LeasedKeysAreGoneAfterACleanStop) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(acquire("controller", "1"));
  const Revision before = revision();
  home_->restart(Restart::cleanly);
  EXPECT_EQ(keys(""), Strings{"a"});
  EXPECT_EQ(revision(), Revision{before.value() + 1});
  EXPECT_EQ(code_of(home_->run(store().renew_session())), Errc::conflict);
}

// Changes

TEST_P(StoreContract, ChangesTellWhatWasPutAndErasedInOrder) {
  ASSERT_TRUE(put("before", "1"));
  const Revision seen = revision();
  const auto first = transact({}, {Op::put("b", "1"), Op::put("a", "1")}, kSomeId);
  ASSERT_TRUE(put("a", "2"));
  const auto last = transact({}, {Op::erase("b"), Op::put("c", "")}, kSomeId);
  const Changes changes = changes_after(seen);
  EXPECT_EQ(changes.revision, *last);
  EXPECT_FALSE(changes.has_more);
  ASSERT_EQ(changes.entries.size(), 5u);
  EXPECT_EQ(told_after(seen), (Strings{"b=1", "a=1", "a=2", "-b", "c="}));
  const KeyValue& overwritten = changes.entries[2].entry;
  EXPECT_EQ(overwritten.created, *first);
  EXPECT_EQ(overwritten.modified, Revision{first->value() + 1});
  EXPECT_EQ(overwritten.write_id, WriteId{});
  const KeyValue& erased = changes.entries[3].entry;
  EXPECT_EQ(erased.modified, *last);
  EXPECT_EQ(erased.write_id, kSomeId);
}

TEST_P(StoreContract, NothingHasChangedSinceTheNewestRevision) {
  EXPECT_EQ(changes_after(kNoRevision).revision, kNoRevision);
  const auto newest = put("a", "1");
  const Changes none = changes_after(*newest);
  EXPECT_EQ(none.revision, *newest);
  EXPECT_TRUE(none.entries.empty());
  EXPECT_FALSE(none.has_more);
}

TEST_P(StoreContract, ErasingWhatIsNotThereIsNoChangeButARevision) {
  const auto before = put("a", "1");
  ASSERT_TRUE(transact({}, {Op::erase("missing")}));
  const Changes changes = changes_after(*before);
  EXPECT_TRUE(changes.entries.empty());
  EXPECT_EQ(changes.revision, revision());
}

TEST_P(StoreContract, RefusedTransactionIsNoChange) {
  const auto before = put("a", "1");
  ASSERT_FALSE(transact({Compare::absent("a")}, {Op::put("b", "1")}));
  EXPECT_EQ(told_after(*before), Strings{});
}

TEST_P(StoreContract, ChangesAfterARevisionThatNeverWasAreNotTold) {
  const auto newest = put("a", "1");
  const auto changes = home_->run(store().changes(Revision{newest->value() + 1}));
  ASSERT_TRUE(changes);
  EXPECT_FALSE(*changes);
}

TEST_P(StoreContract, ChangesAreToldAcrossARestart) {
  const auto before = put("a", "1");
  ASSERT_TRUE(put("b", "2"));
  for (const Restart how : {Restart::killed, Restart::cleanly}) {
    home_->restart(how);
    EXPECT_EQ(told_after(*before), Strings{"b=2"});
  }
}

TEST_P(StoreContract, ChangesComeInPagesOfWholeTransactions) {
  std::vector<Op> ops;
  for (int i = 0; i < 60; ++i) ops.push_back(Op::put("key " + std::to_string(i), ""));
  for (int i = 0; i < 20; ++i) {
    for (Op& op : ops) op.value = std::to_string(i);
    ASSERT_TRUE(transact({}, ops));
  }
  std::size_t pages = 0;
  std::size_t told = 0;
  Revision at = kNoRevision;
  for (bool has_more = true; has_more; ++pages) {
    const Changes page = changes_after(at);
    EXPECT_EQ(page.entries.size() % ops.size(), 0u);
    EXPECT_LT(page.entries.size(), kPageEntriesMax + ops.size());
    EXPECT_EQ(page.entries.front().entry.modified, Revision{at.value() + 1});
    EXPECT_EQ(page.entries.back().entry.modified, page.revision);
    told += page.entries.size();
    at = page.revision;
    has_more = page.has_more;
  }
  EXPECT_EQ(pages, 2u);
  EXPECT_EQ(told, 20 * ops.size());
  EXPECT_EQ(at, revision());
}

TEST_P(StoreContract, APageOfChangesEndsBeforeItGetsLarge) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put("a", std::string(kTransactionBytesMax - 1, 'a')));
  const Changes page = changes_after(kNoRevision);
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(page.entries.size(), kPageBytesMax / kTransactionBytesMax);
}

TEST_P(StoreContract, ChangesLeadFromAnyOldListToTheNewest) {
  std::map<std::string, std::string> image;
  Revision at = kNoRevision;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i * 7 % 13);
    ASSERT_TRUE(transact({}, {i % 3 == 0 ? Op::erase(key) : Op::put(key, std::to_string(i)), Op::put("last", key)}));
    if (i % 9 != 0) continue;
    const Changes changes = changes_after(at);
    at = changes.revision;
    for (const Change& change : changes.entries) {
      if (change.is_erased) {
        image.erase(change.entry.key);
      } else {
        image[change.entry.key] = change.entry.value;
      }
    }
    std::map<std::string, std::string> listed;
    for (const KeyValue& entry : list("").entries) listed[entry.key] = entry.value;
    ASSERT_EQ(image, listed) << "after transaction " << i;
  }
}

// Pages of a list

TEST_P(StoreContract, LongListComesInPagesOfOneMoment) {
  fill(2500);
  auto page = first_page("key/");
  const Revision moment = page.revision;
  EXPECT_EQ(page.entries.size(), kPageEntriesMax);
  ASSERT_TRUE(page.next);
  // What was told already, and what is not in the list, may change.
  ASSERT_TRUE(transact({}, {Op::put(page.entries[10].key, "new"), Op::erase(page.entries[11].key)}));
  ASSERT_TRUE(put("other", "1"));
  std::size_t told = page.entries.size();
  for (int rest = 0; rest < 2; ++rest) {
    ASSERT_TRUE(page.next);
    const std::string last = page.entries.back().key;
    auto next = home_->run(store().list("key/", page.next));
    ASSERT_TRUE(next && *next);
    page = std::move(**next);
    EXPECT_EQ(page.revision, moment);
    EXPECT_LT(last, page.entries.front().key);
    told += page.entries.size();
  }
  EXPECT_FALSE(page.next);
  EXPECT_EQ(told, 2500u);
}

TEST_P(StoreContract, ListBeginsAgainWhenWhatIsLeftOfItWasChanged) {
  fill(1500);
  for (const Op& change : {Op::put("key/001200", "new"), Op::erase("key/001300"), Op::put("key/001200.5", "more")}) {
    const Listing page = first_page("key/");
    ASSERT_TRUE(page.next);
    ASSERT_TRUE(transact({}, {change}));
    const auto next = home_->run(store().list("key/", page.next));
    ASSERT_TRUE(next);
    if (*next) {
      // A store that still knows the moment tells it as it was.
      for (const KeyValue& entry : (*next)->entries) EXPECT_LE(entry.modified, page.revision);
    }
    EXPECT_EQ(list("key/").revision, revision());
  }
  EXPECT_EQ(list("key/").entries.size(), 1500u);
}

TEST_P(StoreContract, ListOfExactlyOnePageHasNoNextOne) {
  fill(kPageEntriesMax);
  const Listing page = first_page("key/");
  EXPECT_EQ(page.entries.size(), kPageEntriesMax);
  EXPECT_FALSE(page.next);
}

TEST_P(StoreContract, APageOfAListEndsBeforeItGetsLarge) {
  for (int i = 0; i < 6; ++i)
    ASSERT_TRUE(put("key/" + std::to_string(i), std::string(kTransactionBytesMax - 100, 'a')));
  const Listing page = first_page("key/");
  EXPECT_TRUE(page.next);
  EXPECT_EQ(page.entries.size(), 1 + kPageBytesMax / kTransactionBytesMax);
  EXPECT_EQ(keys("key/").size(), 6u);
}

TEST_P(StoreContract, WholeListIsOfOneMomentWhileOthersWrite) {
  fill(1500);
  home_->run([](StoreHome& home) -> awaitable<bool> {
    env::TaskGroup tasks(home.shard());
    bool has_ended = false;
    tasks.spawn([](MetadataStore& store, bool& ended) -> awaitable<void> {
      for (int i = 0; i < 20; ++i) {
        Transaction both;
        both.ops = {Op::put("key/000001", std::to_string(i)), Op::put("key/001499", std::to_string(i))};
        EXPECT_TRUE(co_await store.transact(std::move(both)));
      }
      ended = true;
    }(home.store(), has_ended));
    tasks.spawn([](MetadataStore& store, bool& ended) -> awaitable<void> {
      while (!ended) {
        const auto listing = co_await list_all(store, "key/");
        EXPECT_TRUE(listing);
        EXPECT_EQ(listing->entries.size(), 1500u);
        EXPECT_EQ(listing->entries.at(1).value, listing->entries.at(1499).value);
      }
    }(home.store(), has_ended));
    co_await tasks.join();
    co_return true;
  }(*home_));
}

// Close

TEST_P(StoreContract, CallsAfterCloseAreRefused) {
  ASSERT_TRUE(home_->run(store().close()));
  EXPECT_EQ(code_of(put("a", "1")), Errc::closed);
  EXPECT_EQ(home_->run(store().get("a")).error().code, Errc::closed);
  EXPECT_EQ(home_->run(store().list("", {})).error().code, Errc::closed);
  EXPECT_EQ(home_->run(store().close()).error().code, Errc::closed);
}

TEST_P(StoreContract, CloseLetsTheTransactionInProgressEnd) {
  home_->run([](StoreHome& home) -> awaitable<bool> {
    env::TaskGroup tasks(home.shard());
    env::Event begun(home.shard());
    bool has_begun = false;
    tasks.spawn([](StoreHome& at, env::Event& event, bool& flag) -> awaitable<void> {
      Transaction change;
      change.ops.push_back(Op::put("a", "1"));
      flag = true;
      event.notify_all();
      const auto written = co_await at.store().transact(std::move(change));
      EXPECT_TRUE(written || written.error().code == Errc::closed);
    }(home, begun, has_begun));
    while (!has_begun) co_await begun.wait();
    EXPECT_TRUE(co_await home.store().close());
    co_await tasks.join();
    co_return true;
  }(*home_));
}

// Those whose time passes at will

class StoreContractInTime : public StoreContract {
 protected:
  void pass(Duration time) {
    home_->run([](env::Shard& shard, Duration how_long) -> awaitable<bool> {
      co_await shard.sleep_until(shard.now() + how_long);
      co_return true;
    }(home_->shard(), time));
  }
  bool tells_after(Revision since) {
    const auto changes = home_->run(store().changes(since));
    EXPECT_TRUE(changes);
    return changes && *changes;
  }
};

TEST_P(StoreContractInTime, ChangesAreToldForTenMinutes) {
  const Revision first = *put("a", "1");
  pass(5min);
  const Revision second = *put("a", "2");
  pass(5min);
  // What is too old goes with the writes that come later.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put("a", "3"));
  EXPECT_FALSE(tells_after(kNoRevision));
  EXPECT_TRUE(tells_after(first));
  pass(6min);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put("a", "4"));
  EXPECT_FALSE(tells_after(first));
  EXPECT_TRUE(tells_after(second));
  EXPECT_EQ(changes_after(second).entries.size(), 20u);
}

TEST_P(StoreContractInTime, LastTenThousandTransactionsAreTold) {
  constexpr std::int64_t kCount = kChangesKeptMax + 50;
  home_->run([](MetadataStore& store) -> awaitable<bool> {
    for (std::int64_t i = 0; i < kCount; ++i) {
      Transaction change;
      change.ops.push_back(Op::put("a", std::to_string(i)));
      EXPECT_TRUE(co_await store.transact(std::move(change)));
    }
    co_return true;
  }(store()));
  EXPECT_FALSE(tells_after(Revision{kCount - kChangesKeptMax - 1}));
  EXPECT_EQ(changes_after(Revision{kCount - kChangesKeptMax}).entries.front().entry.value, "50");
}

TEST_P(StoreContractInTime, AListWhoseMomentIsForgottenBeginsAgain) {
  fill(1500);
  const Listing page = first_page("key/");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put("other", "1"));
  ASSERT_TRUE(home_->run(store().list("key/", page.next)).value());
  pass(11min);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(put("other", "1"));
  const auto next = home_->run(store().list("key/", page.next));
  ASSERT_TRUE(next);
  EXPECT_FALSE(*next);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContractInTime,
                         ::testing::Values(BackEnd{"Model", make_model_home},
                                           BackEnd{"SqliteSimulated", make_sqlite_home_in_simulation}),
                         [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         ::testing::Values(BackEnd{"Model", make_model_home},
                                           BackEnd{"SqliteSimulated", make_sqlite_home_in_simulation},
                                           BackEnd{"SqliteOnFiles", make_sqlite_home_on_real_files},
                                           BackEnd{"Etcd", make_etcd_home}, BackEnd{"ZooKeeper", make_zookeeper_home}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace mq::meta
