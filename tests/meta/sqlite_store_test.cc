// What only the embedded store on a simulated disk can show: power cuts, full and failing disks, damage.

#include "meta/sqlite/sqlite_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <set>
#include <string>

#include "sim/machine/world.h"

namespace mq::meta {
namespace {

constexpr const char* kPath = "/data/metadata.db";

class SqliteStoreTest : public ::testing::Test {
 protected:
  explicit SqliteStoreTest(std::uint64_t seed = 1) : world_(seed) { make_directory(); }

  Result<void> open(LastStop last_stop = LastStop::clean) {
    MQ_TRY(store_, world_.run(node_, open_sqlite_store(node_.files(), node_.metadata_pool(), node_.shard(0), kPath,
                                                       node_.random(), node_.logger(), last_stop)));
    return {};
  }
  void stop(bool power_goes, sim::PowerLoss how = sim::PowerLoss::any) {
    store_.reset();
    power_goes ? node_.lose_power(how) : node_.kill();
    node_.start();
  }
  Result<Revision> put(std::string key, std::string value) {
    Transaction transaction;
    transaction.ops.push_back(Op::put(std::move(key), std::move(value)));
    return world_.run(node_, store_->transact(std::move(transaction)));
  }
  std::string value_of(std::string key) {
    auto found = world_.run(node_, store_->get(std::move(key)));
    if (!found) return found.error().message;
    return *found ? (**found).value : "(none)";
  }
  void make_directory() {
    ASSERT_TRUE(node_.files().make_directories("/data"));
    ASSERT_TRUE(node_.files().sync_directory("/"));
  }

  sim::World world_;
  sim::Machine& node_ = world_.add_machine("a");
  std::unique_ptr<MetadataStore> store_;
};

TEST_F(SqliteStoreTest, AnsweredTransactionSurvivesTheWorstPowerLoss) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  stop(true, sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("a"), "1");
}

TEST_F(SqliteStoreTest, FileThatCannotBeOpenedIsToldWithTheReason) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  stop(false);
  for (const char* file : {"metadata.db", "metadata.db-wal"}) {
    node_.disk().inject(
        {.on = sim::DiskFault::On::open, .path_part = std::string("/data/") + file, .code = Errc::refused});
    const auto opened = open(LastStop::unclean);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::refused);
    EXPECT_EQ(opened.error().message, std::string("/data/") + file + ": injected open error");
    node_.disk().clear_faults();
  }
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("a"), "1");
}

TEST_F(SqliteStoreTest, ClosedStoreLeavesAnEmptyLogAndEverythingInTheFile) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(world_.run(node_, store_->close()));
  EXPECT_EQ(*node_.files().file_size(std::string(kPath) + "-wal"), 0u);
  stop(true, sim::PowerLoss::drop_all);
  ASSERT_TRUE(open());
  EXPECT_EQ(value_of("a"), "1");
}

TEST_F(SqliteStoreTest, FullDiskRefusesWritesAnswersReadsAndEndsWhenSpaceIsFreed) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  node_.disk().set_capacity(node_.disk().space("/")->total_bytes - node_.disk().space("/")->free_bytes);
  const auto refused = put("b", std::string(100'000, 'b'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_EQ(value_of("a"), "1");
  EXPECT_EQ(value_of("b"), "(none)");
  node_.disk().set_capacity(1 << 30);
  EXPECT_EQ(put("b", "2"), Revision{2});
  stop(false);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("b"), "2");
}

TEST_F(SqliteStoreTest, FailedSyncEndsTheStoreForGood) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  node_.disk().inject({.on = sim::DiskFault::On::sync, .path_part = "-wal"});
  EXPECT_EQ(put("a", "2").error().code, Errc::disk_failed);
  // The disk is well again; the store must not believe it.
  EXPECT_EQ(put("a", "3").error().code, Errc::disk_failed);
  EXPECT_EQ(world_.run(node_, store_->get("a")).error().code, Errc::disk_failed);
  EXPECT_EQ(world_.run(node_, store_->list("", {})).error().code, Errc::disk_failed);
}

