// A host with a machine so small that all of it can be seen, on a partition of a broker.

#include "broker/state_host.h"

#include <deque>
#include <string>
#include <vector>

#include "broker_fixture.h"
#include "statelog/pending_appends.h"

namespace mq::broker {
namespace {

/// Keeps texts by names. A request sets one and is answered with "set" once that is committed; others ask to be woken.
class Texts final : public statelog::Machine<std::string> {
 public:
  [[nodiscard]] Effects set(statelog::RequestToken token, std::string name, std::string text) {
    if (const auto error = not_serving()) return {.appends = {}, .answers = {{token, std::to_string(int(*error))}}};
    statelog::Append append{pending_.add({token, name, text}), {{name, text}}};
    return {.appends = {std::move(append)}, .answers = {}};
  }
  [[nodiscard]] Effects wake_at(statelog::RequestToken token, Instant when) {
    deadlines_.insert(when);
    return {.appends = {}, .answers = {{token, "noted"}}};
  }
  void check_invariants() const override {}

  std::map<std::string, std::string> texts;
  std::vector<std::pair<Instant, Instant>> woken = {};  ///< when it was to be, and when it was
  std::vector<std::string> deleted = {};

 private:
  struct Waiting {
    statelog::RequestToken token;
    std::string name;
    std::string text;
  };
  Replayed take(BytesView key, std::optional<BytesView> value) override {
    if (key == "unreadable") return Replayed::kUnreadable;
    texts[std::string(key)] = value.value_or("");
    return Replayed::kTaken;
  }
  Effects loaded(statelog::Time) override { return {}; }
  Effects appended(statelog::AppendToken token, ErrorCode error, statelog::Time) override {
    Effects effects;
    pending_.end(token, error);
    while (auto ended = pending_.next_ended()) {
      if (ended->error == ErrorCode::kNone) texts[ended->then.name] = ended->then.text;
      effects.answers.push_back({ended->then.token, ended->error == ErrorCode::kNone ? "set" : "failed"});
    }
    return effects;
  }
  Effects image_changed(const statelog::ImageChange& change, statelog::Time) override {
    for (const auto& topic : change.topics_deleted) deleted.push_back(topic.name);
    return {};
  }
  Instant first_deadline() const override { return deadlines_.empty() ? Instant::never() : *deadlines_.begin(); }
  Effects time_passed(statelog::Time time) override {
    while (!deadlines_.empty() && *deadlines_.begin() <= time.now) {
      woken.emplace_back(*deadlines_.begin(), time.now);
      deadlines_.erase(deadlines_.begin());
    }
    return {};
  }
  Effects end_requests() override {
    Effects effects;
    for (const Waiting& waiting : pending_.give_up())
      effects.answers.push_back({waiting.token, std::to_string(int(ErrorCode::kNotCoordinator))});
    return effects;
  }
  void forget() override { texts.clear(); }

  statelog::PendingAppends<Waiting> pending_;
  std::multiset<Instant> deadlines_;
};

const std::string kNotCoordinatorText = std::to_string(int(ErrorCode::kNotCoordinator));
const std::string kLoadingText = std::to_string(int(ErrorCode::kCoordinatorLoadInProgress));

/// A pool whose jobs wait until they are let go.
class HeldPool final : public env::Pool {
 public:
  explicit HeldPool(env::Pool& pool) : pool_(pool) {}
  void submit(std::move_only_function<void()> job) override {
    holds ? held_.push_back(std::move(job)) : pool_.submit(std::move(job));
  }
  void let_go() {
    holds = false;
    for (auto& job : std::exchange(held_, {})) pool_.submit(std::move(job));
  }
  bool holds = false;

 private:
  env::Pool& pool_;
  std::deque<std::move_only_function<void()>> held_;
};

class StateHostTest : public testing::BrokerTest {
 protected:
  using Host = StateHost<Texts>;

  void SetUp() override {
    start({}, 1, 1);
    create_topic("state", 1, {{"mq.flush", "ack"}});
    make_host();
  }
  env::Pool& disk_pool() override {
    pool_ = &machine_->make<HeldPool>(machine_->pool());
    return *pool_;
  }

