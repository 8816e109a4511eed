// What only real etcd servers can show: kills, lost majorities, servers that stop, leases, compaction, old copies,
// users.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "env/task_group.h"
#include "http/client.h"
#include "meta/etcd/etcd_store.h"
#include "meta/etcd_server.h"
#include "meta/running_shard.h"

namespace mq::meta {
namespace {

/// A process that uses the store.
class User {
 public:
  explicit User(StoreUrl url, std::string password = {})
      : options_{.url = std::move(url), .password = std::move(password)} {}
  ~User() {
    running_.call([this] { store_.reset(); });
  }

  Result<void> open() {
    MQ_TRY(store_, run(open_etcd_store(shard(), running_.runtime().logger(), options_)));
    return {};
  }
  template <class T>
  T run(awaitable<T> task) {
    return running_.run(std::move(task));
  }
  /// It hears nothing of what happens in `step`.
  void hold_during(const std::function<void()>& step) { running_.hold_during(step); }

  Result<Revision> put(std::string key, std::string value, Stay stay = Stay::for_good) {
    Transaction transaction;
    transaction.ops.push_back(Op::put(std::move(key), std::move(value), stay));
    return run(store_->transact(std::move(transaction)));
  }
  /// Puts until that is done: for a time in which etcd elects, or starts.
  Revision put_at_last(std::string key, std::string value) {
    while (true) {
      const auto put_at = put(key, value);
      if (put_at) return *put_at;
      EXPECT_TRUE(is_open(put_at.error())) << put_at.error().message;
      if (!is_open(put_at.error())) return kNoRevision;
    }
  }
  std::string value_of(std::string key) {
    const auto found = run(store_->get(std::move(key)));
    if (!found) return found.error().message;
    return *found ? (**found).value : "(none)";
  }
  Revision newest() { return run(list_all(*store_, "")).value().revision; }
  /// As `key=value` and `-key`; nothing when they are too old to be told.
  std::optional<std::vector<std::string>> changes(Revision since) {
    const auto changes = run(store_->changes(since));
    EXPECT_TRUE(changes) << changes.error().message;
    if (!changes || !*changes) return std::nullopt;
    std::vector<std::string> told;
    for (const auto& [entry, is_erased] : (*changes)->entries)
      told.push_back(is_erased ? "-" + entry.key : entry.key + "=" + entry.value);
    return told;
  }
  Result<Revision> wait_for_change(Revision seen, Duration patience) {
    return run(store_->wait_for_change(seen, shard().now() + patience));
  }

  static bool is_open(const Error& error) { return error.code == Errc::timed_out || error.code == Errc::unreachable; }
  /// What an operator says to a server: a POST to its gateway.
  http::Answer tell(const env::Address& server, std::string path, std::string body,
                    std::vector<http::Header> headers = {}) {
    http::Client client(shard(), server);
    http::Post post{.path = std::move(path), .headers = std::move(headers), .body = std::move(body)};
    return run(client.post(std::move(post), 1 << 20, shard().now() + 10s)).value();
  }
  void compact(const env::Address& server, Revision revision) {
    const auto answer = tell(server, "/v3/kv/compaction", fmt::format(R"({{"revision":"{}"}})", revision.value() + 1));
    EXPECT_EQ(answer.status, 200) << answer.body;
  }

  env::Shard& shard() { return running_.shard(); }
  MetadataStore& store() { return *store_; }
  env::Random& random() { return running_.runtime().random(); }

 private:
  RunningShard running_;
  EtcdOptions options_;
  std::unique_ptr<MetadataStore> store_;
};

using Strings = std::vector<std::string>;

// --- Kills -----------------------------------------------------------------------------------------------------------

/// Counts up one key, as a broker would: with compares, and settling what is open by the ids of what was sent.
class Counter {
 public:
  Counter(User& user, std::string key) : user_(user), key_(std::move(key)) {}

  awaitable<void> count_to(int target) {
    while (value_ < target) {
      ids_.clear();
      const auto before = co_await look();
      while (!co_await put_next(before)) {
      }
      ++value_;
    }
  }
  [[nodiscard]] int settled() const { return settled_; }
  [[nodiscard]] int value() const { return value_; }

