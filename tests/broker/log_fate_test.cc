#include "broker/log_fate.h"

#include <gtest/gtest.h>

namespace mq::broker {
namespace {

using Directory = LogFate::Directory;
using Log = LogFate::Log;

struct Row {
  bool is_wanted;
  DirectoryIs directory;
  bool has_slot;
  bool are_slots_whole;
  LogFate fate;
};

// Every case that a start may find.
constexpr Row kRows[] = {
    // Metadata names no log of this name.
    {false, DirectoryIs::absent, false, true, {Directory::stays, Log::none}},
    {false, DirectoryIs::absent, false, false, {Directory::stays, Log::none}},
    {false, DirectoryIs::unreadable, false, true, {Directory::set_aside, Log::none}},
    {false, DirectoryIs::unreadable, false, false, {Directory::set_aside, Log::none}},
    {false, DirectoryIs::of_a_deleted, false, true, {Directory::removed, Log::none}},
    {false, DirectoryIs::of_a_deleted, false, false, {Directory::removed, Log::none}},
    {false, DirectoryIs::of_an_unknown, false, true, {Directory::set_aside, Log::none}},
    {false, DirectoryIs::of_an_unknown, false, false, {Directory::set_aside, Log::none}},
    // Of a topic that metadata has and cannot read, so it may be wanted: nothing is touched.
    {false, DirectoryIs::of_a_withheld, false, true, {Directory::stays, Log::none}},
    {false, DirectoryIs::of_a_withheld, true, true, {Directory::stays, Log::none}},
    {false, DirectoryIs::of_a_withheld, false, false, {Directory::stays, Log::none}},
    {false, DirectoryIs::of_a_withheld, true, false, {Directory::stays, Log::none}},
    // Moved to other brokers: nothing here is lost, and it may come back.
    {false, DirectoryIs::of_elsewhere, true, true, {Directory::stays, Log::none}},
    {false, DirectoryIs::of_elsewhere, false, false, {Directory::stays, Log::none}},
    // Its log is there.
    {true, DirectoryIs::of_this_log, true, true, {Directory::stays, Log::opened}},
    {true, DirectoryIs::of_this_log, false, true, {Directory::stays, Log::opened}},
    {true, DirectoryIs::of_this_log, true, false, {Directory::stays, Log::opened}},
    {true, DirectoryIs::of_this_log, false, false, {Directory::stays, Log::opened}},
    {true, DirectoryIs::unreadable, true, true, {Directory::stays, Log::opened}},
    {true, DirectoryIs::unreadable, false, true, {Directory::stays, Log::opened}},
    {true, DirectoryIs::unreadable, true, false, {Directory::stays, Log::opened}},
    {true, DirectoryIs::unreadable, false, false, {Directory::stays, Log::opened}},
    // Nothing is there.
    {true, DirectoryIs::absent, false, true, {Directory::stays, Log::made}},
    {true, DirectoryIs::absent, true, true, {Directory::stays, Log::lost}},
    {true, DirectoryIs::absent, false, false, {Directory::stays, Log::lost}},
    {true, DirectoryIs::absent, true, false, {Directory::stays, Log::lost}},
    // Another log is there.
    {true, DirectoryIs::of_a_deleted, false, true, {Directory::removed, Log::made}},
    {true, DirectoryIs::of_a_deleted, true, true, {Directory::removed, Log::lost}},
    {true, DirectoryIs::of_a_deleted, false, false, {Directory::removed, Log::lost}},
    {true, DirectoryIs::of_a_deleted, true, false, {Directory::removed, Log::lost}},
    {true, DirectoryIs::of_an_unknown, false, true, {Directory::set_aside, Log::made}},
    {true, DirectoryIs::of_an_unknown, true, true, {Directory::set_aside, Log::lost}},
    {true, DirectoryIs::of_an_unknown, false, false, {Directory::set_aside, Log::lost}},
    {true, DirectoryIs::of_an_unknown, true, false, {Directory::set_aside, Log::lost}},
};

TEST(LogFate, OfEveryCase) {
  for (const Row& row : kRows) {
    const LogFate fate = fate_of({.is_wanted = row.is_wanted,
                                  .directory = row.directory,
                                  .has_slot = row.has_slot,
                                  .are_slots_whole = row.are_slots_whole});
    EXPECT_EQ(fate, row.fate) << "row " << &row - kRows;
  }
}

TEST(LogFate, OnlyWhatATombstoneNamesIsEverRemoved) {
  for (const Row& row : kRows)
    EXPECT_EQ(row.fate.directory == Directory::removed, row.directory == DirectoryIs::of_a_deleted);
}

}  // namespace
}  // namespace mq::broker