  [[nodiscard]] env::Shard& shard() { return machine_->shard(0); }
  [[nodiscard]] Partition& log() { return partition("state", 0); }
  /// Something that happens on the partition's shard.
  void on_shard(std::function<void()> what) {
    shard().post(std::move(what));
    world_->run_for(1ms);
  }
  /// One that reads what the partition has.
  void make_host() {
    on_shard([this] {
      host_ = std::make_shared<Host>(log().shared_from_this(), "texts", [] { return std::make_unique<Texts>(); });
      host_->start();
    });
  }
  void ask(Host::Ask ask, Host::Told told = [](const std::string&) {}) {
    on_shard([this, ask = std::make_shared<Host::Ask>(std::move(ask)),
              told = std::make_shared<Host::Told>(std::move(told))] { host_->ask(std::move(*ask), std::move(*told)); });
  }
  void set(std::string name, std::string text) {
    ask([name, text](Texts& texts, statelog::RequestToken token,
                     statelog::Time) { return texts.set(token, name, text); },
        [this](std::string answer) {
          high_watermarks_.push_back(log().high_watermark());
          answers_.push_back(std::move(answer));
        });
  }
  void wake_at(Instant when) {
    ask([when](Texts& texts, statelog::RequestToken token, statelog::Time) { return texts.wake_at(token, when); });
  }
  void write(std::string key, std::string value) {
    on_shard([this, key, value] {
      record::BatchBuilder builder;
      builder.add(1'700'000'000'000, BytesView(key), BytesView(value));
      std::string batch = builder.finish().value();
      EXPECT_TRUE(log().append(batch.data(), {.header = record::parse_header(batch).value(), .max_timestamp = 0}));
    });
  }
  void step_down() {
    on_shard([this] { host_->step_down(); });
  }
  [[nodiscard]] const Texts& texts() const { return host_->machine(); }

