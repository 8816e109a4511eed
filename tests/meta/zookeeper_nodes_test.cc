// What lies in ZooKeeper's nodes, the copy that follows it, and the changes that are made of transactions: without it.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "meta/zookeeper/change_plan.h"
#include "meta/zookeeper/copy.h"
#include "meta/zookeeper/node_data.h"
#include "meta/zookeeper/node_names.h"

namespace mq::meta {
namespace {

constexpr WriteId kWriter{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};
constexpr SessionId kSession = 0x1234;
const NodeNames kNames("/mq");

std::string every_byte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

StoredKey stored(std::string key, std::string value, std::int64_t created, std::int64_t modified,
                 SessionId session = kNoSession) {
  return {.said = {.key = std::move(key),
                   .value = std::move(value),
                   .created = Revision{created},
                   .modified = Revision{modified},
                   .write_id = kWriter},
          .session = session};
}

LogEntry entry_of(std::int64_t revision, std::vector<StoredChange> changes) {
  return {.revision = Revision{revision},
          .made_at = 1000 + revision,
          .attempt = static_cast<std::uint64_t>(revision * 7),
          .write_id = kWriter,
          .changes = std::move(changes)};
}
StoredChange put(std::string key, std::string value, std::int64_t created, std::int64_t modified) {
  return {.key = stored(std::move(key), std::move(value), created, modified)};
}
StoredChange erase(std::string key, std::int64_t modified) {
  StoredChange change{.key = stored(std::move(key), "", 0, modified), .is_erased = true};
  return change;
}

/// What `transaction` makes of `copy`.
void make(Copy& copy, const Transaction& transaction, SessionId session = kNoSession, WallMillis at = 0) {
  LogEntry entry = copy.entry_of(transaction, session);
  entry.made_at = at;
  copy.apply(std::move(entry));
}
void make(Copy& copy, Op op, SessionId session = kNoSession, WallMillis at = 0) {
  Transaction transaction;
  transaction.ops.push_back(std::move(op));
  make(copy, transaction, session, at);
}
std::vector<std::string> keys_of(const Copy& copy) {
  std::vector<std::string> keys;
  for (const KeyValue& entry : copy.list("", {})->entries) keys.push_back(entry.key + "=" + entry.value);
  return keys;
}
using Strings = std::vector<std::string>;

// Names

TEST(ZooKeeperNames, KeysOfAnyBytesAreNamesWithoutSlashesAndBack) {
  EXPECT_EQ(node_name_of("topics/orders.v1_a-b"), "topics%2Forders.v1_a-b");
  for (const std::string& key :
       {every_byte(), std::string("."), std::string(".."), std::string("%41"), std::string("\0", 1)}) {
    const std::string name = node_name_of(key);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_%"),
              std::string::npos);
    EXPECT_EQ(key_of_node(name), key);
    EXPECT_TRUE(name != "." && name != "..");
  }
}

TEST(ZooKeeperNames, NamesThatNoKeyHasAreRefused) {
  for (const char* name : {"", "a%", "a%4", "%zz", "%41", "%2f", "a/b", "."}) EXPECT_FALSE(key_of_node(name)) << name;
  EXPECT_FALSE(key_of_node(std::string(kKeyBytesMax + 1, 'k')));
  for (const char* name : {"", "1", "0000000000000000", "000000000000000G", "00000000000000AB", "+000000000000001"})
    EXPECT_FALSE(session_of_node(name)) << name;
  EXPECT_EQ(session_of_node("00000000000000ab"), SessionId{0xab});
}

TEST(ZooKeeperNames, KeysAndChangesLieInBuckets) {
  EXPECT_TRUE(kNames.key("a").starts_with("/mq/keys/"));
  EXPECT_EQ(kNames.change(Revision{12345}), "/mq/changes/12/12345");
  std::set<std::string> buckets;
  for (int i = 0; i < 10000; ++i) buckets.insert(kNames.key(std::to_string(i)).substr(0, 11));
  EXPECT_EQ(buckets.size(), kKeyBucketCount);
}

// Values

TEST(ZooKeeperValues, ReadBackWhole) {
  const Head head{.revision = Revision{42}, .changes_after = Revision{7}};
  EXPECT_EQ(encode(head), "mq 1 42 7");
  EXPECT_EQ(decode_head(encode(head)), head);
  const StoredKey key = stored("a", every_byte(), 3, 9, kSession);
  EXPECT_EQ(decode_key("a", encode(key)), key);
  LogEntry entry = entry_of(9, {put("a", every_byte(), 3, 9), put(every_byte(), "", 9, 9)});
  entry.changes[0].key.session = kSession;
  EXPECT_EQ(decode_entry(Revision{9}, encode(entry)), entry);
  entry.changes.push_back(erase("b", 9));
  const auto back = decode_entry(Revision{9}, encode(entry));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->changes[2].is_erased);
  EXPECT_EQ(back->changes[2].key.said.key, "b");
}

