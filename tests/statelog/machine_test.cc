#include "statelog/machine.h"

#include <gtest/gtest.h>

#include <string>

namespace mq::statelog {
namespace {

/// Notes which of its functions are called.
class Noting final : public Machine<std::string> {
 public:
  void check_invariants() const override {}
  using Machine::not_serving;
  std::string calls;

 private:
  Replayed take(BytesView, std::optional<BytesView>) override {
    calls += "take ";
    return Replayed::kTaken;
  }
  Effects loaded(Time) override {
    calls += "loaded ";
    return {};
  }
  Effects appended(AppendToken, ErrorCode, Time) override {
    calls += "appended ";
    return {};
  }
  Effects image_changed(const ImageChange&, Time) override {
    calls += "image ";
    return {};
  }
  Instant first_deadline() const override { return Instant{1s}; }
  Effects time_passed(Time) override {
    calls += "time ";
    return {};
  }
  Effects end_requests() override {
    calls += "end ";
    return {.appends = {Append{}}, .answers = {{RequestToken{1}, "bye"}}};
  }
  void forget() override { calls += "forget "; }
};

void tell_everything(Noting& machine) {
  EXPECT_TRUE(machine.on_appended(AppendToken{1}, ErrorCode::kNone, {}).answers.empty());
  EXPECT_TRUE(machine.on_image_changed({}, {}).answers.empty());
  EXPECT_TRUE(machine.on_time({}).answers.empty());
}

TEST(Machine, HearsOfNothingBeforeItIsLoaded) {
  Noting machine;
  tell_everything(machine);
  EXPECT_EQ(machine.calls, "");
  EXPECT_EQ(machine.next_deadline(), Instant::never());
  EXPECT_EQ(machine.not_serving(), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(machine.replay("key", std::nullopt), Noting::Replayed::kTaken);
  EXPECT_TRUE(machine.finish_loading({}).answers.empty());
  EXPECT_EQ(machine.calls, "take loaded ");
}

TEST(Machine, HearsOfEverythingWhileItServes) {
  Noting machine;
  (void)machine.finish_loading({});
  machine.calls.clear();
  tell_everything(machine);
  EXPECT_EQ(machine.calls, "appended image time ");
  EXPECT_EQ(machine.next_deadline(), Instant{1s});
  EXPECT_EQ(machine.not_serving(), std::nullopt);
}

TEST(Machine, AnswersWhoWaitsWhenItIsUnloadedAndAppendsNothing) {
  Noting machine;
  (void)machine.finish_loading({});
  const auto effects = machine.unload();
  EXPECT_TRUE(effects.appends.empty());
  ASSERT_EQ(effects.answers.size(), 1u);
  machine.calls.clear();
  tell_everything(machine);
  EXPECT_EQ(machine.calls, "");
  EXPECT_EQ(machine.next_deadline(), Instant::never());
  EXPECT_EQ(machine.not_serving(), ErrorCode::kNotCoordinator);
}

TEST(Machine, OneThatIsUnloadedAmidItsLoadOwesNoAnswer) {
  Noting machine;
  EXPECT_EQ(machine.replay("key", std::nullopt), Noting::Replayed::kTaken);
  EXPECT_TRUE(machine.unload().answers.empty());
  EXPECT_EQ(machine.calls, "take forget ");
  EXPECT_EQ(machine.not_serving(), ErrorCode::kNotCoordinator);
}

}  // namespace
}  // namespace mq::statelog