TEST_F(SqliteStoreTest, EachTransactionIsOneSync) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  node_.disk().inject({.on = sim::DiskFault::On::sync, .after = 20});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put("a", std::string(5000, 'a'))) << i;
  EXPECT_EQ(put("a", "2").error().code, Errc::disk_failed);
}

TEST_F(SqliteStoreTest, NothingIsWrittenAfterAFailedSync) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  node_.disk().inject({.on = sim::DiskFault::On::sync, .path_part = "-wal"});
  ASSERT_FALSE(put("a", "2"));
  const std::uint64_t before = *node_.files().file_size(std::string(kPath) + "-wal");
  ASSERT_FALSE(put("b", "3"));
  EXPECT_EQ(*node_.files().file_size(std::string(kPath) + "-wal"), before);
  stop(true, sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("a"), "1");
}

TEST_F(SqliteStoreTest, WhatFollowsAFailedSyncAndAStartSurvivesAPowerLoss) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  node_.disk().inject({.on = sim::DiskFault::On::sync, .path_part = "-wal"});
  ASSERT_FALSE(put("a", "2"));
  stop(false);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("a"), "1");  // what the page cache has beyond that is not on the disk
  ASSERT_TRUE(put("b", "3"));
  stop(true, sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("b"), "3");
}

TEST_F(SqliteStoreTest, FailedWriteIsFinalToo) {
  ASSERT_TRUE(open());
  node_.disk().inject({.on = sim::DiskFault::On::write, .path_part = "-wal"});
  EXPECT_EQ(put("a", "1").error().code, Errc::disk_failed);
  EXPECT_EQ(put("a", "1").error().code, Errc::disk_failed);
}

TEST_F(SqliteStoreTest, DamagedFileIsReportedAndLeftAsItIs) {
  ASSERT_TRUE(open());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put("key " + std::to_string(i), std::string(500, 'x')));
  ASSERT_TRUE(world_.run(node_, store_->close()));
  store_.reset();
  const std::uint64_t size = *node_.files().file_size(kPath);
  // The header of every page but the first.
  for (std::uint64_t page = 4096; page < size; page += 4096)
    for (std::uint64_t i = 0; i < 8; ++i) node_.disk().flip_bits(kPath, page + i, 0xff);
  stop(true, sim::PowerLoss::keep_all);
  const std::string before = *env::read_whole(node_.files(), kPath);
  const auto opened = open(LastStop::unclean);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_TRUE(before == *env::read_whole(node_.files(), kPath));
}

TEST_F(SqliteStoreTest, FileThatIsNotADatabaseIsRefusedAndLeftAsItIs) {
  const std::string text(10000, 't');
  ASSERT_TRUE((*node_.files().open(kPath, env::OpenMode::create))->write_at(0, text));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_TRUE(text == *env::read_whole(node_.files(), kPath));
}

TEST_F(SqliteStoreTest, StoreOfANewerFormatIsRefused) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(world_.run(node_, store_->close()));
  // The header's user_version, big-endian at 60.
  ASSERT_TRUE((*node_.files().open(kPath, env::OpenMode::read_write))->write_at(60, std::string("\0\0\0\3", 4)));
  stop(false);
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unsupported);
}

