#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/segment.h"
#include "log/segment_files.h"
#include "model/ids.h"
#include "record/batch.h"

namespace mq::log {

/// The segments of one log in the order of their offsets: the last one is appended to.
///
/// Each segment always knows what its neighbours say of its offsets. Segments that leave the set are renamed to
/// `*.deleted`; what waits for its removal stands here, too. Not thread-safe. Keeps a reference to `files`.
class SegmentSet {
 public:
  using List = std::vector<std::shared_ptr<Segment>>;

  SegmentSet(env::Files& files, std::shared_ptr<const std::string> directory) : names_(files, std::move(directory)) {}

  [[nodiscard]] const SegmentFiles& names() const { return names_; }

  // --- Looking ------------------------------------------------------------------------------------------------------
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  [[nodiscard]] List::const_iterator begin() const { return list_.begin(); }
  [[nodiscard]] List::const_iterator end() const { return list_.end(); }
  [[nodiscard]] const std::shared_ptr<Segment>& operator[](std::size_t index) const { return list_[index]; }
  [[nodiscard]] const std::shared_ptr<Segment>& front() const { return list_.front(); }
  [[nodiscard]] const std::shared_ptr<Segment>& back() const { return list_.back(); }
  [[nodiscard]] bool is_last(std::size_t index) const { return index + 1 == list_.size(); }
  /// Of the segment that `offset` belongs into; 0 for what is below the first.
  [[nodiscard]] std::size_t index_of(Offset offset) const;
  /// The one that begins with `base`; null: none does.
  [[nodiscard]] std::shared_ptr<Segment> find(Offset base) const;
  /// Where the next one begins; for the last one `log_end`.
  [[nodiscard]] Offset end_of(std::size_t index, Offset log_end) const {
    return is_last(index) ? log_end : list_[index + 1]->base_offset();
  }
  /// Where the first one begins, at most `log_start`, which may lie in it; `log_start` without any.
  [[nodiscard]] Offset begin_or(Offset log_start) const {
    return list_.empty() ? log_start : std::min(log_start, list_.front()->base_offset());
  }
  [[nodiscard]] std::uint64_t size_bytes() const;
  [[nodiscard]] bool has_open_files() const;
  /// Compaction has left gaps between offsets below, if anywhere; elsewhere they are damage.
  [[nodiscard]] Offset gaps_end() const { return gaps_end_; }
  [[nodiscard]] bool may_have_gaps(Offset offset) const { return offset < gaps_end_; }
  void set_gaps_end(Offset end);

  /// Calls `each` with the header of every batch that begins in [from, to), stepping over damage.
  [[nodiscard]] Result<void> replay(Offset from, Offset to, const LogConfig& config,
                                    const std::function<void(const record::BatchHeader&)>& each) const;

  // --- More of them -------------------------------------------------------------------------------------------------
  /// Puts another one behind the last: `size` bytes are in its file already; 0: it begins now, its file is made later.
  const std::shared_ptr<Segment>& add(Offset base, std::uint64_t size);
  /// Ends the last one, whose file may not have a name yet, and puts a new one behind it. Its file comes first: an
  /// error that `is_passing` has changed nothing. disk_failed: final.
  [[nodiscard]] Result<void> roll(Offset base, const LogConfig& config);

  /// The one at `index` ends here, or, with nothing, where the next one begins, and is told so. Touches no file.
  void set_end_max(std::size_t index, std::optional<Offset> end);

  // --- Fewer --------------------------------------------------------------------------------------------------------
  /// Retires `count` at the front, or as many as go before an error. The last one stays.
  [[nodiscard]] Result<void> retire_front(std::size_t count, Instant due);
  [[nodiscard]] Result<void> retire_back(Instant due);
  /// Takes those from `index` on out of the set; their files stay as they are.
  [[nodiscard]] List take_from(std::size_t index);
  /// `fresh` takes the places of `count` ones from `index` on, whose files are gone already.
  void replace(std::size_t index, std::size_t count, std::shared_ptr<Segment> fresh);

  // --- Retired files ------------------------------------------------------------------------------------------------
  [[nodiscard]] Result<void> retire_files(Offset base, Instant due);
  void note_retired(std::string path, Instant due) { retired_.push_back({due, std::move(path)}); }
  /// The paths of those that are due; nobody else removes them.
  [[nodiscard]] std::vector<std::string> take_due(Instant now);
  /// Instant::never() when nothing waits.
  [[nodiscard]] Instant next_due() const;

  void check_invariants() const;

 private:
  struct Retired {
    Instant due;
    std::string path;
  };
  void changed();
  void grown();  ///< by one at the end
  void give_rules(std::size_t index);

  SegmentFiles names_;
  List list_;
  Offset gaps_end_{0};
  std::vector<Retired> retired_;
};

/// It takes no more batches. What does not reach its indexes waits in memory for the next checkpoint.
[[nodiscard]] Result<void> seal(Segment& segment);

}  // namespace mq::log
