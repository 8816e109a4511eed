// The etcd back end against servers that fail as no test can make a real one fail: lost answers, noise, silence,
// watches that lie. In simulation.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "env/task_group.h"
#include "meta/etcd/etcd_store.h"
#include "sim/machine/world.h"

namespace mq::meta {
namespace {

constexpr const char* kRange = "/v3/kv/range";
constexpr const char* kTxn = "/v3/kv/txn";
constexpr const char* kWatch = "/v3/watch";
constexpr const char* kGrant = "/v3/lease/grant";
constexpr const char* kKeepAlive = "/v3/lease/keepalive";
constexpr const char* kLogin = "/v3/auth/authenticate";

std::string header(std::int64_t revision) { return fmt::format(R"("header":{{"revision":"{}"}})", revision); }
std::string at(std::int64_t revision) { return "{" + header(revision) + "}"; }
std::string done_at(std::int64_t revision) { return fmt::format(R"({{{},"succeeded":true}})", header(revision)); }
std::string refusal(int code, std::string_view message) {
  return fmt::format(R"({{"error":"{0}","message":"{0}","code":{1}}})", message, code);
}
std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(bytes, Base64::padded, text);
  return text;
}
/// An entry or event's `kv`: the key under the prefix, the value behind a write id of `id`s.
std::string kv(std::string_view key, std::string_view value, std::int64_t created, std::int64_t modified,
               char id = 'i') {
  return fmt::format(R"({{"key":"{}","create_revision":"{}","mod_revision":"{}","version":"1","value":"{}"}})",
                     base64("/mq/" + std::string(key)), created, modified,
                     base64(std::string(16, id) + std::string(value)));
}
std::string put_event(std::string_view key, std::string_view value, std::int64_t modified, char id = 'i') {
  return fmt::format(R"({{"kv":{}}})", kv(key, value, modified, modified, id));
}
std::string erase_event(std::string_view key, std::int64_t modified) {
  return fmt::format(R"({{"type":"DELETE","kv":{{"key":"{}","mod_revision":"{}"}}}})",
                     base64("/mq/" + std::string(key)), modified);
}
std::string created_line(std::int64_t revision) {
  return fmt::format(R"({{"result":{{{},"created":true}}}})", header(revision)) + "\n";
}
std::string event_line(std::int64_t revision, const std::vector<std::string>& events, bool is_fragment = false) {
  std::string all;
  for (const std::string& event : events) all += (all.empty() ? "" : ",") + event;
  return fmt::format(R"({{"result":{{{}{},"events":[{}]}}}})", header(revision),
                     is_fragment ? R"(,"fragment":true)" : "", all) +
         "\n";
}

/// What a server does with a request.
struct Deed {
  int status = 200;
  std::string body;
  enum class Then { answer, close_first, close_amid, stay_silent, stream } then = Then::answer;
  Duration pause_before_each = 0s;   ///< of `lines`
  std::vector<std::string> lines{};  ///< of a stream, which stays open after them unless ...
  bool ends = false;                 ///< ... it ends
};

/// A server that does what the test says, request by request, and knows what it was asked.
class FakeEtcd {
 public:
  explicit FakeEtcd(sim::Machine& machine) : machine_(machine) { serve(); }

  /// Begins, again after its machine was started again.
  void serve() {
    machine_.spawn([](FakeEtcd& fake) -> awaitable<void> {
      env::Shard& shard = fake.machine_.shard(0);
      const auto listener = shard.network().listen({.host = "*", .port = 2379, .path = {}}).value();
      while (auto stream = co_await listener->accept())
        fake.machine_.spawn(talk(fake, std::shared_ptr<env::Stream>(std::move(*stream))));
    }(*this));
  }

  /// The next requests to `path` are treated so, one each; then `always`.
  std::map<std::string, std::deque<Deed>> next;
  std::map<std::string, Deed> always;
  std::vector<std::pair<std::string, std::string>> asked;  ///< path and whole header and body

  [[nodiscard]] std::size_t times_asked(std::string_view path) const {
    return static_cast<std::size_t>(std::ranges::count(asked, path, [](const auto& one) { return one.first; }));
  }

