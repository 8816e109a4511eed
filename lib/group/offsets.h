#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "group/committed_offsets.h"
#include "group/deleted_topics.h"
#include "group/step.h"
#include "model/ids.h"
#include "wire/messages/offset_fetch.h"

namespace mq::group {

/// The offsets of one group: those that are committed, and by partition what is on its way into the log. Does not know
/// who may commit: that is the business of the group's members.
///
/// What is committed changes in the order of the log, when an append has ended well, and is seen only then (G-2).
/// Neither copied nor moved: appends in progress know where it is.
class Offsets {
 public:
  Offsets() = default;
  Offsets(const Offsets&) = delete;
  Offsets& operator=(const Offsets&) = delete;

  // As it was written.

  void restore(const TopicPartition& partition, CommittedOffset offset);
  void restore_erased(const TopicPartition& partition) { committed_.erase(partition); }

  [[nodiscard]] const CommittedOffsets& committed() const { return committed_; }
  [[nodiscard]] bool has_appends() const { return !in_progress_.empty(); }
  [[nodiscard]] bool is_empty() const { return committed_.empty() && !has_appends(); }
  /// Whether there is something to erase, if only behind a commit that is on its way.
  [[nodiscard]] bool knows(const TopicPartition& partition) const;
  /// All partitions that it knows.
  [[nodiscard]] std::vector<TopicPartition> known() const;

  /// What is committed for these topics, or is on its way, is found by nobody any more, and tombstones are appended for
  /// it: again with what expires when they cannot be written now (G-6).
  void topics_deleted(Step& step, const DeletedTopics& deleted);
  /// Answers `token` when all is written, or at once when nothing of it may be.
  void commit(Step& step, RequestToken token, const wire::OffsetCommitRequest& request);
  /// Appends tombstones, in as many batches as they need; `last` goes at the end of the last one, and `then` goes on
  /// when that has ended.
  void erase(Step& step, std::vector<TopicPartition> partitions, std::vector<Record> last, Step::Then then);

  using FetchedPartition = wire::OffsetFetchResponse::OffsetFetchResponsePartitions;
  /// With `require_stable` a partition that is being committed to is answered with UNSTABLE_OFFSET_COMMIT.
  [[nodiscard]] FetchedPartition fetch(const TopicPartition& partition, bool require_stable) const;

  /// Since when nobody needs an offset of a topic that was committed at this time; nothing: somebody may.
  using UnneededSince = std::function<std::optional<WallMillis>(std::string_view topic, WallMillis committed_at)>;
  /// What was not needed for so long that it is to be erased.
  [[nodiscard]] std::vector<TopicPartition> expired(WallMillis now, Duration retention,
                                                    const UnneededSince& unneeded_since) const;

  /// In memory, with what is on its way.
  [[nodiscard]] std::size_t bytes() const { return committed_.bytes() + growth_; }
  void check_invariants() const;

 private:
  struct Commit;

  void erase_some(Step& step, std::vector<TopicPartition> partitions, std::vector<Record> last, Step::Then then);
  void begin(const std::vector<TopicPartition>& partitions);
  void end(const std::vector<TopicPartition>& partitions);
  void begin(const Commit& commit);
  void end(Commit& commit);
  [[nodiscard]] std::size_t growth_with(const Commit& commit) const;

  /// Appends that touch a partition.
  struct InProgress {
    struct OneCommit {
      Uuid topic_id;
      bool is_of_deleted_topic = false;
    };
    int count = 0;
    std::deque<OneCommit> commits;  ///< those among them, in the order of the log
  };

  CommittedOffsets committed_;
  std::map<TopicPartition, InProgress> in_progress_;
  std::size_t growth_ = 0;  ///< by how much these will make `committed_` grow, at most
};

}  // namespace mq::group
