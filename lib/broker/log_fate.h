#pragma once

namespace mq::broker {

/// What a directory that has the name of a log is, judged by the topic id in it.
enum class DirectoryIs {
  absent,
  of_this_log,
  unreadable,     ///< its `partition.metadata` is missing or damaged
  of_a_withheld,  ///< or may be: of a topic that metadata has, and cannot read
  of_a_deleted,   ///< metadata has a tombstone for its topic
  of_elsewhere,   ///< metadata has its log, on other brokers
  of_an_unknown,  ///< metadata knows nothing of its topic, or has it under another name
};

/// What metadata and the disk say of the log of one name.
struct LogFacts {
  bool is_wanted = false;  ///< metadata has a log of this name here
  DirectoryIs directory = DirectoryIs::absent;
  bool has_slot = false;         ///< in `mq-synced-ends`, under the id of the log that is wanted: it was here once
  bool are_slots_whole = false;  ///< nothing is missing in that file: a log without a slot was never answered for
};

/// What becomes of them.
struct LogFate {
  enum class Directory { stays, set_aside, removed };
  enum class Log {
    none,
    opened,
    made,  ///< not made yet: the first of this log that is on this disk
    lost   ///< it was here, or may have been: made anew, after the last offset that we know of, in a new leader epoch
  };
  Directory directory = Directory::stays;
  Log log = Log::none;
  friend bool operator==(const LogFate&, const LogFate&) = default;
};

/// No record that metadata does not name is ever removed (C-9), nothing acknowledged is given to other records
/// silently, and a topic that was committed when the broker died is made at the next start.
[[nodiscard]] constexpr LogFate fate_of(const LogFacts& facts) {
  LogFate fate;
  if (facts.directory == DirectoryIs::of_a_deleted) fate.directory = LogFate::Directory::removed;
  const bool is_strange =
      facts.directory == DirectoryIs::of_an_unknown || (facts.directory == DirectoryIs::unreadable && !facts.is_wanted);
  if (is_strange) fate.directory = LogFate::Directory::set_aside;
  if (!facts.is_wanted) return fate;
  // One that cannot be read may be ours: opening it makes `partition.metadata` anew.
  if (facts.directory == DirectoryIs::of_this_log || facts.directory == DirectoryIs::unreadable) {
    fate.log = LogFate::Log::opened;
  } else {
    const bool was_never_here = facts.are_slots_whole && !facts.has_slot;
    fate.log = was_never_here ? LogFate::Log::made : LogFate::Log::lost;
  }
  return fate;
}

}  // namespace mq::broker
