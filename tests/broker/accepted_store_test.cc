// The metadata store of a cluster has gone back in time: brokers that start wait, those that run do not follow it, and
// an operator has them go on with it.

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/topics.h"
#include "broker_fixture.h"
#include "wire/messages/accept_store.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/metadata.h"
#include "wire/messages/store_status.h"

namespace mq::broker {
namespace {

using testing::Peer;

class AcceptedStore : public ::testing::Test {
 protected:
  AcceptedStore()
      : cluster_(7, {.brokers = 3, .store = sim::Store::model, .configure = [](NodeConfig& config) {
                       config.offsets_partitions = 2;
                     }}) {
    client_ = &cluster_.add_client("client");
    const auto started = cluster_.start();
    EXPECT_TRUE(started) << started.error().message;
    create("kept");
    EXPECT_EQ(produce("kept"), ErrorCode::kNone);
    earlier_ = store().copy();
    create("later");
    for (int i = 0; i < 3; ++i) {  // leaders come and go
      broker(i).kill();
      EXPECT_TRUE(until([&] { return leader("kept", (i + 1) % 3) != i; }));
      EXPECT_EQ(produce("kept"), ErrorCode::kNone);
      EXPECT_TRUE(broker(i).start());
      EXPECT_TRUE(until([&] { return is_in_sync("kept"); }));
    }
    producer_id_ = next_producer_id();
    epoch_ = partition("kept", 0).leader_epoch;
  }
  ~AcceptedStore() override {
    if (!HasFailure()) return;
    for (int i = 0; i < 3; ++i)
      for (const std::string& line : broker(i).machine().log_lines()) std::cerr << i + 1 << ": " << line << "\n";
  }

  [[nodiscard]] sim::ModelMetadata& store() { return cluster_.model_store(); }
  [[nodiscard]] sim::Broker& broker(int index) { return cluster_.broker(index); }
  [[nodiscard]] const cluster::ClusterImage& image(int at) { return *broker(at).node().first_shard().image(); }
  [[nodiscard]] const cluster::Partition& partition(std::string_view topic, int at) {
    return *image(at).find_topic(topic)->find_partition(0);
  }
  /// By index, as broker `at` knows it; -1: nobody.
  int leader(std::string_view topic, int at) {
    const BrokerId id = partition(topic, at).leader;
    return id == kNoBroker ? -1 : id.value() - 1;
  }
  bool is_in_sync(std::string_view topic) {
    for (int i = 0; i < 3; ++i)
      if (image(i).find_topic(topic) == nullptr || leader(topic, i) < 0 || partition(topic, i).isr.size() < 3)
        return false;
    return true;
  }
  bool until(const std::function<bool()>& done) { return cluster_.world().run_until(done, 1min); }
  template <class Request>
  typename Request::Response ask(int index, const Request& request, ApiVersion version) {
    return cluster_.world().run(
        *client_,
        [](sim::Machine& client, int to, const Request& asked, ApiVersion in) -> awaitable<typename Request::Response> {
          auto peer = co_await Peer::connect(client, to);
          auto response = co_await peer->call(asked, in);
          peer->close();
          co_return response;
        }(*client_, index, request, version),
        1min);
  }
  void create(const std::string& topic) {
    wire::CreateTopicsRequest request;
    request.topics.push_back({.name = topic, .num_partitions = 1, .replication_factor = 3});
    EXPECT_EQ(ask(0, request, 7).topics.at(0).error_code, ErrorCode::kNone);
    EXPECT_TRUE(until([&] { return is_in_sync(topic); }));
  }
  /// One record with acks=all, to whoever leads.
  ErrorCode produce(const std::string& topic) {
    int at = 0;
    while (!broker(at).is_made()) ++at;
    if (!until([&] { return leader(topic, at) >= 0 && leader(topic, leader(topic, at)) == leader(topic, at); }))
      return ErrorCode::kLeaderNotAvailable;
    const auto answer =
        ask(leader(topic, at), testing::produce_request(topic, 0, testing::make_batch({})), testing::kProduceVersion);
    return testing::only_row(answer).error_code;
  }
  std::int64_t next_producer_id() {
    wire::InitProducerIdRequest request;
    request.transaction_timeout_ms = 1000;
    return ask(0, request, 4).producer_id;
  }
  std::int64_t log_end(const std::string& topic, int at) {
    const cluster::Topic& known = *image(at).find_topic(std::string_view(topic));
    return broker(at).node().owner_of(known.id, 0).find(known.id, 0)->log().log_end().value();
  }