/// The bytes of a file of format 1, which knew no changes and no sessions, at revision 7.
std::string store_of_format_1() {
  sqlite3* memory = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &memory), SQLITE_OK);
  constexpr const char* kTables =
      "PRAGMA page_size=4096; PRAGMA application_id=1836150116; PRAGMA user_version=1;"
      "CREATE TABLE entries(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, created INTEGER NOT NULL,"
      " modified INTEGER NOT NULL, write_id BLOB NOT NULL) STRICT, WITHOUT ROWID;"
      "CREATE TABLE newest(id INTEGER PRIMARY KEY CHECK(id=1), revision INTEGER NOT NULL) STRICT;"
      "INSERT INTO newest VALUES(1, 7);"
      "INSERT INTO entries VALUES(x'78', x'31', 3, 7, zeroblob(16)), (x'79', x'31', 5, 5, zeroblob(16));";
  EXPECT_EQ(sqlite3_exec(memory, kTables, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(memory);
  sqlite3_int64 size = 0;
  unsigned char* image = sqlite3_serialize(memory, "main", &size, 0);
  std::string bytes(reinterpret_cast<const char*>(image), static_cast<std::size_t>(size));
  bytes[18] = bytes[19] = 2;  // in WAL mode only
  sqlite3_free(image);
  sqlite3_close(memory);
  return bytes;
}

TEST_F(SqliteStoreTest, StoreOfTheFirstFormatGoesOnWithAllItHeld) {
  ASSERT_TRUE(env::replace_atomically(node_.files(), kPath, store_of_format_1()));
  ASSERT_TRUE(open());
  const auto found = world_.run(node_, store_->get("x"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((**found).value, "1");
  EXPECT_EQ((**found).created, Revision{3});
  EXPECT_EQ((**found).modified, Revision{7});
  EXPECT_EQ(value_of("y"), "1");
  // What was changed before is not known; what is from here on is.
  EXPECT_FALSE(world_.run(node_, store_->changes(Revision{6})).value());
  EXPECT_TRUE(world_.run(node_, store_->changes(Revision{7})).value());
  EXPECT_EQ(put("x", "2"), Revision{8});
  EXPECT_EQ(world_.run(node_, store_->changes(Revision{7})).value()->entries.size(), 1u);
  stop(true, sim::PowerLoss::drop_all);
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("x"), "2");
}

TEST_F(SqliteStoreTest, FullDiskLeavesAStoreOfTheFirstFormatAsItIs) {
  ASSERT_TRUE(env::replace_atomically(node_.files(), kPath, store_of_format_1()));
  node_.disk().set_capacity(node_.disk().space("/")->total_bytes - node_.disk().space("/")->free_bytes);
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_TRUE(store_of_format_1() == *env::read_whole(node_.files(), kPath));
  node_.disk().set_capacity(1 << 30);
  ASSERT_TRUE(open());
  EXPECT_EQ(value_of("x"), "1");
}

TEST_F(SqliteStoreTest, ChangesTakeNoMoreSpaceThanTheyMay) {
  ASSERT_TRUE(open());
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(put("a", std::string(250'000, static_cast<char>('a' + i % 26))));
  EXPECT_LT(*node_.files().file_size(kPath), 20u << 20);
  EXPECT_FALSE(world_.run(node_, store_->changes(kNoRevision)).value());
  EXPECT_TRUE(world_.run(node_, store_->changes(Revision{100})).value());
  // A restart counts what is there.
  stop(false);
  ASSERT_TRUE(open(LastStop::unclean));
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(put("a", std::string(250'000, static_cast<char>('a' + i % 26))));
  EXPECT_LT(*node_.files().file_size(kPath), 20u << 20);
}

TEST_F(SqliteStoreTest, LogWithoutItsFileIsNotPutOnANewStore) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  stop(false);
  ASSERT_TRUE(node_.files().remove(kPath));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
  EXPECT_FALSE(*node_.files().exists(kPath));
}

TEST_F(SqliteStoreTest, OtherPeoplesDatabaseIsRefused) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(world_.run(node_, store_->close()));
  // The header's application_id, at 68.
  ASSERT_TRUE((*node_.files().open(kPath, env::OpenMode::read_write))->write_at(68, "else"));
  stop(false);
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST_F(SqliteStoreTest, MissingDirectoryIsAnErrorWithItsPath) {
  ASSERT_TRUE(node_.files().remove("/data"));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found);
  EXPECT_NE(opened.error().message.find(kPath), std::string::npos);
}

TEST_F(SqliteStoreTest, LogIsFoldedIntoTheFileBeforeItGrowsLarge) {
  ASSERT_TRUE(open());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(put("a", std::string(200'000, static_cast<char>('a' + i))));
  EXPECT_LT(*node_.files().file_size(std::string(kPath) + "-wal"), 6u << 20);
}

/// Writes a counter to two keys at once until the world stops it; what was answered is in `answered`.
awaitable<void> count_up(MetadataStore& store, int& answered) {
  for (int i = answered + 1;; ++i) {
    Transaction both;
    both.ops = {Op::put("x", std::to_string(i)), Op::put("y", std::to_string(i) + std::string(3000, '.'))};
    if (!co_await store.transact(std::move(both))) co_return;
    answered = i;
  }
}

class PowerCuts : public SqliteStoreTest, public ::testing::WithParamInterface<int> {
 protected:
  PowerCuts() : SqliteStoreTest(static_cast<std::uint64_t>(GetParam())) {}
};

TEST_P(PowerCuts, AtAnyMomentLoseNoAnswerAndLeaveNoHalf) {
  int answered = 0;
  for (int round = 0; round < 8; ++round) {
    // The cut may also come while the store is opening or being made.
    const Duration life = std::chrono::microseconds(world_.rng().below(20'000));
    bool is_open = false;
    node_.spawn([](sim::Machine& node, LastStop last_stop, int& count, bool& opened) -> awaitable<void> {
      auto store = co_await open_sqlite_store(node.files(), node.metadata_pool(), node.shard(0), kPath, node.random(),
                                              node.logger(), last_stop);
      EXPECT_TRUE(store) << store.error().message;
      if (!store) co_return;
      opened = true;
      const auto x = co_await (*store)->get("x");
      const auto y = co_await (*store)->get("y");
      EXPECT_TRUE(x && y);
      const int found = *x ? std::stoi((*x)->value) : 0;
      EXPECT_EQ(found, *y ? std::stoi((*y)->value) : 0);
      // One more than was answered may be there: its answer was on the way.
      EXPECT_TRUE(found == count || found == count + 1) << "found " << found << ", answered " << count;
      count = found;
      co_await count_up(**store, count);
    }(node_, round == 0 ? LastStop::clean : LastStop::unclean, answered, is_open));
    world_.run_for(life);
    stop(world_.rng().below(3) > 0);
  }
  ASSERT_TRUE(open(LastStop::unclean));
}

TEST_P(PowerCuts, WhileTheFormatIsChangedLeaveTheOldOrTheNewOne) {
  ASSERT_TRUE(env::replace_atomically(node_.files(), kPath, store_of_format_1()));
  for (int round = 0; round < 8; ++round) {
    node_.spawn([](sim::Machine& node, LastStop last_stop) -> awaitable<void> {
      auto store = co_await open_sqlite_store(node.files(), node.metadata_pool(), node.shard(0), kPath, node.random(),
                                              node.logger(), last_stop);
      EXPECT_TRUE(store) << store.error().message;
    }(node_, round == 0 ? LastStop::clean : LastStop::unclean));
    world_.run_for(std::chrono::microseconds(world_.rng().below(1'500)));
    stop(world_.rng().below(3) > 0);
  }
  ASSERT_TRUE(open(LastStop::unclean));
  EXPECT_EQ(value_of("x"), "1");
  EXPECT_EQ(value_of("y"), "1");
  EXPECT_TRUE(world_.run(node_, store_->changes(Revision{7})).value());
  EXPECT_EQ(put("x", "2"), Revision{8});
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCuts, ::testing::Range(1, 101));

std::uint64_t trace_of_a_life(std::uint64_t seed) {
  sim::World world(seed);
  sim::Machine& node = world.add_machine("a");
  EXPECT_TRUE(node.files().make_directories("/data"));
  int answered = 0;
  node.spawn([](sim::Machine& n, int& count) -> awaitable<void> {
    auto store = co_await open_sqlite_store(n.files(), n.metadata_pool(), n.shard(0), kPath, n.random(), n.logger(),
                                            LastStop::clean);
    co_await count_up(**store, count);
  }(node, answered));
  world.run_for(100ms);
  EXPECT_GT(answered, 20);
  return world.trace_hash();
}

TEST(SqliteStore, WritesTheSameBytesTwiceFromOneSeedAndOthersFromAnother) {
  const std::uint64_t first = trace_of_a_life(1);
  EXPECT_NE(first, trace_of_a_life(2));
  EXPECT_EQ(first, trace_of_a_life(1));
}

}  // namespace
}  // namespace mq::meta
