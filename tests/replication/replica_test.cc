#include "replication/replica.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace mq::replication {
namespace {

constexpr Awaited kNobody{};
constexpr Awaited kReader{.readable = true};
constexpr Awaited kFlush{.synced = true};
constexpr bool kUnsynced = true;
constexpr bool kAllSynced = false;
constexpr BrokerId kFirst{2};
constexpr BrokerId kSecond{3};

Ends ends(int synced, int written, int log_end) { return {Offset{synced}, Offset{written}, Offset{log_end}}; }
Ends ends(int synced, int written) { return ends(synced, written, written); }

TEST(Replica, OnAFlushAckTopicTheDiskIsTheHighWatermark) {
  Replica replica(ends(10, 10), FlushClass::ack);
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  EXPECT_FALSE(replica.written(ends(10, 15), kUnsynced, kNobody).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{10});
  replica.sync_began();
  EXPECT_TRUE(replica.sync_ended(ends(15, 15)).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
}

TEST(Replica, OnAnAsyncTopicThePageCacheIs) {
  Replica replica(ends(10, 10), FlushClass::async);
  EXPECT_TRUE(replica.written(ends(10, 15, 20), kUnsynced, kNobody).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
}

TEST(Replica, WhoWaitsHasItSyncedAtOnceAndNobodyWithinTheLazyRound) {
  Replica replica(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kNobody).sync, Sync::soon);
  EXPECT_EQ(replica.written(ends(0, 2), kUnsynced, kNobody).sync, Sync::none) << "the round takes it along";
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::now) << "somebody came to wait before the round";
  replica.sync_began();
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::none) << "the round finds nothing left to do";

  for (const Awaited awaited : {kReader, kFlush}) {
    Replica another(ends(0, 0), FlushClass::ack);
    EXPECT_EQ(another.written(ends(0, 1), kUnsynced, awaited).sync, Sync::now);
  }
}

TEST(Replica, TheLazyRoundSyncsWhatNobodyWaitedFor) {
  Replica replica(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kNobody).sync, Sync::soon);
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::now);
}

TEST(Replica, OneSyncRunsAtATimeAndGathersTheNext) {
  Replica replica(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_EQ(replica.written(ends(0, 2), kUnsynced, kReader).sync, Sync::none);
  EXPECT_EQ(replica.written(ends(0, 3), kUnsynced, kReader).sync, Sync::none);
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::none);
  replica.sync_ended(ends(1, 3));
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kNobody).sync, Sync::now) << "it was promised to what came meanwhile";
  replica.sync_began();
  replica.sync_ended(ends(3, 3));
  EXPECT_EQ(replica.sync_goes_on(kAllSynced, kNobody).sync, Sync::none);
}

TEST(Replica, ASyncThatEndsGoesOnOnlyForWhoWaits) {
  Replica replica(ends(0, 0), FlushClass::async);
  replica.sync_began();
  replica.sync_ended(ends(1, 2));
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kReader).sync, Sync::none) << "on an async topic readers need no disk";
  EXPECT_EQ(replica.sync_goes_on(kUnsynced, kFlush).sync, Sync::now);
}

TEST(Replica, AnAsyncTopicIsSyncedByTimeOrWhenAsked) {
  Replica replica(ends(0, 0), FlushClass::async);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::by_time);
  EXPECT_EQ(replica.sync_is_wanted(kUnsynced).sync, Sync::now);
}