  cluster::Revision image_revision(meta::MetadataStore& connection) {
    return (*cluster_.world().run(*client_, connection.list("foreign", std::nullopt), 1min))->revision;
  }

  void kill_all() {
    for (int i = 0; i < 3; ++i) broker(i).kill();
  }
  void begin_all() {
    for (int i = 0; i < 3; ++i) broker(i).begin_start();
  }
  bool have_all_started() {
    for (int i = 0; i < 3; ++i)
      if (!broker(i).started() || !*broker(i).started()) return false;
    return true;
  }
  bool are_all_held() {
    for (int i = 0; i < 3; ++i)
      if (!broker(i).is_made() || !broker(i).node().why_held()) return false;
    return true;
  }
  wire::AcceptStoreResponse accept(bool validate_only = false) {
    wire::AcceptStoreRequest request{.validate_only = validate_only};
    for (int i = 0; i < 3; ++i)
      if (broker(i).is_made()) request.asked.push_back(ask(i, wire::StoreStatusRequest{}, 0).holdings);
    return ask(0, request, 0);
  }
  void expect_all_is_there() {
    EXPECT_TRUE(until([&] { return is_in_sync("kept"); }));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(log_end("kept", i), 4) << i + 1;
    EXPECT_GT(partition("kept", 0).leader_epoch, epoch_);
    EXPECT_GT(next_producer_id(), producer_id_);
    EXPECT_EQ(image(0).find_topic(std::string_view("later")), nullptr);
    EXPECT_EQ(produce("kept"), ErrorCode::kNone);
    create("later");
    EXPECT_EQ(produce("later"), ErrorCode::kNone);
  }

