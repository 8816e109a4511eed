// What only a store in ZooKeeper can show: several users, servers and connections that break, damage done by others.

#include "meta/zookeeper/zookeeper_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "env/task_group.h"
#include "meta/running_shard.h"
#include "meta/zookeeper/connection.h"
#include "meta/zookeeper/copy.h"
#include "meta/zookeeper/node_data.h"
#include "meta/zookeeper/node_names.h"
#include "meta/zookeeper_server.h"

namespace mq::meta {
namespace {

/// Keeps what was logged.
class Words final : public env::Logger {
 public:
  [[nodiscard]] bool enabled(env::LogLevel /*level*/) const override { return true; }
  void write(env::LogLevel /*level*/, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    text_ += text;
    text_ += '\n';
  }
  [[nodiscard]] bool have(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return text_.find(part) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

constexpr Duration kPatience = 30s;

WriteId id_of(int number) {
  WriteId id{};
  id[0] = static_cast<std::uint8_t>(number);
  id[1] = static_cast<std::uint8_t>(number >> 8);
  id[15] = 1;
  return id;
}

Transaction putting(std::string key, std::string value, Stay stay = Stay::for_good, WriteId id = {}) {
  Transaction transaction;
  transaction.ops.push_back(Op::put(std::move(key), std::move(value), stay));
  transaction.write_id = id;
  return transaction;
}

class ZooKeeperStoreTest : public ::testing::Test {
 public:
  using Store = RunningShard::Store;

  template <class T>
  T run(awaitable<T> task) {
    return running_.run(std::move(task));
  }
  void run_all(std::vector<awaitable<void>> tasks) {
    running_.run([](env::Shard& home, std::vector<awaitable<void>> all) -> awaitable<void> {
      env::TaskGroup group(home);
      for (awaitable<void>& task : all) group.spawn(std::move(task));
      co_await group.join();
    }(shard(), std::move(tasks)));
  }
  awaitable<Result<std::unique_ptr<MetadataStore>>> opening(ZooKeeperPlace place, bool must_be_there = false) {
    return open_zookeeper_store(runtime().pool(), shard(), runtime().random(), words_, std::move(place), must_be_there);
  }
  /// Whether it could be opened; what was opened is gone again.
  Result<void> try_to_open(ZooKeeperPlace place, bool must_be_there = false) {
    auto opened = run(opening(std::move(place), must_be_there));
    if (!opened) return fail(opened.error());
    (void)running_.own(*std::move(opened));
    return {};
  }
  Store open(ZooKeeperPlace place) {
    auto opened = run(opening(std::move(place)));
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) std::abort();  // what follows needs it
    return running_.own(*std::move(opened));
  }
  Store open() { return open(server_.place(prefix_)); }
  Result<Revision> put(const Store& store, std::string key, std::string value = "1", Stay stay = Stay::for_good) {
    return run(store->transact(putting(std::move(key), std::move(value), stay)));
  }
  std::string value_of(const Store& store, std::string key) {
    const auto found = run(store->get(std::move(key)));
    if (!found) return found.error().message;
    return *found ? (**found).value : "(none)";
  }
  Listing list(const Store& store) {
    auto listing = run(list_all(*store, ""));
    EXPECT_TRUE(listing);
    return listing ? *std::move(listing) : Listing{};
  }
  /// Everything since the beginning.
  std::vector<Change> history(const Store& store) {
    std::vector<Change> all;
    Revision at = kNoRevision;
    for (bool has_more = true; has_more;) {
      auto page = run(store->changes(at));
      EXPECT_TRUE(page && *page);
      if (!page || !*page) return all;
      std::ranges::move((**page).entries, std::back_inserter(all));
      at = (**page).revision;
      has_more = (**page).has_more;
    }
    return all;
  }
  template <class T>
  static Errc code_of(const Result<T>& result) {
    return result ? Errc::internal : result.error().code;
  }
  /// Until `holds` of what others do; false when it never does.
  template <class Condition>
  awaitable<bool> comes_true(Condition holds) {
    const Instant end = shard().now() + kPatience;
    while (!holds() && shard().now() < end) co_await shard().sleep_until(shard().now() + 5ms);
    co_return holds();
  }
  /// Waits until `store` tells that `key` was erased after `since`.
  awaitable<bool> erased_after(MetadataStore& store, std::string key, Revision since) {
    const Instant end = shard().now() + kPatience;
    while (shard().now() < end) {
      (void)co_await store.wait_for_change(since, end);
      const auto changes = co_await store.changes(since);
      if (!changes || !*changes) continue;
      for (const Change& change : (**changes).entries)
        if (change.is_erased && change.entry.key == key) co_return true;
      since = (**changes).revision;
    }
    co_return false;
  }
  /// What an operator may do by hand.
  Answer by_hand(std::vector<NodeOp> ops) {
    return run([](ZooKeeperStoreTest& test, std::vector<NodeOp> steps) -> awaitable<Answer> {
      Connection connection(test.shard(), test.runtime().pool(),
                            {.servers = fmt::format("127.0.0.1:{}", test.server_.port()), .user = {}, .password = {}},
                            [](Heard) {});
      EXPECT_TRUE(co_await connection.open(10s));
      EXPECT_TRUE(co_await connection.is_connected_by(test.shard().now() + kPatience));
      const Answer answer = co_await connection.change(std::move(steps), test.shard().now() + kPatience);
      co_await connection.close();
      co_return answer;
    }(*this, std::move(ops)));
  }
  void spoil(std::string node) {
    EXPECT_EQ(by_hand({{.what = NodeOp::What::set, .path = std::move(node), .data = "rubbish"}}).outcome,
              Outcome::done);
  }
  void erase_node(std::string node) {
    EXPECT_EQ(by_hand({{.what = NodeOp::What::erase, .path = std::move(node)}}).outcome, Outcome::done);
  }
  env::Shard& shard() { return running_.shard(); }
  posix::Runtime& runtime() { return running_.runtime(); }

  Words words_;
  ZooKeeperServer& server_ = ZooKeeperServer::shared();
  const std::string prefix_ = ZooKeeperServer::fresh_prefix();
  const NodeNames names_{prefix_};
  RunningShard running_;
};

// Several users

TEST_F(ZooKeeperStoreTest, EveryoneHearsWhatOneChanges) {
  const Store one = open();
  const Store other = open();
  const Revision seen = *put(one, "a");
  EXPECT_EQ(value_of(other, "a"), "1");
  Result<Revision> heard;
  run_all([&] {
    std::vector<awaitable<void>> tasks;
    tasks.push_back([](MetadataStore& store, Revision after, Instant end, Result<Revision>& to) -> awaitable<void> {
      to = co_await store.wait_for_change(after, end);
    }(*other, seen, shard().now() + kPatience, heard));
    tasks.push_back(
        [](MetadataStore& store) -> awaitable<void> { EXPECT_TRUE(co_await store.transact(putting("b", "2"))); }(*one));
    return tasks;
  }());
  EXPECT_EQ(heard, Revision{2});
  EXPECT_EQ(run(other->changes(seen)).value()->entries.at(0).entry.key, "b");
}

awaitable<void> increase(MetadataStore& store, int times) {
  for (int done = 0; done < times;) {
    const auto found = co_await store.get("counter");
    EXPECT_TRUE(found);
    Transaction next = putting("counter", std::to_string(*found ? std::stoi((*found)->value) + 1 : 1));
    next.compares.push_back(*found ? Compare::modified_at("counter", (*found)->modified) : Compare::absent("counter"));
    const auto written = co_await store.transact(std::move(next));
    EXPECT_TRUE(written || written.error().code == Errc::conflict);
    if (written) ++done;
  }
}

awaitable<void> write_keys(MetadataStore& store, std::string name, int count) {
  for (int i = 0; i < count; ++i) EXPECT_TRUE(co_await store.transact(putting(fmt::format("{}/{}", name, i), "1")));
}

TEST_F(ZooKeeperStoreTest, WritersThatCollideAllGetOnAndLoseNothing) {
  std::vector<Store> stores;
  for (int i = 0; i < 3; ++i) stores.push_back(open());
  std::vector<awaitable<void>> tasks;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    tasks.push_back(increase(*stores[i], 20));
    tasks.push_back(write_keys(*stores[i], std::to_string(i), 40));
  }
  run_all(std::move(tasks));
  for (const Store& store : stores) {
    EXPECT_EQ(value_of(store, "counter"), "60");
    const Listing all = list(store);
    EXPECT_EQ(all.entries.size(), 1u + 3 * 40);
    EXPECT_EQ(all.revision, Revision{60 + 3 * 40});
  }
}

TEST_F(ZooKeeperStoreTest, CopyThatIsReadWhileTheHeadMovesIsOfOneMoment) {
  const Store writer = open();
  run(writer->transact([] {
    Transaction both = putting("pair/a", "0");
    both.ops.push_back(Op::put("pair/b", "0"));
    return both;
  }()));
  bool is_over = false;
  std::vector<awaitable<void>> tasks;
  tasks.push_back([](MetadataStore& store, bool& over) -> awaitable<void> {
    int i = 0;
    while (!over) {
      ++i;
      Transaction both = putting("pair/a", std::to_string(i));
      both.ops.push_back(Op::put("pair/b", std::to_string(i)));
      both.ops.push_back(i % 2 == 0 ? Op::erase("sometimes") : Op::put("sometimes", std::to_string(i)));
      EXPECT_TRUE(co_await store.transact(std::move(both)));
    }
  }(*writer, is_over));
  tasks.push_back([](ZooKeeperStoreTest& test, bool& over) -> awaitable<void> {
    for (int i = 0; i < 6; ++i) {
      auto opened = co_await test.opening(test.server_.place(test.prefix_));
      EXPECT_TRUE(opened);
      const auto all = co_await list_all(**opened, "");
      EXPECT_TRUE(all);
      std::map<std::string, KeyValue> image;
      for (const KeyValue& entry : all->entries) image[entry.key] = entry;
      EXPECT_EQ(image["pair/a"].value, image["pair/b"].value);
      EXPECT_EQ(image["pair/a"].modified, all->revision);
      const bool is_odd = std::stoi(image["pair/a"].value) % 2 == 1;
      EXPECT_EQ(image.contains("sometimes") ? image["sometimes"].value : "", is_odd ? image["pair/a"].value : "");
      EXPECT_TRUE(co_await (*opened)->close());
    }
    over = true;
  }(*this, is_over));
  run_all(std::move(tasks));
}

// Sessions

TEST_F(ZooKeeperStoreTest, KeysOfASessionThatIsNotRenewedGoAndOthersHearOfIt) {
  const Store silent = open();
  const Store other = open();
  EXPECT_EQ(run(silent->begin_session(1s)), Duration{1s});
  ASSERT_TRUE(put(silent, "alive/1", "1", Stay::leased));
  const Revision seen = *put(silent, "brokers/1");
  const Instant began = shard().now();
  EXPECT_TRUE(run(erased_after(*other, "alive/1", seen)));
  EXPECT_LT(shard().now() - began, 4s);
  EXPECT_EQ(value_of(other, "brokers/1"), "1");
  EXPECT_EQ(code_of(run(silent->renew_session())), Errc::conflict);
  EXPECT_EQ(code_of(put(silent, "alive/1", "1", Stay::leased)), Errc::conflict);
  ASSERT_TRUE(run(silent->begin_session(1s)));
  EXPECT_TRUE(put(silent, "alive/1", "2", Stay::leased));
}

TEST_F(ZooKeeperStoreTest, RenewedSessionLasts) {
  const Store store = open();
  const Store other = open();
  ASSERT_TRUE(run(store->begin_session(1s)));
  ASSERT_TRUE(put(store, "alive/1", "1", Stay::leased));
  for (int i = 0; i < 12; ++i) {
    const Result<void> renewed = run([](ZooKeeperStoreTest& test, MetadataStore& at) -> awaitable<Result<void>> {
      co_await test.shard().sleep_until(test.shard().now() + 250ms);
      co_return co_await at.renew_session();
    }(*this, *store));
    ASSERT_TRUE(renewed);
  }
  EXPECT_EQ(value_of(other, "alive/1"), "1");
}

TEST_F(ZooKeeperStoreTest, SessionThatTheServiceExpiresConflictsAndItsKeysGo) {
  Relay relay(server_.port());
  const Store cut_off = open(ZooKeeperServer::place(prefix_, relay.port()));
  const Store other = open();
  ASSERT_TRUE(run(cut_off->begin_session(1s)));
  ASSERT_TRUE(put(cut_off, "alive/1", "1", Stay::leased));
  const Revision seen = *put(cut_off, "a", "1");
  relay.hold_requests(true);
  EXPECT_TRUE(run(erased_after(*other, "alive/1", seen)));
  relay.hold_requests(false);
  EXPECT_TRUE(put(cut_off, "a", "2"));
  EXPECT_EQ(code_of(run(cut_off->renew_session())), Errc::conflict);
  EXPECT_EQ(code_of(put(cut_off, "alive/1", "1", Stay::leased)), Errc::conflict);
  EXPECT_EQ(value_of(cut_off, "alive/1"), "(none)");
  ASSERT_TRUE(run(cut_off->begin_session(1s)));
  EXPECT_TRUE(put(cut_off, "alive/1", "2", Stay::leased));
}

TEST_F(ZooKeeperStoreTest, KeyThatAnotherPutGoesWithTheSessionOfTheOther) {
  const Store one = open();
  const Store other = open();
  ASSERT_TRUE(run(one->begin_session(10s)));
  ASSERT_TRUE(run(other->begin_session(10s)));
  ASSERT_TRUE(put(one, "a", "1", Stay::leased));
  ASSERT_TRUE(put(other, "a", "2", Stay::leased));
  ASSERT_TRUE(run(one->end_session()));
  EXPECT_EQ(value_of(one, "a"), "2");
  ASSERT_TRUE(run(other->end_session()));
  EXPECT_EQ(value_of(one, "a"), "(none)");
}

TEST_F(ZooKeeperStoreTest, ManyKeysOfOneSessionAllGo) {
  const Store store = open();
  ASSERT_TRUE(run(store->begin_session(10s)));
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(put(store, std::to_string(i), "1", Stay::leased));
  ASSERT_TRUE(run(store->end_session()));
  EXPECT_TRUE(list(store).entries.empty());
  EXPECT_EQ(list(store).revision, Revision{253});
}

// Answers that are lost

TEST_F(ZooKeeperStoreTest, TransactionWhoseAnswerIsLostIsFoundInTheLog) {
  Relay relay(server_.port());
  const Store store = open(ZooKeeperServer::place(prefix_, relay.port()));
  const Store other = open();
  Result<Revision> written;
  relay.hold_answers(true);
  std::vector<awaitable<void>> tasks;
  tasks.push_back([](MetadataStore& at, Result<Revision>& to) -> awaitable<void> {
    Transaction once = putting("a", "1", Stay::for_good, id_of(1));
    once.compares.push_back(Compare::absent("a"));
    to = co_await at.transact(std::move(once));
  }(*store, written));
  tasks.push_back([](MetadataStore& at, Relay& way, Instant end) -> awaitable<void> {
    EXPECT_TRUE(co_await at.wait_for_change(kNoRevision, end));
    way.cut();
    way.hold_answers(false);
  }(*other, relay, shard().now() + kPatience));
  run_all(std::move(tasks));
  EXPECT_EQ(written, Revision{1});
  EXPECT_EQ(list(other).revision, Revision{1});
  EXPECT_EQ(run(other->get("a")).value()->write_id, id_of(1));
}

TEST_F(ZooKeeperStoreTest, TransactionThatNeverArrivedIsSentAgain) {
  Relay relay(server_.port());
  const Store store = open(ZooKeeperServer::place(prefix_, relay.port()));
  Result<Revision> written;
  relay.hold_requests(true);
  std::vector<awaitable<void>> tasks;
  tasks.push_back([](MetadataStore& at, Result<Revision>& to) -> awaitable<void> {
    to = co_await at.transact(putting("a", "1"));
  }(*store, written));
  tasks.push_back([](env::Shard& home, Relay& way) -> awaitable<void> {
    co_await home.sleep_until(home.now() + 50ms);  // long enough for it to be sent, and fine if it is not
    way.cut();
    way.hold_requests(false);
  }(shard(), relay));
  run_all(std::move(tasks));
  EXPECT_EQ(written, Revision{1});
  EXPECT_EQ(list(store).revision, Revision{1});
}

TEST_F(ZooKeeperStoreTest, TransactionInDoubtGivesWayToAnotherThatCameFirst) {
  Relay relay(server_.port());
  const Store store = open(ZooKeeperServer::place(prefix_, relay.port()));
  const Store other = open();
  Result<Revision> written;
  Result<Revision> claimed;
  relay.hold_requests(true);
  const auto claim = [](MetadataStore& at, std::string value, Result<Revision>& to) -> awaitable<void> {
    Transaction once = putting("a", std::move(value));
    once.compares.push_back(Compare::absent("a"));
    to = co_await at.transact(std::move(once));
  };
  std::vector<awaitable<void>> tasks;
  tasks.push_back(claim(*store, "late", written));
  tasks.push_back([](auto make_claim, MetadataStore& at, Relay& way, Result<Revision>& to) -> awaitable<void> {
    co_await make_claim(at, "first", to);
    way.cut();
    way.hold_requests(false);
  }(claim, *other, relay, claimed));
  run_all(std::move(tasks));
  EXPECT_EQ(claimed, Revision{1});
  EXPECT_EQ(code_of(written), Errc::conflict);
  EXPECT_EQ(value_of(store, "a"), "first");
}

TEST_F(ZooKeeperStoreTest, OutcomeThatNobodyTellsIsTimedOutAndMayHaveTakenEffect) {
  Relay relay(server_.port());
  ZooKeeperPlace place = ZooKeeperServer::place(prefix_, relay.port());
  place.call_time_max = 2s;
  const Store other = open();
  const Store store = open(place);
  relay.hold_answers(true);
  EXPECT_EQ(code_of(put(store, "a", "1")), Errc::timed_out);
  EXPECT_EQ(value_of(other, "a"), "1");
  relay.cut();
  relay.hold_requests(true);
  EXPECT_TRUE(run([](ZooKeeperStoreTest& test, MetadataStore& at) -> awaitable<bool> {
    // What is not sent at all is unreachable, once it is known that there is no connection.
    const Instant end = test.shard().now() + kPatience;
    while (test.shard().now() < end) {
      const auto written = co_await at.transact(putting("b", "1"));
      if (!written && written.error().code == Errc::unreachable) co_return true;
    }
    co_return false;
  }(*this, *store)));
  EXPECT_EQ(code_of(run(store->get("a"))), Errc::unreachable);
  EXPECT_EQ(code_of(run(store->changes(kNoRevision))), Errc::unreachable);
  relay.cut();
  relay.hold_answers(false);
  relay.hold_requests(false);
  EXPECT_TRUE(run([](ZooKeeperStoreTest& test, MetadataStore& at) -> awaitable<bool> {
    const Instant end = test.shard().now() + kPatience;
    while (test.shard().now() < end)
      if (co_await at.get("a")) co_return true;
    co_return false;
  }(*this, *store)));
  EXPECT_EQ(value_of(store, "a"), "1");
}

// Servers that die

/// Puts `count` keys one after the other; what was answered, by key.
awaitable<void> write_through(MetadataStore& store, std::string name, int count, std::map<std::string, Revision>& to) {
  for (int i = 0; i < count; ++i) {
    Transaction once = putting(fmt::format("{}/{}", name, i), "1", Stay::for_good, id_of(i));
    once.compares.push_back(Compare::absent(once.ops[0].key));
    const std::string key = once.ops[0].key;
    const auto written = co_await store.transact(std::move(once));
    EXPECT_TRUE(written) << written.error().message;
    if (written) to[key] = *written;
  }
}

TEST_F(ZooKeeperStoreTest, KilledServerLosesNothingAndDoesNothingTwice) {
  ZooKeeperServer own;
  const Store one = open(own.place(prefix_));
  const Store other = open(own.place(prefix_));
  std::map<std::string, Revision> answered;
  bool is_over = false;
  std::vector<awaitable<void>> tasks;
  tasks.push_back([](MetadataStore& a, MetadataStore& b, std::map<std::string, Revision>& to, env::Shard& home,
                     bool& over) -> awaitable<void> {
    env::TaskGroup writers(home);
    writers.spawn(write_through(a, "one", 600, to));
    writers.spawn(write_through(b, "other", 600, to));
    co_await writers.join();
    over = true;
  }(*one, *other, answered, shard(), is_over));
  tasks.push_back([](ZooKeeperStoreTest& test, ZooKeeperServer& server, bool& over) -> awaitable<void> {
    for (int i = 0; i < 3 && !over; ++i) {
      co_await test.shard().sleep_until(test.shard().now() + 150ms);
      co_await test.runtime().pool().run(test.shard(), [&server] {
        server.kill();
        server.start();
      });
    }
  }(*this, own, is_over));
  run_all(std::move(tasks));
  EXPECT_EQ(answered.size(), 1200u);
  std::set<Revision> revisions;
  for (const auto& [key, revision] : answered) EXPECT_TRUE(revisions.insert(revision).second);
  const Store fresh = open(own.place(prefix_));
  for (const Store* store : {&one, &other, &fresh}) {
    const Listing all = list(*store);
    EXPECT_EQ(all.revision, Revision{1200});
    std::map<std::string, Revision> found;
    for (const KeyValue& entry : all.entries) found[entry.key] = entry.modified;
    EXPECT_EQ(found, answered);
    EXPECT_EQ(history(*store).size(), 1200u);
  }
}

TEST_F(ZooKeeperStoreTest, FrozenServerIsUnreachableInTimeAndServesOnWhenItThaws) {
  ZooKeeperServer own;
  ZooKeeperPlace place = own.place(prefix_);
  place.call_time_max = 2s;
  const Store patient = open(own.place(prefix_));
  const Store store = open(place);
  ASSERT_TRUE(put(store, "a"));
  own.freeze();
  const Instant began = shard().now();
  EXPECT_EQ(code_of(run(store->get("a"))), Errc::unreachable);
  EXPECT_EQ(code_of(put(store, "b")), Errc::timed_out);
  EXPECT_LT(shard().now() - began, 8s);
  own.thaw();
  EXPECT_EQ(value_of(store, "a"), "1");
  EXPECT_TRUE(put(store, "c"));
}

TEST_F(ZooKeeperStoreTest, SessionOutlivesAServerThatComesBackInTime) {
  ZooKeeperServer own;
  ZooKeeperPlace place = own.place(prefix_);
  // A server that has just begun may leave a client without an answer, and that waits for two thirds of its session.
  place.call_time_max = kPatience;
  const Store store = open(place);
  ASSERT_TRUE(run(store->begin_session(20s)));
  ASSERT_TRUE(put(store, "alive/1", "1", Stay::leased));
  own.kill();
  own.start();
  EXPECT_TRUE(run(store->renew_session()));
  EXPECT_EQ(value_of(store, "alive/1"), "1");
  EXPECT_TRUE(put(store, "alive/1", "2", Stay::leased));
}

TEST_F(ZooKeeperStoreTest, StoreThatWasPutBackIsToldAndReadAnew) {
  ZooKeeperServer own;
  const Store store = open(own.place(prefix_));
  ASSERT_TRUE(run(store->begin_session(1s)));
  ASSERT_TRUE(put(store, "a", "old"));
  own.kill();
  own.save_disk();
  own.start();
  Revision last;
  for (int i = 0; i < 5; ++i) last = *put(store, "a", "new");
  own.kill();
  own.restore_disk();
  own.start();
  EXPECT_EQ(value_of(store, "a"), "old");
  EXPECT_TRUE(words_.have("was put back to an earlier moment"));
  EXPECT_EQ(list(store).revision, Revision{1});
  EXPECT_EQ(run(store->changes(last)), std::nullopt);
  // Also when it has gone past what was known.
  while (list(store).revision < last) ASSERT_TRUE(put(store, "b"));
  EXPECT_EQ(run(store->changes(last)), std::nullopt);
  const Revision beyond = *put(store, "b");
  ASSERT_TRUE(put(store, "b"));
  EXPECT_TRUE(run(store->changes(beyond)).value());
}

TEST_F(ZooKeeperStoreTest, StoreThatWasPutBackAndWrittenOnIsReadAnew) {
  ZooKeeperServer own;
  Relay relay(own.port());
  const Store away = open(ZooKeeperServer::place(prefix_, relay.port()));
  ASSERT_TRUE(run(away->begin_session(1s)));
  ASSERT_TRUE(put(away, "a", "old"));
  own.kill();
  own.save_disk();
  own.start();
  const auto newest = put(away, "a", "new");
  ASSERT_TRUE(newest) << newest.error().message;
  const Revision last = *newest;
  relay.hold_requests(true);
  own.kill();
  own.restore_disk();
  own.start();
  {
    const Store other = open(own.place(prefix_));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(other, "b", "other"));
    EXPECT_GT(list(other).revision, last);
  }
  relay.cut();
  relay.hold_requests(false);
  EXPECT_EQ(value_of(away, "a"), "old");
  EXPECT_EQ(value_of(away, "b"), "other");
  EXPECT_EQ(run(away->changes(last)), std::nullopt);
}

// What is kept

TEST_F(ZooKeeperStoreTest, ChangesThatWereTrimmedAreTooOldAndAListHelps) {
  Relay relay(server_.port());
  const Store away = open(ZooKeeperServer::place(prefix_, relay.port()));
  const Store store = open();
  const Revision seen = *put(away, "first");
  relay.hold_requests(true);
  const std::string value(kTransactionBytesMax - 5, 'v');
  for (std::size_t bytes = 0; bytes <= kHistoryBytesMax + 10 * kTransactionBytesMax; bytes += value.size())
    ASSERT_TRUE(put(store, "large", value));
  relay.cut();
  relay.hold_requests(false);
  for (const Store& one : {std::cref(away), std::cref(store)}) {
    EXPECT_EQ(run(one->changes(kNoRevision)), std::nullopt);
    EXPECT_EQ(run(one->changes(seen)), std::nullopt);
    EXPECT_EQ(list(one).entries.size(), 2u);
    EXPECT_TRUE(put(one, "first"));
  }
  const Store fresh = open();
  EXPECT_EQ(run(fresh->changes(seen)), std::nullopt);
  const Revision newest = list(fresh).revision;
  EXPECT_TRUE(run(fresh->changes(Revision{newest.value() - 3})).value());
}

TEST_F(ZooKeeperStoreTest, ChangesFillOneBucketAfterTheOther) {
  const Store store = open();
  run_all([&] {
    std::vector<awaitable<void>> tasks;
    tasks.push_back(write_keys(*store, "k", 1010));
    return tasks;
  }());
  EXPECT_EQ(by_hand({{.what = NodeOp::What::check, .path = names_.change(Revision{999})},
                     {.what = NodeOp::What::check, .path = names_.change(Revision{1000})}})
                .outcome,
            Outcome::done);
  const Store fresh = open();
  EXPECT_EQ(history(fresh).size(), 1010u);
  EXPECT_EQ(list(fresh).entries.size(), 1010u);
}

// Damage

TEST_F(ZooKeeperStoreTest, DamagedKeyIsTakenAwayAndToldAndMayBePutAgain) {
  {
    const Store store = open();
    ASSERT_TRUE(put(store, "topics/good"));
    ASSERT_TRUE(put(store, "topics/bad"));
    ASSERT_TRUE(put(store, "topics/ugly"));
  }
  spoil(names_.key("topics/bad"));
  by_hand({{.path = names_.key_bucket(7) + "/%zz", .data = "what is this"}});
  const Store store = open();
  EXPECT_EQ(value_of(store, "topics/bad"), "(none)");
  EXPECT_EQ(list(store).entries.size(), 2u);
  EXPECT_TRUE(words_.have(names_.key("topics/bad") + " in ZooKeeper cannot be read"));
  EXPECT_TRUE(words_.have("/%zz in ZooKeeper is no node of ours"));
  EXPECT_TRUE(put(store, "topics/bad", "2"));
  EXPECT_EQ(value_of(open(), "topics/bad"), "2");
}

TEST_F(ZooKeeperStoreTest, KeyWhoseNodeIsGoneMayBePutAndErased) {
  const Store store = open();
  ASSERT_TRUE(put(store, "a"));
  ASSERT_TRUE(put(store, "b"));
  erase_node(names_.key("a"));
  erase_node(names_.key("b"));
  EXPECT_TRUE(put(store, "a", "2"));
  Transaction gone;
  gone.ops.push_back(Op::erase("b"));
  EXPECT_TRUE(run(store->transact(gone)));
  EXPECT_EQ(list(open()).entries.size(), 1u);
}

TEST_F(ZooKeeperStoreTest, DamagedChangesAreToldAndThoseAfterThemServe) {
  const Store away = open();
  Store store = open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(store, "a", std::to_string(i)));
  ASSERT_TRUE(run(away->get("a")));
  ASSERT_TRUE(put(store, "a", "6"));
  spoil(names_.change(Revision{3}));
  erase_node(names_.change(Revision{2}));
  const Store fresh = open();
  EXPECT_TRUE(words_.have(names_.change(Revision{3}) + " in ZooKeeper cannot be read"));
  EXPECT_EQ(value_of(fresh, "a"), "6");
  EXPECT_EQ(run(fresh->changes(Revision{2})), std::nullopt);
  EXPECT_EQ(run(fresh->changes(Revision{3})).value()->entries.size(), 3u);
  EXPECT_EQ(value_of(away, "a"), "6");
  EXPECT_TRUE(put(fresh, "a", "7"));
}