 private:
  awaitable<std::optional<KeyValue>> look() {
    while (true) {
      const auto found = co_await user_.store().get(key_);
      if (found) co_return *found;
      EXPECT_TRUE(User::is_open(found.error())) << found.error().message;
    }
  }

  /// Sends it again with the same compare until one that was sent is known to be done.
  awaitable<bool> put_next(const std::optional<KeyValue>& before) {
    Transaction next;
    next.compares.push_back(before ? Compare::modified_at(key_, before->modified) : Compare::absent(key_));
    next.ops.push_back(Op::put(key_, std::to_string(value_ + 1)));
    user_.random().fill(next.write_id);
    ids_.insert(next.write_id);
    const auto done = co_await user_.store().transact(std::move(next));
    if (done) co_return true;
    EXPECT_TRUE(User::is_open(done.error()) || done.error().code == Errc::conflict) << done.error().message;
    ++settled_;
    const auto now = co_await look();
    co_return now&& ids_.contains(now->write_id);
  }

  User& user_;
  std::string key_;
  std::set<WriteId> ids_;  ///< of all that was sent for the next value
  int value_ = 0;
  int settled_ = 0;
};

TEST(EtcdServersTest, KilledServerAmidTransactionsLosesNothingAndDoesNothingTwice) {
  EtcdServers servers;
  User user(servers.url());
  ASSERT_TRUE(user.open());
  std::vector<Counter> counters{{user, "a"}, {user, "b"}, {user, "c"}};
  user.run([](User& by, EtcdServers& etcd, std::vector<Counter>& all) -> awaitable<bool> {
    env::TaskGroup tasks(by.shard());
    constexpr int kRounds = 6;
    for (int round = 1; round <= kRounds; ++round) {
      for (Counter& counter : all) tasks.spawn(counter.count_to(15 * round));
      // The one in the middle is there first or last; either way others are amid theirs.
      while (all[1].value() < 15 * round - 8) co_await by.shard().sleep_until(by.shard().now() + 1ms);
      etcd.kill(0);
      etcd.start(0);
      co_await tasks.join();
    }
    co_return true;
  }(user, servers, counters));
  int settled = 0;
  for (const Counter& counter : counters) settled += counter.settled();
  EXPECT_GT(settled, 0);
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(user.value_of(key), "90");
  // Each number was put once.
  std::map<std::string, int> put;
  const auto told = user.changes(kNoRevision);
  ASSERT_TRUE(told);
  for (const std::string& change : *told) ++put[change];
  EXPECT_EQ(put.size(), 270u);
  for (const auto& [change, times] : put) EXPECT_EQ(times, 1) << change;
}

TEST(EtcdServersTest, AnyOneOfThreeMayDieAndTheWatchGoesOn) {
  EtcdServers servers(3);
  User user(servers.url());
  ASSERT_TRUE(user.open());
  Revision seen = user.put_at_last("a", "0");
  EXPECT_EQ(user.changes(seen), Strings{});
  for (int victim = 0; victim < 3; ++victim) {
    servers.kill(victim);
    const std::string value = std::to_string(victim + 1);
    const Revision put = user.put_at_last("a", value);
    EXPECT_EQ(user.wait_for_change(seen, 10s), put);
    EXPECT_EQ(user.changes(seen).value().back(), "a=" + value);
    servers.start(victim);
    seen = put;
  }
  EXPECT_EQ(user.value_of("a"), "3");
}

TEST(EtcdServersTest, WithoutAMajorityNothingIsAnsweredAndWithOneAgainAllIsThere) {
  EtcdServers servers(3);
  User user(servers.url());
  ASSERT_TRUE(user.open());
  const Revision seen = user.put_at_last("a", "1");
  EXPECT_EQ(user.changes(seen), Strings{});
  for (const int index : {0, 1}) servers.kill(index);
  const auto failed = user.put("a", "2");
  ASSERT_FALSE(failed);
  EXPECT_TRUE(User::is_open(failed.error())) << failed.error().message;
  const auto read = user.run(user.store().get("a"));
  ASSERT_FALSE(read);  // what one server alone knows may be old
  EXPECT_TRUE(User::is_open(read.error())) << read.error().message;
  for (const int index : {0, 1}) servers.start(index);
  const Revision put = user.put_at_last("c", "3");
  EXPECT_EQ(user.value_of("c"), "3");
  EXPECT_EQ(user.changes(Revision{put.value() - 1}), Strings{"c=3"});
}

TEST(EtcdServersTest, ServerThatStopsIsLeftByThoseWhoAskAndByThoseWhoListen) {
  EtcdServers servers(3);
  User asking(servers.url());
  User listening(servers.url());
  ASSERT_TRUE(asking.open());
  ASSERT_TRUE(listening.open());
  const Revision seen = asking.put_at_last("a", "1");
  EXPECT_EQ(listening.changes(seen), Strings{});  // it listens at the first server
  servers.stop(0);
  const Instant began = asking.shard().now();
  EXPECT_EQ(asking.value_of("a"), "1");
  EXPECT_LT(asking.shard().now() - began, 5s);
  const Revision put = asking.put_at_last("a", "2");
  EXPECT_EQ(listening.wait_for_change(seen, 30s), put);
  EXPECT_EQ(listening.changes(seen).value().back(), "a=2");
  servers.go_on(0);
}

// --- Sessions --------------------------------------------------------------------------------------------------------

TEST(EtcdServersTest, SessionThatNobodyRenewsEndsAndEverybodyHearsOfIt) {
  EtcdServers servers;
  User dying(servers.url());
  User other(servers.url());
  ASSERT_TRUE(dying.open());
  ASSERT_TRUE(other.open());
  const auto ttl = dying.run(dying.store().begin_session(100ms));
  ASSERT_TRUE(ttl);
  EXPECT_GE(*ttl, 1s);  // etcd counts in seconds
  ASSERT_TRUE(dying.put("alive/1", "7", Stay::leased));
  const Revision seen = *dying.put("brokers/1", "registered");
  const auto heard = other.wait_for_change(seen, 30s);
  ASSERT_TRUE(heard);
  EXPECT_EQ(other.changes(seen), Strings{"-alive/1"});
  EXPECT_EQ(other.value_of("brokers/1"), "registered");
  const auto late = dying.put("alive/1", "7", Stay::leased);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::conflict);
  EXPECT_EQ(dying.run(dying.store().renew_session()).error().code, Errc::conflict);
  EXPECT_EQ(dying.changes(seen), Strings{"-alive/1"});
}

TEST(EtcdServersTest, SessionOutlivesTheServerThatItWasBegunAt) {
  EtcdServers servers(3);
  User user(servers.url());
  ASSERT_TRUE(user.open());
  ASSERT_TRUE(user.run(user.store().begin_session(30s)));
  ASSERT_TRUE(user.put("alive/1", "7", Stay::leased));
  servers.kill(0);
  EXPECT_TRUE(user.run(user.store().renew_session()));
  EXPECT_EQ(user.value_of("alive/1"), "7");
  EXPECT_TRUE(user.run(user.store().end_session()));
  EXPECT_EQ(user.value_of("alive/1"), "(none)");
}

// --- History ---------------------------------------------------------------------------------------------------------

TEST(EtcdServersTest, WatchThatBrokeGoesOnWhereItWas) {
  EtcdServers servers;
  User listening(servers.url());
  User writing(servers.url());
  ASSERT_TRUE(listening.open());
  ASSERT_TRUE(writing.open());
  const Revision seen = *listening.put("a", "1");
  EXPECT_EQ(listening.changes(seen), Strings{});
  listening.hold_during([&] {
    servers.kill(0);
    servers.start(0);
    writing.put_at_last("b", "2");
    writing.put_at_last("c", "3");
  });
  EXPECT_TRUE(listening.wait_for_change(seen, 30s));
  EXPECT_EQ(listening.changes(seen), (Strings{"b=2", "c=3"}));
}

TEST(EtcdServersTest, CompactionPastABrokenWatchIsTold) {
  EtcdServers servers;
  User listening(servers.url());
  User writing(servers.url());
  ASSERT_TRUE(listening.open());
  ASSERT_TRUE(writing.open());
  const Revision seen = *listening.put("a", "1");
  EXPECT_EQ(listening.changes(seen), Strings{});
  Revision newest;
  listening.hold_during([&] {
    servers.kill(0);
    servers.start(0);
    for (const char* value : {"2", "3", "4"}) writing.put_at_last("a", value);
    newest = writing.put_at_last("b", "5");
    writing.compact(servers.address(0), newest);
  });
  EXPECT_TRUE(listening.wait_for_change(seen, 30s));
  EXPECT_EQ(listening.changes(seen), std::nullopt);
  EXPECT_EQ(listening.newest(), newest);
  ASSERT_TRUE(writing.put("a", "6"));
  EXPECT_TRUE(listening.wait_for_change(newest, 30s));
  EXPECT_EQ(listening.changes(newest), Strings{"a=6"});
}

TEST(EtcdServersTest, CompactionUpToWhereAWatchWasIsNoLoss) {
  EtcdServers servers;
  User listening(servers.url());
  User writing(servers.url());
  ASSERT_TRUE(listening.open());
  ASSERT_TRUE(writing.open());
  const Revision before = *listening.put("a", "1");
  const Revision seen = *listening.put("a", "2");
  EXPECT_EQ(listening.changes(before), Strings{"a=2"});
  listening.hold_during([&] {
    servers.kill(0);
    servers.start(0);
    const Revision next = writing.put_at_last("a", "3");
    writing.compact(servers.address(0), next);
  });
  EXPECT_TRUE(listening.wait_for_change(seen, 30s));
  EXPECT_EQ(listening.changes(before), (Strings{"a=2", "a=3"}));
}

TEST(EtcdServersTest, WhatWasCompactedBeforeAStartIsNotTold) {
  EtcdServers servers;
  User writing(servers.url());
  ASSERT_TRUE(writing.open());
  for (const char* value : {"1", "2", "3", "4"}) ASSERT_TRUE(writing.put("a", value));
  writing.compact(servers.address(0), Revision{3});
  User starting(servers.url());
  ASSERT_TRUE(starting.open());
  EXPECT_EQ(starting.changes(Revision{1}), std::nullopt);
  EXPECT_EQ(starting.changes(Revision{3}), Strings{"a=4"});
}

TEST(EtcdServersTest, WhatIsForgottenIsNotToldAndEverythingIsThere) {
  EtcdServers servers;
  User writing(servers.url());
  ASSERT_TRUE(writing.open());
  const Revision first = writing.put("a", "0").value();
  ASSERT_TRUE(writing.put("a", "1"));
  const Revision second = writing.put("a", "2").value();
  ASSERT_TRUE(writing.put("b", "3"));
  const auto forget = [&](Revision until) { return writing.run(writing.store().forget_changes(until)); };
  ASSERT_TRUE(forget(second));
  User starting(servers.url());
  ASSERT_TRUE(starting.open());
  EXPECT_EQ(starting.changes(first), std::nullopt);
  EXPECT_EQ(starting.changes(second), Strings{"b=3"});
  EXPECT_EQ(starting.value_of("a"), "2");
  // What is forgotten already: somebody else may be as careful.
  EXPECT_TRUE(forget(second));
  EXPECT_TRUE(forget(first));
  EXPECT_TRUE(writing.put("c", "4"));
}

TEST(EtcdServersTest, PageOfAListThatWasCompactedIsAskedForAgainFromTheBegin) {
  EtcdServers servers;
  User user(servers.url());
  ASSERT_TRUE(user.open());
  for (int block = 0; block < 12; ++block) {
    Transaction many;
    for (int i = 0; i < 100; ++i) many.ops.push_back(Op::put(fmt::format("key/{:04}", block * 100 + i), "1"));
    ASSERT_TRUE(user.run(user.store().transact(std::move(many))));
  }
  const auto page = user.run(user.store().list("key/", {})).value().value();
  ASSERT_TRUE(page.next);
  const Revision newest = *user.put("other", "1");
  user.compact(servers.address(0), newest);
  EXPECT_FALSE(user.run(user.store().list("key/", page.next)).value());
  EXPECT_EQ(user.run(list_all(user.store(), "key/")).value().entries.size(), 1200u);
}

TEST(EtcdServersTest, ListOfLargeValuesComesInSmallerPages) {
  EtcdServers servers;
  User user(servers.url());
  ASSERT_TRUE(user.open());
  constexpr std::size_t kValues = 26;  // more than one answer may hold
  const std::string large(kTransactionBytesMax - 10, 'x');
  for (std::size_t i = 0; i < kValues; ++i) ASSERT_TRUE(user.put(fmt::format("key/{:02}", i), large));
  const auto page = user.run(user.store().list("", {})).value().value();
  EXPECT_EQ(page.entries.size(), kPageBytesMax / large.size() + 1);
  const auto all = user.run(list_all(user.store(), "")).value();
  EXPECT_EQ(all.entries.size(), kValues);
  for (const KeyValue& entry : all.entries) EXPECT_TRUE(entry.value == large);
  std::size_t told = 0;
  for (std::optional<Changes> changes = user.run(user.store().changes(kNoRevision)).value(); changes;) {
    told += changes->entries.size();
    if (!changes->has_more) break;
    changes = user.run(user.store().changes(changes->revision)).value();
  }
  EXPECT_EQ(told, kValues);
}

TEST(EtcdServersTest, OlderCopyIsNoticed) {
  EtcdServers servers;
  User listening(servers.url());
  ASSERT_TRUE(listening.open());
  ASSERT_TRUE(listening.put("a", "1"));
  servers.kill(0);
  servers.keep_copy(0);
  servers.start(0);
  const Revision seen = listening.put_at_last("a", "2");
  EXPECT_EQ(listening.changes(seen), Strings{});
  listening.hold_during([&] {
    servers.kill(0);
    servers.put_copy_back(0);
    servers.start(0);
  });
  const auto woken = listening.wait_for_change(seen, 30s);
  ASSERT_TRUE(woken);
  EXPECT_LT(*woken, seen);
  EXPECT_EQ(listening.changes(seen), std::nullopt);
  EXPECT_EQ(listening.value_of("a"), "1");
}

TEST(EtcdServersTest, OlderCopyThatHasGrownPastWhatWasSeenIsNoticed) {
  EtcdServers servers;
  User listening(servers.url());
  User writing(servers.url());
  ASSERT_TRUE(listening.open());
  ASSERT_TRUE(writing.open());
  ASSERT_TRUE(listening.put("a", "1"));
  servers.kill(0);
  servers.keep_copy(0);
  servers.start(0);
  listening.put_at_last("b", "2");
  const Revision seen = listening.put_at_last("c", "3");
  EXPECT_EQ(listening.changes(Revision{seen.value() - 2}), (Strings{"b=2", "c=3"}));
  listening.hold_during([&] {
    servers.kill(0);
    servers.put_copy_back(0);
    servers.start(0);
    for (const char* key : {"d", "e", "f", "g"}) writing.put_at_last(key, "4");
  });
  ASSERT_GT(writing.newest(), seen);
  ASSERT_TRUE(listening.wait_for_change(seen, 30s));
  EXPECT_EQ(listening.changes(seen), std::nullopt);
  const Revision newest = listening.newest();
  ASSERT_TRUE(writing.put("h", "5"));
  EXPECT_TRUE(listening.wait_for_change(newest, 30s));
  EXPECT_EQ(listening.changes(newest), Strings{"h=5"});
}

// --- Others, and users -----------------------------------------------------------------------------------------------

TEST(EtcdServersTest, StoresUnderOtherPrefixesAreOutOfSight) {
  EtcdServers servers;
  StoreUrl url = servers.url();
  User ours(url);
  url.prefix = "/mq2";
  User theirs(url);
  ASSERT_TRUE(ours.open());
  ASSERT_TRUE(theirs.open());
  const Revision seen = *ours.put("a", "ours");
  ASSERT_TRUE(theirs.put("a", "theirs"));
  ASSERT_TRUE(theirs.put("b", "theirs"));
  EXPECT_EQ(ours.value_of("a"), "ours");
  EXPECT_EQ(ours.value_of("b"), "(none)");
  EXPECT_EQ(ours.changes(seen), Strings{});
  EXPECT_EQ(ours.wait_for_change(seen, 200ms).error().code, Errc::timed_out);
  // Nor does what they change keep us from telling what we do.
  EXPECT_GT(*ours.put("a", "again"), Revision{3});
  EXPECT_EQ(ours.changes(seen), Strings{"a=again"});
  EXPECT_EQ(ours.run(list_all(ours.store(), "")).value().entries.size(), 1u);
}

TEST(EtcdServersTest, ValueThatSomebodyElsePutIsToldAsItIs) {
  EtcdServers servers;
  User user(servers.url());
  ASSERT_TRUE(user.open());
  std::string body = R"({"key":")";
  append_base64("/mq/by-hand", Base64::padded, body);
  body += R"(","value":")";
  append_base64("hello", Base64::padded, body);
  EXPECT_EQ(user.tell(servers.address(0), "/v3/kv/put", body + "\"}").status, 200);
  EXPECT_EQ(user.value_of("by-hand"), "hello");
  EXPECT_EQ(user.changes(kNoRevision), Strings{"by-hand=hello"});
}