 private:
  static awaitable<void> talk(FakeEtcd& fake, std::shared_ptr<env::Stream> stream) {
    while (true) {
      std::string request;
      std::string path;
      if (!co_await hear(*stream, request, path)) co_return;
      fake.asked.emplace_back(path, request);
      if (!co_await fake.act(*stream, fake.deed_for(path))) co_return;
    }
  }

  Deed deed_for(const std::string& path) {
    auto& queue = next[path];
    if (queue.empty())
      return always.contains(path) ? always.at(path) : Deed{.status = 404, .body = "404 page not found"};
    Deed deed = std::move(queue.front());
    queue.pop_front();
    return deed;
  }

  awaitable<bool> act(env::Stream& stream, Deed deed) {
    if (deed.then == Deed::Then::close_first) co_return false;
    if (deed.then == Deed::Then::stay_silent) co_await machine_.shard(0).sleep_until(Instant::never());
    if (deed.then == Deed::Then::stream) co_return co_await act_as_stream(stream, std::move(deed));
    std::string answer =
        fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", deed.status, deed.body.size(), deed.body);
    if (deed.then == Deed::Then::close_amid) answer.resize(answer.size() / 2);
    const bool sent = co_await say(stream, answer);
    co_return sent&& deed.then == Deed::Then::answer;
  }

  awaitable<bool> act_as_stream(env::Stream& stream, Deed deed) {
    if (!co_await say(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) co_return false;
    for (const std::string& line : deed.lines) {
      co_await machine_.shard(0).sleep_until(machine_.shard(0).now() + deed.pause_before_each);
      if (!co_await say(stream, fmt::format("{:x}\r\n{}\r\n", line.size(), line))) co_return false;
    }
    if (deed.ends) co_return co_await say(stream, "0\r\n\r\n");
    char byte;
    (void)co_await stream.read_some({&byte, 1});  // until it is closed
    co_return false;
  }

  static awaitable<bool> say(env::Stream& stream, std::string text) {
    const BytesView pieces[] = {text};
    co_return (co_await stream.write(pieces)).has_value();
  }

  static awaitable<bool> hear(env::Stream& stream, std::string& request, std::string& path) {
    std::size_t size = std::string::npos;
    char bytes[4096];
    while (request.size() < size) {
      const auto got = co_await stream.read_some(bytes);
      if (!got) co_return false;
      request.append(bytes, *got);
      const std::size_t end = request.find("\r\n\r\n");
      if (size == std::string::npos && end != std::string::npos)
        size = end + 4 + std::stoul(request.substr(request.find("Content-Length: ") + 16));
    }
    path = request.substr(5, request.find(' ', 5) - 5);
    co_return true;
  }

  sim::Machine& machine_;
};

class EtcdFaults : public ::testing::Test {
 protected:
  EtcdFaults() {
    for (FakeEtcd* fake : {&one_, &two_}) {
      fake->always[kRange] = {.body = at(1)};
      fake->always[kWatch] = {.then = Deed::Then::stream, .lines = {created_line(1)}};
    }
    open();
  }
  ~EtcdFaults() override { store_.reset(); }

  void open(std::string user = {}) {
    EtcdOptions options{.url = parse_store_url("etcd://one,two").value(), .password = "secret"};
    options.url.user = std::move(user);
    const StoreSource source = etcd_source(node_.logger(), std::move(options));
    auto opened = world_.run(node_, source.open({.home = &node_.shard(0), .data_dir = "/data"}));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    one_.asked.clear();
    two_.asked.clear();
  }
  Result<Revision> put() {
    Transaction transaction;
    transaction.ops.push_back(Op::put("a", "1"));
    return world_.run(node_, store_->transact(std::move(transaction)));
  }
  template <class T>
  static Errc code_of(const Result<T>& result) {
    return result ? Errc::internal : result.error().code;
  }
  auto get(std::string key = "a") { return world_.run(node_, store_->get(std::move(key))); }
  std::string value_of(std::string key = "a") {
    const auto found = get(std::move(key));
    if (!found) return found.error().message;
    return *found ? (**found).value : "(none)";
  }
  Result<std::optional<Changes>> changes(Revision since) { return world_.run(node_, store_->changes(since)); }
  std::vector<std::string> told_after(Revision since) {
    const auto found = changes(since);
    if (!found || !*found) return {found ? "(too old)" : found.error().message};
    std::vector<std::string> told;
    for (const auto& [entry, is_erased] : (*found)->entries)
      told.push_back(is_erased ? "-" + entry.key : entry.key + "=" + entry.value);
    return told;
  }
  static std::string found(std::string_view value, std::int64_t revision = 2) {
    return fmt::format(R"({{{},"kvs":[{}],"count":"1"}})", header(revision), kv("a", value, revision, revision));
  }