TEST_F(ZooKeeperStoreTest, WithoutItsHeadItIsNoStore) {
  const Store store = open();
  ASSERT_TRUE(put(store, "a"));
  spoil(names_.head());
  EXPECT_EQ(code_of(run(store->get("a"))), Errc::corrupt);
  EXPECT_EQ(code_of(try_to_open(server_.place(prefix_))), Errc::corrupt);
  erase_node(names_.head());
  EXPECT_EQ(code_of(run(store->get("a"))), Errc::corrupt);
  EXPECT_EQ(code_of(put(store, "a")), Errc::corrupt);
  EXPECT_EQ(code_of(try_to_open(server_.place(prefix_))), Errc::corrupt);
}

TEST_F(ZooKeeperStoreTest, HeadThatWasPutBackByHandIsDamage) {
  const Store store = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(put(store, "a"));
  const Head earlier{.revision = Revision{1}, .changes_after = kNoRevision};
  EXPECT_EQ(by_hand({{.what = NodeOp::What::set, .path = names_.head(), .data = encode(earlier)}}).outcome,
            Outcome::done);
  const auto written = put(store, "b");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::corrupt) << written.error().message;
}

TEST_F(ZooKeeperStoreTest, WriterWithoutAPauseLetsOthersCome) {
  const Store store = open();
  bool is_over = false;
  std::vector<awaitable<void>> tasks;
  tasks.push_back([](MetadataStore& at, bool& over) -> awaitable<void> {
    while (!over) EXPECT_TRUE(co_await at.transact(putting("a", "1")));
  }(*store, is_over));
  tasks.push_back([](MetadataStore& at, bool& over) -> awaitable<void> {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(co_await at.get("a"));
    over = true;
  }(*store, is_over));
  run_all(std::move(tasks));
  EXPECT_LT(list(store).revision, Revision{100});
}

