#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "model/ids.h"

namespace mq::mqctl {

/// A batch, or a record of a compacted log, as one replica has it.
struct LogItem {
  Offset first;
  Offset next;               ///< behind it
  std::uint32_t digest = 0;  ///< of all its bytes
};

/// Where a replica's log is not as another one's is.
struct Difference {
  enum class Kind : std::uint8_t { differs, lacks, has_more };
  std::size_t copy = 0;
  std::size_t other = 0;  ///< that it was compared with
  Kind kind = Kind::differs;
  Offset first;
  Offset next;
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// Compares what the replicas of one partition hold, a stretch at a time, with the first of them that can be read: the
/// leader's comes first.
class Copies {
 public:
  /// `is_compacted`: what one replica has and another has not was compacted away there, or is yet to be here.
  Copies(std::size_t count, bool is_compacted) : copies_(count), is_compacted_(is_compacted) {}

  /// The next items of a copy, in order; it was read up to `read_to`.
  void add(std::size_t copy, const LogItem& item) { copies_[copy].items.push_back(item); }
  void read_to(std::size_t copy, Offset end) { copies_[copy].end = end; }
  /// A copy of which no more comes.
  void give_up(std::size_t copy) { copies_[copy].is_given_up = true; }
  /// Up to where all copies were read that are not given up.
  [[nodiscard]] Offset common_end() const;
  /// Compares everything below that, and forgets it. Neighbours with one difference are one.
  [[nodiscard]] std::vector<Difference> compare();

 private:
  struct Copy {
    std::deque<LogItem> items;
    Offset end{0};
    bool is_given_up = false;
  };
  [[nodiscard]] std::vector<LogItem> take_below(Copy& copy, Offset end) const;

  std::vector<Copy> copies_;
  bool is_compacted_;
};

}  // namespace mq::mqctl