  using Strings = std::vector<std::string>;
  sim::World world_{1};
  FakeEtcd one_{world_.add_machine("one")};
  FakeEtcd two_{world_.add_machine("two")};
  sim::Machine& node_ = world_.add_machine("broker");
  std::unique_ptr<MetadataStore> store_;
};

// --- Requests --------------------------------------------------------------------------------------------------------

TEST_F(EtcdFaults, TransactionThatMayHaveArrivedIsNotSentAgain) {
  two_.always[kTxn] = {.body = done_at(2)};
  const std::vector<Deed> faults{{.then = Deed::Then::close_first},
                                 {.body = done_at(2), .then = Deed::Then::close_amid},
                                 {.then = Deed::Then::stay_silent},
                                 {.body = "no JSON"},
                                 {.body = R"({"succeeded":true})"},
                                 {.body = std::string(9 << 20, ' ')},
                                 {.status = 503, .body = refusal(14, "etcdserver: request timed out")},
                                 {.status = 504, .body = refusal(4, "context deadline exceeded")},
                                 {.status = 500, .body = refusal(2, "unknown")},
                                 {.status = 502, .body = "<html>"}};
  for (const Deed& fault : faults) {
    one_.next[kTxn] = {fault};
    const auto written = put();
    ASSERT_FALSE(written) << fault.body.substr(0, 100);
    EXPECT_TRUE(written.error().code == Errc::unreachable || written.error().code == Errc::timed_out)
        << written.error().message;
    EXPECT_EQ(one_.times_asked(kTxn) + two_.times_asked(kTxn), 1u) << fault.body.substr(0, 100);
    store_.reset();
    open();  // at the first server again
  }
}

TEST_F(EtcdFaults, TransactionThatCertainlyDidNotArriveGoesToAnotherServer) {
  two_.always[kTxn] = {.body = done_at(2)};
  one_.next[kTxn] = {{.status = 503, .body = refusal(14, "etcdserver: no leader")}};
  EXPECT_EQ(put(), Revision{1});
  EXPECT_EQ(two_.times_asked(kTxn), 1u);
  store_.reset();
  open();
  one_.next[kTxn] = {{.status = 429, .body = refusal(8, "etcdserver: too many requests")}};
  EXPECT_EQ(put(), Revision{1});
  store_.reset();
  open();
  world_.machine("one").kill();
  world_.run_for(1s);  // we hear of it
  EXPECT_EQ(put(), Revision{1});
}

TEST_F(EtcdFaults, ServersWithoutALeaderAreAskedUntilTheyHaveOne) {
  const Deed no_leader{.status = 503, .body = refusal(14, "etcdserver: no leader")};
  one_.next[kTxn] = {no_leader, no_leader};
  two_.next[kTxn] = {no_leader, no_leader};
  one_.always[kTxn] = {.body = done_at(2)};
  const Instant began = world_.now();
  EXPECT_EQ(put(), Revision{1});
  EXPECT_GT(world_.now() - began, 150ms);
  EXPECT_LT(world_.now() - began, 1s);
  one_.always[kTxn] = two_.always[kTxn] = no_leader;
  EXPECT_EQ(code_of(put()), Errc::unreachable);
}

TEST_F(EtcdFaults, InAHurryNobodyWaitsLongForServersThatDoNotAnswer) {
  for (FakeEtcd* fake : {&one_, &two_}) {
    fake->always[kGrant] = {.body = "{" + header(1) + R"(,"ID":"7","TTL":"3"})"};
    for (const char* path : {kTxn, kRange, "/v3/lease/revoke"}) fake->always[path] = {.then = Deed::Then::stay_silent};
  }
  ASSERT_TRUE(world_.run(node_, store_->begin_session(3s)));
  store_->hurry(500ms);
  const auto took = [this](auto call) {
    const Instant began = world_.now();
    EXPECT_FALSE(world_.run(node_, std::move(call)));
    return world_.now() - began;
  };
  Transaction transaction;
  transaction.ops.push_back(Op::put("a", "1"));
  EXPECT_LE(took(store_->transact(std::move(transaction))), 600ms);
  EXPECT_LE(took(store_->get("a")), 600ms);
  EXPECT_LE(took(store_->end_session()), 600ms);
  EXPECT_LE(took(store_->close()), 600ms);
}

TEST_F(EtcdFaults, ReadIsAskedOfAnotherServer) {
  two_.always[kRange] = {.body = found("x")};
  const std::vector<Deed> faults{{.then = Deed::Then::close_first},
                                 {.body = found("x"), .then = Deed::Then::close_amid},
                                 {.then = Deed::Then::stay_silent},
                                 {.status = 503, .body = refusal(14, "etcdserver: leader changed")},
                                 {.status = 502, .body = "<html>"}};
  for (const Deed& fault : faults) {
    store_.reset();
    open();
    one_.next[kRange] = {fault};
    EXPECT_EQ(value_of(), "x");
    EXPECT_EQ(one_.times_asked(kRange), 1u);
  }
}

TEST_F(EtcdFaults, AnswersThatEtcdDoesNotGiveAreNone) {
  const std::string entry = kv("a", "1", 2, 2);
  const std::vector<std::string> answers{
      "",
      "null",
      "[]",
      "{}",
      "{\"header\":{}}",
      "{\"header\":{\"revision\":\"x\"}}",
      "{\"header\":{\"revision\":\"99999999999999999999\"}}",
      "{\"header\":{\"revision\":\"-5\"}}",
      at(5).substr(0, 10),
      std::string(100'000, '['),
      "{" + header(5) + R"(,"kvs":{}})",
      "{" + header(5) + R"(,"kvs":[1]})",
      "{" + header(5) + R"(,"more":true})",
      "{" + header(5) + R"(,"kvs":[{}]})",
      "{" + header(5) + R"(,"kvs":[{"key":"%%%%","create_revision":"2","mod_revision":"2"}]})",
      "{" + header(5) + R"(,"kvs":[{"key":"L290aGVy","create_revision":"2","mod_revision":"2"}]})",
      "{" + header(5) + fmt::format(R"(,"kvs":[{}]}})", kv("a", "1", 3, 2)),
      "{" + header(5) + fmt::format(R"(,"kvs":[{}]}})", kv("b", "1", 2, 2)),
      "{" + header(5) + fmt::format(R"(,"kvs":[{0},{0}]}})", entry)};
  for (const std::string& answer : answers) {
    one_.always[kRange] = two_.always[kRange] = {.body = answer};
    EXPECT_EQ(code_of(get()), Errc::unreachable) << answer.substr(0, 100);
    EXPECT_EQ(code_of(world_.run(node_, store_->list("a", {}))), Errc::unreachable) << answer.substr(0, 100);
  }
}

TEST_F(EtcdFaults, AnswerThatIsTooLargeIsNotTakenAndListsAskForLess) {
  const Deed huge{.body = std::string((8 << 20) + 1, ' ')};
  one_.next[kRange] = {huge};
  EXPECT_EQ(code_of(get()), Errc::unreachable);
  one_.next[kRange] = {huge, {.body = found("x")}};
  const auto page = world_.run(node_, store_->list("", {}));
  ASSERT_TRUE(page && *page);
  EXPECT_EQ((*page)->entries.size(), 1u);
  EXPECT_NE(one_.asked.back().second.find(R"("limit":"62")"), std::string::npos) << one_.asked.back().second;
  one_.next[kRange] = {{.status = 429, .body = refusal(8, "grpc: received message larger than max (9 vs. 4)")},
                       {.body = found("x")}};
  EXPECT_TRUE(world_.run(node_, store_->list("", {})));
  one_.always[kRange] = huge;
  EXPECT_EQ(code_of(world_.run(node_, store_->list("", {}))), Errc::unreachable);
}

TEST_F(EtcdFaults, CallsWaitForAFreeConnectionAndAllAreAnswered) {
  one_.always[kRange] = {.body = found("x")};
  int answered = 0;
  world_.run(node_, [](env::Shard& shard, MetadataStore& store, int& count) -> awaitable<bool> {
    env::TaskGroup calls(shard);
    for (int i = 0; i < 50; ++i) {
      calls.spawn([](MetadataStore& of, int& to) -> awaitable<void> {
        const auto found = co_await of.get("a");
        EXPECT_TRUE(found && *found);
        ++to;
      }(store, count));
    }
    co_await calls.join();
    co_return true;
  }(node_.shard(0), *store_, answered));
  EXPECT_EQ(answered, 50);
}

TEST_F(EtcdFaults, FullDatabaseIsTold) {
  one_.next[kTxn] = {{.status = 429, .body = refusal(8, "etcdserver: mvcc: database space exceeded")}};
  EXPECT_EQ(code_of(put()), Errc::disk_full);
}

// --- Sessions and users ----------------------------------------------------------------------------------------------

TEST_F(EtcdFaults, LeaseThatIsNoneIsNoSession) {
  for (const char* answer : {R"("ID":"0","TTL":"3"})", R"("ID":"7"})", R"("ID":"7","TTL":"-1"})",
                             R"("ID":[],"TTL":"1"})", R"("ID":"7","TTL":"99999999999999"})"}) {
    one_.next[kGrant] = {{.body = "{" + header(1) + "," + answer}};
    EXPECT_EQ(code_of(world_.run(node_, store_->begin_session(3s))), Errc::unreachable) << answer;
    EXPECT_EQ(code_of(world_.run(node_, store_->renew_session())), Errc::conflict);
  }
}

TEST_F(EtcdFaults, TtlThatIsGrantedCountsAndOneWithoutTtlHasEnded) {
  one_.next[kGrant] = {{.body = "{" + header(1) + R"(,"ID":"7","TTL":"5"})"}};
  EXPECT_EQ(world_.run(node_, store_->begin_session(2500ms)), 5s);
  EXPECT_NE(one_.asked.back().second.find(R"({"TTL":"3"})"), std::string::npos);
  one_.next[kKeepAlive] = {{.body = "{\"result\":{" + header(1) + R"(,"ID":"7","TTL":"5"}})"},
                           {.body = "{\"result\":{" + header(1) + R"(,"ID":"7"}})"}};
  EXPECT_TRUE(world_.run(node_, store_->renew_session()));
  EXPECT_EQ(code_of(world_.run(node_, store_->renew_session())), Errc::conflict);
  EXPECT_EQ(one_.times_asked(kKeepAlive), 2u);
  EXPECT_EQ(code_of(world_.run(node_, store_->renew_session())), Errc::conflict);
  EXPECT_EQ(one_.times_asked(kKeepAlive), 2u);  // it is known
}

TEST_F(EtcdFaults, TokenThatIsRefusedIsReplacedAndWhatWasRefusedIsDoneOnce) {
  store_.reset();
  for (FakeEtcd* fake : {&one_, &two_}) fake->always[kLogin] = {.body = R"({"token":"first.1"})"};
  open("mq");
  one_.always[kLogin] = {.body = R"({"token":"second.2"})"};
  one_.next[kTxn] = {{.status = 401, .body = refusal(16, "etcdserver: invalid auth token")}, {.body = done_at(2)}};
  EXPECT_EQ(put(), Revision{1});
  ASSERT_EQ(one_.times_asked(kTxn), 2u);
  EXPECT_NE(one_.asked.front().second.find("\r\nAuthorization: first.1\r\n"), std::string::npos);
  EXPECT_NE(one_.asked.back().second.find("\r\nAuthorization: second.2\r\n"), std::string::npos);
  one_.next[kTxn] = {{.status = 400, .body = refusal(3, "etcdserver: revision of auth store is old")},
                     {.body = done_at(3)}};
  EXPECT_EQ(put(), Revision{2});
  // One that no token helps.
  one_.always[kTxn] = {.status = 401, .body = refusal(16, "etcdserver: invalid auth token")};
  EXPECT_EQ(code_of(put()), Errc::refused);
}

TEST_F(EtcdFaults, TokenThatWouldBreakAHeaderIsNotUsed) {
  store_.reset();
  for (FakeEtcd* fake : {&one_, &two_}) fake->always[kLogin] = {.body = R"({"token":"a\r\nX: y"})"};
  EtcdOptions options{.url = parse_store_url("etcd://mq@one").value(), .password = "secret", .open_patience = 1s};
  const auto opened = world_.run(node_, open_etcd_store(node_.shard(0), node_.logger(), options));
  EXPECT_EQ(code_of(opened), Errc::unreachable);
  EXPECT_EQ(one_.times_asked(kRange), 0u);
}

// --- The watch -------------------------------------------------------------------------------------------------------

TEST_F(EtcdFaults, TransactionInFragmentsIsToldAsAWhole) {
  one_.always[kRange] = {.body = at(4)};
  one_.next[kWatch] = {
      {.then = Deed::Then::stream,
       .pause_before_each = 50ms,
       .lines = {created_line(4), event_line(4, {put_event("a", "1", 3), put_event("b", "2", 3)}, true),
                 event_line(4, {put_event("c", "3", 3), put_event("d", "4", 4)}, true),
                 event_line(4, {erase_event("a", 4)})}}};
  EXPECT_EQ(told_after(Revision{1}), (Strings{"a=1", "b=2", "c=3", "d=4", "-a"}));
  const auto found = changes(Revision{1});
  EXPECT_EQ((*found)->entries.back().entry.write_id[0], 'i');  // of what else its transaction did
}

TEST_F(EtcdFaults, BrokenWatchTellsNothingTwiceAndNoHalfTransaction) {
  one_.always[kRange] = two_.always[kRange] = {.body = at(4)};
  one_.next[kWatch] = {{.then = Deed::Then::stream,
                        .lines = {created_line(4), event_line(4, {put_event("a", "1", 3)}),
                                  event_line(4, {put_event("b", "2", 4), put_event("c", "2", 4)}, true)},
                        .ends = true}};
  two_.next[kWatch] = {{.then = Deed::Then::stream,
                        .lines = {created_line(4), event_line(4, {put_event("a", "1", 3), put_event("b", "2", 4),
                                                                  put_event("c", "2", 4), erase_event("x", 4)})}}};
  EXPECT_EQ(told_after(Revision{1}), (Strings{"a=1", "b=2", "c=2", "-x"}));
  // It asked for the last that it knew as well, to see that this is the same history.
  EXPECT_NE(two_.asked.back().second.find(R"("start_revision":"3")"), std::string::npos) << two_.asked.back().second;
}

TEST_F(EtcdFaults, WatchThatTellsAnotherHistoryIsNotBelieved) {
  one_.always[kRange] = two_.always[kRange] = {.body = at(4)};
  one_.next[kWatch] = {{.then = Deed::Then::stream,
                        .pause_before_each = 10ms,
                        .lines = {created_line(4), event_line(4, {put_event("a", "1", 4, 'x')})}}};
  EXPECT_EQ(told_after(Revision{1}), Strings{"a=1"});
  for (FakeEtcd* fake : {&one_, &two_}) {
    fake->always[kRange] = {.body = at(6)};
    fake->always[kWatch] = {.then = Deed::Then::stream,
                            .lines = {created_line(6), event_line(6, {put_event("a", "1", 4, 'y')}),
                                      event_line(6, {put_event("a", "2", 6, 'y')})}};
  }
  world_.fabric().reset("one", "broker");
  EXPECT_TRUE(world_.run(node_, store_->wait_for_change(Revision{3}, world_.now() + 10s)));
  EXPECT_EQ(told_after(Revision{3}), Strings{"(too old)"});
}

TEST_F(EtcdFaults, WatchThatTalksNonsenseIsLeftForAnother) {
  const std::vector<std::vector<std::string>> nonsense{
      {"no JSON\n"},
      {"{}\n"},
      {event_line(4, {put_event("a", "1", 4)})},  // before it was created
      {created_line(4), event_line(4, {put_event("a", "1", 4), put_event("b", "1", 3)})},
      {created_line(4), event_line(4, {put_event("a", "1", 4)}), event_line(4, {R"({"kv":{}})"})},
      {created_line(4), event_line(4, {R"({"kv":{"key":"L290aGVy","create_revision":"2","mod_revision":"4"}})"})},
      {R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})"
       "\n"},
      {created_line(4), R"({"result":{"header":{"revision":"4"},"canceled":true,"cancel_reason":"why"}})"
                        "\n"},
      {created_line(4), std::string(9 << 20, ' ')}};
  for (const auto& lines : nonsense) {
    store_.reset();
    open();
    one_.always[kRange] = two_.always[kRange] = {.body = at(4)};
    one_.next[kWatch] = {{.then = Deed::Then::stream, .lines = lines}};
    two_.next[kWatch] = {
        {.then = Deed::Then::stream, .lines = {created_line(4), event_line(4, {put_event("a", "1", 4)})}}};
    EXPECT_EQ(told_after(Revision{1}), Strings{"a=1"}) << lines.back().substr(0, 200);
    one_.always[kRange] = two_.always[kRange] = {.body = at(1)};
  }
}

TEST_F(EtcdFaults, WatchThatDoesNotTellWhatWeHaveDoneIsLeftForAnother) {
  one_.always[kTxn] = two_.always[kTxn] = {.body = done_at(2)};
  EXPECT_EQ(told_after(kNoRevision), Strings{});
  two_.next[kWatch] = {
      {.then = Deed::Then::stream, .lines = {created_line(2), event_line(2, {put_event("a", "1", 2)})}}};
  EXPECT_EQ(put(), Revision{1});
  one_.always[kRange] = two_.always[kRange] = {.body = at(2)};
  const Instant began = world_.now();
  EXPECT_EQ(told_after(kNoRevision), Strings{"a=1"});
  EXPECT_LT(world_.now() - began, 3s);
}

TEST_F(EtcdFaults, ChangesThatNobodyTellsAreAnErrorInTheEnd) {
  one_.always[kTxn] = two_.always[kTxn] = {.body = done_at(2)};
  EXPECT_EQ(put(), Revision{1});
  one_.always[kRange] = two_.always[kRange] = {.body = at(2)};
  EXPECT_EQ(code_of(changes(kNoRevision)), Errc::timed_out);
}

TEST_F(EtcdFaults, WhatIsOtherPeoplesKeepsNobodyWaitingForLong) {
  one_.always[kRange] = {.body = at(50)};  // none of it ours
  one_.next[kWatch] = {{.then = Deed::Then::stream, .lines = {created_line(50)}}};
  const Instant began = world_.now();
  EXPECT_EQ(told_after(Revision{3}), Strings{});
  EXPECT_LT(world_.now() - began, 1s);
  const Instant then = world_.now();
  EXPECT_EQ(told_after(Revision{3}), Strings{});
  EXPECT_LT(world_.now() - then, 10ms);
  EXPECT_EQ(code_of(world_.run(node_, store_->wait_for_change(Revision{3}, world_.now() + 1s))), Errc::timed_out);
}

TEST_F(EtcdFaults, HistoryThatIsTooLongIsNotRead) {
  one_.always[kRange] = {.body = at(20'000)};
  EXPECT_EQ(told_after(Revision{3}), Strings{"(too old)"});
  EXPECT_EQ(one_.times_asked(kWatch), 0u);
}

TEST_F(EtcdFaults, ListenerLeavesAServerThatIsSilent) {
  EXPECT_EQ(told_after(kNoRevision), Strings{});
  world_.machine("one").lose_power();
  two_.always[kRange] = {.body = at(2)};
  two_.always[kWatch] = {.then = Deed::Then::stream,
                         .lines = {created_line(2), event_line(2, {put_event("a", "1", 2)})}};
  const Instant began = world_.now();
  EXPECT_EQ(world_.run(node_, store_->wait_for_change(kNoRevision, world_.now() + 1min)), Revision{1});
  EXPECT_LT(world_.now() - began, 15s);
}

// --- Ends ------------------------------------------------------------------------------------------------------------

TEST_F(EtcdFaults, CloseWithoutAServerEndsInTimeAndSaysSo) {
  one_.next[kGrant] = {{.body = "{" + header(1) + R"(,"ID":"7","TTL":"5"})"}};
  ASSERT_TRUE(world_.run(node_, store_->begin_session(5s)));
  EXPECT_EQ(told_after(kNoRevision), Strings{});
  for (const char* host : {"one", "two"}) world_.machine(host).lose_power();
  const Instant began = world_.now();
  EXPECT_FALSE(world_.run(node_, store_->close()));
  EXPECT_LT(world_.now() - began, 15s);
  EXPECT_EQ(code_of(get()), Errc::closed);
  EXPECT_EQ(code_of(world_.run(node_, store_->close())), Errc::closed);
}

TEST_F(EtcdFaults, StoreThatIsDestroyedLeavesNothingBehind) {
  EXPECT_EQ(told_after(kNoRevision), Strings{});
  store_.reset();
  world_.run_for(1min);
  const std::size_t asked = one_.asked.size() + two_.asked.size();
  world_.run_for(10min);
  EXPECT_EQ(one_.asked.size() + two_.asked.size(), asked);
}

/// Everything at once, for ever.
awaitable<void> use(MetadataStore& store, env::Shard& shard) {
  env::TaskGroup calls(shard);
  for (int i = 0; i < 12; ++i)
    calls.spawn([](MetadataStore& of) -> awaitable<void> { (void)co_await of.get("a"); }(store));
  calls.spawn([](MetadataStore& of) -> awaitable<void> { (void)co_await of.changes(kNoRevision); }(store));
  calls.spawn([](MetadataStore& of, Instant until) -> awaitable<void> {
    (void)co_await of.wait_for_change(Revision{5}, until);
  }(store, shard.now() + 1h));
  calls.spawn([](MetadataStore& of) -> awaitable<void> {
    Transaction transaction;
    transaction.ops.push_back(Op::put("a", "1"));
    (void)co_await of.transact(std::move(transaction));
  }(store));
  co_await calls.join();
}

TEST_F(EtcdFaults, StoreMayBeDestroyedWhileItConnects) {
  EXPECT_EQ(told_after(kNoRevision), Strings{});
  for (const char* host : {"one", "two"}) {
    world_.machine(host).lose_power();
    world_.fabric().reset(host, "broker");
  }
  for (const Duration after : std::vector<Duration>{1ms, 100ms, 1500ms, 3s}) {
    world_.run_for(after);
    store_.reset();
    world_.run_for(1min);
    for (const char* host : {"one", "two"}) world_.machine(host).start();
    one_.serve();
    two_.serve();
    open();
    EXPECT_EQ(told_after(kNoRevision), Strings{});
    for (const char* host : {"one", "two"}) world_.machine(host).lose_power();
    world_.fabric().reset("one", "broker");
    world_.fabric().reset("two", "broker");
  }
}

TEST_F(EtcdFaults, ProcessMayBeKilledAmidAnything) {
  for (FakeEtcd* fake : {&one_, &two_}) {
    fake->always[kLogin] = {.body = R"({"token":"t"})"};
    fake->always[kTxn] = {.then = Deed::Then::stay_silent};
  }
  for (const bool store_goes_first : {false, true}) {
    for (const Duration after : std::vector<Duration>{10us, 100us, 200us, 300us, 500us, 1ms, 200ms, 600ms, 2s}) {
      store_.reset();
      open("mq");
      node_.spawn(use(*store_, node_.shard(0)));
      world_.run_for(after);
      if (store_goes_first) store_.reset();
      node_.kill();
      store_.reset();
      node_.start();
    }
  }
}

}  // namespace
}  // namespace mq::meta
