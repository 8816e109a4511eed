#include "log/durability.h"

#include <gtest/gtest.h>

#include "seeds.h"
#include "sim/machine/scheduler.h"

namespace mq::log {
namespace {

using Outcome = Durability::Outcome;

Durability with_batches(std::int64_t count) {
  Durability log;
  for (std::int64_t end = 1; end <= count; ++end) log.on_append(Offset{0}, Offset{end}, 100);
  return log;
}

TEST(Durability, WhatComesDuringARoundWaitsForTheNext) {
  Durability log = with_batches(3);
  const SyncRound round = log.begin_sync();
  EXPECT_EQ(round.covers_to, Offset{3});
  EXPECT_EQ(round.segments, std::vector<Offset>{Offset{0}});
  log.on_append(Offset{0}, Offset{4}, 100);
  log.end_sync(Outcome::done);
  EXPECT_EQ(log.synced(), Offset{3});
  EXPECT_TRUE(log.needs_sync());
  EXPECT_EQ(log.recovery_point(), Offset{0});
}

TEST(Durability, ARoundThatWasPutOffLeavesAllToBeSynced) {
  Durability log = with_batches(3);
  log.on_name();
  (void)log.begin_sync();
  log.end_sync(Outcome::put_off);
  EXPECT_EQ(log.synced(), Offset{0});
  const SyncRound again = log.begin_sync();
  EXPECT_EQ(again.segments, std::vector<Offset>{Offset{0}});
  EXPECT_TRUE(again.names);
}

TEST(Durability, AStartThatPassesWhatIsNotOnDiskPutsNothingThere) {
  Durability log = with_batches(10);
  log.on_start(Offset{7}, Offset{0});
  EXPECT_EQ(log.synced(), Offset{7}) << "nobody may read what is below";
  EXPECT_EQ(log.on_disk(), Offset{0}) << "the next start may find the log as it began before";
  (void)log.begin_sync();
  log.end_sync(Outcome::done);
  EXPECT_EQ(log.on_disk(), Offset{10});
}

TEST(Durability, AFailedRoundIsFinal) {
  Durability log = with_batches(3);
  (void)log.begin_sync();
  log.end_sync(Outcome::failed);
  EXPECT_TRUE(log.failed());
  EXPECT_EQ(log.synced(), Offset{0});
}

TEST(Durability, ARoundFromBeforeATruncationClaimsNothingOfWhatTookThePlace) {
  Durability log = with_batches(10);
  (void)log.begin_sync();
  log.on_truncate(Offset{0}, Offset{4});
  for (std::int64_t end = 5; end <= 12; ++end) log.on_append(Offset{0}, Offset{end}, 100);
  log.end_sync(Outcome::done);
  EXPECT_EQ(log.synced(), Offset{4});
  EXPECT_EQ(log.unsynced_cut(), Offset{0});
  (void)log.begin_sync();
  log.end_sync(Outcome::done);
  EXPECT_EQ(log.synced(), Offset{12});
  EXPECT_FALSE(log.unsynced_cut());
}

TEST(Durability, ACheckpointCoversWhatItBeganWith) {
  Durability log = with_batches(3);
  log.on_seal(Offset{0});
  log.on_append(Offset{3}, Offset{4}, 100);
  EXPECT_TRUE(log.is_checkpoint_due(false));
  const SaveRound save = log.begin_checkpoint();
  EXPECT_EQ(save.sealed, std::vector<Offset>{Offset{0}});
  log.on_append(Offset{3}, Offset{5}, 100);
  log.end_checkpoint(Outcome::done);
  EXPECT_EQ(log.recovery_point(), Offset{4});
  EXPECT_EQ(log.synced(), Offset{4});
  EXPECT_FALSE(log.is_unsynced(Offset{0}));
  EXPECT_TRUE(log.is_unsynced(Offset{3}));
  EXPECT_FALSE(log.is_checkpoint_due(false));
  EXPECT_TRUE(log.is_checkpoint_due(true));
}

TEST(Durability, ACheckpointThatFoundNoRoomIsDueAgain) {
  Durability log = with_batches(3);
  log.on_seal(Offset{0});
  log.on_epochs();
  EXPECT_TRUE(log.begin_checkpoint().epochs);
  log.end_checkpoint(Outcome::put_off);
  EXPECT_EQ(log.recovery_point(), Offset{0});
  EXPECT_TRUE(log.is_checkpoint_due(false));
  EXPECT_TRUE(log.begin_checkpoint().epochs);
}

TEST(Durability, AnIdleLogIsSavedForLittle) {
  Durability log = with_batches(1);
  EXPECT_FALSE(log.is_checkpoint_due(false));
  log.want_checkpoint();
  EXPECT_TRUE(log.is_checkpoint_due(false));
}

TEST(Durability, AStartThatMovesTakesTheOtherEndsAlong) {
  Durability log = with_batches(5);
  log.on_seal(Offset{0});
  log.on_append(Offset{5}, Offset{6}, 100);
  log.on_start(Offset{5}, Offset{5});
  EXPECT_EQ(log.recovery_point(), Offset{5});
  EXPECT_EQ(log.synced(), Offset{5});
  EXPECT_TRUE(log.unsaved().empty());
  EXPECT_FALSE(log.is_unsynced(Offset{0}));
}

/// Whatever comes in whatever order, the ends stay in theirs, and no synced end is claimed that no round has covered.
TEST(Durability, RandomEventsKeepTheEndsInOrder) {
  for (const std::uint64_t seed : seeds(200)) {
    SCOPED_TRACE(seed);
    sim::Scheduler scheduler(seed);
    const auto below = [&](std::int64_t bound) {
      return static_cast<std::int64_t>(scheduler.rng().below(static_cast<std::uint64_t>(bound)));
    };
    Durability log;
    Offset segment{0};
    Offset covered{0};  // what rounds and checkpoints that ended well began with, and no truncation lowered
    Offset syncing{0};
    Offset saving{0};
    for (int step = 0; step < 300; ++step) {
      switch (below(9)) {
        case 0:
          if (!log.is_syncing() && log.needs_sync()) syncing = log.begin_sync().covers_to;
          break;
        case 1:
          if (!log.is_syncing()) break;
          if (below(3) == 0) {
            log.end_sync(Outcome::put_off);
          } else {
            log.end_sync(Outcome::done);
            covered = std::max(covered, syncing);
          }
          break;
        case 2:
          if (log.is_checkpoint_due(true)) saving = log.begin_checkpoint().covers_to;
          break;
        case 3:
          if (!log.is_saving()) break;
          log.end_checkpoint(Outcome::done);
          covered = std::max(covered, saving);
          break;
        case 4:
          if (log.end() == segment) break;
          log.on_seal(segment);
          segment = log.end();
          break;
        case 5: {
          if (log.is_saving()) break;
          const Offset end{segment.value() + below(log.end().value() - segment.value() + 1)};
          if (end < log.start()) break;
          log.on_truncate(segment, end);
          covered = std::min(covered, end);
          syncing = std::min(syncing, end);
          break;
        }
        case 6: {
          const Offset start{log.start().value() + below(log.synced().value() - log.start().value() + 1)};
          log.on_start(start, Offset{0});
          break;
        }
        default:
          if (log.unsynced_cut()) log.on_cut_synced();
          log.on_append(segment, Offset{log.end().value() + 1 + below(3)}, 100);
      }
      log.check_invariants();
      ASSERT_LE(log.synced(), covered);
    }
  }
}

}  // namespace
}  // namespace mq::log
