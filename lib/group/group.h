#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "group/classic.h"
#include "group/offsets.h"
#include "group/step.h"

namespace mq::group {

/// One group: its offsets, and the protocol by which its members share the work. What one part wants to know of the
/// other, and what is asked of every group, goes through here: so here alone is seen which kind of protocol it is.
/// There is one, the classic.
class Group {
 public:
  Group(std::string id, WallMillis wall) : id_(std::move(id)), classic_(wall) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] Classic& classic() { return classic_; }
  [[nodiscard]] const Classic& classic() const { return classic_; }
  [[nodiscard]] Offsets& offsets() { return offsets_; }
  [[nodiscard]] const Offsets& offsets() const { return offsets_; }

  /// Kafka's word for what kind of group it is.
  [[nodiscard]] std::string_view type() const { return "classic"; }
  [[nodiscard]] std::string_view state_name() const { return name_of(classic_.state()); }

  // Its life.

  /// Its records are all read.
  void loaded(Step& step) { classic_.loaded(step); }
  /// Does what is due by now.
  void time_passed(Step& step) { classic_.time_passed(step); }
  /// When `time_passed` may have something to do, not later.
  [[nodiscard]] Instant deadline() const { return classic_.deadline(); }
  /// Whoever waits is told that another coordinator takes over.
  void end_requests(Step& step) { classic_.end_requests(step); }

  // Requests for offsets that the members have a say in.

  /// What a commit is refused with, if it is.
  [[nodiscard]] std::optional<ErrorCode> commit_problem(const wire::OffsetCommitRequest& request) const {
    return classic_.commit_problem(request);
  }
  /// There is no problem with it.
  void commit_offsets(Step& step, RequestToken token, const wire::OffsetCommitRequest& request);
  void delete_offsets(Step& step, RequestToken token, const wire::OffsetDeleteRequest& request);
  /// All of the group; answered with the DeletableGroupResult of a DeleteGroups request.
  void remove(Step& step, RequestToken token);

  /// Erases offsets that nobody has needed for as long as they are kept, and the group when nothing else is left.
  void expire_offsets(Step& step);
  void topics_deleted(Step& step, const DeletedTopics& deleted) { offsets_.topics_deleted(step, deleted); }

  /// Something is kept of it, or is on its way into the log.
  [[nodiscard]] bool is_in_use() const { return classic_.is_in_use() || !offsets_.is_empty(); }
  [[nodiscard]] bool has_appends() const { return classic_.has_appends() || offsets_.has_appends(); }
  /// All of it, in memory.
  [[nodiscard]] std::size_t bytes() const;
  void check_invariants() const;

 private:
  /// Erases offsets and what the log has of the group itself.
  void erase_with_group(Step& step, std::vector<TopicPartition> partitions, Step::Then then);

  std::string id_;
  Classic classic_;
  Offsets offsets_;
};

}  // namespace mq::group