TEST(ZooKeeperValues, DamageOfAnyByteIsSeen) {
  const std::string key = encode(stored("a", "value", 3, 9));
  const std::string entry = encode(entry_of(9, {put("a", "value", 3, 9), erase("b", 9)}));
  for (std::size_t at = 0; at < std::max(key.size(), entry.size()); ++at) {
    std::string bad_key = key;
    std::string bad_entry = entry;
    if (at < key.size()) bad_key[at] ^= 4;
    if (at < entry.size()) bad_entry[at] ^= 4;
    if (at < key.size()) EXPECT_FALSE(decode_key("a", bad_key)) << at;
    if (at < entry.size()) EXPECT_FALSE(decode_entry(Revision{9}, bad_entry)) << at;
    EXPECT_FALSE(decode_key("a", key.substr(0, std::min(at, key.size() - 1))));
    EXPECT_FALSE(decode_entry(Revision{9}, entry.substr(0, std::min(at, entry.size() - 1))));
  }
  for (const char* head : {"", "mq 1", "mq 1 5", "mq 1 5 6", "mq 1 5 -1", "mq 2 5 1", "mq 1 5 1 ", "mq 1 a 1"})
    EXPECT_FALSE(decode_head(head)) << head;
}

TEST(ZooKeeperValues, ValueOfAnotherKeyAndEntryOfAnotherRevisionAreRefused) {
  EXPECT_FALSE(decode_key("b", encode(stored("a", "value", 3, 9))));
  EXPECT_FALSE(decode_entry(Revision{10}, encode(entry_of(9, {}))));
}

TEST(ZooKeeperValues, EntriesThatMakeNoSenseAreRefusedThoughTheirCrcIsRight) {
  EXPECT_FALSE(decode_entry(Revision{9}, encode(entry_of(9, {put("", "v", 3, 9)}))));
  EXPECT_FALSE(decode_entry(Revision{9}, encode(entry_of(9, {put("a", "v", 0, 9)}))));
  EXPECT_FALSE(decode_entry(Revision{9}, encode(entry_of(9, {put("a", "v", 10, 9)}))));
  EXPECT_FALSE(decode_entry(Revision{9}, encode(entry_of(9, {erase(std::string(kKeyBytesMax + 1, 'k'), 9)}))));
  EXPECT_FALSE(decode_entry(Revision{9},
                            encode(entry_of(9, std::vector<StoredChange>(kTransactionKeysMax + 1, erase("a", 9))))));
  EXPECT_FALSE(decode_key("a", encode(stored("a", "v", 9, 3))));
}

// The copy

TEST(ZooKeeperCopy, ReadWhileTheStoreMovedIsOfOneMomentOnceTheLogIsApplied) {
  // At 10: a=1, b=1, c=1. Then 11 puts a, 12 erases b and puts d, 13 puts a again. Read one after the other meanwhile:
  // a of 13, b of 10, c, and d of 12.
  Copy copy(Revision{10},
            {stored("a", "3", 1, 13), stored("b", "1", 1, 1), stored("c", "1", 1, 1), stored("d", "1", 12, 12)});
  copy.apply(entry_of(11, {put("a", "2", 1, 11)}));
  copy.apply(entry_of(12, {erase("b", 12), put("d", "1", 12, 12)}));
  copy.apply(entry_of(13, {put("a", "3", 1, 13)}));
  EXPECT_EQ(keys_of(copy), (Strings{"a=3", "c=1", "d=1"}));
  EXPECT_EQ(copy.revision(), Revision{13});
  EXPECT_FALSE(copy.changes(Revision{9}));
  EXPECT_EQ(copy.changes(Revision{10})->entries.size(), 4u);
  copy.remember(entry_of(10, {put("c", "1", 1, 10)}));
  EXPECT_EQ(copy.changes(Revision{9})->entries.size(), 5u);
  EXPECT_EQ(copy.attempt_of(Revision{10}), 70u);
  EXPECT_EQ(copy.attempt_of(Revision{13}), 91u);
  EXPECT_FALSE(copy.attempt_of(Revision{9}));
  EXPECT_FALSE(copy.attempt_of(Revision{14}));
}