TEST(Replica, AnotherSyncCountsAsWellAndEndsNone) {
  Replica replica(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_TRUE(replica.synced(ends(1, 1)).readers);
  EXPECT_TRUE(replica.is_syncing());
}

TEST(Replica, ASyncThatFoundNoDescriptorIsTriedAgain) {
  Replica replica(ends(0, 0), FlushClass::ack);
  EXPECT_EQ(replica.written(ends(0, 1), kUnsynced, kReader).sync, Sync::now);
  replica.sync_began();
  EXPECT_EQ(replica.sync_refused().sync, Sync::soon);
  EXPECT_EQ(replica.high_watermark(), Offset{0});
  EXPECT_EQ(replica.sync_is_due(kUnsynced).sync, Sync::now);
}

TEST(Replica, WhatWasReadableStaysSoWhenTheTopicBecomesFlushAck) {
  Replica replica(ends(5, 9), FlushClass::async);
  const Effects effects = replica.flush_class_changed(FlushClass::ack, kUnsynced);
  EXPECT_EQ(effects.sync, Sync::now);
  EXPECT_FALSE(effects.readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
  EXPECT_TRUE(replica.flush_class_changed(FlushClass::async, kUnsynced).sync == Sync::none);
}

TEST(Replica, WhatIsWrittenIsReadableOnceTheTopicBecomesAsync) {
  Replica replica(ends(5, 5), FlushClass::ack);
  EXPECT_FALSE(replica.written(ends(5, 9), kUnsynced, kNobody).readers);
  EXPECT_TRUE(replica.flush_class_changed(FlushClass::async, kUnsynced).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{9});
}

TEST(Replica, TheHighWatermarkIsWhatEveryMemberHas) {
  Replica replica(ends(10, 10), FlushClass::async);
  EXPECT_FALSE(replica.isr_changed(std::array{kFirst, kSecond}).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{10}) << "who comes new does not take back what was readable";
  EXPECT_FALSE(replica.written(ends(10, 20), kUnsynced, kNobody).readers);
  EXPECT_FALSE(replica.fetched_by(kFirst, Offset{20}, Offset{0}).readers);
  EXPECT_TRUE(replica.fetched_by(kSecond, Offset{15}, Offset{0}).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{15});
  (void)replica.written(ends(10, 30), kUnsynced, kNobody);
  (void)replica.fetched_by(kSecond, Offset{30}, Offset{0});
  EXPECT_FALSE(replica.fetched_by(kSecond, Offset{22}, Offset{0}).readers) << "an older fetch that comes late";
  EXPECT_TRUE(replica.fetched_by(kFirst, Offset{25}, Offset{0}).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{25});
  EXPECT_TRUE(replica.isr_changed(std::array{kSecond}).readers) << "the slow one left";
  EXPECT_EQ(replica.high_watermark(), Offset{30});
  EXPECT_FALSE(replica.fetched_by(kFirst, Offset{0}, Offset{0}).readers) << "no member any more";
}

TEST(Replica, OnAFlushAckTopicAMembersDiskCountsAndNotItsPageCache) {
  Replica replica(ends(10, 10), FlushClass::ack);
  (void)replica.isr_changed(std::array{kFirst});
  (void)replica.written(ends(10, 20), kUnsynced, kReader);
  replica.sync_began();
  EXPECT_FALSE(replica.fetched_by(kFirst, Offset{20}, Offset{12}).readers);
  EXPECT_TRUE(replica.sync_ended(ends(20, 20)).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{12});
}

TEST(Replica, WhoStaysInTheIsrKeepsWhatIsKnownOfIt) {
  Replica replica(ends(0, 0), FlushClass::async);
  (void)replica.isr_changed(std::array{kFirst});
  (void)replica.written(ends(0, 20), kUnsynced, kNobody);
  (void)replica.fetched_by(kFirst, Offset{20}, Offset{0});
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  (void)replica.isr_changed(std::array{kFirst, kSecond});
  (void)replica.written(ends(0, 30), kUnsynced, kNobody);
  (void)replica.fetched_by(kFirst, Offset{30}, Offset{0});
  EXPECT_EQ(replica.high_watermark(), Offset{20});
  EXPECT_TRUE(replica.fetched_by(kSecond, Offset{25}, Offset{0}).readers);
  EXPECT_EQ(replica.high_watermark(), Offset{25});
}

/// A log, a disk and followers that a random life moves forward, and what it knows of them without the Replica.
struct Life {
  explicit Life(std::uint32_t seed) : random(seed) {}
  int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(random); }
  [[nodiscard]] Ends now() const { return ends(synced, written, log_end); }
  [[nodiscard]] bool is_unsynced() const { return synced < written; }

  std::minstd_rand random;
  int synced = 0, written = 0, log_end = 0, covered = 0;
  std::array<int, 2> fetched{}, flushed{};
};

TEST(Replica, RandomLivesNeverShowWhatNotAllHaveAndNeverForgetToSync) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    Life life(seed);
    FlushClass flush_class = life.below(2) == 0 ? FlushClass::ack : FlushClass::async;
    Replica replica(life.now(), flush_class);
    std::array<bool, 2> is_member{};
    Offset before = replica.high_watermark();
    bool is_waiting = false;
    bool is_promised = false;  // a lazy round
    const auto obey = [&](const Effects& effects) {
      EXPECT_EQ(effects.readers, replica.high_watermark() > before);
      before = replica.high_watermark();
      is_promised = is_promised || effects.sync == Sync::soon;
      if (effects.sync != Sync::now) return;
      ASSERT_FALSE(replica.is_syncing());
      replica.sync_began();
      life.covered = life.written;
    };
    for (int step = 0; step < 300; ++step) {
      switch (life.below(8)) {
        case 0:
        case 1:
          life.log_end += 1 + life.below(3);
          life.written = life.log_end;
          obey(replica.written(life.now(), life.is_unsynced(), {.synced = is_waiting}));
          break;
        case 2:
        case 3:
          if (!replica.is_syncing()) break;
          life.synced = life.covered;
          obey(replica.sync_ended(life.now()));
          if (life.synced == life.written) is_waiting = false;
          obey(replica.sync_goes_on(life.is_unsynced(), {.synced = is_waiting}));
          break;
        case 4:
          is_waiting = life.is_unsynced();
          obey(replica.sync_is_wanted(life.is_unsynced()));
          break;
        case 5: {
          const auto who = static_cast<std::size_t>(life.below(2));
          life.fetched[who] += life.below(life.written - life.fetched[who] + 1);
          life.flushed[who] += life.below(life.fetched[who] - life.flushed[who] + 1);
          if (!is_member[who]) {
            (void)replica.fetched_by(BrokerId{static_cast<std::int32_t>(who) + 2}, Offset{life.fetched[who]},
                                     Offset{life.flushed[who]});
            break;
          }
          obey(replica.fetched_by(BrokerId{static_cast<std::int32_t>(who) + 2}, Offset{life.fetched[who]},
                                  Offset{life.flushed[who]}));
          break;
        }
        case 6: {
          const auto who = static_cast<std::size_t>(life.below(2));
          is_member[who] = !is_member[who];
          std::vector<BrokerId> others;
          for (std::size_t i = 0; i < 2; ++i)
            if (is_member[i]) others.emplace_back(static_cast<std::int32_t>(i) + 2);
          obey(replica.isr_changed(others));
          break;
        }
        default:
          is_promised = false;
          obey(replica.sync_is_due(life.is_unsynced()));
      }
      // Nothing that somebody waits for, or that a flush=ack topic took, is left without a sync that runs or will.
      if (life.is_unsynced() && (is_waiting || flush_class == FlushClass::ack))
        EXPECT_TRUE(replica.is_syncing() || is_promised) << "seed " << seed << ", step " << step;
      const auto has = [&](int synced, int fetched) { return flush_class == FlushClass::ack ? synced : fetched; };
      if (replica.high_watermark() > Offset{has(life.synced, life.written)}) FAIL() << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace mq::replication