// Opening

TEST_F(ZooKeeperStoreTest, StoreThatMustBeThereIsNotMade) {
  EXPECT_EQ(code_of(try_to_open(server_.place(prefix_), true)), Errc::not_found);
  const Store store = open();
  ASSERT_TRUE(put(store, "a"));
  EXPECT_TRUE(try_to_open(server_.place(prefix_), true));
}

TEST_F(ZooKeeperStoreTest, ManyWhoMakeItAtOnceMakeOne) {
  std::vector<awaitable<void>> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back([](ZooKeeperStoreTest& test, int number) -> awaitable<void> {
      auto opened = co_await test.opening(test.server_.place(test.prefix_ + "/deeper/still"));
      EXPECT_TRUE(opened);
      if (!opened) co_return;
      EXPECT_TRUE(co_await (*opened)->transact(putting(std::to_string(number), "1")));
      EXPECT_TRUE(co_await (*opened)->close());
    }(*this, i));
  }
  run_all(std::move(tasks));
  EXPECT_EQ(list(open(server_.place(prefix_ + "/deeper/still"))).entries.size(), 5u);
}

TEST_F(ZooKeeperStoreTest, NobodyThereIsUnreachable) {
  ZooKeeperPlace place = ZooKeeperServer::place(prefix_, 1);
  place.call_time_max = 300ms;
  EXPECT_EQ(code_of(try_to_open(place)), Errc::unreachable);
  place.url.servers[0].host = "no-such-host.invalid";
  EXPECT_EQ(code_of(try_to_open(place)), Errc::unreachable);
}

TEST_F(ZooKeeperStoreTest, AnotherServerOfTheListServesWhenOneIsDead) {
  ZooKeeperPlace place = server_.place(prefix_);
  place.url.servers.insert(place.url.servers.begin(), {.host = "127.0.0.1", .port = 1, .path = {}});
  const Store store = open(place);
  EXPECT_TRUE(put(store, "a"));
}

TEST_F(ZooKeeperStoreTest, NodesOfAUserAreForNobodyElse) {
  ZooKeeperPlace place = server_.place(prefix_ + "-private");
  place.url.user = "mq";
  place.password = "secret";
  {
    const Store store = open(place);
    EXPECT_TRUE(put(store, "a"));
    ASSERT_TRUE(run(store->begin_session(10s)));
    EXPECT_TRUE(put(store, "b", "1", Stay::leased));
  }
  EXPECT_EQ(value_of(open(place), "a"), "1");
  place.password = "another";
  EXPECT_EQ(code_of(try_to_open(place)), Errc::refused);
  place.url.user.clear();
  EXPECT_EQ(code_of(try_to_open(place)), Errc::refused);
}

}  // namespace
}  // namespace mq::meta
