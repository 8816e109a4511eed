#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace mq::posix {

/// Writes lines to a descriptor that nobody may be reading: a terminal that was stopped, a pipe whose reader hangs, a
/// file on a disk that does not answer. Whoever has something to say never waits for that.
///
/// What the descriptor takes at once is written at once, in the caller's thread. The rest waits for a thread of our
/// own, started when it is needed first; at most kQueuedBytesMax wait, what comes on top is dropped and counted. The
/// mode of the descriptor, which other processes share, stays as it is. Safe from every thread.
class LineWriter {
 public:
  static constexpr std::size_t kQueuedBytesMax = 256 << 10;
  /// How long the end of the process waits for a reader.
  static constexpr Duration kPatience = 1s;

  /// Whether a regular file is written in the caller's thread, which waits for its disk.
  enum class Files { at_once, by_the_thread };
  /// The line, with its end, that tells how many were dropped; written once there is room again.
  using TellDropped = std::function<std::string(std::uint64_t lines)>;

  /// `fd` stays open and is the caller's.
  LineWriter(int fd, Files files, TellDropped tell_dropped);
  /// Waits for kPatience at most for what was said to be written.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Whole lines, or a part of a terminal's line. A write that fails loses its text.
  void write(std::string_view text);
  /// True once all that was said is written or dropped.
  bool flush(Duration patience);
  /// Lines, since the beginning.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Parts;
  static void run(const std::shared_ptr<Parts>& parts);

  /// Also the thread's: it may hang in a write when this goes.
  std::shared_ptr<Parts> parts_;
};

/// From now on MQ_ASSERT, and an exception that nobody catches, first wait a moment for every LineWriter, so that what
/// led there is told, and then say why the process aborts, if standard error takes it.
void tell_last_words_without_waiting();

}  // namespace mq::posix
