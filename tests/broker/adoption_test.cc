// A broker that was alone becomes the first member of a cluster, with all that it has.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/producer_ids.h"
#include "broker/topics.h"
#include "broker_fixture.h"
#include "cluster/keys.h"
#include "env/files.h"
#include "refused_start.h"

namespace mq::broker {
namespace {

constexpr const char* kMeta = "/var/lib/mq/meta.properties";
constexpr const char* kOwnStore = "/var/lib/mq/metadata.db";

class AdoptionTest : public ::testing::Test {
 protected:
  /// The first of `brokers` is alone, and has topics with records, for a start.
  void make(std::uint64_t seed = 7, int topics = 2) {
    cluster_ = std::make_unique<sim::Cluster>(
        seed, sim::ClusterOptions{.brokers = 3, .store = sim::Store::model, .configure = [](NodeConfig& config) {
                                    config.offsets_partitions = 3;
                                  }});
    client_ = &cluster_->add_client("client");
    broker().is_alone = true;
    const auto started = broker().start();
    ASSERT_TRUE(started) << started.error().message;
    for (int i = 0; i < topics; ++i) create("t" + std::to_string(i), {{"mq.flush", i % 2 == 0 ? "ack" : "async"}});
    produce("t0", 5);
    produce("t1", 7);
    producer_id_ = next_producer_id();
    before_ = metadata();
    cluster_id_ = broker().node().cluster_id();
  }
  void make_stopped(std::uint64_t seed = 7, int topics = 2) {
    make(seed, topics);
    ASSERT_TRUE(broker().stop());
    begin_to_adopt();
  }
  void begin_to_adopt() {
    broker().is_alone = false;
    broker().config.adopt = true;
  }