/// Makes the users root and mq, who may do everything below /mq/, and asks everybody for a password.
void ask_for_passwords(User& operator_, const env::Address& server) {
  std::string permission = R"({"name":"mq","perm":{"permType":"READWRITE","key":")";
  append_base64("/mq/", Base64::padded, permission);
  permission += R"(","range_end":")";
  append_base64("/mq0", Base64::padded, permission);
  permission += "\"}}";
  const std::pair<std::string, std::string> steps[] = {
      {"/v3/auth/user/add", R"({"name":"root","password":"secret"})"},
      {"/v3/auth/user/add", R"({"name":"mq","password":"pass \"word\""})"},
      {"/v3/auth/role/add", R"({"name":"root"})"},
      {"/v3/auth/role/add", R"({"name":"mq"})"},
      {"/v3/auth/role/grant", permission},
      {"/v3/auth/user/grant", R"({"user":"root","role":"root"})"},
      {"/v3/auth/user/grant", R"({"user":"mq","role":"mq"})"},
      {"/v3/auth/enable", "{}"}};
  for (const auto& [path, body] : steps) {
    const auto answer = operator_.tell(server, path, body);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
  }
}

TEST(EtcdServersTest, UserWithAPasswordIsLetInAndNobodyElse) {
  EtcdServers servers;
  StoreUrl url = servers.url();
  User nobody(url);
  ASSERT_TRUE(nobody.open());
  ask_for_passwords(nobody, servers.address(0));
  EXPECT_EQ(nobody.put("a", "1").error().code, Errc::refused);
  EXPECT_EQ(nobody.run(nobody.store().changes(kNoRevision)).error().code, Errc::refused);

  url.user = "mq";
  User wrong(url, "password");
  EXPECT_EQ(wrong.open().error().code, Errc::refused);
  User user(url, "pass \"word\"");
  ASSERT_TRUE(user.open());
  ASSERT_TRUE(user.run(user.store().begin_session(10s)));
  const Revision seen = *user.put("a", "1", Stay::leased);
  EXPECT_EQ(user.changes(kNoRevision), Strings{"a=1"});
  // A server that was started again knows no token.
  servers.kill(0);
  servers.start(0);
  EXPECT_EQ(user.value_of("a"), "1");
  const Revision put = user.put_at_last("b", "2");
  EXPECT_TRUE(user.wait_for_change(seen, 30s));
  EXPECT_EQ(user.changes(seen), Strings{"b=2"});
  EXPECT_TRUE(user.run(user.store().end_session()));
  EXPECT_EQ(user.changes(put), Strings{"-a"});

  url.prefix = "/other";
  User elsewhere(url, "pass \"word\"");
  EXPECT_EQ(elsewhere.open().error().code, Errc::refused);
}

TEST(EtcdServersTest, UserWhereNobodyIsAskedForOneIsLetIn) {
  EtcdServers servers;
  StoreUrl url = servers.url();
  url.user = "mq";
  User user(url, "any");
  ASSERT_TRUE(user.open());
  EXPECT_TRUE(user.put("a", "1"));
  EXPECT_EQ(user.changes(kNoRevision), Strings{"a=1"});
}

TEST(EtcdServersTest, StoreThatNobodyServesIsUnreachableInTime) {
  StoreUrl url;
  {
    EtcdServers servers;
    url = servers.url();
  }
  RunningShard process;
  const auto opened = process.run(open_etcd_store(process.shard(), process.runtime().logger(),
                                                  {.url = url, .password = {}, .open_patience = 500ms}));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unreachable);
}

}  // namespace
}  // namespace mq::meta
