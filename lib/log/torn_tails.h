#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/recovery_report.h"
#include "log/segment_files.h"
#include "model/ids.h"

namespace mq::log {

class Segment;

/// Bytes that recovery found behind the last batch of a segment, and whole segments behind that. They are kept beside
/// as `*.cut` and then cut, which needs room on the disk: without any they stay where they are, out of sight, and
/// nothing may be appended meanwhile. Not thread-safe.
class TornTails {
 public:
  struct Torn {
    std::shared_ptr<Segment> segment;
    std::vector<std::shared_ptr<Segment>> followers = {};  ///< of no set any more; they are set aside whole
    std::uint64_t position = 0;                            ///< the bytes, up to `whole`
    std::uint64_t whole = 0;
    Offset end;             ///< of the offsets before it
    std::string_view what;  ///< a constant
  };

  explicit TornTails(SegmentFiles names) : names_(std::move(names)) {}

  [[nodiscard]] bool empty() const { return torn_.empty(); }
  /// Hides the tail, and cuts it now if there is room.
  [[nodiscard]] Result<void> add(Torn torn, RecoveryReport& report);
  /// Cuts what is left. Before anything is appended, and before the log may be called clean. Durable on return.
  [[nodiscard]] Result<void> cut(RecoveryReport& report);
  /// Renames a whole segment that belongs to no log to a `*.cut`, or removes it when it is empty.
  [[nodiscard]] Result<void> set_aside(const Segment& segment, RecoveryReport& report) const;

 private:
  Result<void> cut_tail(Torn& torn, RecoveryReport& report) const;
  /// A path that no file has yet, for what is cut off `segment` at `position`.
  [[nodiscard]] Result<std::string> free_path(const Segment& segment, std::uint64_t position) const;

  SegmentFiles names_;
  std::vector<Torn> torn_;
};

}  // namespace mq::log
