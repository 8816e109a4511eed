#include "broker/metadata_follower.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "controller/cluster_plans.h"
#include "controller/topic_plans.h"
#include "keeper_fixture.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;
using controller::Plan;

/// A broker that follows the store, and somebody else who changes it.
class MetadataFollowerTest : public testing::NodeParts {
 public:
  MetadataFollowerTest() : clock_(world_.scheduler()), model_(clock_) {
    EXPECT_TRUE(open_directory());
    other_ = &connect();
    change(
        [](const ClusterImage& image) -> Result<Plan> { return controller::plan_cluster(image, Uuid{.bytes = {1}}); });
    change(
        [](const ClusterImage& image) -> Result<Plan> { return controller::plan_registration(image, {.id = kSelf}); });
    writer_ = &connect();
    logs_ = &machine_.make<LogKeeper>(*node_, *shards_);
    topics_ = &machine_.make<Topics>(*node_, *shards_, *writer_, *logs_);
    auto& peers = machine_.make<PeerWatch>(*node_, *writer_);
    auto& caretaker = machine_.make<Caretaker>(*node_, *writer_, peers);
    follower_ = &machine_.make<MetadataFollower>(*node_, *shards_, *writer_, *logs_, *topics_, caretaker);
    machine_.shard(0).post([this] { follower_->start(); });
  }
  ~MetadataFollowerTest() override { machine_.kill(); }

  MetadataWriter& connect() {
    auto& writer = machine_.make<MetadataWriter>(*node_, *shards_);
    writer.use(model_.connect(machine_.shard(0)));
    EXPECT_TRUE(run(writer.begin({})));
    return writer;
  }
  using Make = std::function<Result<Plan>(const ClusterImage&)>;
  /// By the other.
  void change(Make make) {
    const auto done = run([](MetadataWriter* writer, Make plan) -> awaitable<Result<void>> {
      co_return co_await writer->change(plan);
    }(other_, std::move(make)));
    ASSERT_TRUE(done) << done.error().message;
  }
  void create(const std::string& name, std::int32_t partitions) {
    change([&](const ClusterImage& image) -> Result<Plan> {
      const std::vector<NewTopic> wanted{{.name = name, .partitions = partitions}};
      auto creation = controller::plan_creation(image, wanted, kRules, [this] { return next_id(); });
      if (creation.parts.size() != 1) return fail(Errc::conflict, "{}", creation.outcomes.front().message);
      return std::move(creation.parts.front().plan);
    });
  }
  Uuid next_id() {
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(++last_id_);
    return id;
  }
  void pass(Duration time) { world_.run_for(time); }
  [[nodiscard]] std::vector<std::string> logs() const {
    std::vector<std::string> names;
    for (const auto& [name, log] : shards_->logs) names.push_back(name);
    return names;
  }
  [[nodiscard]] bool is_installed(std::string_view topic) const {
    return !shards_->images.empty() && shards_->images.back()->find_topic(topic) != nullptr;
  }

  static inline const controller::Rules kRules{.self = kSelf};
  sim::Clock clock_;
  sim::ModelMetadata model_;
  MetadataWriter* other_ = nullptr;
  MetadataWriter* writer_ = nullptr;
  LogKeeper* logs_ = nullptr;
  Topics* topics_ = nullptr;
  MetadataFollower* follower_ = nullptr;
  int last_id_ = 0;
};

using Names = std::vector<std::string>;

TEST_F(MetadataFollowerTest, LogsOfATopicThatOthersMakeAreMade) {
  create("t", 2);
  pass(1s);
  EXPECT_EQ(logs(), (Names{"t-0", "t-1"}));
  EXPECT_TRUE(is_installed("t"));
}

TEST_F(MetadataFollowerTest, PartitionsThatOthersAddAreMade) {
  create("t", 1);
  pass(1s);
  change([](const ClusterImage& image) -> Result<Plan> {
    return controller::plan_growth(image, "t", 3, std::nullopt, kRules).plan;
  });
  pass(1s);
  EXPECT_EQ(logs(), (Names{"t-0", "t-1", "t-2"}));
}

TEST_F(MetadataFollowerTest, LogsOfATopicThatOthersDeleteGo) {
  create("t", 1);
  create("u", 1);
  pass(1s);
  change([](const ClusterImage& image) -> Result<Plan> {
    return controller::plan_deletion(image, "t", Uuid{}, kRules).plan;
  });
  pass(1s);
  EXPECT_EQ(logs(), Names{"u-0"});
  EXPECT_EQ(shards_->deleted, Names{"t"});
  EXPECT_EQ(shards_->gone, Names{"t"});
  EXPECT_FALSE(is_installed("t"));
  EXPECT_TRUE(writer_->image()->tombstones().empty()) << "nothing is left of it here";
}

TEST_F(MetadataFollowerTest, ALogThatCannotBeMadeNowIsMadeLater) {
  machine_.disk().inject({.on = sim::DiskFault::On::open, .times = -1, .code = Errc::too_many_files});
  create("t", 1);
  pass(1s);
  EXPECT_EQ(logs(), Names{});
  machine_.disk().clear_faults();
  pass(1min);
  EXPECT_EQ(logs(), Names{"t-0"});
}

TEST_F(MetadataFollowerTest, AChangeThatTheStoreForgotToTellIsFound) {
  model_.set_trouble({.forgotten_one_in = 1}, 1);
  create("t", 1);
  pass(1min);
  EXPECT_EQ(logs(), Names{"t-0"});
}

TEST_F(MetadataFollowerTest, AStopLeavesNothingInProgress) {
  create("t", 1);
  node_->life.begin_stop();
  run([](MetadataFollower* follower, meta::MetadataStore* store) -> awaitable<bool> {
    co_await follower->stop();
    (void)co_await store->close();
    co_await follower->join();
    co_return true;
  }(follower_, &writer_->store()));
}

}  // namespace
}  // namespace mq::broker