  sim::Cluster cluster_;
  sim::Machine* client_ = nullptr;
  std::shared_ptr<const sim::ModelMetadata::Copy> earlier_;
  std::int64_t producer_id_ = 0;
  LeaderEpoch epoch_;
};

TEST_F(AcceptedStore, BrokersThatStartWaitAndSayWhy) {
  kill_all();
  store().go_back(*earlier_);
  begin_all();
  ASSERT_TRUE(until([&] { return are_all_held(); }));
  cluster_.world().run_for(30s);
  EXPECT_TRUE(are_all_held());
  const auto status = ask(1, wire::StoreStatusRequest{}, 0);
  EXPECT_TRUE(status.holdings.is_holding);
  EXPECT_NE(status.message.value_or("").find("is not the one that this broker knew"), std::string::npos);
  EXPECT_EQ(status.holdings.topics.size(), 2U);
  EXPECT_EQ(ask(1, wire::DescribeClusterRequest{}, 0).brokers.at(0).broker_id, 2);
  wire::MetadataRequest named;
  named.topics.emplace().emplace_back().name = "kept";
  EXPECT_EQ(ask(1, named, 9).topics.at(0).error_code, ErrorCode::kLeaderNotAvailable);
}

TEST_F(AcceptedStore, TheRightOneLetsThemGoOnByThemselves) {
  kill_all();
  const auto newest = store().copy();
  store().go_back(*earlier_);
  begin_all();
  ASSERT_TRUE(until([&] { return are_all_held(); }));
  store().go_back(*newest);
  ASSERT_TRUE(until([&] { return have_all_started(); }));
  EXPECT_TRUE(until([&] { return is_in_sync("kept") && is_in_sync("later"); }));
  EXPECT_EQ(log_end("kept", 0), 4);
}

TEST_F(AcceptedStore, OneThatHasGrownPastWhatWasSeenIsNotTakenForTheSame) {
  const auto then = store().copy();
  broker(0).kill();
  ASSERT_TRUE(until([&] { return leader("kept", 1) > 0; }));
  ASSERT_TRUE(broker(0).start());
  ASSERT_TRUE(until([&] { return is_in_sync("kept"); }));
  cluster_.world().run_for(3s);  // what others changed is remembered, too
  const cluster::Revision seen = image(0).revision();
  kill_all();
  store().go_back(*then);
  const auto somebody = store().connect(client_->shard(0));
  for (std::uint8_t i = 1; image_revision(*somebody) <= seen; ++i) {
    meta::Transaction other{.compares = {}, .ops = {meta::Op::put("foreign", std::string(1, 'x'))}, .write_id = {i}};
    ASSERT_TRUE(cluster_.world().run(*client_, somebody->transact(std::move(other)), 1min));
  }
  begin_all();
  ASSERT_TRUE(until([&] { return are_all_held(); }));
  for (int i = 0; i < 3; ++i)
    EXPECT_NE(broker(i).node().why_held()->find("has another history"), std::string::npos)
        << *broker(i).node().why_held();
}

TEST_F(AcceptedStore, ThoseThatWaitGoOnWithWhatIsAccepted) {
  kill_all();
  store().go_back(*earlier_);
  begin_all();
  ASSERT_TRUE(until([&] { return are_all_held(); }));
  const auto planned = accept(true);
  EXPECT_EQ(planned.error_code, ErrorCode::kNone) << planned.error_message.value_or("");
  ASSERT_EQ(planned.topics.size(), 1U);
  EXPECT_EQ(planned.topics[0].name, "later");
  EXPECT_TRUE(are_all_held());
  EXPECT_EQ(accept().error_code, ErrorCode::kNone);
  ASSERT_TRUE(until([&] { return have_all_started(); }));
  expect_all_is_there();
  EXPECT_NE(accept().error_code, ErrorCode::kNone) << "nobody waits any more";
  kill_all();
  begin_all();
  EXPECT_TRUE(until([&] { return have_all_started(); }));
}

TEST_F(AcceptedStore, ThoseThatRunGoOnWithWhatIsAccepted) {
  store().go_back(*earlier_);
  cluster_.world().run_for(15s);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(i, wire::StoreStatusRequest{}, 0).holdings.is_holding);
  EXPECT_EQ(accept().error_code, ErrorCode::kNone);
  EXPECT_TRUE(until([&] { return image(0).find_topic(std::string_view("later")) == nullptr; }));
  expect_all_is_there();
}

TEST_F(AcceptedStore, AnAcceptanceIsFollowedOnce) {
  kill_all();
  store().go_back(*earlier_);
  begin_all();
  ASSERT_TRUE(until([&] { return are_all_held(); }));
  EXPECT_EQ(accept().error_code, ErrorCode::kNone);
  const auto accepted = store().copy();
  ASSERT_TRUE(until([&] { return have_all_started(); }));
  ASSERT_TRUE(until([&] { return is_in_sync("kept"); }));
  EXPECT_EQ(produce("kept"), ErrorCode::kNone);
  create("another");
  kill_all();
  store().go_back(*accepted);
  begin_all();
  EXPECT_TRUE(until([&] { return are_all_held(); }));
  cluster_.world().run_for(10s);
  EXPECT_TRUE(are_all_held());
}

TEST_F(AcceptedStore, OneThatWasLeftOutWaitsAndThenCopiesWhatTheOthersHave) {
  kill_all();
  store().go_back(*earlier_);
  broker(0).begin_start();
  broker(1).begin_start();
  ASSERT_TRUE(until([&] { return broker(0).node().why_held() && broker(1).node().why_held(); }));
  wire::AcceptStoreRequest request;
  for (const int i : {0, 1}) request.asked.push_back(ask(i, wire::StoreStatusRequest{}, 0).holdings);
  const auto refused = ask(0, request, 0);
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(refused.unasked, std::vector<std::int32_t>{3});
  request.left_out = {3};
  EXPECT_EQ(ask(0, request, 0).error_code, ErrorCode::kNone);
  ASSERT_TRUE(until([&] { return broker(0).started() && broker(1).started(); }));
  ASSERT_TRUE(until([&] { return partition("kept", 0).isr.size() == 2 && partition("kept", 1).isr.size() == 2; }));
  EXPECT_EQ(produce("kept"), ErrorCode::kNone);
  broker(2).begin_start();
  ASSERT_TRUE(until([&] { return broker(2).node().why_held().has_value(); }));
  wire::AcceptStoreRequest second;
  for (const int i : {0, 1, 2}) second.asked.push_back(ask(i, wire::StoreStatusRequest{}, 0).holdings);
  EXPECT_NE(ask(0, second, 0).error_code, ErrorCode::kNone) << "that one follows the store";
  EXPECT_EQ(ask(2, second, 0).error_code, ErrorCode::kNone);
  ASSERT_TRUE(until([&] { return have_all_started() && is_in_sync("kept"); }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(log_end("kept", i), 5) << i + 1;
}

}  // namespace
}  // namespace mq::broker