TEST(ZooKeeperCopy, TransactionIsJudgedAndBecomesTheNextEntry) {
  Copy copy(kNoRevision, {});
  make(copy, Op::put("a", "1"));
  make(copy, Op::put("a", "2"));
  Transaction next{.compares = {Compare::modified_at("a", Revision{2}), Compare::absent("b")},
                   .ops = {Op::put("a", "3"), Op::put("b", "1", Stay::leased), Op::erase("missing")},
                   .write_id = kWriter};
  EXPECT_TRUE(copy.judge(next));
  const LogEntry entry = copy.entry_of(next, kSession);
  EXPECT_EQ(entry.revision, Revision{3});
  ASSERT_EQ(entry.changes.size(), 2u);
  EXPECT_EQ(entry.changes[0].key, stored("a", "3", 1, 3));
  EXPECT_EQ(entry.changes[1].key, stored("b", "1", 3, 3, kSession));
  copy.apply(entry);
  EXPECT_EQ(copy.judge(next).error().code, Errc::conflict);
}

TEST(ZooKeeperCopy, LeasedKeysAreThoseThatTheirSessionPutLast) {
  Copy copy(kNoRevision, {});
  make(copy, Op::put("a", "1", Stay::leased), kSession);
  make(copy, Op::put("b", "1", Stay::leased), kSession);
  make(copy, Op::put("c", "1", Stay::leased), kSession + 1);
  make(copy, Op::put("b", "2"));
  EXPECT_EQ(copy.sessions(), (std::set<SessionId>{kSession, kSession + 1}));
  const Transaction erased = copy.erasing_keys_of(kSession, 100);
  EXPECT_EQ(erased.ops, std::vector<Op>{Op::erase("a")});
  EXPECT_EQ(erased.compares, std::vector<Compare>{Compare::modified_at("a", Revision{1})});
  make(copy, erased);
  EXPECT_EQ(copy.sessions(), std::set<SessionId>{kSession + 1});
  EXPECT_TRUE(copy.erasing_keys_of(kSession, 100).ops.empty());
}

TEST(ZooKeeperCopy, OldChangesGoAFewWithEachTransaction) {
  Copy copy(kNoRevision, {});
  for (int i = 0; i < 10; ++i) make(copy, Op::put("a", "1"), kNoSession, i * 1000);
  const WallMillis kept_ms = 600'000;
  EXPECT_EQ(copy.forgotten_up_to(kNoRevision, 5000), kNoRevision);
  EXPECT_EQ(copy.forgotten_up_to(kNoRevision, kept_ms + 1500), Revision{2});
  EXPECT_EQ(copy.forgotten_up_to(kNoRevision, 2 * kept_ms), Revision{4});
  EXPECT_EQ(copy.forgotten_up_to(Revision{8}, 2 * kept_ms), Revision{10});
  // They were made by clocks that are ahead of ours.
  EXPECT_EQ(copy.forgotten_up_to(kNoRevision, -2 * kept_ms), kNoRevision);
}

TEST(ZooKeeperCopy, ChangesGoWhenTheyAreTooManyOrTooLarge) {
  Copy copy(kNoRevision, {});
  for (std::int64_t i = 0; i < kChangesKeptMax; ++i) make(copy, Op::put("a", "1"));
  EXPECT_EQ(copy.forgotten_up_to(kNoRevision, 0), Revision{1});
  Copy large(kNoRevision, {});
  const std::string value(kTransactionBytesMax - 1, 'v');
  for (std::size_t bytes = 0; bytes <= kHistoryBytesMax; bytes += kTransactionBytesMax)
    make(large, Op::put("a", value));
  EXPECT_EQ(large.forgotten_up_to(kNoRevision, 0), Revision{1});
  large.forget_up_to(Revision{1});
  EXPECT_EQ(large.forgotten_up_to(Revision{1}, 0), Revision{1});
  EXPECT_FALSE(large.changes(kNoRevision));
  EXPECT_TRUE(large.changes(Revision{1}));
}