  HeldPool* pool_ = nullptr;
  std::shared_ptr<Host> host_;
  std::vector<std::string> answers_;
  std::vector<Offset> high_watermarks_;  ///< when each came
};

using Answers = std::vector<std::string>;

TEST_F(StateHostTest, AnswersNobodyBeforeTheHighWatermarkHasCome) {
  pool_->holds = true;  // the sync does not begin
  set("a", "1");
  set("b", "2");
  world_->run_for(10s);
  EXPECT_EQ(answers_, Answers{});
  EXPECT_TRUE(texts().texts.empty()) << "nobody sees what is not committed";
  pool_->let_go();
  world_->run_for(1s);
  EXPECT_EQ(answers_, (Answers{"set", "set"}));
  EXPECT_EQ(texts().texts.at("b"), "2");
  EXPECT_GE(high_watermarks_.at(0), Offset{1});
  EXPECT_GE(high_watermarks_.at(1), Offset{2});
}

TEST_F(StateHostTest, StepDownAmidAnAppendTellsTheWaiterAndAppliesNothing) {
  pool_->holds = true;
  set("a", "1");
  step_down();
  EXPECT_EQ(answers_, Answers{kNotCoordinatorText});
  pool_->let_go();
  world_->run_for(1s);
  EXPECT_EQ(log().high_watermark(), Offset{1});
  EXPECT_EQ(answers_, Answers{kNotCoordinatorText}) << "nobody is answered twice";
  EXPECT_TRUE(texts().texts.empty());
  set("b", "2");
  EXPECT_EQ(answers_.back(), kNotCoordinatorText);
  EXPECT_EQ(log().log().log_end(), Offset{1});
}

TEST_F(StateHostTest, WhatWasAppendedInAnEarlierOfficeIsReadByTheNext) {
  pool_->holds = true;
  set("a", "1");
  step_down();
  pool_->let_go();
  make_host();
  world_->run_for(1s);
  EXPECT_EQ(texts().texts.at("a"), "1");
  set("b", "2");
  world_->run_for(1s);
  EXPECT_EQ(answers_.back(), "set");
}

TEST_F(StateHostTest, NothingIsAppendedInALeaderEpochThatItWasNotToldOf) {
  on_shard([this] {
    cluster::Partition key = *node_->first_shard().image()->find_topic(log().topic_id())->find_partition(0);
    key.leader_epoch = LeaderEpoch{log().leader_epoch().value() + 1};
    ++key.partition_epoch;
    log().image_changed(key);
  });
  EXPECT_NE(host_->epoch(), log().leader_epoch());
  set("a", "1");
  world_->run_for(1s);
  EXPECT_EQ(answers_, Answers{"failed"});
  EXPECT_EQ(log().log().log_end(), Offset{0});
  on_shard([this] { host_->lead_in(log().leader_epoch()); });
  set("a", "2");
  world_->run_for(1s);
  EXPECT_EQ(answers_.back(), "set") << "it stayed in office";
}

TEST_F(StateHostTest, WhileItLoadsSomebodyWithoutStateAnswers) {
  write("a", "1");
  world_->run_for(1s);
  pool_->holds = true;
  make_host();
  set("b", "2");
  EXPECT_EQ(answers_, Answers{kLoadingText});
  EXPECT_TRUE(texts().texts.empty());
  pool_->let_go();
  world_->run_for(1s);
  EXPECT_EQ(texts().texts.at("a"), "1");
}

TEST_F(StateHostTest, TopicsThatGoWhileItLoadsAreToldWhenItIsInOffice) {
  write("a", "1");
  pool_->holds = true;
  make_host();
  on_shard([this] { host_->image_changed({.topics_deleted = {{.id = {}, .name = "t"}, {.id = {}, .name = "u"}}}); });
  pool_->let_go();
  world_->run_for(1s);
  on_shard([this] { host_->image_changed({.topics_deleted = {{.id = {}, .name = "v"}}}); });
  EXPECT_EQ(texts().deleted, (Answers{"t", "u", "v"}));
}

TEST_F(StateHostTest, ALoadThatFailsForNowIsTriedAgain) {
  write("a", "1");
  world_->run_for(1s);
  restart([this](env::Files&) {
    machine_->disk().inject({.on = sim::DiskFault::On::open,
                             .path_part = "state-0/00000000000000000000.log",
                             .times = 2,
                             .code = Errc::too_many_files});
  });
  make_host();
  world_->run_for(500ms);
  set("b", "2");
  EXPECT_EQ(answers_, Answers{kLoadingText});
  EXPECT_TRUE(logged("its texts are not served yet, since they cannot be read"));
  world_->run_for(10s);
  EXPECT_EQ(texts().texts.at("a"), "1");
}

TEST_F(StateHostTest, ARecordThatCannotBeReadKeepsItOutOfOffice) {
  write("a", "1");
  write("unreadable", "");
  make_host();
  world_->run_for(10min);
  set("b", "2");
  EXPECT_EQ(answers_, Answers{kLoadingText});
  EXPECT_TRUE(texts().texts.empty()) << "half of the state is none";
  EXPECT_TRUE(logged("its texts cannot be loaded and are not served"));
}

TEST_F(StateHostTest, StepDownAmidALoadEndsIt) {
  write("a", "1");
  world_->run_for(1s);
  pool_->holds = true;
  make_host();
  step_down();
  set("b", "2");
  EXPECT_EQ(answers_, Answers{kNotCoordinatorText});
  pool_->let_go();
  world_->run_for(1s);
  EXPECT_TRUE(texts().texts.empty());
  EXPECT_EQ(host_.use_count(), 1) << "nothing of it runs any more";
}

TEST_F(StateHostTest, TheMachineIsWokenAtItsTimesInTheirOrder) {
  const Instant now = shard().now();
  // The second one moves the clock forward, the third is far behind.
  for (const Duration after : {Duration(5s), Duration(2s), Duration(1h)}) wake_at(now + after);
  world_->run_for(6s);
  ASSERT_EQ(texts().woken.size(), 2u);
  EXPECT_EQ(texts().woken[0].first, now + 2s);
  EXPECT_EQ(texts().woken[1].first, now + 5s);
  world_->run_for(2h);
  ASSERT_EQ(texts().woken.size(), 3u);
  for (const auto& [wanted, came] : texts().woken) {
    EXPECT_GE(came, wanted);
    EXPECT_LT(came, wanted + 10ms);
  }
}

TEST_F(StateHostTest, NobodyIsWokenAfterAStepDown) {
  wake_at(shard().now() + 5s);
  step_down();
  world_->run_for(10s);
  EXPECT_TRUE(texts().woken.empty());
  EXPECT_EQ(host_.use_count(), 1);
}

TEST_F(StateHostTest, WhoAsksForTheAppendsUntilNowHearsAfterTheMachineDid) {
  pool_->holds = true;
  set("a", "1");
  std::string seen = "nothing";
  on_shard([this, &seen] {
    host_->after_appends([this, &seen] { seen = texts().texts.contains("a") ? "a" : "too early"; });
  });
  EXPECT_EQ(seen, "nothing");
  pool_->let_go();
  world_->run_for(1s);
  EXPECT_EQ(seen, "a");
}

}  // namespace
}  // namespace mq::broker