  [[nodiscard]] sim::Broker& broker(int index = 0) { return cluster_->broker(index); }
  [[nodiscard]] const cluster::ClusterImage& image(int index = 0) {
    return *broker(index).node().first_shard().image();
  }
  void create(std::string name, std::map<std::string, std::string> configs) {
    std::vector<NewTopic> wanted(1);
    wanted.front() = {.name = std::move(name), .partitions = 2, .replicas = -1, .configs = std::move(configs)};
    const auto outcomes =
        cluster_->world().run(broker().machine(), broker().node().topics().create(std::move(wanted), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
  }
  void produce(const std::string& topic, int batches, int at = 0) {
    const ErrorCode error = cluster_->world().run(
        *client_,
        [](sim::Machine& client, std::string to, int count, int leader) -> awaitable<ErrorCode> {
          auto peer = co_await testing::Peer::connect(client, leader);
          const std::string batch = testing::make_batch({});
          ErrorCode first = ErrorCode::kNone;
          for (int i = 0; i < count; ++i) {
            const auto answer = co_await peer->call(testing::produce_request(to, 0, batch), testing::kProduceVersion);
            if (first == ErrorCode::kNone) first = testing::only_row(answer).error_code;
          }
          peer->close();
          co_return first;
        }(*client_, topic, batches, at),
        1min);
    EXPECT_EQ(error, ErrorCode::kNone);
  }
  std::int64_t next_producer_id() {
    return cluster_->world().run(broker().machine(), broker().node().producer_ids().next(), 1min).value().value();
  }
  [[nodiscard]] std::int64_t end_of(const std::string& topic) {
    const cluster::Topic& known = *image().find_topic(std::string_view(topic));
    return broker().node().owner_of(known.id, 0).find(known.id, 0)->log().log_end().value();
  }
  /// Of each topic what stays.
  [[nodiscard]] std::map<std::string, std::pair<Uuid, cluster::ConfigMap>> metadata() {
    std::map<std::string, std::pair<Uuid, cluster::ConfigMap>> found;
    for (const cluster::TopicPtr& topic : image().topics()) found[topic->name] = {topic->id, topic->configs};
    return found;
  }
  bool is_there(const std::string& path) { return broker().machine().files().exists(path).value_or(false); }

  Error refused(int index = 0) { return error_of_start(broker(index)); }

  /// It runs, and everything is as it was.
  void expect_adopted() {
    EXPECT_EQ(broker().node().id(), BrokerId{1});
    EXPECT_EQ(broker().node().cluster_id(), cluster_id_);
    EXPECT_EQ(metadata(), before_);
    ASSERT_TRUE(until_led());
    for (const cluster::TopicPtr& topic : image().topics())
      for (const cluster::Partition& partition : topic->partitions) {
        EXPECT_GT(partition.leader_epoch, LeaderEpoch{0}) << "of another incarnation than the one alone";
        EXPECT_EQ(partition.replicas, std::vector{BrokerId{1}});
      }
    EXPECT_EQ(end_of("t0"), 5);
    EXPECT_EQ(end_of("t1"), 7);
    EXPECT_FALSE(image().adoption());
    EXPECT_FALSE(is_there(kOwnStore));
    EXPECT_TRUE(is_there(std::string(kOwnStore) + ".adopted"));
    EXPECT_GT(next_producer_id(), producer_id_);
  }
  bool until_led() {
    return cluster_->world().run_until(
        [&] {
          for (const cluster::TopicPtr& topic : image().topics())
            for (const cluster::Partition& partition : topic->partitions)
              if (partition.leader != BrokerId{1} ||
                  partition.leader_broker_epoch != image().find_broker(BrokerId{1})->epoch)
                return false;
          return true;
        },
        20s);
  }

  std::unique_ptr<sim::Cluster> cluster_;
  sim::Machine* client_ = nullptr;
  std::map<std::string, std::pair<Uuid, cluster::ConfigMap>> before_;
  Uuid cluster_id_;
  std::int64_t producer_id_ = 0;
};

TEST_F(AdoptionTest, EverythingIsThereAndGoesOn) {
  make_stopped();
  const auto started = broker().start();
  ASSERT_TRUE(started) << started.error().message;
  expect_adopted();
  produce("t0", 3);
  EXPECT_EQ(end_of("t0"), 8);
  // Who joins gets an id above it, and nobody gets its.
  broker(1).config.node_id = kNoBroker;
  const auto joined = broker(1).start();
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(broker(1).node().id(), BrokerId{2});
}

TEST_F(AdoptionTest, AnotherStartWithTheOptionChangesNothing) {
  make_stopped();
  ASSERT_TRUE(broker().start());
  ASSERT_TRUE(broker().stop());
  const auto again = broker().start();
  ASSERT_TRUE(again) << again.error().message;
  expect_adopted();
  ASSERT_TRUE(broker().stop());
  broker().config.adopt = false;
  ASSERT_TRUE(broker().start());
  expect_adopted();
}

TEST_F(AdoptionTest, AfterAnUncleanStopToo) {
  make();
  broker().kill();
  begin_to_adopt();
  const auto started = broker().start();
  ASSERT_TRUE(started) << started.error().message;
  expect_adopted();
}

TEST_F(AdoptionTest, TopicsOfTheDefaultFactorGrowWhenOthersJoin) {
  make_stopped();
  ASSERT_TRUE(broker().start());
  for (int index = 1; index < 3; ++index) ASSERT_TRUE(broker(index).start());
  const auto is_full = [&] {
    for (const cluster::TopicPtr& topic : image().topics())
      for (const cluster::Partition& partition : topic->partitions)
        if (partition.isr.size() != 3) return false;
    return true;
  };
  ASSERT_TRUE(cluster_->world().run_until(is_full, 60s));
  broker().kill();
  const auto is_led = [&] {
    for (const cluster::Partition& partition : image(1).find_topic("t0")->partitions)
      if (partition.leader == kNoBroker || partition.leader == BrokerId{1}) return false;
    return true;
  };
  ASSERT_TRUE(cluster_->world().run_until(is_led, 10s));
  const cluster::Topic& known = *image(1).find_topic("t0");
  for (int index = 1; index < 3; ++index)
    EXPECT_EQ(broker(index).node().owner_of(known.id, 0).find(known.id, 0)->log().log_end(), Offset{5});
}

/// The power goes, or the process, at any moment of the start that adopts.
class CutAdoption : public AdoptionTest {
 protected:
  void cut_everywhere(const std::function<void()>& go_on) {
    make_stopped();
    const Instant begun = cluster_->world().now();
    ASSERT_TRUE(broker().start());
    const Duration whole = cluster_->world().now() - begun;
    constexpr int kCuts = 60;
    for (int cut = 1; cut < kCuts; ++cut) {
      SCOPED_TRACE(cut);
      make_stopped(static_cast<std::uint64_t>(cut), 40);
      if (HasFatalFailure()) return;
      broker().begin_start();
      cluster_->world().run_for(whole * cut / kCuts);
      if (cut % 2 == 0) {
        broker().kill();
      } else {
        broker().lose_power();
      }
      go_on();
      if (HasFailure()) return;
    }
  }
};

TEST_F(CutAdoption, IsGoneOnWithByTheSameStart) {
  cut_everywhere([&] {
    const auto started = broker().start();
    ASSERT_TRUE(started) << started.error().message;
    expect_adopted();
  });
}

TEST_F(CutAdoption, TheBrokerIsAloneOrAMemberAndNeverBoth) {
  int alone = 0;
  int refused_alone = 0;
  cut_everywhere([&] {
    broker().is_alone = true;
    broker().config.adopt = false;
    if (const auto started = broker().start()) {
      ++alone;
      EXPECT_EQ(metadata(), before_);
      create("made-meanwhile", {});
      before_ = metadata();
      ASSERT_TRUE(broker().stop());
    } else {
      ++refused_alone;
      expect_refused(started.error(), "start it with --meta");
      broker().stop();
    }
    begin_to_adopt();
    const auto started = broker().start();
    ASSERT_TRUE(started) << started.error().message;
    expect_adopted();
  });
  EXPECT_GT(alone, 0);
  EXPECT_GT(refused_alone, 0);
}

TEST_F(CutAdoption, ToldWithoutTheOptionHowToGoOn) {
  int cut_off = 0;
  cut_everywhere([&] {
    broker().config.adopt = false;
    if (const auto started = broker().start(); !started) {
      ++cut_off;
      expect_refused(started.error(), "--adopt");
    }
    broker().stop();
    broker().config.adopt = true;
    ASSERT_TRUE(broker().start());
    expect_adopted();
  });
  EXPECT_GT(cut_off, 0);
}

TEST_F(AdoptionTest, AStoreThatLosesAnswersIsAskedUntilItIsDone) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    make_stopped(seed, 60);
    cluster_->model_store().set_trouble({.lost_request_one_in = 12, .lost_answer_one_in = 12, .late_one_in = 12}, seed);
    auto started = broker().start();
    cluster_->model_store().set_trouble({}, seed);
    if (!started) broker().stop();
    if (!started) started = broker().start();
    ASSERT_TRUE(started) << started.error().message;
    expect_adopted();
  }
}

TEST_F(AdoptionTest, WhoJoinsMeanwhileWaitsUntilItIsDone) {
  int faster = 0;
  int waited = 0;
  for (int step = 0; step < 20; ++step) {
    SCOPED_TRACE(step);
    make_stopped(static_cast<std::uint64_t>(step + 1), 40);
    broker().begin_start();
    cluster_->world().run_for(step * 5ms);
    const bool is_done = broker().started().has_value();
    broker(1).config.node_id = kNoBroker;
    broker(1).begin_start();
    ASSERT_TRUE(cluster_->world().run_until(
        [&] { return broker().started().has_value() && broker(1).started().has_value(); }, 1min));
    ASSERT_TRUE(*broker(1).started()) << broker(1).started()->error().message;
    if (!*broker().started()) {  // the other one has made a cluster before
      ++faster;
      expect_refused(broker().started()->error(), "is there already");
      EXPECT_TRUE(is_there(kOwnStore));
      EXPECT_EQ(env::read_whole(broker().machine().files(), kMeta).value().find("mq.meta"), std::string::npos);
      continue;
    }
    if (!is_done) ++waited;
    EXPECT_EQ(broker(1).node().id(), BrokerId{2});
    EXPECT_EQ(broker(1).node().cluster_id(), cluster_id_);
  }
  EXPECT_GT(faster, 0);
  EXPECT_GT(waited, 0);
}

TEST_F(AdoptionTest, NothingToAdoptIsRefused) {
  make_stopped();
  broker(1).config.adopt = true;
  expect_refused(refused(1), "has nothing to adopt");
}

TEST_F(AdoptionTest, AStoreInUseIsRefusedAndTheBrokerGoesOnAlone) {
  make_stopped();
  ASSERT_TRUE(broker(1).start());
  expect_refused(refused(), "is there already");
  broker().is_alone = true;
  broker().config.adopt = false;
  ASSERT_TRUE(broker().start());
  EXPECT_EQ(metadata(), before_);
}

TEST_F(AdoptionTest, WithoutTheOptionItIsNamed) {
  make_stopped();
  broker().config.adopt = false;
  expect_refused(refused(), "--adopt");
}

TEST_F(AdoptionTest, AnotherIdIsRefused) {
  make_stopped();
  broker().config.node_id = BrokerId{9};
  expect_refused(refused(), "belongs to node 1, this is node 9");
}

TEST_F(AdoptionTest, AnOwnStoreThatWentBackIsRefused) {
  make();
  const std::string old = env::read_whole(broker().machine().files(), kOwnStore).value();
  ASSERT_TRUE(broker().stop());
  auto file = broker().machine().files().open(kOwnStore, env::OpenMode::create).value();
  ASSERT_TRUE(file->truncate(0));
  ASSERT_TRUE(file->write_at(0, old));
  ASSERT_TRUE(file->sync());
  begin_to_adopt();
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::corrupt) << error.message;
}

}  // namespace
}  // namespace mq::broker