TEST(ZooKeeperCopy, ChangesThatNobodyCanReadGoFirst) {
  Copy copy(Revision{10}, {});
  make(copy, Op::put("a", "1"));
  EXPECT_EQ(copy.forgotten_up_to(Revision{8}, 0), Revision{10});
}

// Changes

std::vector<std::string> told(const ChangePlan& plan) {
  std::vector<std::string> steps;
  for (const NodeOp& op : plan.ops) {
    const char* what = op.what == NodeOp::What::create  ? "+"
                       : op.what == NodeOp::What::set   ? "="
                       : op.what == NodeOp::What::erase ? "-"
                                                        : "?";
    steps.push_back(what + op.path);
  }
  return steps;
}

TEST(ZooKeeperChange, ChecksHeadAndMakesAnEntryAndItsKeys) {
  Copy copy(kNoRevision, {});
  make(copy, Op::put("old", "1"));
  make(copy, Op::put("gone", "1"));
  Transaction next;
  next.ops = {Op::put("old", "2"), Op::put("new", "1", Stay::leased), Op::erase("gone")};
  const HeadAt head{.said = {.revision = Revision{2}, .changes_after = kNoRevision}, .version = 5};
  const LogEntry entry = copy.entry_of(next, kSession);
  const ChangePlan plan = plan_change(kNames, copy, head, entry, kSession, 0);
  EXPECT_EQ(told(plan), (Strings{"=/mq/head", "?" + kNames.session(kSession), "+/mq/changes/0/3",
                                 "=" + kNames.key("old"), "+" + kNames.key("new"), "-" + kNames.key("gone")}));
  EXPECT_EQ(plan.ops[0].version, 5);
  EXPECT_EQ(plan.ops[0].data, "mq 1 3 0");
  EXPECT_EQ(plan.parts[0], ChangePlan::Part::head);
  EXPECT_EQ(plan.parts[1], ChangePlan::Part::session);
  EXPECT_EQ(plan.parts[2], ChangePlan::Part::entry);
  EXPECT_EQ(plan.parts[3], ChangePlan::Part::rest);
  // Somebody has erased one key's node by hand, and left another's.
  EXPECT_EQ(told(corrected(plan, {kNames.key("new")})),
            (Strings{"=/mq/head", "?" + kNames.session(kSession), "+/mq/changes/0/3", "+" + kNames.key("old"),
                     "=" + kNames.key("new")}));
}

TEST(ZooKeeperChange, MakesTheBucketThatItBeginsAndErasesTheOneThatIsEmpty) {
  Copy copy(Revision{999}, {});
  const LogEntry entry = copy.entry_of({}, kNoSession);
  const HeadAt begins{.said = {.revision = Revision{999}, .changes_after = Revision{999}}, .version = 1};
  EXPECT_EQ(told(plan_change(kNames, copy, begins, entry, kNoSession, 0)),
            (Strings{"=/mq/head", "+/mq/changes/1", "+/mq/changes/1/1000"}));
  make(copy, Transaction{});
  const HeadAt ends{.said = {.revision = Revision{1000}, .changes_after = Revision{998}}, .version = 2};
  const ChangePlan plan = plan_change(kNames, copy, ends, copy.entry_of({}, kNoSession), kNoSession, 0);
  EXPECT_EQ(told(plan), (Strings{"=/mq/head", "+/mq/changes/1/1001", "-/mq/changes/0/999", "-/mq/changes/0"}));
  EXPECT_EQ(plan.head.changes_after, Revision{999});
}

TEST(ZooKeeperChange, LargestTransactionFitsIntoARequestOfAMebibyte) {
  Transaction largest;
  for (std::size_t i = 0; i < kTransactionKeysMax; ++i) {
    std::string key(kKeyBytesMax, '/');
    key.replace(0, 3, std::to_string(100 + i));
    largest.ops.push_back(Op::put(key, std::string(kTransactionBytesMax / kTransactionKeysMax - kKeyBytesMax, 'v')));
  }
  ASSERT_TRUE(check_limits(largest));
  const NodeNames names("/" + std::string(199, 'p'));
  Copy copy(kNoRevision, {});
  const ChangePlan plan = plan_change(names, copy, {}, copy.entry_of(largest, kSession), kSession, 0);
  std::size_t bytes = 0;
  for (const NodeOp& op : plan.ops) bytes += op.path.size() + op.data.size() + 64;
  EXPECT_LT(bytes, 1'000'000u);
}

}  // namespace
}  // namespace mq::meta
