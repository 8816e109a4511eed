// The cluster as one shard knows it: what of a new image concerns its topics.

#include "broker/cluster_view.h"

#include "services_fixture.h"

namespace mq::broker {
namespace {

using Changed = std::vector<const cluster::Topic*>;

class View : public testing::ServicesTest {
 public:
  void SetUp() override {
    ServicesTest::SetUp();
    add_topic("u", 1);
    ids_ = {topic("t").id, topic("u").id};
    (void)install();
  }
  /// Returns which of "t" and "u" are not as they were.
  Changed install() { return view().install(std::make_shared<const cluster::ClusterImage>(image_), ids_); }
  [[nodiscard]] ClusterView& view() const { return home().cluster(); }
  [[nodiscard]] const cluster::Topic& t() const { return *view().image()->find_topic(std::string_view("t")); }
  [[nodiscard]] const cluster::Topic& u() const { return *view().image()->find_topic(std::string_view("u")); }

 private:
  std::vector<Uuid> ids_;
};

TEST_F(View, HasAnImageFromTheBeginning) { EXPECT_EQ(node().shards().back()->image()->topics().size(), 0u); }

TEST_F(View, SettingsOfATopicAreResolvedOnce) {
  EXPECT_EQ(view().settings(t()), view().settings(t()));
  EXPECT_NE(view().settings(t()), view().settings(u()));
}

TEST_F(View, ATopicThatChangedIsNamedAndItsSettingsAreOthers) {
  (void)view().settings(t());
  const auto of_u = view().settings(u());
  image_ = image_.with_config("t", {{"max.message.bytes", "1234"}});
  EXPECT_EQ(install(), Changed{&t()});
  EXPECT_EQ(view().settings(t())->rules.batch_bytes_max, 1234u);
  EXPECT_EQ(view().settings(u()), of_u) << "nothing is resolved anew that did not change";
}

TEST_F(View, NothingChangesWithTheSameImage) {
  (void)view().settings(t());
  (void)view().settings(u());
  EXPECT_EQ(install(), Changed{});
}

TEST_F(View, OtherDefaultsChangeEveryTopic) {
  (void)view().settings(t());
  (void)view().settings(u());
  node().context().configs.set(config_);
  EXPECT_EQ(install(), (Changed{&t(), &u()}));
}

TEST_F(View, ADeletedTopicIsNotNamed) {
  (void)view().settings(u());
  image_ = image_.without_topic("t");
  EXPECT_EQ(install(), Changed{});
}

TEST_F(View, RulesForBatchesHaveTheTimeOfNow) {
  const WallMillis before = view().validation_rules(t()).now;
  world_.run_for(1s);
  EXPECT_EQ(view().validation_rules(t()).now, before + 1000);
}

}  // namespace
}  // namespace mq::broker
